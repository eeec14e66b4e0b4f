//! The memory of a connection that is idle after an echo.

use crate::peer::{Buffers, Peer};
use crate::process::{self, KIB};
use crate::{ONE_SERVER, SERVERS};

const CONNECTIONS: usize = 1_000;
const MESSAGE: usize = 16 * 1024;

/// The limit for a connection without a thread.
const MAX_TASK_MEMORY: u64 = 3 * KIB;
/// The limit for a connection of `serve`, whose thread keeps the stack that it has used.
const MAX_THREAD_MEMORY: u64 = 48 * KIB;

#[tokio::test]
async fn idle_connection_keeps_no_buffer() {
    let _guard = ONE_SERVER.lock().await;
    process::allow_descriptors(CONNECTIONS + 500);
    let mut failures = Vec::new();
    for &(example, arguments) in SERVERS {
        let (server, process) = process::start(example, arguments);
        let (mut peers, mut start) = (Vec::new(), 0);
        for number in 0..=CONNECTIONS {
            let mut peer = Peer::open(server.port, number, Buffers::Default).await.unwrap();
            peer.echo(MESSAGE).await.unwrap();
            peers.push(peer);
            if number == 0 {
                // Memory that the first connection allocates for all connections is not counted.
                start = process.usage().resident;
            }
        }
        let memory = (process.usage().resident - start) / CONNECTIONS as u64;
        println!("{example}: {memory} bytes for each connection, idle after an echo of {MESSAGE} bytes");
        if memory > if example == "serve" { MAX_THREAD_MEMORY } else { MAX_TASK_MEMORY } {
            failures.push(example);
        }
    }
    assert!(failures.is_empty(), "too much memory: {failures:?}");
}
