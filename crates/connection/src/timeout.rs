use core::fmt;

/// The deadline of [`Timeouts`](crate::Timeouts) that passed, in [`Error::Timeout`](crate::Error::Timeout).
///
/// ```
/// use core::time::Duration;
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Error, Negotiated, Timeout, Timeouts};
///
/// let config = Config::new().timeouts(Timeouts::NONE.idle(Some(Duration::from_secs(300))));
/// let mut server = Connection::open_server(&Negotiated::default(), config);
/// let mut output = BytesMut::new();
/// server.handle_timeout(Duration::ZERO, &mut output)?;
/// let late = server.handle_timeout(Duration::from_secs(300), &mut output);
/// assert_eq!(late, Err(Error::Timeout(Timeout::Idle)));
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// The peer's Close did not arrive in time ([`Timeouts::close`](crate::Timeouts::close)).
    Close,
    /// At a client: the server did not close the transport after the closing handshake
    /// ([`Timeouts::close`](crate::Timeouts::close)). [`ended`](crate::Connection::ended) does not change. Close the
    /// transport.
    Eof,
    /// The opening handshake was not done in time ([`Timeouts::handshake`](crate::Timeouts::handshake)).
    Handshake,
    /// The peer sent no byte for too long ([`Timeouts::idle`](crate::Timeouts::idle)).
    Idle,
    /// The peer sent no byte after our Ping ([`Timeouts::pong_timeout`](crate::Timeouts::pong_timeout)).
    Pong,
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Close => "timed out waiting for the peer's close frame",
            Self::Eof => "timed out waiting for the server to close the transport",
            Self::Handshake => "timed out during the opening handshake",
            Self::Idle => "timed out because the peer sent nothing",
            Self::Pong => "timed out waiting for a pong",
        })
    }
}

impl core::error::Error for Timeout {}
