use crate::flags::{Flags, Utf8State};
use crate::{EncodeError, Frame, MessageKind, OpCode, Part, ResumeError, Rsv, StateReader, StateWriter, Utf8Validator};

/// Turns the parts of a message into frames, and rejects parts out of order (RFC 6455 §5.4).
///
/// ```
/// use bytes::Bytes;
/// use protocol_websocket_frame::{EncodeError, Fragmenter, Frame, MessageKind, Part};
///
/// let mut fragmenter = Fragmenter::new();
/// let part = |text, first, last| Part::new(MessageKind::Text, Bytes::from(text)).with_first(first).with_last(last);
/// assert_eq!(fragmenter.frame(part("Hel", true, false))?, Frame::text("Hel").with_fin(false));
/// assert_eq!(fragmenter.frame(part("new", true, true)), Err(EncodeError::PartOutOfOrder));
/// assert_eq!(fragmenter.frame(part("lo", false, true))?, Frame::continuation("lo"));
/// # Ok::<_, EncodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fragmenter {
    /// The kind of the message in progress, and the validator of its text.
    open: Option<(MessageKind, Utf8Validator)>,
}

impl Fragmenter {
    /// Creates a fragmenter without a message in progress.
    #[must_use]
    pub const fn new() -> Self {
        Self { open: None }
    }

    /// Returns whether a message is in progress. Until its last part, only its next part and control frames may be sent.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Writes the state of the message in progress.
    ///
    /// ```
    /// use protocol_websocket_frame::{Fragmenter, MessageKind, OpCode, Part, StateReader, StateWriter};
    ///
    /// let mut fragmenter = Fragmenter::new();
    /// fragmenter.frame(Part::new(MessageKind::Text, "Hel").with_last(false))?;
    /// let mut state = StateWriter::new();
    /// fragmenter.suspend(&mut state);
    ///
    /// let state = state.into_bytes();
    /// let mut resumed = Fragmenter::resume(&mut StateReader::new(&state))?;
    /// let last = resumed.frame(Part::new(MessageKind::Text, "lo").with_first(false))?;
    /// assert_eq!(last.opcode(), OpCode::Continuation);
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    pub fn suspend(&self, state: &mut StateWriter) {
        match &self.open {
            None => state.byte(0),
            Some((kind, text)) => {
                state.byte(if *kind == MessageKind::Text { 2 } else { 1 });
                state.text(text);
            }
        }
    }

    /// Creates a fragmenter from a state that [`suspend`](Self::suspend) wrote.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] if no fragmenter can be in this state.
    pub fn resume(state: &mut StateReader<'_>) -> Result<Self, ResumeError> {
        let kind = match state.byte()? {
            0 => return Ok(Self::new()),
            1 => MessageKind::Binary,
            2 => MessageKind::Text,
            _ => return Err(ResumeError::Invalid),
        };
        let text = state.text()?;
        let is_valid = kind == MessageKind::Text || text.is_complete();
        if is_valid { Ok(Self { open: Some((kind, text)) }) } else { Err(ResumeError::Invalid) }
    }

