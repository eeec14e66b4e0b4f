//! What the server takes, as the kernel counts it.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{self, Server};

pub(crate) const KIB: u64 = 1024;
/// How long the server may take to let go of what it has: less than the 30 s that it gives those who do not read.
const PATIENCE: Duration = Duration::from_secs(20);

/// What free memory the allocator keeps is another each time. With these settings of glibc it keeps little: one heap,
/// and large buffers go back at once.
const ALLOCATOR: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "16384")];

/// An example of ours that serves, and that is looked at.
pub(crate) fn start(example: &str, arguments: &[&str]) -> (Server, Process) {
    let server = Server::start(Command::new(program::example(example)).envs(ALLOCATOR), arguments);
    let process = Process(server.child.id());
    (server, process)
}

pub(crate) struct Process(u32);

#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) resident: u64,
    /// The most that was resident, since [`Process::forget_peak`].
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

    pub(crate) fn forget_peak(&self) {
        fs::write(self.file("clear_refs"), "5").unwrap();
    }

    /// Waits until it has so many threads and descriptors, or does not come to that.
    pub(crate) async fn settle(&self, threads: usize, descriptors: usize) -> Usage {
        let deadline = Instant::now() + PATIENCE;
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

/// Raises the soft limit of descriptors, for this process and for those that it starts.
pub(crate) fn allow_descriptors(needed: usize) {
    let allowed = rlimit::increase_nofile_limit(needed as u64).unwrap();
    assert!(allowed >= needed as u64, "{needed} descriptors are needed and {allowed} are allowed: see `ulimit -Hn`");
}
