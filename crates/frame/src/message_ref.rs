//! Borrowed messages, and the trait of the values that can be sent as a message.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use crate::{Message, MessageKind, Utf8Bytes};

/// A message that borrows its payload.
///
/// ```
/// use protocol_websocket_frame::{AsMessage, Message, MessageKind, MessageRef};
///
/// let message = Message::from("Hello");
/// let borrowed = message.as_message();
/// assert_eq!((borrowed, borrowed.kind()), (MessageRef::Text("Hello"), MessageKind::Text));
/// assert_eq!(borrowed.to_message(), message);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageRef<'a> {
    /// Text.
    Text(&'a str),
    /// Binary data.
    Binary(&'a [u8]),
}

impl<'a> MessageRef<'a> {
    /// Returns whether the message is text or binary.
    #[inline]
    #[must_use]
    pub const fn kind(self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// Returns the payload.
    #[inline]
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Returns the text, or `None` if the message is binary.
    #[inline]
    #[must_use]
    pub const fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Copies the payload and returns a message that owns it.
    ///
    /// ```
    /// use protocol_websocket_frame::{Message, MessageRef};
    ///
    /// let text = String::from("Hello");
    /// let message: Message = MessageRef::Text(&text).to_message();
    /// drop(text);
    /// assert_eq!(message, Message::from("Hello"));
    /// ```
    #[must_use]
    pub fn to_message(self) -> Message {
        match self {
            Self::Text(text) => Message::Text(text.into()),
            Self::Binary(bytes) => Message::Binary(Bytes::copy_from_slice(bytes)),
        }
    }
}

/// A value that can be sent as a message: a string as text, bytes as binary.
///
/// A value that is passed by reference is copied when it is sent, and the caller keeps it. A value that owns its memory may
/// be sent without a copy. The trait is implemented for strings, byte slices and arrays, `Vec<u8>`, [`Bytes`], [`Message`],
/// [`MessageRef`] and [`LentMessage`](crate::LentMessage), and for references, boxes and `Arc`s of all of these.
///
/// ```
/// use protocol_websocket_frame::{AsMessage, MessageRef};
///
/// fn is_text(message: impl AsMessage) -> bool {
///     matches!(message.as_message(), MessageRef::Text(_))
/// }
///
/// let name = "world";
/// assert!(is_text("Hello") && is_text(format!("Hello {name}")) && is_text(&name));
/// assert!(!is_text(b"Hello") && !is_text(vec![1, 2, 3]));
/// ```
pub trait AsMessage {
    /// Borrows the value as a message.
    fn as_message(&self) -> MessageRef<'_>;

    /// Converts the value to a message without a copy of the payload.
    ///
    /// # Errors
    ///
    /// The value itself if it does not own its memory.
    fn try_into_message(self) -> Result<Message, Self>
    where
        Self: Sized,
    {
        Err(self)
    }
}

macro_rules! as_message {
    ($kind:ident: $($type:ty),+) => {
        $(impl AsMessage for $type {
            #[inline]
            fn as_message(&self) -> MessageRef<'_> {
                MessageRef::$kind(self)
            }
        })+
    };
}

macro_rules! owned_as_message {
    ($kind:ident: $($type:ty),+) => {
        $(impl AsMessage for $type {
            #[inline]
            fn as_message(&self) -> MessageRef<'_> {
                MessageRef::$kind(self)
            }

            fn try_into_message(self) -> Result<Message, Self> {
                Ok(self.into())
            }
        })+
    };
}

as_message!(Text: str, Cow<'_, str>);
as_message!(Binary: [u8], Cow<'_, [u8]>);
owned_as_message!(Text: String, Utf8Bytes);
owned_as_message!(Binary: Vec<u8>, Bytes, BytesMut);

impl<const N: usize> AsMessage for [u8; N] {
    #[inline]
    fn as_message(&self) -> MessageRef<'_> {
        MessageRef::Binary(self)
    }
}

impl AsMessage for Message {
    #[inline]
    fn as_message(&self) -> MessageRef<'_> {
        match self {
            Self::Text(text) => MessageRef::Text(text),
            Self::Binary(bytes) => MessageRef::Binary(bytes),
        }
    }

    fn try_into_message(self) -> Result<Message, Self> {
        Ok(self)
    }
}

