use std::fmt;
use std::io::{self, ErrorKind};

use protocol_websocket::Redirect;
#[cfg(feature = "url")]
use protocol_websocket::UrlError;
use protocol_websocket::bytes::Bytes;
use protocol_websocket::http::{BuildError, ResponseHead};

use crate::Error;

/// An error of a client's connection before it is open. Each variant names the step or the reason.
///
/// `Display` includes the text of the wrapped error, and [`source`](std::error::Error::source) returns that error. A
/// report prints one of the two.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The offer or the destination is invalid. Nothing was sent.
    Build(BuildError),
    /// No address of the server accepts a TCP connection. The error is that of the last address.
    Connect(io::Error),
    /// The server redirects to another URL, and the caller decides whether to follow. The server chooses the URL, which
    /// can be of a host in the network of the client.
    Redirect(Box<Redirect>),
    /// The server rejected the request.
    Rejected {
        /// The status, such as 401, and the header fields.
        head: Box<ResponseHead>,
        /// The body: at most the first 64 KiB, and what arrived within 5 seconds.
        body: Bytes,
    },
    /// The name of the server has no address, or cannot be looked up.
    Resolve(io::Error),
    /// The time for the connection passed in this step.
    Timeout(ConnectStep),
    /// The TLS handshake failed. If the certificate is invalid, the `rustls::Error` with the reason is inside.
    Tls(io::Error),
    /// The destination is `wss`, and this crate was compiled without TLS.
    TlsDisabled,
    /// The URL is invalid.
    #[cfg(feature = "url")]
    #[cfg_attr(docsrs, doc(cfg(feature = "url")))]
    Url(UrlError),
    /// The response is invalid, the transport failed, or a deadline of the configuration passed.
    WebSocket(Error),
}

/// A step of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectStep {
    /// The name of the server is looked up.
    Resolve,
    /// The TCP connection to the server.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The opening handshake of the WebSocket.
    Handshake,
}

impl ConnectError {
    /// Returns whether another attempt may succeed. Wait before: [`Backoff`](crate::Backoff).
    ///
    /// It is true if
    ///
    /// - the host cannot be resolved or connected to, or the time has passed;
    /// - the transport failed or ended during the opening handshake or the TLS handshake;
    /// - the server rejected the request with 408, 425, 429 or 5xx.
    ///
    /// It is false if the URL, the offer, a certificate or the response is invalid, after a redirect, and after any other
    /// status.
    ///
    #[cfg_attr(feature = "url", doc = "```")]
    #[cfg_attr(not(feature = "url"), doc = "```ignore")]
    /// use protocol_websocket_blocking::Connect;
    ///
    /// let Err(error) = Connect::new("ws://127.0.0.1:1/")?.open() else { panic!("a server listens") };
    /// assert!(error.is_temporary());
    /// # Ok::<_, protocol_websocket_blocking::ConnectError>(())
    /// ```
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Resolve(_) | Self::Timeout(_) => true,
            // With TLS 1.3, the alert of a server that rejects the client's certificate arrives after the TLS handshake.
            Self::WebSocket(Error::Io(error)) => error.kind() != ErrorKind::InvalidData,
            Self::WebSocket(Error::Connection(error)) => {
                matches!(error, protocol_websocket::Error::Timeout(_) | protocol_websocket::Error::UnexpectedEof)
            }
            Self::Rejected { head, .. } => is_temporary_status(head.status()),
            // The other kinds are of rustls, or of the configuration.
            Self::Tls(error) => matches!(
                error.kind(),
                ErrorKind::BrokenPipe
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::ConnectionReset
                    | ErrorKind::TimedOut
                    | ErrorKind::UnexpectedEof
            ),
            _ => false,
        }
    }
}

const fn is_temporary_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Redirect(redirect) => write!(f, "server redirects with status {}", redirect.status()),
            Self::Rejected { head, .. } => write!(f, "server rejects with status {}", head.status()),
            Self::Resolve(error) => write!(f, "cannot resolve the host: {error}"),
            Self::Timeout(step) => write!(f, "connection timed out during {step}"),
            Self::Tls(error) => write!(f, "cannot use TLS: {error}"),
            Self::TlsDisabled => f.write_str("wss needs a feature with TLS"),
            #[cfg(feature = "url")]
            Self::Url(error) => error.fmt(f),
            Self::WebSocket(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for ConnectStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "the lookup of the host",
            Self::Connect => "the TCP handshake",
            Self::Tls => "the TLS handshake",
            Self::Handshake => "the opening handshake",
        })
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Build(error) => Some(error),
            Self::Connect(error) | Self::Resolve(error) | Self::Tls(error) => Some(error),
            Self::Redirect(_) | Self::Rejected { .. } | Self::Timeout(_) | Self::TlsDisabled => None,
            #[cfg(feature = "url")]
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

#[cfg(feature = "url")]
#[cfg_attr(docsrs, doc(cfg(feature = "url")))]
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
