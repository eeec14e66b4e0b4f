use core::fmt;

use crate::CloseCode;

/// The peer broke a rule. The connection is to be failed with [`close_code`](Self::close_code) (RFC 6455 §7.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// A close code that never travels, or that nobody has registered (§7.4).
    CloseCode(u16),
    /// A Close payload of one byte: a code takes two (§5.5.1).
    CloseTooShort,
    /// A control frame without FIN (§5.5).
    ControlFragmented,
    /// A control frame over 125 bytes (§5.5).
    ControlTooLong,
    /// A new text or binary frame before the last message was finished (§5.4).
    DataInsideMessage,
    /// A negotiated extension could not make sense of the payload.
    Extension,
    /// A frame over [`Limits::max_frame`](crate::Limits::max_frame).
    FrameTooLong,
    /// Text or a close reason that is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A length that would have fitted a shorter form (§5.2).
    LengthNotMinimal,
    /// A 64-bit length with its top bit set (§5.2).
    LengthTopBit,
    /// An unmasked frame from a client (§5.1).
    MaskMissing,
    /// A masked frame from a server (§5.1).
    MaskUnexpected,
    /// A message over [`Limits::max_message`](crate::Limits::max_message).
    MessageTooLong,
    /// A continuation with nothing to continue (§5.4).
    OrphanContinuation,
    /// Reserved bits that no negotiated extension claims (§5.2).
    ReservedBits,
    /// One of the ten reserved opcodes (§5.2).
    ReservedOpCode(u8),
    /// More fragments than [`Limits::max_fragments`](crate::Limits::max_fragments).
    TooManyFragments,
}

impl DecodeError {
    /// What to tell the peer (RFC 6455 §7.4.1).
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
            Self::CloseTooShort => "a close payload of one byte",
            Self::CloseCode(code) => return write!(f, "close code {code} may not be sent"),
            Self::ControlFragmented => "a control frame was fragmented",
            Self::ControlTooLong => "a control frame is longer than 125 bytes",
            Self::DataInsideMessage => "a new message began inside a fragmented one",
            Self::Extension => "an extension could not decode the payload",
            Self::FrameTooLong => "payload is too big",
            Self::InvalidUtf8 => "text is not valid utf-8",
            Self::LengthNotMinimal => "a length was not written in its shortest form",
            Self::LengthTopBit => "a 64-bit length has its top bit set",
            Self::MaskMissing => "a client's frame is not masked",
            Self::MaskUnexpected => "a server's frame is masked",
            Self::MessageTooLong => "message is too long",
            Self::OrphanContinuation => "a continuation has nothing to continue",
            Self::ReservedBits => "reserved bits are set",
            Self::ReservedOpCode(bits) => return write!(f, "opcode {bits:#x} is reserved"),
            Self::TooManyFragments => "too many fragments",
        })
    }
}

impl core::error::Error for DecodeError {}

/// What we were asked to send cannot be sent. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// A close code that may not be sent (RFC 6455 §7.4).
    CloseCode(u16),
    /// A close reason over 123 bytes (§5.5).
    CloseReasonTooLong,
    /// A Close payload of one byte: a code takes two (§5.5.1).
    CloseTooShort,
    /// A control frame without FIN (§5.5).
    ControlFragmented,
    /// A control frame over 125 bytes (§5.5).
    ControlTooLong,
    /// A negotiated extension could not encode the payload.
    Extension,
    /// A length of 2^63 or more (§5.2), or over a limit of the sender's.
    FrameTooLong,
    /// Parts of a text message that are not UTF-8 together, or a close reason that is not (§8.1).
    InvalidUtf8,
    /// A part that does not follow the one before it (§5.4).
    PartOutOfOrder,
    /// A frame that this version of the protocol has no way to say.
    Unsupported,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloseCode(code) => return write!(f, "close code {code} may not be sent"),
            Self::CloseReasonTooLong => "a close reason is longer than 123 bytes",
            Self::CloseTooShort => "a close payload of one byte",
            Self::ControlFragmented => "a control frame may not be fragmented",
            Self::ControlTooLong => "a control frame is longer than 125 bytes",
            Self::Extension => "an extension could not encode the payload",
            Self::FrameTooLong => "payload is too big",
            Self::InvalidUtf8 => "text is not valid utf-8",
            Self::PartOutOfOrder => "a part does not follow the one before it",
            Self::Unsupported => "this version of the protocol cannot carry the frame",
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
    fn each_blame_has_its_close_code() {
        assert_eq!(DecodeError::InvalidUtf8.close_code(), CloseCode::INVALID_PAYLOAD_DATA);
        assert_eq!(DecodeError::FrameTooLong.close_code(), CloseCode::MESSAGE_TOO_BIG);
        assert_eq!(DecodeError::MessageTooLong.close_code(), CloseCode::MESSAGE_TOO_BIG);
        assert_eq!(DecodeError::TooManyFragments.close_code(), CloseCode::POLICY_VIOLATION);
        assert_eq!(DecodeError::ReservedBits.close_code(), CloseCode::PROTOCOL_ERROR);
    }

    #[test]
    fn messages_name_the_cause() {
        assert_eq!(DecodeError::ReservedOpCode(11).to_string(), "opcode 0xb is reserved");
        assert_eq!(EncodeError::CloseCode(1006).to_string(), "close code 1006 may not be sent");
    }
}
