//! The common case: a message in one frame that is all there.

use crate::DecodeError;
use crate::frame::{Frame, Text};
use crate::input::Input;
use crate::mask::xor;
use crate::rules::Rules;
use crate::utf8::is_utf8;
use crate::{OpCode, Rsv};

/// Where it is, by one look at its first eight bytes. Nothing has to be remembered, before it or after it.
pub(crate) struct Whole {
    opcode: OpCode,
    key: Option<[u8; 4]>,
    head: usize,
    len: usize,
}

impl Whole {
    /// Finds one between two messages. All else, and all that breaks a rule, is `None`: the long way says what it is.
    #[inline]
    pub(crate) fn find(rules: &Rules, input: &[u8]) -> Option<Self> {
        let start = u64::from_le_bytes(*input.first_chunk()?);
        let [first, second, len_1, len_0, ..] = start.to_le_bytes();
        let opcode = match first {
            0x81 => OpCode::Text,
            0x82 => OpCode::Binary,
            _ => return None,
        };
        let (len, key_at) = match second & 0x7F {
            126 => (u16::from_be_bytes([len_1, len_0]), 4),
            127 => return None,
            len => (u16::from(len), 2),
        };
        let is_masked = second & 0x80 != 0;
        let is_minimal = key_at == 2 || len > 125;
        if !is_minimal || !rules.admits_mask(is_masked) || !rules.limits.admit(u64::from(len)) {
            return None;
        }
        let [key @ .., _, _, _, _] = (start >> (8 * key_at)).to_le_bytes();
        let (head, len) = (if is_masked { key_at + 4 } else { key_at }, usize::from(len));
        (len <= input.len() - head).then_some(Self { opcode, key: is_masked.then_some(key), head, len })
    }

    /// Unmasks, checks and takes it.
    ///
    /// # Errors
    ///
    /// For text that is none.
    #[inline]
    pub(crate) fn take<I: Input>(self, input: &mut I) -> Result<Frame<I::Payload>, DecodeError> {
        let Self { opcode, key, head, len } = self;
        let payload = input.bytes().get_mut(head..head + len).unwrap_or_default();
        let is_ascii = key.is_some_and(|key| xor(payload, key));
        let text = match opcode {
            OpCode::Text if is_ascii || is_utf8(payload) => Text::Whole,
            OpCode::Text => return Err(DecodeError::InvalidUtf8),
            _ => Text::Unchecked,
        };
        Ok(Frame::decoded(opcode, true, Rsv::NONE, text, input.take(head, len)))
    }
}
