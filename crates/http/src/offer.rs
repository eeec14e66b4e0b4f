use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol_websocket_core::{Random, Version};

use crate::challenge::Challenge;
use crate::debug::{Extensions, Hidden};
use crate::extension::{is_valid, scan};
use crate::grammar::{elements, is_host, is_origin, is_resource_name, is_text, is_token};
use crate::known::Name;
use crate::version::Wording;
use crate::{BuildError, Extension, Headers, Request, RequestHead, Target, cookie};

/// What a client asks for beside the resource.
///
/// The setters never fail: what cannot be written is an error when a request is built with it, the first one if there
/// are several. It can be kept and used for many requests.
///
/// ```
/// use protocol_websocket_http::Offer;
///
/// let offer = Offer::new().subprotocol("chat").subprotocol("superchat").origin("http://example.com");
/// ```
#[derive(Clone, Default)]
pub struct Offer {
    version: Version,
    perl_compat: bool,
    subprotocols: String,
    extensions: String,
    origin: Option<String>,
    cookies: Vec<u8>,
    /// Whether the name of a cookie begins with `$` (RFC 2965 §3.3.4).
    has_cookie_attribute: bool,
    headers: Headers,
    error: Option<BuildError>,
}

impl Offer {
    /// An offer of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the version of the protocol: RFC 6455 unless told otherwise. No other is taken as an answer.
    ///
    /// The two oldest have no extensions, and always name an origin: that of the host unless
    /// [`origin`](Self::origin) says more.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Writes the request as Perl's `Protocol::WebSocket` 0.26 does: its order of fields, `Upgrade: WebSocket` and an
    /// origin in every version, cookies with any token as their name, and `Content-Length: 8` in draft-ietf-hybi-00,
    /// which some old servers refuse.
    #[must_use]
    pub const fn perl_compat(mut self) -> Self {
        self.perl_compat = true;
        self
    }

