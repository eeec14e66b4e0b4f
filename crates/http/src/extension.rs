//! The list of extensions in `Sec-WebSocket-Extensions` (RFC 6455 §9.1).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use protocol_websocket_core::ExtensionParams;

use crate::error::ParseError;
use crate::grammar::{is_token, is_token_char, token_len};

/// Parses a list of extensions, such as the value of `Sec-WebSocket-Extensions` (RFC 6455 §9.1).
///
/// ```
/// use protocol_websocket_http::{ExtensionParams, parse_extensions};
///
/// let list = parse_extensions("permessage-deflate;client_no_context_takeover; x=\"15\", y")?;
/// let deflate = ExtensionParams::new("permessage-deflate").flag("client_no_context_takeover").param("x", "15");
/// assert_eq!(list, [deflate, ExtensionParams::new("y")]);
/// # Ok::<_, protocol_websocket_http::ParseError>(())
/// ```
///
/// # Errors
///
/// [`ParseError::Extensions`] if the value is not a list as in RFC 6455 §9.1, or has more than
/// [`ExtensionParams::MAX_ITEMS`] extensions and parameters together.
pub fn parse_extensions(value: impl AsRef<[u8]>) -> Result<Vec<ExtensionParams>, ParseError> {
    list(core::iter::once(value.as_ref())).map_err(|Malformed| ParseError::Extensions)
}

/// Returns whether the name, and the names and values of all parameters, are tokens.
pub(crate) fn is_valid(extension: &ExtensionParams) -> bool {
    is_token(extension.name().as_bytes())
        && extension.params().iter().all(|(name, value)| {
            is_token(name.as_bytes()) && value.as_ref().is_none_or(|value| is_token(value.as_bytes()))
        })
}

/// Parses the list that the values of all `Sec-WebSocket-Extensions` fields form together.
pub(crate) fn list<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ExtensionParams>, Malformed> {
    let mut list: Vec<ExtensionParams> = Vec::new();
    scan(values, |item| match item {
        Item::Extension(name) => list.push(ExtensionParams::new(text(name))),
        Item::Param(name, value) => {
            let extension = list.pop().map(|extension| match value {
                Some(value) => extension.param(text(name), text(&value)),
                None => extension.flag(text(name)),
            });
            list.extend(extension);
        }
    })?;
    Ok(list)
}

/// The value is not a list of extensions (RFC 6455 §9.1).
#[derive(Debug)]
pub(crate) struct Malformed;

/// An element of the list, or a parameter of the element before it.
pub(crate) enum Item<'a> {
    Extension(&'a [u8]),
    Param(&'a [u8], Option<Cow<'a, [u8]>>),
}

fn text(token: &[u8]) -> String {
    // Tokens are ASCII.
    String::from_utf8_lossy(token).into_owned()
}

/// Parses the list in one pass. Allocates only for a quoted value with a backslash.
pub(crate) fn scan<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    mut visit: impl FnMut(Item<'a>),
) -> Result<(), Malformed> {
    let mut items = 0;
    let mut visit = |item| {
        items += 1;
        visit(item);
        if items > ExtensionParams::MAX_ITEMS { Err(Malformed) } else { Ok(()) }
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
    // The list must have at least one element.
    if items == 0 { Err(Malformed) } else { Ok(()) }
}

/// The bytes of a value that are not parsed yet.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn skip_spaces(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// Skips this byte and the spaces around it. Returns `false`, and skips only the spaces, if another byte is next.
    fn skip(&mut self, byte: u8) -> bool {
        self.skip_spaces();
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = self.0.get(1..).unwrap_or_default();
            self.skip_spaces();
        }
        found
    }

    fn token(&mut self) -> Result<&'a [u8], Malformed> {
        let (token, rest) = self.0.split_at_checked(token_len(self.0)).ok_or(Malformed)?;
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
        let list = super::list(values.iter().map(|value| value.as_bytes())).ok()?;
        Some(list.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn parses_one_list_from_all_fields() {
        assert_eq!(list(&["a", "b; c=1;d , e", " ,f\t;\tg = \"h\","]).unwrap(), ["a", "b; c=1; d", "e", "f; g=h"]);
        // The examples of RFC 6455 §9.1.
        assert_eq!(list(&["foo", "bar; baz=2"]), list(&["foo, bar; baz=2"]));
        assert_eq!(list(&["deflate-stream"]).unwrap(), ["deflate-stream"]);
        assert_eq!(
            list(&["mux; max-channels=4; flow-control, deflate-stream"]).unwrap(),
            ["mux; max-channels=4; flow-control", "deflate-stream"]
        );
        assert_eq!(list(&["private-extension"]).unwrap(), ["private-extension"]);
    }

    #[test]
    fn rejects_malformed_lists() {
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
    fn quoted_values_cannot_contain_an_offer() {
        assert_eq!(list(&["x; y=\",permessage-deflate,\""]), None);
        assert_eq!(list(&["x; y=\"\\a\\b\", z"]).unwrap(), ["x; y=ab", "z"]);
        assert_eq!(list(&["x; y=\"a\\b\""]).unwrap(), ["x; y=ab"]);
        assert_eq!(list(&["x; y=\"a\\bc\\de\""]).unwrap(), ["x; y=abcde"]);
    }

    #[test]
    fn rejects_too_many_items() {
        let flags = |count: usize| format!("a{}", ";b".repeat(count - 1));
        assert!(list(&[&flags(64)]).is_some());
        assert!(list(&[&flags(65)]).is_none());
        assert!(list(&[&flags(32), &flags(32)]).is_some());
        assert!(list(&[&flags(32), &flags(33)]).is_none());
    }

    #[test]
    fn keeps_parameters_in_order() {
        let list = parse_extensions("a; b=1; c; b=\"2\", d").unwrap();
        let a = ExtensionParams::new("a").param("b", "1").flag("c").param("b", "2");
        assert_eq!(list, [a, ExtensionParams::new("d")]);
        assert_eq!(parse_extensions("a;"), Err(ParseError::Extensions));
    }

    #[test]
    fn rejects_names_and_values_that_are_not_tokens() {
        assert!(is_valid(&ExtensionParams::new("a").flag("b").param("c", "d")));
        for bad in [
            ExtensionParams::new(""),
            ExtensionParams::new("a, b"),
            ExtensionParams::new("a").flag("b\r\n"),
            ExtensionParams::new("a").param("b", ""),
            ExtensionParams::new("a").param("b", "c;d"),
        ] {
            assert!(!is_valid(&bad), "{bad:?}");
        }
    }
}
