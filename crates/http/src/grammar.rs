//! The basic rules of RFC 9110, RFC 9112, RFC 3986 and RFC 4648 for the texts in a head. The byte tests use one table, because
//! every byte of a handshake passes through them.

use alloc::string::String;
use core::net::Ipv6Addr;
use core::str::from_utf8;

/// For each byte, the character sets that contain it.
const SETS: [u8; 256] = {
    let mut sets = [0; 256];
    let mut rest: &mut [u8] = &mut sets;
    let mut byte = 0_u8;
    while let [set, others @ ..] = rest {
        let is_alphanumeric = byte.is_ascii_alphanumeric();
        if byte.is_ascii_graphic() {
            *set |= VISIBLE;
        }
        if is_alphanumeric
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        {
            *set |= TOKEN;
        }
        if is_alphanumeric || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=') {
            *set |= NAME;
        }
        if is_alphanumeric || matches!(byte, b'+' | b'/') {
            *set |= BASE64;
        }
        (rest, byte) = (others, byte.wrapping_add(1));
    }
    sets
};

/// Printable ASCII without the space.
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

/// Returns whether there is at least one byte, and all bytes are in the set.
fn all_in(text: &[u8], set: u8) -> bool {
    !text.is_empty() && text.iter().fold(set, |common, &byte| common & sets(byte)) != 0
}

/// Returns whether the text is a token (RFC 9110 §5.6.2). RFC 2616, to which RFC 6455 refers, has the same tokens.
pub(crate) fn is_token(text: &[u8]) -> bool {
    all_in(text, TOKEN)
}

/// Returns the length of the token at the front of the text. It is 0 if the first byte is not in a token.
pub(crate) fn token_len(text: &[u8]) -> usize {
    // Eight bytes at a time, without a test of each byte.
    let (chunks, _) = text.as_chunks::<8>();
    let whole = 8 * chunks.iter().take_while(|chunk| is_token(*chunk)).count();
    let rest = text.get(whole..).unwrap_or_default();
    whole + rest.iter().position(|&byte| !is_token_char(byte)).unwrap_or(rest.len())
}

pub(crate) fn is_token_char(byte: u8) -> bool {
    is_in(byte, TOKEN)
}

/// Returns whether the text is a field value (RFC 9110 §5.5): no control character except the tab, and no space or tab at
/// either end.
pub(crate) fn is_value(value: &[u8]) -> bool {
    is_text(value) && trim(value).len() == value.len()
}

/// Returns whether the text has no control character except the tab.
pub(crate) fn is_text(text: &[u8]) -> bool {
    // The loop has no early return, so that the compiler can use vector instructions.
    text.iter().fold(true, |is_text, &byte| is_text & (byte == b'\t' || (byte >= b' ' && byte != 0x7F)))
}

/// Returns whether the text is printable ASCII without spaces, and not empty.
pub(crate) fn is_visible(text: &[u8]) -> bool {
    all_in(text, VISIBLE)
}

/// Returns whether the text is UTF-8. ASCII is the fast path.
#[inline]
pub(crate) fn is_utf8(text: &[u8]) -> bool {
    text.is_ascii() || from_utf8(text).is_ok()
}

/// Returns whether the text can be the value of `Origin`. It may be a list of origins (RFC 6454 §7.1).
pub(crate) fn is_origin(text: &[u8]) -> bool {
    !text.is_empty() && is_value(text) && is_utf8(text)
}

/// Returns whether the text is a path and query as in a request line.
pub(crate) fn is_resource_name(text: &[u8]) -> bool {
    text.starts_with(b"/") && is_visible(text) && !text.contains(&b'#')
}

/// Returns whether the text is a host with an optional port, as in `Host` (RFC 9110 §7.2).
pub(crate) fn is_host(text: &[u8]) -> bool {
    // A name without a port.
    if all_in(text, NAME) {
        return true;
    }
    let (host_is_valid, port) = match text.strip_prefix(b"[") {
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
    host_is_valid
        && match port {
            Some([]) => true,
            Some([b':', port @ ..]) => is_port(port),
            _ => false,
        }
}

/// Returns whether the text is a `reg-name` (RFC 3986 §3.2.2) and not empty.
fn is_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        let is_valid = is_in(byte, NAME)
            || byte == b'%'
                && bytes.next().is_some_and(u8::is_ascii_hexdigit)
                && bytes.next().is_some_and(u8::is_ascii_hexdigit);
        if !is_valid {
            return false;
        }
    }
    !name.is_empty()
}

