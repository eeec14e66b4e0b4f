use core::fmt;
use core::str::from_utf8;

use bytes::BytesMut;
use protocol_websocket_core::{Random, Version};

use crate::extension::{Item, Malformed, scan};
use crate::grammar::{elements, is_host, is_resource_name, is_token, is_visible};
use crate::headers::{Repeated, Span};
use crate::{
    BuildError, Cookie, Extension, HeadLimits, HeadReader, Headers, Key, Offer, ParseError, RequestHead, origin,
};

/// An upgrade request that passed every check of RFC 6455 §4.2.1, or was built so that it does.
///
/// Another request is none: what cannot be answered with 101 is a [`ParseError`].
///
/// ```
/// use protocol_websocket_http::{Offer, Request, Target};
///
/// let mut random = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
/// let target = Target::new("server.example.com", "/chat");
/// let request = Request::offer(target, &Offer::new().subprotocol("chat"), &mut random)?;
/// assert_eq!(request.resource_name(), "/chat");
/// assert_eq!(request.headers().get_str("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Request {
    head: RequestHead,
    host: Span,
    resource_name: Span,
    challenge: Challenge,
}

/// What the answer has to prove. Each version of the protocol has its own.
#[derive(Clone, Copy)]
enum Challenge {
    /// RFC 6455.
    Key(Key),
}

/// Where a client's request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The host, and `:port` unless it is the scheme's default, as they stand in `Host`.
    pub host: &'a str,
    /// The path and query (RFC 6455 §3); it begins with `/`.
    pub resource_name: &'a str,
}

impl<'a> Target<'a> {
    /// A resource of a host.
    #[must_use]
    pub const fn new(host: &'a str, resource_name: &'a str) -> Self {
        Self { host, resource_name }
    }
}

impl Request {
    /// Takes a request from the front of `input`; `None` if its head is not complete yet.
    ///
    /// Each call searches from the front. Where bytes come in small pieces, a [`HeadReader`] and
    /// [`from_head`](Self::from_head) look at each byte once.
    ///
    /// # Errors
    ///
    /// Those of [`HeadReader::request`] and of [`from_head`](Self::from_head).
    pub fn parse(input: &mut BytesMut, limits: HeadLimits) -> Result<Option<Self>, ParseError> {
        HeadReader::new(limits).request(input)?.map(Self::from_head).transpose()
    }

