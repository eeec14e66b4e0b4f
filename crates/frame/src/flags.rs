//! The flags of a frame, and the state of its payload as text, in one machine word.

use crate::{OpCode, Rsv};

/// The parts of a frame other than its payload: the first byte of its header and, in higher bits, its [`Utf8State`].
///
/// They are in one word because frames are moved often. A load of a word that was just stored byte by byte stalls the
/// processor, for longer than all other work on a short frame takes.
#[derive(Clone, Copy)]
pub(crate) struct Flags(u64);

/// The result of a decoder's UTF-8 check of a payload. Each state implies the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Utf8State {
    /// The payload was not checked.
    Unknown,
    /// The payload is valid UTF-8 as a continuation of the message so far. It may begin or end inside a character.
    ValidInContext,
    /// The payload is valid UTF-8 on its own. It was checked after the caller lost write access.
    Valid,
}

const FIN: u64 = 0x80;
const RSV: u64 = 0x70;
const OPCODE: u64 = 0x0F;
const VALID_IN_CONTEXT: u64 = 0x100;
const VALID: u64 = 0x200;

impl Flags {
    #[inline]
    pub(crate) const fn new(opcode: OpCode, fin: bool, rsv: Rsv, utf8: Utf8State) -> Self {
        Self(opcode.bits() as u64 | rsv.bits() as u64).with_fin(fin).with_utf8(utf8)
    }

    #[inline]
    pub(crate) const fn opcode(self) -> OpCode {
        // `new` stores only these six values.
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
    pub(crate) const fn utf8(self) -> Utf8State {
        match self.0 & (VALID_IN_CONTEXT | VALID) {
            0 => Utf8State::Unknown,
            VALID_IN_CONTEXT => Utf8State::ValidInContext,
            _ => Utf8State::Valid,
        }
    }

    /// Returns the first byte of the frame header (RFC 6455 §5.2).
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
    pub(crate) const fn with_utf8(self, utf8: Utf8State) -> Self {
        let utf8 = match utf8 {
            Utf8State::Unknown => 0,
            Utf8State::ValidInContext => VALID_IN_CONTEXT,
            Utf8State::Valid => VALID,
        };
        Self(self.0 & (FIN | RSV | OPCODE) | utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roundtrips_all_flags() {
        for opcode in (0..16).filter_map(OpCode::from_bits) {
            for rsv in (0..8).map(|bits| Rsv::from_bits(bits << 4)) {
                for utf8 in [Utf8State::Unknown, Utf8State::ValidInContext, Utf8State::Valid] {
                    for fin in [false, true] {
                        let read = |flags: Flags| (flags.opcode(), flags.fin(), flags.rsv(), flags.utf8());
                        let flags = Flags::new(opcode, fin, rsv, utf8);
                        assert_eq!(read(flags), (opcode, fin, rsv, utf8));
                        assert_eq!(flags.first_byte(), opcode.bits() | rsv.bits() | if fin { 0x80 } else { 0 });
                        assert_eq!(flags.is_control(), opcode.is_control());
                        assert_eq!(read(flags.with_fin(!fin)), (opcode, !fin, rsv, utf8));
                        assert_eq!(read(flags.with_rsv(Rsv::RSV2)), (opcode, fin, Rsv::RSV2, utf8));
                        assert_eq!(
                            read(flags.with_utf8(Utf8State::ValidInContext)),
                            (opcode, fin, rsv, Utf8State::ValidInContext)
                        );
                    }
                }
            }
        }
    }
}
