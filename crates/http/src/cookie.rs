use alloc::string::String;
use core::fmt;

use crate::grammar::is_token;

/// A cookie that a client sent (RFC 6265 §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cookie<'a> {
    /// The name; it may be empty, and may be there again in another cookie.
    pub name: &'a str,
    /// The value, without the quotes around it if it had some. Nothing else is decoded.
    pub value: &'a str,
}

impl<'a> Cookie<'a> {
    /// Reads the value of a field `Cookie`, whatever it is: at worst there is no cookie in it.
    ///
    /// A `;` always ends a cookie, inside quotes too, as browsers have it. Without `=` the whole is a name.
    ///
    /// ```
    /// use protocol_websocket_http::Cookie;
    ///
    /// let cookies: Vec<_> = Cookie::parse("a=1; b = \"2\"; c").map(|cookie| (cookie.name, cookie.value)).collect();
    /// assert_eq!(cookies, [("a", "1"), ("b", "2"), ("c", "")]);
    /// ```
    pub fn parse(text: &'a str) -> impl Iterator<Item = Self> {
        text.split(';').map(trim).filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (trim(name), trim(value));
            let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            Self { name, value: unquoted.unwrap_or(value) }
        })
    }
}

/// A cookie that a server sets (RFC 6265 §4.1). It is checked when an answer is built with it.
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
    value: String,
    domain: Option<String>,
    path: Option<String>,
    expires: Option<String>,
    max_age: Option<i64>,
    secure: bool,
    http_only: bool,
    same_site: Option<SameSite>,
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
    /// The name must be a token, the value of RFC 6265's `cookie-octet`s: printable ASCII without blank, `"`, `,`, `;`
    /// and `\`.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            domain: None,
            path: None,
            expires: None,
            max_age: None,
            secure: false,
            http_only: false,
            same_site: None,
        }
    }

    /// The hosts below this domain get it too.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Only requests below this path get it.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// When it ends, as an HTTP date (RFC 9110 §5.6.7). The text is not checked to be one.
    #[must_use]
    pub fn expires(mut self, date: impl Into<String>) -> Self {
        self.expires = Some(date.into());
        self
    }

    /// After how many seconds it ends; 0 or less removes it.
    #[must_use]
    pub fn max_age(mut self, seconds: i64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// Only encrypted connections get it.
    #[must_use]
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Scripts do not see it.
    #[must_use]
    pub fn http_only(mut self) -> Self {
        self.http_only = true;
        self
    }

    /// When requests that another site caused get it.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = Some(same_site);
        self
    }

    pub(crate) fn is_valid(&self) -> bool {
        is_token(self.name.as_bytes())
            && self.value.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\'))
            && [&self.domain, &self.path, &self.expires].into_iter().flatten().all(|text| is_attribute(text))
    }
}

impl fmt::Display for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)?;
        for (name, value) in [("Domain", &self.domain), ("Path", &self.path), ("Expires", &self.expires)] {
            if let Some(value) = value {
                write!(f, "; {name}={value}")?;
            }
        }
        if let Some(seconds) = self.max_age {
            write!(f, "; Max-Age={seconds}")?;
        }
        f.write_str(if self.secure { "; Secure" } else { "" })?;
        f.write_str(if self.http_only { "; HttpOnly" } else { "" })?;
        f.write_str(match self.same_site {
            Some(SameSite::Strict) => "; SameSite=Strict",
            Some(SameSite::Lax) => "; SameSite=Lax",
            Some(SameSite::None) => "; SameSite=None",
            None => "",
        })
    }
}

/// Shows everything but the value.
impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether a client may send this back: browsers send much that RFC 6265's grammar does not have.
pub(crate) fn is_pair(name: &str, value: &str) -> bool {
    is_token(name.as_bytes()) && is_attribute(value) && trim(value).len() == value.len()
}

fn is_attribute(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != 0x7F && byte != b';')
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    fn pairs(text: &str) -> Vec<(&str, &str)> {
        Cookie::parse(text).map(|cookie| (cookie.name, cookie.value)).collect()
    }

    #[test]
    fn cookies_are_read_leniently() {
        assert_eq!(pairs("foo=bar; baz = zab;here"), [("foo", "bar"), ("baz", "zab"), ("here", "")]);
        assert_eq!(pairs("foo=bar=123=xyz"), [("foo", "bar=123=xyz")]);
        assert_eq!(pairs("foo=; foo=\"\""), [("foo", ""), ("foo", "")]);
        assert_eq!(pairs("=x"), [("", "x")]);
        assert_eq!(pairs("a=\"b; a=\""), [("a", "\"b"), ("a", "\"")]);
        assert_eq!(pairs(" ;; "), []);
    }

    #[test]
    fn quotes_hide_no_cookie() {
        assert_eq!(pairs("a=\"1; id=7; b=\"2\""), [("a", "\"1"), ("id", "7"), ("b", "2")]);
    }

    #[test]
    fn attributes_have_their_order() {
        let cookie =
            SetCookie::new("a", "b").same_site(SameSite::Strict).domain("example.com").expires("x, y").max_age(-1);
        assert_eq!(cookie.to_string(), "a=b; Domain=example.com; Expires=x, y; Max-Age=-1; SameSite=Strict");
        assert!(cookie.is_valid());
    }

    #[test]
    fn what_would_not_arrive_is_invalid() {
        for bad in [
            SetCookie::new("", "b"),
            SetCookie::new("a=", "b"),
            SetCookie::new("a", "b;c"),
            SetCookie::new("a", "b c"),
            SetCookie::new("a", "b\r\nX: y"),
            SetCookie::new("a", "é"),
            SetCookie::new("a", "b").path("/; Secure"),
            SetCookie::new("a", "b").domain("x\n"),
            SetCookie::new("a", "b").expires("\0"),
        ] {
            assert!(!bad.is_valid(), "{bad}");
        }
        assert!(is_pair("a", "b c,\"d\"") && is_pair("a", ""));
        assert!(!is_pair("a", "b;c") && !is_pair("a", " b") && !is_pair("a", "b\n") && !is_pair("", "b"));
    }

    #[test]
    fn values_are_not_shown() {
        assert!(!format!("{:?}", SetCookie::new("a", "secret")).contains("secret"));
    }
}
