//! What a server says, fit for one line of a terminal.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use protocol_websocket::Message;

/// One message as one line, its line end included.
pub(crate) fn line(message: &Message) -> String {
    let mut line = match message {
        Message::Text(text) => escape(text),
        Message::Binary(bytes) => hex(bytes),
    };
    line.push('\n');
    line
}

/// The text with its control characters, but for the tab, written as JSON writes them. Nothing else changes: what is
/// JSON without line breaks stays as it is.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c if c.is_control() && c != '\t' => drop(write!(escaped, "\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The same of bytes that ought to be text.
pub(crate) fn escape_bytes(bytes: &[u8]) -> String {
    escape(&String::from_utf8_lossy(bytes))
}

/// The same between quotes.
pub(crate) fn quote(payload: &[u8]) -> String {
    format!("\"{}\"", escape_bytes(payload))
}

/// The bytes in lower-case hexadecimal, without blanks.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}

/// Tells on stderr what is going on. There is nobody to tell if that fails.
pub(crate) fn note(text: &str) {
    let _ = io::stderr().write_all(format!("! {text}\n").as_bytes());
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
    fn binary_is_hex() {
        assert_eq!(line(&Message::Binary((&b"\x00\xffHi"[..]).into())), "00ff4869\n");
        assert_eq!(line(&Message::from(vec![])), "\n");
    }
}
