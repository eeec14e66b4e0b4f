use core::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::utf8::is_utf8;
use crate::{DecodeError, EncodeError, Utf8Bytes};

/// Why a connection ends (RFC 6455 §7.4): a number from an open registry, with the registered ones as constants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+) => {
        impl CloseCode {
            $($(#[doc = $doc])+ pub const $name: Self = Self($code);)+

            const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)+
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// The purpose is fulfilled.
    NORMAL = 1000;
    /// The server goes down, or the page is left.
    GOING_AWAY = 1001;
    /// A rule of the protocol was broken.
    PROTOCOL_ERROR = 1002;
    /// A kind of data that the endpoint does not take.
    UNSUPPORTED_DATA = 1003;
    /// No code came with the Close. Never on the wire.
    NO_STATUS = 1005;
    /// The connection was lost without a Close. Never on the wire.
    ABNORMAL = 1006;
    /// Text that is not UTF-8, or data that does not fit its type.
    INVALID_PAYLOAD_DATA = 1007;
    /// A policy was broken, and no other code fits.
    POLICY_VIOLATION = 1008;
    /// A message too big to process.
    MESSAGE_TOO_BIG = 1009;
    /// The client misses an extension that it needs.
    MANDATORY_EXTENSION = 1010;
    /// The server met a condition that it did not expect.
    INTERNAL_ERROR = 1011;
    /// The service restarts.
    SERVICE_RESTART = 1012;
    /// The service is overloaded.
    TRY_AGAIN_LATER = 1013;
    /// A gateway got an invalid answer from behind it.
    BAD_GATEWAY = 1014;
    /// TLS could not be set up. Never on the wire.
    TLS_HANDSHAKE = 1015;
}

impl CloseCode {
    /// Whether the code may stand in a Close frame: registered and meant for the wire (1000–1003, 1007–1014), or left
    /// to libraries and applications (3000–4999).
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //# 1005 is a reserved value and MUST NOT be set as a status code in a Close control frame
        //# by an endpoint.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //# 1006 is a reserved value and MUST NOT be set as a status code in a Close control frame
        //# by an endpoint.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //# 1015 is a reserved value and MUST NOT be set as a status code in a Close control frame
        //# by an endpoint.
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "CloseCode({}, {name})", self.0),
            None => write!(f, "CloseCode({})", self.0),
        }
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

/// The payload of a Close frame that has one: a code and a reason (RFC 6455 §5.5.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Close {
    /// Why.
    pub code: CloseCode,
    /// The same for people, or nothing: at most [`Close::MAX_REASON`] bytes.
    pub reason: Utf8Bytes,
}

impl Close {
    /// The longest reason, in bytes: what a control frame has left beside the code.
    pub const MAX_REASON: usize = 123;

    /// A code and a reason. Whether they can be sent is found out when they are.
    pub fn new(code: impl Into<CloseCode>, reason: impl Into<Utf8Bytes>) -> Self {
        Self { code: code.into(), reason: reason.into() }
    }

    /// Reads a Close frame's payload. An empty one is no code and no reason: `None`.
    ///
    /// # Errors
    ///
    /// A payload of one byte, a code that may not be sent, a reason that is not UTF-8.
    pub fn parse(payload: &Bytes) -> Result<Option<Self>, DecodeError> {
        let Some((code, reason)) = Self::split(payload)? else { return Ok(None) };
        let reason = Utf8Bytes::try_from(payload.slice_ref(reason)).map_err(|_| DecodeError::InvalidUtf8)?;
        Ok(Some(Self { code, reason }))
    }

    /// The code, and the bytes that are to be the reason.
    fn split(payload: &[u8]) -> Result<Option<(CloseCode, &[u8])>, DecodeError> {
        let (code, reason) = match payload.split_first_chunk() {
            Some((&code, reason)) => (CloseCode(u16::from_be_bytes(code)), reason),
            None if payload.is_empty() => return Ok(None),
            None => return Err(DecodeError::CloseTooShort),
        };
        if code.is_sendable() { Ok(Some((code, reason))) } else { Err(DecodeError::CloseCode(code.0)) }
    }

