//! What a server says, fit for one line of a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::{env, iter};

use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use protocol_websocket::Message;

/// One message as one line, its line end included. It never begins like a line of stderr.
pub(crate) fn line(message: &Message) -> String {
    let mut line = match message {
        Message::Text(text) => match text.split_at_checked(1) {
            Some((mark @ ("!" | "<" | ">"), rest)) if rest.starts_with(' ') => {
                mark.chars().map(json_escape).chain(iter::once(escape(rest))).collect()
            }
            _ => escape(text),
        },
        Message::Binary(bytes) => hex(bytes),
    };
    line.push('\n');
    line
}

/// Writes characters that are not visible, but for spaces and the tab, as JSON writes them. Nothing else changes: JSON
/// without line breaks keeps its meaning.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '\t' | ' '..='~' => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c if is_hidden(c) => escaped.push_str(&json_escape(c)),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Whether a terminal shows this character as nothing, or does something else instead: control and format characters,
/// separators of lines and paragraphs, and characters whose meaning is private or not assigned yet.
fn is_hidden(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    GeneralCategoryGroup::Other.contains(category)
        || matches!(category, GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator)
}

/// `\u` and four digits, twice for a character beyond U+FFFF (RFC 8259 §7).
fn json_escape(c: char) -> String {
    let mut escaped = String::new();
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a string does not fail.
        let _ = write!(escaped, "\\u{unit:04x}");
    }
    escaped
}

/// Bytes that should be text, between quotes.
pub(crate) fn quote(payload: &[u8]) -> String {
    format!("\"{}\"", String::from_utf8_lossy(payload))
}

/// The bytes in lower-case hexadecimal, without blanks.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}

/// What a line of stderr begins with. On a terminal it is in reverse video, which no message can imitate, not even where
/// the terminal breaks a long line.
pub(crate) fn mark(c: char) -> String {
    let reverse = io::stderr().is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb");
    if reverse { format!("\x1b[7m{c}\x1b[m") } else { c.to_string() }
}

/// Writes one line to stderr, where text of any origin is escaped. An error is ignored, because it cannot be reported.
pub(crate) fn note(text: &str) {
    let _ = io::stderr().write_all(format!("{} {}\n", mark('!'), escape(text)).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        for (text, wanted) in [
            ("", "\n"),
            ("Größe 🦀", "Größe 🦀\n"),
            ("a\r\nb\n", "a\\r\\nb\\n\n"),
            (r#"{"path":"C:\\new","line":"a\nb"}"#, "{\"path\":\"C:\\\\new\",\"line\":\"a\\nb\"}\n"),
            ("a\tb", "a\tb\n"),
            ("\0\x1b[31m\x7f\u{85}", "\\u0000\\u001b[31m\\u007f\\u0085\n"),
        ] {
            assert_eq!(line(&Message::from(text)), wanted);
        }
    }

    #[test]
    fn hidden_characters_are_escaped() {
        for (text, wanted) in [
            // Cf: soft hyphen, right-to-left override, zero width joiner, byte order mark, a tag.
            ("a\u{ad}b\u{202e}c\u{200d}\u{feff}\u{e0041}", "a\\u00adb\\u202ec\\u200d\\ufeff\\udb40\\udc41"),
            // Zl and Zp.
            ("a\u{2028}b\u{2029}", "a\\u2028b\\u2029"),
            // Co and Cn.
            ("\u{e000}\u{10fffd}\u{378}\u{ffff}", "\\ue000\\udbff\\udffd\\u0378\\uffff"),
            // Emoji of several characters come apart, their variation selectors stay.
            ("👩\u{200d}🚀 ❤\u{fe0f}", "👩\\u200d🚀 ❤\u{fe0f}"),
            // Spaces and combining marks are no trick.
            ("a\u{a0}b\u{3000}e\u{301}", "a\u{a0}b\u{3000}e\u{301}"),
        ] {
            assert_eq!(escape(text), wanted);
        }
    }

    #[test]
    fn messages_do_not_begin_like_lines_of_stderr() {
        for (text, wanted) in [
            ("! closed with 1000", "\\u0021 closed with 1000\n"),
            ("> 00000000  81", "\\u003e 00000000  81\n"),
            ("< ", "\\u003c \n"),
            ("!", "!\n"),
            ("<stream>", "<stream>\n"),
            (" ! a", " ! a\n"),
            ("é ! a", "é ! a\n"),
        ] {
            assert_eq!(line(&Message::from(text)), wanted);
        }
    }

    #[test]
    fn binary_is_hex() {
        assert_eq!(line(&Message::Binary((&b"\x00\xffHi"[..]).into())), "00ff4869\n");
        assert_eq!(line(&Message::from(vec![])), "\n");
    }
}
