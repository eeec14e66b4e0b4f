//! Echo over loopback sockets: what a message costs the server, in processor time and in system calls.
//!
//! `benches/echo/run` builds this and the examples, and prints the tables. Each server is a process of its own on the
//! first core, one load generator sits on the second; all answers are compared byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

mod load;
mod process;
mod report;
mod servers;

use std::path::PathBuf;
use std::time::Duration;

use load::Load;
use process::Server;
use report::{Cell, Report};

/// What stands in the tables: its name, the floor that it is held against, and how it is started.
struct Contender {
    name: &'static str,
    floor: &'static str,
    start: Start,
}

#[derive(Clone, Copy)]
enum Start {
    /// One of [`servers`].
    Own,
    /// One of the examples, as they are.
    Example(&'static [&'static str]),
}

const fn own(name: &'static str, floor: &'static str) -> Contender {
    Contender { name, floor, start: Start::Own }
}

const fn example(name: &'static str, floor: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender { name, floor, start: Start::Example(arguments) }
}

/// The floors stand before those that are held against them.
const CONTENDERS: &[Contender] = &[
    own(TOKIO, TOKIO),
    own("tcp", TOKIO),
    example("tokio_echo", TOKIO, &["0"]),
    #[cfg(feature = "peers")]
    own("tungstenite-batch", TOKIO),
    #[cfg(feature = "peers")]
    own("tokio-websockets", TOKIO),
    #[cfg(feature = "peers")]
    own("fastwebsockets", TOKIO),
    #[cfg(feature = "peers")]
    own("sockudo-ws", TOKIO),
    own(MIO, MIO),
    example("poll_server", MIO, &["0"]),
    own(STD, STD),
    example("serve", STD, &["--port", "0"]),
    #[cfg(feature = "peers")]
    own("tungstenite", STD),
];
const TOKIO: &str = "hand-tokio";
const MIO: &str = "hand-mio";
const STD: &str = "hand-std";

const LOADS: &[Load] = &[
    Load::new(1, 125, 1),
    Load::new(1, 125, 64),
    Load::new(32, 125, 16),
    Load::new(64, 125, 1),
    Load::new(1, 16 * 1024, 8),
    Load::new(32, 16 * 1024, 4),
];

struct Options {
    rounds: usize,
    time: Duration,
    /// Correctness only.
    quick: bool,
    examples: PathBuf,
    /// Contenders whose names hold this, and the floors.
    only: Option<String>,
}

fn options() -> Options {
    let mut options =
        Options { rounds: 9, time: Duration::from_millis(200), quick: false, examples: PathBuf::new(), only: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("a value behind the option");
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--rounds" => options.rounds = value().parse().expect("a number of rounds"),
            "--millis" => options.time = Duration::from_millis(value().parse().expect("a number of milliseconds")),
            "--examples" => options.examples = value().into(),
            "--only" => options.only = Some(value()),
            other => panic!("no such option: {other}"),
        }
    }
    options
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("serve") {
        return servers::serve(&arguments.next().expect("the name of a server")).expect("a server");
    }
    let options = options();
    process::pin_to_last_core();
    let wanted = |contender: &&Contender| {
        let Some(only) = &options.only else { return true };
        contender.name.contains(only.as_str()) || contender.name == contender.floor
    };
    let servers: Vec<(&Contender, Server)> = CONTENDERS
        .iter()
        .filter(wanted)
        .map(|contender| (contender, Server::start(contender.name, contender.start, &options.examples)))
        .collect();
    if options.quick {
        quick(&servers);
    } else {
        measure(&servers, &options);
    }
}

/// A few hundred messages of each load to each server.
fn quick(servers: &[(&Contender, Server)]) {
    for (contender, server) in servers {
        let mut messages = 0;
        for load in LOADS {
            messages += load.open(server).run(300, Duration::ZERO).messages;
        }
        println!("{}: {messages} messages came back as they were sent", contender.name);
    }
}

/// All servers take turns in each round, so that what else the machine does meets all of them.
fn measure(servers: &[(&Contender, Server)], options: &Options) {
    let mut reports = Vec::new();
    for load in LOADS {
        let mut report = Report::new(load, servers.iter().map(|(contender, _)| (contender.name, contender.floor)));
        for _ in 0..options.rounds {
            for (at, (_, server)) in servers.iter().enumerate() {
                let mut guests = load.open(server);
                guests.run(200, options.time / 20);
                let before = server.cpu();
                let done = guests.run(200, options.time);
                report.add(at, Cell::new(&done, server.cpu_since(&before)));
            }
        }
        for (at, (_, server)) in servers.iter().enumerate() {
            let mut guests = load.open(server);
            guests.run(200, Duration::ZERO);
            let calls = server.system_calls(|| guests.run(200, options.time));
            report.calls(at, calls);
        }
        reports.push(report);
    }
    report::print(&reports);
}
