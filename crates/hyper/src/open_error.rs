use std::fmt;

use protocol_websocket::{BuildError, ParseError, ResponseError, ResponseHead};

/// An error of a client before its [`WebSocket`](crate::WebSocket) is open.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The offer or the destination is invalid.
    Build(BuildError),
    /// The HTTP/2 server does not have `SETTINGS_ENABLE_CONNECT_PROTOCOL` (RFC 8441 §3). No request was sent.
    ExtendedConnectDisabled,
    /// An operation of hyper failed, such as the HTTP/2 handshake, the request or the upgrade.
    Hyper(hyper::Error),
    /// The HTTP/2 connection ended before the SETTINGS of the server arrived.
    NoSettings,
    /// The head of the response is malformed.
    Parse(ParseError),
    /// The server responded with another status than 101 or, in HTTP/2, 2xx. The body is still in the response.
    Rejected(Box<ResponseHead>),
    /// The response is invalid.
    Response(ResponseError),
    /// hyper did not upgrade the connection within [`Timeouts::handshake`](crate::Timeouts::handshake).
    Timeout,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::ExtendedConnectDisabled => f.write_str("server does not support extended CONNECT"),
            Self::Hyper(error) => error.fmt(f),
            Self::NoSettings => f.write_str("connection ended before the settings of the server"),
            Self::Parse(error) => error.fmt(f),
            Self::Rejected(head) => write!(f, "server rejects with status {}", head.status()),
            Self::Response(error) => error.fmt(f),
            Self::Timeout => f.write_str("connection timed out during the upgrade"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Build(error) => error,
            Self::Hyper(error) => error,
            Self::Parse(error) => error,
            Self::Response(error) => error,
            Self::ExtendedConnectDisabled | Self::NoSettings | Self::Rejected(_) | Self::Timeout => return None,
        })
    }
}

impl From<BuildError> for OpenError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<hyper::Error> for OpenError {
    fn from(error: hyper::Error) -> Self {
        Self::Hyper(error)
    }
}
