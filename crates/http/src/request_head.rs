use alloc::boxed::Box;
use core::fmt;
use core::hash::{Hash, Hasher};

use bytes::BytesMut;
use httparse::Status;

use crate::debug;
use crate::error::ParseError;
use crate::grammar::{contains_token, is_token, is_visible};
use crate::head::{BYTES_PER_FIELD, Head, STACK_FIELDS, append, http_version, spans, with_slots};
use crate::headers::Headers;
use crate::request::Checked;
use crate::span::Span;

/// The head of any HTTP/1.x request, so that a server can respond to other requests on the same port.
///
/// [`Request::from_head`](crate::Request::from_head) checks that the request is an upgrade to WebSocket.
///
/// ```
/// use protocol_websocket_http::{ParseError, Request, RequestHead};
///
/// let head = RequestHead::from_parts("GET", "/status", [("Host", "example.com")])?;
/// if head.is_upgrade() {
///     let _request = Request::from_head(head)?;
/// } else {
///     assert_eq!((head.method(), head.target(), head.minor_version()), ("GET", "/status", 1));
///     assert_eq!(head.headers().get_str("host"), Some("example.com"));
/// }
/// # Ok::<(), ParseError>(())
/// ```
#[derive(Clone)]
pub struct RequestHead(
    /// In a box, so that a head and a [`Request`](crate::Request) are moved as one pointer.
    Box<Inner>,
);

#[derive(Clone)]
struct Inner {
    headers: Headers,
    method: Span,
    target: Span,
    minor_version: u8,
    /// Whether the buffer of the headers is the encoded head, except for the last empty line.
    is_plain: bool,
    /// The result of the checks, in a [`Request`](crate::Request).
    checked: Checked,
}

impl RequestHead {
    /// Creates a head of HTTP/1.1 from the parts that another HTTP library parsed. Spaces and tabs around values are removed.
    ///
    /// ```
    /// use protocol_websocket_http::RequestHead;
    ///
    /// let head = RequestHead::from_parts("GET", "/chat?room=1", [("Host", "example.com"), ("Upgrade", "websocket")])?;
    /// assert_eq!(head.target(), "/chat?room=1");
    /// assert!(head.is_upgrade());
    /// # Ok::<(), protocol_websocket_http::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseError::RequestLine`] if the method is not a token, or the target is not printable ASCII without spaces.
    /// [`ParseError::Field`] if a name is not a token, or a value has a control character other than the tab.
    /// [`ParseError::TooLong`] above 4 GiB.
    pub fn from_parts(
        method: &str,
        target: &str,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    ) -> Result<Self, ParseError> {
        if !is_token(method.as_bytes()) || !is_visible(target.as_bytes()) {
            return Err(ParseError::RequestLine);
        }
        let headers = headers.into_iter();
        let fields = headers.size_hint().0.min(STACK_FIELDS);
        let mut head = Self::begin(method, target, BYTES_PER_FIELD * fields, fields).ok_or(ParseError::TooLong)?;
        append(headers, &mut head.0.headers)?;
        Ok(head)
    }