    /// Refuses to send a payload that nobody would take.
    pub(crate) fn check(payload: &[u8]) -> Result<(), EncodeError> {
        match Self::split(payload) {
            Ok(Some((_, reason))) if !is_utf8(reason) => Err(EncodeError::InvalidUtf8),
            Ok(_) => Ok(()),
            Err(DecodeError::CloseCode(code)) => Err(EncodeError::CloseCode(code)),
            Err(DecodeError::CloseTooShort) => Err(EncodeError::CloseTooShort),
            Err(_) => Err(EncodeError::InvalidUtf8),
        }
    }

    /// The payload that says this.
    ///
    /// # Errors
    ///
    /// A code that may not be sent, a reason over [`MAX_REASON`](Self::MAX_REASON) bytes.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        if !self.code.is_sendable() {
            return Err(EncodeError::CloseCode(self.code.0));
        }
        if self.reason.len() > Self::MAX_REASON {
            return Err(EncodeError::CloseReasonTooLong);
        }
        let mut payload = BytesMut::with_capacity(2 + self.reason.len());
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //# the first two bytes of the body MUST be a 2-byte unsigned integer
        payload.put_u16(self.code.0);
        payload.extend_from_slice(self.reason.as_bytes());
        Ok(payload.freeze())
    }
}

impl From<CloseCode> for Close {
    /// The code without a reason.
    fn from(code: CloseCode) -> Self {
        Self { code, reason: Utf8Bytes::default() }
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.as_str() {
            "" => write!(f, "{}", self.code),
            reason => write!(f, "{} {reason}", self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
    //# 1005 is a reserved value and MUST NOT be set as a status code in a Close control frame by an
    //# endpoint.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
    //# 1006 is a reserved value and MUST NOT be set as a status code in a Close control frame by an
    //# endpoint.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
    //# 1015 is a reserved value and MUST NOT be set as a status code in a Close control frame by an
    //# endpoint.
    #[test]
    fn all_codes_are_sorted_into_sendable_and_not() {
        let sendable = |code: u16| match code {
            1004..=1006 | 1015 => false,
            1000..=1014 | 3000..=4999 => true,
            _ => false,
        };
        for code in 0..=u16::MAX {
            let payload = Bytes::copy_from_slice(&code.to_be_bytes());
            let close = Close::from(CloseCode(code));
            if sendable(code) {
                assert_eq!(Close::parse(&payload), Ok(Some(close.clone())));
                assert_eq!(close.encode(), Ok(payload));
            } else {
                assert_eq!(Close::parse(&payload), Err(DecodeError::CloseCode(code)));
                assert_eq!(close.encode(), Err(EncodeError::CloseCode(code)));
            }
        }
    }

    #[test]
    fn bad_payloads_are_refused() {
        assert_eq!(Close::parse(&Bytes::new()), Ok(None));
        assert_eq!(Close::parse(&Bytes::from_static(b"\x03")), Err(DecodeError::CloseTooShort));
        assert_eq!(Close::parse(&Bytes::from_static(b"\x03\xE8\xFF")), Err(DecodeError::InvalidUtf8));
    }

    #[test]
    fn a_reason_is_measured_in_bytes() {
        assert!(Close::new(1000, "x".repeat(123)).encode().is_ok());
        assert_eq!(Close::new(1000, "x".repeat(124)).encode(), Err(EncodeError::CloseReasonTooLong));
        assert_eq!(Close::new(1000, "é".repeat(62)).encode(), Err(EncodeError::CloseReasonTooLong));
    }

    #[test]
    fn codes_have_names() {
        assert_eq!(
            format!("{:?} {:?}", CloseCode::GOING_AWAY, CloseCode(4000)),
            "CloseCode(1001, GOING_AWAY) CloseCode(4000)"
        );
        assert_eq!(Close::new(4000, "enough").to_string(), "4000 enough");
    }

    proptest! {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //# the first two bytes of the body MUST be a 2-byte unsigned integer
        #[test]
        fn what_is_encoded_is_parsed(code in 3000..5000_u16, reason in ".{0,30}") {
            let close = Close::new(code, reason);
            prop_assert_eq!(Close::parse(&close.encode()?), Ok(Some(close)));
        }
    }
}
