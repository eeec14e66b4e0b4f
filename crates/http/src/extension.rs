use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::ParseError;
use crate::grammar::{is_token, is_token_char};

/// An extension with its parameters, as one end offers it and the other accepts it (RFC 6455 §9.1).
///
/// What the parameters mean is for the extension to say. Names and values are compared as they are, case included.
///
/// `Debug` shows the parameters of `permessage-deflate` alone: another extension's may be secrets.
///
/// ```
/// use protocol_websocket_http::Extension;
///
/// let extension = Extension::new("permessage-deflate").flag("client_no_context_takeover").param("x", "15");
/// assert_eq!(extension.to_string(), "permessage-deflate; client_no_context_takeover; x=15");
/// assert_eq!("permessage-deflate;client_no_context_takeover; x=\"15\"".parse(), Ok(extension));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Extension {
    name: String,
    params: Vec<(String, Option<String>)>,
}

impl Extension {
    /// How many extensions and parameters together one head may list.
    pub const MAX_ITEMS: usize = 64;

    /// An extension without parameters. Whether all is made of tokens is checked when a head is built with it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), params: Vec::new() }
    }

    /// Appends a parameter without a value.
    #[must_use]
    pub fn flag(mut self, name: impl Into<String>) -> Self {
        self.params.push((name.into(), None));
        self
    }

    /// Appends a parameter with a value.
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), Some(value.into())));
        self
    }

    /// The name, such as `permessage-deflate`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters in their order, repeated ones too. A flag has no value.
    #[must_use]
    pub fn params(&self) -> &[(String, Option<String>)] {
        &self.params
    }

    /// Whether it is all tokens.
    pub(crate) fn is_valid(&self) -> bool {
        is_token(self.name.as_bytes())
            && self.params.iter().all(|(name, value)| {
                is_token(name.as_bytes()) && value.as_ref().is_none_or(|value| is_token(value.as_bytes()))
            })
    }

    /// Reads the list that the values of all fields `Sec-WebSocket-Extensions` make together.
    pub(crate) fn list<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Self>, Malformed> {
        let mut list: Vec<Self> = Vec::new();
        scan(values, |item| match item {
            Item::Extension(name) => list.push(Self::new(text(name))),
            Item::Param(name, value) => {
                if let Some(extension) = list.last_mut() {
                    extension.params.push((text(name), value.map(|value| text(&value))));
                }
            }
        })?;
        Ok(list)
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.params {
            write!(f, "; {name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

/// Shows the name, and the parameters of `permessage-deflate`.
impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.params.is_empty() || self.name == "permessage-deflate" {
            write!(f, "{:?}", alloc::format!("{self}"))
        } else {
            write!(f, "{:?}", alloc::format!("{}; (hidden)", self.name))
        }
    }
}

impl FromStr for Extension {
    type Err = ParseError;

    /// Reads a single extension.
    ///
    /// # Errors
    ///
    /// [`ParseError::Extensions`] if it is not exactly one, as RFC 6455 §9.1 has it.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut list = Self::list(core::iter::once(text.as_bytes())).map_err(|Malformed| ParseError::Extensions)?;
        list.pop().filter(|_| list.is_empty()).ok_or(ParseError::Extensions)
    }
}

/// Not a list as RFC 6455 §9.1 has it.
#[derive(Debug)]
pub(crate) struct Malformed;

pub(crate) enum Item<'a> {
    Extension(&'a [u8]),
    Param(&'a [u8], Option<Cow<'a, [u8]>>),
}

fn text(token: &[u8]) -> String {
    // Tokens are ASCII.
    String::from_utf8_lossy(token).into_owned()
}

/// Reads the list in one pass and without memory of its own, unless a value is quoted and has a backslash.
pub(crate) fn scan<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    mut visit: impl FnMut(Item<'a>),
) -> Result<(), Malformed> {
    let mut items = 0;
    let mut visit = |item| {
        items += 1;
        visit(item);
        if items > Extension::MAX_ITEMS { Err(Malformed) } else { Ok(()) }
    };
    for value in values {
        let mut rest = Cursor(value);
        loop {
            while rest.skip(b',') {}
            if rest.0.is_empty() {
                break;
            }
            visit(Item::Extension(rest.token()?))?;
            while rest.skip(b';') {
                let name = rest.token()?;
                let value = if rest.skip(b'=') { Some(rest.value()?) } else { None };
                visit(Item::Param(name, value))?;
            }
            if !rest.0.is_empty() && !rest.skip(b',') {
                return Err(Malformed);
            }
        }
    }
    // The list has at least one element.
    if items == 0 { Err(Malformed) } else { Ok(()) }
}

