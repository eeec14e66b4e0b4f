//! The errors of suspending and resuming a connection.

use core::fmt;

/// The reason for which a connection cannot be suspended. The connection is unchanged and can continue.
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
    /// The opening handshake is not complete, or it has failed. A connection can be suspended after `Event::Open`.
    NotOpen,
    /// Decoded bytes of the input were not returned yet. Receive until `None` is returned, then suspend again.
    EventsPending,
    /// An extension cannot continue the message in progress in another process. The connection can be suspended after this
    /// message.
    MessageInProgress,
    /// An extension of the connection cannot be suspended, or is not an extension of the configuration.
    ExtensionUnsupported,
    /// The connection has failed, and its error is final.
    Failed,
}

impl fmt::Display for SuspendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpen => "the opening handshake is not done",
            Self::EventsPending => "decoded bytes were not received yet",
            Self::MessageInProgress => "an extension cannot be suspended inside a message",
            Self::ExtensionUnsupported => "an extension cannot be suspended",
            Self::Failed => "the connection has failed",
        })
    }
}

impl core::error::Error for SuspendError {}

/// The reason for which a suspended state cannot be resumed.
///
/// ```
/// use protocol_websocket_frame::ResumeError;
///
/// assert_eq!(ResumeError::UnknownFormat(7).to_string(), "suspended state has the unknown format 7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResumeError {
    /// The first byte is the number of a format that this version of the library does not support.
    UnknownFormat(u8),
    /// The bytes end inside the state.
    Truncated,
    /// Bytes follow the state.
    TrailingBytes,
    /// A length or a number in the state exceeds a limit of the configuration.
    LimitExceeded,
    /// The state is of another kind: of a client instead of a server, or of a session instead of a connection.
    WrongKind,
    /// The configuration does not have an extension of the state, or does not accept its parameters.
    ExtensionMismatch,
    /// The configuration delivers whole messages and the state has parts, or the reverse.
    DeliveryMismatch,
    /// No connection can be in this state.
    Invalid,
}

impl fmt::Display for ResumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownFormat(format) => return write!(f, "suspended state has the unknown format {format}"),
            Self::Truncated => "suspended state is truncated",
            Self::TrailingBytes => "bytes follow the suspended state",
            Self::LimitExceeded => "suspended state exceeds a limit of the configuration",
            Self::WrongKind => "suspended state is of another kind of connection",
            Self::ExtensionMismatch => "suspended state has an extension that the configuration does not have",
            Self::DeliveryMismatch => "suspended state has another delivery than the configuration",
            Self::Invalid => "suspended state is invalid",
        })
    }
}

impl core::error::Error for ResumeError {}
