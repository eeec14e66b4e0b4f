//! Cookies in both directions: RFC 6265, and the older grammar (RFC 2965) that Perl speaks.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use crate::BuildError;
use crate::grammar::is_token;
use crate::offer::join;

/// A cookie that a client sent (RFC 6265 §5.4), perhaps with the attributes of RFC 2965 §3.3.4.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Cookie<'a> {
    /// The name; it may be empty, and may be there again in another cookie.
    pub name: &'a str,
    /// The value, without the quotes around it if it had some; empty if there is none.
    pub value: Cow<'a, str>,
    /// What `$Path` behind it says.
    pub path: Option<Cow<'a, str>>,
    /// What `$Domain` behind it says.
    pub domain: Option<Cow<'a, str>>,
    /// What `$Version` before it says; 1 otherwise.
    pub version: u32,
}

impl<'a> Cookie<'a> {
    /// Reads the value of a field `Cookie`, whatever it is: at worst there is no cookie in it.
    ///
    /// A `$Path`, `$Domain` or `$Version` belongs to the cookies beside it; other names that begin with `$` are dropped.
    /// Without `=` the whole is a name.
    ///
    /// ```
    /// use protocol_websocket_http::Cookie;
    ///
    /// let cookies: Vec<_> = Cookie::parse("a=1; b = \"2; 3\"; $Path=/b; c").collect();
    /// let values: Vec<_> = cookies.iter().map(|cookie| (cookie.name, &*cookie.value)).collect();
    /// assert_eq!(values, [("a", "1"), ("b", "2; 3"), ("c", "")]);
    /// assert_eq!(cookies[1].path.as_deref(), Some("/b"));
    /// ```
    pub fn parse(text: &'a str) -> impl Iterator<Item = Self> {
        let mut pairs = Self::pairs(text).peekable();
        let mut version = 1;
        core::iter::from_fn(move || {
            let mut attribute = |name: &str, value: Option<&Cow<'a, str>>| {
                if let ("$Version", Some(number)) = (name, value.and_then(|value| value.parse().ok())) {
                    version = number;
                }
            };
            while let Some((name, value)) = pairs.next_if(|(name, _)| name.starts_with('$')) {
                attribute(name, value.as_ref());
            }
            let (name, value) = pairs.next()?;
            let mut cookie = Self { name, value: value.unwrap_or_default(), path: None, domain: None, version };
            while let Some((name, value)) = pairs.next_if(|(name, _)| matches!(*name, "$Path" | "$Domain")) {
                *(if name == "$Path" { &mut cookie.path } else { &mut cookie.domain }) = value;
            }
            Some(cookie)
        })
    }

    /// Reads the value of a field `Cookie` as names and values, those that begin with `$` among them. A name without `=`
    /// has no value.
    ///
    /// A `;` ends a pair, but not inside quotes that begin a value and end it; `\"` and `\\` stand for `"` and `\` there.
    /// Browsers know no such quotes: whoever can set two cookies of a site can wrap a third one into a value.
    pub fn pairs(text: &'a str) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> {
        let mut rest = text;
        core::iter::from_fn(move || {
            rest = rest.trim_start_matches([' ', '\t', ';']);
            if rest.is_empty() {
                return None;
            }
            let (name, behind) = split_at(rest, rest.find(['=', ';']));
            let Some(value) = behind.strip_prefix('=') else {
                rest = behind;
                return Some((trim(name), None));
            };
            let value = value.trim_start_matches([' ', '\t']);
            if let Some((quoted, behind)) = quoted(value) {
                rest = behind;
                return Some((trim(name), Some(unescape(quoted))));
            }
            let (value, behind) = split_at(value, value.find(';'));
            rest = behind;
            Some((trim(name), Some(Cow::Borrowed(trim(value)))))
        })
    }

    /// Writes pairs as the value of a field `Cookie`, so that [`pairs`](Self::pairs) gives them again: a value that is no
    /// plain word goes into quotes.
    ///
    /// Servers that know RFC 6265 only take the quotes for a part of the value, and a `;` inside for its end. Where that
    /// matters, let no value have a blank, `"`, `,`, `;` or `\`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Cookie`] if a name is empty or has a blank, `"`, `,`, `;` or `=`, and if there is a control character.
    pub fn join<'b>(pairs: impl IntoIterator<Item = (&'b str, Option<&'b str>)>) -> Result<String, BuildError> {
        let mut text = String::new();
        for (name, value) in pairs {
            if !is_name(name) || !value.is_none_or(is_printable) {
                return Err(BuildError::Cookie);
            }
            join(&mut text, "; ", name);
            if let Some(value) = value {
                // Writing to memory does not fail.
                let _ = write!(text, "={}", Quoted(value));
            }
        }
        Ok(text)
    }
}

