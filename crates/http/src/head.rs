use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::mem::MaybeUninit;

use bytes::BytesMut;
use httparse::{EMPTY_HEADER, Header, ParserConfig, Status};

use crate::ParseError;
use crate::debug;
use crate::grammar::{is_token, is_value, is_visible, names, trim};
use crate::headers::{Field, Headers, Span};

/// What [`HeadReader`](crate::HeadReader) reads: the head of a request or of a response.
pub(crate) trait Head: Sized {
    /// The error for a wrong first line.
    const WRONG_LINE: ParseError;

    /// Checks a first line that is complete, with its line end.
    fn check_first_line(line: &[u8]) -> Result<(), ParseError>;

    /// Takes a head with at most `fields` fields from the front of `input`; `None` if its first `len` bytes do not begin
    /// with one.
    fn take(input: &mut BytesMut, len: usize, fields: usize) -> Option<Self>;
}

/// The head of any HTTP/1.x request, upgrade or not: a server can answer other requests on the same port.
///
/// [`Request::from_head`](crate::Request::from_head) checks that it is an upgrade to WebSocket.
#[derive(Clone)]
pub struct RequestHead {
    method: Span,
    target: Span,
    minor_version: u8,
    /// Whether the buffer of the headers holds the plain form of it all.
    is_plain: bool,
    headers: Headers,
}

impl RequestHead {
    /// A head of HTTP/1.1 that another HTTP library parsed. Blanks around values are dropped, as a parser does.
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
    /// [`ParseError::RequestLine`] if the method is no token or the target has a blank, a control character or one
    /// outside ASCII, [`ParseError::Field`] if a name is no token or a value has a control character other than the
    /// tab, [`ParseError::TooLong`] above 4 GiB.
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

    /// The method, such as `GET`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.headers.text(self.method)
    }

    /// The target as it stands in the request line: mostly a path and query. Printable ASCII without blanks.
    #[must_use]
    pub fn target(&self) -> &str {
        self.headers.text(self.target)
    }

    /// The `x` of `HTTP/1.x`: 0 or 1.
    #[must_use]
    pub const fn minor_version(&self) -> u8 {
        self.minor_version
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Whether the request asks for an upgrade to WebSocket: `Upgrade` names `websocket`.
    ///
    /// It may still be a wrong one: that is for [`Request::from_head`](crate::Request::from_head) to say.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        names(self.headers.get_all("upgrade"), b"websocket")
    }

    /// Appends the head in its plain form to `output`: CRLF line ends, one blank after each colon.
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

    /// A head of HTTP/1.1 of parts that were checked, with room for that many bytes and fields. `None` above 4 GiB.
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

    pub(crate) fn method_bytes(&self) -> &[u8] {
        self.headers.slice(self.method)
    }

    pub(crate) fn target_bytes(&self) -> &[u8] {
        self.headers.slice(self.target)
    }

    /// Keeps text beside the head. `None` above 4 GiB.
    pub(crate) fn store(&mut self, text: &str) -> Option<Span> {
        self.is_plain = false;
        self.headers.write(text)
    }

    pub(crate) fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }
}

impl Head for RequestHead {
    const WRONG_LINE: ParseError = ParseError::RequestLine;

