//! Escapes text so that it cannot change what a terminal or a line-based program shows.

use std::fmt::Write as _;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, GraphemeClusterBreak};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Escapes hidden characters as JSON does, among them control characters except the tab. Other characters are kept, so
/// JSON without line breaks keeps its meaning, and escaped text stays the same when it is escaped again.
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

/// Writes `\u` and four digits, twice for a character above U+FFFF (RFC 8259 §7).
pub(crate) fn json_escape(c: char) -> String {
    let mut escaped = String::new();
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a string cannot fail.
        let _ = write!(escaped, "\\u{unit:04x}");
    }
    escaped
}

/// Whether this character combines with the one before it: combining marks, vowels and final consonants of Hangul.
pub(crate) fn is_combining(c: char) -> bool {
    matches!(
        CodePointMapData::<GraphemeClusterBreak>::new().get(c),
        GraphemeClusterBreak::Extend
            | GraphemeClusterBreak::SpacingMark
            | GraphemeClusterBreak::V
            | GraphemeClusterBreak::T
    )
}

/// Whether this character is invisible by Unicode, or has no defined appearance: control and format characters, other
/// characters that are ignored by default (variation selectors, fillers), separators, blank characters, and private and
/// unassigned characters.
fn is_hidden(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    GeneralCategoryGroup::Other.union(GeneralCategoryGroup::Separator).contains(category)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || is_blank(c)
}

/// Letters and symbols with an empty glyph: the braille pattern without dots, two blank hieroglyphs, the null notehead.
const fn is_blank(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{13441}' | '\u{13442}' | '\u{1d159}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_hidden_characters() {
        for (text, expected) in [
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
            assert_eq!(escape(text), expected);
            assert_eq!(escape(expected), expected, "escaped twice");
        }
    }
}
