//! Rejections: the responses of [`Reject`] and of [`ParseError::reply`], which [`Rejection`] writes.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt::{self, Write};

use bytes::{Bytes, BytesMut};

use crate::caller_headers::{CallerHeaders, is_one_of};
use crate::debug::Hidden;
use crate::error::{BuildError, ParseError};
use crate::field_section::is_connection_specific;
use crate::grammar::is_text;
use crate::headers::Headers;
use crate::set_cookie::SetCookie;
use crate::span::write_field;

/// A server's response that rejects an upgrade: a status from 300 to 599, header fields and a body.
///
/// The response always has `Connection: close`, has `Content-Length` with any status but 304, and has
/// `Content-Type: text/plain; charset=utf-8` if there is a body and the caller sets no other type. After the response the
/// server closes the connection, and does not parse further input.
///
/// The setters do not fail. [`encode`](Self::encode) returns the error of the first invalid value.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::Reject;
///
/// let mut output = BytesMut::new();
/// Reject::new(401).header("WWW-Authenticate", "Basic realm=\"chat\"").body("authentication required\n").encode(&mut output)?;
/// assert!(output.starts_with(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n"));
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reject {
    status: u16,
    /// `None` is the registered phrase.
    reason: Option<Box<str>>,
    headers: CallerHeaders,
    body: Bytes,
}

impl Reject {
    /// Creates a response with the registered reason phrase and no body. The status must be in 300 to 599.
    ///
    /// A 401 must have `WWW-Authenticate` (RFC 9110 §15.5.2). The caller sets it with [`header`](Self::header).
    #[must_use]
    pub fn new(status: u16) -> Self {
        let result = if matches!(status, 300..=599) { Ok(()) } else { Err(BuildError::Status) };
        Self { status, reason: None, headers: CallerHeaders::default(), body: Bytes::new() }.record(result)
    }

