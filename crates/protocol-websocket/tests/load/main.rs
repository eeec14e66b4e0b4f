//! Load and faults, over real sockets: 5,000 connections at once to the `serve` example (threads) and to `tokio_echo`,
//! half of them [faulty](faults), twice in a row. Then nothing is lost, and nothing is left.
//!
//! `cargo test -p protocol-websocket --all-features --test load -- --nocapture` prints the figures; the examples must be
//! built, as `cargo test` without `--test` does.
#![cfg(all(target_os = "linux", feature = "client", feature = "getrandom", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod backlog;
mod backpressure;
mod faults;
mod idle;
mod peer;
mod process;
#[path = "../peers/program.rs"]
#[allow(dead_code, reason = "the peers of others are not needed here")]
mod program;
mod round;

use peer::{Buffers, Peer};
use process::KIB;
use round::{CONNECTIONS, Cost, Round};
use tokio::sync::Mutex;

/// One server at a time: the machine has so many descriptors, and two crowds would be in each other's way.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The examples that serve, each on a free port.
const SERVERS: &[(&str, &[&str])] = &[
    ("serve", &["--port", "0"]),
    ("tokio_echo", &["0"]),
    #[cfg(feature = "http")]
    ("hyper_echo", &["0"]),
    ("smol_echo", &["0"]),
    ("poll_server", &["0"]),
];

/// What the server's memory may grow by from one round to the next: the heap is cut up in another way each time. It is
/// 800 bytes a connection, half of what the smallest idle one costs.
const ALLOWANCE: u64 = 800 * CONNECTIONS as u64;

/// A connection is a thread: its stack is most of what it costs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_bears_the_load() {
    bears_the_load("serve", &["--port", "0"], Cost { threads: 1, memory: 40 * KIB }).await;
}

/// A connection is a task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_echo_bears_the_load() {
    // Nobody reads while the others have their turn, so nobody is asked.
    bears_the_load("tokio_echo", &["0", "3600"], Cost { threads: 0, memory: 4 * KIB }).await;
}

async fn bears_the_load(example: &str, arguments: &[&str], cost: Cost) {
    let _alone = ALONE.lock().await;
    process::allow_descriptors(CONNECTIONS + 500);
    let (server, process) = process::start(example, arguments);
    // It stays, and sees that the server lives all the time. What there is beside it is what is left.
    let mut witness = Peer::open(server.port, CONNECTIONS, Buffers::Usual).await.unwrap();
    witness.echo(1000).await.unwrap();
    let start = process.usage();

    let mut resident = Vec::new();
    for number in 1..=2 {
        let round = Round::run(server.port, &process, &start, cost, &mut witness).await;
        println!("{example}, round {number}: {round}");
        round.check(cost);
        resident.push(round.after.resident);
    }
    assert!(resident[1] <= resident[0] + ALLOWANCE, "memory is left: {resident:?}");
    witness.close().await.unwrap();
}