    /// Checks that a head asks for an upgrade to WebSocket, and does so by the rules.
    ///
    /// The first broken rule is the error, in this order: `GET` and HTTP/1.1, `Host`, the target, no body, `Upgrade`
    /// and `Connection`, the version, the key, `Origin`, subprotocols and extensions.
    ///
    /// # Errors
    ///
    /// A variant of [`ParseError`] for each of these rules.
    pub fn from_head(mut head: RequestHead) -> Result<Self, ParseError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# If the server, while reading the handshake, finds that the client did
        //# not send a handshake that matches the description below (note that as
        //# per [RFC2616], the order of the header fields is not important),
        //# including but not limited to any violations of the ABNF grammar
        //# specified for the components of the handshake, the server MUST stop
        //# processing the client's handshake and return an HTTP response with an
        //# appropriate error code (such as 400 Bad Request).
        if head.method() != "GET" {
            return Err(ParseError::Method);
        }
        if head.minor_version() == 0 {
            return Err(ParseError::HttpVersion);
        }
        let (host, resource_name) = destination(&mut head)?;
        let headers = head.headers();
        check_body(headers)?;
        if !head.is_upgrade() {
            return Err(ParseError::Upgrade);
        }
        if !headers.names("connection", "upgrade") {
            return Err(ParseError::Connection);
        }
        let challenge = Challenge::of(headers)?;
        check_origin(headers)?;
        check_subprotocols(headers)?;
        check_extensions(headers)?;
        Ok(Self { head, host, resource_name, challenge })
    }

    /// Checks a request of HTTP/1.1 that another HTTP library parsed.
    ///
    /// # Errors
    ///
    /// Those of [`RequestHead::from_parts`] and of [`from_head`](Self::from_head).
    pub fn from_parts(
        method: &str,
        target: &str,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    ) -> Result<Self, ParseError> {
        RequestHead::from_parts(method, target, headers).and_then(Self::from_head)
    }

    /// Builds a client's request with a fresh key.
    ///
    /// # Errors
    ///
    /// [`BuildError::Host`] and [`BuildError::ResourceName`] for what cannot stand there, and whatever a setter of
    /// `offer` could not take.
    pub fn offer(target: Target<'_>, offer: &Offer, random: &mut dyn Random) -> Result<Self, BuildError> {
        if !is_host(target.host.as_bytes()) {
            return Err(BuildError::Host);
        }
        if !is_resource_name(target.resource_name.as_bytes()) {
            return Err(BuildError::ResourceName);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The nonce MUST be selected randomly for each connection.
        let key = Key::random(random);
        let headers = offer.headers(target.host, key.as_str(), "13")?;
        let host = headers.span(headers.get("host").unwrap_or_default());
        let head = RequestHead::unchecked("GET", target.resource_name, headers).ok_or(BuildError::TooLong)?;
        let resource_name = head.headers().span(head.target().as_bytes());
        Ok(Self { head, host, resource_name, challenge: Challenge::Key(key) })
    }

    /// Appends the request in its plain form to `output`: CRLF line ends, one blank after each colon.
    pub fn encode(&self, output: &mut BytesMut) {
        self.head.encode(output);
    }

    /// The version of the protocol that is asked for.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self.challenge {
            Challenge::Key(_) => Version::RFC6455,
        }
    }

    /// The host and perhaps the port that the request is for: of an absolute target, else of `Host`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.headers().text(self.host)
    }

    /// The path and query that the request is for (RFC 6455 §3). It begins with `/`; nothing is decoded.
    #[must_use]
    pub fn resource_name(&self) -> &str {
        self.headers().text(self.resource_name)
    }

    /// `Origin`: the page that opened the connection. Browsers always send it, others need not (RFC 6454 §7).
    ///
    /// A browser opens a WebSocket to any host, with the user's cookies, for any page. A server that trusts cookies
    /// must look at the origin: [`origin_is`](Self::origin_is) and [`is_same_origin`](Self::is_same_origin).
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.headers().get_str("origin")
    }

    /// Whether the origin is one of these, such as `https://example.com` or `http://localhost:3000`.
    ///
    /// Scheme, host and port must all be the same, in any ASCII case; a scheme's default port may be left out. Without
    /// an origin it is `false`: who wants to let programs in that are no browsers asks for
    /// [`origin`](Self::origin)`().is_none()` too.
    #[must_use]
    pub fn origin_is(&self, allowed: &[&str]) -> bool {
        self.origin().is_some_and(|origin| allowed.iter().any(|other| origin::is_same(origin, other)))
    }

    /// Whether the origin's host and port are those that the request is for: the page came from this very server.
    ///
    /// Without an origin it is `false`. A proxy that changes `Host` makes it `false` too.
    #[must_use]
    pub fn is_same_origin(&self) -> bool {
        self.origin().is_some_and(|origin| origin::is_host(origin, self.host()))
    }

    /// The subprotocols that the client offers, the most wanted one first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.headers().tokens(SUBPROTOCOLS)
    }

    /// The first of `ours` that the client offers, by the server's order; case counts.
    #[must_use]
    pub fn select_subprotocol<'a>(&self, ours: &[&'a str]) -> Option<&'a str> {
        ours.iter().copied().find(|ours| self.subprotocols().any(|offered| offered == *ours))
    }

    /// The extensions that the client offers, the most wanted one first.
    #[must_use]
    pub fn extensions(&self) -> alloc::vec::Vec<Extension> {
        Extension::list(self.headers().get_all(EXTENSIONS)).unwrap_or_default()
    }

    /// The cookies that the client sends. A field that is not UTF-8 has none.
    pub fn cookies(&self) -> impl Iterator<Item = Cookie<'_>> {
        self.headers().get_all("cookie").filter_map(|value| from_utf8(value).ok()).flat_map(Cookie::parse)
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// The head as a whole.
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// `Sec-WebSocket-Key`.
    #[must_use]
    pub const fn key(&self) -> Key {
        match self.challenge {
            Challenge::Key(key) => key,
        }
    }

    pub(crate) fn offers_extension(&self, name: &str) -> bool {
        let mut found = false;
        let whole = scan(self.headers().get_all(EXTENSIONS), |item| match item {
            Item::Extension(offered) => found |= offered == name,
            Item::Param(..) => {}
        });
        found && whole.is_ok()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("version", &self.version()).field("head", &self.head).finish()
    }
}

