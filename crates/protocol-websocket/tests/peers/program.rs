use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// How long any program may run.
const LIMIT: Duration = Duration::from_secs(600);

/// How long a server may take to log a line.
const PATIENCE: Duration = Duration::from_secs(60);

/// While it is held, a program is watched.
pub(crate) type Watch = Sender<()>;

/// The path of a file in `tests/peers`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// The path of what `install.sh` has brought.
pub(crate) fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers").join(name)
}

/// The path of an example of ours, in the folder beside that of this test.
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
    /// The lines on its standard error.
    log: Receiver<String>,
    pub(crate) child: Child,
    _watch: Watch,
}

impl Server {
    /// An example of ours that serves.
    pub(crate) fn ours(name: &str, arguments: &[&str]) -> Self {
        Self::start(&mut Command::new(example(name)), arguments)
    }

    /// A peer's server.
    pub(crate) fn peer(interpreter: impl AsRef<OsStr>, name: &str, arguments: &[&str]) -> Self {
        install();
        Self::start(Command::new(interpreter).arg(script(name)), arguments)
    }

    /// A peer's server that `install.sh` has compiled.
    pub(crate) fn compiled(name: &str, arguments: &[&str]) -> Self {
        install();
        Self::start(&mut Command::new(installed(name)), arguments)
    }

    /// Waits until it has logged a line that says this, and gives the line.
    pub(crate) fn logged(&self, words: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nothing about {words:?} was logged"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        kill(name, self.id());
    }

    pub(crate) fn status(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits for the line that says where it listens.
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
        let port = port.parse().unwrap_or_else(|_| panic!("{command:?} said {line:?} instead of its port"));
        Self { port, log, child, _watch: watch }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.log.iter().for_each(|line| eprintln!("server: {line}"));
        }
    }
}

/// Reads lines for as long as there are any.
fn collect(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // Whoever wanted to know may be gone.
            let _ = sender.send(line);
        }
    });
    lines
}

/// Brings the peers to this machine, if they are not here.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = Command::new(script("install.sh")).status().unwrap();
        assert!(status.success(), "tests/peers/install.sh ended with {status}");
    });
}

/// Kills a program that runs for too long, unless what this gives is dropped before.
pub(crate) fn watch(id: u32) -> Watch {
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
