//! A tunnel through an HTTP proxy: the method CONNECT (RFC 9110 §9.3.6).

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;

use bytes::BytesMut;

use crate::caller_headers::{CallerHeaders, is_one_of, is_reserved};
use crate::credentials::basic;
use crate::error::{BuildError, ParseError};
use crate::grammar::is_host;
use crate::limits::HeadLimits;
use crate::reader::HeadReader;
use crate::request_head::RequestHead;
use crate::response_head::ResponseHead;

/// A client's request to an HTTP proxy for a tunnel to a server (RFC 9110 §9.3.6). A [`TunnelReader`] reads the
/// response.
///
/// The setters do not fail. [`encode`](Self::encode) returns the error of the first invalid value.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{Tunnel, TunnelReader};
///
/// let mut output = BytesMut::new();
/// Tunnel::new("example.com", 443).basic_auth("Aladdin", "open sesame").encode(&mut output)?;
/// assert_eq!(output, concat!(
///     "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n",
///     "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
/// ));
///
/// // Write `output` to the proxy, then read into `input`.
/// let mut input = BytesMut::from("HTTP/1.1 200 Connection established\r\n\r\n");
/// let head = TunnelReader::default().read(&mut input)?;
/// assert!(head.is_some()); // now TLS or the WebSocket handshake with example.com
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tunnel {
    authority: String,
    headers: CallerHeaders,
}

impl Tunnel {
    /// Creates a request for a tunnel to this host and port. The host is a name, an IPv4 address, or an IPv6 address in
    /// brackets.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
        //# There is no default port; a
        //# client MUST send the port number even if the CONNECT request is based on
        //# a URI reference that contains an authority component with an elided port
        Self { authority: format!("{host}:{port}"), headers: CallerHeaders::default() }
    }

    /// Sets `Proxy-Authorization` to a user name and password (RFC 7617). Neither may have a control character, and the
    /// user name must not have a colon.
    #[must_use]
    pub fn basic_auth(mut self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        match basic(user.as_ref(), password.as_ref()) {
            Ok(value) => self.headers.push("Proxy-Authorization", value),
            Err(error) => self.headers.record(Err(error)),
        }
        self
    }

    /// Appends a header field for the proxy, such as `User-Agent`.
    ///
    /// `Host`, the header fields that announce a body or an upgrade, and all names that begin with `Sec-WebSocket-` or
    /// `WebSocket-` are a [`BuildError::ReservedField`].
    ///
    /// ```
    /// use protocol_websocket_http::Tunnel;
    ///
    /// let tunnel = Tunnel::new("example.com", 443).header("User-Agent", "example/1.0");
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        if is_reserved(name) || is_one_of(name, &["Host"]) {
            self.headers.record(Err(BuildError::ReservedField));
        } else {
            self.headers.push(name, value);
        }
        self
    }

    /// Appends the request to `output`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Host`] if the host is invalid; the first error of the setters; [`BuildError::RepeatedField`] for
    /// two `Proxy-Authorization`. Nothing is written then.
    pub fn encode(&self, output: &mut BytesMut) -> Result<(), BuildError> {
        if !is_host(self.authority.as_bytes()) {
            return Err(BuildError::Host);
        }
        let caller_headers = self.headers.checked()?;
        if caller_headers.at_most_once("Proxy-Authorization").is_err() {
            return Err(BuildError::RepeatedField);
        }
        let len = self.authority.len() + caller_headers.encoded_len() + 16;
        let mut head = RequestHead::begin("CONNECT", &self.authority, len, 1 + caller_headers.len());
        let written = head.as_mut().and_then(|head| {
            head.headers_mut().append(b"Host", self.authority.as_bytes())?;
            head.headers_mut().append_all(caller_headers)
        });
        let (Some(head), Some(_)) = (head, written) else { return Err(BuildError::TooLong) };
        head.encode(output);
        Ok(())
    }
}

