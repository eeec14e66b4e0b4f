//! Cookies in both directions, as RFC 6265 has them. How Perl's module reads and writes them is in `perl_cookie.rs`.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::from_utf8;

use crate::BuildError;
use crate::grammar::{is_token, trim};
use crate::perl_cookie::{quote, write_value};

/// A cookie that a client sent (RFC 6265 §5.4).
///
/// The value is octets, which need not be UTF-8. `Debug` hides it.
///
/// ```
/// use protocol_websocket_http::Cookie;
///
/// let cookies: Vec<_> = Cookie::parse("id=7; theme=\"dark\"; flag").collect();
/// assert_eq!((cookies[0].name(), cookies[0].value()), ("id", &b"7"[..]));
/// assert_eq!((cookies[1].name(), cookies[1].value_str()), ("theme", Some("\"dark\"")));
/// assert_eq!((cookies[2].name(), cookies[2].value_str()), ("flag", Some("")));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cookie<'a> {
    name: &'a str,
    value: &'a [u8],
}

impl<'a> Cookie<'a> {
    /// Reads the value of a header field `Cookie`.
    ///
    /// A `;` ends a pair wherever it is, and the first `=` ends the name. Spaces and tabs around a name and a value are
    /// dropped; quotes are a part of the value. A pair without `=` is a name with an empty value. A pair whose name is
    /// not UTF-8 is dropped, and that pair alone.
    pub fn parse(field: &'a (impl AsRef<[u8]> + ?Sized)) -> impl Iterator<Item = Self> {
        field.as_ref().split(|&byte| byte == b';').map(trim).filter(|pair| !pair.is_empty()).filter_map(|pair| {
            let mut parts = pair.splitn(2, |&byte| byte == b'=').map(trim);
            let name = from_utf8(parts.next()?).ok()?;
            Some(Self { name, value: parts.next().unwrap_or_default() })
        })
    }

    /// The name. It may be empty, and another cookie may have the same one.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The value.
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// The value, if it is UTF-8.
    #[must_use]
    pub fn value_str(&self) -> Option<&'a str> {
        from_utf8(self.value).ok()
    }
}

/// Shows the name alone.
impl fmt::Debug for Cookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How many attributes of one cookie are read: no browser knows a dozen.
const MAX_ATTRIBUTES: usize = 64;

/// A cookie that a server sets (RFC 6265 §4.1). It is checked by [`Accept::cookie`](crate::Accept::cookie) and
/// [`Reject::cookie`](crate::Reject::cookie), and there alone.
///
/// ```
/// use protocol_websocket_http::{SameSite, SetCookie};
///
/// let cookie = SetCookie::new("id", "7").path("/").max_age(3600).secure().http_only().same_site(SameSite::Lax);
/// assert_eq!(cookie.to_string(), "id=7; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SetCookie {
    name: String,
    value: Vec<u8>,
    /// In the order of writing, each name once.
    attributes: Vec<(Cow<'static, str>, Option<String>)>,
    perl_compat: bool,
}

/// When a browser sends a cookie with a request that another site caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// Never.
    Strict,
    /// Only when the user follows a link.
    Lax,
    /// Always; browsers want [`SetCookie::secure`] beside it.
    None,
}

