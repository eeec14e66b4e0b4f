use alloc::boxed::Box;
use core::fmt::{self, Write};
use core::hash::{Hash, Hasher};

use bytes::BytesMut;
use httparse::{ParserConfig, Status};

use crate::error::ParseError;
use crate::field_section;
use crate::head::{Head, append, http_version, spans, with_slots};
use crate::headers::Headers;
use crate::negotiated::Negotiated;
use crate::span::Span;

/// The head of any HTTP/1.x response.
///
/// [`Response::from_head`](crate::Response::from_head) checks that the response accepts an upgrade.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{HeadLimits, HeadReader};
///
/// let mut input = BytesMut::from("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"chat\"\r\n\r\n");
/// let head = HeadReader::new(HeadLimits::default()).response(&mut input)?.expect("the head is complete");
/// assert_eq!((head.status(), head.reason(), head.minor_version()), (401, "Unauthorized", 1));
/// assert_eq!(head.headers().get_str("www-authenticate"), Some("Basic realm=\"chat\""));
/// # Ok::<(), protocol_websocket_http::ParseError>(())
/// ```
#[derive(Clone)]
pub struct ResponseHead(
    /// In a box, so that a head and a [`Response`](crate::Response) are moved as one pointer.
    Box<Inner>,
);

#[derive(Clone)]
struct Inner {
    headers: Headers,
    reason: Span,
    status: u16,
    minor_version: u8,
    /// The result of the handshake, in a [`Response`](crate::Response).
    negotiated: Negotiated,
}

impl ResponseHead {
    /// Creates a head of HTTP/1.1 from the parts that another HTTP library parsed. Spaces and tabs around values are removed.
    ///
    /// ```
    /// use protocol_websocket_http::{ParseError, ResponseHead};
    ///
    /// let head = ResponseHead::from_parts(101, [("Upgrade", " websocket ")])?;
    /// assert_eq!(head.headers().get_str("upgrade"), Some("websocket"));
    /// assert_eq!(ResponseHead::from_parts(101, [("a b", "c")]), Err(ParseError::Field));
    /// # Ok::<_, ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseError::ResponseLine`] if the status is over 999. [`ParseError::Field`] if a name is not a token, or a value
    /// has a control character other than the tab. [`ParseError::TooLong`] above 4 GiB.
    pub fn from_parts(
        status: u16,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    ) -> Result<Self, ParseError> {
        if status > 999 {
            return Err(ParseError::ResponseLine);
        }
        let mut head = Self::new(status, Span::default(), 1, Headers::new());
        append(headers, &mut head.0.headers)?;
        Ok(head)
    }

    /// Creates a head from the fields of a response in HTTP/2 or HTTP/3: `:status`, and the header fields after it. The reason
    /// phrase is empty, and [`minor_version`](Self::minor_version) is 1.
    ///
    /// ```
    /// use protocol_websocket_http::ResponseHead;
    ///
    /// let head = ResponseHead::from_fields([(":status", "200"), ("sec-websocket-protocol", "chat")])?;
    /// assert_eq!(head.status(), 200);
    /// # Ok::<_, protocol_websocket_http::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseError::ResponseLine`] if `:status` is missing or not three digits. [`ParseError::Field`] for a malformed field,
    /// [`ParseError::ConnectionSpecific`] for a header field such as `Upgrade`, and [`ParseError::TooLong`] above 4 GiB.
    pub fn from_fields(
        fields: impl IntoIterator<Item = (impl AsRef<[u8]>, impl AsRef<[u8]>)>,
    ) -> Result<Self, ParseError> {
        let ([status], headers) = field_section::read(fields, [":status"])?;
        let status = headers.text(status.unwrap_or_default());
        let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        let status = status.parse().ok().filter(|_| is_status).ok_or(ParseError::ResponseLine)?;
        Ok(Self::new(status, Span::default(), 1, headers))
    }

    /// Returns the status code: 0 to 999, such as 101.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.0.status
    }

    /// Returns the reason phrase. It is empty if the response has none, or one that is not ASCII.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.0.headers.text(self.0.reason)
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

    /// Appends the head to `output`, with CRLF line ends and one space after each colon.
    pub fn encode(&self, output: &mut BytesMut) {
        output.reserve(self.0.headers.encoded_len() + self.reason().len() + 16);
        // Writing to memory does not fail.
        let _ = write!(output, "{} {:03} {}\r\n", http_version(self.0.minor_version), self.0.status, self.reason());
        self.0.headers.encode(output);
    }

    /// Creates a head of HTTP/1.1 without header fields. Returns `None` above 4 GiB.
    pub(crate) fn begin(status: u16, reason: &str) -> Option<Self> {
        // Most responses 101 have three header fields.
        let mut headers = Headers::with_capacity(256, 4);
        let reason = headers.write(reason)?;
        Some(Self::new(status, reason, 1, headers))
    }

    pub(crate) fn headers_mut(&mut self) -> &mut Headers {
        &mut self.0.headers
    }

    #[inline]
    fn new(status: u16, reason: Span, minor_version: u8, headers: Headers) -> Self {
        Self(Box::new(Inner { headers, reason, status, minor_version, negotiated: Negotiated::new() }))
    }

    pub(crate) const fn negotiated(&self) -> &Negotiated {
        &self.0.negotiated
    }

    pub(crate) fn set_negotiated(&mut self, negotiated: Negotiated) {
        self.0.negotiated = negotiated;
    }

    pub(crate) fn into_negotiated(self) -> Negotiated {
        self.0.negotiated
    }

    #[cfg(feature = "http")]
    pub(crate) fn with_minor_version(mut self, minor_version: u8) -> Self {
        self.0.minor_version = minor_version;
        self
    }
}

impl Head for ResponseHead {
    const FIRST_LINE_ERROR: ParseError = ParseError::ResponseLine;

    fn check_first_line(line: &[u8]) -> Result<(), ParseError> {
        httparse::Response::new(&mut []).parse(line).map(drop).map_err(|_| Self::FIRST_LINE_ERROR)
    }

    fn take(input: &mut BytesMut, len: usize, fields: usize) -> Option<Self> {
        let bytes = input.get(..len).unwrap_or(input);
        let (end, mut head) = with_slots(fields, |slots| {
            let mut head = httparse::Response::new(&mut []);
            let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut head, bytes, slots);
            let Ok(Status::Complete(end)) = parsed else { return None };
            let reason = Span::within(head.reason?.as_bytes(), bytes);
            let headers = Headers::from_fields(spans(head.headers, bytes));
            Some((end, Self::new(head.code?, reason, head.version?, headers)))
        })?;
        head.0.headers.set_bytes(input.split_to(end));
        Some(head)
    }
}

/// Hides the values of most header fields.
impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.0.status)
            .field("reason", &self.reason())
            .field("minor_version", &self.0.minor_version)
            .field("headers", &self.0.headers)
            .finish()
    }
}

impl PartialEq for ResponseHead {
    fn eq(&self, other: &Self) -> bool {
        (self.0.status, self.reason(), self.0.minor_version) == (other.0.status, other.reason(), other.0.minor_version)
            && self.0.headers == other.0.headers
    }
}

impl Eq for ResponseHead {}

impl Hash for ResponseHead {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0.status, self.reason(), self.0.minor_version).hash(state);
        self.0.headers.hash(state);
    }
}
