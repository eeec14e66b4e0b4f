//! Programs that a test starts, such as the examples of a crate.

use std::env;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// The time after which a program is killed.
const RUN_TIMEOUT: Duration = Duration::from_secs(600);

/// The time that a program may take to print a line.
const LINE_TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout of a program. It ends when this is dropped.
pub type Watch = Sender<()>;

/// Returns the path of an example, in the folder next to that of the test that runs.
///
/// # Panics
///
/// If the example is not built.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    let mut path = env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push(name);
    assert!(
        path.exists(),
        "{} is not built: `cargo build --workspace --all-features --examples` builds it",
        path.display()
    );
    path
}

/// A process with pipes. It is killed on drop, and after ten minutes.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// The process that is killed, or with a minus, the process group.
    target: String,
    input: Option<ChildStdin>,
    /// The lines of the standard output.
    output: Receiver<String>,
    /// The lines of the standard error.
    log: Receiver<String>,
    _watch: Watch,
}

impl Program {
    /// Starts a program.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let target = child.id().to_string();
        Self::with(child, target)
    }

    /// Starts a program that starts other programs. All of them are killed, unless they change their process group.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start_group(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let target = format!("-{}", child.id());
        Self::with(child, target)
    }

    fn with(mut child: Child, target: String) -> Self {
        let output = collect(child.stdout.take().unwrap());
        let log = collect(child.stderr.take().unwrap());
        let input = child.stdin.take();
        Self { _watch: watch(target.clone()), child, target, input, output, log }
    }

    /// Waits for a line on the standard output that contains `words`, and returns it. The lines before it are dropped.
    ///
    /// # Panics
    ///
    /// If the program prints no such line within a minute, or ends without it.
    #[allow(clippy::must_use_candidate, reason = "most tests need only the wait")]
    pub fn printed(&self, words: &str) -> String {
        wait_for(&self.output, words)
    }

    /// Waits for a line on the standard error that contains `words`, and returns it. The lines before it are dropped.
    ///
    /// # Panics
    ///
    /// As [`printed`](Self::printed).
    #[allow(clippy::must_use_candidate, reason = "most tests need only the wait")]
    pub fn logged(&self, words: &str) -> String {
        wait_for(&self.log, words)
    }

    /// Waits for the line with the URL of an example server, and returns the URL.
    ///
    /// # Panics
    ///
    /// As [`printed`](Self::printed).
    #[must_use]
    pub fn url(&self) -> String {
        let line = self.printed("connect to ");
        line.rsplit(' ').next().unwrap().to_owned()
    }

    /// Writes a line to the standard input.
    ///
    /// # Panics
    ///
    /// If the program does not read it, or after [`end_input`](Self::end_input).
    pub fn write_line(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Ends the standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Returns the process identifier.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `INT`, to the process alone.
    ///
    /// # Panics
    ///
    /// If the system has no program `kill`.
    pub fn signal(&self, name: &str) {
        kill(name, self.id());
    }

    /// Waits for the end of the process.
    ///
    /// # Panics
    ///
    /// If the system cannot wait for it.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        if self.target.starts_with('-') {
            kill("KILL", &self.target);
        }
        let _ = self.child.wait();
        if thread::panicking() {
            self.output.iter().chain(self.log.iter()).for_each(|line| eprintln!("program: {line}"));
        }
    }
}

/// Reads lines in a thread until the pipe ends.
fn collect(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // The receiver may have been dropped.
            let _ = sender.send(line);
        }
    });
    lines
}

fn wait_for(lines: &Receiver<String>, words: &str) -> String {
    loop {
        let line = lines.recv_timeout(LINE_TIMEOUT).unwrap_or_else(|_| panic!("no line with {words:?} was printed"));
        if line.contains(words) {
            return line;
        }
    }
}

/// Kills a process, or with a minus a process group, after ten minutes, unless the returned watch is dropped before.
#[must_use]
pub fn watch(target: impl Display + Send + 'static) -> Watch {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        if receiver.recv_timeout(RUN_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            kill("KILL", target);
        }
    });
    sender
}

/// Sends a signal to a process, or with a minus to a process group.
///
/// # Panics
///
/// If the system has no program `kill`.
pub fn kill(signal: &str, target: impl Display) {
    // The process may have ended already. Then `kill` fails.
    Command::new("kill").args(["-s", signal, "--", &target.to_string()]).stderr(Stdio::null()).status().unwrap();
}
