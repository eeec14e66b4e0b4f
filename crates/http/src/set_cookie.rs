//! The cookies that a server sets, and that a client reads from a response.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::from_utf8;

use crate::error::BuildError;
use crate::grammar::{is_token, trim};
use crate::perl_compat::Style;

/// The maximum number of attributes that are read. About ten attributes exist.
const MAX_ATTRIBUTES: usize = 64;

/// A cookie that a server sets (RFC 6265 §4.1).
///
/// [`Accept::cookie`](crate::Accept::cookie) and [`Reject::cookie`](crate::Reject::cookie) check the cookie. The setters do
/// not.
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
    /// In the order in which they are written. Each name appears once.
    attributes: Vec<(Cow<'static, str>, Option<String>)>,
    style: Style,
}

/// The requests from other sites with which a browser sends a cookie (the attribute `SameSite`).
///
/// ```
/// use protocol_websocket_http::{SameSite, SetCookie};
///
/// let cookie = SetCookie::new("id", "7").same_site(SameSite::Strict);
/// assert_eq!(cookie.attribute("SameSite"), Some("Strict"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SameSite {
    /// No request from another site.
    Strict,
    /// Only navigation, such as following a link.
    Lax,
    /// All requests. Browsers also require [`SetCookie::secure`].
    None,
}

impl SetCookie {
    /// Creates a cookie that lasts for the browser's session.
    ///
    /// The name must be a token. The value must consist of the `cookie-octet`s of RFC 6265: printable ASCII without space,
    /// `"`, `,`, `;` and `\`. Encode other values, for example as base64url.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: value.into(), attributes: Vec::new(), style: Style::Rfc }
    }

    /// Parses the value of the header field `Set-Cookie` as clients do (RFC 6265 §5.2). Returns `None` if there is no
    /// `=` or the name is empty, because clients ignore such a field, and if the name is not UTF-8.
    ///
    /// The value keeps its octets and its quotes, so that [`Offer::cookie`](crate::Offer::cookie) returns the same value to
    /// the server. Attributes that are not UTF-8, and those after the 64th, are dropped.
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

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Returns the value, or `None` if it is not UTF-8.
    #[must_use]
    pub fn value_str(&self) -> Option<&str> {
        from_utf8(&self.value).ok()
    }

    /// Returns the value of an attribute, which is empty for an attribute without a value. Returns `None` if the cookie does
    /// not have the attribute. Names are compared without regard to ASCII case.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(value.as_deref().unwrap_or_default())
    }

    /// Sets `Domain`: browsers send the cookie to the subdomains of this domain, too.
    ///
    /// ```
    /// use protocol_websocket_http::SetCookie;
    ///
    /// assert_eq!(SetCookie::new("id", "7").domain("example.com").to_string(), "id=7; Domain=example.com");
    /// ```
    #[must_use]
    pub fn domain(self, domain: impl Into<String>) -> Self {
        self.with("Domain", Some(domain.into()))
    }

    /// Sets `Path`: browsers send the cookie only with requests for this path and those below it.
    ///
    /// ```
    /// use protocol_websocket_http::SetCookie;
    ///
    /// assert_eq!(SetCookie::new("id", "7").path("/chat").to_string(), "id=7; Path=/chat");
    /// ```
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        self.with("Path", Some(path.into()))
    }

    /// Sets `Expires`, an HTTP date (RFC 9110 §5.6.7). The format of the text is not checked.
    ///
    /// ```
    /// use protocol_websocket_http::SetCookie;
    ///
    /// let cookie = SetCookie::new("id", "7").expires("Wed, 09 Jun 2027 10:18:14 GMT");
    /// assert_eq!(cookie.to_string(), "id=7; Expires=Wed, 09 Jun 2027 10:18:14 GMT");
    /// ```
    #[must_use]
    pub fn expires(self, date: impl Into<String>) -> Self {
        self.with("Expires", Some(date.into()))
    }

    /// Sets `Max-Age`, the lifetime in seconds. Browsers remove the cookie at 0 or less.
    ///
    /// ```
    /// use protocol_websocket_http::SetCookie;
    ///
    /// assert_eq!(SetCookie::new("id", "7").max_age(3600).to_string(), "id=7; Max-Age=3600");
    /// ```
    #[must_use]
    pub fn max_age(self, seconds: i64) -> Self {
        self.with("Max-Age", Some(alloc::format!("{seconds}")))
    }

    /// Sets `Secure`: browsers send the cookie only over encrypted connections.
    #[must_use]
    pub fn secure(self) -> Self {
        self.with("Secure", None)
    }

    /// Sets `HttpOnly`: scripts cannot read the cookie.
    #[must_use]
    pub fn http_only(self) -> Self {
        self.with("HttpOnly", None)
    }

    /// Sets `SameSite`: the requests from other sites with which browsers send the cookie.
    ///
    /// ```
    /// use protocol_websocket_http::{SameSite, SetCookie};
    ///
    /// assert_eq!(SetCookie::new("id", "7").same_site(SameSite::Lax).to_string(), "id=7; SameSite=Lax");
    /// ```
    #[must_use]
    pub fn same_site(self, same_site: SameSite) -> Self {
        let value = match same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        };
        self.with("SameSite", Some(value.into()))
    }

    /// Sets any attribute, such as `Partitioned`, or `Comment`, `CommentURL`, `Discard` and `Port` of RFC 2965. Replaces the
    /// value of an attribute that was set before.
    ///
    /// ```
    /// use protocol_websocket_http::SetCookie;
    ///
    /// let cookie = SetCookie::new("id", "7").secure().with("Partitioned", None);
    /// assert_eq!(cookie.to_string(), "id=7; Secure; Partitioned");
    /// ```
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: Option<String>) -> Self {
        let name = name.into();
        match self.attributes.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((name, value)),
        }
        self
    }

    /// Selects the form of Perl's `Protocol::WebSocket` 0.26, after RFC 2965: a value that is not a word is written in
    /// quotes, and `Version=1` is the last attribute.
    ///
    /// For browsers, a `;` inside the quotes ends the value. Do not write values from untrusted sources in this form.
    ///
    /// ```
    /// use protocol_websocket_http::SetCookie;
    ///
    /// let cookie = SetCookie::new("name", "two words").perl_compat();
    /// assert_eq!(cookie.to_string(), "name=\"two words\"; Version=1");
    /// ```
    #[must_use]
    pub fn perl_compat(mut self) -> Self {
        self.style = Style::Perl;
        self
    }

    fn is_valid(&self) -> bool {
        is_token(self.name.as_bytes())
            && self.style.is_cookie_value(&self.value)
            && self.attributes.iter().all(|(name, value)| {
                is_token(name.as_bytes()) && value.as_deref().is_none_or(|value| self.style.is_cookie_attribute(value))
            })
    }

    /// Returns the value of the header field `Set-Cookie`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Cookie`] for an invalid name, value or attribute.
    pub(crate) fn to_field_value(&self) -> Result<Vec<u8>, BuildError> {
        if self.is_valid() { Ok(self.to_bytes()) } else { Err(BuildError::Cookie) }
    }

    /// Returns the value of the header field `Set-Cookie` without a check.
    fn to_bytes(&self) -> Vec<u8> {
        let attributes = self.attributes.iter().map(|(name, value)| (&**name, value.as_deref()));
        let mut field = [self.name.as_bytes(), b"="].concat();
        self.style.write_cookie_value(&mut field, &self.value);
        for (name, value) in attributes.chain(self.style.last_cookie_attribute()) {
            field.extend_from_slice(b"; ");
            field.extend_from_slice(name.as_bytes());
            let Some(value) = value else { continue };
            field.push(b'=');
            self.style.write_cookie_attribute(&mut field, name, value.as_bytes());
        }
        field
    }
}

