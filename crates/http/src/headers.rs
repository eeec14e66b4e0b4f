use alloc::vec::Vec;
use core::fmt;
use core::str::from_utf8;

use bytes::BytesMut;

use crate::BuildError;
use crate::debug::{Extensions, Hidden, is_harmless};
use crate::grammar::{elements, is_same, is_token, is_value};

/// The fields of a head: an ordered list over one buffer.
///
/// Names are compared without regard to ASCII case. It is a list and not a map: a head has a dozen fields, at most
/// [`HeadLimits::max_headers`](crate::HeadLimits::max_headers), and a search is one pass over them.
///
/// `Debug` hides the values of all fields but a few that hold no secrets, such as `Host` and `Upgrade`: tokens and keys stand
/// in fields of any name.
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
    /// Holds all names and values, and what stands around them.
    bytes: BytesMut,
    fields: Vec<Field>,
}

/// Where a field's name and value lie in the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// A piece of a buffer of at most 4 GiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u32,
    len: u32,
}

impl Headers {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a field.
    ///
    /// # Errors
    ///
    /// [`BuildError::Field`] if `name` is no token (RFC 9110 §5.1), or `value` has a control character other than the
    /// tab or a blank at either end (§5.5). [`BuildError::TooLong`] if the whole would exceed 4 GiB.
    pub fn push(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), BuildError> {
        let value = value.as_ref();
        if !is_token(name.as_bytes()) || !is_value(value) {
            return Err(BuildError::Field);
        }
        self.append(name.as_bytes(), value).ok_or(BuildError::TooLong)
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// The value of the first field of this name, if it is UTF-8.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| from_utf8(value).ok())
    }

    /// The values of all fields of this name, in their order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().filter(move |field| self.is_named(field, name)).map(|field| self.slice(field.value))
    }

    /// Whether there is a field of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The elements of a list (RFC 9110 §5.6.1) over all fields of this name: split at commas, without blanks around
    /// them, empty ones skipped. An element that is not UTF-8 is skipped too: it is no token.
    pub fn tokens(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get_all(name).flat_map(elements).filter_map(|element| from_utf8(element).ok())
    }

    /// All fields, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| (self.text(field.name), self.slice(field.value)))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Takes over a head that was parsed: its bytes, and where its fields lie in them.
    pub(crate) fn from_head(bytes: BytesMut, fields: Vec<Field>) -> Self {
        Self { bytes, fields }
    }

    /// Appends a field that was checked. `None` if the buffer would exceed 4 GiB.
    pub(crate) fn append(&mut self, name: &[u8], value: &[u8]) -> Option<()> {
        let start = self.bytes.len();
        Span::new(start, name.len() + value.len() + 4)?;
        write_field(&mut self.bytes, name, value);
        let value_start = start + name.len() + 2;
        self.fields.push(Field { name: Span::small(start, name.len()), value: Span::small(value_start, value.len()) });
        Some(())
    }

    /// Appends all fields of another list. `None` if the buffer would exceed 4 GiB.
    pub(crate) fn append_all(&mut self, other: &Self) -> Option<()> {
        other.fields.iter().try_for_each(|field| self.append(other.slice(field.name), other.slice(field.value)))
    }

    /// Appends text that is no field. `None` if the buffer would exceed 4 GiB.
    pub(crate) fn write(&mut self, text: &str) -> Option<Span> {
        let span = Span::new(self.bytes.len(), text.len())?;
        self.bytes.extend_from_slice(text.as_bytes());
        Some(span)
    }

    /// An empty list with room for that many bytes and fields.
    pub(crate) fn with_capacity(bytes: usize, fields: usize) -> Self {
        Self { bytes: BytesMut::with_capacity(bytes), fields: Vec::with_capacity(fields) }
    }

    /// The value of a field that may be there once.
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
        from_utf8(self.slice(span)).unwrap_or_default()
    }

    /// Where `part`, a slice of a value or of other text in the buffer, lies.
    pub(crate) fn span(&self, part: &[u8]) -> Span {
        Span::within(part, &self.bytes)
    }

    /// How many bytes [`encode`](Self::encode) writes, or a few more.
    pub(crate) fn encoded_len(&self) -> usize {
        self.bytes.len() + 4 * self.fields.len() + 2
    }

    /// Writes the fields and the empty line.
    pub(crate) fn encode(&self, output: &mut BytesMut) {
        for field in &self.fields {
            write_field(output, self.slice(field.name), self.slice(field.value));
        }
        output.extend_from_slice(b"\r\n");
    }

    /// All that is in the buffer.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, Value(name, value)))).finish()
    }
}

/// The same fields in the same order; names without regard to ASCII case.
impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|(a, b)| a.0.eq_ignore_ascii_case(b.0) && a.1 == b.1)
    }
}

impl Eq for Headers {}

/// A field is there more often than it may be.
#[derive(Debug)]
pub(crate) struct Repeated;

/// The value of the field with this name.
struct Value<'a>(&'a str, &'a [u8]);

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, value) = *self;
        if name.eq_ignore_ascii_case("Sec-WebSocket-Extensions") {
            Extensions(value).fmt(f)
        } else if is_harmless(name) {
            write!(f, "\"{}\"", value.escape_ascii())
        } else {
            Hidden.fmt(f)
        }
    }
}

impl Span {
    /// `None` above 4 GiB.
    fn new(start: usize, len: usize) -> Option<Self> {
        u32::try_from(start.checked_add(len)?).ok()?;
        Some(Self::small(start, len))
    }

    #[allow(clippy::cast_possible_truncation, reason = "no buffer is longer than 4 GiB")]
    const fn small(start: usize, len: usize) -> Self {
        Self { start: start as u32, len: len as u32 }
    }

    /// Where `part`, a slice of `whole`, lies. An empty part may be no slice of it.
    pub(crate) fn within(part: &[u8], whole: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        Self::small(start, part.len())
    }

    const fn len(self) -> usize {
        self.len as usize
    }

    fn of(self, whole: &[u8]) -> &[u8] {
        whole.get(self.start as usize..).and_then(|rest| rest.get(..self.len())).unwrap_or_default()
    }
}

pub(crate) fn write_field(output: &mut BytesMut, name: &[u8], value: &[u8]) {
    output.extend_from_slice(name);
    output.extend_from_slice(b": ");
    output.extend_from_slice(value);
    output.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn names_have_no_case_and_repeat_in_order() {
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
    fn tokens_run_over_all_fields() {
        let mut headers = Headers::new();
        headers.push("c", "a, b").unwrap();
        headers.push("C", ",,c\t,").unwrap();
        headers.push("c", "").unwrap();
        headers.push("c", b"\xFF, d").unwrap();
        assert!(headers.tokens("c").eq(["a", "b", "c", "d"]));
    }

    #[test]
    fn what_would_not_arrive_is_refused() {
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
    fn a_long_name_may_have_a_long_value() {
        let (name, value) = ("n".repeat(1 << 16), "v".repeat(1 << 16));
        let mut headers = Headers::new();
        headers.push(&name, &value).unwrap();
        assert_eq!(headers.get(&name), Some(value.as_bytes()));
    }

    #[test]
    fn secrets_are_not_shown() {
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
