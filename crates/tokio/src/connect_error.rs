use std::fmt;

use protocol_websocket::http::{BuildError, ResponseHead};
use protocol_websocket::{Redirect, UrlError};

use crate::Error;

/// An error of a client's connection before it is open.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The offer is invalid.
    Build(BuildError),
    /// The server redirects to another URL.
    Redirect(Box<Redirect>),
    /// The server rejected the request, with this status and these headers.
    Rejected(Box<ResponseHead>),
    /// The URL is invalid.
    Url(UrlError),
    /// The response is invalid, the transport failed, or a deadline passed.
    WebSocket(Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Redirect(redirect) => write!(f, "the server redirects with status {}", redirect.status()),
            Self::Rejected(head) => write!(f, "the server rejects with status {}", head.status()),
            Self::Url(error) => error.fmt(f),
            Self::WebSocket(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Build(error) => Some(error),
            Self::Redirect(_) | Self::Rejected(_) => None,
            Self::Url(error) => Some(error),
            Self::WebSocket(error) => Some(error),
        }
    }
}

impl From<BuildError> for ConnectError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<UrlError> for ConnectError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        Self::WebSocket(error)
    }
}
