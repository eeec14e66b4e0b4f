use core::fmt;
use core::hash::{Hash, Hasher};

use bytes::BytesMut;
use httparse::Status;

use crate::debug;
use crate::error::ParseError;
use crate::grammar::{contains_token, is_token, is_visible};
use crate::head::{Head, append, http_version, spans, with_slots};
use crate::headers::Headers;
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
pub struct RequestHead {
    method: Span,
    target: Span,
    minor_version: u8,
    /// Whether the buffer of the headers is the encoded head, except for the last empty line.
    is_plain: bool,
    headers: Headers,
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
        let mut head = Self::begin(method, target, 0, 0).ok_or(ParseError::TooLong)?;
        append(headers, &mut head.headers)?;
        Ok(head)
    }

    /// Returns the method, such as `GET`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.headers.text(self.method)
    }

    /// Returns the target of the request line, usually a path and query. It is printable ASCII without spaces.
    #[must_use]
    pub fn target(&self) -> &str {
        self.headers.text(self.target)
    }

    /// Returns the `x` of `HTTP/1.x`: 0 or 1.
    #[must_use]
    pub const fn minor_version(&self) -> u8 {
        self.minor_version
    }

    /// Returns the header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Returns whether the request is for an upgrade to WebSocket: `Upgrade` contains `websocket`.
    ///
    /// [`Request::from_head`](crate::Request::from_head) checks whether that request is valid.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        contains_token(self.headers.get_all("upgrade"), b"websocket")
    }

    /// Appends the head to `output`, with CRLF line ends and one space after each colon.
    pub fn encode(&self, output: &mut BytesMut) {
        if self.is_plain {
            output.reserve(self.headers.bytes().len() + 2);
            output.extend_from_slice(self.headers.bytes());
            output.extend_from_slice(b"\r\n");
            return;
        }
        output.reserve(self.headers.encoded_len() + self.method().len() + self.target().len() + 12);
        for part in [self.method(), " ", self.target(), " ", http_version(self.minor_version), "\r\n"] {
            output.extend_from_slice(part.as_bytes());
        }
        self.headers.encode(output);
    }

    /// Creates a head of HTTP/1.1 from a checked method and target, with capacity for header fields of this number that
    /// have this number of bytes together. Returns `None` above 4 GiB.
    pub(crate) fn begin(method: &str, target: &str, bytes: usize, fields: usize) -> Option<Self> {
        let mut headers = Headers::with_capacity(method.len() + target.len() + 12 + bytes, fields);
        let method = headers.write(method)?;
        headers.write(" ")?;
        let target = headers.write(target)?;
        headers.write(" HTTP/1.1\r\n")?;
        Some(Self { method, target, minor_version: 1, is_plain: true, headers })
    }

    #[cfg(feature = "http")]
    pub(crate) fn with_minor_version(self, minor_version: u8) -> Self {
        Self { minor_version, is_plain: self.is_plain && self.minor_version == minor_version, ..self }
    }

    /// Creates the head of an extended CONNECT from the positions of checked texts in the buffer of the header fields.
    pub(crate) const fn from_spans(method: Span, target: Span, headers: Headers) -> Self {
        Self { method, target, minor_version: 1, is_plain: false, headers }
    }

    pub(crate) fn method_bytes(&self) -> &[u8] {
        self.headers.slice(self.method)
    }

    pub(crate) fn target_bytes(&self) -> &[u8] {
        self.headers.slice(self.target)
    }

    /// Appends text that is not part of the head to its buffer. Returns `None` above 4 GiB.
    pub(crate) fn store(&mut self, text: &str) -> Option<Span> {
        self.is_plain = false;
        self.headers.write(text)
    }

    pub(crate) fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
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
        let (end, method, target, minor_version, fields) = with_slots(fields, |slots| {
            let mut head = httparse::Request::new(&mut []);
            let Ok(Status::Complete(end)) = head.parse_with_uninit_headers(bytes, slots) else { return None };
            let target = head.path.filter(|target| is_visible(target.as_bytes()))?;
            let [method, target] = [head.method?, target].map(|text| Span::within(text.as_bytes(), bytes));
            Some((end, method, target, head.version?, spans(head.headers, bytes)))
        })?;
        let headers = Headers::from_head(input.split_to(end), fields);
        Some(Self { method, target, minor_version, is_plain: false, headers })
    }
}

/// Hides the query of the target, and the values of most header fields.
impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method())
            .field("target", &debug::Target(self.target()))
            .field("minor_version", &self.minor_version)
            .field("headers", &self.headers)
            .finish()
    }
}

impl PartialEq for RequestHead {
    fn eq(&self, other: &Self) -> bool {
        (self.method(), self.target(), self.minor_version) == (other.method(), other.target(), other.minor_version)
            && self.headers == other.headers
    }
}

impl Eq for RequestHead {}

impl Hash for RequestHead {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.method(), self.target(), self.minor_version).hash(state);
        self.headers.hash(state);
    }
}