    /// Returns the frame for `part`. The payload of the frame is the part's bytes, without a copy.
    ///
    /// ```
    /// use protocol_websocket_frame::{Fragmenter, MessageKind, OpCode, Part};
    ///
    /// let mut fragmenter = Fragmenter::new();
    /// let first = fragmenter.frame(Part::new(MessageKind::Text, "Hel").with_last(false))?;
    /// let last = fragmenter.frame(Part::new(MessageKind::Text, "lo").with_first(false))?;
    /// assert_eq!((first.opcode(), last.opcode()), (OpCode::Text, OpCode::Continuation));
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EncodeError::PartOutOfOrder`] if the part does not follow the previous one or has another kind, and
    /// [`EncodeError::InvalidUtf8`] if the part makes the text invalid. The message in progress is unchanged then, so a
    /// correct part can follow.
    pub fn frame<B: AsRef<[u8]>>(&mut self, part: Part<B>) -> Result<Frame<B>, EncodeError> {
        self.record(part.kind, part.bytes.as_ref(), part.first, part.last)?;
        let opcode = if part.first { part.kind.opcode() } else { OpCode::Continuation };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1
        Ok(Frame::from_flags(Flags::new(opcode, part.last, Rsv::NONE, Utf8State::Unknown), part.bytes))
    }

    /// Records a data frame that the caller created and sends unchanged. The text of a message whose first frame has
    /// reserved bits is not checked, because an extension encoded it.
    ///
    /// ```
    /// use protocol_websocket_frame::{EncodeError, Fragmenter, Frame};
    ///
    /// let mut fragmenter = Fragmenter::new();
    /// fragmenter.record_fragment(&Frame::text("Hel").with_fin(false))?;
    /// assert_eq!(fragmenter.record_fragment(&Frame::text("lo")), Err(EncodeError::PartOutOfOrder));
    /// fragmenter.record_fragment(&Frame::continuation("lo"))?;
    /// assert!(!fragmenter.is_open());
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`frame`](Self::frame). A control frame is [`EncodeError::PartOutOfOrder`], because it is not part of a message.
    pub fn record_fragment<B: AsRef<[u8]>>(&mut self, frame: &Frame<B>) -> Result<(), EncodeError> {
        let kind = match (frame.opcode(), self.open) {
            (OpCode::Text, _) if frame.rsv().is_none() => MessageKind::Text,
            (OpCode::Text | OpCode::Binary, _) => MessageKind::Binary,
            (OpCode::Continuation, Some((kind, _))) => kind,
            _ => return Err(EncodeError::PartOutOfOrder),
        };
        self.record(kind, frame.payload().as_ref(), frame.opcode() != OpCode::Continuation, frame.fin())
    }

    fn record(&mut self, kind: MessageKind, bytes: &[u8], first: bool, last: bool) -> Result<(), EncodeError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# Message fragments MUST be delivered to the recipient in the order sent by the sender.
        let mut text = match self.open {
            None if first => Utf8Validator::new(),
            Some((open, text)) if !first && open == kind => text,
            _ => return Err(EncodeError::PartOutOfOrder),
        };
        if kind == MessageKind::Text {
            text.push(bytes).map_err(|_| EncodeError::InvalidUtf8)?;
            if last && !text.is_complete() {
                return Err(EncodeError::InvalidUtf8);
            }
        }
        self.open = (!last).then_some((kind, text));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn part(kind: MessageKind, bytes: &'static [u8], first: bool, last: bool) -> Part {
        Part::new(kind, Bytes::from_static(bytes)).with_first(first).with_last(last)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1
    #[test]
    fn parts_become_fragments() {
        let mut fragmenter = Fragmenter::new();
        assert_eq!(
            fragmenter.frame(part(MessageKind::Binary, b"a", true, false)),
            Ok(Frame::binary("a").with_fin(false))
        );
        assert!(fragmenter.is_open());
        assert_eq!(
            fragmenter.frame(part(MessageKind::Binary, b"", false, false)),
            Ok(Frame::continuation("").with_fin(false))
        );
        assert_eq!(fragmenter.frame(part(MessageKind::Binary, b"b", false, true)), Ok(Frame::continuation("b")));
        assert!(!fragmenter.is_open());
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //# Message fragments MUST be delivered to the recipient in the order sent by the sender.
    #[test]
    fn rejected_part_leaves_the_message_open() {
        let mut fragmenter = Fragmenter::new();
        let rejected = Err(EncodeError::PartOutOfOrder);
        assert_eq!(fragmenter.frame(part(MessageKind::Text, b"x", false, true)), rejected);
        fragmenter.frame(part(MessageKind::Text, b"a", true, false)).unwrap();
        assert_eq!(fragmenter.frame(part(MessageKind::Text, b"x", true, true)), rejected);
        assert_eq!(fragmenter.frame(part(MessageKind::Binary, b"x", false, true)), rejected);
        assert_eq!(fragmenter.frame(part(MessageKind::Text, b"b", false, true)), Ok(Frame::continuation("b")));
    }

    #[test]
    fn recorded_frames_follow_the_order_of_fragments() {
        let mut fragmenter = Fragmenter::new();
        let rejected = Err(EncodeError::PartOutOfOrder);
        assert_eq!(fragmenter.record_fragment(&Frame::continuation("x")), rejected);
        assert_eq!(fragmenter.record_fragment(&Frame::ping("")), rejected);
        assert_eq!(fragmenter.record_fragment(&Frame::binary("a").with_fin(false)), Ok(()));
        assert_eq!(fragmenter.record_fragment(&Frame::text("x")), rejected);
        assert_eq!(fragmenter.record_fragment(&Frame::continuation("b")), Ok(()));
        assert!(!fragmenter.is_open());
    }

    #[test]
    fn recorded_text_is_checked_without_reserved_bits() {
        let (bad, rest) = (Frame::new(OpCode::Text, &b"\xFF"[..]), Frame::continuation(&b"\xFF"[..]));
        let mut fragmenter = Fragmenter::new();
        assert_eq!(fragmenter.record_fragment(&bad), Err(EncodeError::InvalidUtf8));
        assert_eq!(fragmenter.record_fragment(&bad.with_rsv(Rsv::RSV1).with_fin(false)), Ok(()));
        assert_eq!(fragmenter.record_fragment(&rest), Ok(()));
        assert_eq!(fragmenter.record_fragment(&Frame::text("a").with_fin(false)), Ok(()));
        assert_eq!(fragmenter.record_fragment(&rest), Err(EncodeError::InvalidUtf8));
    }

    #[test]
    fn text_is_checked_across_parts() {
        let mut fragmenter = Fragmenter::new();
        fragmenter.frame(part(MessageKind::Text, b"\xC3", true, false)).unwrap();
        assert_eq!(fragmenter.frame(part(MessageKind::Text, b"x", false, true)), Err(EncodeError::InvalidUtf8));
        assert_eq!(fragmenter.frame(part(MessageKind::Text, b"", false, true)), Err(EncodeError::InvalidUtf8));
        assert!(fragmenter.frame(part(MessageKind::Text, b"\xA9", false, true)).is_ok());
    }
}
