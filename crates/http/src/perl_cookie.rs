//! The cookie grammar of Perl's `Protocol::WebSocket`, which follows RFC 2965.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use core::str::from_utf8;

use crate::cookie_syntax::{is_printable, write_word_or_quoted};
use crate::error::BuildError;
use crate::grammar::trim;

/// A cookie that a client sent, with the quotes and attributes of RFC 2965 §3.3.4 and Perl's `Protocol::WebSocket`.
///
/// Use this type only for peers that were written against Perl's module. Browsers do not use this grammar, and it can hide
/// a cookie in the value of another one: `theme="a; session=…; z=b"` is one cookie here, and three for
/// [`Cookie`](crate::Cookie).
///
/// `Debug` shows the name alone.
///
/// ```
/// use protocol_websocket_http::PerlCookie;
///
/// let cookies: Vec<_> = PerlCookie::parse("a=1; b = \"2; 3\"; $Path=/b; c").collect();
/// let values: Vec<_> = cookies.iter().map(|cookie| (cookie.name, &*cookie.value)).collect();
/// assert_eq!(values, [("a", &b"1"[..]), ("b", b"2; 3"), ("c", b"")]);
/// assert_eq!(cookies[1].path.as_deref(), Some(&b"/b"[..]));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PerlCookie<'a> {
    /// The name. It may be empty, and other cookies may have the same name.
    pub name: &'a str,
    /// The value without the quotes around it. A cookie without `=` has an empty value.
    pub value: Cow<'a, [u8]>,
    /// The value of the `$Path` that follows the cookie.
    pub path: Option<Cow<'a, [u8]>>,
    /// The value of the `$Domain` that follows the cookie.
    pub domain: Option<Cow<'a, [u8]>>,
    /// The value of the `$Version` that precedes the cookie; 1 otherwise.
    pub version: u32,
}

impl<'a> PerlCookie<'a> {
    /// Parses the value of the header field `Cookie`.
    ///
    /// `$Path` and `$Domain` belong to the cookie before them, `$Version` to the cookies after it. Other names that begin
    /// with `$` are dropped. A pair without `=` is a name with an empty value.
    pub fn parse(field: &'a (impl AsRef<[u8]> + ?Sized)) -> impl Iterator<Item = Self> {
        let mut pairs = Self::pairs(field).peekable();
        let mut version = 1;
        core::iter::from_fn(move || {
            while let Some((name, value)) = pairs.next_if(|(name, _)| name.starts_with('$')) {
                let number = value.as_deref().and_then(|value| from_utf8(value).ok()?.parse().ok());
                if let ("$Version", Some(number)) = (name, number) {
                    version = number;
                }
            }
            let (name, value) = pairs.next()?;
            let mut cookie = Self { name, value: value.unwrap_or_default(), path: None, domain: None, version };
            while let Some((name, value)) = pairs.next_if(|(name, _)| matches!(*name, "$Path" | "$Domain")) {
                *(if name == "$Path" { &mut cookie.path } else { &mut cookie.domain }) = value;
            }
            Some(cookie)
        })
    }

    /// Parses the value of the header field `Cookie` into names and values, including names that begin with `$`. A name
    /// without `=` has no value. A pair whose name is not UTF-8 is dropped.
    ///
    /// A `;` ends a pair, except inside quotes around a whole value. There, `\"` and `\\` stand for `"` and `\`.
    ///
    /// ```
    /// use protocol_websocket_http::PerlCookie;
    ///
    /// let pairs: Vec<_> = PerlCookie::pairs("$Version=1; a=\"b; c\"; d").collect();
    /// assert_eq!(pairs[1], ("a", Some(b"b; c"[..].into())));
    /// assert_eq!(pairs[2], ("d", None));
    /// ```
    pub fn pairs(field: &'a (impl AsRef<[u8]> + ?Sized)) -> impl Iterator<Item = (&'a str, Option<Cow<'a, [u8]>>)> {
        let mut rest = field.as_ref();
        core::iter::from_fn(move || {
            loop {
                let (name, value) = take_pair(&mut rest)?;
                if let Ok(name) = from_utf8(name) {
                    return Some((name, value));
                }
            }
        })
    }

