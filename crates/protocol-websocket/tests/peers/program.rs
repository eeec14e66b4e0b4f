use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// The time after which a program is killed.
const RUN_TIMEOUT: Duration = Duration::from_secs(600);

/// The time that a server may take to log a line.
const LOG_TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout of a program. It ends when this is dropped.
pub(crate) type Watch = Sender<()>;

/// Returns the path of a file in `tests/peers`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// Returns the path of a program that `install.sh` has installed.
pub(crate) fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers").join(name)
}

/// Returns the path of an example, in the folder next to that of this test.
pub(crate) fn example(name: &str) -> PathBuf {
    let mut path = env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push(name);
    assert!(
        path.exists(),
        "{} is not built: `cargo test` builds it, `cargo test --test NAME` alone does not",
        path.display()
    );
    path
}

/// Runs a peer until it exits, and checks that it succeeded.
pub(crate) fn run(command: &mut Command) {
    install();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _watch = watch(child.id());
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}\n{out}{err}", output.status);
}

/// A server process that listens on a local port, and is killed on drop.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// The lines on its standard error.
    log: Receiver<String>,
    pub(crate) child: Child,
    _watch: Watch,
}

impl Server {
    /// Starts an example server.
    pub(crate) fn ours(name: &str, arguments: &[&str]) -> Self {
        Self::start(&mut Command::new(example(name)), arguments)
    }

    /// Starts the server of a peer.
    pub(crate) fn peer(interpreter: impl AsRef<OsStr>, name: &str, arguments: &[&str]) -> Self {
        install();
        Self::start(Command::new(interpreter).arg(script(name)), arguments)
    }

    /// Starts the server of a peer that `install.sh` has compiled.
    pub(crate) fn compiled(name: &str, arguments: &[&str]) -> Self {
        install();
        Self::start(&mut Command::new(installed(name)), arguments)
    }

    /// Waits for a line of the log that contains `words`, and returns it.
    pub(crate) fn logged(&self, words: &str) -> String {
        loop {
            let line =
                self.log.recv_timeout(LOG_TIMEOUT).unwrap_or_else(|_| panic!("no line with {words:?} was logged"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Returns the process identifier.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        kill(name, self.id());
    }

    pub(crate) fn status(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Starts a server and waits for the line with its port.
    pub(crate) fn start(command: &mut Command, arguments: &[&str]) -> Self {
        let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let watch = watch(child.id());
        let log = collect(child.stderr.take().unwrap());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = match line.split_once("//127.0.0.1:") {
            Some((_, rest)) => rest.split('/').next().unwrap(),
            None => line.trim(),
        };
        let port = port.parse().unwrap_or_else(|_| panic!("{command:?} printed {line:?} instead of its port"));
        Self { port, log, child, _watch: watch }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.log.iter().for_each(|line| eprintln!("server: {line}"));
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

/// Installs the peers, unless they are installed.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = Command::new(script("install.sh")).status().unwrap();
        assert!(status.success(), "tests/peers/install.sh ended with {status}");
    });
}

/// Kills a program after [`RUN_TIMEOUT`], unless the returned watch is dropped before.
pub(crate) fn watch(id: u32) -> Watch {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        if receiver.recv_timeout(RUN_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            kill("KILL", id);
        }
    });
    sender
}

fn kill(signal: &str, id: u32) {
    Command::new("kill").args(["-s", signal, &id.to_string()]).status().unwrap();
}