impl AsMessage for MessageRef<'_> {
    #[inline]
    fn as_message(&self) -> MessageRef<'_> {
        *self
    }
}

macro_rules! as_message_through {
    ($($pointer:ty),+) => {
        $(impl<T: AsMessage + ?Sized> AsMessage for $pointer {
            #[inline]
            fn as_message(&self) -> MessageRef<'_> {
                T::as_message(self)
            }
        })+
    };
}

as_message_through!(&T, Box<T>, Arc<T>);

impl<'a> From<&'a str> for MessageRef<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for MessageRef<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Binary(bytes)
    }
}

impl<'a> From<&'a Message> for MessageRef<'a> {
    fn from(message: &'a Message) -> Self {
        message.as_message()
    }
}

impl From<MessageRef<'_>> for Message {
    /// Copies the message.
    fn from(message: MessageRef<'_>) -> Self {
        message.to_message()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_text(message: impl AsMessage) {
        assert_eq!(message.as_message(), MessageRef::Text("a"));
        assert_eq!(AsMessage::as_message(&&message).to_message(), Message::from("a"));
        assert_eq!(Box::new(&message).as_message(), Arc::new(&message).as_message());
    }

    #[track_caller]
    fn assert_binary(message: impl AsMessage) {
        assert_eq!(message.as_message(), MessageRef::Binary(b"a"));
        assert_eq!(AsMessage::as_message(&&message).to_message(), Message::from(vec![b'a']));
        assert_eq!(Box::new(&message).as_message(), Arc::new(&message).as_message());
    }

    #[track_caller]
    fn assert_same_memory<T: AsMessage>(value: T) {
        let (address, kind) = (value.as_message().as_bytes().as_ptr(), value.as_message().kind());
        let Ok(message) = value.try_into_message() else { panic!("the value owns its memory") };
        assert_eq!((message.as_bytes().as_ptr(), message.kind()), (address, kind));
    }

    #[test]
    fn owned_values_become_messages_without_a_copy() {
        assert_same_memory(String::from("Hello"));
        assert_same_memory(Utf8Bytes::from("Hello"));
        assert_same_memory(vec![1, 2, 3]);
        assert_same_memory(Bytes::from(vec![1, 2, 3]));
        assert_same_memory(BytesMut::from(&[1, 2, 3][..]));
        assert_same_memory(Message::from("Hello"));
        assert_same_memory(crate::LentMessage::from(Message::from("Hello")));
    }

    #[test]
    fn borrowed_values_are_returned() {
        assert_eq!("Hello".try_into_message(), Err("Hello"));
        assert_eq!([1, 2].try_into_message(), Err([1, 2]));
        assert_eq!((&Message::from("Hello")).try_into_message(), Err(&Message::from("Hello")));
        assert_eq!(MessageRef::Text("Hello").try_into_message(), Err(MessageRef::Text("Hello")));
        assert!(crate::LentMessage::from("Hello").try_into_message().is_err());
    }

    #[test]
    fn strings_are_text() {
        assert_text("a");
        assert_text(Box::new(&"a"));
        assert_text(String::from("a"));
        assert_text(Utf8Bytes::from("a"));
        assert_text(Cow::Borrowed("a"));
        assert_text(Message::from("a"));
        assert_text(MessageRef::Text("a"));
        assert_text(Box::<str>::from("a"));
        assert_text(Arc::<str>::from("a"));
    }

    #[test]
    fn bytes_are_binary() {
        assert_binary(*b"a");
        assert_binary(&b"a"[..]);
        assert_binary(vec![b'a']);
        assert_binary(Bytes::from("a"));
        assert_binary(BytesMut::from("a"));
        assert_binary(Cow::Borrowed(&b"a"[..]));
        assert_binary(Message::Binary("a".into()));
        assert_binary(MessageRef::Binary(b"a"));
        assert_binary(Arc::<[u8]>::from(*b"a"));
    }
}