/// How many attributes of one cookie are read: no browser knows a dozen.
const MAX_ATTRIBUTES: usize = 64;

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
    /// The name must be a token, the value of RFC 6265's `cookie-octet`s: printable ASCII without blank, `"`, `,`, `;`
    /// and `\`.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), attributes: Vec::new(), perl_compat: false }
    }

    /// Reads the value of a field `Set-Cookie` as clients do (RFC 6265 §5.2): whatever it is, it has a name and a value
    /// or is to be ignored.
    ///
    /// The value stays as it came, with its quotes, for so it goes back to the server. Attributes beyond the 64th are
    /// left out.
    ///
    /// ```
    /// use protocol_websocket_http::SetCookie;
    ///
    /// let cookie = SetCookie::parse("id=7; path=/; HttpOnly").expect("it has a name");
    /// assert_eq!((cookie.name(), cookie.value()), ("id", "7"));
    /// assert_eq!((cookie.attribute("Path"), cookie.attribute("httponly")), (Some("/"), Some("")));
    /// assert_eq!(cookie.attribute("Secure"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        if trim(name).is_empty() {
            return None;
        }
        Some(parts.take(MAX_ATTRIBUTES).fold(Self::new(trim(name), trim(value)), |cookie, part| {
            match part.split_once('=') {
                Some((name, value)) => cookie.with(String::from(trim(name)), Some(trim(value).into())),
                None if trim(part).is_empty() => cookie,
                None => cookie.with(String::from(trim(part)), None),
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
    pub fn value(&self) -> &str {
        &self.value
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

    pub(crate) fn is_valid(&self) -> bool {
        let is_value = |text: &str| is_printable(text) && (self.perl_compat || text.is_ascii() && !text.contains(';'));
        let is_octet = |byte: u8| byte.is_ascii_graphic() && !is_special(byte);
        is_token(self.name.as_bytes())
            && (if self.perl_compat { is_value(&self.value) } else { self.value.bytes().all(is_octet) })
            && self.attributes.iter().all(|(name, _)| is_token(name.as_bytes()))
            && self.attributes.iter().filter_map(|(_, value)| value.as_deref()).all(is_value)
    }
}

impl fmt::Display for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.perl_compat.then_some(("Version", Some("1")));
        let attributes = self.attributes.iter().map(|(name, value)| (&**name, value.as_deref()));
        write!(f, "{}=", self.name)?;
        self.write_value(f, &self.value)?;
        attributes.chain(version).try_for_each(|(name, value)| {
            write!(f, "; {name}")?;
            let Some(value) = value else { return Ok(()) };
            f.write_char('=')?;
            // RFC 2965 has a list of ports in quotes always.
            if self.perl_compat && name == "Port" { quote(f, value) } else { self.write_value(f, value) }
        })
    }
}

impl SetCookie {
    fn write_value(&self, f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
        if self.perl_compat { write!(f, "{}", Quoted(value)) } else { f.write_str(value) }
    }
}

/// Shows everything but the value.
impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A value as RFC 2965 writes it: in quotes unless it is a word.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && !self.0.bytes().any(|byte| byte == b' ' || is_special(byte)) {
            return f.write_str(self.0);
        }
        quote(f, self.0)
    }
}

fn quote(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in value.chars() {
        f.write_str(if matches!(c, '"' | '\\') { "\\" } else { "" })?;
        f.write_char(c)?;
    }
    f.write_char('"')
}

/// Whether a client may send this back: browsers send much that RFC 6265's grammar does not have.
pub(crate) fn is_pair(name: &str, value: &str) -> bool {
    is_token(name.as_bytes()) && is_printable(value) && !value.contains(';') && trim(value).len() == value.len()
}

/// A name that is read again as it was written.
fn is_name(name: &str) -> bool {
    !name.is_empty() && is_printable(name) && !name.contains([' ', '"', ',', ';', '='])
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != 0x7F)
}

/// What ends a word or has a meaning in quotes.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// What stands between the quotes that `text` begins with, and what follows, if a pair ends there.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (quoted, behind) = inner.split_at(end);
    let behind = behind.strip_prefix('"')?.trim_start_matches([' ', '\t']);
    (behind.is_empty() || behind.starts_with(';')).then_some((quoted, behind))
}

fn unescape(quoted: &str) -> Cow<'_, str> {
    if !quoted.contains('\\') {
        return Cow::Borrowed(quoted);
    }
    let (mut text, mut chars) = (String::new(), quoted.chars().peekable());
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next_if(|&next| matches!(next, '"' | '\\')) } else { None };
        text.push(escaped.unwrap_or(c));
    }
    Cow::Owned(text)
}

