use core::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::utf8::is_utf8;
use crate::{CloseCode, DecodeError, EncodeError, Utf8Bytes};

/// The payload of a Close frame: a code and a reason (RFC 6455 §5.5.1).
///
/// A Close frame may also have no payload. Functions that return an `Option<Close>` return `None` for it. Functions
/// that take an `impl Into<Option<Close>>` accept a `Close`, a [`CloseCode`], and `None` for a Close frame without a
/// payload.
///
/// ```
/// use protocol_websocket_frame::{Close, CloseCode, Frame};
///
/// let close = Close::new(CloseCode::GOING_AWAY, "the server restarts");
/// let frame = Frame::close(close.clone())?;
/// assert_eq!(Close::parse(frame.payload())?, Some(close));
/// assert_eq!(Frame::close(CloseCode::NORMAL)?.payload()[..], [0x03, 0xE8]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Close {
    /// The code.
    pub code: CloseCode,
    /// The reason: text of at most [`Close::MAX_REASON`] bytes, which may be empty.
    pub reason: Utf8Bytes,
}

impl Close {
    /// The maximum length of a reason, in bytes: the 125 bytes of a control frame without the two of the code.
    pub const MAX_REASON: usize = 123;

    /// Creates a Close from a code and a reason. They are checked when the Close is encoded.
    pub fn new(code: impl Into<CloseCode>, reason: impl Into<Utf8Bytes>) -> Self {
        Self { code: code.into(), reason: reason.into() }
    }

    /// Creates a Close from a code and a reason, which is truncated to the whole characters within
    /// [`MAX_REASON`](Self::MAX_REASON) bytes.
    ///
    /// ```
    /// use protocol_websocket_frame::{Close, CloseCode};
    ///
    /// let close = Close::truncated(CloseCode::INTERNAL_ERROR, &"ü".repeat(100));
    /// assert_eq!(close.reason, "ü".repeat(61).as_str());
    /// ```
    pub fn truncated(code: impl Into<CloseCode>, reason: &str) -> Self {
        let mut end = reason.len().min(Self::MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self::new(code, reason.split_at(end).0)
    }

    /// Parses the payload of a Close frame. Returns `None` if it is empty. The reason shares the payload's memory.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use protocol_websocket_frame::{Close, CloseCode};
    ///
    /// let payload = Bytes::from_static(b"\x03\xE9restart");
    /// assert_eq!(Close::parse(&payload)?, Some(Close::new(CloseCode::GOING_AWAY, "restart")));
    /// assert_eq!(Close::parse(&Bytes::new())?, None);
    /// # Ok::<_, protocol_websocket_frame::DecodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`DecodeError::CloseTooShort`] for a payload of one byte.
    /// - [`DecodeError::CloseCode`] for a code that must not be sent.
    /// - [`DecodeError::InvalidUtf8`] for a reason that is not valid UTF-8.
    pub fn parse(payload: &Bytes) -> Result<Option<Self>, DecodeError> {
        let Some((code, reason)) = Self::split(payload)? else { return Ok(None) };
        let reason = Utf8Bytes::try_from(payload.slice_ref(reason)).map_err(|_| DecodeError::InvalidUtf8)?;
        Ok(Some(Self { code, reason }))
    }

    /// Splits a payload into its code and the bytes of its reason. Returns `None` if it is empty.
    fn split(payload: &[u8]) -> Result<Option<(CloseCode, &[u8])>, DecodeError> {
        let (code, reason) = match payload.split_first_chunk() {
            Some((&code, reason)) => (CloseCode(u16::from_be_bytes(code)), reason),
            None if payload.is_empty() => return Ok(None),
            None => return Err(DecodeError::CloseTooShort),
        };
        if code.is_sendable() { Ok(Some((code, reason))) } else { Err(DecodeError::CloseCode(code.0)) }
    }

    /// Checks the payload of a Close frame that is to be sent.
    pub(crate) fn check(payload: &[u8]) -> Result<(), EncodeError> {
        match Self::split(payload) {
            Ok(Some((_, reason))) if !is_utf8(reason) => Err(EncodeError::InvalidUtf8),
            Ok(_) => Ok(()),
            Err(DecodeError::CloseCode(code)) => Err(EncodeError::CloseCode(code)),
            // The only other error of `split`.
            Err(_) => Err(EncodeError::CloseTooShort),
        }
    }

    /// Encodes the payload of a Close frame.
    ///
    /// ```
    /// use protocol_websocket_frame::{Close, CloseCode, EncodeError};
    ///
    /// assert_eq!(Close::new(CloseCode::NORMAL, "bye").encode()?[..], *b"\x03\xE8bye");
    /// assert_eq!(Close::new(1006, "").encode(), Err(EncodeError::CloseCode(1006)));
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`EncodeError::CloseCode`] for a code that must not be sent.
    /// - [`EncodeError::CloseReasonTooLong`] for a reason of more than [`MAX_REASON`](Self::MAX_REASON) bytes.
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
    /// Returns a Close with this code and without a reason.
    fn from(code: CloseCode) -> Self {
        Self { code, reason: Utf8Bytes::default() }
    }
}

impl From<CloseCode> for Option<Close> {
    /// Returns a Close with this code and without a reason.
    fn from(code: CloseCode) -> Self {
        Some(code.into())
    }
}

impl From<&Close> for Option<Close> {
    fn from(close: &Close) -> Self {
        Some(close.clone())
    }
}

/// Shows the code, and the reason if there is one.
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
    fn rejects_codes_that_must_not_be_sent() {
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
    fn rejects_invalid_payloads() {
        assert_eq!(Close::parse(&Bytes::new()), Ok(None));
        assert_eq!(Close::parse(&Bytes::from_static(b"\x03")), Err(DecodeError::CloseTooShort));
        assert_eq!(Close::parse(&Bytes::from_static(b"\x03\xE8\xFF")), Err(DecodeError::InvalidUtf8));
    }

    #[test]
    fn reason_limit_counts_bytes() {
        assert!(Close::new(1000, "x".repeat(123)).encode().is_ok());
        assert_eq!(Close::new(1000, "x".repeat(124)).encode(), Err(EncodeError::CloseReasonTooLong));
        assert_eq!(Close::new(1000, "é".repeat(62)).encode(), Err(EncodeError::CloseReasonTooLong));
    }

    #[test]
    fn display_shows_code_and_reason() {
        assert_eq!(Close::new(4000, "enough").to_string(), "4000 enough");
        assert_eq!(Close::from(CloseCode::NORMAL).to_string(), "1000");
    }

    #[test]
    fn truncated_reasons_end_between_characters() {
        for (len, text) in
            [(123, "x".repeat(200)), (122, "ü".repeat(200)), (120, "😀".repeat(200)), (5, "short".into())]
        {
            let close = Close::truncated(1000, &text);
            assert_eq!((close.reason.len(), text.starts_with(close.reason.as_str())), (len, true));
            assert!(close.encode().is_ok());
        }
    }

    #[test]
    fn codes_convert_to_a_close() {
        let close: Option<Close> = CloseCode::NORMAL.into();
        assert_eq!(close, Some(Close::new(1000, "")));
        assert_eq!(Option::from(&Close::new(1000, "")), close);
        assert_eq!(u16::from(CloseCode::NORMAL), 1000);
    }

    proptest! {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //# the first two bytes of the body MUST be a 2-byte unsigned integer
        #[test]
        fn roundtrips_codes_and_reasons(code in 3000..5000_u16, reason in ".{0,30}") {
            let close = Close::new(code, reason);
            prop_assert_eq!(Close::parse(&close.encode()?), Ok(Some(close)));
        }
    }
}
