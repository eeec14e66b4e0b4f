use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Position;

use crate::UrlError;

/// A `ws://` or `wss://` URL (RFC 6455 §3), normalized as the WHATWG URL standard has browsers do it.
///
/// | part | normalization | example |
/// |---|---|---|
/// | scheme | lower case | `WS:` is `ws:` |
/// | domain name | percent-decoded, mapped to its lower-case ASCII form (IDNA); characters that IDNA ignores, such as soft hyphens, are dropped; a dot at its end stays | `ex%61mple.COM` is `example.com`, `bücher.example` is `xn--bcher-kva.example` |
/// | IPv4 address | every form that C's `inet_aton` takes becomes four decimal numbers, with full-width digits, too | `2130706433`, `127.1`, `0x7f.0.0.1` and `１２７.0.0.1` are `127.0.0.1` |
/// | IPv6 address | its shortest form | `[2001:DB8:0::1]` is `[2001:db8::1]` |
/// | port | a decimal number; left out if it is the scheme's default | `ws://h:0080/` is `ws://h/` |
/// | path | dot segments resolved, percent-encoded ones, too; an empty path is `/` | `/a/%2e%2e/b` is `/b` |
/// | path and query | characters outside ASCII percent-encoded, in a path also `{`, `}` and `` ` ``, in a query also `'` | `/{é}?'` is `/%7B%C3%A9%7D?%27` |
///
/// So a check against internal addresses must look at [`Url::host`] and never at the text, and for a name at each address
/// that it resolves to:
///
/// ```
/// use protocol_websocket_url::Url;
///
/// assert_eq!(Url::parse("ws://2130706433/")?.host(), "127.0.0.1");
/// # Ok::<(), protocol_websocket_url::UrlError>(())
/// ```
///
/// `Display` leaves the credentials out, and `Debug` the query as well, which may hold a token: `Debug` output may be
/// logged. Parsing the output of `Display` gives an equal URL again, but for the credentials.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url(url::Url);

