use crate::{OpCode, Rsv};

/// All of a frame but its payload: the first byte of its head, and above it what is known of its text.
///
/// In one word, because a frame is moved more often than it is looked at: bytes that are written one by one and then read
/// as one word stall the processor, for longer than everything else takes in a short frame.
#[derive(Clone, Copy)]
pub(crate) struct Flags(u64);

/// What the decoder knows of a payload as text. Each is more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Text {
    /// Nothing.
    Unchecked,
    /// It was right where it stood, behind what came before it: it may begin and end inside a character.
    Checked,
    /// It is UTF-8 by itself: this very payload was looked at, and nobody could write to it since.
    Whole,
}

const FIN: u64 = 0x80;
const RSV: u64 = 0x70;
const OPCODE: u64 = 0x0F;
const CHECKED: u64 = 0x100;
const WHOLE: u64 = 0x200;

impl Flags {
    #[inline]
    pub(crate) const fn new(opcode: OpCode, fin: bool, rsv: Rsv, text: Text) -> Self {
        Self(opcode.bits() as u64 | rsv.bits() as u64).with_fin(fin).with_text(text)
    }

    #[inline]
    pub(crate) const fn opcode(self) -> OpCode {
        // Nothing else is ever put in.
        match self.0 & OPCODE {
            0x0 => OpCode::Continuation,
            0x1 => OpCode::Text,
            0x2 => OpCode::Binary,
            0x8 => OpCode::Close,
            0x9 => OpCode::Ping,
            _ => OpCode::Pong,
        }
    }

    #[inline]
    pub(crate) const fn is_control(self) -> bool {
        self.0 & 0x8 != 0
    }

    #[inline]
    pub(crate) const fn fin(self) -> bool {
        self.0 & FIN != 0
    }

    #[inline]
    pub(crate) const fn rsv(self) -> Rsv {
        Rsv::from_bits(self.first_byte())
    }

    #[inline]
    pub(crate) const fn text(self) -> Text {
        match self.0 & (CHECKED | WHOLE) {
            0 => Text::Unchecked,
            CHECKED => Text::Checked,
            _ => Text::Whole,
        }
    }

    /// The first byte of the frame's head (RFC 6455 §5.2).
    #[inline]
    pub(crate) const fn first_byte(self) -> u8 {
        let [first, ..] = self.0.to_le_bytes();
        first
    }

    #[inline]
    pub(crate) const fn with_fin(self, fin: bool) -> Self {
        Self(if fin { self.0 | FIN } else { self.0 & !FIN })
    }

    #[inline]
    pub(crate) const fn with_rsv(self, rsv: Rsv) -> Self {
        Self(self.0 & !RSV | rsv.bits() as u64)
    }

    #[inline]
    pub(crate) const fn with_text(self, text: Text) -> Self {
        let text = match text {
            Text::Unchecked => 0,
            Text::Checked => CHECKED,
            Text::Whole => WHOLE,
        };
        Self(self.0 & (FIN | RSV | OPCODE) | text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out() {
        for opcode in (0..16).filter_map(OpCode::from_bits) {
            for rsv in (0..8).map(|bits| Rsv::from_bits(bits << 4)) {
                for text in [Text::Unchecked, Text::Checked, Text::Whole] {
                    for fin in [false, true] {
                        let read = |flags: Flags| (flags.opcode(), flags.fin(), flags.rsv(), flags.text());
                        let flags = Flags::new(opcode, fin, rsv, text);
                        assert_eq!(read(flags), (opcode, fin, rsv, text));
                        assert_eq!(flags.first_byte(), opcode.bits() | rsv.bits() | if fin { 0x80 } else { 0 });
                        assert_eq!(flags.is_control(), opcode.is_control());
                        assert_eq!(read(flags.with_fin(!fin)), (opcode, !fin, rsv, text));
                        assert_eq!(read(flags.with_rsv(Rsv::RSV2)), (opcode, fin, Rsv::RSV2, text));
                        assert_eq!(read(flags.with_text(Text::Checked)), (opcode, fin, rsv, Text::Checked));
                    }
                }
            }
        }
    }
}