    /// Writes pairs as the value of the header field `Cookie`. [`pairs`](Self::pairs) reads the same pairs from it. A value is
    /// written in quotes if it is empty or has a space, `"`, `,`, `;` or `\`.
    ///
    /// For servers that follow RFC 6265, the quotes are a part of the value, and a `;` inside the quotes ends it.
    /// [`Offer::cookie`](crate::Offer::cookie) rejects a value with a `;`.
    ///
    /// ```
    /// use protocol_websocket_http::PerlCookie;
    ///
    /// let field = PerlCookie::join([("foo", Some("the; re")), ("here", None)])?;
    /// assert_eq!(field, b"foo=\"the; re\"; here");
    /// # Ok::<_, protocol_websocket_http::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::Cookie`] if a name is empty, or has a space, `"`, `,`, `;` or `=`, or if a name or value has a control
    /// character.
    pub fn join<'b>(
        pairs: impl IntoIterator<Item = (&'b str, Option<impl AsRef<[u8]>>)>,
    ) -> Result<Vec<u8>, BuildError> {
        let mut field = Vec::new();
        for (name, value) in pairs {
            let value = value.as_ref().map(AsRef::as_ref);
            if !is_name(name) || !value.is_none_or(is_printable) {
                return Err(BuildError::Cookie);
            }
            if !field.is_empty() {
                field.extend_from_slice(b"; ");
            }
            field.extend_from_slice(name.as_bytes());
            if let Some(value) = value {
                field.push(b'=');
                write_word_or_quoted(&mut field, value);
            }
        }
        Ok(field)
    }
}

/// Shows the name alone.
impl fmt::Debug for PerlCookie<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerlCookie").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns whether the name can be written so that the parser reads the same name.
fn is_name(name: &str) -> bool {
    !name.is_empty() && is_printable(name.as_bytes()) && !name.contains([' ', '"', ',', ';', '='])
}

/// The value of a pair with `=`.
type Value<'a> = Option<Cow<'a, [u8]>>;

/// Removes a pair from the front of `rest`.
fn take_pair<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], Value<'a>)> {
    while let [b' ' | b'\t' | b';', following @ ..] = *rest {
        *rest = following;
    }
    if rest.is_empty() {
        return None;
    }
    let (name, following) = split_before(rest, b"=;");
    let [b'=', value @ ..] = following else {
        *rest = following;
        return Some((trim(name), None));
    };
    let value = skip_spaces(value);
    if let Some((quoted, following)) = quoted(value) {
        *rest = following;
        return Some((trim(name), Some(unescape(quoted))));
    }
    let (value, following) = split_before(value, b";");
    *rest = following;
    Some((trim(name), Some(Cow::Borrowed(trim(value)))))
}

/// Splits text that begins with a quoted value into the text between the quotes and the rest after them. Returns `None` if
/// the pair does not end after the quotes.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let [b'"', inner @ ..] = text else { return None };
    let mut escaped = false;
    let end = inner.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    let (quoted, following) = inner.split_at_checked(end)?;
    let following = skip_spaces(following.get(1..)?);
    matches!(following, [] | [b';', ..]).then_some((quoted, following))
}

fn unescape(quoted: &[u8]) -> Cow<'_, [u8]> {
    if !quoted.contains(&b'\\') {
        return Cow::Borrowed(quoted);
    }
    let (mut text, mut bytes) = (Vec::new(), quoted.iter().copied().peekable());
    while let Some(byte) = bytes.next() {
        let escaped = if byte == b'\\' { bytes.next_if(|next| matches!(next, b'"' | b'\\')) } else { None };
        text.push(escaped.unwrap_or(byte));
    }
    Cow::Owned(text)
}

/// Splits before the first of these bytes, or at the end of the text.
fn split_before<'a>(text: &'a [u8], ends: &[u8]) -> (&'a [u8], &'a [u8]) {
    let at = text.iter().position(|byte| ends.contains(byte)).unwrap_or(text.len());
    debug_assert!(at <= text.len(), "a position in the text");
    text.split_at_checked(at).unwrap_or((text, &[]))
}

