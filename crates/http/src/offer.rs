use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_core::{ExtensionParams, Version};

use crate::caller_headers::{CallerHeaders, is_one_of, is_reserved};
use crate::cookie_syntax::is_pair;
use crate::credentials::basic;
use crate::debug::{Extensions, Hidden};
use crate::error::BuildError;
use crate::extension::{is_valid, scan};
use crate::grammar::{elements, is_origin, is_token, push_element};
use crate::perl_compat::Style;

/// A client's part of the handshake: version, subprotocols, extensions, origin, cookies and header fields.
///
/// The setters do not fail. [`Request::offer`](crate::Request::offer) returns the error of the first invalid value. An offer
/// can be kept and used for many requests.
///
/// ```
/// use protocol_websocket_http::{Destination, Offer, Request};
///
/// let offer = Offer::new().subprotocol("chat").subprotocol("superchat").origin("http://example.com");
/// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
/// let request = Request::offer(Destination::new("example.com", "/chat"), &offer, &mut random)?;
/// assert!(request.subprotocols().eq(["chat", "superchat"]));
/// # Ok::<(), protocol_websocket_http::BuildError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Offer {
    pub(crate) version: Version,
    pub(crate) style: Style,
    /// The value of the header field with the subprotocols, which is a list.
    pub(crate) subprotocols: String,
    /// The value of `Sec-WebSocket-Extensions`, which is a list.
    pub(crate) extensions: String,
    pub(crate) origin: Option<String>,
    /// The value of `Cookie`.
    pub(crate) cookies: Vec<u8>,
    /// Whether the name of a cookie begins with `$` (RFC 2965 §3.3.4).
    pub(crate) has_cookie_attribute: bool,
    pub(crate) headers: CallerHeaders,
}