    /// Returns the method, such as `GET`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.0.headers.text(self.0.method)
    }

    /// Returns the target of the request line, usually a path and query. It is printable ASCII without spaces.
    #[must_use]
    pub fn target(&self) -> &str {
        self.0.headers.text(self.0.target)
    }

    /// Returns the `x` of `HTTP/1.x`: 0 or 1.
    #[must_use]
    pub const fn minor_version(&self) -> u8 {
        self.0.minor_version
    }

    /// Returns the header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// Returns whether the request is for an upgrade to WebSocket: `Upgrade` contains `websocket`.
    ///
    /// [`Request::from_head`](crate::Request::from_head) checks whether that request is valid.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        contains_token(self.0.headers.get_all("upgrade"), b"websocket")
    }

    /// Appends the head to `output`, with CRLF line ends and one space after each colon.
    pub fn encode(&self, output: &mut BytesMut) {
        let Inner { headers, is_plain, minor_version, .. } = &*self.0;
        if *is_plain {
            output.reserve(headers.bytes().len() + 2);
            output.extend_from_slice(headers.bytes());
            output.extend_from_slice(b"\r\n");
            return;
        }
        output.reserve(headers.encoded_len() + self.method().len() + self.target().len() + 12);
        for part in [self.method(), " ", self.target(), " ", http_version(*minor_version), "\r\n"] {
            output.extend_from_slice(part.as_bytes());
        }
        headers.encode(output);
    }

    /// Creates a head of HTTP/1.1 from a checked method and target, with capacity for header fields of this number that
    /// have this number of bytes together. Returns `None` above 4 GiB.
    pub(crate) fn begin(method: &str, target: &str, bytes: usize, fields: usize) -> Option<Self> {
        let mut headers = Headers::with_capacity(method.len() + target.len() + 12 + bytes, fields);
        let method = headers.write(method)?;
        headers.write(" ")?;
        let target = headers.write(target)?;
        headers.write(" HTTP/1.1\r\n")?;
        let mut head = Self::from_spans(method, target, headers);
        head.0.is_plain = true;
        Some(head)
    }

    #[cfg(feature = "http")]
    pub(crate) fn with_minor_version(mut self, minor_version: u8) -> Self {
        self.0.is_plain &= self.0.minor_version == minor_version;
        self.0.minor_version = minor_version;
        self
    }

    /// Creates the head of an extended CONNECT from the positions of checked texts in the buffer of the header fields.
    pub(crate) fn from_spans(method: Span, target: Span, headers: Headers) -> Self {
        Self::new(method, target, 1, headers)
    }

    /// Creates a head that is encoded from its parts.
    #[inline]
    fn new(method: Span, target: Span, minor_version: u8, headers: Headers) -> Self {
        let checked = Checked::default();
        Self(Box::new(Inner { headers, method, target, minor_version, is_plain: false, checked }))
    }

    pub(crate) const fn checked(&self) -> &Checked {
        &self.0.checked
    }

    pub(crate) fn set_checked(&mut self, checked: Checked) {
        self.0.checked = checked;
    }

    pub(crate) fn method_bytes(&self) -> &[u8] {
        self.0.headers.slice(self.0.method)
    }

    pub(crate) fn target_bytes(&self) -> &[u8] {
        self.0.headers.slice(self.0.target)
    }

    /// Appends text that is not part of the head to its buffer. Returns `None` above 4 GiB.
    pub(crate) fn store(&mut self, text: &str) -> Option<Span> {
        self.0.is_plain = false;
        self.0.headers.write(text)
    }

    pub(crate) fn headers_mut(&mut self) -> &mut Headers {
        &mut self.0.headers
    }
}

impl Head for RequestHead {
    const FIRST_LINE_ERROR: ParseError = ParseError::RequestLine;

    fn check_first_line(line: &[u8]) -> Result<(), ParseError> {
        let mut head = httparse::Request::new(&mut []);
        let is_valid = head.parse(line).is_ok() && head.path.is_some_and(|target| is_visible(target.as_bytes()));
        if is_valid { Ok(()) } else { Err(Self::FIRST_LINE_ERROR) }
    }

    fn take(input: &mut BytesMut, len: usize, fields: usize) -> Option<Self> {
        let bytes = input.get(..len).unwrap_or(input);
        let (end, mut head) = with_slots(fields, |slots| {
            let mut head = httparse::Request::new(&mut []);
            let Ok(Status::Complete(end)) = head.parse_with_uninit_headers(bytes, slots) else { return None };
            let target = head.path.filter(|target| is_visible(target.as_bytes()))?;
            let [method, target] = [head.method?, target].map(|text| Span::within(text.as_bytes(), bytes));
            Some((end, Self::new(method, target, head.version?, Headers::from_fields(spans(head.headers, bytes)))))
        })?;
        head.0.headers.set_bytes(input.split_to(end));
        Some(head)
    }
}

/// Hides the query of the target, and the values of most header fields.
impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .field("target", &debug::Target(self.target()))
            .field("minor_version", &self.0.minor_version)
            .field("headers", &self.0.headers)
            .finish()
    }
}

impl PartialEq for RequestHead {
    fn eq(&self, other: &Self) -> bool {
        (self.method(), self.target(), self.minor_version()) == (other.method(), other.target(), other.minor_version())
            && self.0.headers == other.0.headers
    }
}

impl Eq for RequestHead {}

impl Hash for RequestHead {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.method(), self.target(), self.minor_version()).hash(state);
        self.0.headers.hash(state);
    }
}
