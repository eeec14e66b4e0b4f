//! The state of the message in progress: fragment order, fragment count, total length, pending UTF-8.

use crate::flags::Utf8State;
use crate::{CloseCode, DecodeError, FrameHeader, Limits, OpCode, Utf8Validator};

/// What earlier frames and earlier bytes of a payload require of the next bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct MessageState {
    kind: Kind,
    /// Frames of the message in progress.
    fragments: u32,
    /// Bytes of the message in progress, by its headers.
    total: u64,
    text: Utf8Validator,
    /// The payload in progress, or what is left of it after the last part, began between two characters.
    is_aligned: bool,
}

/// The part of a payload that was not checked before.
pub(super) struct NewBytes {
    /// Its first byte. 0 means that the payload, or what is left of it after the last part, begins here.
    pub(super) from: usize,
    /// It is known to be ASCII.
    pub(super) is_ascii: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Between two messages.
    #[default]
    None,
    /// In a message that is binary, or whose text an extension has to decode first.
    Data,
    /// In a text message.
    Text,
}

impl MessageState {
    /// Whether no message is in progress.
    #[inline]
    pub(super) const fn is_between(&self) -> bool {
        matches!(self.kind, Kind::None)
    }

    /// Checks a header against the frames before it.
    pub(super) fn check_header(&self, header: &FrameHeader, limits: &Limits) -> Result<(), DecodeError> {
        match (header.opcode, self.kind) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# An endpoint MUST be capable of handling control frames in the middle of a fragmented
            //# message.
            (OpCode::Close | OpCode::Ping | OpCode::Pong, _) => {
                // A close code takes two bytes.
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
        let (fragments, total) = self.with(header);
        // A frame that is not the last one needs another frame.
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

    /// Records a frame whose header was checked.
    pub(super) fn record_fragment(&mut self, header: &FrameHeader) {
        match header.opcode {
            OpCode::Close | OpCode::Ping | OpCode::Pong => return,
            OpCode::Text if header.rsv.is_none() => *self = Self { kind: Kind::Text, ..Self::default() },
            OpCode::Text | OpCode::Binary => *self = Self { kind: Kind::Data, ..Self::default() },
            OpCode::Continuation => {}
        }
        (self.fragments, self.total) = self.with(header);
    }

    /// The count of fragments and their total length, with a further data frame.
    fn with(&self, header: &FrameHeader) -> (u32, u64) {
        let (fragments, total) = match header.opcode {
            OpCode::Continuation => (self.fragments, self.total),
            _ => (0, 0),
        };
        (fragments.saturating_add(1), total.saturating_add(header.len))
    }

    /// Checks the `new` bytes of an unmasked payload. `ends` means that the frame ends with them.
    ///
    /// Returns what is known of the payload as text.
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

/// Checks as much of a Close payload as arrived: the code, and the reason up to its first invalid byte.
///
/// The reason is checked again when more of it arrives, which is at most 123 bytes.
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
