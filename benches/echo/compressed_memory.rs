//! Compressed connections: their memory after one message in each direction, their memory after a time without a message, and
//! the processor time of an echo.

use std::thread;
use std::time::Duration;

use crate::Options;
use crate::clients::{Clients, Load};
use crate::contenders::{COMPRESSED_MEMORY, Contender};
use crate::process::Server;
use crate::report::{Cell, Row, quartiles};
use crate::requests::Requests;
use crate::servers::RELEASE_TIME;

/// After this time, the server has returned the memory that it returns.
const SETTLE_TIME: Duration = Duration::from_millis(500);

/// A server with open connections.
struct Opened<'a> {
    server: Server,
    clients: Clients<'a>,
    /// The memory of the server without connections.
    before: u64,
    /// KiB for each connection after the messages.
    used: f64,
}

pub(crate) fn run(options: &Options) {
    let load = COMPRESSED_MEMORY.loads[0];
    let load = if options.is_quick { load.quick() } else { load };
    let requests = Requests::new(&load, true);
    let contenders: Vec<Contender> =
        COMPRESSED_MEMORY.contenders(&options.only).filter(|contender| contender.program.is_installed()).collect();
    let mut all: Vec<Opened> = Vec::new();
    for &contender in &contenders {
        all.push(open(contender, load, &requests, options));
        keep_alive(&mut all, Duration::ZERO);
    }
    if options.is_quick {
        return;
    }
    keep_alive(&mut all, 2 * RELEASE_TIME);
    let idle: Vec<f64> = all.iter().map(|opened| opened.per_connection(load)).collect();
    let mut row = Row::new(load.name(), contenders.iter().map(|contender| contender.name));
    for _ in 0..options.rounds {
        for (line, Opened { server, clients, .. }) in row.lines.iter_mut().zip(&mut all) {
            // A compressor that was freed is created again.
            clients.run(0, Duration::ZERO);
            let before = server.cpu();
            let done = clients.run(0, options.time);
            line.cells.push(Cell::new(&done, server.cpu_since(&before)));
        }
    }
    keep_alive(&mut all, SETTLE_TIME);
    println!(
        "| server | KiB per connection, after {} each | idle | after many | echoes per second of a core | × baseline |",
        load.size()
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for ((line, opened), idle) in row.lines.iter().zip(&all).zip(idle) {
        let [_, cpu, _] = quartiles(line.cells.iter().map(|cell| cell.cpu).collect());
        let [low, ratio, high] = row.ratios(COMPRESSED_MEMORY.baseline.name, line.name).expect("both were measured");
        let (used, many) = (opened.used, opened.per_connection(load));
        let (per_second, noise) = (1e6 / cpu, (high - low) / 2.0);
        println!("| {} | {used:.1} | {idle:.1} | {many:.1} | {per_second:.1} k | {ratio:.2} ±{noise:.2} |", line.name);
    }
}

impl Opened<'_> {
    fn per_connection(&self, load: Load) -> f64 {
        self.server.memory().saturating_sub(self.before) as f64 / load.connections as f64 / 1024.0
    }
}

/// Opens the connections of a server, echoes one message of each, and measures the memory.
fn open<'a>(contender: Contender, load: Load, requests: &'a Requests, options: &Options) -> Opened<'a> {
    let server = Server::start(contender, &options.examples);
    // The threads, the runtime and the read buffers exist once.
    let mut first = Clients::open(&Load { connections: 1, ..load }, requests, &server, false);
    first.run(0, Duration::ZERO);
    thread::sleep(SETTLE_TIME);
    let before = server.memory();
    let mut clients = Clients::open(&load, requests, &server, false);
    let done = clients.run(0, Duration::ZERO);
    thread::sleep(SETTLE_TIME);
    if options.is_quick {
        println!("{}: {} correct responses of {} connections", contender.name, done.messages, load.connections);
    }
    let opened = Opened { server, clients, before, used: 0.0 };
    Opened { used: opened.per_connection(load), ..opened }
}

/// Replies to the pings of all servers for a time, in turns.
fn keep_alive(all: &mut [Opened<'_>], time: Duration) {
    const TURNS: u32 = 10;
    let turn = time / TURNS / all.len() as u32;
    for _ in 0..TURNS {
        for opened in &mut *all {
            opened.clients.keep_alive(turn);
        }
    }
}