    /// Sets the reason phrase, which must not have a control character except the tab. Clients should ignore it (RFC 9112 §4).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::Reject;
    ///
    /// let mut output = BytesMut::new();
    /// Reject::new(403).reason("Not Today").encode(&mut output)?;
    /// assert!(output.starts_with(b"HTTP/1.1 403 Not Today\r\n"));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn reason(mut self, reason: impl Into<Box<str>>) -> Self {
        let reason = reason.into();
        let result = if is_text(reason.as_bytes()) { Ok(()) } else { Err(BuildError::Reason) };
        self.reason = Some(reason);
        self.record(result)
    }

    /// Appends a cookie, in a `Set-Cookie` of its own (RFC 6265 §3). A cookie with [`SetCookie::max_age`]`(0)` removes the
    /// browser's cookie.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{Reject, SetCookie};
    ///
    /// let removed = SetCookie::new("session", "").path("/").max_age(0);
    /// let mut output = BytesMut::new();
    /// Reject::new(403).cookie(removed).encode(&mut output)?;
    /// assert!(output.ends_with(b"Set-Cookie: session=; Path=/; Max-Age=0\r\n\r\n"));
    /// # Ok::<(), protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn cookie(mut self, cookie: SetCookie) -> Self {
        self.headers.push_cookie(&cookie);
        self
    }

    /// Appends a header field. `Connection`, `Content-Length` and `Transfer-Encoding` are a [`BuildError::ReservedField`],
    /// because this type determines them.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::Reject;
    ///
    /// let mut output = BytesMut::new();
    /// Reject::new(503).header("Retry-After", "120").encode(&mut output)?;
    /// assert!(output.ends_with(b"Retry-After: 120\r\n\r\n"));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        if is_one_of(name, &["Connection", "Content-Length", "Transfer-Encoding"]) {
            return self.record(Err(BuildError::ReservedField));
        }
        self.headers.push(name, value);
        self
    }

    /// Sets the body. With status 304 it must be empty, because clients would read it as the next response.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::Reject;
    ///
    /// let mut output = BytesMut::new();
    /// Reject::new(404).body("no such room\n").encode(&mut output)?;
    /// assert!(output.ends_with(b"\r\n\r\nno such room\n"));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        let result = if has_content(self.status) || self.body.is_empty() { Ok(()) } else { Err(BuildError::Body) };
        self.record(result)
    }

    /// Returns the status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Appends the whole response to `output`.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{BuildError, Reject};
    ///
    /// let mut output = BytesMut::new();
    /// assert_eq!(Reject::new(200).encode(&mut output), Err(BuildError::Status));
    /// assert!(output.is_empty());
    /// ```
    ///
    /// # Errors
    ///
    /// The first error of the setters: [`BuildError::Status`] for a status outside 300 to 599, [`BuildError::Body`] for a
    /// body with status 304, and so on. Nothing is written then.
    pub fn encode(&self, output: &mut BytesMut) -> Result<(), BuildError> {
        self.headers.checked()?;
        self.write(output);
        Ok(())
    }

    /// Appends the whole response to `output`, or a response 500 without a body where [`encode`](Self::encode) would fail.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::Reject;
    ///
    /// let mut output = BytesMut::new();
    /// Reject::new(408).reply(&mut output);
    /// assert!(output.starts_with(b"HTTP/1.1 408 Request Timeout\r\n"));
    /// ```
    pub fn reply(&self, output: &mut BytesMut) {
        if self.encode(output).is_err() {
            Self::new(500).write(output);
        }
    }

    /// Returns the response in HTTP/2 or HTTP/3: `:status` and the header fields, whose names are in lower case, and the body.
    ///
    /// Header fields that only HTTP/1.1 has, such as `Upgrade`, and the reason phrase are left out (RFC 9113 §8.2.2, §8.3.2).
    ///
    /// ```
    /// use protocol_websocket_http::Reject;
    ///
    /// let (fields, body) = Reject::new(403).header("Server", "example").body("no\n").to_fields()?;
    /// assert_eq!(body, "no\n");
    /// assert_eq!((fields.get_str(":status"), fields.get_str("content-length")), (Some("403"), Some("3")));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode), and [`BuildError::TooLong`] above 4 GiB.
    pub fn to_fields(&self) -> Result<(Headers, Bytes), BuildError> {
        let caller_headers = self.headers.checked()?;
        let mut fields = Headers::new();
        let mut push = |name: &str, value: &[u8]| fields.append_lowercase(name, value).ok_or(BuildError::TooLong);
        push(":status", self.status.to_string().as_bytes())?;
        if has_content(self.status) {
            push("content-length", self.body.len().to_string().as_bytes())?;
        }
        if let Some(content_type) = self.default_content_type() {
            push("content-type", content_type.as_bytes())?;
        }
        let is_kept = |(name, value): &(&str, &[u8])| !is_connection_specific(name.as_bytes(), value);
        caller_headers.iter().filter(is_kept).try_for_each(|(name, value)| push(name, value))?;
        Ok((fields, self.body.clone()))
    }

    fn reason_phrase(&self) -> &str {
        self.reason.as_deref().unwrap_or(reason(self.status))
    }

    fn write(&self, output: &mut BytesMut) {
        let headers = self.headers.headers();
        let rejection = Rejection {
            status: self.status,
            reason: self.reason_phrase(),
            has_upgrade: self.has_upgrade(),
            content_type: self.default_content_type(),
            body: &self.body,
        };
        rejection.write(output, headers.encoded_len(), |output| headers.encode_fields(output));
    }

    /// Returns the caller's header fields and the body, or the first error of the setters.
    #[cfg(feature = "http")]
    pub(crate) fn parts(&self) -> Result<(&Headers, &Bytes), BuildError> {
        Ok((self.headers.checked()?, &self.body))
    }

    //= https://www.rfc-editor.org/rfc/rfc9110#section-7.8
    //# A sender of Upgrade MUST also send an "Upgrade" connection option in
    //# the Connection header field (Section 7.6.1) to inform intermediaries
    //# not to forward this field.
    /// Returns whether `Connection` has the option `Upgrade`.
    pub(crate) fn has_upgrade(&self) -> bool {
        self.headers.headers().contains("upgrade")
    }

    /// Returns the media type of the body, if there is a body and the caller set no `Content-Type`.
    pub(crate) fn default_content_type(&self) -> Option<&'static str> {
        let is_untyped = !self.body.is_empty() && !self.headers.headers().contains("content-type");
        is_untyped.then_some(PLAIN_TEXT)
    }

    fn record(mut self, result: Result<(), BuildError>) -> Self {
        self.headers.record(result);
        self
    }
}

/// Hides the body and the values of most header fields.
impl fmt::Debug for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reject")
            .field("status", &self.status)
            .field("reason", &self.reason_phrase())
            .field("headers", self.headers.headers())
            .field("body", &Hidden)
            .field("error", &self.headers.error())
            .finish()
    }
}

/// Creates the response that [`ParseError::reply`] writes, so that the caller can add header fields or set another body.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{ParseError, Reject};
///
/// let mut output = BytesMut::new();
/// Reject::from(ParseError::Method).header("Server", "example/1.0").body("use GET\n").encode(&mut output)?;
/// assert!(output.starts_with(b"HTTP/1.1 405 Method Not Allowed\r\n"));
/// assert!(output.ends_with(b"\r\nAllow: GET\r\nServer: example/1.0\r\n\r\nuse GET\n"));
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
impl From<ParseError> for Reject {
    fn from(error: ParseError) -> Self {
        let reject = Self::new(error.status()).body(error.text());
        let numbers = error.version_numbers();
        let fields = error.correction_fields(&numbers).into_iter().flatten();
        fields.fold(reject, |reject, (name, value)| reject.header(name, value))
    }
}

