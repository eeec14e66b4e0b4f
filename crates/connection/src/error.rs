use core::fmt;

use protocol_websocket_frame::DecodeError;
#[cfg(feature = "client")]
use protocol_websocket_handshake_client::HandshakeError;
#[cfg(feature = "server")]
use protocol_websocket_http::ParseError;

use crate::Timeout;

/// An error that ended a connection.
///
/// Some errors are reported to the peer in a frame or an HTTP response. A [`Connection`](crate::Connection) has
/// appended it to the output: write the output, then close the transport. After [`split`](crate::Connection::split),
/// the sending half appends it: see [`reply`](Self::reply).
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Error, Negotiated};
///
/// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
/// let (mut input, mut output) = (BytesMut::from(&b"\x81\x02hi"[..]), BytesMut::new());
/// let error = server.receive(&mut input, &mut output).expect_err("the frame is not masked");
/// let Error::Decode(decode) = error else { panic!("{error}") };
/// assert_eq!(decode.close_code().0, 1002);
/// assert_eq!(output[..], *b"\x88\x02\x03\xEA"); // a Close with 1002
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule of the protocol. The Close that reports it has the code of [`DecodeError::close_code`].
    Decode(DecodeError),
    /// At a server: the request is invalid. An HTTP response reports it, with the status of `ParseError::status`.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    Request(ParseError),
    /// At a client: the response is invalid. Nothing is sent.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    Response(HandshakeError),
    /// A deadline passed.
    Timeout(Timeout),
    /// The transport ended before the closing handshake, or before the opening handshake was done. Nothing is sent.
    UnexpectedEof,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            #[cfg(feature = "server")]
            Self::Request(error) => error.fmt(f),
            #[cfg(feature = "client")]
            Self::Response(error) => error.fmt(f),
            Self::Timeout(timeout) => timeout.fmt(f),
            Self::UnexpectedEof => f.write_str("the transport ended without a closing handshake"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Decode(error) => Some(error),
            #[cfg(feature = "server")]
            Self::Request(error) => Some(error),
            #[cfg(feature = "client")]
            Self::Response(error) => Some(error),
            Self::Timeout(timeout) => Some(timeout),
            Self::UnexpectedEof => None,
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<Timeout> for Error {
    fn from(timeout: Timeout) -> Self {
        Self::Timeout(timeout)
    }
}
