//! The states of the two directions of a connection, with every transition, and the [`State`] that is computed from
//! both. Nothing in this file depends on the role.
//!
//! The fast paths test the state of one direction only. The transitions are:
//!
//! ```text
//! incoming   Connecting ──▶ Open ──▶ Ended                    a Close, a failure, a deadline or the end of the transport
//!                ├─────────────────▶ Ended                    a failure, a deadline or the end during the handshake
//!                └──▶ Refused                                 a response other than 101: its body stays in the input
//!
//! outgoing   Connecting ──▶ Open ──▶ Closing ──▶ ClosedFirst  our Close, then the peer's Close or the end of the transport
//!                │            │         └──────▶ TimedOut     our Close, then its deadline
//!                │            └──▶ Closed                     the reply to the peer's Close, a failure, or the end
//!                └───────────────▶ Closed                     the handshake ended without a connection
//! ```

use core::fmt;

/// The state of a connection (RFC 6455 §4 and §7.1), named as in the WebSocket API of browsers.
///
/// ```text
///               handshake done            our Close sent             the peer's Close received,
///   CONNECTING ───────────────▶ OPEN ──────────────────▶ CLOSING ─── or a deadline passed ────▶ CLOSED
///        │                        │                                                             ▲
///        │                        └── the peer's Close received (the reply is sent at once), ───┤
///        │                            a failure (its Close is sent at once), or end of stream   │
///        └── rejected, redirected, malformed, end of stream, or a deadline passed ──────────────┘
/// ```
///
/// | state | can be sent | is received |
/// |---|---|---|
/// | `Connecting` | the handshake | the handshake |
/// | `Open` | everything | everything |
/// | `Closing` | pongs (RFC 6455 §5.5.2) | messages, pings and pongs, until the peer's Close |
/// | `Closed` | nothing | nothing: input is discarded |
///
/// A connection that has failed is also `Closing` until its Close was appended to the output. Only the halves of a split
/// connection, and [`Connection::open_server`](crate::Connection::open_server) and
/// [`open_client`](crate::Connection::open_client) with an invalid extension, show this: until then messages can be sent.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Negotiated, State};
///
/// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
/// assert_eq!(server.state(), State::Open);
/// server.close(None, &mut BytesMut::new())?;
/// assert_eq!(server.state().to_string(), "closing");
/// # Ok::<_, protocol_websocket_connection::SendError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The opening handshake is in progress.
    Connecting,
    /// Both ends can send messages.
    Open,
    /// Our Close was sent, and the peer's Close has not arrived.
    Closing,
    /// The connection has ended. Write the rest of the output, then close the transport. A client waits for the server
    /// to close it first (RFC 6455 §7.1.1), for at most [`Timeouts::close`](crate::Timeouts::close).
    Closed,
}

impl State {
    /// Returns the state of a connection whose directions are in these states.
    pub(crate) const fn of_directions(incoming: Incoming, outgoing: Outgoing) -> Self {
        use Incoming as In;
        use Outgoing as Out;
        match (incoming, outgoing) {
            (In::Connecting, Out::Connecting) => Self::Connecting,
            // A server can send once it has accepted. Its other direction opens with the next call of `receive`.
            (In::Connecting | In::Open, Out::Open) => Self::Open,
            (In::Connecting | In::Open, Out::Closing) | (In::Ended | In::Refused, Out::Open) => Self::Closing,
            (In::Open | In::Ended | In::Refused, Out::Connecting)
            | (In::Ended | In::Refused, Out::Closing)
            | (_, Out::Closed | Out::ClosedFirst | Out::TimedOut) => Self::Closed,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        })
    }
}

/// The state of the sending direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Connecting,
    Open,
    /// Our Close was sent before the peer's Close arrived. Only pongs can be sent (RFC 6455 §5.5.2).
    Closing,
    /// The reply to the peer's Close was sent, or nothing can be sent any more. Our Close was not first.
    Closed,
    /// As `Closed`, but our Close was first.
    ClosedFirst,
    /// The deadline for the peer's Close passed.
    TimedOut,
}

