//! Echo over loopback sockets: processor time and system calls of the server per message.
//!
//! `benches/echo/run` builds this program and the examples, and prints the tables. Each server is a process of its own
//! on the first core. One load generator runs on the second core and compares all responses byte by byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

mod load;
mod process;
mod report;
mod servers;

use std::path::PathBuf;
use std::time::Duration;

use load::Load;
use process::{Server, Start};
use report::{Cell, Report};

/// One row of the tables: its name, the name of its baseline, and how it is started.
struct Contender {
    name: &'static str,
    baseline: &'static str,
    start: Start,
}

const fn own(name: &'static str, baseline: &'static str) -> Contender {
    Contender { name, baseline, start: Start::SelfServe }
}

const fn example(name: &'static str, baseline: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender { name, baseline, start: Start::Example(arguments) }
}

/// Each baseline comes before the servers that are compared with it.
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
const TOKIO: &str = "baseline-tokio";
const MIO: &str = "baseline-mio";
const STD: &str = "baseline-std";

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
    /// Only check the responses.
    quick: bool,
    examples: PathBuf,
    /// Only the contenders whose names contain this, and the baselines.
    only: Option<String>,
}

fn options() -> Options {
    let mut options =
        Options { rounds: 9, time: Duration::from_millis(200), quick: false, examples: PathBuf::new(), only: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("an option needs a value");
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
        return servers::serve(&arguments.next().expect("`serve` needs a name")).expect("the server failed");
    }
    let options = options();
    process::pin_to_last_core();
    let wanted = |contender: &&Contender| {
        let Some(only) = &options.only else { return true };
        contender.name.contains(only.as_str()) || contender.name == contender.baseline
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

/// Sends a few hundred messages of each load to each server.
fn quick(servers: &[(&Contender, Server)]) {
    for (contender, server) in servers {
        let mut messages = 0;
        for load in LOADS {
            messages += load.open(server).run(300, Duration::ZERO).messages;
        }
        println!("{}: {messages} correct responses", contender.name);
    }
}

/// Measures the servers in turns, so that other load on the machine affects all of them alike.
fn measure(servers: &[(&Contender, Server)], options: &Options) {
    let mut reports = Vec::new();
    for load in LOADS {
        let mut report = Report::new(load, servers.iter().map(|(contender, _)| (contender.name, contender.baseline)));
        for _ in 0..options.rounds {
            for (at, (_, server)) in servers.iter().enumerate() {
                let mut clients = load.open(server);
                clients.run(200, options.time / 20);
                let before = server.cpu();
                let done = clients.run(200, options.time);
                report.add(at, Cell::new(&done, server.cpu_since(&before)));
            }
        }
        for (at, (_, server)) in servers.iter().enumerate() {
            let mut clients = load.open(server);
            clients.run(200, Duration::ZERO);
            let calls = server.system_calls(|| clients.run(200, options.time));
            report.calls(at, calls);
        }
        reports.push(report);
    }
    report::print(&reports);
}