fn is_port(port: &[u8]) -> bool {
    let mut digits = port.iter().map(|byte| byte.is_ascii_digit().then(|| u16::from(byte - b'0')));
    digits.try_fold(0_u16, |port, digit| port.checked_mul(10)?.checked_add(digit?)).is_some()
}

/// Returns whether the text is the base64 (RFC 4648 §4) of 16 bytes. The unused bits of the last symbol may have any value.
pub(crate) fn is_base64_of_16(text: &[u8; 24]) -> bool {
    matches!(text, [symbols @ .., b'=', b'='] if all_in(symbols, BASE64))
}

/// Returns whether the text is base64 (RFC 4648 §4) of at least one symbol, with or without padding.
pub(crate) fn is_base64(text: &[u8]) -> bool {
    match text {
        [symbols @ .., b'=', b'='] | [symbols @ .., b'='] => all_in(symbols, BASE64),
        symbols => all_in(symbols, BASE64),
    }
}

/// Removes spaces and tabs at both ends (RFC 9110 §5.6.3, optional whitespace).
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Iterates over the elements of a list (RFC 9110 §5.6.1). Empty elements are skipped.
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// Returns whether the list that these values form contains the token, without regard to ASCII case.
#[inline]
pub(crate) fn contains_token<'a>(mut values: impl Iterator<Item = &'a [u8]>, token: &[u8]) -> bool {
    // Most values are the token alone.
    values.any(|value| is_same(value, token) || elements(value).any(|element| is_same(element, token)))
}

/// Compares without regard to ASCII case. Equal bytes are the fast path.
#[inline]
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

/// Appends an element to a list (RFC 9110 §5.6.1).
pub(crate) fn push_element(list: &mut String, element: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(element);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_tokens_of_rfc_9110() {
        let others = b"\"(),/:;<=>?@[\\]{} \t\x7F";
        for byte in 0..=255 {
            let expected = byte > b' ' && byte < 0x7F && !others.contains(&byte);
            assert_eq!(is_token(&[b'a', byte]), expected, "{byte:#x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn finds_the_end_of_a_token() {
        for len in 0..40 {
            let token = "a".repeat(len);
            assert_eq!(token_len(token.as_bytes()), len);
            for end in [";", " ", "=1", ",aaaaaaaaaaaaaaaaaaaa", "\0", "\u{e9}"] {
                assert_eq!(token_len([&*token, end].concat().as_bytes()), len, "{len} before {end:?}");
            }
        }
    }

    #[test]
    fn rejects_values_with_controls_or_outer_whitespace() {
        assert!(is_value(b"") && is_value(b"a\tb c\xFF"));
        for bad in [&b" a"[..], b"a\t", b"a\r", b"a\nb", b"\0", b"a\x7F", b"\x1F"] {
            assert!(!is_value(bad), "{bad:?}");
        }
    }

    #[test]
    fn accepts_hosts_with_optional_port() {
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
            // The comma is valid: it is a sub-delim of RFC 3986.
            assert_eq!(is_host(bad.as_bytes()), bad == "a,b", "{bad}");
        }
    }

    #[test]
    fn skips_empty_list_elements() {
        let found: alloc::vec::Vec<_> = elements(b" ,a , b\t,,c").collect();
        assert_eq!(found, [b"a", b"b", b"c"]);
        assert_eq!(elements(b" , ").count(), 0);
    }

    #[test]
    fn finds_whole_list_elements_in_any_case() {
        let contains = |values: &[&str]| contains_token(values.iter().map(|value| value.as_bytes()), b"websocket");
        assert!(contains(&["WebSocket"]) && contains(&["h2c,\t WebSocket"]) && contains(&["", "h2c", "websocket,"]));
        assert!(
            !contains(&["web\u{17F}ocket"])
                && !contains(&["websockets", "web, socket", "web socket"])
                && !contains(&[])
        );
    }
}