impl Outgoing {
    /// Opens the direction after the handshake. It has no effect once the direction has ended.
    pub(crate) const fn open(&mut self) {
        if matches!(self, Self::Connecting) {
            *self = Self::Open;
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //# The application MUST NOT send any more data frames after sending a
    //# Close frame.
    /// Records that a Close was sent that is not a reply.
    pub(crate) const fn close(&mut self) {
        *self = Self::Closing;
    }

    /// Records that the reply to the peer's Close was sent, or that the peer does not read any more.
    pub(crate) const fn end(&mut self) {
        *self = match self {
            Self::Connecting | Self::Open | Self::Closed => Self::Closed,
            Self::Closing | Self::ClosedFirst => Self::ClosedFirst,
            Self::TimedOut => Self::TimedOut,
        };
    }

    /// Records that the deadline for the peer's Close passed.
    pub(crate) const fn time_out(&mut self) {
        *self = Self::TimedOut;
    }

    /// Returns whether a Close was sent, or nothing can be sent any more.
    pub(crate) const fn is_closed(self) -> bool {
        !matches!(self, Self::Connecting | Self::Open)
    }

    /// Returns whether our Close was sent before the peer's Close arrived.
    pub(crate) const fn closed_first(self) -> bool {
        matches!(self, Self::Closing | Self::ClosedFirst | Self::TimedOut)
    }
}

/// The state of the receiving direction. It ends once, by the first of these: a Close, a failure, a deadline, or the
/// end of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Connecting,
    Open,
    /// Input is discarded.
    Ended,
    /// The handshake ended with a response other than 101. Input is not changed: it has the body of the response.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "only a client gets a response"))]
    Refused,
}

impl Incoming {
    /// Opens the direction after the handshake. It has no effect once the direction has ended.
    pub(crate) const fn open(&mut self) {
        if matches!(self, Self::Connecting) {
            *self = Self::Open;
        }
    }

    /// Ends the direction. Returns whether it had not ended before.
    pub(crate) const fn end(&mut self) -> bool {
        let is_first = matches!(self, Self::Connecting | Self::Open);
        if is_first {
            *self = Self::Ended;
        }
        is_first
    }

    /// Ends the direction because of a response other than 101.
    #[cfg(feature = "client")]
    pub(crate) const fn refuse(&mut self) {
        if matches!(self, Self::Connecting) {
            *self = Self::Refused;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_computed_from_both_directions() {
        use Incoming as In;
        use Outgoing as Out;
        for (incoming, outgoing, state) in [
            (In::Connecting, Out::Connecting, State::Connecting),
            (In::Connecting, Out::Open, State::Open),
            (In::Connecting, Out::Closing, State::Closing),
            (In::Open, Out::Open, State::Open),
            (In::Open, Out::Closing, State::Closing),
            (In::Open, Out::TimedOut, State::Closed),
            (In::Ended, Out::Connecting, State::Closed),
            (In::Ended, Out::Open, State::Closing),
            (In::Ended, Out::Closing, State::Closed),
            (In::Ended, Out::Closed, State::Closed),
            (In::Ended, Out::ClosedFirst, State::Closed),
            (In::Refused, Out::Closed, State::Closed),
        ] {
            assert_eq!(State::of_directions(incoming, outgoing), state, "{incoming:?} {outgoing:?}");
        }
    }

    #[test]
    fn incoming_direction_ends_once() {
        let mut incoming = Incoming::Open;
        assert!(incoming.end());
        assert!(!incoming.end());
        incoming.open();
        assert_eq!(incoming, Incoming::Ended);
    }

    #[test]
    fn outgoing_direction_keeps_which_close_was_first() {
        let (mut ours_first, mut peers_first) = (Outgoing::Open, Outgoing::Open);
        ours_first.close();
        ours_first.end();
        peers_first.end();
        assert_eq!((ours_first, peers_first), (Outgoing::ClosedFirst, Outgoing::Closed));
        ours_first.end();
        ours_first.open();
        assert!(ours_first.closed_first() && !peers_first.closed_first());
    }
}