impl SetCookie {
    /// A cookie for the browser's session.
    ///
    /// The name must be a token, the value of RFC 6265's `cookie-octet`s: printable ASCII without space, `"`, `,`, `;`
    /// and `\`. Encode other values, for example as base64url. A value with a `;`, or with a space at either end, cannot
    /// come from a client.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into(), attributes: Vec::new(), perl_compat: false }
    }

    /// Reads the value of a header field `Set-Cookie` as clients do (RFC 6265 §5.2). `None` if there is no `=`, or the
    /// name is empty or not UTF-8: a client ignores such a field.
    ///
    /// The value keeps its octets and its quotes, so that [`Offer::cookie`](crate::Offer::cookie) sends it back as it
    /// came. Attributes that are not UTF-8 and those after the 64th are dropped.
    ///
    /// ```
    /// use protocol_websocket_http::SetCookie;
    ///
    /// let cookie = SetCookie::parse("id=7; path=/; HttpOnly").expect("it has a name");
    /// assert_eq!((cookie.name(), cookie.value()), ("id", &b"7"[..]));
    /// assert_eq!((cookie.attribute("Path"), cookie.attribute("httponly")), (Some("/"), Some("")));
    /// assert_eq!(cookie.attribute("Secure"), None);
    /// ```
    #[must_use]
    pub fn parse(field: &(impl AsRef<[u8]> + ?Sized)) -> Option<Self> {
        let mut parts = field.as_ref().split(|&byte| byte == b';');
        let mut pair = parts.next()?.splitn(2, |&byte| byte == b'=').map(trim);
        let (name, value) = (from_utf8(pair.next()?).ok()?, pair.next()?);
        if name.is_empty() {
            return None;
        }
        let attributes = parts.take(MAX_ATTRIBUTES).filter_map(|part| from_utf8(trim(part)).ok());
        Some(attributes.filter(|part| !part.is_empty()).fold(Self::new(name, value), |cookie, part| {
            let trim = |text: &str| String::from(text.trim_matches([' ', '\t']));
            match part.split_once('=') {
                Some((name, value)) => cookie.with(trim(name), Some(trim(value))),
                None => cookie.with(String::from(part), None),
            }
        }))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// The value, if it is UTF-8.
    #[must_use]
    pub fn value_str(&self) -> Option<&str> {
        from_utf8(&self.value).ok()
    }

    /// An attribute's value, empty if it has none; the case of its name does not matter. `None` if it is not there.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(value.as_deref().unwrap_or_default())
    }

    /// The hosts below this domain get it too.
    #[must_use]
    pub fn domain(self, domain: impl Into<String>) -> Self {
        self.with("Domain", Some(domain.into()))
    }

    /// Only requests below this path get it.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        self.with("Path", Some(path.into()))
    }

    /// When it ends, as an HTTP date (RFC 9110 §5.6.7). The text is not checked to be one.
    #[must_use]
    pub fn expires(self, date: impl Into<String>) -> Self {
        self.with("Expires", Some(date.into()))
    }

    /// After how many seconds it ends; 0 or less removes it.
    #[must_use]
    pub fn max_age(self, seconds: i64) -> Self {
        self.with("Max-Age", Some(alloc::format!("{seconds}")))
    }

    /// Only encrypted connections get it.
    #[must_use]
    pub fn secure(self) -> Self {
        self.with("Secure", None)
    }

    /// Scripts do not see it.
    #[must_use]
    pub fn http_only(self) -> Self {
        self.with("HttpOnly", None)
    }

    /// When requests that another site caused get it.
    #[must_use]
    pub fn same_site(self, same_site: SameSite) -> Self {
        let value = match same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        self.with("SameSite", Some(value.into()))
    }

    /// Any other attribute, such as `Partitioned`, or RFC 2965's `Comment`, `CommentURL`, `Discard` and `Port`. A name
    /// that was there already gets the new value.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: Option<String>) -> Self {
        let name = name.into();
        match self.attributes.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name, value)),
        }
        self
    }

    /// Writes it as Perl's `Protocol::WebSocket` 0.26 does, after RFC 2965: a value that is no plain word goes into
    /// quotes, and `Version=1` comes last.
    ///
    /// Browsers take a `;` inside the quotes for the value's end: let none come from others.
    #[must_use]
    pub fn perl_compat(mut self) -> Self {
        self.perl_compat = true;
        self
    }

    fn is_valid(&self) -> bool {
        let is_octet = |byte: &u8| byte.is_ascii_graphic() && !is_special(*byte);
        let is_attribute =
            |text: &str| is_printable(text.as_bytes()) && (self.perl_compat || text.is_ascii() && !text.contains(';'));
        is_token(self.name.as_bytes())
            && (if self.perl_compat { is_printable(&self.value) } else { self.value.iter().all(is_octet) })
            && self.attributes.iter().all(|(name, _)| is_token(name.as_bytes()))
            && self.attributes.iter().filter_map(|(_, value)| value.as_deref()).all(is_attribute)
    }

    /// The value of the field `Set-Cookie`, if it is valid.
    pub(crate) fn checked(&self) -> Result<Vec<u8>, BuildError> {
        if self.is_valid() { Ok(self.to_bytes()) } else { Err(BuildError::Cookie) }
    }

    /// The value of the field `Set-Cookie`.
    fn to_bytes(&self) -> Vec<u8> {
        let version = self.perl_compat.then_some(("Version", Some("1")));
        let attributes = self.attributes.iter().map(|(name, value)| (&**name, value.as_deref())).chain(version);
        let write: fn(&mut Vec<u8>, &[u8]) = if self.perl_compat { write_value } else { Vec::extend_from_slice };
        let mut field = [self.name.as_bytes(), b"="].concat();
        write(&mut field, &self.value);
        for (name, value) in attributes {
            field.extend_from_slice(b"; ");
            field.extend_from_slice(name.as_bytes());
            let Some(value) = value else { continue };
            field.push(b'=');
            // RFC 2965 has a list of ports in quotes always.
            let write = if self.perl_compat && name == "Port" { quote } else { write };
            write(&mut field, value.as_bytes());
        }
        field
    }
}