/// The same head.
impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head
    }
}

impl Eq for Request {}

impl Challenge {
    /// Finds the version that is asked for, and what belongs to it.
    fn of(headers: &Headers) -> Result<Self, ParseError> {
        let is_old = headers.contains("sec-websocket-key1") || headers.contains("sec-websocket-key2");
        if is_old && (headers.contains(VERSION) || headers.contains(KEY)) {
            return Err(ParseError::MixedKeys);
        }
        match headers.at_most_once(VERSION) {
            Ok(Some(b"13")) => {}
            _ => return Err(ParseError::Version),
        }
        match headers.at_most_once(KEY) {
            Ok(Some(key)) => Key::parse(key).map(Self::Key).ok_or(ParseError::Key),
            _ => Err(ParseError::Key),
        }
    }
}

const EXTENSIONS: &str = "sec-websocket-extensions";
const KEY: &str = "sec-websocket-key";
const SUBPROTOCOLS: &str = "sec-websocket-protocol";
const VERSION: &str = "sec-websocket-version";

/// How many subprotocols a client may offer.
const MAX_SUBPROTOCOLS: usize = 64;

/// Host and resource name. An absolute target has both, and then `Host` says nothing (RFC 9112 §3.2.2).
fn destination(head: &mut RequestHead) -> Result<(Span, Span), ParseError> {
    let headers = head.headers();
    //= https://www.rfc-editor.org/rfc/rfc9112#section-3.2
    //# A server MUST respond with a 400 (Bad Request) status code to any
    //# HTTP/1.1 request message that lacks a Host header field and to any
    //# request message that contains more than one Host header field line or
    //# a Host header field with an invalid field value.
    let host = match headers.at_most_once("host") {
        Ok(Some(host)) if is_host(host) => headers.span(host),
        _ => return Err(ParseError::Host),
    };
    let target = head.target();
    if is_resource_name(target.as_bytes()) {
        return Ok((host, headers.span(target.as_bytes())));
    }
    let (scheme, rest) = target.split_once("://").ok_or(ParseError::Target)?;
    let (host, resource_name) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
    if !is_http || !is_host(host.as_bytes()) || resource_name.contains('#') {
        return Err(ParseError::Target);
    }
    let (host, resource_name) = (headers.span(host.as_bytes()), headers.span(resource_name.as_bytes()));
    if headers.text(resource_name).starts_with('/') {
        return Ok((host, resource_name));
    }
    let with_path = alloc::format!("/{}", headers.text(resource_name));
    let resource_name = head.headers_mut().store(with_path.as_bytes()).ok_or(ParseError::TooLong)?;
    Ok((host, resource_name))
}

fn check_body(headers: &Headers) -> Result<(), ParseError> {
    let is_empty = |length: &[u8]| !length.is_empty() && length.iter().all(|&digit| digit == b'0');
    if headers.contains("transfer-encoding") || !headers.get_all("content-length").all(is_empty) {
        return Err(ParseError::Body);
    }
    Ok(())
}

fn check_origin(headers: &Headers) -> Result<(), ParseError> {
    match headers.at_most_once("origin") {
        Ok(None) => Ok(()),
        Ok(Some(origin)) if is_visible(origin) => Ok(()),
        Ok(Some(_)) | Err(Repeated) => Err(ParseError::Origin),
    }
}

fn check_subprotocols(headers: &Headers) -> Result<(), ParseError> {
    let offered = || headers.get_all(SUBPROTOCOLS).flat_map(elements);
    if !headers.contains(SUBPROTOCOLS) {
        return Ok(());
    }
    let are_different = || offered().enumerate().all(|(at, name)| !offered().take(at).any(|other| other == name));
    let count = offered().take(MAX_SUBPROTOCOLS + 1).count();
    if matches!(count, 1..=MAX_SUBPROTOCOLS) && offered().all(is_token) && are_different() {
        Ok(())
    } else {
        Err(ParseError::Subprotocols)
    }
}

fn check_extensions(headers: &Headers) -> Result<(), ParseError> {
    if !headers.contains(EXTENSIONS) {
        return Ok(());
    }
    scan(headers.get_all(EXTENSIONS), |_| {}).map_err(|Malformed| ParseError::Extensions)
}
