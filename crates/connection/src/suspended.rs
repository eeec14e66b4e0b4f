use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_frame::{ResumeError, StateReader, StateWriter};

/// The number of the format. Every change of the encoding must change this number.
const FORMAT: u8 = 1;

/// The state of an open connection as bytes, with which another process continues the connection.
///
/// [`Connection::suspend`](crate::Connection::suspend) and [`Session::suspend`](crate::Session::suspend) return it. The first
/// byte is the number of the format. A state with an unknown format is rejected.
///
/// The state contains bytes of messages. Protect it like the messages: send it to the other process over a private socket, and
/// do not write it to a log. `Debug` shows only its length.
///
/// ```
/// use protocol_websocket_connection::{Config, Connection, Negotiated};
///
/// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
/// let bytes = server.suspend()?.into_bytes();
/// let resumed = Connection::resume_server(&bytes, Config::new())?;
/// assert_eq!(resumed.state(), server.state());
/// # Ok::<_, Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Suspended(Vec<u8>);

impl Suspended {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl AsRef<[u8]> for Suspended {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Suspended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspended").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

impl From<StateWriter> for Suspended {
    fn from(state: StateWriter) -> Self {
        Self(state.into_bytes())
    }
}

/// The kind of a suspended state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connection,
    Session,
}

impl Kind {
    /// Begins a state of this kind.
    pub(crate) fn write(self) -> StateWriter {
        let mut state = StateWriter::new();
        state.byte(FORMAT);
        state.flag(self == Self::Session);
        state
    }

    /// Reads the beginning of a state of this kind.
    pub(crate) fn read(self, bytes: &[u8]) -> Result<StateReader<'_>, ResumeError> {
        let mut state = StateReader::new(bytes);
        match state.byte()? {
            FORMAT => {}
            format => return Err(ResumeError::UnknownFormat(format)),
        }
        let is_session = state.flag()?;
        if is_session == (self == Self::Session) { Ok(state) } else { Err(ResumeError::WrongKind) }
    }
}
