//! The state of the message in progress: fragment order, fragment count, total length, pending UTF-8.

mod suspend;

use crate::flags::Utf8State;
use crate::{CloseCode, DecodeError, FrameHeader, Limits, OpCode, Utf8Validator};

/// The state from which the next header and the next bytes of a payload are checked.
#[derive(Clone, Debug, Default)]
pub(super) struct MessageState {
    kind: Kind,
    /// The number of frames of the message in progress, including the current one.
    fragments: u32,
    /// The sum of the lengths in the headers of these frames, in bytes.
    total: u64,
    text: Utf8Validator,
    /// Whether the payload that is returned next begins at a character boundary. With `Delivery::Parts`, this payload is a
    /// part of the frame's payload.
    is_aligned: bool,
}

/// The bytes at the end of a payload that were not checked before.
pub(super) struct NewBytes {
    /// The offset of the first new byte. It is 0 if all bytes of the payload that is returned next are new.
    pub(super) from: usize,
    /// Whether unmasking found that the new bytes are ASCII.
    pub(super) is_ascii: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// No message is in progress.
    #[default]
    None,
    /// A message is in progress that is not checked as text: it is binary, or an extension must decode it first.
    Data,
    /// A text message is in progress.
    Text,
}

impl MessageState {
    /// Returns whether no message is in progress.
    #[inline]
    pub(super) const fn is_between_messages(&self) -> bool {
        matches!(self.kind, Kind::None)
    }

    /// Checks a header against the message in progress and the limits of a message.
    pub(super) fn check_header(&self, header: &FrameHeader, limits: &Limits) -> Result<(), DecodeError> {
        match (header.opcode, self.kind) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# An endpoint MUST be capable of handling control frames in the middle of a fragmented
            //# message.
            (OpCode::Close | OpCode::Ping | OpCode::Pong, _) => {
                // A close code has two bytes.
                let too_short = header.opcode == OpCode::Close && header.len == 1;
                return if too_short { Err(DecodeError::CloseTooShort) } else { Ok(()) };
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# The fragments of one message MUST NOT be interleaved between the
            //# fragments of another message unless an extension has been
            //# negotiated that can interpret the interleaving.
            (OpCode::Text | OpCode::Binary, Kind::Data | Kind::Text) => return Err(DecodeError::DataInsideMessage),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# the type for all fragments in a message MUST be either text, binary, or one of the
            //# reserved opcodes.
            (OpCode::Continuation, Kind::None) => return Err(DecodeError::OrphanContinuation),
            (OpCode::Text | OpCode::Binary, Kind::None) | (OpCode::Continuation, Kind::Data | Kind::Text) => {}
        }
        let (fragments, total) = self.including(header);
        // A frame without FIN is followed by at least one more.
        if fragments.saturating_add(u32::from(!header.fin)) > limits.max_fragments {
            return Err(DecodeError::TooManyFragments);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.4
        //# MUST protect themselves against exceeding those limits.
        if total > limits.max_message {
            return Err(DecodeError::MessageTooLong);
        }
        Ok(())
    }

    /// Updates the state with a header that was checked.
    pub(super) fn record_fragment(&mut self, header: &FrameHeader) {
        match header.opcode {
            OpCode::Close | OpCode::Ping | OpCode::Pong => return,
            OpCode::Text if header.rsv.is_none() => *self = Self { kind: Kind::Text, ..Self::default() },
            OpCode::Text | OpCode::Binary => *self = Self { kind: Kind::Data, ..Self::default() },
            OpCode::Continuation => {}
        }
        (self.fragments, self.total) = self.including(header);
    }

    /// Returns the number of fragments and their total length, including the frame of `header`.
    fn including(&self, header: &FrameHeader) -> (u32, u64) {
        let (fragments, total) = match header.opcode {
            OpCode::Continuation => (self.fragments, self.total),
            _ => (0, 0),
        };
        (fragments.saturating_add(1), total.saturating_add(header.len))
    }

    /// Checks the `new` bytes of an unmasked payload. `ends` is true if they are the last bytes of the frame.
    ///
    /// Returns the state of the whole `payload` as text.
    pub(super) fn check(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        new: NewBytes,
        ends: bool,
    ) -> Result<Utf8State, DecodeError> {
        match header.opcode {
            OpCode::Ping | OpCode::Pong => return Ok(Utf8State::Unknown),
            OpCode::Close => return check_close(payload, ends).map(|()| Utf8State::Unknown),
            OpCode::Continuation | OpCode::Text | OpCode::Binary => {}
        }
        let mut utf8 = Utf8State::Unknown;
        let message_ends = ends && header.fin;
        if self.kind == Kind::Text {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-8.1
            //# When an endpoint is to interpret a byte stream as UTF-8 but finds
            //# that the byte stream is not, in fact, a valid UTF-8 stream, that
            //# endpoint MUST _Fail the WebSocket Connection_.
            if new.from == 0 {
                self.is_aligned = self.text.is_complete();
            }
            if !(new.is_ascii && self.text.is_complete()) {
                let (_, bytes) = payload.split_at(new.from);
                self.text.push(bytes).map_err(|_| DecodeError::InvalidUtf8)?;
            }
            let is_complete = self.text.is_complete();
            if message_ends && !is_complete {
                return Err(DecodeError::InvalidUtf8);
            }
            utf8 = if self.is_aligned && is_complete { Utf8State::Valid } else { Utf8State::ValidInContext };
        }
        if message_ends {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Subsequent data frames MUST be interpreted as belonging to a new WebSocket message.
            self.kind = Kind::None;
        }
        Ok(utf8)
    }
}

/// Checks the bytes of a Close payload that have arrived: the code, and the reason up to its first invalid byte.
///
/// When more bytes arrive, the reason is checked again from its beginning. It has at most 123 bytes, so this is cheap.
fn check_close(payload: &[u8], ends: bool) -> Result<(), DecodeError> {
    let Some((&code, reason)) = payload.split_first_chunk() else { return Ok(()) };
    let code = CloseCode(u16::from_be_bytes(code));
    if !code.is_sendable() {
        return Err(DecodeError::CloseCode(code.0));
    }
    let mut text = Utf8Validator::new();
    text.push(reason).map_err(|_| DecodeError::InvalidUtf8)?;
    if ends && !text.is_complete() { Err(DecodeError::InvalidUtf8) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(opcode: OpCode, len: u64) -> FrameHeader {
        FrameHeader::new(opcode, len).with_fin(false)
    }

    #[test]
    fn total_length_does_not_wrap() {
        let (mut state, limits) = (MessageState::default(), Limits::new(u64::MAX - 1));
        let longest = u64::MAX >> 1;
        for opcode in [OpCode::Binary, OpCode::Continuation] {
            assert_eq!(state.check_header(&header(opcode, longest), &limits), Ok(()));
            state.record_fragment(&header(opcode, longest));
        }
        let third = header(OpCode::Continuation, longest);
        assert_eq!(state.check_header(&third, &limits), Err(DecodeError::MessageTooLong));
    }

    #[test]
    fn fragment_count_does_not_wrap() {
        let mut state = MessageState { kind: Kind::Data, fragments: u32::MAX, ..MessageState::default() };
        let next = header(OpCode::Continuation, 0);
        assert_eq!(state.check_header(&next, &Limits::NONE), Ok(()));
        state.record_fragment(&next);
        let limits = Limits::NONE.max_fragments(u32::MAX - 1);
        assert_eq!(state.check_header(&next, &limits), Err(DecodeError::TooManyFragments));
    }
}
