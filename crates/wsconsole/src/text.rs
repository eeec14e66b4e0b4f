//! What a server says, fit for one line of a terminal.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, GraphemeClusterBreak};
use icu_properties::{CodePointMapData, CodePointSetData};
use protocol_websocket::Message;

/// One message as one line, its line end included. It never begins with a mark of stderr and a space, nor with a
/// character that a terminal adds to the one before it.
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

/// Whether a message begins like a note or a dump. A terminal shows a tab as spaces, and may drop combining characters.
fn begins_like_stderr(first: char, rest: &str) -> bool {
    matches!(first, '!' | '<' | '>') && rest.trim_start_matches(is_combining).starts_with([' ', '\t'])
}

/// Writes hidden characters (control characters except the tab among them) as JSON does. Nothing else changes: JSON
/// without line breaks keeps its meaning, and escaped text stays the same when it is escaped again.
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

/// Whether Unicode says that this character is not visible, or leaves open what it looks like: control and format
/// characters, other characters that are ignored by default (variation selectors, fillers), separators and blank
/// characters, and private and unassigned characters.
fn is_hidden(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    GeneralCategoryGroup::Other.union(GeneralCategoryGroup::Separator).contains(category)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || is_blank(c)
}

/// Characters that are blank by their design, though they are letters or symbols: the braille pattern without dots, two
/// blank hieroglyphs, the null notehead.
const fn is_blank(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{13441}' | '\u{13442}' | '\u{1d159}')
}

/// Whether this character belongs to the one before it: combining marks, vowels and final consonants of Hangul.
fn is_combining(c: char) -> bool {
    matches!(
        CodePointMapData::<GraphemeClusterBreak>::new().get(c),
        GraphemeClusterBreak::Extend
            | GraphemeClusterBreak::SpacingMark
            | GraphemeClusterBreak::V
            | GraphemeClusterBreak::T
    )
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

/// What is on stderr and not on stdout. On a terminal it is in reverse video, which no message can imitate, not even
/// where the terminal breaks a long line.
pub(crate) fn mark(text: &str) -> String {
    let reverse = io::stderr().is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb");
    if reverse { format!("\x1b[7m{text}\x1b[m") } else { text.to_owned() }
}

/// Writes one line to stderr, where text of any origin is escaped. An error is ignored, because it cannot be reported.
pub(crate) fn note(text: &str) {
    let line = mark(&format!("! {}", escape(text))) + "\n";
    let _ = io::stderr().write_all(line.as_bytes());
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
            // Default ignorable in other categories: variation selectors, combining grapheme joiner, Hangul fillers,
            // Khmer inherent vowels, Mongolian variation selectors.
            ("👩\u{200d}🚀 ❤\u{fe0f}\u{fe00}\u{e01ef}", "👩\\u200d🚀 ❤\\ufe0f\\ufe00\\udb40\\uddef"),
            ("\u{34f}\u{115f}\u{1160}\u{3164}\u{ffa0}", "\\u034f\\u115f\\u1160\\u3164\\uffa0"),
            ("\u{17b4}\u{17b5}\u{180b}\u{180f}", "\\u17b4\\u17b5\\u180b\\u180f"),
            // Zs except the space, and the other blank characters.
            ("a b\u{a0}\u{1680}\u{2003}\u{202f}\u{3000}", "a b\\u00a0\\u1680\\u2003\\u202f\\u3000"),
            ("\u{2800}\u{13441}\u{13442}\u{1d159}", "\\u2800\\ud80d\\udc41\\ud80d\\udc42\\ud834\\udd59"),
            // Combining marks are visible on their base.
            ("e\u{301}", "e\u{301}"),
        ] {
            assert_eq!(escape(text), wanted);
            assert_eq!(escape(wanted), wanted);
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
            ("!\ta", "\\u0021\ta\n"),
            ("!\u{a0}a", "!\\u00a0a\n"),
            ("!\u{301} a", "\\u0021\u{301} a\n"),
            ("\u{fe0f}! a", "\\ufe0f! a\n"),
            // Nothing is before these that they could combine with: marks, a vowel of Hangul.
            ("\u{301}! a", "\\u0301! a\n"),
            ("\u{20dd}! a", "\\u20dd! a\n"),
            ("\u{1161}! a", "\\u1161! a\n"),
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