/// The value of the field `Set-Cookie`, for logs and tests. U+FFFD takes the place of octets that are not UTF-8.
///
/// Nothing is checked here: a value with `; Domain=…` in it gets an attribute. So this text is not for
/// [`Accept::header`](crate::Accept::header) or [`Reject::header`](crate::Reject::header):
/// [`Accept::cookie`](crate::Accept::cookie) and [`Reject::cookie`](crate::Reject::cookie) check the cookie and write its
/// octets.
impl fmt::Display for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

/// Shows everything but the value.
impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether a client may send this cookie: browsers send much that RFC 6265's grammar does not have.
///
/// A `"` is taken only around the whole value, as in RFC 6265 §4.1.1, and then without a `\` that could escape the second
/// one: a server that reads the quotes of RFC 2965 would look for the end of a value in the cookies that follow.
pub(crate) fn is_pair(name: &str, value: &[u8]) -> bool {
    let (inner, refused): (_, &[u8]) = match value {
        [b'"', inner @ .., b'"'] => (inner, b"\";\\"),
        value => (value, b"\";"),
    };
    is_token(name.as_bytes())
        && is_printable(value)
        && !inner.iter().any(|byte| refused.contains(byte))
        && trim(value).len() == value.len()
}

/// No control character. Octets above ASCII are taken.
pub(crate) fn is_printable(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte >= b' ' && byte != 0x7F)
}

