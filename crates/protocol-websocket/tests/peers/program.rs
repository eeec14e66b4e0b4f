use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// How long any program may run.
const LIMIT: Duration = Duration::from_secs(180);

/// The path of a file in `tests/peers`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// Runs a peer to its end, which must be a good one.
pub(crate) fn run(command: &mut Command) {
    install();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _watch = watch(child.id());
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {}\n{out}{err}", output.status);
}

/// A server that listens on a port of this machine, and is killed when this goes.
pub(crate) struct Server {
    pub(crate) port: u16,
    child: Child,
    _watch: Sender<()>,
}

impl Server {
    /// An example of ours, from the folder beside that of this test.
    pub(crate) fn ours(example: &str, arguments: &[&str]) -> Self {
        let mut path = env::current_exe().unwrap();
        path.pop();
        path.set_file_name("examples");
        path.push(example);
        assert!(
            path.exists(),
            "{} is not built: `cargo test` builds it, `cargo test --test peers` alone does not",
            path.display()
        );
        Self::start(&mut Command::new(path), arguments)
    }

    /// A peer's server.
    pub(crate) fn peer(interpreter: impl AsRef<OsStr>, name: &str, subprotocols: &[&str]) -> Self {
        install();
        Self::start(Command::new(interpreter).arg(script(name)), subprotocols)
    }

    pub(crate) fn signal(&self, name: &str) {
        kill(name, self.child.id());
    }

    pub(crate) fn status(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits for the line that says where it listens.
    fn start(command: &mut Command, arguments: &[&str]) -> Self {
        let command = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let watch = watch(child.id());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = match line.split_once("//127.0.0.1:") {
            Some((_, rest)) => rest.split('/').next().unwrap(),
            None => line.trim(),
        };
        let port = port.parse().unwrap_or_else(|_| panic!("{command:?} said {line:?} instead of its port"));
        Self { port, child, _watch: watch }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Brings the peers to this machine, if they are not here.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = Command::new(script("install.sh")).status().unwrap();
        assert!(status.success(), "tests/peers/install.sh ended with {status}");
    });
}

/// Kills a program that runs for too long, unless what this gives is dropped before.
fn watch(id: u32) -> Sender<()> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        if receiver.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            kill("KILL", id);
        }
    });
    sender
}

fn kill(signal: &str, id: u32) {
    Command::new("kill").args(["-s", signal, &id.to_string()]).status().unwrap();
}
