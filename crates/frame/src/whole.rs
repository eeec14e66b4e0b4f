//! The common case: a message in one frame that is all there.

use bytes::BytesMut;

use crate::flags::{Flags, Text};
use crate::input::Input;
use crate::length::Found;
use crate::mask::xor;
use crate::rules::Rules;
use crate::utf8::is_utf8;
use crate::{Message, OpCode, Rsv, Utf8Bytes};

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

    /// Unmasks it in place. Says whether it is what it has to be: UTF-8, if it is text.
    #[inline]
    pub(crate) fn unmask(&self, input: &mut [u8]) -> bool {
        let payload = input.get_mut(self.head..self.head + self.len).unwrap_or_default();
        let is_ascii = self.key.is_some_and(|key| xor(payload, key));
        is_ascii || self.opcode != OpCode::Text || is_utf8(payload)
    }

    #[inline]
    pub(crate) fn found(self) -> Found {
        let text = if self.opcode == OpCode::Text { Text::Whole } else { Text::Unchecked };
        Found { head: self.head, len: self.len, flags: Flags::new(self.opcode, true, Rsv::NONE, text) }
    }

    #[inline]
    pub(crate) fn take_message(self, input: &mut BytesMut) -> Message {
        let payload = input.take(self.head, self.len);
        if self.opcode == OpCode::Text {
            Message::Text(Utf8Bytes::from_validated(payload))
        } else {
            Message::Binary(payload)
        }
    }
}
