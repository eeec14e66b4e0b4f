//! The memory of sockets in the kernel of Linux.
//!
//! A memory cgroup does not measure it for one end of a connection: on loopback, the kernel allocates the socket of the
//! server in the context of the client.

use std::time::Duration;
use std::{fs, thread};

const PAGE_SIZE: u64 = 4096;
/// The caches of the structures of a TCP socket in an epoll instance. The directory entry of a socket is not among them:
/// its cache also grows with the files of other programs.
const CACHES: [&str; 4] = ["TCP", "sock_inode_cache", "filp", "eventpoll_epi"];

/// Returns the bytes of all TCP sockets and open files of the machine, and of the buffers of the sockets. Returns `None` if
/// the tables cannot be read, as without root's rights.
pub(crate) fn socket_memory() -> Option<u64> {
    let slabs = fs::read_to_string("/proc/slabinfo").ok()?;
    let sockets = fs::read_to_string("/proc/net/sockstat").ok()?;
    let buffers =
        sockets.lines().find(|line| line.starts_with("TCP:"))?.split_whitespace().skip_while(|word| *word != "mem");
    Some(slabs.lines().filter_map(objects).sum::<u64>() + buffers.last()?.parse::<u64>().ok()? * PAGE_SIZE)
}

/// Waits until the memory of closed sockets is free, because the kernel frees it later.
pub(crate) fn wait_for_closed_sockets() {
    let mut before = u64::MAX;
    while let Some(now) = socket_memory().filter(|now| *now < before - before / 100) {
        before = now;
        thread::sleep(Duration::from_millis(300));
    }
}

/// Returns the bytes of the objects in use of a cache, with their part of the pages that is not used.
fn objects(line: &str) -> Option<u64> {
    // name, objects in use, objects, size, objects per slab, pages per slab
    let mut words = line.split_whitespace();
    let name = words.next()?;
    let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
    let &[used, _, _, per_slab, pages, ..] = numbers.as_slice() else { return None };
    CACHES.contains(&name).then(|| used * pages * PAGE_SIZE / per_slab.max(1))
}
