//! [`Headers`], a list of header fields over one buffer, and its iterator.
//!
//! A parsed head shares the memory of the input: names and values are not copied, and a [`Field`] has their positions in the
//! buffer.

use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::slice;
use core::str::from_utf8;

use bytes::BytesMut;

use crate::debug::{Extensions, Hidden};
use crate::error::BuildError;
use crate::grammar::{elements, is_same, is_token, is_value};
use crate::secrets::may_be_secret;
use crate::span::{Field, Span, write_field};

/// The header fields of a head: an ordered list over one buffer.
///
/// Names are compared without regard to ASCII case. This is a list and not a map, because a head has about a dozen header
/// fields, and at most [`HeadLimits::max_headers`](crate::HeadLimits::max_headers). A search is one pass over them.
///
/// `Debug` shows the values of a few names that are never secret, such as `Host` and `Upgrade`, and hides all others.
///
/// ```
/// use protocol_websocket_http::Headers;
///
/// let mut headers = Headers::new();
/// headers.push("Connection", "keep-alive, Upgrade")?;
/// assert_eq!(headers.get("connection"), Some(&b"keep-alive, Upgrade"[..]));
/// assert!(headers.tokens("connection").eq(["keep-alive", "Upgrade"]));
/// assert!(headers.push("X", "a\r\nSet-Cookie: b").is_err());
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
#[derive(Clone, Default)]
pub struct Headers {
    /// All names and values, and the bytes around them.
    bytes: BytesMut,
    fields: Vec<Field>,
}