impl Url {
    /// Reads an absolute URL, and normalizes it as described at [`Url`]. Port 80 (`ws`) or 443 (`wss`) is implied.
    ///
    /// # Errors
    ///
    /// A [`UrlError`] names the part that is wrong. Stricter than the WHATWG parser, it refuses spaces, control characters,
    /// `"`, `<`, `>` and `\` anywhere, other than two slashes after the scheme, a fragment, port 0, and credentials that
    /// are not UTF-8.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        check_characters(text)?;
        let (scheme, rest) = split_scheme(text).ok_or(UrlError::Scheme)?;
        if !["ws", "wss"].iter().any(|ours| scheme.eq_ignore_ascii_case(ours)) {
            return Err(UrlError::Scheme);
        }
        check_slashes(rest)?;
        Self::check(url::Url::parse(text)?)
    }

    /// Resolves the target of a redirect (the `Location` of RFC 9110 §10.2.2), relative or absolute, against this URL.
    /// `http` becomes `ws` and `https` becomes `wss`. A fragment is dropped: it would name a part of a document, and a
    /// connection has none. So `#top` alone is this URL again, query included (RFC 3986 §4.4).
    ///
    /// Credentials stay only where scheme, host and port do: they come from this URL's text or from the reference's,
    /// never from this URL to another server.
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
    /// As [`Url::parse`], of what comes out, but never [`UrlError::Fragment`].
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        check_characters(reference)?;
        // RFC 3986 §3.5: the first `#` begins the fragment, wherever it is.
        let reference = reference.split_once('#').map_or(reference, |(reference, _)| reference);
        match split_scheme(reference) {
            Some((_, rest)) => check_slashes(rest)?,
            None if reference.starts_with("///") => return Err(UrlError::Host),
            None => {}
        }
        let mut joined = self.0.join(reference)?;
        let scheme = match joined.scheme() {
            "http" | "ws" => "ws",
            "https" | "wss" => "wss",
            _ => return Err(UrlError::Scheme),
        };
        joined.set_scheme(scheme).map_err(|()| UrlError::Scheme)?;
        Self::check(joined)
    }

    /// Whether the connection is to go over TLS: the scheme is `wss`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "wss"
    }

    /// The host in lower case: a domain name in ASCII (IDNA), an IPv4 address, or an IPv6 address in brackets. Never
    /// empty.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The host as resolvers and TLS want it: [`Url::host`] without the brackets around an IPv6 address.
    #[must_use]
    pub fn socket_host(&self) -> &str {
        self.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, never 0: the one in the URL, or 80 for `ws` and 443 for `wss`.
    #[must_use]
    pub fn port(&self) -> u16 {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# The port component is OPTIONAL; the default for "ws" is port 80,
        //# while the default for "wss" is port 443.
        self.0.port().unwrap_or(if self.is_secure() { 443 } else { 80 })
    }

    /// What the `Host` field of the request says (RFC 6455 §4.1): [`Url::host`], and `:port` unless it is the scheme's
    /// default. Never credentials.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.0[Position::BeforeHost..Position::AfterPort]
    }

    /// What the request line asks for: path and query. Printable ASCII that begins with `/`.
    #[must_use]
    pub fn resource_name(&self) -> &str {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# The "resource-name" (also known as /resource name/ in Section 4.1)
        //# can be constructed by concatenating the following:
        &self.0[Position::BeforePath..Position::AfterQuery]
    }

    /// User name and password as in `ws://user:password@host/`, percent-decoded. Either may be empty, not both.
    ///
    /// They are sent only if the caller passes them on, and have no place in a `ws` URL that is not on the same machine.
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        let (user, password) = (self.0.username(), self.0.password().unwrap_or_default());
        if user.is_empty() && password.is_empty() {
            return None;
        }
        Some((decode(user).ok()?, decode(password).ok()?))
    }

    /// The rules that hold however the URL came about.
    fn check(url: url::Url) -> Result<Self, UrlError> {
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
        decode(url.username())?;
        decode(url.password().unwrap_or_default())?;
        Ok(Self(url))
    }
}

impl FromStr for Url {
    type Err = UrlError;

    /// As [`Url::parse`].
    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.0.scheme(), self.authority(), self.resource_name())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.0[Position::BeforePath..Position::AfterPath];
        let query = if self.0.query().is_some() { "?…" } else { "" };
        write!(f, "Url({}://{}{path}{query})", self.0.scheme(), self.authority())
    }
}

/// The WHATWG parser drops tabs and line ends, trims blanks, reads `\` as `/` and percent-encodes the rest.
fn check_characters(text: &str) -> Result<(), UrlError> {
    let refused = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\');
    if text.contains(refused) { Err(UrlError::Character) } else { Ok(()) }
}

/// Scheme and what follows its colon, if the text begins with one (RFC 3986 §3.1).
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(in_scheme)).then_some((scheme, rest))
}

/// Behind the scheme come exactly two slashes. The WHATWG parser takes any number and would find a host in the path.
fn check_slashes(rest: &str) -> Result<(), UrlError> {
    let authority = rest.strip_prefix("//").ok_or(UrlError::Syntax)?;
    if authority.starts_with('/') { Err(UrlError::Host) } else { Ok(()) }
}