fn split_at(text: &str, at: Option<usize>) -> (&str, &str) {
    text.split_at(at.unwrap_or(text.len()))
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(&str, String)> {
        Cookie::parse(text).map(|cookie| (cookie.name, cookie.value.into())).collect()
    }

    fn read(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|&(name, value)| (name, value.to_string())).collect();
        assert_eq!(pairs(text), expected, "{text}");
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
    fn cookies_are_read_leniently() {
        read("foo=bar; baz = zab;here", &[("foo", "bar"), ("baz", "zab"), ("here", "")]);
        read("foo=bar=123=xyz", &[("foo", "bar=123=xyz")]);
        read("foo=; foo=\"\"", &[("foo", ""), ("foo", "")]);
        read("=x", &[("", "x")]);
        read("a=b,c=d; e=f g", &[("a", "b,c=d"), ("e", "f g")]);
        read(" ;; ", &[]);
    }

    #[test]
    fn quotes_that_close_hide_what_is_in_them() {
        read("a=\"b; c\" ; d=\"e\\\"\\\\\\f\"", &[("a", "b; c"), ("d", "e\"\\\\f")]);
        read("a=\"b; a=\"", &[("a", "b; a=")]);
    }

    #[test]
    fn quotes_that_do_not_close_a_value_are_a_part_of_it() {
        read("a=\"1; id=7", &[("a", "\"1"), ("id", "7")]);
        read("a=\"1; id=7; b=\"2\"", &[("a", "\"1"), ("id", "7"), ("b", "2")]);
        read("a=b\"c;d\"", &[("a", "b\"c"), ("d\"", "")]);
        read("a=\"b\\\"; c=d", &[("a", "\"b\\\""), ("c", "d")]);
    }

    #[test]
    fn attributes_belong_to_the_cookie_before_them() {
        let text = "$Path=/x; $Version=2; a=b; $Domain=h; $Path=\"/a b\"; $Port; c=d; $Version=3; e";
        let cookies: Vec<_> = Cookie::parse(text).collect();
        let seen: Vec<_> =
            cookies.iter().map(|c| (c.name, c.path.as_deref(), c.domain.as_deref(), c.version)).collect();
        assert_eq!(seen, [("a", Some("/a b"), Some("h"), 2), ("c", None, None, 2), ("e", None, None, 3)]);
        assert_eq!(Cookie::parse("$Version=x; a").next().map(|cookie| cookie.version), Some(1));
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
    }

    #[test]
    fn what_a_server_sets_is_read_as_clients_do() {
        let cookie = SetCookie::parse(" a = \"b c\" ; Path=/x=y;; SECURE ;Path=/z").unwrap();
        assert_eq!((cookie.name(), cookie.value()), ("a", "\"b c\""));
        assert_eq!((cookie.attribute("path"), cookie.attribute("Secure")), (Some("/z"), Some("")));
        assert_eq!((cookie.attribute("HttpOnly"), cookie.attribute("")), (None, None));
        assert_eq!(SetCookie::parse("a=b;; ;"), Some(SetCookie::new("a", "b")));
        assert_eq!(SetCookie::parse("a"), None);
        assert_eq!(SetCookie::parse("=b; Path=/"), None);
        assert_eq!(SetCookie::parse(""), None);
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
            SetCookie::new("a", "b").with("x y", None),
        ] {
            assert!(!bad.is_valid(), "{bad}");
        }
        assert!(is_pair("a", "b c,\"d\"") && is_pair("a", ""));
        assert!(!is_pair("a", "b;c") && !is_pair("a", " b") && !is_pair("a", "b\n") && !is_pair("", "b"));
        for bad in [("", None), ("a b", None), ("a", Some("b\tc")), ("a", Some("\r\n"))] {
            assert_eq!(Cookie::join([bad]), Err(BuildError::Cookie));
        }
    }

    #[test]
    fn values_are_not_shown() {
        assert!(!format!("{:?}", SetCookie::new("a", "secret")).contains("secret"));
    }

    proptest! {
        #[test]
        fn what_is_joined_is_read(
            sent in prop::collection::vec(("[a-z$]{1,3}", prop::option::of(r#"[ab ",;=\\é]{0,6}"#)), 0..5),
        ) {
            let text = Cookie::join(sent.iter().map(|(name, value)| (&**name, value.as_deref()))).unwrap();
            let read: Vec<_> = Cookie::pairs(&text).map(|(name, value)| (name.into(), value.map(Into::into))).collect();
            prop_assert_eq!(read, sent);
        }

        #[test]
        fn any_text_is_read(text: String) {
            Cookie::parse(&text).for_each(drop);
            let _ = SetCookie::parse(&text);
        }
    }
}
