//! Notes on stderr.

use std::env;
use std::io::{self, IsTerminal, Write};

use crate::escape::escape;

/// Writes one escaped line to stderr. An error is ignored, because it cannot be reported.
pub(crate) fn note(text: &str) {
    let line = highlight(&format!("! {}", escape(text))) + "\n";
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Returns the text in reverse video if stderr is a terminal. No message can imitate reverse video, even if the
/// terminal breaks it into rows.
pub(crate) fn highlight(text: &str) -> String {
    let is_terminal = io::stderr().is_terminal() && env::var_os("TERM").is_some_and(|term| term != "dumb");
    if is_terminal { format!("\x1b[7m{text}\x1b[m") } else { text.to_owned() }
}

/// Puts a payload between quotes, with U+FFFD for invalid UTF-8.
pub(crate) fn quote(payload: &[u8]) -> String {
    format!("\"{}\"", String::from_utf8_lossy(payload))
}
