//! The exit status.

use std::fmt;
use std::io;
use std::process::{ExitCode, Termination};

use protocol_websocket::{Close, CloseCode};
use rustyline::error::ReadlineError;

/// The exit status. `--help` and the README describe the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// The connection was closed without an error by either side.
    Clean = 0,
    /// Invalid arguments, or an error of stdin or stdout.
    LocalError = 1,
    /// Name lookup, TCP or TLS failed.
    Unreachable = 2,
    /// The server refused or redirected the opening handshake.
    Refused = 3,
    /// The server violated the protocol.
    ProtocolError = 4,
    /// The connection ended or timed out without a closing handshake.
    Lost = 5,
    /// The server closed with a code other than 1000 and 1001.
    ClosedWithError = 6,
    /// The server's messages differ from those of the recording.
    Different = 7,
}

impl Status {
    /// Returns the status after the server's Close.
    pub(crate) fn of(close: Option<&Close>) -> Self {
        match close.map(|close| close.code) {
            None | Some(CloseCode::NORMAL | CloseCode::GOING_AWAY) => Self::Clean,
            Some(_) => Self::ClosedWithError,
        }
    }
}

impl Termination for Status {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// An error that ends the program: the exit status and the last notes.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) text: String,
    /// Notes after the text.
    pub(crate) details: Vec<String>,
}

impl Failure {
    pub(crate) fn new(status: Status, text: impl fmt::Display) -> Self {
        Self { status, text: text.to_string(), details: Vec::new() }
    }
}

/// Converts an error of this machine, such as a thread that cannot start or a missing file descriptor.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Status::LocalError, error)
    }
}

/// Converts an error of the terminal.
impl From<ReadlineError> for Failure {
    fn from(error: ReadlineError) -> Self {
        Self::new(Status::LocalError, error)
    }
}