    /// Appends a subprotocol; the most wanted one comes first. It must be a token, and none may come twice.
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
            join(&mut self.subprotocols, ", ", name);
            Ok(())
        };
        self.note(result)
    }

    /// Appends an extension; the most wanted one comes first. All together have at most [`Extension::MAX_ITEMS`] names
    /// and parameters.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        join(&mut self.extensions, ", ", &extension.to_string());
        let is_list = scan(core::iter::once(self.extensions.as_bytes()), drop).is_ok();
        let result = if is_valid(&extension) && is_list { Ok(()) } else { Err(BuildError::Extension) };
        self.note(result)
    }

    /// Sets the origin, such as `https://example.com`: only browsers must send one (RFC 6455 §4.1, item 8). It may not be
    /// empty, and may have no control character and no space at either end.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        let origin = origin.into();
        let result = if is_origin(origin.as_bytes()) { Ok(()) } else { Err(BuildError::Origin) };
        self.origin = Some(origin);
        self.note(result)
    }

    /// Appends a cookie. The name must be a token; the value may be any octets but control characters, `;`, `"` and a
    /// space at either end.
    ///
    /// The name may not begin with `$`, unless [`perl_compat`](Self::perl_compat) is set: to a server that reads RFC 2965,
    /// `$Path` is an attribute of the cookie before it.
    ///
    /// A value may have one pair of quotes around all of it, with no `\` inside, so that a value from `SetCookie::parse` goes
    /// back as it came. A quote elsewhere is an error: a server that reads the quotes of RFC 2965 would take the cookies that
    /// follow for a part of this one.
    ///
    /// ```
    /// use protocol_websocket_http::Offer;
    ///
    /// let offer = Offer::new().cookie("session", "31d4d96e").cookie("name", b"Andr\xE9");
    /// ```
    #[must_use]
    pub fn cookie(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        let result = if cookie::is_pair(name, value) { Ok(()) } else { Err(BuildError::Cookie) };
        self.has_cookie_attribute |= name.starts_with('$');
        let separator: &[u8] = if self.cookies.is_empty() { b"" } else { b"; " };
        [separator, name.as_bytes(), b"=", value].iter().for_each(|part| self.cookies.extend_from_slice(part));
        self.note(result)
    }

    /// Sets `Authorization` to a user's name and password (RFC 7617). Neither may have a control character, the name
    /// no colon.
    #[must_use]
    pub fn basic_auth(mut self, user: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        let (user, password) = (user.as_ref(), password.as_ref());
        if user.contains(':') || !is_secret(user) || !is_secret(password) {
            return self.note(Err(BuildError::Credentials));
        }
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let result = self.headers.push("Authorization", value);
        self.note(result)
    }

    /// Appends a header of the caller's own. It may not be one that the handshake writes itself, or that would announce
    /// a body.
    #[must_use]
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        let value = value.as_ref();
        let reserved = is_reserved(name) || name.eq_ignore_ascii_case("host");
        let result = if reserved {
            Err(BuildError::ReservedField)
        } else if name.eq_ignore_ascii_case("origin") && !is_origin(value) {
            Err(BuildError::Origin)
        } else {
            self.headers.push(name, value)
        };
        self.note(result)
    }

    /// Whether the [`version`](Self::version) that is asked for has extensions: the two oldest have none, and an offer
    /// of one is an error there.
    #[must_use]
    pub const fn takes_extensions(&self) -> bool {
        self.version.has_length_framing()
    }

    fn note(mut self, result: Result<(), BuildError>) -> Self {
        self.error = self.error.or(result.err());
        self
    }

    /// The request that says all this.
    pub(crate) fn request(&self, target: Target<'_>, random: &mut dyn Random) -> Result<Request, BuildError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If any of the components are invalid, the client MUST _Fail the WebSocket Connection_
        //# and abort these steps.
        if !is_host(target.host.as_bytes()) {
            return Err(BuildError::Host);
        }
        if !is_resource_name(target.resource_name.as_bytes()) {
            return Err(BuildError::ResourceName);
        }
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.has_cookie_attribute && !self.perl_compat {
            return Err(BuildError::Cookie);
        }
        if !self.extensions.is_empty() && !self.takes_extensions() {
            return Err(BuildError::Unsupported);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The nonce MUST be selected randomly for each connection.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The handshake MUST be a valid HTTP request as specified by [RFC2616].
        let (challenge, keys) = Challenge::random(self.version, random);
        let head = self.head(target, challenge.fields(&keys))?;
        let headers = head.headers();
        let host = headers.span(headers.get("Host").unwrap_or_default());
        let resource_name = headers.span(head.target_bytes());
        let key = headers.span(headers.get(Name::Key.text()).unwrap_or_default());
        Ok(Request { head, host, resource_name, key, challenge, secure: target.secure })
    }

    /// The head with all fields, of which `proof` are the challenge's.
    fn head(&self, target: Target<'_>, proof: [(&str, &[u8]); 2]) -> Result<RequestHead, BuildError> {
        let wording = Wording::of(self.version);
        let needs_origin = wording.echo.is_some() || self.perl_compat;
        let has_own_header = self.headers.contains("Origin");
        let own_origin = match needs_origin && self.origin.is_none() && !has_own_header {
            true => format!("http{}://{}", if target.secure { "s" } else { "" }, target.host),
            false => String::new(),
        };
        let origin = self.origin.as_deref().unwrap_or(&own_origin);

        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain a |Host| header field
        let host = ("Host", target.host.as_bytes());
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain an |Upgrade| header field whose value MUST include the
        //# "websocket" keyword.
        let upgrade = ("Upgrade", if self.perl_compat { b"WebSocket" } else { wording.upgrade.as_bytes() });
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain a |Connection| header field whose value MUST include the
        //# "Upgrade" token.
        let connection = ("Connection", &b"Upgrade"[..]);
        let [first, second] = proof;
        let origin = (wording.origin.text(), origin.as_bytes());
        let subprotocols = (wording.subprotocol.text(), self.subprotocols.as_bytes());
        let extensions = ("Sec-WebSocket-Extensions", self.extensions.as_bytes());
        let cookies = ("Cookie", &*self.cookies);
        let length = ("Content-Length", if self.version == Version::Hybi00 { &b"8"[..] } else { b"" });
        let fields: &[(&str, &[u8])] = if self.perl_compat {
            &[upgrade, connection, host, cookies, origin, subprotocols, first, second, length, extensions]
        } else if self.version.has_length_framing() {
            // In the order of the RFC's own example, §1.2.
            &[host, upgrade, connection, first, origin, subprotocols, second, extensions, cookies]
        } else {
            // draft-hixie-75 §4.1 begins like this, and has servers that compare it.
            &[upgrade, connection, host, origin, subprotocols, first, second, cookies]
        };

        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The method of the request MUST be GET, and the HTTP version MUST be at least 1.1.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The "Request-URI" part of the request MUST match the /resource name/ defined in Section
        //# 3
        let len = fields.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>();
        let (len, count) = (len + self.headers.encoded_len(), fields.len() + self.headers.len());
        let mut head = RequestHead::begin("GET", target.resource_name, len, count).ok_or(BuildError::TooLong)?;
        let headers = head.headers_mut();
        fields
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .try_for_each(|(name, value)| headers.append(name.as_bytes(), value))
            .and_then(|()| headers.append_all(&self.headers))
            .ok_or(BuildError::TooLong)?;
        let once = ["authorization", "cookie", "origin"];
        let is_repeated = |name: &&str| headers.at_most_once(name).is_err();
        // draft-ietf-hybi-10 has two fields for it.
        if has_own_header && self.origin.is_some() || !self.headers.is_empty() && once.iter().any(is_repeated) {
            return Err(BuildError::RepeatedField);
        }
        Ok(head)
    }
}

/// Hides subprotocols, cookies and the values of most headers.
impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("version", &self.version)
            .field("subprotocols", &(!self.subprotocols.is_empty()).then_some(Hidden))
            .field("extensions", &Extensions(self.extensions.as_bytes()))
            .field("origin", &self.origin)
            .field("headers", &self.headers)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// A field that both ends' handshakes write themselves, or that would announce a body.
pub(crate) fn is_reserved(name: &str) -> bool {
    let begins = |prefix: &str| name.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    begins("Sec-WebSocket-")
        || begins("WebSocket-")
        || ["Upgrade", "Connection", "Content-Length", "Transfer-Encoding"]
            .iter()
            .any(|reserved| name.eq_ignore_ascii_case(reserved))
}

pub(crate) fn join(list: &mut String, separator: &str, item: &str) {
    if !list.is_empty() {
        list.push_str(separator);
    }
    list.push_str(item);
}

fn is_secret(text: &str) -> bool {
    is_text(text.as_bytes()) && !text.contains('\t')
}