/// A name or an address as RFC 3986 §3.2.2 has it. In names, the WHATWG parser lets more through, such as `%22`.
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

    fn refused(texts: &[&str], error: UrlError) {
        for text in texts {
            assert_eq!(Url::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn the_parts_of_a_plain_url() {
        let url = url("ws://example.com:8080/chat?room=7");
        assert!(!url.is_secure());
        assert_eq!((url.host(), url.socket_host(), url.port()), ("example.com", "example.com", 8080));
        assert_eq!((url.authority(), url.resource_name()), ("example.com:8080", "/chat?room=7"));
        assert_eq!(url.credentials(), None);
    }

    #[test]
    fn schemes_are_ws_and_wss_in_any_case() {
        assert!(!url("WS://h/").is_secure());
        assert!(url("wSs://h/").is_secure());
        let others = ["", "h", "/", "//h/", "://h/", "http://h/", "https://h/", "wsss://h/", "w s://h/", "1ws://h/"];
        refused(&others[..8], UrlError::Scheme);
        refused(&others[8..9], UrlError::Character);
        refused(&others[9..], UrlError::Scheme);
    }

    #[test]
    fn default_ports_are_implied_and_not_in_the_host_field() {
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
    fn ports_out_of_range_are_refused() {
        refused(
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
    fn hosts_are_names_or_addresses() {
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
    fn bad_hosts_are_refused() {
        refused(
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
    fn two_slashes_follow_the_scheme() {
        refused(&["ws:", "ws:h", "ws:/h", "wss:h/p", "ws:?q"], UrlError::Syntax);
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //# Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used
    //# on these URIs.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //# the character "#", when not indicating the start of a fragment, MUST be escaped as %23.
    #[test]
    fn fragments_are_refused_even_empty_ones() {
        refused(&["ws://h#f", "ws://h/#", "ws://h/p?q#", "ws://h/p?q#f", "ws://h#"], UrlError::Fragment);
        assert_eq!(url("ws://h/a%23b").resource_name(), "/a%23b");
    }

    #[test]
    fn resource_names_begin_with_a_slash() {
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
    fn blanks_and_controls_are_refused_wherever_they_stand() {
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
    fn credentials_are_kept_apart() {
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

    /// What the documentation of [`Url`] lists.
    #[test]
    fn urls_are_normalized_as_browsers_do_it() {
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
    fn credentials_may_be_half_or_empty() {
        assert_eq!(url("ws://u@h/").credentials(), Some(("u".into(), "".into())));
        assert_eq!(url("ws://:p@h/").credentials(), Some(("".into(), "p".into())));
        assert_eq!(url("ws://@h/").credentials(), None);
        assert_eq!(url("ws://:@h/").credentials(), None);
    }

    #[test]
    fn credentials_that_are_not_utf8_are_refused() {
        refused(&["ws://%FF@h/", "ws://u:%FF@h/"], UrlError::Userinfo);
    }

    #[test]
    fn urls_with_other_credentials_differ() {
        assert_ne!(url("ws://a@h/"), url("ws://b@h/"));
    }

    #[test]
    fn references_are_resolved() {
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

    /// RFC 9110 §10.2.2 lets the target of a redirect have one.
    #[test]
    fn the_fragment_of_a_reference_is_dropped() {
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
    fn bad_references_are_refused() {
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
        fn display_is_the_inverse_of_parse(
            text in "[wW]ss?://([a-zé0-9.-]{1,12}|\\[[0-9a-f:]{2,9}\\])(:[0-9]{0,5})?(/[!-~é]{0,16})?(\\?[!-~ü]{0,16})?"
        ) {
            if let Ok(url) = Url::parse(&text) {
                prop_assert_eq!(Url::parse(&url.to_string()), Ok(url));
            }
        }

        #[test]
        fn what_goes_on_the_wire_is_printable_ascii(text in "wss?://\\PC{1,24}") {
            if let Ok(url) = Url::parse(&text) {
                prop_assert!(url.resource_name().starts_with('/'));
                prop_assert!(!url.authority().is_empty() && !url.authority().contains(['@', '/']));
                prop_assert!(url.to_string().bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }

        #[test]
        fn no_text_panics(base in "wss?://[a-z]{1,4}/.{0,8}", text in any::<String>()) {
            let _ = Url::parse(&text);
            let _ = Url::parse(&base).map(|base| base.join(&text));
        }
    }
}
