//! The errors of decoding and encoding.

use core::fmt;

use crate::CloseCode;

/// The error for received bytes that violate the protocol or exceed a limit. The caller must fail the connection with
/// [`close_code`](Self::close_code) (RFC 6455 §7.1.7).
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_frame::{CloseCode, DecodeError, Decoder, Role};
///
/// let error = Decoder::new(Role::Server).decode(&mut BytesMut::from(&b"\x81\x05"[..])).unwrap_err();
/// assert_eq!((error, error.close_code()), (DecodeError::MaskMissing, CloseCode::PROTOCOL_ERROR));
/// assert_eq!(error.to_string(), "frame from a client is not masked");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// A close code that must not be sent, because it is reserved or not registered (§7.4).
    CloseCode(u16),
    /// A Close payload of one byte, although a code has two (§5.5.1).
    CloseTooShort,
    /// A control frame without FIN (§5.5).
    ControlFragmented,
    /// A control frame with more than 125 bytes of payload (§5.5).
    ControlTooLong,
    /// A text or binary frame inside a fragmented message (§5.4).
    DataInsideMessage,
    /// A payload that is invalid for a negotiated extension.
    Extension,
    /// A frame that exceeds [`Limits::max_frame`](crate::Limits::max_frame).
    FrameTooLong,
    /// Text or a close reason that is invalid UTF-8 (§8.1).
    InvalidUtf8,
    /// A length that is not in its shortest form (§5.2).
    LengthNotMinimal,
    /// A 64-bit length with its top bit set (§5.2).
    LengthTopBit,
    /// An unmasked frame from a client (§5.1).
    MaskMissing,
    /// A masked frame from a server (§5.1).
    MaskUnexpected,
    /// A message that exceeds [`Limits::max_message`](crate::Limits::max_message).
    MessageTooLong,
    /// A continuation without a message in progress (§5.4).
    OrphanContinuation,
    /// Reserved bits that no negotiated extension uses (§5.2).
    ReservedBits,
    /// One of the ten reserved opcodes (§5.2).
    ReservedOpCode(u8),
    /// A message that exceeds [`Limits::max_fragments`](crate::Limits::max_fragments).
    TooManyFragments,
}

impl DecodeError {
    /// Returns the code for the Close that the caller sends to the peer (RFC 6455 §7.4.1).
    #[must_use]
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::Extension | Self::InvalidUtf8 => CloseCode::INVALID_PAYLOAD_DATA,
            Self::FrameTooLong | Self::MessageTooLong => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments => CloseCode::POLICY_VIOLATION,
            Self::CloseTooShort
            | Self::CloseCode(_)
            | Self::ControlFragmented
            | Self::ControlTooLong
            | Self::DataInsideMessage
            | Self::LengthNotMinimal
            | Self::LengthTopBit
            | Self::MaskMissing
            | Self::MaskUnexpected
            | Self::OrphanContinuation
            | Self::ReservedBits
            | Self::ReservedOpCode(_) => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloseTooShort => "close payload has one byte",
            Self::CloseCode(code) => return write!(f, "close code {code} must not be sent"),
            Self::ControlFragmented => "control frame is fragmented",
            Self::ControlTooLong => "control frame exceeds 125 bytes",
            Self::DataInsideMessage => "text or binary frame inside a fragmented message",
            Self::Extension => "payload is invalid for a negotiated extension",
            Self::FrameTooLong => "frame exceeds the limit max_frame",
            Self::InvalidUtf8 => "text is not valid utf-8",
            Self::LengthNotMinimal => "length is not in its shortest form",
            Self::LengthTopBit => "length of 64 bits has its top bit set",
            Self::MaskMissing => "frame from a client is not masked",
            Self::MaskUnexpected => "frame from a server is masked",
            Self::MessageTooLong => "message exceeds the limit max_message",
            Self::OrphanContinuation => "continuation frame without a message in progress",
            Self::ReservedBits => "reserved bits are set without an extension",
            Self::ReservedOpCode(bits) => return write!(f, "opcode {bits:#x} is reserved"),
            Self::TooManyFragments => "message exceeds the limit max_fragments",
        })
    }
}

impl core::error::Error for DecodeError {}

/// The error for a frame, a part or a Close that must not be sent. Nothing was written to the output.
///
/// ```
/// use protocol_websocket_frame::{Close, CloseCode, EncodeError};
///
/// let error = Close::from(CloseCode::ABNORMAL).encode().unwrap_err();
/// assert_eq!(error, EncodeError::CloseCode(1006));
/// assert_eq!(error.to_string(), "close code 1006 must not be sent");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// A close code that must not be sent (RFC 6455 §7.4).
    CloseCode(u16),
    /// A close reason with more than 123 bytes (§5.5).
    CloseReasonTooLong,
    /// A Close payload of one byte, although a code has two (§5.5.1).
    CloseTooShort,
    /// A control frame without FIN (§5.5).
    ControlFragmented,
    /// A control frame with more than 125 bytes of payload (§5.5).
    ControlTooLong,
    /// A payload that a negotiated extension could not encode.
    Extension,
    /// A length of 2^63 or more (§5.2), or a frame that exceeds the limit in [`Limits::check`](crate::Limits::check).
    FrameTooLong,
    /// Parts of a text message that are invalid UTF-8 together, or a close reason that is invalid UTF-8 (§8.1).
    InvalidUtf8,
    /// A part or a fragment that does not follow the previous one (§5.4).
    PartOutOfOrder,
    /// A frame that this version of the protocol cannot carry.
    Unsupported,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloseCode(code) => return write!(f, "close code {code} must not be sent"),
            Self::CloseReasonTooLong => "close reason exceeds 123 bytes",
            Self::CloseTooShort => "close payload has one byte",
            Self::ControlFragmented => "control frame is fragmented",
            Self::ControlTooLong => "control frame exceeds 125 bytes",
            Self::Extension => "extension could not encode the payload",
            Self::FrameTooLong => "frame is too long to be sent",
            Self::InvalidUtf8 => "text is not valid utf-8",
            Self::PartOutOfOrder => "part does not follow the previous part of the message",
            Self::Unsupported => "frame cannot be sent in this version of the protocol",
        })
    }
}

impl core::error::Error for EncodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small() {
        assert!(size_of::<DecodeError>() <= 4 && size_of::<EncodeError>() <= 4);
    }

    #[test]
    fn close_codes_follow_the_cause() {
        assert_eq!(DecodeError::InvalidUtf8.close_code(), CloseCode::INVALID_PAYLOAD_DATA);
        assert_eq!(DecodeError::FrameTooLong.close_code(), CloseCode::MESSAGE_TOO_BIG);
        assert_eq!(DecodeError::MessageTooLong.close_code(), CloseCode::MESSAGE_TOO_BIG);
        assert_eq!(DecodeError::TooManyFragments.close_code(), CloseCode::POLICY_VIOLATION);
        assert_eq!(DecodeError::ReservedBits.close_code(), CloseCode::PROTOCOL_ERROR);
    }

    #[test]
    fn texts_name_the_cause() {
        assert_eq!(DecodeError::ReservedOpCode(11).to_string(), "opcode 0xb is reserved");
        assert_eq!(EncodeError::CloseCode(1006).to_string(), "close code 1006 must not be sent");
    }
}
