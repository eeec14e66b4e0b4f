//! The resources of the server process, as the kernel counts them.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{self, Server};

pub(crate) const KIB: u64 = 1024;
/// How long the server may take to release threads and file descriptors. This is less than its write timeout of 30 s.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(20);

/// Settings of glibc with which the allocator keeps little free memory: one heap, and large buffers are returned at
/// once. By default the amount varies from run to run.
const ALLOCATOR: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "16384")];

/// Starts an example server.
pub(crate) fn start(example: &str, arguments: &[&str]) -> (Server, Process) {
    let server = Server::start(Command::new(program::example(example)).envs(ALLOCATOR), arguments);
    let process = Process(server.id());
    (server, process)
}

pub(crate) struct Process(u32);

#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) resident: u64,
    /// The highest resident memory since [`Process::reset_peak`].
    pub(crate) peak: u64,
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
}

impl Process {
    pub(crate) fn usage(&self) -> Usage {
        let status = fs::read_to_string(self.file("status")).unwrap();
        let field = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
        };
        Usage {
            resident: field("VmRSS") * KIB,
            peak: field("VmHWM") * KIB,
            threads: usize::try_from(field("Threads")).unwrap(),
            descriptors: fs::read_dir(self.file("fd")).unwrap().count(),
        }
    }

    pub(crate) fn reset_peak(&self) {
        fs::write(self.file("clear_refs"), "5").unwrap();
    }

    /// Waits until the process has these numbers of threads and file descriptors, or for [`RELEASE_TIMEOUT`].
    pub(crate) async fn settle(&self, threads: usize, descriptors: usize) -> Usage {
        let deadline = Instant::now() + RELEASE_TIMEOUT;
        loop {
            let now = self.usage();
            if (now.threads, now.descriptors) == (threads, descriptors) || Instant::now() > deadline {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.0)
    }
}

/// Raises the soft limit of file descriptors for this process and its children.
pub(crate) fn allow_descriptors(needed: usize) {
    let allowed = rlimit::increase_nofile_limit(needed as u64).unwrap();
    assert!(allowed >= needed as u64, "the limit of {allowed} file descriptors is below {needed}: see `ulimit -Hn`");
}