impl Offer {
    /// Creates an offer of RFC 6455 without subprotocols and extensions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the version of the protocol. The default is RFC 6455. A response of another version is an error.
    ///
    /// The two oldest versions have no extensions. Their requests always have an origin: if the caller does not set
    /// [`origin`](Self::origin), it is that of a page from the same host.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request, Version};
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let offer = Offer::new().version(Version::Hybi10);
    /// let request = Request::offer(Destination::new("example.com", "/"), &offer, &mut random)?;
    /// assert_eq!(request.headers().get_str("sec-websocket-version"), Some("8"));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Selects the form of Perl's `Protocol::WebSocket` 0.26: its order of header fields, `Upgrade: WebSocket` and an origin
    /// in every version, cookies whose names begin with `$`, and `Content-Length: 8` in draft-ietf-hybi-00, which some old
    /// servers reject.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request};
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let offer = Offer::new().perl_compat();
    /// let request = Request::offer(Destination::new("example.com", "/"), &offer, &mut random)?;
    /// assert_eq!(request.headers().get_str("upgrade"), Some("WebSocket"));
    /// assert_eq!(request.headers().get_str("origin"), Some("http://example.com"));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub const fn perl_compat(mut self) -> Self {
        self.style = Style::Perl;
        self
    }

    /// Appends a subprotocol, in order of preference. It must be a token and differ from the others.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request};
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let offer = Offer::new().subprotocol("v2.chat").subprotocol("v1.chat");
    /// let request = Request::offer(Destination::new("example.com", "/"), &offer, &mut random)?;
    /// assert_eq!(request.headers().get_str("sec-websocket-protocol"), Some("v2.chat, v1.chat"));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn subprotocol(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let result = if !is_token(name.as_bytes()) {
            Err(BuildError::Subprotocol)
        } else if elements(self.subprotocols.as_bytes()).any(|other| other == name.as_bytes()) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
            //# The elements that comprise this value MUST
            //# be non-empty strings with characters in the range U+0021 to
            //# U+007E not including separator characters as defined in
            //# [RFC2616] and MUST all be unique strings.
            Err(BuildError::SubprotocolRepeated)
        } else {
            push_element(&mut self.subprotocols, name);
            Ok(())
        };
        self.record(result)
    }

    /// Appends an extension, in order of preference. All extensions together have at most [`ExtensionParams::MAX_ITEMS`] names
    /// and parameters.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, ExtensionParams, Offer, Request};
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let offer = Offer::new().extension(ExtensionParams::new("permessage-deflate").flag("client_max_window_bits"));
    /// let request = Request::offer(Destination::new("example.com", "/"), &offer, &mut random)?;
    /// let value = request.headers().get_str("sec-websocket-extensions");
    /// assert_eq!(value, Some("permessage-deflate; client_max_window_bits"));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn extension(mut self, extension: ExtensionParams) -> Self {
        push_element(&mut self.extensions, &extension.to_string());
        let is_list = scan(core::iter::once(self.extensions.as_bytes()), drop).is_ok();
        let result = if is_valid(&extension) && is_list { Ok(()) } else { Err(BuildError::Extension) };
        self.record(result)
    }

    /// Sets the origin, such as `https://example.com`. Only browsers must send one (RFC 6455 §4.1, item 8). It must not be
    /// empty, and must not have a control character, or a space at either end.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request};
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let offer = Offer::new().origin("https://example.com");
    /// let request = Request::offer(Destination::new("example.com", "/"), &offer, &mut random)?;
    /// assert_eq!(request.headers().get_str("origin"), Some("https://example.com"));
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        let origin = origin.into();
        let result = if is_origin(origin.as_bytes()) { Ok(()) } else { Err(BuildError::Origin) };
        self.origin = Some(origin);
        self.record(result)
    }

    /// Appends a cookie. The name must be a token. The value may consist of any octets except control characters, `;` and
    /// `"`, and must not have a space at either end.
    ///
    /// The name must not begin with `$`, unless [`perl_compat`](Self::perl_compat) is set: for a server that reads RFC 2965,
    /// `$Path` is an attribute of the cookie before it.
    ///
    /// The value may have one pair of quotes around it, without a `\` inside, so that a value from `SetCookie::parse` can be
    /// returned to the server. A quote elsewhere is an error, because a server that reads the quotes of RFC 2965 would treat
    /// the following cookies as a part of this one.
    ///
    /// ```
    /// use protocol_websocket_http::Offer;
    ///
    /// let offer = Offer::new().cookie("session", "31d4d96e").cookie("name", b"Andr\xE9");
    /// ```
    #[must_use]
    pub fn cookie(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        let result = if is_pair(name, value) { Ok(()) } else { Err(BuildError::Cookie) };
        self.has_cookie_attribute |= name.starts_with('$');
        let separator: &[u8] = if self.cookies.is_empty() { b"" } else { b"; " };
        [separator, name.as_bytes(), b"=", value].iter().for_each(|part| self.cookies.extend_from_slice(part));
        self.record(result)
    }

    /// Sets `Authorization` to a user name and password (RFC 7617). Neither may have a control character, and the user name
    /// must not have a colon.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request};
    ///
    /// let offer = Offer::new().basic_auth("Aladdin", "open sesame");
    /// let mut random = |buf: &mut [u8]| buf.fill(7);
    /// let request = Request::offer(Destination::new("example.com", "/"), &offer, &mut random)?;
    /// assert_eq!(request.headers().get_str("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    /// # Ok::<(), protocol_websocket_http::BuildError>(())
    /// ```
    #[must_use]
    pub fn basic_auth(mut self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let (user, password) = (user.as_ref(), password.as_ref());
        match basic(user, password) {
            Ok(value) => {
                self.headers.push("Authorization", value);
                self
            }
            Err(error) => self.record(Err(error)),
        }
    }

    /// Appends a header field.
    ///
    /// The header fields that the handshake itself writes, and those that announce a body, are a
    /// [`BuildError::ReservedField`]: `Host`, `Upgrade`, `Connection`, `Content-Length`, `Transfer-Encoding`, and all names that
    /// begin with `Sec-WebSocket-` or `WebSocket-`.
    ///
    /// ```
    /// use protocol_websocket_http::Offer;
    ///
    /// let offer = Offer::new().header("User-Agent", "example/1.0");
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        let value = value.as_ref();
        if is_reserved(name) || is_one_of(name, &["Host"]) {
            return self.record(Err(BuildError::ReservedField));
        }
        if is_one_of(name, &["Origin"]) && !is_origin(value) {
            return self.record(Err(BuildError::Origin));
        }
        self.headers.push(name, value);
        self
    }

    /// Returns whether the [`version`](Self::version) of this offer has extensions. The two oldest versions have none, and an
    /// offered extension is an error in them.
    ///
    /// ```
    /// use protocol_websocket_http::{Offer, Version};
    ///
    /// assert!(Offer::new().supports_extensions());
    /// assert!(!Offer::new().version(Version::Hybi00).supports_extensions());
    /// ```
    #[must_use]
    pub const fn supports_extensions(&self) -> bool {
        self.version.has_length_framing()
    }

    /// Returns this offer without what may be meant for one server alone: subprotocols, the origin, cookies and header
    /// fields, and with them the credentials. A client that follows a redirect to another server offers this.
    ///
    /// The version and the extensions stay.
    ///
    /// ```
    /// use protocol_websocket_http::Offer;
    ///
    /// let offer = Offer::new().subprotocol("token-31d4d96e").basic_auth("user", "password").cookie("session", "1");
    /// assert!(offer.without_headers() == Offer::new());
    /// ```
    #[must_use]
    pub fn without_headers(self) -> Self {
        let Self { version, style, extensions, headers, .. } = self;
        Self { version, style, extensions, headers: headers.without_headers(), ..Self::default() }
    }

    fn record(mut self, result: Result<(), BuildError>) -> Self {
        self.headers.record(result);
        self
    }
}

/// Hides subprotocols, cookies and the values of most header fields.
impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("version", &self.version)
            .field("subprotocols", &(!self.subprotocols.is_empty()).then_some(Hidden))
            .field("extensions", &Extensions(self.extensions.as_bytes()))
            .field("origin", &self.origin)
            .field("headers", self.headers.headers())
            .field("error", &self.headers.error())
            .finish_non_exhaustive()
    }
}
