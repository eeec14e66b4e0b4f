use core::fmt;

/// The deadline of [`Timeouts`](crate::Timeouts) that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timeout {
    /// The peer's Close did not arrive ([`Timeouts::close`](crate::Timeouts::close)).
    Close,
    /// At a client: the server did not close the transport after the closing handshake ([`Timeouts::close`](crate::Timeouts::close)).
    /// [`ended`](crate::Connection::ended) does not change. Close the transport.
    Eof,
    /// The opening handshake was not done ([`Timeouts::handshake`](crate::Timeouts::handshake)).
    Handshake,
    /// No byte arrived ([`Timeouts::idle`](crate::Timeouts::idle)).
    Idle,
    /// Our Ping was not answered ([`Timeouts::pong_timeout`](crate::Timeouts::pong_timeout)).
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
