//! Line editing on a terminal, with a history. A thread edits a line while messages are printed above it.

use std::io::{self, ErrorKind, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::thread::JoinHandleExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::Signal;
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::dup2_stdin;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, Config};
use signal_hook::consts::SIGINT;
use signal_hook::low_level::raise;
use tokio::sync::mpsc::Sender;

use crate::above::{AboveLine, EditedLine, Waker};
use crate::input::{Input, Inputs, queue};
use crate::options::Options;
use crate::output::failure;
use crate::status::{Failure, Status};
use crate::style::is_terminal;

/// The prompt. No message begins like it.
const PROMPT: &str = "> ";
/// The number of lines in the history.
const MAX_HISTORY: usize = 1000;
/// The time in milliseconds after which an Escape is a key of its own. Messages wait meanwhile.
const KEY_SEQUENCE_TIMEOUT: u16 = 500;
/// Ctrl-C, more often than a key has characters, so that it ends the line also after the first characters of a key.
const INTERRUPTS: &[u8] = &[0x03; 8];

type Lines = Sender<io::Result<Input>>;

/// An editor that has not started.
pub(crate) struct Editor {
    editor: rustyline::Editor<AboveLine, FileHistory>,
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
            // Also with NO_COLOR, because the text above the line is printed as a part of the highlighted prompt.
            .color_mode(ColorMode::Forced)
            .build();
        let mut editor = rustyline::Editor::with_config(config)?;
        editor.set_helper(Some(AboveLine));
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
        let terminal = io::stdin().as_fd().try_clone_to_owned()?;
        let mode = tcgetattr(&terminal).map_err(io::Error::from)?;
        let (last_input, mut writer) = io::pipe()?;
        writer.write_all(INTERRUPTS)?;
        let waker = Waker::start(self.editor.create_external_printer()?)?;
        let (lines, inputs) = queue();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&is_stopped);
        let thread = thread::Builder::new().name("editor".into()).spawn(move || self.run(lines, &shared))?;
        Ok((inputs, Editing { thread, waker, is_stopped, last_input, terminal, mode }))
    }

    /// Edits lines until the end of input or the stop. Returns the channel, unless the input has ended.
    fn run(mut self, lines: Lines, is_stopped: &AtomicBool) -> Option<Lines> {
        while !is_stopped.load(Ordering::SeqCst) {
            let edited = EditedLine::begin();
            let line = self.editor.readline(PROMPT);
            drop(edited);
            match line {
                Ok(line) => {
                    self.remember(&line);
                    // This fails after the connection was closed.
                    let _ = lines.blocking_send(Ok(Input::Line(line)));
                }
                Err(ReadlineError::Eof) => return None,
                Err(_) if is_stopped.load(Ordering::SeqCst) => break,
                // The handlers of the program treat the key as if the terminal had sent the signal. The channel stays open,
                // because its end could be handled before the signal.
                Err(ReadlineError::Interrupted) => {
                    let _ = raise(SIGINT);
                    break;
                }
                Err(error) => {
                    let _ = lines.blocking_send(Err(io::Error::other(error)));
                    return None;
                }
            }
        }
        Some(lines)
    }

    fn remember(&mut self, line: &str) {
        let mut remembered = self.editor.add_history_entry(line).map(|_| ());
        if let Some(path) = &self.history {
            remembered = remembered.and_then(|()| self.editor.append_history(path));
            if let Err(error) = remembered {
                failure(&history_error(path, &error));
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
    thread: JoinHandle<Option<Lines>>,
    waker: Waker,
    is_stopped: Arc<AtomicBool>,
    /// The input that ends every edited line.
    last_input: PipeReader,
    terminal: OwnedFd,
    /// The mode of the terminal before.
    mode: Termios,
}

impl Editing {
    /// Ends the editing, and restores the terminal. The edited line and everything that was printed are then on the screen,
    /// and the cursor is at the start of a row. The channel of the lines must have been dropped.
    pub(crate) fn stop(self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        // From now on, each read of the thread returns the last input or its end. The signal interrupts a read that began
        // before. Its handler in the editor only asks for the size of the terminal.
        let ended =
            dup2_stdin(&self.last_input).and_then(|()| pthread_kill(self.thread.as_pthread_t(), Signal::SIGWINCH));
        if ended.is_ok() {
            let _ = self.thread.join();
            self.waker.stop();
        }
        let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.mode);
    }
}
