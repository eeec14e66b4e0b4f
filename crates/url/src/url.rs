//! The URL of a server, and the checks that the WHATWG parser does not make.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Position;

use crate::UrlError;

/// A `ws://` or `wss://` URL (RFC 6455 §3), normalized by the WHATWG URL standard, as in browsers.
///
/// | part | normalization | example |
/// |---|---|---|
/// | scheme | lower case | `WS:` is `ws:` |
/// | domain name | percent-decoded, mapped to its lower-case ASCII form (IDNA); characters that IDNA ignores, such as soft hyphens, are dropped; a dot at the end is kept | `ex%61mple.COM` is `example.com`, `bücher.example` is `xn--bcher-kva.example` |
/// | IPv4 address | every form that C's `inet_aton` reads, also with full-width digits, becomes four decimal numbers | `2130706433`, `127.1`, `0x7f.0.0.1` and `１２７.0.0.1` are `127.0.0.1` |
/// | IPv6 address | its shortest form | `[2001:DB8:0::1]` is `[2001:db8::1]` |
/// | port | a decimal number; removed if it is the default of the scheme | `ws://h:0080/` is `ws://h/` |
/// | path | dot segments, also percent-encoded ones, are resolved; an empty path is `/` | `/a/%2e%2e/b` is `/b` |
/// | path and query | characters outside ASCII are percent-encoded, in a path also `{`, `}` and `` ` ``, in a query also `'` | `/{é}?'` is `/%7B%C3%A9%7D?%27` |
///
/// A check against internal addresses must therefore use [`Url::host`] and never the text. For a domain name it must check
/// each address to which the name resolves:
///
/// ```
/// use protocol_websocket_url::Url;
///
/// assert_eq!(Url::parse("ws://2130706433/")?.host(), "127.0.0.1");
/// # Ok::<(), protocol_websocket_url::UrlError>(())
/// ```
///
/// [`as_str`](Url::as_str), `AsRef<str>` and `Display` omit the credentials. `Debug` also omits the query, which may contain a
/// token, so that its output can be logged. Parsing the output of `Display` results in an equal URL, except for the
/// credentials.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    /// The URL without credentials.
    url: url::Url,
    userinfo: Option<Box<Userinfo>>,
}

/// User name and password, percent-encoded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Userinfo {
    user: String,
    password: String,
}

