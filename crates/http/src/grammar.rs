//! The small rules of RFC 9110 and RFC 9112 that every head is made of.

use core::net::Ipv6Addr;
use core::str::from_utf8;

/// The sets of bytes to which each byte belongs.
const SETS: [u8; 256] = {
    let mut sets = [0; 256];
    let mut rest: &mut [u8] = &mut sets;
    let mut byte = 0_u8;
    while let [set, others @ ..] = rest {
        let is_common = byte.is_ascii_alphanumeric();
        if byte.is_ascii_graphic() {
            *set |= VISIBLE;
        }
        if is_common || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~') {
            *set |= TOKEN;
        }
        if is_common || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=') {
            *set |= NAME;
        }
        if is_common || matches!(byte, b'+' | b'/') {
            *set |= BASE64;
        }
        (rest, byte) = (others, byte.wrapping_add(1));
    }
    sets
};

/// Printable ASCII without the blank.
const VISIBLE: u8 = 1;
/// RFC 9110 §5.6.2, `tchar`.
const TOKEN: u8 = 2;
/// RFC 3986 §3.2.2, `reg-name`, without the percent sign.
const NAME: u8 = 4;
/// RFC 4648 §4, without the padding.
const BASE64: u8 = 8;

fn is_in(byte: u8, set: u8) -> bool {
    sets(byte) & set != 0
}

fn sets(byte: u8) -> u8 {
    SETS.get(usize::from(byte)).copied().unwrap_or_default()
}

/// At least one byte, and all of them in the set.
fn all_in(text: &[u8], set: u8) -> bool {
    !text.is_empty() && text.iter().fold(set, |common, &byte| common & sets(byte)) != 0
}

/// Tokens as RFC 9110 §5.6.2 has them; RFC 2616's, to which RFC 6455 refers, are the same.
pub(crate) fn is_token(text: &[u8]) -> bool {
    all_in(text, TOKEN)
}

pub(crate) fn is_token_char(byte: u8) -> bool {
    is_in(byte, TOKEN)
}

/// A field's value (RFC 9110 §5.5): no control character but the tab, no blank at either end.
pub(crate) fn is_value(value: &[u8]) -> bool {
    is_text(value) && trim(value).len() == value.len()
}

/// No control character but the tab.
pub(crate) fn is_text(text: &[u8]) -> bool {
    // Without an early return the compiler uses vector instructions.
    text.iter().fold(true, |is_text, &byte| is_text & (byte == b'\t' || (byte >= b' ' && byte != 0x7F)))
}

/// Printable ASCII without the blank, at least one character.
pub(crate) fn is_visible(text: &[u8]) -> bool {
    all_in(text, VISIBLE)
}

/// An origin as it stands in a header field: what is between its ends may be a list of origins (RFC 6454 §7.1).
pub(crate) fn is_origin(text: &[u8]) -> bool {
    !text.is_empty() && is_value(text) && from_utf8(text).is_ok()
}

/// A path and query as it stands in a request line.
pub(crate) fn is_resource_name(text: &[u8]) -> bool {
    text.starts_with(b"/") && is_visible(text) && !text.contains(&b'#')
}

/// A host and perhaps a port, as RFC 9110 §7.2 has them in `Host`.
pub(crate) fn is_host(text: &[u8]) -> bool {
    // A name without a port.
    if all_in(text, NAME) {
        return true;
    }
    let (host_is_good, port) = match text.strip_prefix(b"[") {
        Some(text) => {
            let (address, port) = text.split_at(text.iter().position(|&byte| byte == b']').unwrap_or(text.len()));
            let is_address = from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok());
            (is_address, port.strip_prefix(b"]"))
        }
        None => {
            let (name, port) = text.split_at(text.iter().position(|&byte| byte == b':').unwrap_or(text.len()));
            (is_name(name), Some(port))
        }
    };
    host_is_good
        && match port {
            Some([]) => true,
            Some([b':', port @ ..]) => is_port(port),
            _ => false,
        }
}

