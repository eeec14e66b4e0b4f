use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use bytes::{Bytes, BytesMut};

use crate::debug::Hidden;
use crate::grammar::is_text;
use crate::headers::write_field;
use crate::{BuildError, Headers, ParseError, SetCookie};

/// A server's refusal: any status but 101, with headers and a body of the caller's.
///
/// `Connection: close` is always written, `Content-Length` with any status but 304, and
/// `Content-Type: text/plain; charset=utf-8` if there is a body and the caller gave no other type. After it the server
/// closes the connection, and parses nothing more.
///
/// The setters never fail: what cannot be written is an error of [`encode`](Self::encode).
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::Reject;
///
/// let mut output = BytesMut::new();
/// Reject::new(401).header("WWW-Authenticate", "Basic realm=\"chat\"").body("who are you?\n").encode(&mut output)?;
/// assert!(output.starts_with(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n"));
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Reject {
    status: u16,
    reason: Cow<'static, str>,
    headers: Headers,
    body: Bytes,
    error: Option<BuildError>,
}

impl Reject {
    /// A refusal with the status' usual reason phrase and no body. The status must be between 300 and 599.
    ///
    /// A 401 needs a `WWW-Authenticate` that says how to authenticate (RFC 9110 §15.5.2). The caller gives it with
    /// [`header`](Self::header).
    #[must_use]
    pub fn new(status: u16) -> Self {
        let error = if matches!(status, 300..=599) { None } else { Some(BuildError::Status) };
        Self { status, reason: Cow::Borrowed(reason(status)), headers: Headers::new(), body: Bytes::new(), error }
    }

    /// Sets the reason phrase: no control characters but the tab. Nobody but people should read it.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = reason.into();
        let result = if is_text(self.reason.as_bytes()) { Ok(()) } else { Err(BuildError::Reason) };
        self.note(result)
    }

    /// Appends a cookie to set, in a field of its own (RFC 6265 §3): one with [`SetCookie::max_age`]`(0)` removes what the
    /// browser has.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{Reject, SetCookie};
    ///
    /// let ended = SetCookie::new("session", "").path("/").max_age(0);
    /// let mut output = BytesMut::new();
    /// Reject::new(403).cookie(ended).encode(&mut output)?;
    /// assert!(output.ends_with(b"Set-Cookie: session=; Path=/; Max-Age=0\r\n\r\n"));
    /// # Ok::<(), protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn cookie(mut self, cookie: SetCookie) -> Self {
        let result = cookie.checked().and_then(|cookie| self.headers.push("Set-Cookie", cookie));
        self.note(result)
    }

    /// Appends a header. `Connection`, `Content-Length` and `Transfer-Encoding` are not for the caller.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        let reserved = ["Connection", "Content-Length", "Transfer-Encoding"];
        let result = if reserved.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            Err(BuildError::ReservedField)
        } else {
            self.headers.push(name, value)
        };
        self.note(result)
    }

    /// Sets the body. With status 304 it must be empty: no client reads a body there, and what follows the head would be
    /// the beginning of the next response.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        let result = if has_content(self.status) || self.body.is_empty() { Ok(()) } else { Err(BuildError::Body) };
        self.note(result)
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Appends the whole answer to `output`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Status`] for a status that is none of a refusal, [`BuildError::Body`] for a body with status 304, and
    /// whatever else a setter could not take. Then nothing is written.
    pub fn encode(&self, output: &mut BytesMut) -> Result<(), BuildError> {
        let (headers, body) = self.parts()?;
        output.reserve(256 + headers.encoded_len() + body.len());
        //= https://www.rfc-editor.org/rfc/rfc9110#section-7.8
        //# A sender of Upgrade MUST also send an "Upgrade" connection option in
        //# the Connection header field (Section 7.6.1) to inform intermediaries
        //# not to forward this field.
        begin(output, self.status, &self.reason, headers.contains("upgrade"), body.len());
        if self.is_plain_text() {
            write_field(output, b"Content-Type", PLAIN_TEXT.as_bytes());
        }
        headers.encode(output);
        output.extend_from_slice(body);
        Ok(())
    }

    /// The caller's headers and the body, unless something could not be taken.
    pub(crate) fn parts(&self) -> Result<(&Headers, &Bytes), BuildError> {
        self.error.map_or(Ok((&self.headers, &self.body)), Err)
    }

    /// Whether there is a body that the caller gave no type.
    pub(crate) fn is_plain_text(&self) -> bool {
        !self.body.is_empty() && !self.headers.contains("content-type")
    }

    fn note(mut self, result: Result<(), BuildError>) -> Self {
        self.error = self.error.or(result.err());
        self
    }
}

/// Hides the body and the values of most headers.
impl fmt::Debug for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reject")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("headers", &self.headers)
            .field("body", &Hidden)
            .field("error", &self.error)
            .finish()
    }
}

/// The refusal that [`ParseError::reply`] writes, for more headers or another body.
impl From<ParseError> for Reject {
    fn from(error: ParseError) -> Self {
        let reject = Self::new(error.status()).body(error.text());
        extra(error).into_iter().fold(reject, |reject, (name, value)| reject.header(name, &*value))
    }
}

pub(crate) fn reply(error: ParseError, output: &mut BytesMut) {
    let (status, text) = (error.status(), error.text().as_bytes());
    output.reserve(256 + text.len());
    begin(output, status, reason(status), status == 426, text.len());
    write_field(output, b"Content-Type", PLAIN_TEXT.as_bytes());
    for (name, value) in extra(error) {
        write_field(output, name.as_bytes(), value.as_bytes());
    }
    output.extend_from_slice(b"\r\n");
    output.extend_from_slice(text);
}

pub(crate) const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.4
//# it MUST respond with a |Sec-WebSocket-Version| header field (or multiple |Sec-WebSocket-Version|
//# header fields) containing all versions it is willing to use.
/// What the peer should know to do better.
fn extra(error: ParseError) -> Vec<(&'static str, Cow<'static, str>)> {
    let upgrade = ("Upgrade", Cow::Borrowed("websocket"));
    match (error, error.status()) {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
        //# If this version does not match a version understood by the
        //# server, the server MUST abort the WebSocket handshake
        //# described in this section and instead send an appropriate HTTP
        //# error code (such as 426 Upgrade Required) and a
        //# |Sec-WebSocket-Version| header field indicating the version(s)
        //# the server is capable of understanding.
        (ParseError::Version(spoken), _) => match spoken.numbers() {
            none if none.is_empty() => vec![upgrade],
            numbers => vec![upgrade, ("Sec-WebSocket-Version", Cow::Owned(numbers))],
        },
        (_, 426) => vec![upgrade],
        (_, 405) => vec![("Allow", Cow::Borrowed("GET"))],
        _ => Vec::new(),
    }
}

/// The status line and the fields that every refusal has.
fn begin(output: &mut BytesMut, status: u16, reason: &str, upgrade: bool, body: usize) {
    let option = if upgrade { ", Upgrade" } else { "" };
    // Writing to memory does not fail.
    let _ = write!(output, "HTTP/1.1 {status} {reason}\r\nConnection: close{option}\r\n");
    if has_content(status) {
        let _ = write!(output, "Content-Length: {body}\r\n");
    }
}

//= https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5
//# A 304 response is terminated by the end of the header section; it
//# cannot contain content or trailers.
/// Whether a response with this status has a body, if only an empty one. A `Content-Length` of a 304 would be the length
/// of another response (RFC 9110 §8.6).
const fn has_content(status: u16) -> bool {
    status != 304
}

const fn reason(status: u16) -> &'static str {
    match status {
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
