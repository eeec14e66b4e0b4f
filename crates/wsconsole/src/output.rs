//! Messages on stdout, and notes and dumps on stderr. While a line is edited, a terminal shows them above it.

use std::io;

use protocol_websocket_tokio::Message;

use crate::above::print;
use crate::escape::escape;
use crate::line::line;
use crate::style::Mark;

/// Writes a message to stdout as one line, and flushes it.
pub(crate) fn message(message: &Message) -> io::Result<()> {
    print(io::stdout(), &line(message))
}

/// Writes one escaped line to stderr.
pub(crate) fn note(text: &str) {
    write_stderr(&marked(Mark::Note, text));
}

/// Writes one escaped line to stderr in the style of a failure.
pub(crate) fn failure(text: &str) {
    write_stderr(&marked(Mark::Failure, text));
}

/// Writes lines to stderr as they are. An error is ignored, because it cannot be reported.
pub(crate) fn write_stderr(lines: &str) {
    let _ = print(io::stderr(), lines);
}

/// Puts a payload between quotes, with U+FFFD for invalid UTF-8.
pub(crate) fn quote(payload: &[u8]) -> String {
    format!("\"{}\"", String::from_utf8_lossy(payload))
}

fn marked(mark: Mark, text: &str) -> String {
    mark.highlight(&format!("{} {}", mark.text(), escape(text))) + "\n"
}