/// Hides the values of most header fields.
impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel")
            .field("authority", &self.authority)
            .field("headers", self.headers.headers())
            .field("error", &self.headers.error())
            .finish()
    }
}

/// Reads a proxy's response to the request of a [`Tunnel`], however the stream is split into reads.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{HeadLimits, TunnelError, TunnelReader};
///
/// let mut reader = TunnelReader::new(HeadLimits::default());
/// let mut input = BytesMut::from("HTTP/1.1 407 Proxy Authentication Req");
/// assert_eq!(reader.read(&mut input)?, None);
/// input.extend_from_slice(b"uired\r\nProxy-Authenticate: Basic realm=\"office\"\r\n\r\n");
/// let error = reader.read(&mut input).unwrap_err();
/// assert!(matches!(error, TunnelError::Refused(head) if head.status() == 407));
/// # Ok::<(), TunnelError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TunnelReader {
    reader: HeadReader,
    /// The result, after the response was complete. Further calls return the error again.
    ended: Option<Result<(), TunnelError>>,
}

impl TunnelReader {
    /// Creates a reader. The limits apply to the head of the response and the heads of all interim responses before it,
    /// together.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self { reader: HeadReader::new(limits), ended: None }
    }

    /// Removes the head of the response from the front of `input`, and returns it if its status is 2xx. Returns `None`
    /// if it is not complete yet. Interim responses before it, such as 100 or 103, are removed and skipped.
    ///
    /// The bytes after the head stay in `input`: they are the first bytes of the tunnel, or the body of a refusal.
    /// Until the head is complete, the caller appends to `input` and does not change it otherwise. Further calls return
    /// `None` and leave `input` unchanged.
    ///
    /// # Errors
    ///
    /// [`TunnelError::Refused`] for any other status, and [`TunnelError::Head`] for an invalid response. The caller
    /// closes the connection. Every further call returns the same error.
    pub fn read(&mut self, input: &mut BytesMut) -> Result<Option<ResponseHead>, TunnelError> {
        if let Some(result) = &self.ended {
            return result.clone().map(|()| None);
        }
        let result = match self.reader.final_response(input) {
            Ok(None) => return Ok(None),
            //= https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
            //# Any 2xx (Successful) response indicates that the sender (and all
            //# inbound proxies) will switch to tunnel mode immediately after the
            //# response header section; data received after that header section is from
            //# the server identified by the request target.
            //= https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
            //# A client MUST ignore any Content-Length or Transfer-Encoding header
            //# fields received in a successful response to CONNECT.
            Ok(Some(head)) if matches!(head.status(), 200..=299) => Ok(Some(head)),
            //= https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
            //# Any response other than a successful response indicates that the tunnel
            //# has not yet been formed.
            Ok(Some(head)) => Err(TunnelError::Refused(Box::new(head))),
            Err(error) => Err(TunnelError::Head(error)),
        };
        self.ended = Some(result.as_ref().map(|_| ()).map_err(Clone::clone));
        result
    }
}

/// An error of a proxy: it did not open the tunnel.
///
/// ```
/// use protocol_websocket_http::{ResponseHead, TunnelError};
///
/// let head = ResponseHead::from_parts(403, [("Content-Length", "0")])?;
/// assert_eq!(TunnelError::Refused(Box::new(head)).to_string(), "proxy refuses the tunnel with status 403");
/// # Ok::<(), protocol_websocket_http::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TunnelError {
    /// The response is not HTTP/1.x, or its head and those of interim responses before it exceed a limit.
    Head(ParseError),
    /// The proxy responded with this status, which is not 2xx. With the status 407 it requires credentials, or other
    /// ones.
    Refused(Box<ResponseHead>),
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(error) => write!(f, "invalid response of the proxy: {error}"),
            Self::Refused(head) => write!(f, "proxy refuses the tunnel with status {}", head.status()),
        }
    }
}

impl core::error::Error for TunnelError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Head(error) => Some(error),
            Self::Refused(_) => None,
        }
    }
}
