//! What a connection keeps once it has echoed something, and is idle again.

use crate::peer::{Buffers, Peer};
use crate::process::{self, KIB};
use crate::{ALONE, SERVERS};

const CONNECTIONS: usize = 1_000;
const MESSAGE: usize = 16 * 1024;

/// What a connection may keep beside its thread, whose stack stays as large as it was: `serve` has one for each.
const MEMORY: u64 = 4 * KIB;
const STACK: u64 = 48 * KIB;

#[tokio::test]
async fn an_idle_connection_keeps_no_buffer_of_its_last_message() {
    let _alone = ALONE.lock().await;
    process::allow_descriptors(CONNECTIONS + 500);
    let mut failures = Vec::new();
    for &(example, arguments) in SERVERS {
        let (server, process) = process::start(example, arguments);
        let (mut peers, mut start) = (Vec::new(), 0);
        for number in 0..=CONNECTIONS {
            let mut peer = Peer::open(server.port, number, Buffers::Usual).await.unwrap();
            peer.echo(MESSAGE).await.unwrap();
            peers.push(peer);
            if number == 0 {
                // What the first connection allocates for all is not counted.
                start = process.usage().resident;
            }
        }
        let kept = (process.usage().resident - start) / CONNECTIONS as u64;
        println!("{example}: {kept} bytes a connection, idle after an echo of {MESSAGE} bytes");
        if kept > if example == "serve" { STACK } else { MEMORY } {
            failures.push(example);
        }
    }
    assert!(failures.is_empty(), "too much is kept by {failures:?}");
}
