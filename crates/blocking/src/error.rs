use std::{fmt, io};

use protocol_websocket::SendError;

/// An error of a [`WebSocket`](crate::WebSocket).
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The connection failed: the peer broke a rule of the protocol, a deadline passed, or the transport ended without a
    /// closing handshake. The Close or the HTTP response that reports it to the peer was written.
    Connection(protocol_websocket::Error),
    /// A read or a write of the transport failed.
    Io(io::Error),
    /// The configuration delivers messages in parts, so [`recv`](crate::WebSocket::recv) has no whole message.
    Parts,
    /// A message or a response was not queued.
    Send(SendError),
    /// The call would wait longer than [`WebSocket::set_timeout`](crate::WebSocket::set_timeout) allows, or the
    /// transport does not wait. The connection continues and nothing is lost. Repeat the call: for
    /// [`send`](crate::WebSocket::send), that is [`flush`](crate::WebSocket::flush), because the message is queued.
    WouldBlock,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Parts => f.write_str("messages are delivered in parts"),
            Self::Send(error) => error.fmt(f),
            Self::WouldBlock => f.write_str("the call would block"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Connection(error) => error,
            Self::Io(error) => error,
            Self::Parts | Self::WouldBlock => return None,
            Self::Send(error) => error,
        })
    }
}

impl From<protocol_websocket::Error> for Error {
    fn from(error: protocol_websocket::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