/// Writes the value of the header field `Set-Cookie`, for logs and tests. U+FFFD replaces invalid UTF-8.
///
/// `Display` checks nothing: a value that contains `; Domain=…` adds an attribute. Do not pass this text to
/// [`Accept::header`](crate::Accept::header) or [`Reject::header`](crate::Reject::header). Use
/// [`Accept::cookie`](crate::Accept::cookie) and [`Reject::cookie`](crate::Reject::cookie), which check the cookie and write
/// its octets.
impl fmt::Display for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

/// Shows the name alone.
impl fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn writes_attributes_in_the_order_of_the_setters() {
        let cookie = SetCookie::new("a", "b").domain("example.com").expires("x, y").max_age(-1).domain("h").secure();
        assert_eq!(cookie.to_string(), "a=b; Domain=h; Expires=x, y; Max-Age=-1; Secure");
        assert!(cookie.is_valid());
    }

    #[test]
    fn rejects_attributes_outside_ascii() {
        assert!(!SetCookie::new("a", "b").path("/é").is_valid());
        assert!(SetCookie::new("a", "b").path("/%C3%A9").is_valid());
    }

    #[test]
    fn reads_at_most_64_attributes() {
        let text = (0..1000).fold(String::from("a=b"), |text, n| format!("{text}; x{n}"));
        let cookie = SetCookie::parse(&text).unwrap();
        assert_eq!(cookie.attributes.len(), 64);
        assert_eq!((cookie.attribute("x63"), cookie.attribute("x64")), (Some(""), None));
    }

    #[test]
    fn parses_set_cookie_as_clients_do() {
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
    fn rejects_invalid_names_values_and_attributes() {
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
    }

    #[test]
    fn perl_compat_quotes_values_and_appends_a_version() {
        let cookie = SetCookie::new("a", "b; \"c\"").path("/").with("Discard", None).perl_compat();
        assert_eq!(cookie.to_string(), "a=\"b; \\\"c\\\"\"; Path=/; Discard; Version=1");
        assert!(cookie.is_valid() && !SetCookie::new("a", "b\n").perl_compat().is_valid());
        let octets = SetCookie::new("a", b"\xFF").perl_compat();
        assert!(octets.is_valid());
        assert_eq!(octets.to_bytes(), b"a=\xFF; Version=1");
    }

    #[test]
    fn perl_compat_escapes_quotes_in_a_port() {
        let cookie = SetCookie::new("a", "b").with("Port", Some("80\"; Secure; x=\"".into())).perl_compat();
        assert_eq!(cookie.to_string(), "a=b; Port=\"80\\\"; Secure; x=\\\"\"; Version=1");
    }

    #[test]
    fn debug_hides_the_value() {
        let shown = format!("{:?}", SetCookie::new("a", "secret").path("/secret"));
        assert!(shown.contains("\"a\"") && !shown.contains("secret"), "{shown}");
    }

    proptest! {
        #[test]
        fn roundtrips_any_parsed_cookie(field: Vec<u8>) {
            if let Some(cookie) = SetCookie::parse(&field) {
                prop_assert_eq!(SetCookie::parse(&cookie.to_bytes()), Some(cookie));
            }
        }
    }
}
