use core::fmt;

/// The type of a frame (RFC 6455 §5.2).
///
/// The ten other values of the four bits are reserved and rejected, so the enum is exhaustive.
///
/// ```
/// use protocol_websocket_frame::OpCode;
///
/// assert_eq!(OpCode::from_bits(0x9), Some(OpCode::Ping));
/// assert_eq!(OpCode::Ping.to_string(), "ping");
/// assert!(OpCode::Ping.is_control() && !OpCode::Text.is_control());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OpCode {
    /// A fragment of the message in progress, but not its first.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The closing handshake (§5.5.1).
    Close = 0x8,
    /// A ping (§5.5.2).
    Ping = 0x9,
    /// A pong: the response to a ping, or an unsolicited heartbeat (§5.5.3).
    Pong = 0xA,
}

impl OpCode {
    /// Returns the opcode with these four bits, or `None` if they are reserved.
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

    /// Returns the four bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Returns whether it is Close, Ping or Pong. Control frames have at most 125 bytes of payload, are never fragmented, and
    /// may be sent between fragments (§5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

/// Shows the lower-case name: `continuation`, `text`, `binary`, `close`, `ping` or `pong`.
impl fmt::Display for OpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_six_of_sixteen_values() {
        let defined: Vec<u8> = (0..=255).filter(|&bits| OpCode::from_bits(bits).is_some()).collect();
        assert_eq!(defined, [0, 1, 2, 8, 9, 10]);
        for bits in defined {
            assert_eq!(OpCode::from_bits(bits).map(OpCode::bits), Some(bits));
        }
    }

    #[test]
    fn highest_bit_marks_control_frames() {
        let control: Vec<OpCode> = (0..16).filter_map(OpCode::from_bits).filter(|opcode| opcode.is_control()).collect();
        assert_eq!(control, [OpCode::Close, OpCode::Ping, OpCode::Pong]);
    }
}
