use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::BytesMut;
use protocol_websocket_core::{Random, Version};

use crate::challenge::Challenge;
use crate::extension::{Item, list, scan};
use crate::grammar::elements;
use crate::headers::Span;
use crate::known::Name;
use crate::validator::validate;
use crate::version::Wording;
use crate::{
    BuildError, Cookie, Extension, HeadLimits, HeadReader, Headers, Key, KeyNumbers, Offer, ParseError, RequestHead,
    Target, Versions, key, origin,
};

/// An upgrade request that passed every check of RFC 6455 §4.2.1, or of the draft that it follows, or was built so that it
/// does.
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
    pub(crate) head: RequestHead,
    pub(crate) host: Span,
    pub(crate) resource_name: Span,
    /// `Sec-WebSocket-Key`, where the version has one.
    pub(crate) key: Span,
    pub(crate) challenge: Challenge,
    pub(crate) secure: bool,
}

impl Request {
    /// Takes a request from the front of `input`; `None` if its head is not complete yet.
    ///
    /// Each call searches from the front. Where bytes come in small pieces, a [`HeadReader`] and
    /// [`from_head`](Self::from_head) search each byte once.
    ///
    /// # Errors
    ///
    /// Those of [`HeadReader::request`] and of [`from_head`](Self::from_head).
    pub fn parse(input: &mut BytesMut, limits: HeadLimits) -> Result<Option<Self>, ParseError> {
        HeadReader::new(limits).request(input)?.map(Self::from_head).transpose()
    }

    /// Checks that a head asks for an upgrade to WebSocket in any version of the protocol, and does so by the rules.
    ///
    /// The first broken rule is the error, in this order: `GET` and HTTP/1.1, `Host`, the target, `Upgrade` and
    /// `Connection`, the version, the key or keys, no body, `Origin`, subprotocols and extensions.
    ///
    /// # Errors
    ///
    /// A variant of [`ParseError`] for each of these rules.
    pub fn from_head(head: RequestHead) -> Result<Self, ParseError> {
        Self::check(head, Versions::ALL)
    }

    /// As [`from_head`](Self::from_head), for a server that speaks these versions and no other.
    ///
    /// - Without any `Sec-WebSocket-Version` or `-Key`: draft-ietf-hybi-00 if there is one of its two keys, else
    ///   draft-hixie-75.
    /// - `Sec-WebSocket-Version` exactly once and `13`: RFC 6455. `8`: draft-ietf-hybi-10.
    ///
    /// # Errors
    ///
    /// Those of [`from_head`](Self::from_head); [`ParseError::Version`] for every version that is not in `spoken`.
    pub fn check(head: RequestHead, spoken: Versions) -> Result<Self, ParseError> {
        validate(head, spoken)
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

    /// Builds a client's request with a fresh key, or fresh keys.
    ///
    /// # Errors
    ///
    /// [`BuildError::Host`] and [`BuildError::ResourceName`] for what cannot stand there, and whatever a setter of
    /// `offer` could not take.
    pub fn offer(target: Target<'_>, offer: &Offer, random: &mut dyn Random) -> Result<Self, BuildError> {
        offer.request(target, random)
    }

    /// Appends the request in its plain form to `output`: CRLF line ends, one blank after each colon. What
    /// [`key3`](Self::key3) gives follows.
    pub fn encode(&self, output: &mut BytesMut) {
        self.head.encode(output);
        output.extend_from_slice(self.key3().as_ref().map_or(&[], |key3| &key3[..]));
    }

    /// The version of the protocol that is asked for.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.challenge.version()
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

    /// The origin of the page that opened the connection: `Origin`, in draft-ietf-hybi-10 `Sec-WebSocket-Origin`. The
    /// field of another version is not read. Browsers always send an origin, other clients need not (RFC 6454 §7).
    ///
    /// It is any UTF-8 text without control characters: a client may also send a list of origins, or nothing between
    /// the line's ends.
    ///
    /// A browser opens a WebSocket to any host, with the user's cookies, for any page. A server that trusts cookies
    /// must look at the origin: [`origin_is`](Self::origin_is) and [`is_same_origin`](Self::is_same_origin).
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.headers().get_str(Wording::of(self.version()).origin.text())
    }

    /// Whether the origin is one of these, such as `https://example.com` or `http://localhost:3000`.
    ///
    /// Scheme, host and port must all be the same, in any ASCII case; a scheme's default port may be left out. `false`
    /// without an origin, and for a list of origins. A server that lets in clients other than browsers checks
    /// [`origin`](Self::origin)`().is_none()` too.
    #[must_use]
    pub fn origin_is(&self, allowed: &[&str]) -> bool {
        self.origin().is_some_and(|origin| allowed.iter().any(|other| origin::is_same(origin, other)))
    }