fn skip_spaces(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    fn read(field: &str, expected: &[(&str, &str)]) {
        let cookies: Vec<_> = PerlCookie::parse(field).collect();
        let pairs: Vec<_> = cookies.iter().map(|cookie| (cookie.name, from_utf8(&cookie.value).unwrap())).collect();
        assert_eq!(pairs, expected, "{field}");
    }

    #[test]
    fn closed_quotes_hide_separators() {
        read("a=\"b; c\" ; d=\"e\\\"\\\\\\f\"", &[("a", "b; c"), ("d", "e\"\\\\f")]);
        read("a=\"b; a=\"", &[("a", "b; a=")]);
    }

    #[test]
    fn unclosed_quotes_are_part_of_the_value() {
        read("a=\"1; id=7", &[("a", "\"1"), ("id", "7")]);
        read("a=\"1; id=7; b=\"2\"", &[("a", "\"1"), ("id", "7"), ("b", "2")]);
        read("a=b\"c;d\"", &[("a", "b\"c"), ("d\"", "")]);
        read("a=\"b\\\"; c=d", &[("a", "\"b\\\""), ("c", "d")]);
        read("a=b;c", &[("a", "b"), ("c", "")]);
    }

    #[test]
    fn assigns_attributes_to_neighbouring_cookies() {
        let field = "$Path=/x; $Version=2; a=b; $Domain=h; $Path=\"/a b\"; $Port; c=d; $Version=3; e";
        let cookies: Vec<_> = PerlCookie::parse(field).collect();
        let seen: Vec<_> =
            cookies.iter().map(|c| (c.name, c.path.as_deref(), c.domain.as_deref(), c.version)).collect();
        let [path, host]: [&[u8]; 2] = [b"/a b", b"h"];
        assert_eq!(seen, [("a", Some(path), Some(host), 2), ("c", None, None, 2), ("e", None, None, 3)]);
        assert_eq!(PerlCookie::parse("$Version=x; a").next().map(|cookie| cookie.version), Some(1));
    }

    #[test]
    fn keeps_octets_and_drops_only_invalid_pairs() {
        let pairs: Vec<_> = PerlCookie::pairs(b"a=\"\xFF;\"; \xFF=1; b").collect();
        assert_eq!(pairs, [("a", Some(Cow::Borrowed(&b"\xFF;"[..]))), ("b", None)]);
        assert_eq!(PerlCookie::join(pairs), Ok(b"a=\"\xFF;\"; b".to_vec()));
    }

    #[test]
    fn rejects_names_and_values_that_cannot_be_read_back() {
        for bad in [("", None), ("a b", None), ("a", Some("b\tc")), ("a", Some("\r\n"))] {
            assert_eq!(PerlCookie::join([bad]), Err(BuildError::Cookie));
        }
    }

    #[test]
    fn debug_hides_the_value() {
        let shown = format!("{:?}", PerlCookie::parse("a=secret; $Path=/secret").next());
        assert!(shown.contains("\"a\"") && !shown.contains("secret"), "{shown}");
    }

    proptest! {
        #[test]
        fn roundtrips_joined_pairs(
            sent in prop::collection::vec(("[a-z$]{1,3}", prop::option::of(r#"[ab ",;=\\é]{0,6}"#)), 0..5),
        ) {
            let field = PerlCookie::join(sent.iter().map(|(name, value)| (&**name, value.as_ref()))).unwrap();
            let value = |value: Cow<'_, [u8]>| String::from_utf8(value.into_owned()).unwrap();
            let read: Vec<_> = PerlCookie::pairs(&field).map(|(name, read)| (name.into(), read.map(value))).collect();
            prop_assert_eq!(read, sent);
        }

        #[test]
        fn parses_any_octets(field: Vec<u8>) {
            PerlCookie::parse(&field).for_each(drop);
        }
    }
}
