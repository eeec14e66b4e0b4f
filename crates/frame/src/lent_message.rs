//! Received messages that borrow their payload from the input where they can.

use core::fmt;

use crate::utf8::validated;
use crate::{AsMessage, Message, MessageKind, MessageRef, Payload, Utf8Bytes};

/// A received message that borrows its payload from the input where it can.
///
/// A message that arrived in one frame and in one read borrows its payload. A message that was joined or decompressed owns it.
/// In both cases the text was validated, and [`as_text`](Self::as_text) does not check it again.
///
/// ```
/// use protocol_websocket_frame::{LentMessage, Message, MessageKind};
///
/// let lent = LentMessage::from("Hello");
/// assert_eq!((lent.kind(), lent.as_text()), (MessageKind::Text, Some("Hello")));
/// assert_eq!(lent.into_owned(), Message::from("Hello"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LentMessage<'a> {
    kind: KindWord,
    /// Invariant: valid UTF-8 if `kind` is text. Neither `Bytes` nor a shared slice can be written to.
    payload: Payload<'a>,
}

/// A [`MessageKind`] with the size of a machine word.
///
/// With a kind of one byte, the message would have padding, which the compiler copies in words that overlap. A load that spans
/// two recent stores stalls the processor, for longer than the rest of the work on a short message takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
enum KindWord {
    Text,
    Binary,
}

impl KindWord {
    #[inline]
    const fn new(kind: MessageKind) -> Self {
        match kind {
            MessageKind::Text => Self::Text,
            MessageKind::Binary => Self::Binary,
        }
    }

    #[inline]
    const fn kind(self) -> MessageKind {
        match self {
            Self::Text => MessageKind::Text,
            Self::Binary => MessageKind::Binary,
        }
    }
}

impl<'a> LentMessage<'a> {
    /// Creates a message from a payload that the caller validated: it is UTF-8 if `kind` is text.
    #[inline]
    pub(crate) const fn from_validated(kind: MessageKind, payload: Payload<'a>) -> Self {
        Self { kind: KindWord::new(kind), payload }
    }

    /// Returns whether the message is text or binary.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind.kind()
    }

    /// Returns the payload.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    /// Returns the text, or `None` if the message is binary.
    #[inline]
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.as_message().as_text()
    }

    /// Returns the payload, which still borrows from the input if the message did.
    #[inline]
    #[must_use]
    pub fn into_payload(self) -> Payload<'a> {
        self.payload
    }

    /// Returns the message with an owned payload. A borrowed payload is copied, a shared one is not.
    #[must_use]
    pub fn into_owned(self) -> Message {
        let (kind, bytes) = (self.kind(), self.payload.into_owned());
        match kind {
            MessageKind::Text => Message::Text(Utf8Bytes::from_validated(bytes)),
            MessageKind::Binary => Message::Binary(bytes),
        }
    }
}

impl AsMessage for LentMessage<'_> {
    #[inline]
    #[allow(unsafe_code, reason = "calls `validated`")]
    fn as_message(&self) -> MessageRef<'_> {
        let bytes = self.as_bytes();
        match self.kind() {
            // SAFETY: the payload of a text is valid UTF-8, by the field's invariant. It is borrowed as long as the text.
            MessageKind::Text => MessageRef::Text(unsafe { validated(bytes) }),
            MessageKind::Binary => MessageRef::Binary(bytes),
        }
    }

    fn try_into_message(self) -> Result<Message, Self> {
        if matches!(self.payload, Payload::Shared(_)) { Ok(self.into_owned()) } else { Err(self) }
    }
}

impl fmt::Debug for LentMessage<'_> {
    /// Shows the message as [`MessageRef`] does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_message().fmt(f)
    }
}

impl<'a> From<MessageRef<'a>> for LentMessage<'a> {
    fn from(message: MessageRef<'a>) -> Self {
        Self::from_validated(message.kind(), Payload::Borrowed(message.as_bytes()))
    }
}

impl<'a> From<&'a str> for LentMessage<'a> {
    fn from(text: &'a str) -> Self {
        MessageRef::Text(text).into()
    }
}

impl<'a> From<&'a [u8]> for LentMessage<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        MessageRef::Binary(bytes).into()
    }
}

impl From<Message> for LentMessage<'_> {
    fn from(message: Message) -> Self {
        Self::from_validated(message.kind(), message.into_bytes().into())
    }
}

impl From<LentMessage<'_>> for Message {
    fn from(message: LentMessage<'_>) -> Self {
        message.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrowed_and_owned_messages_are_equal_by_content() {
        for message in [Message::from("Grüße"), Message::Binary("ab".into())] {
            let (borrowed, owned) = (LentMessage::from(message.as_message()), LentMessage::from(message.clone()));
            assert_eq!(borrowed, owned);
            assert_eq!((borrowed.kind(), borrowed.as_text()), (message.kind(), message.as_text()));
            assert_eq!(borrowed.as_message(), message.as_message());
            assert_eq!(format!("{borrowed:?}"), format!("{:?}", message.as_message()));
            assert_eq!((borrowed.into_owned(), owned.into_owned()), (message.clone(), message));
        }
        assert_ne!(LentMessage::from("a"), LentMessage::from(&b"a"[..]));
    }
}