/// RFC 3986 §3.2.2, `reg-name`, but never empty.
fn is_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        let good = is_in(byte, NAME)
            || byte == b'%'
                && bytes.next().is_some_and(u8::is_ascii_hexdigit)
                && bytes.next().is_some_and(u8::is_ascii_hexdigit);
        if !good {
            return false;
        }
    }
    !name.is_empty()
}

fn is_port(port: &[u8]) -> bool {
    let mut digits = port.iter().map(|byte| byte.is_ascii_digit().then(|| u16::from(byte - b'0')));
    digits.try_fold(0_u16, |port, digit| port.checked_mul(10)?.checked_add(digit?)).is_some()
}

/// What base64 (RFC 4648 §4) makes of 16 bytes. Its last symbol's unused bits may be anything.
pub(crate) fn is_base64_of_16(text: &[u8; 24]) -> bool {
    matches!(text, [symbols @ .., b'=', b'='] if all_in(symbols, BASE64))
}

/// Base64 (RFC 4648 §4) of at least one symbol, with the padding that belongs to it or without.
pub(crate) fn is_base64(text: &[u8]) -> bool {
    match text {
        [symbols @ .., b'=', b'='] | [symbols @ .., b'='] => all_in(symbols, BASE64),
        symbols => all_in(symbols, BASE64),
    }
}

/// Without blanks and tabs at either end: RFC 9110's optional white space.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// The elements of a list (RFC 9110 §5.6.1); empty ones count for nothing.
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// Whether a list over these values names this token, in any case.
#[inline]
pub(crate) fn names<'a>(mut values: impl Iterator<Item = &'a [u8]>, token: &[u8]) -> bool {
    // Mostly it is all that there is.
    values.any(|value| is_same(value, token) || elements(value).any(|element| is_same(element, token)))
}

/// Whether both are the same in any ASCII case. It is fastest when they are the same.
#[inline]
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_the_standard() {
        let others = b"\"(),/:;<=>?@[\\]{} \t\x7F";
        for byte in 0..=255 {
            let expected = byte > b' ' && byte < 0x7F && !others.contains(&byte);
            assert_eq!(is_token(&[b'a', byte]), expected, "{byte:#x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn values_have_no_controls_and_no_blanks_around() {
        assert!(is_value(b"") && is_value(b"a\tb c\xFF"));
        for bad in [&b" a"[..], b"a\t", b"a\r", b"a\nb", b"\0", b"a\x7F", b"\x1F"] {
            assert!(!is_value(bad), "{bad:?}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses_with_a_port() {
        for good in ["0", "example.com", "a_b:80", "a:", "127.0.0.1:65535", "[::1]", "[2001:db8::1]:443", "x%41y"] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a:65536",
            "a:+1",
            "a:b",
            "a/b",
            "u@a",
            "[::1",
            "::1",
            "[]",
            "[::1]80",
            "a%4",
            "a%zz",
            "a,b",
            "a\t",
            "é",
            "[::1%25lo]",
            "a?b",
            "a#b",
            "a\\b",
            "[a]",
        ] {
            // The comma is a sub-delim of RFC 3986, and stays one here.
            assert_eq!(is_host(bad.as_bytes()), bad == "a,b", "{bad}");
        }
    }

    #[test]
    fn lists_skip_empty_elements() {
        let found: alloc::vec::Vec<_> = elements(b" ,a , b\t,,c").collect();
        assert_eq!(found, [b"a", b"b", b"c"]);
        assert_eq!(elements(b" , ").count(), 0);
    }

    #[test]
    fn names_are_whole_elements_in_any_case() {
        let names = |values: &[&str]| names(values.iter().map(|value| value.as_bytes()), b"websocket");
        assert!(names(&["WebSocket"]) && names(&["h2c,\t WebSocket"]) && names(&["", "h2c", "websocket,"]));
        assert!(!names(&["web\u{17F}ocket"]) && !names(&["websockets", "web, socket", "web socket"]) && !names(&[]));
    }
}
