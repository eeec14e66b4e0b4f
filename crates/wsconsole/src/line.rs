//! Formats a received message as one line of stdout.

use protocol_websocket::Message;

use crate::escape::{escape, is_combining, json_escape};
use crate::hex::hex;

/// Formats a message as one line, with the line end. The line never begins with `!`, `<` or `>` before a space, as
/// lines on stderr do, nor with a character that a terminal combines with the character before it.
pub(crate) fn line(message: &Message) -> String {
    let mut line = match message {
        Message::Text(text) => {
            let mut rest = text.chars();
            match rest.next() {
                Some(first) if is_combining(first) || begins_like_stderr(first, rest.as_str()) => {
                    json_escape(first) + &escape(rest.as_str())
                }
                _ => escape(text),
            }
        }
        Message::Binary(bytes) => hex(bytes),
    };
    line.push('\n');
    line
}

/// Returns whether a message begins like a note or a dump. A terminal shows a tab as spaces, and may drop combining
/// characters.
fn begins_like_stderr(first: char, rest: &str) -> bool {
    matches!(first, '!' | '<' | '>') && rest.trim_start_matches(is_combining).starts_with([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_text_as_one_line() {
        for (text, expected) in [
            ("", "\n"),
            ("Größe 🦀", "Größe 🦀\n"),
            ("a\r\nb\n", "a\\r\\nb\\n\n"),
            (r#"{"path":"C:\\new","line":"a\nb"}"#, "{\"path\":\"C:\\\\new\",\"line\":\"a\\nb\"}\n"),
            ("a\tb", "a\tb\n"),
            ("\0\x1b[31m\x7f\u{85}", "\\u0000\\u001b[31m\\u007f\\u0085\n"),
        ] {
            assert_eq!(line(&Message::from(text)), expected);
        }
    }

    #[test]
    fn escapes_the_first_character_of_text_that_begins_like_a_note() {
        for (text, expected) in [
            ("! closed with 1000", "\\u0021 closed with 1000\n"),
            ("> 00000000  81", "\\u003e 00000000  81\n"),
            ("< ", "\\u003c \n"),
            ("!", "!\n"),
            ("<stream>", "<stream>\n"),
            (" ! a", " ! a\n"),
            ("é ! a", "é ! a\n"),
            ("!\ta", "\\u0021\ta\n"),
            ("!\u{a0}a", "!\\u00a0a\n"),
            ("!\u{301} a", "\\u0021\u{301} a\n"),
            ("\u{fe0f}! a", "\\ufe0f! a\n"),
            // Combining marks and a Hangul vowel at the start of a message have no base in the same line.
            ("\u{301}! a", "\\u0301! a\n"),
            ("\u{20dd}! a", "\\u20dd! a\n"),
            ("\u{1161}! a", "\\u1161! a\n"),
        ] {
            assert_eq!(line(&Message::from(text)), expected);
        }
    }

    #[test]
    fn formats_binary_as_hexadecimal() {
        assert_eq!(line(&Message::Binary((&b"\x00\xffHi"[..]).into())), "00ff4869\n");
        assert_eq!(line(&Message::from(vec![])), "\n");
    }
}