/// What ends a word or has a meaning in quotes.
pub(crate) const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b',' | b';' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn read(field: &[u8], expected: &[(&str, &[u8])]) {
        let pairs: Vec<_> = Cookie::parse(field).map(|cookie| (cookie.name(), cookie.value())).collect();
        assert_eq!(pairs, expected, "{}", field.escape_ascii());
    }

    #[test]
    fn cookies_are_read_leniently() {
        read(b"foo=bar; baz = zab;here", &[("foo", b"bar"), ("baz", b"zab"), ("here", b"")]);
        read(b"foo=bar=123=xyz", &[("foo", b"bar=123=xyz")]);
        read(b"foo=; foo=\"\"", &[("foo", b""), ("foo", b"\"\"")]);
        read(b"=x", &[("", b"x")]);
        read(b"a=b,c=d; e=f g", &[("a", b"b,c=d"), ("e", b"f g")]);
        read(b" ;; ", &[]);
    }

    #[test]
    fn quotes_do_not_hide_other_cookies() {
        read(b"theme=\"a; session=7; z=b\"", &[("theme", b"\"a"), ("session", b"7"), ("z", b"b\"")]);
        read(b"a=\"b; a=\"", &[("a", b"\"b"), ("a", b"\"")]);
        read(b"a=\"b\\\"; c=d\"", &[("a", b"\"b\\\""), ("c", b"d\"")]);
        read(b"$Path=\"/x\"; a=\"b\"", &[("$Path", b"\"/x\""), ("a", b"\"b\"")]);
    }

    #[test]
    fn octets_are_kept_and_a_bad_pair_is_dropped_alone() {
        read(b"a=1; b=\xFF\x80; c=3", &[("a", b"1"), ("b", b"\xFF\x80"), ("c", b"3")]);
        read(b"a=1; \xFF=2; c=3", &[("a", b"1"), ("c", b"3")]);
        assert_eq!(Cookie::parse(b"a=\xC3\xA9").next().and_then(|cookie| cookie.value_str()), Some("é"));
        assert_eq!(Cookie::parse(b"a=\xE9").next().and_then(|cookie| cookie.value_str()), None);
    }

    #[test]
    fn a_port_does_not_leave_its_quotes() {
        let cookie = SetCookie::new("a", "b").with("Port", Some("80\"; Secure; x=\"".into())).perl_compat();
        assert_eq!(cookie.to_string(), "a=b; Port=\"80\\\"; Secure; x=\\\"\"; Version=1");
    }

    #[test]
    fn attributes_are_ascii() {
        assert!(!SetCookie::new("a", "b").path("/é").is_valid());
        assert!(SetCookie::new("a", "b").path("/%C3%A9").is_valid());
    }

    #[test]
    fn only_so_many_attributes_are_read() {
        let text = (0..1000).fold(String::from("a=b"), |text, n| format!("{text}; x{n}"));
        let cookie = SetCookie::parse(&text).unwrap();
        assert_eq!(cookie.attributes.len(), 64);
        assert_eq!((cookie.attribute("x63"), cookie.attribute("x64")), (Some(""), None));
    }

    #[test]
    fn attributes_have_their_order() {
        let cookie = SetCookie::new("a", "b").domain("example.com").expires("x, y").max_age(-1).domain("h").secure();
        assert_eq!(cookie.to_string(), "a=b; Domain=h; Expires=x, y; Max-Age=-1; Secure");
        assert!(cookie.is_valid());
    }

    #[test]
    fn perl_quotes_and_names_a_version() {
        let cookie = SetCookie::new("a", "b; \"c\"").path("/").with("Discard", None).perl_compat();
        assert_eq!(cookie.to_string(), "a=\"b; \\\"c\\\"\"; Path=/; Discard; Version=1");
        assert!(cookie.is_valid() && !SetCookie::new("a", "b\n").perl_compat().is_valid());
        let octets = SetCookie::new("a", b"\xFF").perl_compat();
        assert!(octets.is_valid());
        assert_eq!(octets.to_bytes(), b"a=\xFF; Version=1");
    }

    #[test]
    fn what_a_server_sets_is_read_as_clients_do() {
        let cookie = SetCookie::parse(" a = \"b c\" ; Path=/x=y;; SECURE ;Path=/z").unwrap();
        assert_eq!((cookie.name(), cookie.value_str()), ("a", Some("\"b c\"")));
        assert_eq!((cookie.attribute("path"), cookie.attribute("Secure")), (Some("/z"), Some("")));
        assert_eq!((cookie.attribute("HttpOnly"), cookie.attribute("")), (None, None));
        assert_eq!(SetCookie::parse("a=b;; ;"), Some(SetCookie::new("a", "b")));
        assert_eq!(SetCookie::parse("a"), None);
        assert_eq!(SetCookie::parse("=b; Path=/"), None);
        assert_eq!(SetCookie::parse(""), None);
        let octets = SetCookie::parse(b"a=\xFF; Path=\xFF; Secure").unwrap();
        assert_eq!((octets.value(), octets.value_str()), (&b"\xFF"[..], None));
        assert_eq!((octets.attribute("Path"), octets.attribute("Secure")), (None, Some("")));
        assert_eq!(SetCookie::parse(b"\xFF=a"), None);
    }

    #[test]
    fn what_would_not_arrive_is_invalid() {
        for bad in [
            SetCookie::new("", "b"),
            SetCookie::new("a=", "b"),
            SetCookie::new("a", "b;c"),
            SetCookie::new("a", "b c"),
            SetCookie::new("a", "\"b\""),
            SetCookie::new("a", "b\r\nX: y"),
            SetCookie::new("a", "é"),
            SetCookie::new("a", "b").path("/; Secure"),
            SetCookie::new("a", "b").domain("x\n"),
            SetCookie::new("a", "b").expires("\0"),
            SetCookie::new("a", "b").with("x y", None),
        ] {
            assert!(!bad.is_valid(), "{bad}");
        }
        for good in [&b"b c,d"[..], b"", b"\xFF", b"\\", b"\"b c,d\"", b"\"\""] {
            assert!(is_pair("a", good), "{}", good.escape_ascii());
        }
        for bad in [&b"b;c"[..], b" b", b"b\n", b"\"", b"\"b", b"b\"", b"b\"c", b"\"b\"c\"", b"\"b\\\"", b"\"b;c\""] {
            assert!(!is_pair("a", bad), "{}", bad.escape_ascii());
        }
        assert!(!is_pair("", b"b"));
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?} {:?}", SetCookie::new("a", "secret"), Cookie::parse("b=secret").next());
        assert!(!shown.contains("secret"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_octets_are_read(field: Vec<u8>) {
            for cookie in Cookie::parse(&field) {
                prop_assert!(!cookie.name().contains(['=', ';']) && !cookie.value().contains(&b';'));
            }
            if let Some(cookie) = SetCookie::parse(&field) {
                prop_assert_eq!(SetCookie::parse(&cookie.to_bytes()), Some(cookie));
            }
        }
    }
}
