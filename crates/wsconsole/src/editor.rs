//! Line editing on a terminal, with a history. A thread edits a line while messages are printed above it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use rustyline::Config;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use signal_hook::consts::SIGINT;
use signal_hook::low_level::raise;
use tokio::sync::mpsc::Sender;

use crate::input::{Input, Inputs, queue};
use crate::options::Options;
use crate::output::{failure_between_lines, print_above, print_as_usual, write_above};
use crate::status::{Failure, Status};
use crate::style::is_terminal;

/// The prompt. No message begins like it.
const PROMPT: &str = "> ";
/// The number of lines in the history.
const MAX_HISTORY: usize = 1000;
/// The time in milliseconds after which an Escape is a key of its own. Messages wait meanwhile.
const KEY_SEQUENCE_TIMEOUT: u16 = 500;
/// The time that the terminal has to enter or to update the line.
const SCREEN_TIMEOUT: Duration = Duration::from_millis(10);
/// The number of these times until another program must have changed the terminal.
const MAX_SCREEN_TIMEOUTS: u32 = 100;
/// One row up and one down: changes nothing on the screen.
const NOTHING: &str = "\x1b[A\n";

/// An editor that has not started.
pub(crate) struct Editor {
    editor: rustyline::Editor<(), FileHistory>,
    history: Option<PathBuf>,
}

impl Editor {
    /// Creates an editor if stdin and stdout are a terminal, and reads the history.
    pub(crate) fn new(options: &Options) -> Result<Option<Self>, Failure> {
        if options.binary || !is_terminal(&io::stdin()) || !is_terminal(&io::stdout()) {
            return Ok(None);
        }
        let config = Config::builder()
            // A text of several lines that is pasted is sent as several messages, as from a file.
            .bracketed_paste(false)
            .keyseq_timeout(Some(KEY_SEQUENCE_TIMEOUT))
            .history_ignore_space(true)
            .max_history_size(MAX_HISTORY)?
            .build();
        let mut editor = rustyline::Editor::with_config(config)?;
        if let Some(path) = &options.history {
            match editor.load_history(path) {
                Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::NotFound => {}
                loaded => loaded.map_err(|error| Failure::new(Status::LocalError, history_error(path, &error)))?,
            }
        }
        Ok(Some(Self { editor, history: options.history.clone() }))
    }

    /// Starts to edit lines.
    pub(crate) fn start(mut self) -> Result<(Inputs, Editing), Failure> {
        let mode = tcgetattr(io::stdin()).map_err(io::Error::from)?;
        print_above(Box::new(self.editor.create_external_printer()?));
        let (lines, inputs) = queue();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new().name("editor".into()).spawn(move || self.run(lines, &shared))?;
        Ok((inputs, Editing { thread, state, mode }))
    }

    fn run(mut self, lines: Sender<io::Result<Input>>, state: &State) {
        let mut lines = Some(lines);
        while !state.is_stopped.load(Ordering::SeqCst) {
            // After the last line, another one is begun without a prompt, so that messages are printed.
            state.has_prompt.store(lines.is_some(), Ordering::SeqCst);
            match self.editor.readline(if lines.is_some() { PROMPT } else { "" }) {
                Ok(line) => {
                    self.remember(&line);
                    // This fails after the connection was closed.
                    let _ = lines.as_ref().map(|lines| lines.blocking_send(Ok(Input::Line(line))));
                }
                Err(ReadlineError::Eof) => lines = None,
                // The handlers of the program treat the key as if the terminal had sent the signal.
                Err(ReadlineError::Interrupted) => {
                    let _ = raise(SIGINT);
                    lines = None;
                }
                Err(error) => {
                    let _ = lines.map(|lines| lines.blocking_send(Err(io::Error::other(error))));
                    return;
                }
            }
        }
    }

    fn remember(&mut self, line: &str) {
        let mut remembered = self.editor.add_history_entry(line).map(|_| ());
        if let Some(path) = &self.history {
            remembered = remembered.and_then(|()| self.editor.append_history(path));
            if let Err(error) = remembered {
                failure_between_lines(&history_error(path, &error));
                self.history = None;
            }
        }
    }
}

fn history_error(path: &Path, error: &ReadlineError) -> String {
    format!("cannot use the history in {}: {error}", path.display())
}

/// A thread that edits lines.
pub(crate) struct Editing {
    thread: JoinHandle<()>,
    state: Arc<State>,
    /// The mode of the terminal before.
    mode: Termios,
}

#[derive(Default)]
struct State {
    is_stopped: AtomicBool,
    has_prompt: AtomicBool,
}

impl Editing {
    /// Ends the editing, and restores the terminal. Everything that was printed above the line is then on the screen.
    /// The thread cannot be ended while it reads from the terminal.
    pub(crate) fn stop(self) {
        // Between two lines, the thread may have something to print that the next line shows.
        for _ in 0..MAX_SCREEN_TIMEOUTS {
            if self.thread.is_finished() || self.is_editing() {
                break;
            }
            thread::sleep(SCREEN_TIMEOUT);
        }
        if !self.thread.is_finished() {
            // The printer takes a text when it has printed the one before.
            let _ = write_above(NOTHING).and_then(|()| write_above(NOTHING));
            thread::sleep(SCREEN_TIMEOUT);
        }
        self.state.is_stopped.store(true, Ordering::SeqCst);
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.mode);
        print_as_usual(self.state.has_prompt.load(Ordering::SeqCst));
    }

    /// Returns whether the terminal is in the mode in which a line is edited.
    fn is_editing(&self) -> bool {
        tcgetattr(io::stdin()).is_ok_and(|mode| !mode.local_flags.contains(LocalFlags::ICANON))
    }
}
