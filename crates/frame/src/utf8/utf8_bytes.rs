//! Text in shared memory.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

use bytes::{Bytes, BytesMut};

use super::{Utf8Error, is_utf8, validated};

/// Text in shared memory: a [`str`] that is cheap to clone, as [`Bytes`] is.
///
/// ```
/// use bytes::Bytes;
/// use protocol_websocket_frame::Utf8Bytes;
///
/// let text = Utf8Bytes::try_from(Bytes::from_static("grüß dich".as_bytes()))?;
/// assert_eq!(text, "grüß dich");
/// assert!(Utf8Bytes::try_from(Bytes::from_static(b"\xFF")).is_err());
/// # Ok::<_, protocol_websocket_frame::Utf8Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utf8Bytes(
    /// Invariant: valid UTF-8. Only this file creates values, and `Bytes` cannot be written to.
    Bytes,
);

impl Utf8Bytes {
    /// Creates a text from a static string, without a copy.
    ///
    /// ```
    /// use protocol_websocket_frame::Utf8Bytes;
    ///
    /// const GREETING: Utf8Bytes = Utf8Bytes::from_static("Hello");
    /// assert_eq!(GREETING.as_str(), "Hello");
    /// ```
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Creates a text from bytes that the caller validated.
    #[inline]
    pub(crate) fn from_validated(bytes: Bytes) -> Self {
        debug_assert!(is_utf8(&bytes), "the caller must validate the bytes");
        Self(bytes)
    }

    /// Returns the text.
    #[inline]
    #[must_use]
    #[allow(unsafe_code, reason = "calls `validated`")]
    pub fn as_str(&self) -> &str {
        // SAFETY: the field is valid UTF-8, by its invariant. It is borrowed as long as the result, and cannot be written to.
        unsafe { validated(&self.0) }
    }

    /// Returns the bytes of the text.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Returns the bytes of the text without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    /// Checks the bytes and returns them as text, without a copy.
    ///
    /// # Errors
    ///
    /// If they are invalid UTF-8.
    fn try_from(bytes: Bytes) -> Result<Self, Utf8Error> {
        if is_utf8(&bytes) { Ok(Self(bytes)) } else { Err(Utf8Error) }
    }
}

impl TryFrom<BytesMut> for Utf8Bytes {
    type Error = Utf8Error;

    /// Checks the bytes and returns them as text, without a copy.
    ///
    /// # Errors
    ///
    /// If they are invalid UTF-8.
    fn try_from(bytes: BytesMut) -> Result<Self, Utf8Error> {
        bytes.freeze().try_into()
    }
}

impl TryFrom<Vec<u8>> for Utf8Bytes {
    type Error = Utf8Error;

    /// Checks the bytes and returns them as text, without a copy.
    ///
    /// # Errors
    ///
    /// If they are invalid UTF-8.
    fn try_from(bytes: Vec<u8>) -> Result<Self, Utf8Error> {
        Bytes::from(bytes).try_into()
    }
}

impl From<&str> for Utf8Bytes {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Utf8Bytes {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Utf8Bytes> for Bytes {
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}

impl Deref for Utf8Bytes {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    fn as_ref(&self) -> &str {
        self
    }
}

/// A key of a map can be looked up by a `str`, because both have the same hash and order.
impl Borrow<str> for Utf8Bytes {
    fn borrow(&self) -> &str {
        self
    }
}

impl Hash for Utf8Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

macro_rules! compare_with {
    ($($text:ty),*) => {$(
        impl PartialEq<$text> for Utf8Bytes {
            fn eq(&self, other: &$text) -> bool {
                self.as_str() == AsRef::<str>::as_ref(other)
            }
        }

        impl PartialEq<Utf8Bytes> for $text {
            fn eq(&self, other: &Utf8Bytes) -> bool {
                other == self
            }
        }
    )*};
}

compare_with!(str, &str, String, &String, Cow<'_, str>);

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_between_text_and_bytes() {
        let text = Utf8Bytes::from("grüß dich");
        assert_eq!(text, "grüß dich");
        assert_eq!(Utf8Bytes::try_from(text.into_bytes()).as_deref(), Ok("grüß dich"));
        assert_eq!(Utf8Bytes::try_from(Bytes::from_static(b"\xFF")), Err(Utf8Error));
        assert_eq!(Utf8Bytes::from("ü"), "ü");
        assert_ne!(Utf8Bytes::from("ü"), "u");
        assert_ne!(Utf8Bytes::from("ü"), *"u");
    }
}