impl Headers {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a header field.
    ///
    /// # Errors
    ///
    /// [`BuildError::Field`] if `name` is not a token (RFC 9110 §5.1), or `value` has a control character other than the
    /// tab, or a space or tab at either end (§5.5). [`BuildError::TooLong`] if the list would exceed 4 GiB.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), BuildError> {
        let value = value.as_ref();
        if !is_token(name.as_bytes()) || !is_value(value) {
            return Err(BuildError::Field);
        }
        self.append(name.as_bytes(), value).ok_or(BuildError::TooLong)
    }

    /// Returns the value of the first header field of this name.
    ///
    /// ```
    /// use protocol_websocket_http::Headers;
    ///
    /// let mut headers = Headers::new();
    /// headers.push("Server", "example")?;
    /// assert_eq!(headers.get("server"), Some(&b"example"[..]));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// Returns the value of the first header field of this name as text. Returns `None` if there is no such header
    /// field, or if its value is not UTF-8.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| from_utf8(value).ok())
    }

    /// Iterates over the values of all header fields of this name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().filter(move |field| self.is_named(field, name)).map(|field| self.slice(field.value))
    }

    /// Returns whether there is a header field of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Iterates over the elements of the list (RFC 9110 §5.6.1) that all header fields of this name form together.
    ///
    /// Values are split at commas, and spaces and tabs around an element are removed. Elements that are empty or not UTF-8
    /// are skipped.
    ///
    /// ```
    /// use protocol_websocket_http::Headers;
    ///
    /// let mut headers = Headers::new();
    /// headers.push("Sec-WebSocket-Protocol", "chat, superchat")?;
    /// headers.push("Sec-WebSocket-Protocol", "v2.chat")?;
    /// assert!(headers.tokens("sec-websocket-protocol").eq(["chat", "superchat", "v2.chat"]));
    /// # Ok::<(), protocol_websocket_http::BuildError>(())
    /// ```
    pub fn tokens(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get_all(name).flat_map(elements).filter_map(|element| from_utf8(element).ok())
    }

    /// Iterates over the names and values of all header fields, in order.
    #[must_use]
    pub fn iter(&self) -> HeadersIter<'_> {
        HeadersIter { headers: self, fields: self.fields.iter() }
    }

    /// Returns the number of header fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Returns whether there is no header field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Creates the list of a parsed head from the positions of its header fields. [`set_bytes`](Self::set_bytes) follows.
    pub(crate) fn from_fields(fields: Vec<Field>) -> Self {
        Self { bytes: BytesMut::new(), fields }
    }

    /// Sets the buffer in which the header fields have their positions.
    pub(crate) fn set_bytes(&mut self, bytes: BytesMut) {
        self.bytes = bytes;
    }

    /// Appends a header field without a check. Returns `None` if the buffer would exceed 4 GiB.
    pub(crate) fn append(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        self.fields.push(Field::append(name, value, &mut self.bytes)?);
        Some(())
    }

    /// Appends all header fields of another list. Returns `None` if the buffer would exceed 4 GiB.
    pub(crate) fn append_all(&mut self, other: &Self) -> Option<()> {
        other.fields.iter().try_for_each(|field| self.append(other.slice(field.name), other.slice(field.value)))
    }

    /// Appends text that is not a header field. Returns `None` if the buffer would exceed 4 GiB.
    pub(crate) fn write(&mut self, text: &str) -> Option<Span> {
        let span = Span::new(self.bytes.len(), text.len())?;
        self.bytes.extend_from_slice(text.as_bytes());
        Some(span)
    }

    /// Creates an empty list with capacity for this number of bytes and header fields.
    pub(crate) fn with_capacity(bytes: usize, fields: usize) -> Self {
        Self { bytes: BytesMut::with_capacity(bytes), fields: Vec::with_capacity(fields) }
    }

    /// Returns the value of a header field that may appear at most once.
    pub(crate) fn at_most_once(&self, name: &str) -> Result<Option<&[u8]>, Repeated> {
        let mut values = self.get_all(name);
        let first = values.next();
        if values.next().is_some() { Err(Repeated) } else { Ok(first) }
    }

    pub(crate) fn is_named(&self, field: &Field, name: &str) -> bool {
        field.name.len() == name.len() && is_same(self.slice(field.name), name.as_bytes())
    }

    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub(crate) fn slice(&self, span: Span) -> &[u8] {
        span.of(&self.bytes)
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        let text = from_utf8(self.slice(span));
        debug_assert!(text.is_ok(), "names, targets and reason phrases are ASCII");
        text.unwrap_or_default()
    }

    /// Returns the position of `part`, a slice of a value or of other text in the buffer.
    pub(crate) fn span(&self, part: &[u8]) -> Span {
        Span::within(part, &self.bytes)
    }

    /// Returns an upper bound of the number of bytes that [`encode`](Self::encode) writes.
    pub(crate) fn encoded_len(&self) -> usize {
        self.bytes.len() + 4 * self.fields.len() + 2
    }

    /// Writes the header fields and the empty line after them.
    pub(crate) fn encode(&self, output: &mut BytesMut) {
        self.encode_fields(output);
        output.extend_from_slice(b"\r\n");
    }

    /// Writes the header fields.
    pub(crate) fn encode_fields(&self, output: &mut BytesMut) {
        for field in &self.fields {
            write_field(output, self.slice(field.name), self.slice(field.value));
        }
    }

    /// Returns the whole buffer.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().fmt(f)
    }
}

/// Compares the header fields in order, and their names without regard to ASCII case.
impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|(a, b)| a.0.eq_ignore_ascii_case(b.0) && a.1 == b.1)
    }
}

impl Eq for Headers {}

impl Hash for Headers {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        for (name, value) in self {
            state.write_usize(name.len());
            name.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
            value.hash(state);
        }
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = HeadersIter<'a>;

    fn into_iter(self) -> HeadersIter<'a> {
        self.iter()
    }
}

/// An iterator over the names and values of [`Headers`], in order.
///
/// ```
/// use protocol_websocket_http::Headers;
///
/// let mut headers = Headers::new();
/// headers.push("Host", "example.com")?;
/// for (name, value) in &headers {
///     assert_eq!((name, value), ("Host", &b"example.com"[..]));
/// }
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
#[derive(Clone)]
pub struct HeadersIter<'a> {
    headers: &'a Headers,
    fields: slice::Iter<'a, Field>,
}

impl<'a> Iterator for HeadersIter<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        Some((self.headers.text(field.name), self.headers.slice(field.value)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl ExactSizeIterator for HeadersIter<'_> {}

