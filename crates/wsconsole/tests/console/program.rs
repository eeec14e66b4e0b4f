//! Runs the program, and sees to it that it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// When nothing will come of it any more.
pub(crate) const DEADLINE: Duration = Duration::from_secs(100);

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The notes of a session, without the first, which names a port.
    pub(crate) fn notes(&self) -> Vec<&str> {
        let mut lines = self.stderr.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("! connected to 127.0.0.1:")), "{}", self.stderr);
        lines.map(|line| line.strip_prefix("! ").expect(line)).collect()
    }
}

/// Runs it to its end with this input.
pub(crate) fn wsconsole(arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let mut program = Program::start(arguments, Stdio::piped());
    program.type_in(input);
    program.end_of_input();
    program.end()
}

/// The program while it runs. Its pipes are served in the background, so that nobody waits for the test.
pub(crate) struct Program {
    child: Child,
    input: Option<Sender<Vec<u8>>>,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

impl Program {
    /// Starts it. What it prints is collected if `stdout` is a pipe.
    pub(crate) fn start(arguments: &[&str], stdout: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wsconsole"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, typed) = channel::<Vec<u8>>();
        let mut stdin = child.stdin.take().unwrap();
        thread::spawn(move || typed.iter().try_for_each(|bytes| stdin.write_all(&bytes)));
        let stdout = Output::collect(child.stdout.take());
        let stderr = Output::collect(child.stderr.take());
        Self { child, input: Some(input), stdout, stderr }
    }

    pub(crate) fn type_in(&self, input: impl AsRef<[u8]>) {
        self.input.as_ref().unwrap().send(input.as_ref().to_owned()).unwrap();
    }

    pub(crate) fn end_of_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end. Unless told, its input does not end before.
    pub(crate) fn end(mut self) -> Ended {
        let (stderr, stdout) = (self.stderr.rest(), self.stdout.rest());
        // Its pipes are closed: it is about to end.
        Ended { status: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it says, by lines.
pub(crate) struct Output {
    lines: Receiver<String>,
    text: String,
}

impl Output {
    fn collect(pipe: Option<impl Read + Send + 'static>) -> Self {
        let (sender, lines) = channel();
        if let Some(pipe) = pipe {
            thread::spawn(move || {
                let mut pipe = BufReader::new(pipe);
                let mut line = String::new();
                while pipe.read_line(&mut line).unwrap() > 0 {
                    let _ = sender.send(std::mem::take(&mut line));
                }
            });
        }
        Self { lines, text: String::new() }
    }

    /// Waits until it has said this.
    pub(crate) fn wait_for(&mut self, wanted: &str) {
        loop {
            match self.next() {
                Some(line) if line.strip_suffix('\n') == Some(wanted) => return,
                Some(_) => {}
                None => panic!("ended without {wanted:?}, after\n{}", self.text),
            }
        }
    }

    fn rest(&mut self) -> String {
        while self.next().is_some() {}
        std::mem::take(&mut self.text)
    }

    fn next(&mut self) -> Option<String> {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => {
                self.text.push_str(&line);
                Some(line)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("still running, after\n{}", self.text),
        }
    }
}
