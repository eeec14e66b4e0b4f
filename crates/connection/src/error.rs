use core::fmt;

use protocol_websocket_frame::{DecodeError, EncodeError};
#[cfg(feature = "client")]
use protocol_websocket_handshake_client::HandshakeError;
use protocol_websocket_http::BuildError;
#[cfg(feature = "server")]
use protocol_websocket_http::ParseError;

/// The peer, or the time, ended the connection. What there is to tell the peer is in the output already; what is left
/// to do is to write it and to close the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// At a client: the server's answer is not a right one.
    #[cfg(feature = "client")]
    Answer(HandshakeError),
    /// A frame broke a rule. Its close code is on the way to the peer.
    Decode(DecodeError),
    /// At a server: the request is not a right one. The refusal is on the way to the client.
    #[cfg(feature = "server")]
    Request(ParseError),
    /// A deadline passed.
    Timeout(Timeout),
    /// The transport ended before the closing handshake, or before the opening one was done.
    UnexpectedEof,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "client")]
            Self::Answer(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
            #[cfg(feature = "server")]
            Self::Request(error) => error.fmt(f),
            Self::Timeout(timeout) => timeout.fmt(f),
            Self::UnexpectedEof => f.write_str("the transport ended without a closing handshake"),
        }
    }
}

impl core::error::Error for Error {}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// A deadline that passed: see [`Timeouts`](crate::Timeouts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// The peer's Close did not come.
    Close,
    /// At a client: the server did not close the transport after the closing handshake. The close code stays the
    /// server's; close the transport.
    Eof,
    /// The opening handshake was not done in time.
    Handshake,
    /// Nothing came for too long.
    Idle,
    /// Our ping was not answered.
    Pong,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Close => "the peer did not close in time",
            Self::Eof => "the server did not end the transport in time",
            Self::Handshake => "the opening handshake took too long",
            Self::Idle => "the peer was silent for too long",
            Self::Pong => "the peer did not answer a ping in time",
        })
    }
}

impl core::error::Error for Timeout {}

/// What we were asked to send cannot be sent, or not now. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The answer to a request for an upgrade cannot be built. The client was told 500 instead.
    Build(BuildError),
    /// A Close was sent, or the connection is over.
    Closed,
    /// The opening handshake is not done.
    NotOpen,
    /// The frame cannot be sent.
    Encode(EncodeError),
    /// A message in parts is under way: its next part may be sent, or a control frame.
    MessageUnfinished,
    /// The opening handshake is done already.
    AlreadyOpen,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Build(error) => return error.fmt(f),
            Self::Closed => "the connection is closed for sending",
            Self::NotOpen => "the opening handshake is not done",
            Self::Encode(error) => return error.fmt(f),
            Self::MessageUnfinished => "a message in parts is under way",
            Self::AlreadyOpen => "the opening handshake is done already",
        })
    }
}

impl core::error::Error for SendError {}

impl From<BuildError> for SendError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}
