//! The characters of cookies, by RFC 6265 and by RFC 2965.

use alloc::vec::Vec;

use crate::grammar::{is_token, trim};

/// Returns whether a client may send this cookie. Like browsers, it may send more values than the grammar of RFC 6265
/// allows.
///
/// A `"` is valid only around the whole value, as in RFC 6265 §4.1.1. A value in quotes must not have a `\`, because a
/// server that reads the quotes of RFC 2965 could read `\"` as an escaped quote, and the following cookies as a part of
/// the value.
pub(crate) fn is_pair(name: &str, value: &[u8]) -> bool {
    let (inner, forbidden): (_, &[u8]) = match value {
        [b'"', inner @ .., b'"'] => (inner, b"\";\\"),
        value => (value, b"\";"),
    };
    is_token(name.as_bytes())
        && is_printable(value)
        && !inner.iter().any(|byte| forbidden.contains(byte))
        && trim(value).len() == value.len()
}

/// Returns whether the text has no control character. Octets above ASCII are printable here.
pub(crate) fn is_printable(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte >= b' ' && byte != 0x7F)
}

/// Returns whether the byte ends a word of RFC 2965, or has a meaning in quotes.
pub(crate) const fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b',' | b';' | b'\\')
}

/// Appends a value, in quotes unless it is a word of RFC 2965.
pub(crate) fn write_word_or_quoted(output: &mut Vec<u8>, value: &[u8]) {
    if value.is_empty() || value.iter().any(|&byte| byte == b' ' || is_special(byte)) {
        write_quoted(output, value);
    } else {
        output.extend_from_slice(value);
    }
}

/// Appends a value in quotes.
pub(crate) fn write_quoted(output: &mut Vec<u8>, value: &[u8]) {
    output.push(b'"');
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            output.push(b'\\');
        }
        output.push(byte);
    }
    output.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_values_that_browsers_send() {
        for good in [&b"b c,d"[..], b"", b"\xFF", b"\\", b"\"b c,d\"", b"\"\""] {
            assert!(is_pair("a", good), "{}", good.escape_ascii());
        }
    }

    #[test]
    fn rejects_values_that_end_early_or_hide_other_cookies() {
        for bad in [&b"b;c"[..], b" b", b"b\n", b"\"", b"\"b", b"b\"", b"b\"c", b"\"b\"c\"", b"\"b\\\"", b"\"b;c\""] {
            assert!(!is_pair("a", bad), "{}", bad.escape_ascii());
        }
        assert!(!is_pair("", b"b"));
    }
}
