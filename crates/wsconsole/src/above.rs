//! Texts above the edited line. The thread that edits the line also prints them, so that no other thread writes to the
//! terminal meanwhile.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::mem;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{ExternalPrinter, Helper};

/// While at least this number of bytes waits to be printed, further texts wait until it is printed.
const MAX_WAITING: usize = 64 * 1024;
/// One row up and one down. The editor draws the line again after this text, and adds a line break to a text without one.
const NOTHING: &str = "\x1b[A\n";

/// The line that is edited. `None` between two lines, and if no lines are edited.
static LINE: Mutex<Option<Line>> = Mutex::new(None);
/// Notified when the waiting text was taken.
static TAKEN: Condvar = Condvar::new();
/// Wakes the thread that wakes the editor.
static WAKER: Mutex<Option<SyncSender<()>>> = Mutex::new(None);

#[derive(Default)]
struct Line {
    /// The text that is printed when the line is drawn again.
    waiting: String,
    /// The line was drawn at least once. Before, a text needs no wake-up.
    is_drawn: bool,
}

/// A thread that wakes the editor when a text waits. The printer of the editor may wait until all keys are handled, and the
/// editor until the lines are sent, so the thread that sends them must not wait for the printer.
pub(crate) struct Waker(JoinHandle<()>);

impl Waker {
    /// Starts the thread.
    pub(crate) fn start(mut printer: impl ExternalPrinter + Send + 'static) -> io::Result<Self> {
        let (waker, wakes) = sync_channel(1);
        let run = move || {
            for () in wakes {
                let has_text = lock(&LINE).as_ref().is_some_and(|line| line.is_drawn && !line.waiting.is_empty());
                if has_text && printer.print(NOTHING.into()).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("waker".into()).spawn(run)?;
        *lock(&WAKER) = Some(waker);
        Ok(Self(thread))
    }

    /// Ends the thread. The editor must have ended, because the printer waits for it.
    pub(crate) fn stop(self) {
        *lock(&WAKER) = None;
        let _ = self.0.join();
    }
}

/// Prints a text that ends with a line break: above the edited line, if the stream is a terminal and a line is edited.
pub(crate) fn print(stream: impl Write + IsTerminal, text: &str) -> io::Result<()> {
    if !stream.is_terminal() {
        return write(stream, text);
    }
    let is_full = |line: &mut Option<Line>| line.as_ref().is_some_and(|line| line.waiting.len() >= MAX_WAITING);
    let mut line = TAKEN.wait_while(lock(&LINE), is_full).unwrap_or_else(PoisonError::into_inner);
    let Some(Line { waiting, is_drawn }) = &mut *line else {
        // The lock is held, so the next line is drawn after the text.
        return write(stream, text);
    };
    if *is_drawn
        && waiting.is_empty()
        && let Some(waker) = &*lock(&WAKER)
    {
        // This fails if the thread will wake the editor anyway.
        let _ = waker.try_send(());
    }
    waiting.push_str(text);
    Ok(())
}

fn write(mut stream: impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush())
}

/// Exists while a line is edited.
pub(crate) struct EditedLine(());

impl EditedLine {
    /// Begins a line.
    pub(crate) fn begin() -> Self {
        *lock(&LINE) = Some(Line::default());
        Self(())
    }
}

impl Drop for EditedLine {
    /// Prints the text that still waits. The row of the line has ended.
    fn drop(&mut self) {
        let mut line = lock(&LINE);
        if let Some(Line { waiting, .. }) = line.take() {
            let _ = write(io::stdout(), &waiting);
        }
        TAKEN.notify_all();
    }
}

/// Prints the waiting text whenever the editor draws the line.
pub(crate) struct AboveLine;

impl Highlighter for AboveLine {
    /// Returns the prompt after the waiting text. The rows of the line were cleared, so the text takes their place, and the
    /// prompt is at the start of a row as before.
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        let Some(line) = &mut *lock(&LINE) else { return prompt.into() };
        line.is_drawn = true;
        TAKEN.notify_all();
        match mem::take(&mut line.waiting) {
            waiting if waiting.is_empty() => prompt.into(),
            waiting => (waiting + prompt).into(),
        }
    }
}

impl Completer for AboveLine {
    type Candidate = String;
}

impl Hinter for AboveLine {
    type Hint = String;
}

impl Validator for AboveLine {}

impl Helper for AboveLine {}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
