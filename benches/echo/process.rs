//! A server in a process of its own: where it listens, what it costs.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use crate::Start;
use crate::load::Done;

pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Whether it sends back bytes and knows no WebSocket.
    plain: bool,
}

/// Nanoseconds of processor time, by thread.
pub(crate) struct Cpu(HashMap<String, u64>);

/// System calls of some messages.
pub(crate) struct Calls {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) others: u64,
    pub(crate) done: Done,
}

impl Server {
    pub(crate) fn start(name: &str, start: Start, examples: &Path) -> Self {
        let (program, arguments) = match start {
            Start::Own => (env::current_exe().unwrap(), vec!["serve", name]),
            Start::Example(arguments) => (examples.join(name), arguments.to_vec()),
        };
        // The server goes when we go, whatever happens. One worker thread: there is one core for it.
        let mut command = if has("setpriv") { Command::new("setpriv") } else { Command::new("env") };
        if has("setpriv") {
            command.args(["--pdeathsig", "KILL"]);
        }
        if has("taskset") {
            command.args(["taskset", "-c", "0"]);
        }
        let command = command.arg(&program).args(arguments).env("TOKIO_WORKER_THREADS", "1");
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        // As all of them print it: ws://127.0.0.1:PORT/
        let port = line.rsplit(':').next().and_then(|rest| rest.trim_end().strip_suffix('/')?.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{name} does not say where it listens: {line:?}"));
        Self { child, address: (Ipv4Addr::LOCALHOST, port).into(), plain: name == "tcp" }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }

    pub(crate) fn cpu(&self) -> Cpu {
        // What the server does behind its last answer is part of it.
        thread::sleep(Duration::from_millis(2));
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a server that lives");
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

    /// Counts system calls with strace. They are slower under it, so that more may come with a read than without.
    pub(crate) fn system_calls(&self, work: impl FnOnce() -> Done) -> Option<Calls> {
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
        // It says so when it has all threads.
        BufReader::new(strace.stderr.take()?).read_line(&mut String::new()).ok()?;
        let done = work();
        let _ = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
        strace.wait().ok()?;
        let text = fs::read_to_string(&table).ok()?;
        let _ = fs::remove_file(table);
        let mut calls = Calls { reads: 0, writes: 0, others: 0, done };
        for words in text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
            let (Some(count), Some(&name)) = (words.get(3).and_then(|n| n.parse::<u64>().ok()), words.last()) else {
                continue;
            };
            match name {
                "read" | "readv" | "recvfrom" | "recvmsg" => calls.reads += count,
                "write" | "writev" | "sendto" | "sendmsg" => calls.writes += count,
                "total" => {}
                _ => calls.others += count,
            }
        }
        Some(calls)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps this process off the servers' core.
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
