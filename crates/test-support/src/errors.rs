//! The checks that every error text passes.

use std::collections::BTreeSet;
use std::error::Error;

/// Checks that the texts of `errors` differ from each other, have one line, begin in lower case and have no full stop.
///
/// # Panics
///
/// If a text breaks one of these rules.
pub fn assert_distinct_texts(errors: &[&dyn Error]) {
    let texts: BTreeSet<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), errors.len(), "two errors have the same text: {texts:?}");
    for text in texts {
        assert!(text.len() > 10, "too short: {text}");
        assert!(!text.contains('\n'), "more than one line: {text}");
        assert!(!text.ends_with('.'), "ends with a full stop: {text}");
        assert!(text.starts_with(char::is_lowercase), "does not begin in lower case: {text}");
    }
}