impl ParseError {
    /// Appends the whole response of a server to `output`: the [status](Self::status), `Connection: close`, and the text of
    /// this error as the body. A 405 has `Allow`. A 426 has `Upgrade`, and `Connection` lists it (RFC 9110 §7.8). For an
    /// unsupported version, `Sec-WebSocket-Version` lists the supported ones. `Reject::from(self)` writes the same bytes, and
    /// is also the response in HTTP/2 and HTTP/3.
    ///
    /// The response does not contain any text of the request. The server writes `output` and closes the connection.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{ParseError, Versions};
    ///
    /// let mut output = BytesMut::new();
    /// ParseError::Version(Versions::ALL).reply(&mut output);
    /// assert!(output.starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"));
    /// ```
    pub fn reply(self, output: &mut BytesMut) {
        let numbers = self.version_numbers();
        let fields = self.correction_fields(&numbers);
        let rejection = Rejection {
            status: self.status(),
            reason: reason(self.status()),
            has_upgrade: self.status() == 426,
            content_type: Some(PLAIN_TEXT),
            body: self.text().as_bytes(),
        };
        rejection.write(output, 64 + numbers.len(), |output| {
            for (name, value) in fields.into_iter().flatten() {
                write_field(output, name.as_bytes(), value.as_bytes());
            }
        });
    }

    /// Returns the value of `Sec-WebSocket-Version`. It is empty for other errors, and if no supported version has a number.
    fn version_numbers(self) -> String {
        match self {
            Self::Version(supported) => supported.numbers(),
            _ => String::new(),
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.4
    //# it MUST respond with a |Sec-WebSocket-Version| header field (or multiple |Sec-WebSocket-Version|
    //# header fields) containing all versions it is willing to use.
    /// Returns the header fields with which the client can correct its request. `numbers` is the result of
    /// [`version_numbers`](Self::version_numbers).
    fn correction_fields(self, numbers: &str) -> [Option<(&'static str, &str)>; 2] {
        match (self, self.status()) {
            (Self::ConnectMethod, _) => [Some(("Allow", "CONNECT")), None],
            (Self::ConnectVersion, _) => [Some(("Sec-WebSocket-Version", "13")), None],
            (_, 405) => [Some(("Allow", "GET")), None],
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
            //# If this version does not match a version understood by the
            //# server, the server MUST abort the WebSocket handshake
            //# described in this section and instead send an appropriate HTTP
            //# error code (such as 426 Upgrade Required) and a
            //# |Sec-WebSocket-Version| header field indicating the version(s)
            //# the server is capable of understanding.
            (_, 426) => {
                let version = (!numbers.is_empty()).then_some(("Sec-WebSocket-Version", numbers));
                [Some(("Upgrade", "websocket")), version]
            }
            _ => [None, None],
        }
    }
}

/// The media type of the bodies that this crate writes, and the default for those of the caller.
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// The parts of a rejection, except for the header fields that differ between rejections.
struct Rejection<'a> {
    status: u16,
    reason: &'a str,
    /// Whether `Connection` has the option `Upgrade`.
    has_upgrade: bool,
    content_type: Option<&'static str>,
    body: &'a [u8],
}

impl Rejection<'_> {
    /// Appends the whole response to `output`. `write_fields` appends the other header fields, which have about `fields_len`
    /// bytes.
    fn write(&self, output: &mut BytesMut, fields_len: usize, write_fields: impl FnOnce(&mut BytesMut)) {
        output.reserve(256 + fields_len + self.body.len());
        let option = if self.has_upgrade { ", Upgrade" } else { "" };
        // Writing to memory does not fail.
        let _ = write!(output, "HTTP/1.1 {} {}\r\nConnection: close{option}\r\n", self.status, self.reason);
        if has_content(self.status) {
            let _ = write!(output, "Content-Length: {}\r\n", self.body.len());
        }
        if let Some(content_type) = self.content_type {
            write_field(output, b"Content-Type", content_type.as_bytes());
        }
        write_fields(output);
        output.extend_from_slice(b"\r\n");
        output.extend_from_slice(self.body);
    }
}

//= https://www.rfc-editor.org/rfc/rfc9110#section-15.4.5
//# A 304 response is terminated by the end of the header section; it
//# cannot contain content or trailers.
/// Returns whether a response with this status has a body, which may be empty. A 304 has none, and its `Content-Length`
/// would be the length of a response 200 (RFC 9110 §8.6).
const fn has_content(status: u16) -> bool {
    status != 304
}

/// Returns the registered reason phrase, or empty text for a status that is not in this list.
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
