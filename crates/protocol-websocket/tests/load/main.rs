//! Load and faults over real sockets. 5,000 connections at once, half of them [faulty](faults), to the `serve` example
//! (threads) and to `tokio_echo` of the crate for tokio, in two rounds. No echo of the others may be missing, and no
//! memory, thread or file descriptor may remain in use.
//!
//! `cargo test -p protocol-websocket --all-features --test load -- --nocapture` prints the figures. Build the examples
//! first: `cargo build -p protocol-websocket -p protocol-websocket-tokio --all-features --examples`.
#![cfg(all(target_os = "linux", feature = "client", feature = "getrandom", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod backlog;
mod backpressure;
mod faults;
mod idle;
mod peer;
mod process;
#[path = "../peers/program.rs"]
#[allow(dead_code, reason = "peers of other projects are not used here")]
mod program;
mod round;

use peer::{Buffers, Peer};
use process::KIB;
use round::{CONNECTIONS, Cost, Round};
use tokio::sync::Mutex;

/// Locked by each test, because the machine has file descriptors for one server at a time, and parallel tests would
/// distort the figures.
static ONE_SERVER: Mutex<()> = Mutex::const_new(());

/// The example servers, each on a free port.
const SERVERS: &[(&str, &[&str])] = &[
    ("serve", &["--port", "0"]),
    ("tokio_echo", &["0"]),
    #[cfg(feature = "http")]
    ("hyper_echo", &["0"]),
    ("smol_echo", &["0"]),
    ("poll_server", &["0"]),
];

/// The limit for the growth of the server's memory from one round to the next, because the heap is fragmented in
/// another way each time. It is 800 bytes for each connection, half the cost of the smallest idle connection.
const MAX_GROWTH: u64 = 800 * CONNECTIONS as u64;

/// Each connection has a thread, whose stack is most of the cost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_survives_load_and_faults() {
    survives_load_and_faults("serve", &["--port", "0", "--timeout", "3600"], Cost { threads: 1, memory: 40 * KIB })
        .await;
}

/// Each connection is a task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_echo_survives_load_and_faults() {
    survives_load_and_faults("tokio_echo", &["0", "3600"], Cost { threads: 0, memory: 3 * KIB }).await;
}

/// The servers have a long ping interval, because the clients do not read while they wait for other clients.
async fn survives_load_and_faults(example: &str, arguments: &[&str], cost: Cost) {
    let _guard = ONE_SERVER.lock().await;
    process::allow_descriptors(CONNECTIONS + 500);
    let (server, process) = process::start(example, arguments);
    // This connection stays open during both rounds. The usage before each round includes it.
    let mut permanent = Peer::open(server.port, CONNECTIONS, Buffers::Default).await.unwrap();
    permanent.echo(1000).await.unwrap();
    let start = process.usage();

    let mut resident = Vec::new();
    for number in 1..=2 {
        let round = Round::run(server.port, &process, &start, cost, &mut permanent).await;
        println!("{example}, round {number}: {round}");
        round.check(cost);
        resident.push(round.after.resident);
    }
    assert!(resident[1] <= resident[0] + MAX_GROWTH, "memory remains in use: {resident:?}");
    permanent.close().await.unwrap();
}
