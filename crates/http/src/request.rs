use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};

use bytes::BytesMut;
use protocol_websocket_core::{ExtensionParams, Version};

use crate::challenge::Challenge;
use crate::cookie::Cookie;
use crate::extension::{Item, list, scan};
use crate::field_section::REQUEST;
use crate::fields::FieldName;
use crate::grammar::elements;
use crate::headers::Headers;
use crate::key::Key;
use crate::key_numbers::KeyNumbers;
use crate::origin;
use crate::request_head::RequestHead;
use crate::span::Span;
use crate::syntax::HandshakeSyntax;

/// A valid upgrade request: it passed every check of RFC 6455 §4.2.1, or of the draft that it follows. Over HTTP/2 and HTTP/3
/// it is an extended CONNECT, which passed the same checks and those of RFC 8441.
///
/// A server [parses](Self::parse) it or checks the [head](Self::from_head) or the [fields](Self::from_fields) of another HTTP
/// library. Requests that cannot be upgraded are rejected with a [`ParseError`](crate::ParseError). A client
/// [builds](Self::offer) it, or [builds an extended CONNECT](Self::offer_connect).
///
/// ```
/// use protocol_websocket_http::Request;
///
/// let headers = [
///     ("host", "server.example.com"),
///     ("connection", "Upgrade"),
///     ("upgrade", "websocket"),
///     ("sec-websocket-version", "13"),
///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
///     ("sec-websocket-protocol", "chat, superchat"),
/// ];
/// let request = Request::from_parts("GET", "/chat", headers)?;
/// assert_eq!((request.host(), request.resource_name()), ("server.example.com", "/chat"));
/// assert_eq!(request.select_subprotocol(&["superchat", "chat"]), Some("superchat"));
/// # Ok::<(), protocol_websocket_http::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Request {
    /// It has the result of the checks, too.
    head: RequestHead,
}

/// The result of the checks of a request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Checked {
    pub(crate) host: Span,
    pub(crate) resource_name: Span,
    /// The value of `Sec-WebSocket-Key`, in versions with it.
    pub(crate) key: Span,
    pub(crate) challenge: Challenge,
    pub(crate) secure: bool,
}

impl Request {
    /// Appends the request to `output`: the head, with CRLF line ends and one space after each colon, and the bytes of
    /// [`key3`](Self::key3). Only a server of HTTP/1.1 can read it: [`to_fields`](Self::to_fields) returns an extended CONNECT.
    pub fn encode(&self, output: &mut BytesMut) {
        self.head.encode(output);
        output.extend_from_slice(self.key3().as_ref().map_or(&[], |key3| &key3[..]));
    }

