//! A payload that borrows from the input where it can.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

use bytes::{Buf, Bytes, BytesMut};

use crate::{Utf8Bytes, Utf8Error};

/// A payload that is borrowed from the caller's buffer, or shared as [`Bytes`].
///
/// [`Decoder::decode_lent`](crate::Decoder::decode_lent) returns it, and extensions take and return it. A payload that no
/// extension changes is not copied. A payload that was joined or decompressed is `Shared`.
///
/// Two payloads are equal if their bytes are. `Debug` shows the length and not the bytes.
///
/// ```
/// use bytes::Bytes;
/// use protocol_websocket_frame::Payload;
///
/// let input = *b"Hello";
/// let (borrowed, shared) = (Payload::from(&input), Payload::from(Bytes::from_static(b"Hello")));
/// assert_eq!(borrowed, shared);
/// assert_eq!(borrowed.as_str(), Ok("Hello"));
/// assert_eq!(borrowed.into_owned(), "Hello");
/// ```
#[derive(Clone)]
pub enum Payload<'a> {
    /// Bytes of the caller's buffer.
    Borrowed(&'a [u8]),
    /// Bytes in memory that is reference-counted. This payload may be the only owner.
    Shared(Bytes),
}

impl Payload<'_> {
    /// Returns the bytes.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Returns the payload as text. The bytes are checked each time.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if the bytes are not valid UTF-8.
    pub fn as_str(&self) -> Result<&str, Utf8Error> {
        simdutf8::basic::from_utf8(self.as_bytes()).map_err(|_| Utf8Error)
    }

    /// Returns the number of bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Returns whether there are no bytes.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes as [`Bytes`]. Borrowed bytes are copied, shared ones are not.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use protocol_websocket_frame::Payload;
    ///
    /// let input = *b"Hello";
    /// let owned: Bytes = Payload::from(&input).into_owned(); // does not borrow from `input`
    /// assert_eq!(owned, "Hello");
    /// ```
    #[must_use]
    pub fn into_owned(self) -> Bytes {
        match self {
            Self::Borrowed(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes,
        }
    }
}

/// Reads from the front, so that an extension can return the rest of a payload without a copy.
///
/// ```
/// use bytes::Buf;
/// use protocol_websocket_frame::Payload;
///
/// let mut payload = Payload::from(b"Hello");
/// payload.advance(3);
/// assert_eq!(payload.as_bytes(), b"lo");
/// ```
impl Buf for Payload<'_> {
    #[inline]
    fn remaining(&self) -> usize {
        self.len()
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        self.as_bytes()
    }

    /// Removes the first `cnt` bytes.
    ///
    /// # Panics
    ///
    /// Panics if the payload has fewer bytes.
    #[inline]
    fn advance(&mut self, cnt: usize) {
        match self {
            Self::Borrowed(bytes) => bytes.advance(cnt),
            Self::Shared(bytes) => bytes.advance(cnt),
        }
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        match self {
            Self::Borrowed(bytes) => bytes.copy_to_bytes(len),
            Self::Shared(bytes) => bytes.copy_to_bytes(len),
        }
    }
}

impl Default for Payload<'_> {
    /// Returns an empty payload.
    fn default() -> Self {
        Self::Borrowed(&[])
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for Payload<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Payload<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Payload<'_> {}

impl Hash for Payload<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Borrowed(_) => "Borrowed",
            Self::Shared(_) => "Shared",
        };
        f.debug_struct(kind).field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Borrowed(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Payload<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Borrowed(bytes)
    }
}

impl<'a> From<&'a str> for Payload<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text.as_bytes())
    }
}

impl From<Bytes> for Payload<'_> {
    #[inline]
    fn from(bytes: Bytes) -> Self {
        Self::Shared(bytes)
    }
}

impl From<BytesMut> for Payload<'_> {
    fn from(bytes: BytesMut) -> Self {
        Self::Shared(bytes.freeze())
    }
}

impl From<Vec<u8>> for Payload<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Shared(bytes.into())
    }
}

impl From<String> for Payload<'_> {
    fn from(text: String) -> Self {
        Self::Shared(text.into())
    }
}

impl From<Utf8Bytes> for Payload<'_> {
    fn from(text: Utf8Bytes) -> Self {
        Self::Shared(text.into_bytes())
    }
}

impl From<Payload<'_>> for Bytes {
    #[inline]
    fn from(payload: Payload<'_>) -> Self {
        payload.into_owned()
    }
}

impl From<Payload<'_>> for Vec<u8> {
    /// Returns the bytes as a vector. It reuses the memory of this payload if no other owner shares it.
    fn from(payload: Payload<'_>) -> Self {
        match payload {
            Payload::Borrowed(bytes) => bytes.into(),
            Payload::Shared(bytes) => bytes.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(bytes: &[u8]) -> [Payload<'_>; 2] {
        [Payload::Borrowed(bytes), Payload::Shared(Bytes::copy_from_slice(bytes))]
    }

    #[test]
    fn is_no_larger_than_bytes() {
        assert_eq!(size_of::<Payload<'_>>(), size_of::<Bytes>());
    }

    #[test]
    fn borrowed_and_shared_payloads_are_equal_by_content() {
        let [borrowed, shared] = both(b"ab");
        assert_eq!(borrowed, shared);
        assert_ne!(borrowed, Payload::from(b"ac"));
        assert_eq!(borrowed.into_owned(), shared.into_owned());
        assert_eq!(Payload::default(), Payload::from(Bytes::new()));
    }

    #[test]
    fn text_is_checked() {
        for payload in both("Grüße".as_bytes()) {
            assert_eq!(payload.as_str(), Ok("Grüße"));
        }
        for payload in both(b"\xC3") {
            assert_eq!(payload.as_str(), Err(Utf8Error));
        }
    }

    #[test]
    fn reads_from_the_front() {
        for mut payload in both(b"abcdef") {
            payload.advance(2);
            assert_eq!((payload.len(), payload.copy_to_bytes(3)), (4, Bytes::from("cde")));
            assert_eq!((payload.chunk(), payload.is_empty()), (&b"f"[..], false));
        }
    }

    #[test]
    fn into_owned_does_not_copy_shared_bytes() {
        let bytes = Bytes::from(vec![7; 100]);
        assert_eq!(Payload::from(bytes.clone()).into_owned().as_ptr(), bytes.as_ptr());
    }

    #[test]
    fn debug_hides_content() {
        let [borrowed, shared] = both(b"secret");
        assert_eq!(format!("{borrowed:?}"), "Borrowed { len: 6, .. }");
        assert_eq!(format!("{shared:?}"), "Shared { len: 6, .. }");
    }
}
