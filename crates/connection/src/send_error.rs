use core::fmt;

use protocol_websocket_frame::EncodeError;
use protocol_websocket_http::BuildError;

/// The error of a message, frame or response that is invalid, or that cannot be sent in this state. Nothing of it was
/// appended to the output. With [`Build`](Self::Build), another response was appended.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Negotiated, SendError};
///
/// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
/// let mut output = BytesMut::new();
/// server.close(None, &mut output)?;
/// assert_eq!(server.send("too late", &mut output), Err(SendError::Closed));
/// # Ok::<_, SendError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// No upgrade waits for a response, because the server has accepted it before, or because the connection is open
    /// and needed none: at a client, or after [`Connection::open_server`](crate::Connection::open_server). In hybi-00
    /// the state is still [`Connecting`](crate::State::Connecting) until the last eight bytes of the client have
    /// arrived.
    AlreadyOpen,
    /// The response to an upgrade is invalid. The output has a response with the status 500 instead, and the connection
    /// has ended.
    Build(BuildError),
    /// A Close was sent, or the connection has ended.
    Closed,
    /// The message or frame is invalid, or the version of the protocol has no such frame.
    Encode(EncodeError),
    /// A message that is sent in parts is unfinished. Only its next part or a control frame can be sent.
    MessageUnfinished,
    /// The opening handshake is not done.
    NotOpen,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyOpen => "no upgrade waits for a response",
            Self::Build(error) => return error.fmt(f),
            Self::Closed => "the connection is closed for sending",
            Self::Encode(error) => return error.fmt(f),
            Self::MessageUnfinished => "a message in parts is unfinished",
            Self::NotOpen => "the opening handshake is not done",
        })
    }
}

impl core::error::Error for SendError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Build(error) => Some(error),
            Self::Encode(error) => Some(error),
            Self::AlreadyOpen | Self::Closed | Self::MessageUnfinished | Self::NotOpen => None,
        }
    }
}

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