impl Url {
    /// Parses an absolute URL, and normalizes it as described at [`Url`]. The default port is 80 (`ws`) or 443 (`wss`).
    ///
    /// ```
    /// use protocol_websocket_url::{Url, UrlError};
    ///
    /// assert_eq!(Url::parse("WS://EXAMPLE.com:80/a/../b")?.as_str(), "ws://example.com/b");
    /// assert_eq!(Url::parse("http://example.com/"), Err(UrlError::Scheme));
    /// assert_eq!(Url::parse("ws://example.com/#top"), Err(UrlError::Fragment));
    /// # Ok::<_, UrlError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`UrlError`] names the invalid part. Unlike the WHATWG parser, this function rejects spaces, control characters,
    /// `"`, `<`, `>` and `\` anywhere, more or fewer than two slashes after the scheme, a fragment, port 0, and credentials
    /// that are not UTF-8.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text).ok_or(UrlError::Scheme)?;
        if !["ws", "wss"].iter().any(|supported| scheme.eq_ignore_ascii_case(supported)) {
            return Err(UrlError::Scheme);
        }
        check_slashes(rest)?;
        Self::check(url::Url::parse(text).map_err(UrlError::from_parse_error)?)
    }

    /// Resolves the target of a redirect (the `Location` of RFC 9110 §10.2.2), relative or absolute, against this URL.
    /// `http` becomes `ws` and `https` becomes `wss`. A fragment is dropped, because it names a part of a document. The
    /// result of `#top` alone is this URL, including its query (RFC 3986 §4.4).
    ///
    /// The result for a reference without scheme and host keeps the credentials of this URL. Any other reference has its own
    /// credentials or none, so that those of this URL are never sent to another server.
    ///
    /// ```
    /// use protocol_websocket_url::{Url, UrlError};
    ///
    /// let url = Url::parse("ws://example.com/a/b?c")?;
    /// assert_eq!(url.join("d")?, Url::parse("ws://example.com/a/d")?);
    /// assert_eq!(url.join("https://example.org/#top")?, Url::parse("wss://example.org/")?);
    /// # Ok::<(), UrlError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Url::parse`] for the resulting URL, except [`UrlError::Fragment`].
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        check_characters(reference)?;
        // RFC 3986 §3.5: the first `#` begins the fragment.
        let reference = reference.split_once('#').map_or(reference, |(reference, _)| reference);
        match split_scheme(reference) {
            Some((_, rest)) => check_slashes(rest)?,
            None if reference.starts_with("///") => return Err(UrlError::Host),
            None => {}
        }
        let mut joined = self.with_userinfo().join(reference).map_err(UrlError::from_parse_error)?;
        let scheme = match joined.scheme() {
            "http" | "ws" => "ws",
            "https" | "wss" => "wss",
            _ => return Err(UrlError::Scheme),
        };
        joined.set_scheme(scheme).map_err(|()| UrlError::Scheme)?;
        Self::check(joined)
    }

    /// Returns the normalized URL without credentials.
    ///
    /// ```
    /// use protocol_websocket_url::Url;
    ///
    /// assert_eq!(Url::parse("WSS://user:password@example.com:443?room=7")?.as_str(), "wss://example.com/?room=7");
    /// # Ok::<(), protocol_websocket_url::UrlError>(())
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Returns whether the connection uses TLS: the scheme is `wss`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// Returns the host in lower case: a domain name in ASCII (IDNA), an IPv4 address, or an IPv6 address in brackets. It is
    /// not empty.
    ///
    /// ```
    /// use protocol_websocket_url::Url;
    ///
    /// assert_eq!(Url::parse("ws://bücher.example/")?.host(), "xn--bcher-kva.example");
    /// assert_eq!(Url::parse("ws://[2001:DB8:0::1]/")?.host(), "[2001:db8::1]");
    /// # Ok::<_, protocol_websocket_url::UrlError>(())
    /// ```
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.url.host_str();
        debug_assert!(host.is_some(), "a URL without a host is rejected");
        host.unwrap_or_default()
    }

    /// Returns the host for a resolver or TLS: [`Url::host`] without the brackets around an IPv6 address.
    ///
    /// ```
    /// use protocol_websocket_url::Url;
    ///
    /// let url = Url::parse("ws://[::1]:8080/")?;
    /// assert_eq!((url.host(), url.socket_host()), ("[::1]", "::1"));
    /// # Ok::<_, protocol_websocket_url::UrlError>(())
    /// ```
    #[must_use]
    pub fn socket_host(&self) -> &str {
        self.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns the port in the URL, or 80 for `ws` and 443 for `wss`. It is not 0.
    ///
    /// ```
    /// use protocol_websocket_url::Url;
    ///
    /// assert_eq!(Url::parse("wss://example.com/")?.port(), 443);
    /// assert_eq!(Url::parse("wss://example.com:8443/")?.port(), 8443);
    /// # Ok::<_, protocol_websocket_url::UrlError>(())
    /// ```
    #[must_use]
    pub fn port(&self) -> u16 {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# The port component is OPTIONAL; the default for "ws" is port 80,
        //# while the default for "wss" is port 443.
        self.url.port().unwrap_or(if self.is_secure() { 443 } else { 80 })
    }

    /// Returns the value of `Host` (RFC 6455 §4.1): [`Url::host`], and `:port` unless it is the default of the scheme. It has
    /// no credentials.
    ///
    /// ```
    /// use protocol_websocket_url::Url;
    ///
    /// assert_eq!(Url::parse("ws://user:password@example.com:80/")?.authority(), "example.com");
    /// assert_eq!(Url::parse("ws://example.com:8080/")?.authority(), "example.com:8080");
    /// # Ok::<_, protocol_websocket_url::UrlError>(())
    /// ```
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Returns the path and query for the request line: printable ASCII that begins with `/`.
    ///
    /// ```
    /// use protocol_websocket_url::Url;
    ///
    /// assert_eq!(Url::parse("ws://example.com/chat?room=7")?.resource_name(), "/chat?room=7");
    /// assert_eq!(Url::parse("ws://example.com?room=7")?.resource_name(), "/?room=7");
    /// # Ok::<_, protocol_websocket_url::UrlError>(())
    /// ```
    #[must_use]
    pub fn resource_name(&self) -> &str {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# The "resource-name" (also known as /resource name/ in Section 4.1)
        //# can be constructed by concatenating the following:
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// Returns user name and password of `ws://user:password@host/`, percent-decoded. At most one of them is empty.
    ///
    /// They are sent only if the caller adds them to the request. Over `ws`, every machine on the way to the server can
    /// read them.
    ///
    /// ```
    /// use protocol_websocket_url::Url;
    ///
    /// let url = Url::parse("wss://user:p%40ss@example.com/")?;
    /// assert_eq!(url.credentials(), Some(("user".into(), "p@ss".into())));
    /// assert_eq!(Url::parse("wss://example.com/")?.credentials(), None);
    /// # Ok::<(), protocol_websocket_url::UrlError>(())
    /// ```
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        let Userinfo { user, password } = self.userinfo.as_deref()?;
        Some((decode(user).ok()?, decode(password).ok()?))
    }

    /// Returns the URL with its credentials.
    fn with_userinfo(&self) -> url::Url {
        let mut url = self.url.clone();
        if let Some(userinfo) = self.userinfo.as_deref() {
            // Both fail only for a URL without a host, which `check` rejects.
            let _ = url.set_username(&userinfo.user);
            let _ = url.set_password(Some(&userinfo.password));
        }
        url
    }

    /// Checks the rules for parsed and for resolved URLs, and separates the credentials.
    fn check(mut url: url::Url) -> Result<Self, UrlError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# Fragment identifiers are meaningless in the context of WebSocket
        //# URIs and MUST NOT be used on these URIs.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# the character "#", when not indicating the start of a fragment, MUST be escaped as %23.
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        if !url.host_str().is_some_and(is_host) {
            return Err(UrlError::Host);
        }
        if url.port() == Some(0) {
            return Err(UrlError::Port);
        }
        let userinfo = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some(Box::new(Userinfo::check(user, password.unwrap_or_default())?)),
        };
        if userinfo.is_some() {
            // These fail only for a URL without a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        Ok(Self { url, userinfo: userinfo.filter(|userinfo| !userinfo.is_empty()) })
    }
}

