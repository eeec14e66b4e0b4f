//! Servers over loopback sockets: processor time, system calls, throughput and memory.
//!
//! `benches/echo/run` builds this program and the examples, and prints the tables of one part or of all. Each server is a
//! process of its own on the first core. One load generator runs on the second core and compares all responses byte by
//! byte.
//!
//! - [`contenders`] has the servers, their groups and their loads. [`servers`] has the servers themselves.
//! - [`echo`], [`read_lengths`], [`broadcast`], [`memory`], [`compressed_memory`], [`many`] and [`axum`] are the parts.
//!   [`axum`] includes [`handshakes`]. [`report`] has what their tables share.
//! - [`clients`] is the load generator, [`openings`], [`http2`] and [`requests`] are what it sends, [`responses`] compares.
//!   [`process`] is a server's process, [`kernel`] the memory of its sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

mod axum;
mod broadcast;
mod clients;
mod compressed_memory;
mod contenders;
mod echo;
mod handshakes;
mod http2;
mod kernel;
mod many;
mod memory;
mod openings;
mod process;
mod read_lengths;
mod report;
mod requests;
mod responses;
mod servers;

use std::path::PathBuf;
use std::time::Duration;

struct Options {
    rounds: usize,
    time: Duration,
    /// Only check the responses.
    is_quick: bool,
    /// The number of connections of the part `many`.
    connections: Option<usize>,
    examples: PathBuf,
    /// Only the servers whose names contain this, and the baselines.
    only: String,
    /// Only the loads whose names contain this.
    load: String,
}

/// A part measures and prints its tables.
type Part = (&'static str, fn(&Options));

const PARTS: [Part; 7] = [
    ("echo", echo::run),
    ("read-lengths", read_lengths::run),
    ("broadcast", broadcast::run),
    ("memory", memory::run),
    ("compressed-memory", compressed_memory::run),
    ("many", many::run),
    ("axum", axum::run),
];

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "serve").is_some() {
        return servers::serve(&arguments.next().expect("`serve` needs a name")).expect("the server failed");
    }
    let mut options = Options {
        rounds: 7,
        time: Duration::from_millis(150),
        is_quick: false,
        connections: None,
        examples: PathBuf::new(),
        only: String::new(),
        load: String::new(),
    };
    let mut parts = Vec::new();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("an option needs a value");
        match argument.as_str() {
            "--quick" => options.is_quick = true,
            "--rounds" => options.rounds = value().parse().expect("a number of rounds"),
            "--millis" => options.time = Duration::from_millis(value().parse().expect("a number of milliseconds")),
            "--connections" => options.connections = Some(value().parse().expect("a number of connections")),
            "--examples" => options.examples = value().into(),
            "--only" => options.only = value(),
            "--load" => options.load = value(),
            name => parts.push(*PARTS.iter().find(|part| part.0 == name).expect("no such part or option")),
        }
    }
    process::pin_to_last_core();
    let parts = if parts.is_empty() { PARTS.to_vec() } else { parts };
    for (_, run) in parts {
        run(&options);
    }
}
