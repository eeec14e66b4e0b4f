use core::fmt;
use core::str::from_utf8;

use crate::grammar::trim;

/// A cookie that a client sent (RFC 6265 §5.4).
///
/// The value consists of octets and may be invalid UTF-8. `Debug` hides it.
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
    /// Parses the value of the header field `Cookie`.
    ///
    /// Every `;` ends a pair, and the first `=` ends the name. Spaces and tabs around a name and a value are removed. Quotes
    /// are a part of the value. A pair without `=` is a name with an empty value. A pair whose name is not UTF-8 is dropped;
    /// the other pairs are kept.
    ///
    /// ```
    /// use protocol_websocket_http::Cookie;
    ///
    /// let pairs: Vec<_> = Cookie::parse("a=1; b=2").map(|cookie| (cookie.name(), cookie.value())).collect();
    /// assert_eq!(pairs, [("a", &b"1"[..]), ("b", b"2")]);
    /// ```
    pub fn parse(field: &'a (impl AsRef<[u8]> + ?Sized)) -> impl Iterator<Item = Self> {
        field.as_ref().split(|&byte| byte == b';').map(trim).filter(|pair| !pair.is_empty()).filter_map(|pair| {
            let mut parts = pair.splitn(2, |&byte| byte == b'=').map(trim);
            let name = from_utf8(parts.next()?).ok()?;
            Some(Self { name, value: parts.next().unwrap_or_default() })
        })
    }

    /// Returns the name. It may be empty, and other cookies may have the same name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Returns the value.
    #[must_use]
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Returns the value, or `None` if it is not UTF-8.
    ///
    /// ```
    /// use protocol_websocket_http::Cookie;
    ///
    /// let values: Vec<_> = Cookie::parse(b"a=1; b=\xFF").map(|cookie| cookie.value_str()).collect();
    /// assert_eq!(values, [Some("1"), None]);
    /// ```
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn check(field: &[u8], expected: &[(&str, &[u8])]) {
        let pairs: Vec<_> = Cookie::parse(field).map(|cookie| (cookie.name(), cookie.value())).collect();
        assert_eq!(pairs, expected, "{}", field.escape_ascii());
    }

    #[test]
    fn parses_leniently() {
        check(b"foo=bar; baz = zab;here", &[("foo", b"bar"), ("baz", b"zab"), ("here", b"")]);
        check(b"foo=bar=123=xyz", &[("foo", b"bar=123=xyz")]);
        check(b"foo=; foo=\"\"", &[("foo", b""), ("foo", b"\"\"")]);
        check(b"=x", &[("", b"x")]);
        check(b"a=b,c=d; e=f g", &[("a", b"b,c=d"), ("e", b"f g")]);
        check(b" ;; ", &[]);
    }

    #[test]
    fn quotes_do_not_hide_other_cookies() {
        check(b"theme=\"a; session=7; z=b\"", &[("theme", b"\"a"), ("session", b"7"), ("z", b"b\"")]);
        check(b"a=\"b; a=\"", &[("a", b"\"b"), ("a", b"\"")]);
        check(b"a=\"b\\\"; c=d\"", &[("a", b"\"b\\\""), ("c", b"d\"")]);
        check(b"$Path=\"/x\"; a=\"b\"", &[("$Path", b"\"/x\""), ("a", b"\"b\"")]);
    }

    #[test]
    fn keeps_octets_and_drops_only_invalid_pairs() {
        check(b"a=1; b=\xFF\x80; c=3", &[("a", b"1"), ("b", b"\xFF\x80"), ("c", b"3")]);
        check(b"a=1; \xFF=2; c=3", &[("a", b"1"), ("c", b"3")]);
        assert_eq!(Cookie::parse(b"a=\xC3\xA9").next().and_then(|cookie| cookie.value_str()), Some("é"));
        assert_eq!(Cookie::parse(b"a=\xE9").next().and_then(|cookie| cookie.value_str()), None);
    }

    #[test]
    fn debug_hides_the_value() {
        let shown = format!("{:?}", Cookie::parse("b=secret").next());
        assert!(shown.contains("\"b\"") && !shown.contains("secret"), "{shown}");
    }

    proptest! {
        #[test]
        fn parses_any_octets(field: Vec<u8>) {
            for cookie in Cookie::parse(&field) {
                prop_assert!(!cookie.name().contains(['=', ';']) && !cookie.value().contains(&b';'));
            }
        }
    }
}
