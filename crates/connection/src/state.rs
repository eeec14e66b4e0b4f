//! Every transition of a connection, and nothing that knows which role we play.

use protocol_websocket_frame::{CloseCode, DecodeError};

/// Where a connection stands (RFC 6455 §4 and §7.1), in the words that browsers use.
///
/// ```text
///               handshake done            a Close sent               a Close received too,
///   CONNECTING ───────────────▶ OPEN ──────────────────▶ CLOSING ─── or the deadline over ──▶ CLOSED
///        │                        │                                                             ▲
///        │                        └── a Close received (its answer goes out at once), or ───────┤
///        │                            a failure (its Close goes out at once), or EOF            │
///        └── refused, redirected, not understood, EOF ──────────────────────────────────────────┘
/// ```
///
/// | state | we may send | we take |
/// |---|---|---|
/// | `Connecting` | nothing but the handshake | the handshake |
/// | `Open` | anything | anything |
/// | `Closing` | pongs, which pings still get | messages, pings and pongs, until the Close |
/// | `Closed` | nothing | nothing: input is thrown away |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The opening handshake is under way.
    Connecting,
    /// Messages may go both ways.
    Open,
    /// Our Close is out, the peer's is not here yet.
    Closing,
    /// It is over. Write what is left in the output, then close the transport; a client first waits for the server to
    /// do so (RFC 6455 §7.1.1), for as long as [`Timeouts::close`](crate::Timeouts::close) says.
    Closed,
}

impl State {
    /// The state of a connection whose handshake is done, by its two directions.
    pub(crate) const fn of(outgoing: Outgoing, incoming: Incoming) -> Self {
        match (outgoing, incoming) {
            (Outgoing::Open, Incoming::Open) => Self::Open,
            (Outgoing::Closing | Outgoing::Closed, Incoming::Open) | (Outgoing::Open, _) => Self::Closing,
            (Outgoing::Closing | Outgoing::Closed, _) => Self::Closed,
        }
    }
}

/// What we send: anything, until a Close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Open,
    /// Our Close is out, and the peer's may still come: it is owed answers to its pings (RFC 6455 §5.5.2).
    Closing,
    /// The Close that answers the peer's is out, or nobody is left to read one.
    Closed,
}

impl Outgoing {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //# The application MUST NOT send any more data frames after sending a
    //# Close frame.
    /// A Close of our own was written.
    pub(crate) const fn close(&mut self) {
        *self = Self::Closing;
    }

    /// The peer's Close was answered, or nobody is left to read one.
    pub(crate) const fn end(&mut self) {
        *self = Self::Closed;
    }
}

/// What the peer sends: anything, until a Close, a failure or the end of the transport, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Open,
    /// A Close came, with this code.
    Closed(CloseCode),
    /// The peer broke a rule.
    Failed(DecodeError),
    /// The transport ended without a Close, or a deadline passed.
    Lost,
}

impl Incoming {
    /// A Close came.
    pub(crate) const fn close(&mut self, code: Option<CloseCode>) {
        if matches!(self, Self::Open) {
            *self = Self::Closed(match code {
                Some(code) => code,
                None => CloseCode::NO_STATUS,
            });
        }
    }

    /// The peer broke a rule.
    pub(crate) const fn fail(&mut self, error: DecodeError) {
        if matches!(self, Self::Open) {
            *self = Self::Failed(error);
        }
    }

    /// The transport ended, or a deadline passed. Says whether that came too early.
    pub(crate) const fn lose(&mut self) -> bool {
        let early = matches!(self, Self::Open);
        if early {
            *self = Self::Lost;
        }
        early
    }

    /// The connection's close code, once there is one (RFC 6455 §7.1.5).
    pub(crate) const fn close_code(self) -> Option<CloseCode> {
        match self {
            Self::Open => None,
            Self::Closed(code) => Some(code),
            Self::Failed(_) | Self::Lost => Some(CloseCode::ABNORMAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_directions_make_four_states() {
        let closed = Incoming::Closed(CloseCode::NORMAL);
        assert_eq!(State::of(Outgoing::Open, Incoming::Open), State::Open);
        assert_eq!(State::of(Outgoing::Closing, Incoming::Open), State::Closing);
        assert_eq!(State::of(Outgoing::Closing, closed), State::Closed);
        assert_eq!(State::of(Outgoing::Open, closed), State::Closing);
        assert_eq!(State::of(Outgoing::Closed, closed), State::Closed);
        assert_eq!(State::of(Outgoing::Closed, Incoming::Lost), State::Closed);
    }

    #[test]
    fn a_direction_ends_once() {
        let mut incoming = Incoming::Open;
        incoming.close(None);
        incoming.fail(DecodeError::InvalidUtf8);
        assert!(!incoming.lose());
        assert_eq!(incoming.close_code(), Some(CloseCode::NO_STATUS));
    }

    #[test]
    fn an_end_without_a_close_is_abnormal() {
        let mut incoming = Incoming::Open;
        assert_eq!(incoming.close_code(), None);
        assert!(incoming.lose());
        incoming.close(Some(CloseCode::NORMAL));
        assert_eq!(incoming.close_code(), Some(CloseCode::ABNORMAL));
    }
}