    /// Whether the page that opened the connection came from this very server: the origin is `https://host` if `secure`,
    /// else `http://host`, with the host and port that the request is for.
    ///
    /// `secure` says whether browsers reach this server over TLS, also where a proxy ends it. A server that browsers
    /// reach both ways passes what holds for this request: [`forwarded_secure`](Self::forwarded_secure), or what it
    /// knows of its own socket.
    ///
    /// A page over plain `http` is not the same origin as a `wss` server of the same name: an attacker in the network can
    /// change that page, and the browser sends the cookies of the `https` site with its request. Other schemes, such as
    /// `chrome-extension`, are never the same origin.
    ///
    /// `false` without an origin, and behind a proxy that changes `Host`.
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
        self.origin().is_some_and(|origin| origin::is_host(origin, self.host(), secure))
    }

    /// The subprotocols that the client offers, the most wanted one first: at most 64 different tokens. They are read
    /// from `Sec-WebSocket-Protocol`, in draft-hixie-75 from `WebSocket-Protocol`.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        self.headers().tokens(Wording::of(self.version()).subprotocol.text())
    }

    /// The first of `ours` that the client offers, by the server's order; case counts.
    #[must_use]
    pub fn select_subprotocol<'a>(&self, ours: &[&'a str]) -> Option<&'a str> {
        let places = self.subprotocols().filter_map(|offered| ours.iter().position(|ours| *ours == offered));
        places.min().and_then(|place| ours.get(place)).copied()
    }

    /// The extensions that the client offers, the most wanted one first. The versions before draft-ietf-hybi-10 have
    /// none.
    #[must_use]
    pub fn extensions(&self) -> Vec<Extension> {
        if !self.version().has_length_framing() {
            return Vec::new();
        }
        list(self.headers().get_all(Name::Extensions.text())).unwrap_or_default()
    }

    /// The cookies that the client sends, as [`Cookie::parse`] reads them.
    ///
    /// Several may have one name, and the order says nothing of where each is from: any host of the same domain can set
    /// a cookie that comes first (RFC 6265 §8.6). So a server that trusts a cookie refuses a request with two of its name:
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

    /// Whether the request is for `wss`, as far as it says: a client's own knows, and at a server a page that was loaded
    /// over `https` opens nothing else. Behind a proxy [`forwarded_secure`](Self::forwarded_secure) may know more.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether `X-Forwarded-Proto` begins with `https` or `wss`: what a proxy in front of the server says.
    ///
    /// Every client can write that field. It is for servers behind a proxy that sets it, and is never looked at unasked.
    #[must_use]
    pub fn forwarded_secure(&self) -> bool {
        let first = self.headers().get("x-forwarded-proto").and_then(|value| elements(value).next());
        first.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https") || scheme.eq_ignore_ascii_case(b"wss"))
    }

    /// `Sec-WebSocket-Key`. The versions before draft-ietf-hybi-10 have none.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        match self.challenge {
            Challenge::Key(_) => Some(Key::of_checked(self.headers().slice(self.key))),
            _ => None,
        }
    }

    /// The numbers in `Sec-WebSocket-Key1` and `-Key2`, which draft-ietf-hybi-00 alone has.
    #[must_use]
    pub const fn key_numbers(&self) -> Option<KeyNumbers> {
        match self.challenge {
            Challenge::Numbers(numbers, _) => Some(numbers),
            _ => None,
        }
    }

    /// The eight bytes behind the head of draft-ietf-hybi-00, if this is a request of our own: a server gets them later.
    #[must_use]
    pub const fn key3(&self) -> Option<[u8; 8]> {
        match self.challenge {
            Challenge::Numbers(_, key3) => key3,
            _ => None,
        }
    }

    /// What has to stand behind the head of the answer: 16 bytes, if this is a request of our own in draft-ietf-hybi-00.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 16]> {
        match self.challenge {
            Challenge::Numbers(numbers, key3) => key3.map(|key3| numbers.digest(key3)),
            _ => None,
        }
    }

    /// The `Sec-WebSocket-Accept` that answers the key, if there is one.
    pub(crate) fn accept(&self) -> Option<[u8; 28]> {
        match self.challenge {
            Challenge::Key(_) => Some(key::accept(self.headers().slice(self.key))),
            _ => None,
        }
    }

    /// The URL that the request is for.
    pub(crate) fn location(&self, secure: bool) -> String {
        let scheme = if secure { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.host(), self.resource_name())
    }

    /// The origin, or else that of a page from this very host.
    pub(crate) fn origin_or_own(&self, secure: bool) -> Cow<'_, str> {
        let scheme = if secure { "https" } else { "http" };
        self.origin().map_or_else(|| Cow::Owned(format!("{scheme}://{}", self.host())), Cow::Borrowed)
    }

    pub(crate) fn offers_extension(&self, name: &str) -> bool {
        let mut found = false;
        let whole = scan(self.headers().get_all(Name::Extensions.text()), |item| match item {
            Item::Extension(offered) => found |= offered == name.as_bytes(),
            Item::Param(..) => {}
        });
        found && whole.is_ok() && self.version().has_length_framing()
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
