//! Broadcast: processor time of servers that send each message to all clients.
//!
//! Half of the clients of a compressed load let the server keep its window between messages, half do not. So there are
//! two sets of parameters, with the same compressed bytes.

use std::time::Duration;

use crate::Options;
use crate::clients::{Clients, Load};
use crate::contenders::{BROADCAST, Contender};
use crate::process::Server;
use crate::report::{self, Cell, Row, Target};
use crate::requests::Requests;

/// The servers that print the number of compressions of each broadcast.
const OURS: &str = "broadcast-tokio";
const OURS_DEFLATE: &str = "broadcast-tokio-deflate";

pub(crate) fn run(options: &Options) {
    let mut targets = Vec::new();
    for group in BROADCAST {
        let loads = group.loads.iter().filter(|load| load.name().contains(&options.load));
        let contenders = || group.contenders(&options.only);
        if options.is_quick {
            loads.take(1).for_each(|load| quick(&load.quick(), contenders(), options));
            continue;
        }
        let rows: Vec<Row> = loads.map(|load| measure(load, contenders(), options, &mut targets)).collect();
        println!("\n### Broadcast: {}\n", group.title);
        report::ratios(group, &rows);
    }
    if !options.is_quick {
        println!("\n### Targets of the broadcast");
        report::print_targets(&targets);
    }
}

/// A server for each load, because a server sends to all connections that it has had.
struct Contest {
    requests: Requests,
    servers: Vec<(&'static str, Server)>,
}

impl Contest {
    fn new(load: &Load, contenders: impl Iterator<Item = Contender>, options: &Options) -> Self {
        let start = |contender: Contender| (contender.name, Server::start(contender, &options.examples));
        // The first client does not compress its message, so that only the compression of the broadcast is measured.
        Self { requests: Requests::new(load, false), servers: contenders.map(start).collect() }
    }

    fn open(&self, load: &Load) -> Vec<Clients<'_>> {
        self.servers.iter().map(|(_, server)| Clients::open(load, &self.requests, server, true)).collect()
    }
}

fn quick(load: &Load, contenders: impl Iterator<Item = Contender>, options: &Options) {
    let contest = Contest::new(load, contenders, options);
    for ((name, _), mut clients) in contest.servers.iter().zip(contest.open(load)) {
        let done = clients.broadcast(3, Duration::ZERO);
        println!("{name}: {} messages were correct at all {} clients", done.messages, load.connections);
    }
}

fn measure(
    load: &Load,
    contenders: impl Iterator<Item = Contender>,
    options: &Options,
    targets: &mut Vec<Target>,
) -> Row {
    let contest = Contest::new(load, contenders, options);
    let mut clients = contest.open(load);
    let work = format!("{} × {}", load.connections, load.size());
    let mut row = Row::new(work.clone(), contest.servers.iter().map(|(name, _)| *name));
    let mut broadcasts = vec![0; clients.len()];
    for _ in 0..options.rounds {
        let servers = row.lines.iter_mut().zip(&contest.servers).zip(&mut clients).zip(&mut broadcasts);
        for (((line, (_, server)), clients), broadcasts) in servers {
            *broadcasts += clients.broadcast(1, Duration::ZERO).messages;
            let before = server.cpu();
            let done = clients.broadcast(3, options.time);
            line.cells.push(Cell::new(&done, server.cpu_since(&before)));
            *broadcasts += done.messages;
        }
    }
    drop(clients);
    for ((contender, mut server), broadcasts) in contest.servers.into_iter().zip(broadcasts) {
        let sets = match contender {
            OURS => 0.0,
            OURS_DEFLATE => 2.0,
            _ => continue,
        };
        let most = (0..broadcasts).map(|_| server.number()).max().unwrap_or_default() as f64;
        let (work, against) = (format!("compressions, {work}"), "sets of parameters".into());
        targets.push(Target { work, contender, against, at_most: sets, measured: most, quartiles: None });
    }
    row
}
