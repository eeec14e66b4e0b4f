use std::fmt;
use std::io;
use std::process::{ExitCode, Termination};

use protocol_websocket::{Close, CloseCode};

/// How it went: the exit status. `--help` and the README describe the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// The connection was closed in order, by either side.
    Clean = 0,
    /// What was asked for cannot be done: arguments, input or output.
    Unusable = 1,
    /// No connection: name, address or TLS.
    Unreachable = 2,
    /// The server answered, but does not want to speak WebSocket here.
    Refused = 3,
    /// The server broke the protocol.
    Violated = 4,
    /// The connection ended or stalled without a closing handshake.
    Lost = 5,
    /// The server closed with a code that tells of a problem.
    Dismissed = 6,
}

impl Status {
    /// After a Close of the server's.
    pub(crate) fn of(close: Option<&Close>) -> Self {
        match close.map(|close| close.code) {
            None | Some(CloseCode::NORMAL | CloseCode::GOING_AWAY) => Self::Clean,
            Some(_) => Self::Dismissed,
        }
    }
}

impl Termination for Status {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// Why nothing came of it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(status: Status, text: impl fmt::Display) -> Self {
        Self { status, text: text.to_string() }
    }
}

/// The system does not let us.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Status::Unusable, error)
    }
}