impl Userinfo {
    /// Checks that both are UTF-8.
    fn check(user: &str, password: &str) -> Result<Self, UrlError> {
        decode(user)?;
        decode(password)?;
        Ok(Self { user: user.into(), password: password.into() })
    }

    fn is_empty(&self) -> bool {
        self.user.is_empty() && self.password.is_empty()
    }
}

impl FromStr for Url {
    type Err = UrlError;

    /// Parses a URL as [`Url::parse`] does.
    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Url {
    type Error = UrlError;

    /// Parses a URL as [`Url::parse`] does.
    fn try_from(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl AsRef<str> for Url {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Hides credentials and query.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.url[Position::BeforePath..Position::AfterPath];
        let query = if self.url.query().is_some() { "?…" } else { "" };
        write!(f, "Url({}://{}{path}{query})", self.url.scheme(), self.authority())
    }
}

/// Rejects characters that the WHATWG parser would change: it drops tabs and line ends, trims spaces, reads `\` as `/`, and
/// percent-encodes the others.
fn check_characters(text: &str) -> Result<(), UrlError> {
    let is_forbidden = |c: char| match c {
        '"' | '<' | '>' | '\\' => true,
        '!'..='~' => false,
        _ => c.is_whitespace() || c.is_control(),
    };
    if text.contains(is_forbidden) { Err(UrlError::Character) } else { Ok(()) }
}

/// Splits off the scheme (RFC 3986 §3.1). Returns `None` if the text does not begin with one.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(in_scheme)).then_some((scheme, rest))
}

/// Checks that exactly two slashes follow the scheme. The WHATWG parser accepts any number, and would read the host from the
/// path.
fn check_slashes(rest: &str) -> Result<(), UrlError> {
    let authority = rest.strip_prefix("//").ok_or(UrlError::Syntax)?;
    if authority.starts_with('/') { Err(UrlError::Host) } else { Ok(()) }
}

/// Returns whether this is a name or an address (RFC 3986 §3.2.2). The WHATWG parser accepts more in names, such as `%22`.
fn is_host(host: &str) -> bool {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
    !host.is_empty() && (host.starts_with('[') || host.bytes().all(in_name))
}

fn decode(text: &str) -> Result<String, UrlError> {
    percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| UrlError::Userinfo)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn assert_rejected(texts: &[&str], error: UrlError) {
        for text in texts {
            assert_eq!(Url::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn splits_a_url_into_parts() {
        let url = url("ws://example.com:8080/chat?room=7");
        assert!(!url.is_secure());
        assert_eq!((url.host(), url.socket_host(), url.port()), ("example.com", "example.com", 8080));
        assert_eq!((url.authority(), url.resource_name()), ("example.com:8080", "/chat?room=7"));
        assert_eq!(url.credentials(), None);
    }

    #[test]
    fn accepts_ws_and_wss_in_any_case() {
        assert!(!url("WS://h/").is_secure());
        assert!(url("wSs://h/").is_secure());
        let others = ["", "h", "/", "//h/", "://h/", "http://h/", "https://h/", "wsss://h/", "w s://h/", "1ws://h/"];
        assert_rejected(&others[..8], UrlError::Scheme);
        assert_rejected(&others[8..9], UrlError::Character);
        assert_rejected(&others[9..], UrlError::Scheme);
    }

    #[test]
    fn implies_default_ports_and_omits_them_in_authority() {
        for (text, port, authority) in [
            ("ws://h/", 80, "h"),
            ("wss://h/", 443, "h"),
            ("ws://h:80/", 80, "h"),
            ("wss://h:443/", 443, "h"),
            ("ws://h:443/", 443, "h:443"),
            ("wss://h:80/", 80, "h:80"),
            ("ws://h:0080/", 80, "h"),
            ("ws://h:08080/", 8080, "h:8080"),
            ("ws://h:65535/", 65535, "h:65535"),
            ("ws://h:/", 80, "h"),
        ] {
            assert_eq!((url(text).port(), url(text).authority()), (port, authority), "{text}");
        }
    }

    #[test]
    fn rejects_ports_out_of_range() {
        assert_rejected(
            &[
                "ws://h:0/",
                "ws://h:000",
                "ws://h:65536/",
                "ws://h:99999999999/",
                "ws://h:x/",
                "ws://h:80:90/",
                "ws://h:-1/",
            ],
            UrlError::Port,
        );
    }

    #[test]
    fn accepts_names_and_addresses() {
        for (text, host, socket_host) in [
            ("ws://EXAMPLE.com/", "example.com", "example.com"),
            ("ws://127.0.0.1/", "127.0.0.1", "127.0.0.1"),
            ("ws://[::1]/", "[::1]", "::1"),
            ("ws://[2001:DB8:0::1]:81/", "[2001:db8::1]", "2001:db8::1"),
            ("ws://bücher.example/", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!((url(text).host(), url(text).socket_host()), (host, socket_host), "{text}");
        }
        assert_eq!(url("ws://[2001:db8::1]:81/").authority(), "[2001:db8::1]:81");
    }

    #[test]
    fn rejects_invalid_hosts() {
        assert_rejected(
            &[
                "ws://",
                "ws:///p",
                "ws://///p",
                "ws://:80/",
                "ws://?q",
                "ws://u@/p",
                "ws://u:p@:80/",
                "ws://[::1/",
                "ws://[::g]/",
                "ws://::1/",
                "ws://1.2.3.400/",
                "ws://a]b/",
                "ws://a%20b/",
                "ws://a^b/",
                "ws://xn--a/",
                "ws://a%22b/",
                "ws://a`b/",
                "ws://a{b}/",
            ],
            UrlError::Host,
        );
    }

    #[test]
    fn rejects_schemes_without_two_slashes() {
        assert_rejected(&["ws:", "ws:h", "ws:/h", "wss:h/p", "ws:?q"], UrlError::Syntax);
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //# Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used
    //# on these URIs.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //# the character "#", when not indicating the start of a fragment, MUST be escaped as %23.
    #[test]
    fn rejects_fragments_even_empty_ones() {
        assert_rejected(&["ws://h#f", "ws://h/#", "ws://h/p?q#", "ws://h/p?q#f", "ws://h#"], UrlError::Fragment);
        assert_eq!(url("ws://h/a%23b").resource_name(), "/a%23b");
    }

    #[test]
    fn resource_name_begins_with_a_slash() {
        for (text, resource_name) in [
            ("ws://h", "/"),
            ("ws://h?q", "/?q"),
            ("ws://h?x=/a", "/?x=/a"),
            ("ws://h/?", "/?"),
            ("ws://h//a", "//a"),
            ("ws://h/a/../b/./c", "/b/c"),
            ("ws://h/p%20q?x=%2F", "/p%20q?x=%2F"),
            ("ws://h/é?ü", "/%C3%A9?%C3%BC"),
            ("ws://h/~u/;v=1,2?a&b[]=c@d:e", "/~u/;v=1,2?a&b[]=c@d:e"),
        ] {
            assert_eq!(url(text).resource_name(), resource_name, "{text}");
        }
    }

    #[test]
    fn rejects_spaces_and_controls_anywhere() {
        for c in [' ', '\t', '\n', '\r', '\0', '\u{b}', '\x7f', '\u{85}', '\u{a0}', '\u{2028}', '\\', '"', '<', '>'] {
            for place in 0.."ws://u@host:80/path?query".len() {
                let mut text = "ws://u@host:80/path?query".to_string();
                text.insert(place, c);
                assert_eq!(Url::parse(&text), Err(UrlError::Character), "{text:?}");
                assert_eq!(url("ws://h/").join(&text), Err(UrlError::Character), "{text:?}");
            }
            assert_eq!(Url::parse(&format!("ws://h/{c}")), Err(UrlError::Character));
        }
    }

    #[test]
    fn separates_credentials() {
        let url = url("ws://us%65r:p%C3%A4ss%3A@h:81/x");
        assert_eq!(url.credentials(), Some(("user".into(), "päss:".into())));
        assert_eq!((url.host(), url.authority(), url.resource_name()), ("h", "h:81", "/x"));
        assert_eq!((url.to_string(), format!("{url:?}")), ("ws://h:81/x".into(), "Url(ws://h:81/x)".into()));
    }

    #[test]
    fn debug_hides_the_query_and_display_does_not() {
        for (text, debug) in [
            ("wss://u:p@h:81/x?access_token=s3cret", "Url(wss://h:81/x?…)"),
            ("ws://h?", "Url(ws://h/?…)"),
            ("ws://h/x", "Url(ws://h/x)"),
        ] {
            assert_eq!(format!("{:?}", url(text)), debug);
        }
        assert_eq!(url("ws://h/x?q").to_string(), "ws://h/x?q");
    }

    /// The table in the documentation of [`Url`].
    #[test]
    fn normalizes_as_browsers_do() {
        for (text, normalized) in [
            ("WS://ex%61mple.COM", "ws://example.com/"),
            ("ws://bücher.example/", "ws://xn--bcher-kva.example/"),
            ("ws://exa\u{ad}mple.com/", "ws://example.com/"),
            ("ws://2130706433/", "ws://127.0.0.1/"),
            ("ws://127.1/", "ws://127.0.0.1/"),
            ("ws://0x7f.0.0.1/", "ws://127.0.0.1/"),
            ("ws://0177.1/", "ws://127.0.0.1/"),
            ("ws://１２７.0.0.1/", "ws://127.0.0.1/"),
            ("ws://127。0。0。1/", "ws://127.0.0.1/"),
            ("ws://[2001:DB8:0::1]/", "ws://[2001:db8::1]/"),
            ("ws://[::ffff:127.0.0.1]/", "ws://[::ffff:7f00:1]/"),
            ("ws://h:0080/", "ws://h/"),
            ("ws://h/a/%2e%2E/b", "ws://h/b"),
            ("ws://h/a/./../b?../c", "ws://h/b?../c"),
            ("ws://h/{é}`'?é{}`'", "ws://h/%7B%C3%A9%7D%60'?%C3%A9{}`%27"),
            ("ws://localhost./", "ws://localhost./"),
        ] {
            assert_eq!(url(text).to_string(), normalized, "{text}");
        }
    }

    #[test]
    fn accepts_partial_and_empty_credentials() {
        assert_eq!(url("ws://u@h/").credentials(), Some(("u".into(), "".into())));
        assert_eq!(url("ws://:p@h/").credentials(), Some(("".into(), "p".into())));
        assert_eq!(url("ws://@h/").credentials(), None);
        assert_eq!(url("ws://:@h/").credentials(), None);
    }

    #[test]
    fn rejects_credentials_that_are_not_utf8() {
        assert_rejected(&["ws://%FF@h/", "ws://u:%FF@h/"], UrlError::Userinfo);
    }

    #[test]
    fn as_str_and_conversions_have_no_credentials() {
        let url = Url::try_from("ws://u:p@h:80?q").unwrap();
        assert_eq!((url.as_str(), url.as_ref(), &*url.to_string()), ("ws://h/?q", "ws://h/?q", "ws://h/?q"));
        assert_eq!(format!("{:>10}", Url::parse("ws://h/").unwrap()), "   ws://h/");
        assert_eq!(Url::try_from("h"), Err(UrlError::Scheme));
    }

    #[test]
    fn empty_credentials_are_none() {
        for text in ["ws://@h/", "ws://:@h/"] {
            assert_eq!((url(text).as_str(), url(text).credentials()), ("ws://h/", None), "{text}");
            assert_eq!(url(text), url("ws://h/"), "{text}");
        }
        for (text, user, password) in [("ws://u@h/", "u", ""), ("ws://u:@h/", "u", ""), ("ws://:p@h/", "", "p")] {
            assert_eq!(url(text).credentials(), Some((user.into(), password.into())), "{text}");
            assert_eq!(url(text).as_str(), "ws://h/", "{text}");
        }
    }

    #[test]
    fn compares_credentials() {
        assert_ne!(url("ws://a@h/"), url("ws://b@h/"));
    }

    #[test]
    fn resolves_references() {
        let base = url("ws://u:p@example.com:81/a/b?c");
        for (reference, joined) in [
            ("", "ws://u:p@example.com:81/a/b?c"),
            ("d", "ws://u:p@example.com:81/a/d"),
            ("/d?e", "ws://u:p@example.com:81/d?e"),
            ("?e", "ws://u:p@example.com:81/a/b?e"),
            ("../../d:e", "ws://u:p@example.com:81/d:e"),
            ("//other/", "ws://other/"),
            ("ws://other:82", "ws://other:82/"),
            ("wss://v@other/", "wss://v@other/"),
            ("http://other", "ws://other/"),
            ("HTTPS://other:443/", "wss://other/"),
            ("https://other:80/", "wss://other:80/"),
            ("http://other:443/", "ws://other:443/"),
        ] {
            assert_eq!(base.join(reference), Url::parse(joined), "{reference}");
        }
        assert_eq!(url("wss://h/").join("/d"), Url::parse("wss://h/d"));
    }

    #[test]
    fn relative_references_keep_encoded_credentials() {
        let base = url("ws://us%65r:p%C3%A4ss%3A%25'@h/a");
        assert_eq!(base.join("b"), Url::parse("ws://us%65r:p%C3%A4ss%3A%25'@h/b"));
        assert_eq!(base.join("b").unwrap().credentials(), base.credentials());
        assert_eq!(base.join("//h/b").unwrap().credentials(), None);
    }

    /// RFC 9110 §10.2.2 allows a fragment in the target of a redirect.
    #[test]
    fn drops_the_fragment_of_a_reference() {
        let base = url("ws://u:p@example.com:81/a/b?c");
        for (reference, without) in [
            ("#top", ""),
            ("#", ""),
            ("d#top", "d"),
            ("/d?e#top?f/g#h", "/d?e"),
            ("?e#", "?e"),
            ("//other#top", "//other"),
            ("https://other/d#//other.example/", "https://other/d"),
        ] {
            assert_eq!(base.join(reference), base.join(without), "{reference}");
            assert!(base.join(reference).is_ok_and(|joined| !joined.to_string().contains('#')), "{reference}");
        }
        assert_eq!(base.join("#a b"), Err(UrlError::Character));
        assert_eq!(base.join("d%23e#f"), Url::parse("ws://u:p@example.com:81/a/d%23e"));
    }

    #[test]
    fn rejects_invalid_references() {
        for (reference, error) in [
            ("ftp://other/", UrlError::Scheme),
            ("mailto:a@b", UrlError::Syntax),
            ("javascript://h/", UrlError::Scheme),
            ("http:#//other/", UrlError::Syntax),
            ("http://#other", UrlError::Host),
            ("http://other:0/", UrlError::Port),
            ("//other:65536", UrlError::Port),
            ("http:///other", UrlError::Host),
            ("///other", UrlError::Host),
            ("//", UrlError::Host),
            ("http:other", UrlError::Syntax),
        ] {
            assert_eq!(url("ws://h/p").join(reference), Err(error), "{reference}");
        }
    }

    proptest! {
        #[test]
        fn roundtrips_display_through_parse(
            text in "[wW]ss?://([a-zé0-9.-]{1,12}|\\[[0-9a-f:]{2,9}\\])(:[0-9]{0,5})?(/[!-~é]{0,16})?(\\?[!-~ü]{0,16})?"
        ) {
            if let Ok(url) = Url::parse(&text) {
                prop_assert_eq!(Url::parse(&format!("{url}")), Ok(url));
            }
        }

        #[test]
        fn authority_and_resource_name_are_printable_ascii(text in "wss?://\\PC{1,24}") {
            if let Ok(url) = Url::parse(&text) {
                prop_assert!(url.resource_name().starts_with('/'));
                prop_assert!(!url.authority().is_empty() && !url.authority().contains(['@', '/']));
                prop_assert!(url.to_string().bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }

        #[test]
        fn any_text_is_parsed_without_panic(base in "wss?://[a-z]{1,4}/.{0,8}", text in any::<String>()) {
            let _ = Url::parse(&text);
            let _ = Url::parse(&base).map(|base| base.join(&text));
        }
    }
}
