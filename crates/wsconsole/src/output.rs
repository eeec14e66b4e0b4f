//! Messages on stdout, and notes and dumps on stderr. While a line is edited, a terminal shows them above it.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol_websocket_tokio::Message;
use rustyline::ExternalPrinter;

use crate::escape::escape;
use crate::line::line;
use crate::style::Mark;

/// Prints above the line that is edited. `None` if no line is edited.
static PRINTER: Mutex<Option<Box<dyn ExternalPrinter + Send>>> = Mutex::new(None);

/// Prints with this printer from now on, if the output is a terminal.
pub(crate) fn print_above(printer: Box<dyn ExternalPrinter + Send>) {
    *lock() = Some(printer);
}

/// Prints without the printer from now on, in the row after the edited line if there is one.
pub(crate) fn print_as_usual(is_line_shown: bool) {
    let mut printer = lock();
    if printer.take().is_some() && is_line_shown {
        let _ = io::stdout().write_all(b"\n");
    }
}

/// Prints above the edited line.
pub(crate) fn write_above(text: &str) -> io::Result<()> {
    lock().as_mut().map_or(Ok(()), |printer| printer.print(text.into()).map_err(io::Error::other))
}

/// Writes a message to stdout as one line, and flushes it.
pub(crate) fn message(message: &Message) -> io::Result<()> {
    print(io::stdout(), line(message))
}

/// Writes one escaped line to stderr.
pub(crate) fn note(text: &str) {
    write_stderr(marked(Mark::Note, text));
}

/// Writes one escaped line to stderr in the style of a failure.
pub(crate) fn failure(text: &str) {
    write_stderr(marked(Mark::Failure, text));
}

/// Writes a failure to stderr from the thread that edits lines. The thread must not wait for the printer, which may wait
/// for the thread.
pub(crate) fn failure_between_lines(text: &str) {
    let _ = io::stderr().write_all(marked(Mark::Failure, text).as_bytes());
}

/// Writes lines to stderr as they are. An error is ignored, because it cannot be reported.
pub(crate) fn write_stderr(lines: String) {
    let _ = print(io::stderr(), lines);
}

/// Puts a payload between quotes, with U+FFFD for invalid UTF-8.
pub(crate) fn quote(payload: &[u8]) -> String {
    format!("\"{}\"", String::from_utf8_lossy(payload))
}

fn marked(mark: Mark, text: &str) -> String {
    mark.highlight(&format!("{} {}", mark.text(), escape(text))) + "\n"
}

/// The stream is not locked while the printer waits for the thread that edits lines.
fn print(mut stream: impl Write + IsTerminal, text: String) -> io::Result<()> {
    match &mut *lock() {
        Some(printer) if stream.is_terminal() => printer.print(text).map_err(io::Error::other),
        _ => stream.write_all(text.as_bytes()).and_then(|()| stream.flush()),
    }
}

fn lock() -> MutexGuard<'static, Option<Box<dyn ExternalPrinter + Send>>> {
    PRINTER.lock().unwrap_or_else(PoisonError::into_inner)
}