    /// Returns the fields of an extended CONNECT for an HTTP/2 or HTTP/3 library: `:method`, `:protocol`, `:scheme`,
    /// `:authority`, `:path`, and the header fields. The names are in lower case. Returns `None` for a request of HTTP/1.1.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request};
    ///
    /// let destination = Destination::new("example.com", "/chat").secure(true);
    /// let request = Request::offer_connect(destination, &Offer::new())?;
    /// let fields = request.to_fields().expect("the request is an extended CONNECT");
    /// assert!(fields.iter().map(|(name, _)| name).eq([
    ///     ":method",
    ///     ":protocol",
    ///     ":scheme",
    ///     ":authority",
    ///     ":path",
    ///     "sec-websocket-version",
    /// ]));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn to_fields(&self) -> Option<Headers> {
        if !self.is_connect() {
            return None;
        }
        let scheme = if self.checked().secure { "https" } else { "http" };
        let pseudo = ["CONNECT", "websocket", scheme, self.host(), self.resource_name()];
        let mut fields = Headers::new();
        for (name, value) in REQUEST.iter().zip(pseudo) {
            fields.append(name.as_bytes(), value.as_bytes())?;
        }
        fields.append_all(self.headers())?;
        Some(fields)
    }

    /// Returns whether the request is an extended CONNECT of HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220), and not a request of
    /// HTTP/1.1.
    #[must_use]
    pub const fn is_connect(&self) -> bool {
        matches!(self.checked().challenge, Challenge::Connect)
    }

    /// Returns the protocol version of the request.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.checked().challenge.version()
    }

    /// Returns the host, and the port if there is one, that the request is for: those of an absolute target, else of `Host`, and
    /// in an extended CONNECT those of `:authority`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.headers().text(self.checked().host)
    }

    /// Returns the path and query that the request is for (RFC 6455 §3). They begin with `/`, and are not decoded.
    #[must_use]
    pub fn resource_name(&self) -> &str {
        self.headers().text(self.checked().resource_name)
    }

    /// Returns the origin of the page that opened the connection: `Origin`, in draft-ietf-hybi-10 `Sec-WebSocket-Origin`.
    /// The header field of another version is ignored. Browsers always send an origin, other clients need not (RFC 6454 §7).
    ///
    /// The origin is UTF-8 text without control characters. A client may also send a list of origins, or an empty value.
    ///
    /// A browser opens a WebSocket to any host, with the user's cookies, for any page. A server that trusts cookies
    /// must check the origin with [`origin_is`](Self::origin_is) or [`is_same_origin`](Self::is_same_origin).
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.headers().get_str(HandshakeSyntax::of(self.version()).origin.text())
    }

    /// Returns whether the origin is one of these, such as `https://example.com` or `http://localhost:3000`.
    ///
    /// Scheme, host and port must be equal, in any ASCII case. The default port of a scheme may be left out. Returns `false`
    /// without an origin, and for a list of origins. A server that accepts clients other than browsers checks
    /// [`origin`](Self::origin)`().is_none()` as well.
    ///
    /// ```
    /// use protocol_websocket_http::Request;
    ///
    /// fn is_allowed(request: &Request) -> bool {
    ///     request.origin().is_none() || request.origin_is(&["https://example.com", "http://localhost:3000"])
    /// }
    /// ```
    #[must_use]
    pub fn origin_is(&self, allowed: &[&str]) -> bool {
        self.origin().is_some_and(|origin| allowed.iter().any(|other| origin::is_same(origin, other)))
    }

    /// Returns whether the page that opened the connection is from this server: the origin is `https://host` if `secure`,
    /// else `http://host`, with the host and port that the request is for.
    ///
    /// `secure` is whether browsers reach this server over TLS, which a proxy may terminate. A server that browsers reach with
    /// and without TLS passes the value for this request: [`forwarded_secure`](Self::forwarded_secure), or whether its own
    /// socket is encrypted.
    ///
    /// A page over plain `http` does not have the same origin as a `wss` server of the same name: an attacker in the network
    /// can change that page, and the browser sends the cookies of the `https` site with its request. Other schemes, such as
    /// `chrome-extension`, never match.
    ///
    /// Returns `false` without an origin, and for a proxy that changes `Host`.
    ///
    /// ```
    /// use protocol_websocket_http::Request;
    ///
    /// let headers = [
    ///     ("host", "example.com"),
    ///     ("connection", "Upgrade"),
    ///     ("upgrade", "websocket"),
    ///     ("origin", "https://example.com"),
    ///     ("sec-websocket-version", "13"),
    ///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let request = Request::from_parts("GET", "/chat", headers)?;
    /// assert!(request.is_same_origin(true));
    /// assert!(!request.is_same_origin(false));
    /// # Ok::<(), protocol_websocket_http::ParseError>(())
    /// ```
    #[must_use]
    pub fn is_same_origin(&self, secure: bool) -> bool {
        self.origin().is_some_and(|origin| origin::matches_host(origin, self.host(), secure))
    }

    /// Iterates over the subprotocols that the client offers, in its order of preference: at most 64 unique tokens. They are
    /// read from `Sec-WebSocket-Protocol`, in draft-hixie-75 from `WebSocket-Protocol`.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.headers().tokens(HandshakeSyntax::of(self.version()).subprotocol.text())
    }

    /// Returns the first name in `ours` that the client offers. Case matters.
    ///
    /// ```
    /// use protocol_websocket_http::{Accept, Request};
    ///
    /// fn accept(request: &Request) -> Accept {
    ///     match request.select_subprotocol(&["v2.chat", "chat"]) {
    ///         Some(name) => Accept::new().subprotocol(name),
    ///         None => Accept::new(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn select_subprotocol<'a>(&self, ours: &[&'a str]) -> Option<&'a str> {
        let places = self.subprotocols().filter_map(|offered| ours.iter().position(|ours| *ours == offered));
        places.min().and_then(|place| ours.get(place)).copied()
    }

    /// Returns the extensions that the client offers, in its order of preference. Versions before draft-ietf-hybi-10 have
    /// none.
    #[must_use]
    pub fn extensions(&self) -> Vec<ExtensionParams> {
        if !self.version().has_length_framing() {
            return Vec::new();
        }
        list(self.headers().get_all(FieldName::Extensions.text())).unwrap_or_default()
    }

    /// Iterates over the cookies that the client sends, as [`Cookie::parse`] reads them.
    ///
    /// Several cookies may have the same name, and their order does not show their origin: any host of the same domain can set
    /// a cookie that comes first (RFC 6265 §8.6). A server that trusts a cookie rejects a request with two of its name:
    ///
    /// ```
    /// use protocol_websocket_http::Request;
    ///
    /// fn session(request: &Request) -> Option<&[u8]> {
    ///     let mut sessions = request.cookies().filter(|cookie| cookie.name() == "session");
    ///     let session = sessions.next()?.value();
    ///     sessions.next().is_none().then_some(session)
    /// }
    /// ```
    pub fn cookies(&self) -> impl Iterator<Item = Cookie<'_>> {
        self.headers().get_all("cookie").flat_map(Cookie::parse)
    }

    /// Returns the header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// Returns the head. That of an extended CONNECT has the method `CONNECT` and the path as its target.
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Returns whether the request is for `wss`, as far as the request shows it. At a client this is the value of its
    /// [`Destination`](crate::Destination). At a server it is whether the scheme of the origin is `https`, because a page over
    /// `https` can only open `wss`, and in an extended CONNECT whether `:scheme` is `https`. With a proxy, [`forwarded_secure`](Self::forwarded_secure) may be more precise.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.checked().secure
    }

    /// Returns whether the first scheme in `X-Forwarded-Proto` is `https` or `wss`. A proxy in front of the server sets it.
    ///
    /// Every client can send this header field, so use it only with a proxy that replaces it. No other function reads it.
    ///
    /// ```
    /// use protocol_websocket_http::Request;
    ///
    /// /// For a server with a proxy in front of it that sets `X-Forwarded-Proto`.
    /// fn is_from_our_pages(request: &Request) -> bool {
    ///     request.is_same_origin(request.forwarded_secure())
    /// }
    /// ```
    #[must_use]
    pub fn forwarded_secure(&self) -> bool {
        let first = self.headers().get("x-forwarded-proto").and_then(|value| elements(value).next());
        first.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https") || scheme.eq_ignore_ascii_case(b"wss"))
    }

    /// Returns `Sec-WebSocket-Key`. Versions before draft-ietf-hybi-10 have none.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        self.key_text().map(Key::of_checked)
    }

    /// Returns the numbers in `Sec-WebSocket-Key1` and `-Key2`. Only draft-ietf-hybi-00 has them.
    #[must_use]
    pub const fn key_numbers(&self) -> Option<KeyNumbers> {
        match self.checked().challenge {
            Challenge::Numbers(numbers, _) => Some(numbers),
            _ => None,
        }
    }

    /// Returns the eight bytes after the head of a client's own request in draft-ietf-hybi-00. A server receives them after
    /// the head, so its request has none.
    #[must_use]
    pub const fn key3(&self) -> Option<[u8; 8]> {
        match self.checked().challenge {
            Challenge::Numbers(_, key3) => key3,
            _ => None,
        }
    }

    /// Returns the 16 bytes that must follow the head of the response, for a client's own request in draft-ietf-hybi-00.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request, Version};
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let offer = Offer::new().version(Version::Hybi00);
    /// let request = Request::offer(Destination::new("example.com", "/"), &offer, &mut random)?;
    /// let (numbers, key3) = (request.key_numbers().unwrap(), request.key3().unwrap());
    /// assert_eq!(request.digest(), Some(numbers.digest(key3)));
    /// # Ok::<(), protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 16]> {
        self.checked().challenge.digest()
    }

    /// Creates a request from a head that passed the checks.
    pub(crate) fn new(mut head: RequestHead, checked: Checked) -> Self {
        head.set_checked(checked);
        Self { head }
    }

    const fn checked(&self) -> &Checked {
        self.head.checked()
    }

    /// Returns the text of the key, in versions with a key.
    pub(crate) fn key_text(&self) -> Option<&[u8]> {
        match self.checked().challenge {
            Challenge::Key(_) => Some(self.headers().slice(self.checked().key)),
            _ => None,
        }
    }

    /// Returns the URL that the request is for.
    pub(crate) fn location(&self, secure: bool) -> String {
        location(secure, self.host(), self.resource_name())
    }

    /// Returns the origin of the request. If there is none, returns that of a page from this host.
    pub(crate) fn origin_or_own(&self, secure: bool) -> Cow<'_, str> {
        self.origin().map_or_else(|| Cow::Owned(origin_of_host(secure, self.host())), Cow::Borrowed)
    }

    /// Returns whether the client offers an extension of this name.
    pub(crate) fn offers_extension(&self, name: &str) -> bool {
        let mut found = false;
        let whole = scan(self.headers().get_all(FieldName::Extensions.text()), |item| match item {
            Item::Extension(offered) => found |= offered == name.as_bytes(),
            Item::Param(..) => {}
        });
        found && whole.is_ok() && self.version().has_length_framing()
    }

    /// Returns the parts of an extended CONNECT that are not in its head: whether the scheme is `https`, and the authority.
    fn connect_target(&self) -> Option<(bool, &str)> {
        self.is_connect().then(|| (self.checked().secure, self.host()))
    }
}

/// Returns the URL of a request.
pub(crate) fn location(secure: bool, host: &str, resource_name: &str) -> String {
    [if secure { "wss://" } else { "ws://" }, host, resource_name].concat()
}

/// Returns the origin of a page from this host.
pub(crate) fn origin_of_host(secure: bool, host: &str) -> String {
    [if secure { "https://" } else { "http://" }, host].concat()
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("version", &self.version()).field("head", &self.head).finish()
    }
}

/// Compares the heads, and of an extended CONNECT also scheme and authority.
impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head && self.connect_target() == other.connect_target()
    }
}

impl Eq for Request {}

impl Hash for Request {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.head.hash(state);
    }
}
