use std::str;

use axum_core::Error;
use bytes::Bytes;

use super::Utf8Bytes;
use crate::Close;

/// A close code. [`close_code`](super::close_code) has constants.
pub type CloseCode = u16;

/// The code and the reason of a Close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code.
    pub code: CloseCode,
    /// The reason, of at most 123 bytes. A Close with a longer one is not sent.
    pub reason: Utf8Bytes,
}

/// A message, a Ping, a Pong or a Close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A Ping, with a payload of at most 125 bytes. The connection replies to a Ping of the client by itself. It also sends
    /// pings by itself, if the configuration has [`Timeouts::ping_interval`](crate::Timeouts::ping_interval).
    Ping(Bytes),
    /// A Pong, with a payload of at most 125 bytes. The connection replies to each Ping of the client by itself, so a program
    /// sends one only as a heartbeat that no Ping asked for.
    Pong(Bytes),
    /// A Close. After the client's, [`recv`](super::WebSocket::recv) returns `None`. After the server's own, nothing can be
    /// sent, and `recv` returns what still arrives, until the client's.
    Close(Option<CloseFrame>),
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

    /// Returns the payload. That of a Close is its reason.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(frame) => frame.map(|frame| frame.reason.into_bytes()).unwrap_or_default(),
        }
    }

    /// Returns the payload as text. That of a Close is its reason.
    ///
    /// # Errors
    ///
    /// If the payload is not valid UTF-8.
    pub fn into_text(self) -> Result<Utf8Bytes, Error> {
        match self {
            Self::Text(text) => Ok(text),
            other => Utf8Bytes::try_from(other.into_data()).map_err(Error::new),
        }
    }

    /// Borrows the payload as text. That of a Close is its reason.
    ///
    /// # Errors
    ///
    /// If the payload is not valid UTF-8.
    pub fn to_text(&self) -> Result<&str, Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => str::from_utf8(bytes).map_err(Error::new),
            Self::Close(frame) => Ok(frame.as_ref().map_or("", |frame| &frame.reason)),
        }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl From<Message> for Vec<u8> {
    fn from(message: Message) -> Self {
        message.into_data().into()
    }
}

impl From<crate::Message> for Message {
    fn from(message: crate::Message) -> Self {
        match message {
            crate::Message::Text(text) => Self::Text(text),
            crate::Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl From<CloseFrame> for Close {
    fn from(frame: CloseFrame) -> Self {
        Self::new(frame.code, frame.reason)
    }
}

impl From<Close> for CloseFrame {
    fn from(close: Close) -> Self {
        Self { code: close.code.into(), reason: close.reason }
    }
}
