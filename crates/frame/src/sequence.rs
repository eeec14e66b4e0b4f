use crate::flags::Text;
use crate::{CloseCode, DecodeError, FrameHeader, Limits, OpCode, Utf8Validator};

/// What the frames so far leave to the next one: the order of fragments, the sums over a message, and text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequence {
    state: State,
    /// Frames of the message under way.
    fragments: u32,
    /// Bytes of the message under way, by their headers.
    total: u64,
    text: Utf8Validator,
    /// The reason of a Close whose payload has not come whole.
    reason: Utf8Validator,
    /// Whether the payload under way is text by itself: it began between two characters, and nothing of it could be
    /// written to after it was checked.
    is_whole: bool,
}

/// What of a payload at hand was not checked before.
pub(crate) struct Fresh {
    /// Where it begins.
    pub(crate) from: usize,
    /// It is the beginning of the payload, or of what is left of it after the parts that were handed out.
    pub(crate) is_first: bool,
    /// It is known to be ASCII.
    pub(crate) is_ascii: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// In a message that is not text, or not yet: an extension has to undo its work first.
    InData,
    /// In a text message.
    InText,
}

impl Sequence {
    /// Whether no message is under way.
    #[inline]
    pub(crate) const fn is_between(&self) -> bool {
        matches!(self.state, State::Between)
    }

    /// Checks a head against the frames before it.
    pub(crate) fn admit(&mut self, header: &FrameHeader, limits: &Limits) -> Result<(), DecodeError> {
        match (header.opcode, self.state) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# An endpoint MUST be capable of handling control frames in the middle of a fragmented
            //# message.
            (OpCode::Close | OpCode::Ping | OpCode::Pong, _) => {
                // A Close of one byte has no room for the code that it begins with.
                let too_short = header.opcode == OpCode::Close && header.len == 1;
                return if too_short { Err(DecodeError::CloseTooShort) } else { Ok(()) };
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# The fragments of one message MUST NOT be interleaved between the
            //# fragments of another message unless an extension has been
            //# negotiated that can interpret the interleaving.
            (OpCode::Text | OpCode::Binary, State::InData | State::InText) => {
                return Err(DecodeError::DataInsideMessage);
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
            //# the type for all fragments in a message MUST be either text, binary, or one of the
            //# reserved opcodes.
            (OpCode::Continuation, State::Between) => return Err(DecodeError::OrphanContinuation),
            (OpCode::Text, State::Between) if header.rsv.is_none() => *self = Self::begin(State::InText),
            (OpCode::Text | OpCode::Binary, State::Between) => *self = Self::begin(State::InData),
            (OpCode::Continuation, State::InData | State::InText) => {}
        }
        self.fragments = self.fragments.saturating_add(1);
        // One that is not the last needs room for another.
        if self.fragments.saturating_add(u32::from(!header.fin)) > limits.max_fragments {
            return Err(DecodeError::TooManyFragments);
        }
        self.total = self.total.saturating_add(header.len);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.4
        //# MUST protect themselves against exceeding those limits.
        if self.total > limits.max_message {
            return Err(DecodeError::MessageTooLong);
        }
        Ok(())
    }

    /// Checks the unmasked payload at hand, or what of it is `fresh`; `ends` says that the frame ends with it. Says what
    /// is known of it as text.
    pub(crate) fn check(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        fresh: Fresh,
        ends: bool,
    ) -> Result<Text, DecodeError> {
        match header.opcode {
            OpCode::Ping | OpCode::Pong => return Ok(Text::Unchecked),
            OpCode::Close => return self.check_close(payload, fresh.from, ends).map(|()| Text::Unchecked),
            OpCode::Continuation | OpCode::Text | OpCode::Binary => {}
        }
        let mut text = Text::Unchecked;
        let message_ends = ends && header.fin;
        if self.state == State::InText {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-8.1
            //# When an endpoint is to interpret a byte stream as UTF-8 but finds
            //# that the byte stream is not, in fact, a valid UTF-8 stream, that
            //# endpoint MUST _Fail the WebSocket Connection_.
            self.is_whole = match fresh.from {
                0 if fresh.is_first => self.text.is_complete(),
                0 => self.is_whole,
                // What came before was the caller's to write to since it was checked.
                _ => false,
            };
            if !(fresh.is_ascii && self.text.is_complete()) {
                let bytes = payload.get(fresh.from..).unwrap_or_default();
                self.text.push(bytes).map_err(|_| DecodeError::InvalidUtf8)?;
            }
            if message_ends && !self.text.is_complete() {
                return Err(DecodeError::InvalidUtf8);
            }
            text = if self.is_whole && self.text.is_complete() { Text::Whole } else { Text::Checked };
        }
        if message_ends {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Subsequent data frames MUST be interpreted as belonging to a new WebSocket message.
            self.state = State::Between;
        }
        Ok(text)
    }

    /// Checks as much as has come of a Close: the code once it is there, the reason at its first bad byte. The first
    /// `checked` bytes were checked before.
    fn check_close(&mut self, payload: &[u8], checked: usize, ends: bool) -> Result<(), DecodeError> {
        let Some((&code, reason)) = payload.split_first_chunk() else { return Ok(()) };
        let fresh = match checked.checked_sub(size_of_val(&code)) {
            Some(checked) => reason.get(checked..).unwrap_or_default(),
            None => {
                let code = CloseCode(u16::from_be_bytes(code));
                if !code.is_sendable() {
                    return Err(DecodeError::CloseCode(code.0));
                }
                self.reason = Utf8Validator::new();
                reason
            }
        };
        self.reason.push(fresh).map_err(|_| DecodeError::InvalidUtf8)?;
        if ends && !self.reason.is_complete() {
            return Err(DecodeError::InvalidUtf8);
        }
        Ok(())
    }

    const fn begin(state: State) -> Self {
        let (text, reason) = (Utf8Validator::new(), Utf8Validator::new());
        Self { state, fragments: 0, total: 0, text, reason, is_whole: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rsv;

    fn header(opcode: OpCode, len: u64) -> FrameHeader {
        FrameHeader { fin: false, rsv: Rsv::NONE, opcode, mask: None, len }
    }

    #[test]
    fn a_sum_does_not_wrap() {
        let (mut sequence, limits) = (Sequence::default(), Limits::new(u64::MAX - 1));
        let longest = u64::MAX >> 1;
        assert_eq!(sequence.admit(&header(OpCode::Binary, longest), &limits), Ok(()));
        assert_eq!(sequence.admit(&header(OpCode::Continuation, longest), &limits), Ok(()));
        let third = header(OpCode::Continuation, longest);
        assert_eq!(sequence.admit(&third, &limits), Err(DecodeError::MessageTooLong));
    }

    #[test]
    fn a_count_does_not_wrap() {
        let mut sequence = Sequence { state: State::InData, fragments: u32::MAX, ..Sequence::default() };
        let next = header(OpCode::Continuation, 0);
        assert_eq!(sequence.clone().admit(&next, &Limits::NONE), Ok(()));
        let limits = Limits::NONE.max_fragments(u32::MAX - 1);
        assert_eq!(sequence.admit(&next, &limits), Err(DecodeError::TooManyFragments));
    }
}
