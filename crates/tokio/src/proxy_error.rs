use std::error::Error;
use std::{fmt, io};

use protocol_websocket::BuildError;
use protocol_websocket::http::TunnelError;

use crate::connect_error::is_temporary_status;

/// An error of the way through a [`Proxy`](crate::Proxy).
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// The host or the credentials are not valid in HTTP.
    Build(BuildError),
    /// The proxy cannot be reached, or it ended the connection: `UnexpectedEof`.
    Io(io::Error),
    /// The SOCKS5 proxy did not open the connection to the server.
    Socks(SocksError),
    /// The HTTP proxy did not open the connection to the server.
    Tunnel(TunnelError),
}

/// An error of a SOCKS5 proxy (RFC 1928).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocksError {
    /// The user name or the password does not have 1 to 255 bytes.
    Credentials,
    /// The name of the server has more than 255 bytes.
    Host,
    /// The proxy rejects the user name and the password.
    Login,
    /// The proxy requires credentials, or a way of authentication that is not supported.
    Method,
    /// The proxy refuses the connection with this code of RFC 1928 §6: 4 is an unreachable host, 5 a refused
    /// connection.
    Refused(u8),
    /// The response is not one of SOCKS5.
    Response,
}

impl ProxyError {
    /// Returns whether another attempt may succeed.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Io(_) => true,
            Self::Tunnel(TunnelError::Refused(head)) => is_temporary_status(head.status()),
            // General failure, network unreachable, host unreachable, connection refused, TTL expired.
            Self::Socks(SocksError::Refused(code)) => matches!(code, 1 | 3..=6),
            _ => false,
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Socks(error) => error.fmt(f),
            Self::Tunnel(error) => error.fmt(f),
        }
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Build(error) => error,
            Self::Io(error) => error,
            Self::Socks(error) => error,
            Self::Tunnel(error) => error,
        })
    }
}

impl fmt::Display for SocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Credentials => "user name or password of the proxy does not have 1 to 255 bytes",
            Self::Host => "host for the proxy does not have 1 to 255 bytes",
            Self::Login => "proxy rejects the user name and password",
            Self::Method => "proxy requires an authentication that the client does not offer",
            Self::Refused(code) => return write!(f, "proxy refuses the connection with code {code}"),
            Self::Response => "invalid response of the proxy",
        })
    }
}

impl Error for SocksError {}

impl From<BuildError> for ProxyError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<io::Error> for ProxyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<io::ErrorKind> for ProxyError {
    fn from(kind: io::ErrorKind) -> Self {
        Self::Io(kind.into())
    }
}

impl From<SocksError> for ProxyError {
    fn from(error: SocksError) -> Self {
        Self::Socks(error)
    }
}

impl From<TunnelError> for ProxyError {
    fn from(error: TunnelError) -> Self {
        Self::Tunnel(error)
    }
}
