//! The most frequent case: the input begins with a complete message in one frame, and no other message is in progress.
//!
//! One load of the first eight bytes contains FIN, the reserved bits, the opcode, a length of up to 16 bits and the masking
//! key. No state is needed for such a frame, so neither the phase nor the message state changes. The slow path decodes all
//! other frames and finds all errors except invalid UTF-8 in such a frame. It would return the same for the frames that
//! the fast path decodes.

use bytes::BytesMut;

use super::input::Input;
use crate::decoder_options::DecoderOptions;
use crate::flags::{Flags, Utf8State};
use crate::mask::xor;
use crate::utf8::{is_short_ascii, is_utf8};
use crate::{Frame, LentMessage, Message, MessageKind, OpCode, Rsv, Utf8Bytes};

/// The position of the message in the input, with the fields of its header.
pub(super) struct FastPath {
    opcode: OpCode,
    key: Option<[u8; 4]>,
    /// The length of the header.
    start: usize,
    /// The length of the payload.
    len: usize,
}

impl FastPath {
    /// Finds a message at the front of `input`. The caller has checked that no message is in progress. Returns `None` for any
    /// other frame, for an invalid header, for a payload over the limit or of 64 KiB and more, and for fewer than eight
    /// bytes of input.
    #[inline(always)]
    pub(super) fn find(options: &DecoderOptions, input: &[u8]) -> Option<Self> {
        let word = u64::from_le_bytes(*input.first_chunk()?);
        let [first, second, len_1, len_0, ..] = word.to_le_bytes();
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
        if !is_minimal || !options.mask_policy.allows(is_masked) || !options.limits.allows_message(u64::from(len)) {
            return None;
        }
        let [key @ .., _, _, _, _] = (word >> (8 * key_at)).to_le_bytes();
        let (start, len) = (if is_masked { key_at + 4 } else { key_at }, usize::from(len));
        (len <= input.len() - start).then_some(Self { opcode, key: is_masked.then_some(key), start, len })
    }

    /// Unmasks the payload in place. Returns false if it is text and invalid UTF-8.
    #[inline(always)]
    pub(super) fn unmask(&self, input: &mut [u8]) -> bool {
        let payload = input.get_mut(self.start..self.start + self.len).unwrap_or_default();
        debug_assert_eq!(payload.len(), self.len, "the payload must be complete in the input");
        let is_ascii = match self.key {
            Some(key) => xor(payload, key),
            None => self.opcode == OpCode::Text && is_short_ascii(payload),
        };
        is_ascii || self.opcode != OpCode::Text || is_utf8(payload)
    }

    /// Removes the frame from the input and returns it, after [`unmask`](Self::unmask) has returned true.
    #[inline(always)]
    pub(super) fn take_frame<I: Input>(self, input: &mut I) -> Frame<I::Payload> {
        let utf8 = if self.opcode == OpCode::Text { Utf8State::Valid } else { Utf8State::Unknown };
        Frame::from_flags(Flags::new(self.opcode, true, Rsv::NONE, utf8), input.take(self.start, self.len))
    }

    /// Removes the message from the input and returns it, after [`unmask`](Self::unmask) has returned true.
    #[inline(always)]
    pub(super) fn take_message(self, input: &mut BytesMut) -> Message {
        let payload = input.take(self.start, self.len);
        if self.opcode == OpCode::Text {
            Message::Text(Utf8Bytes::from_validated(payload))
        } else {
            Message::Binary(payload)
        }
    }

    /// Removes the message from the input and returns it borrowed, after [`unmask`](Self::unmask) has returned true.
    #[inline(always)]
    pub(super) fn lend_message<'a>(self, input: &mut &'a mut [u8]) -> LentMessage<'a> {
        let kind = if self.opcode == OpCode::Text { MessageKind::Text } else { MessageKind::Binary };
        LentMessage::from_validated(kind, input.take(self.start, self.len))
    }
}