/// Hides the values that the `Debug` of [`Headers`] hides.
impl fmt::Debug for HeadersIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone().map(|(name, value)| (name, Value(name, value)))).finish()
    }
}

/// The error for a header field that appears more often than allowed.
#[derive(Debug)]
pub(crate) struct Repeated;

/// The name and the value of a header field. `Debug` shows the value only if values of this name are never secret.
struct Value<'a>(&'a str, &'a [u8]);

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, value) = *self;
        if name.eq_ignore_ascii_case("Sec-WebSocket-Extensions") {
            Extensions(value).fmt(f)
        } else if may_be_secret(name) {
            Hidden.fmt(f)
        } else {
            write!(f, "\"{}\"", value.escape_ascii())
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use alloc::format;

    #[test]
    fn compares_names_without_case_and_keeps_order() {
        let mut headers = Headers::new();
        headers.push("A", "1").unwrap();
        headers.push("b", "2").unwrap();
        headers.push("a", "3").unwrap();
        assert_eq!(headers.get("a"), Some(&b"1"[..]));
        assert!(headers.get_all("A").eq([b"1", b"3"]));
        assert_eq!(headers.get("c"), None);
        assert!(headers.iter().eq([("A", &b"1"[..]), ("b", b"2"), ("a", b"3")]));
        assert!(headers.at_most_once("a").is_err());
        assert_eq!(headers.at_most_once("b").unwrap(), Some(&b"2"[..]));
        assert_eq!(headers.at_most_once("c").unwrap(), None);
    }

    #[test]
    fn equal_headers_have_equal_hashes() {
        let hash = |name: &str, value: &str| {
            let mut headers = Headers::new();
            headers.push(name, value).unwrap();
            let mut hasher = std::hash::DefaultHasher::new();
            headers.hash(&mut hasher);
            (headers, hasher.finish())
        };
        assert_eq!(hash("Host", "h"), hash("hOST", "h"));
        assert_ne!(hash("Host", "h"), hash("Host", "H"));
    }

    #[test]
    fn iterates_over_names_and_values() {
        let mut headers = Headers::new();
        headers.push("A", "1").unwrap();
        headers.push("B", "2").unwrap();
        let mut values = Vec::new();
        for (_, value) in &headers {
            values.push(value);
        }
        assert_eq!(values, [b"1", b"2"]);
        assert_eq!(headers.iter().len(), 2);
    }

    #[test]
    fn tokens_span_all_fields_of_a_name() {
        let mut headers = Headers::new();
        headers.push("c", "a, b").unwrap();
        headers.push("C", ",,c\t,").unwrap();
        headers.push("c", "").unwrap();
        headers.push("c", b"\xFF, d").unwrap();
        assert!(headers.tokens("c").eq(["a", "b", "c", "d"]));
    }

    #[test]
    fn rejects_invalid_names_and_values() {
        let mut headers = Headers::new();
        for name in ["", "a b", "a:", "a\r\nb", "é", "a\0"] {
            assert_eq!(headers.push(name, "x"), Err(BuildError::Field), "{name:?}");
        }
        for value in ["a\r\nb", "a\nb", "\0", " a", "a\t", "\x7F"] {
            assert_eq!(headers.push("x", value), Err(BuildError::Field), "{value:?}");
        }
        assert!(headers.is_empty());
    }

    #[test]
    fn accepts_long_names_and_values() {
        let (name, value) = ("n".repeat(1 << 16), "v".repeat(1 << 16));
        let mut headers = Headers::new();
        headers.push(&name, &value).unwrap();
        assert_eq!(headers.get(&name), Some(value.as_bytes()));
    }

    #[test]
    fn debug_hides_secrets() {
        let mut headers = Headers::new();
        for name in ["Cookie", "authorization", "Location", "X-Api-Key", "Sec-WebSocket-Protocol", "X"] {
            headers.push(name, "secret").unwrap();
        }
        headers.push("user-agent", b"a\xFF").unwrap();
        let shown = format!("{headers:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains(r#""X-Api-Key": (hidden)"#) && shown.contains(r#""a\xff""#), "{shown}");
    }
}
