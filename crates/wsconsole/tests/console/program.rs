//! Runs the program with a deadline.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// The time that any step of a test may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(100);

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if a signal ended the process.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Returns the notes of a session without the first, which contains the port.
    pub(crate) fn notes(&self) -> Vec<&str> {
        let mut lines = self.stderr.lines();
        assert!(lines.next().is_some_and(|line| line.starts_with("! connected to 127.0.0.1:")), "{}", self.stderr);
        lines.map(|line| line.strip_prefix("! ").expect(line)).collect()
    }
}

/// Runs the program to its end with this input.
pub(crate) fn wsconsole(arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let mut program = Program::start(arguments, Stdio::piped());
    program.send_input(input);
    program.end_of_input();
    program.end()
}

/// The running program. Threads read and write its pipes, so that the program never waits for the test.
pub(crate) struct Program {
    child: Child,
    input: Option<Sender<Vec<u8>>>,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

impl Program {
    /// Starts the program. Its output is collected if `stdout` is a pipe.
    pub(crate) fn start(arguments: &[&str], stdout: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wsconsole"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, lines) = channel::<Vec<u8>>();
        let mut stdin = child.stdin.take().unwrap();
        thread::spawn(move || lines.iter().try_for_each(|bytes| stdin.write_all(&bytes)));
        let stdout = Output::collect(child.stdout.take());
        let stderr = Output::collect(child.stderr.take());
        Self { child, input: Some(input), stdout, stderr }
    }

    pub(crate) fn send_input(&self, input: impl AsRef<[u8]>) {
        self.input.as_ref().unwrap().send(input.as_ref().to_owned()).unwrap();
    }

    pub(crate) fn end_of_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the program to end. Its input stays open unless [`Program::end_of_input`] was called.
    pub(crate) fn end(mut self) -> Ended {
        let (stderr, stdout) = (self.stderr.rest(), self.stdout.rest());
        Ended { status: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe.
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

    /// Waits for this line.
    pub(crate) fn wait_for(&mut self, expected: &str) {
        loop {
            match self.next() {
                Some(line) if line.strip_suffix('\n') == Some(expected) => return,
                Some(_) => {}
                None => panic!("ended without {expected:?}, after\n{}", self.text),
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
