//! Messages that own their payload, and parts of messages.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};

use crate::{OpCode, Payload, Utf8Bytes};

/// A complete message: the unit that applications exchange (RFC 6455 §5.6).
///
/// The enum is exhaustive, because the protocol has no other kinds of data.
///
/// ```
/// use protocol_websocket_frame::{Message, MessageKind};
///
/// let message = Message::text("Hello");
/// assert_eq!((message.kind(), message.len(), message.as_text()), (MessageKind::Text, 5, Some("Hello")));
/// assert_eq!(Message::binary(vec![1, 2]).as_text(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Text.
    Text(Utf8Bytes),
    /// Binary data.
    Binary(Bytes),
}

impl Message {
    /// Creates a text message.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }

    /// Creates a binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Returns whether the message is text or binary.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// Returns the length of the payload in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Returns whether the payload has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Returns the payload.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Returns the payload without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Returns the text, or `None` if the message is binary.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }
}

impl From<Utf8Bytes> for Message {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<BytesMut> for Message {
    fn from(bytes: BytesMut) -> Self {
        Self::Binary(bytes.freeze())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// The two kinds of messages: text and binary (RFC 6455 §5.6).
///
/// The enum is exhaustive, because the protocol has no other kinds.
///
/// ```
/// use protocol_websocket_frame::{MessageKind, OpCode};
///
/// assert_eq!(MessageKind::Text.opcode(), OpCode::Text);
/// assert_eq!(MessageKind::Binary.to_string(), "binary");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Binary data.
    Binary,
}

impl MessageKind {
    /// Returns the opcode of the first frame of a message of this kind.
    #[must_use]
    pub const fn opcode(self) -> OpCode {
        match self {
            Self::Text => OpCode::Text,
            Self::Binary => OpCode::Binary,
        }
    }
}

/// Shows `text` or `binary`.
impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "text",
            Self::Binary => "binary",
        })
    }
}

/// A part of a message, for an application that sends or receives a message piece by piece.
///
/// The parts of a message follow each other, with no part of another message between them. `first` is true for the first part,
/// `last` for the last one, and both for a part that is a whole message. The joined parts of a text message are valid UTF-8,
/// but a single part may begin or end inside a character.
///
/// ```
/// use bytes::Bytes;
/// use protocol_websocket_frame::{MessageKind, Part};
///
/// let part = Part::new(MessageKind::Text, Bytes::from("Hel")).with_last(false);
/// assert!(part.first && !part.last);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Part<B = Bytes> {
    /// The kind of the message: the same in all of its parts.
    pub kind: MessageKind,
    /// The next bytes of the payload. A part may be empty.
    pub bytes: B,
    /// Whether the message begins with this part.
    pub first: bool,
    /// Whether the message ends with this part.
    pub last: bool,
}

impl<B> Part<B> {
    /// Creates a part that is a whole message: the first and the last part.
    #[must_use]
    pub const fn new(kind: MessageKind, bytes: B) -> Self {
        Self { kind, bytes, first: true, last: true }
    }

    /// Sets whether the message begins with this part.
    ///
    /// ```
    /// use protocol_websocket_frame::{MessageKind, Part};
    ///
    /// let second = Part::new(MessageKind::Text, "lo").with_first(false);
    /// assert!(!second.first && second.last);
    /// ```
    #[must_use]
    pub fn with_first(self, first: bool) -> Self {
        Self { first, ..self }
    }

    /// Sets whether the message ends with this part.
    ///
    /// ```
    /// use protocol_websocket_frame::{MessageKind, Part};
    ///
    /// let beginning = Part::new(MessageKind::Text, "Hel").with_last(false);
    /// assert!(beginning.first && !beginning.last);
    /// ```
    #[must_use]
    pub fn with_last(self, last: bool) -> Self {
        Self { last, ..self }
    }
}

impl Part<Payload<'_>> {
    /// Returns the part with owned bytes. Borrowed bytes are copied, shared ones are not.
    #[must_use]
    pub fn into_owned(self) -> Part {
        Part { kind: self.kind, bytes: self.bytes.into_owned(), first: self.first, last: self.last }
    }
}

impl From<Message> for Part {
    /// Returns the message as its only part.
    fn from(message: Message) -> Self {
        Self { kind: message.kind(), bytes: message.into_bytes(), first: true, last: true }
    }
}
