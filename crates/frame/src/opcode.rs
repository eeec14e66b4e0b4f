/// What a frame carries (RFC 6455 §5.2).
///
/// The ten other values of the four bits are reserved and refused, so the enum is exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpCode {
    /// The next fragment of the message that is under way.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The closing handshake (§5.5.1).
    Close = 0x8,
    /// A question whether the peer is there (§5.5.2).
    Ping = 0x9,
    /// The answer to a ping, or an unasked sign of life (§5.5.3).
    Pong = 0xA,
}

impl OpCode {
    /// The opcode with these four bits, if they are not reserved.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// The four bits on the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Whether it is Close, Ping or Pong: at most 125 bytes, never fragmented, allowed between fragments (§5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_of_sixteen_values_are_defined() {
        let defined: Vec<u8> = (0..=255).filter(|&bits| OpCode::from_bits(bits).is_some()).collect();
        assert_eq!(defined, [0, 1, 2, 8, 9, 10]);
        for bits in defined {
            assert_eq!(OpCode::from_bits(bits).map(OpCode::bits), Some(bits));
        }
    }

    #[test]
    fn the_high_bit_makes_a_control_frame() {
        let control: Vec<OpCode> = (0..16).filter_map(OpCode::from_bits).filter(|opcode| opcode.is_control()).collect();
        assert_eq!(control, [OpCode::Close, OpCode::Ping, OpCode::Pong]);
    }
}