    fn check_first_line(line: &[u8]) -> Result<(), ParseError> {
        let mut head = httparse::Request::new(&mut []);
        let is_good = head.parse(line).is_ok() && head.path.is_some_and(|target| is_visible(target.as_bytes()));
        if is_good { Ok(()) } else { Err(Self::WRONG_LINE) }
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

/// The head of any HTTP/1.x response.
///
/// [`Response::from_head`](crate::Response::from_head) checks that it accepts an upgrade.
#[derive(Clone)]
pub struct ResponseHead {
    status: u16,
    reason: Span,
    minor_version: u8,
    headers: Headers,
}

impl ResponseHead {
    /// A head of HTTP/1.1 that another HTTP library parsed. Blanks around values are dropped, as a parser does.
    ///
    /// # Errors
    ///
    /// [`ParseError::ResponseLine`] if the status is over 999, [`ParseError::Field`] if a name is no token or a value
    /// has a control character other than the tab, [`ParseError::TooLong`] above 4 GiB.
    pub fn from_parts(
        status: u16,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    ) -> Result<Self, ParseError> {
        if status > 999 {
            return Err(ParseError::ResponseLine);
        }
        let mut head = Self { status, reason: Span::default(), minor_version: 1, headers: Headers::new() };
        append(headers, &mut head.headers)?;
        Ok(head)
    }

    /// The status: 0 to 999, such as 101.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase. Empty if there is none, or one that is not ASCII.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.headers.text(self.reason)
    }

    /// The `x` of `HTTP/1.x`: 0 or 1.
    #[must_use]
    pub const fn minor_version(&self) -> u8 {
        self.minor_version
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Appends the head in its plain form to `output`: CRLF line ends, one blank after each colon.
    pub fn encode(&self, output: &mut BytesMut) {
        output.reserve(self.headers.encoded_len() + self.reason().len() + 16);
        // Writing to memory does not fail.
        let _ = write!(output, "{} {:03} {}\r\n", http_version(self.minor_version), self.status, self.reason());
        self.headers.encode(output);
    }

    #[cfg(feature = "http")]
    pub(crate) fn with_minor_version(self, minor_version: u8) -> Self {
        Self { minor_version, ..self }
    }
}

impl Head for ResponseHead {
    const WRONG_LINE: ParseError = ParseError::ResponseLine;

    fn check_first_line(line: &[u8]) -> Result<(), ParseError> {
        httparse::Response::new(&mut []).parse(line).map(drop).map_err(|_| Self::WRONG_LINE)
    }

    fn take(input: &mut BytesMut, len: usize, fields: usize) -> Option<Self> {
        let bytes = input.get(..len).unwrap_or(input);
        let (end, status, reason, minor_version, fields) = with_slots(fields, |slots| {
            let mut head = httparse::Response::new(&mut []);
            let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut head, bytes, slots);
            let Ok(Status::Complete(end)) = parsed else { return None };
            let reason = Span::within(head.reason?.as_bytes(), bytes);
            Some((end, head.code?, reason, head.version?, spans(head.headers, bytes)))
        })?;
        let headers = Headers::from_head(input.split_to(end), fields);
        Some(Self { status, reason, minor_version, headers })
    }
}

/// Hides the values of most header fields.
impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("status", &self.status)
            .field("reason", &self.reason())
            .field("minor_version", &self.minor_version)
            .field("headers", &self.headers)
            .finish()
    }
}

impl PartialEq for ResponseHead {
    fn eq(&self, other: &Self) -> bool {
        (self.status, self.reason(), self.minor_version) == (other.status, other.reason(), other.minor_version)
            && self.headers == other.headers
    }
}

impl Eq for ResponseHead {}

const fn http_version(minor: u8) -> &'static str {
    if minor == 0 { "HTTP/1.0" } else { "HTTP/1.1" }
}

fn append(
    parts: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    headers: &mut Headers,
) -> Result<(), ParseError> {
    for (name, value) in parts {
        let (name, value) = (name.as_ref().as_bytes(), trim(value.as_ref()));
        if !is_token(name) || !is_value(value) {
            return Err(ParseError::Field);
        }
        headers.append(name, value).ok_or(ParseError::TooLong)?;
    }
    Ok(())
}

/// As many fields as there nearly always are, and not more.
pub(crate) const FEW: usize = 32;

/// Lends room for that many fields: on the stack when they are [`FEW`].
fn with_slots<'a, T>(fields: usize, read: impl FnOnce(&mut [MaybeUninit<Header<'a>>]) -> T) -> T {
    let mut few = [const { MaybeUninit::uninit() }; FEW];
    match few.get_mut(..fields) {
        Some(slots) => read(slots),
        None => read(&mut alloc::vec![MaybeUninit::new(EMPTY_HEADER); fields]),
    }
}

fn spans(headers: &[Header<'_>], bytes: &[u8]) -> Vec<Field> {
    let field = |header: &Header<'_>| Field {
        name: Span::within(header.name.as_bytes(), bytes),
        value: Span::within(header.value, bytes),
    };
    headers.iter().map(field).collect()
}
