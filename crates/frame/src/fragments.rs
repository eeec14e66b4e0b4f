use crate::{EncodeError, Frame, MessageKind, OpCode, Part, Utf8Validator};

/// Parts in, frames out: sends a message in pieces and refuses an order that the peer would refuse (RFC 6455 §5.4).
///
/// ```
/// use bytes::Bytes;
/// use protocol_websocket_frame::{EncodeError, Fragmenter, Frame, MessageKind, Part};
///
/// let mut fragments = Fragmenter::new();
/// let part = |bytes, first, last| Part { kind: MessageKind::Text, bytes: Bytes::from_static(bytes), first, last };
/// assert_eq!(fragments.frame(part(b"Hel", true, false))?, Frame::text("Hel").with_fin(false));
/// assert_eq!(fragments.frame(part(b"new", true, true)), Err(EncodeError::PartOutOfOrder));
/// assert_eq!(fragments.frame(part(b"lo", false, true))?, Frame::continuation("lo"));
/// # Ok::<_, EncodeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fragmenter {
    open: Option<(MessageKind, Utf8Validator)>,
}

impl Fragmenter {
    /// A writer between messages.
    #[must_use]
    pub const fn new() -> Self {
        Self { open: None }
    }

    /// Whether a message is under way: only its next part may be sent, and control frames.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The frame that carries `part`.
    ///
    /// # Errors
    ///
    /// A part that does not follow the one before it, or that is of another kind; parts of text that are not UTF-8
    /// together. The message under way stays as it was, so that a right part can follow.
    pub fn frame(&mut self, part: Part) -> Result<Frame, EncodeError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
        //# Message fragments MUST be delivered to the recipient in the order sent by the sender.
        let mut text = match self.open {
            None if part.first => Utf8Validator::new(),
            Some((kind, text)) if !part.first && kind == part.kind => text,
            _ => return Err(EncodeError::PartOutOfOrder),
        };
        if part.kind == MessageKind::Text {
            text.push(&part.bytes).map_err(|_| EncodeError::InvalidUtf8)?;
            if part.last && !text.is_complete() {
                return Err(EncodeError::InvalidUtf8);
            }
        }
        self.open = (!part.last).then_some((part.kind, text));
        let frame =
            if part.first { Frame::new(part.kind.opcode(), part.bytes) } else { Frame::continuation(part.bytes) };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
        //# The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1
        Ok(frame.with_fin(part.last))
    }

    /// Takes note of a data frame that was made elsewhere and is sent as it is. The text of a message that begins with
    /// reserved bits is not checked: it is what an extension made of it.
    ///
    /// # Errors
    ///
    /// As [`frame`](Self::frame). For a control frame too, which belongs to no message.
    pub fn admit(&mut self, frame: &Frame) -> Result<(), EncodeError> {
        let kind = match (frame.opcode(), self.open) {
            (OpCode::Text, _) if frame.rsv().is_none() => MessageKind::Text,
            (OpCode::Text | OpCode::Binary, _) => MessageKind::Binary,
            (OpCode::Continuation, Some((kind, _))) => kind,
            _ => return Err(EncodeError::PartOutOfOrder),
        };
        let first = frame.opcode() != OpCode::Continuation;
        let part = Part { kind, bytes: frame.payload().clone(), first, last: frame.fin() };
        self.frame(part).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rsv;
    use bytes::Bytes;

    fn part(kind: MessageKind, bytes: &'static [u8], first: bool, last: bool) -> Part {
        Part { kind, bytes: Bytes::from_static(bytes), first, last }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //# The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1
    #[test]
    fn parts_become_fragments() {
        let mut fragments = Fragmenter::new();
        assert_eq!(
            fragments.frame(part(MessageKind::Binary, b"a", true, false)),
            Ok(Frame::binary("a").with_fin(false))
        );
        assert!(fragments.is_open());
        assert_eq!(
            fragments.frame(part(MessageKind::Binary, b"", false, false)),
            Ok(Frame::continuation("").with_fin(false))
        );
        assert_eq!(fragments.frame(part(MessageKind::Binary, b"b", false, true)), Ok(Frame::continuation("b")));
        assert!(!fragments.is_open());
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
    //# Message fragments MUST be delivered to the recipient in the order sent by the sender.
    #[test]
    fn an_illegal_order_is_refused_and_forgotten() {
        let mut fragments = Fragmenter::new();
        let refused = Err(EncodeError::PartOutOfOrder);
        assert_eq!(fragments.frame(part(MessageKind::Text, b"x", false, true)), refused);
        fragments.frame(part(MessageKind::Text, b"a", true, false)).unwrap();
        assert_eq!(fragments.frame(part(MessageKind::Text, b"x", true, true)), refused);
        assert_eq!(fragments.frame(part(MessageKind::Binary, b"x", false, true)), refused);
        assert_eq!(fragments.frame(part(MessageKind::Text, b"b", false, true)), Ok(Frame::continuation("b")));
    }

    #[test]
    fn frames_from_elsewhere_keep_the_order_too() {
        let mut fragments = Fragmenter::new();
        let refused = Err(EncodeError::PartOutOfOrder);
        assert_eq!(fragments.admit(&Frame::continuation("x")), refused);
        assert_eq!(fragments.admit(&Frame::ping("")), refused);
        assert_eq!(fragments.admit(&Frame::binary("a").with_fin(false)), Ok(()));
        assert_eq!(fragments.admit(&Frame::text("x")), refused);
        assert_eq!(fragments.admit(&Frame::continuation("b")), Ok(()));
        assert!(!fragments.is_open());
    }

    #[test]
    fn text_from_elsewhere_is_checked_unless_an_extension_worked_on_it() {
        let (bad, rest) = (Frame::new(OpCode::Text, &b"\xFF"[..]), Frame::continuation(&b"\xFF"[..]));
        let mut fragments = Fragmenter::new();
        assert_eq!(fragments.admit(&bad), Err(EncodeError::InvalidUtf8));
        assert_eq!(fragments.admit(&bad.with_rsv(Rsv::RSV1).with_fin(false)), Ok(()));
        assert_eq!(fragments.admit(&rest), Ok(()));
        assert_eq!(fragments.admit(&Frame::text("a").with_fin(false)), Ok(()));
        assert_eq!(fragments.admit(&rest), Err(EncodeError::InvalidUtf8));
    }

    #[test]
    fn text_is_checked_across_parts() {
        let mut fragments = Fragmenter::new();
        fragments.frame(part(MessageKind::Text, b"\xC3", true, false)).unwrap();
        assert_eq!(fragments.frame(part(MessageKind::Text, b"x", false, true)), Err(EncodeError::InvalidUtf8));
        assert_eq!(fragments.frame(part(MessageKind::Text, b"", false, true)), Err(EncodeError::InvalidUtf8));
        assert!(fragments.frame(part(MessageKind::Text, b"\xA9", false, true)).is_ok());
    }
}
