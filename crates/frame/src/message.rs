use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::{OpCode, Payload, Utf8Bytes};

/// A whole message: what applications exchange (RFC 6455 §5.6).
///
/// Exhaustive: the two kinds of data are all that the protocol has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Text.
    Text(Utf8Bytes),
    /// Any bytes.
    Binary(Bytes),
}

impl Message {
    /// Whether it is text or binary.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// The payload.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The text, if it is text.
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

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// Text or binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

impl MessageKind {
    /// The opcode of the first frame of such a message.
    #[must_use]
    pub const fn opcode(self) -> OpCode {
        match self {
            Self::Text => OpCode::Text,
            Self::Binary => OpCode::Binary,
        }
    }
}

/// A piece of a message, as large as the sender or the arrival of the bytes made it.
///
/// The parts of a message follow each other without another message's between them: one with `first`, any number
/// without either, one with `last`. A single part may be both. The bytes of text are checked, but a part may end inside
/// a character.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part<B = Bytes> {
    /// Text or binary, the same in all parts of a message.
    pub kind: MessageKind,
    /// The payload's next bytes, possibly none.
    pub bytes: B,
    /// Whether the message begins here.
    pub first: bool,
    /// Whether the message ends here.
    pub last: bool,
}

impl<B> Part<B> {
    /// Creates a part that is a whole message: the first and the last part.
    #[must_use]
    pub const fn new(kind: MessageKind, bytes: B) -> Self {
        Self { kind, bytes, first: true, last: true }
    }

    /// Sets whether the message begins with this part.
    #[must_use]
    pub fn with_first(self, first: bool) -> Self {
        Self { first, ..self }
    }

    /// Sets whether the message ends with this part.
    #[must_use]
    pub fn with_last(self, last: bool) -> Self {
        Self { last, ..self }
    }
}

impl Part<Payload<'_>> {
    /// Returns the part with bytes that borrow nothing. Borrowed bytes are copied, shared ones are not.
    #[must_use]
    pub fn into_owned(self) -> Part {
        Part { kind: self.kind, bytes: self.bytes.into_owned(), first: self.first, last: self.last }
    }
}

impl From<Message> for Part {
    /// The message as its only part.
    fn from(message: Message) -> Self {
        Self { kind: message.kind(), bytes: message.into_bytes(), first: true, last: true }
    }
}