/// What is left of a value. Blanks between its parts are skipped.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn blanks(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// Takes this byte and the blanks around it, if it comes next.
    fn skip(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = self.0.get(1..).unwrap_or_default();
            self.blanks();
        }
        found
    }

    fn token(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.0.iter().position(|&byte| !is_token_char(byte)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        if token.is_empty() { Err(Malformed) } else { Ok(token) }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# When using the quoted-string syntax
    //# variant, the value after quoted-string unescaping MUST conform to
    //# the 'token' ABNF.
    fn value(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        let [b'"', quoted @ ..] = self.0 else { return self.token().map(Cow::Borrowed) };
        self.0 = quoted;
        let mut value = Cow::Borrowed(&[][..]);
        loop {
            match self.0 {
                [b'"', rest @ ..] if !value.is_empty() => {
                    self.0 = rest;
                    return Ok(value);
                }
                [b'\\', escaped, rest @ ..] if is_token_char(*escaped) => {
                    self.0 = rest;
                    value.to_mut().push(*escaped);
                }
                _ if value.is_empty() => value = Cow::Borrowed(self.token()?),
                _ => value.to_mut().extend_from_slice(self.token()?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    fn list(values: &[&str]) -> Option<Vec<String>> {
        let list = Extension::list(values.iter().map(|value| value.as_bytes())).ok()?;
        Some(list.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn lists_run_over_all_fields() {
        assert_eq!(list(&["a", "b; c=1;d , e", " ,f\t;\tg = \"h\","]).unwrap(), ["a", "b; c=1; d", "e", "f; g=h"]);
        // RFC 6455 §9.1's own examples.
        assert_eq!(list(&["foo", "bar; baz=2"]), list(&["foo, bar; baz=2"]));
        assert_eq!(list(&["deflate-stream"]).unwrap(), ["deflate-stream"]);
        assert_eq!(
            list(&["mux; max-channels=4; flow-control, deflate-stream"]).unwrap(),
            ["mux; max-channels=4; flow-control", "deflate-stream"]
        );
        assert_eq!(list(&["private-extension"]).unwrap(), ["private-extension"]);
    }

    #[test]
    fn malformed_lists_are_refused() {
        for bad in [
            "",
            " ",
            ",",
            "a b",
            "a;",
            "a;;b",
            "a; b=",
            "a; =b",
            "a; b=\"",
            "a; b=\"c",
            "a; b=\"\"",
            "a; b=\"c d\"",
            "a; b=\"c\"d",
            "a; b=\"\\",
            "a; b=\"\\\"",
            "a; b=\"\\ \"",
            "a=b",
            "a; b c",
            "a/b",
            "a; b=é",
            "é",
            "\"a\"",
            "a; b=\"c\\\"\"",
        ] {
            assert_eq!(list(&[bad]), None, "{bad:?}");
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# the value after quoted-string unescaping MUST conform
    #[test]
    fn quoted_values_hide_no_offer() {
        assert_eq!(list(&["x; y=\",permessage-deflate,\""]), None);
        assert_eq!(list(&["x; y=\"\\a\\b\", z"]).unwrap(), ["x; y=ab", "z"]);
        assert_eq!(list(&["x; y=\"a\\b\""]).unwrap(), ["x; y=ab"]);
        assert_eq!(list(&["x; y=\"a\\bc\\de\""]).unwrap(), ["x; y=abcde"]);
    }

    #[test]
    fn items_are_limited() {
        let flags = |count: usize| format!("a{}", ";b".repeat(count - 1));
        assert!(list(&[&flags(64)]).is_some());
        assert!(list(&[&flags(65)]).is_none());
        assert!(list(&[&flags(32), &flags(32)]).is_some());
        assert!(list(&[&flags(32), &flags(33)]).is_none());
    }

    #[test]
    fn one_extension_is_one() {
        assert!("a".parse::<Extension>().is_ok());
        assert_eq!("a, b".parse::<Extension>(), Err(ParseError::Extensions));
    }

    #[test]
    fn parameters_are_there_in_their_order() {
        let extension: Extension = "a; b=1; c; b=\"2\"".parse().unwrap();
        let param = |name: &str, value: Option<&str>| (name.into(), value.map(Into::into));
        assert_eq!(extension.name(), "a");
        assert_eq!(extension.params(), [param("b", Some("1")), param("c", None), param("b", Some("2"))]);
    }

    #[test]
    fn only_tokens_are_valid() {
        assert!(Extension::new("a").flag("b").param("c", "d").is_valid());
        for bad in [
            Extension::new(""),
            Extension::new("a, b"),
            Extension::new("a").flag("b\r\n"),
            Extension::new("a").param("b", ""),
            Extension::new("a").param("b", "c;d"),
        ] {
            assert!(!bad.is_valid(), "{bad:?}");
        }
    }
}
