//! The errors of suspending and resuming a connection.

use core::fmt;

/// The reason for which a state cannot be suspended. Nothing changed, and the connection can continue.
///
/// ```
/// use protocol_websocket_frame::SuspendError;
///
/// let error = SuspendError::MessageInProgress;
/// assert_eq!(error.to_string(), "an extension cannot be suspended inside a message");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SuspendError {
    /// The opening handshake is not done, or it ended without a connection. After
    /// `Event::Open` the state can be suspended.
    Handshake,
    /// Decoded bytes of the input were not returned yet. Receive until there are no more events, then suspend again.
    EventsPending,
    /// A message is in progress that an extension cannot continue elsewhere. The state can be suspended after the message.
    MessageInProgress,
    /// An extension of the connection cannot be suspended, or it was added without the configuration.
    Extension,
    /// The decoder has returned an error, which is final.
    Failed,
}

impl fmt::Display for SuspendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "the opening handshake is not done",
            Self::EventsPending => "decoded bytes were not received yet",
            Self::MessageInProgress => "an extension cannot be suspended inside a message",
            Self::Extension => "an extension cannot be suspended",
            Self::Failed => "the connection has failed",
        })
    }
}

impl core::error::Error for SuspendError {}

/// The reason for which bytes are not a suspended state that can be resumed.
///
/// ```
/// use protocol_websocket_frame::ResumeError;
///
/// assert_eq!(ResumeError::Format(7).to_string(), "suspended state has the unknown format 7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResumeError {
    /// The first byte is the number of a format that this version of the library does not read.
    Format(u8),
    /// The bytes end inside the state.
    Truncated,
    /// Bytes follow the state.
    TrailingBytes,
    /// A length or a number in the state exceeds a limit of the configuration.
    LimitExceeded,
    /// The bytes are of the other kind: of a client instead of a server, or of a session instead of a connection.
    Kind,
    /// The configuration does not have the extensions of the state, or not with its parameters.
    Extension,
    /// No connection can be in this state.
    Invalid,
}

impl fmt::Display for ResumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format(format) => return write!(f, "suspended state has the unknown format {format}"),
            Self::Truncated => "suspended state is truncated",
            Self::TrailingBytes => "bytes follow the suspended state",
            Self::LimitExceeded => "suspended state exceeds a limit of the configuration",
            Self::Kind => "suspended state is of another kind of connection",
            Self::Extension => "suspended state has an extension that the configuration does not have",
            Self::Invalid => "suspended state is invalid",
        })
    }
}

impl core::error::Error for ResumeError {}
