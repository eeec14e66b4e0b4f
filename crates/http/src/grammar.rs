//! The small rules of RFC 9110 and RFC 9112 that every head is made of.

use core::net::Ipv6Addr;
use core::str::from_utf8;

/// Tokens as RFC 9110 §5.6.2 has them; RFC 2616's, to which RFC 6455 refers, are the same.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_char)
}

pub(crate) const fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// A field's value (RFC 9110 §5.5): no control character but the tab, no blank at either end.
pub(crate) fn is_value(value: &[u8]) -> bool {
    is_text(value) && trim(value).len() == value.len()
}

/// No control character but the tab.
pub(crate) fn is_text(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7F))
}

/// Printable ASCII without the blank, at least one character.
pub(crate) fn is_visible(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_graphic)
}

/// A path and query as it stands in a request line.
pub(crate) fn is_resource_name(text: &[u8]) -> bool {
    text.starts_with(b"/") && is_visible(text) && !text.contains(&b'#')
}

/// A host and perhaps a port, as RFC 9110 §7.2 has them in `Host`.
pub(crate) fn is_host(text: &[u8]) -> bool {
    let Ok(text) = from_utf8(text) else { return false };
    let (host_is_good, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (is_name(name.as_bytes()), port)
        }
    };
    host_is_good && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// RFC 3986 §3.2.2, `reg-name`, but never empty.
fn is_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(&byte) = bytes.next() {
        let good = match byte {
            b'%' => bytes.next().is_some_and(u8::is_ascii_hexdigit) && bytes.next().is_some_and(u8::is_ascii_hexdigit),
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !good {
            return false;
        }
    }
    !name.is_empty()
}

fn is_port(port: &str) -> bool {
    port.is_empty() || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
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
}
