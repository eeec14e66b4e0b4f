use std::ffi::OsStr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Once;

use test_support::program::Program;
pub(crate) use test_support::program::{example, watch};

/// The folder of the scripts, from that of any crate.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../protocol-websocket/tests/peers");

/// Returns the path of a script in `tests/peers`.
pub(crate) fn script(name: &str) -> PathBuf {
    // Python scripts find the packages from their own path.
    Path::new(SCRIPTS).join(name).canonicalize().unwrap()
}

/// Returns the path of a program that `install.sh` has installed.
pub(crate) fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers").join(name)
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
    program: Program,
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

    pub(crate) fn status(mut self) -> ExitStatus {
        self.program.wait()
    }

    /// Starts a server and waits for the line with its port.
    pub(crate) fn start(command: &mut Command, arguments: &[&str]) -> Self {
        let program = Program::start(command.args(arguments));
        let line = program.printed("");
        let port = match line.split_once("//127.0.0.1:") {
            Some((_, rest)) => rest.split('/').next().unwrap(),
            None => line.trim(),
        };
        let port = port.parse().unwrap_or_else(|_| panic!("{command:?} printed {line:?} instead of its port"));
        Self { port, program }
    }
}

impl Deref for Server {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

/// Installs the peers, unless they are installed.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = Command::new(script("install.sh")).status().unwrap();
        assert!(status.success(), "tests/peers/install.sh ended with {status}");
    });
}
