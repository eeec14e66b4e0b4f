//! A server in a process of its own: its address, its processor time, its system calls.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use crate::contenders::Contender;

/// The program of a server.
#[derive(Clone, Copy)]
pub(crate) enum Program {
    /// This program, with the argument `serve` and this name.
    Own(&'static str),
    /// The example with this name, with these arguments.
    Example(&'static str, &'static [&'static str]),
    /// A script of a library in another language, with one argument.
    #[cfg(feature = "peers")]
    Script(Script, &'static str),
}

/// A script in the folder of the servers, and the installed package that it needs.
#[cfg(feature = "peers")]
#[derive(Clone, Copy)]
pub(crate) struct Script {
    pub(crate) interpreter: &'static str,
    pub(crate) file: &'static str,
    pub(crate) package: &'static str,
}

impl Program {
    /// Returns whether the program can run. Prints what is missing.
    pub(crate) fn is_installed(self) -> bool {
        match self {
            Self::Own(_) | Self::Example(..) => true,
            #[cfg(feature = "peers")]
            Self::Script(script, _) => {
                let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers").join(script.package);
                let is_installed = has(script.interpreter) && package.exists();
                if !is_installed {
                    eprintln!(
                        "{} is not installed: see crates/protocol-websocket/tests/peers/install.sh",
                        script.package
                    );
                }
                is_installed
            }
        }
    }
}

pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    output: BufReader<ChildStdout>,
}

/// Processor time in nanoseconds by thread.
pub(crate) struct Cpu(HashMap<String, u64>);

/// Number of system calls.
#[derive(Clone, Copy)]
pub(crate) struct Calls {
    pub(crate) writes: u64,
    /// All, with the writes.
    pub(crate) total: u64,
}

impl Server {
    pub(crate) fn start(contender: Contender, examples: &Path) -> Self {
        Self::start_with(contender, examples, &[])
    }

    /// Starts a server with these environment variables.
    pub(crate) fn start_with(
        Contender { name, program }: Contender,
        examples: &Path,
        environment: &[(&str, String)],
    ) -> Self {
        let (program, arguments) = match program {
            Program::Own(server) => (env::current_exe().unwrap(), vec!["serve", server]),
            Program::Example(example, arguments) => (examples.join(example), arguments.to_vec()),
            #[cfg(feature = "peers")]
            Program::Script(Script { interpreter, file, .. }, argument) => (interpreter.into(), vec![file, argument]),
        };
        // The kernel kills the server when this process ends. One worker thread, because the server has one core.
        let mut command = if has("setpriv") { Command::new("setpriv") } else { Command::new("env") };
        if has("setpriv") {
            command.args(["--pdeathsig", "KILL"]);
        }
        if has("taskset") {
            command.args(["taskset", "-c", "0"]);
        }
        let command = command.arg(&program).args(arguments).env("TOKIO_WORKER_THREADS", "1");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let (mut output, mut line) = (BufReader::new(child.stdout.take().unwrap()), String::new());
        output.read_line(&mut line).unwrap();
        // All servers print ws://127.0.0.1:PORT/
        let port = line.rsplit(':').next().and_then(|rest| rest.trim_end().strip_suffix('/')?.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{name} printed no address: {line:?}"));
        Self { child, address: (Ipv4Addr::LOCALHOST, port).into(), output }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number on the next line of the output.
    pub(crate) fn number(&mut self) -> u64 {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().parse().expect("a number")
    }

    pub(crate) fn cpu(&self) -> Cpu {
        // Waits for the work after the last response, because its processor time counts, too.
        thread::sleep(Duration::from_millis(2));
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("the server is running");
        let nanoseconds = |thread: std::io::Result<fs::DirEntry>| {
            let path = thread.ok()?.path();
            let text = fs::read_to_string(path.join("schedstat")).ok()?;
            Some((path.file_name()?.to_str()?.to_owned(), text.split(' ').next()?.parse().ok()?))
        };
        Cpu(threads.filter_map(nanoseconds).collect())
    }

    pub(crate) fn cpu_since(&self, before: &Cpu) -> u64 {
        self.cpu().0.iter().map(|(thread, now)| now - before.0.get(thread).unwrap_or(&0)).sum()
    }

    /// Returns the resident memory that is not mapped from a file, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the server is running");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux 4.5 or later");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of KiB") * 1024
    }

    /// Counts the system calls of the server during `work` with strace. System calls are slower under strace, so that a
    /// read may return more bytes. Returns `None` without strace.
    pub(crate) fn system_calls<T>(&self, work: impl FnOnce() -> T) -> Option<(Calls, T)> {
        if !has("strace") {
            return None;
        }
        let table = env::temp_dir().join(format!("echo-{}", self.child.id()));
        let pid = self.child.id().to_string();
        let mut strace = Command::new("strace")
            .args(["-f", "-c", "-p", &pid, "-o"])
            .arg(&table)
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        // strace prints a line once it is attached to all threads.
        BufReader::new(strace.stderr.take()?).read_line(&mut String::new()).ok()?;
        let result = work();
        let _ = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
        strace.wait().ok()?;
        let text = fs::read_to_string(&table).ok()?;
        let _ = fs::remove_file(table);
        let mut calls = Calls { writes: 0, total: 0 };
        for words in text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            let (Some(count), Some(&name)) = (words.get(3).and_then(|n| n.parse::<u64>().ok()), words.last()) else {
                continue;
            };
            match name {
                "write" | "writev" | "sendto" | "sendmsg" => calls.writes += count,
                _ => {}
            }
            if name != "total" {
                calls.total += count;
            }
        }
        Some((calls, result))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pins this process to the last core. The servers run on the first.
pub(crate) fn pin_to_last_core() {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if has("taskset") {
        let (core, pid) = ((cores - 1).to_string(), std::process::id().to_string());
        let _ = Command::new("taskset").args(["-c", "-p", &core, &pid]).stdout(Stdio::null()).status();
    }
}

fn has(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
