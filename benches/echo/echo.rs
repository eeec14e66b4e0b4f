//! Echo: processor time, rate and system calls of servers that send each message back.

use std::time::Duration;

use crate::Options;
use crate::clients::{Clients, Load};
use crate::contenders::{Contender, ECHO, Group};
use crate::process::Server;
use crate::report::{self, Cell, Row};
use crate::requests::Requests;

pub(crate) fn run(options: &Options) {
    let mut targets = Vec::new();
    for group in ECHO {
        let rows = run_group(group, options);
        if group.title.contains("tokio") {
            targets.extend(report::targets(group, &rows));
        }
    }
    if !options.is_quick {
        println!("\n### Targets of the echo");
        report::print_targets(&targets);
    }
}

/// Measures one group and prints its tables. Returns nothing if it only checks the responses.
pub(crate) fn run_group(group: &Group, options: &Options) -> Vec<Row> {
    let rows = measure_group(group, options);
    if !options.is_quick {
        print(group, &rows);
    }
    rows
}

/// Measures one group. Returns nothing if it only checks the responses.
pub(crate) fn measure_group(group: &Group, options: &Options) -> Vec<Row> {
    let start = |contender: Contender| (contender.name, Server::start(contender, &options.examples));
    let servers: Vec<(&str, Server)> = group.contenders(&options.only).map(start).collect();
    let loads = group.loads.iter().filter(|load| load.name().contains(&options.load));
    if options.is_quick {
        quick(&servers, loads);
        return Vec::new();
    }
    loads.map(|load| measure(load, &servers, options)).collect()
}

/// Sends some messages of each load to each server.
fn quick<'a>(servers: &[(&str, Server)], loads: impl Iterator<Item = &'a Load>) {
    let loads: Vec<(Load, Requests)> =
        loads.map(|load| (load.quick(), Requests::new(load, load.is_compressed))).collect();
    for (name, server) in servers {
        let mut messages = 0;
        for (load, requests) in &loads {
            messages += Clients::open(load, requests, server, false).run(load.min_messages(), Duration::ZERO).messages;
        }
        println!("{name}: {messages} correct responses");
    }
}

/// Measures the servers in turns, so that other load on the machine affects all of them alike.
fn measure(load: &Load, servers: &[(&'static str, Server)], options: &Options) -> Row {
    let requests = Requests::new(load, load.is_compressed);
    let mut row = Row::new(load.name(), servers.iter().map(|(name, _)| *name));
    let mut clients: Vec<Clients<'_>> =
        servers.iter().map(|(_, server)| Clients::open(load, &requests, server, false)).collect();
    for _ in 0..options.rounds {
        for ((line, (_, server)), clients) in row.lines.iter_mut().zip(servers).zip(&mut clients) {
            clients.run(load.min_messages(), options.time / 20);
            let before = server.cpu();
            let done = clients.run(load.min_messages(), options.time);
            line.cells.push(Cell::new(&done, server.cpu_since(&before)));
        }
    }
    for ((line, (_, server)), clients) in row.lines.iter_mut().zip(servers).zip(&mut clients) {
        line.calls = server.system_calls(|| clients.run(load.min_messages(), options.time / 2));
    }
    row
}

fn print(group: &Group, rows: &[Row]) {
    println!("\n### Echo: {}\n", group.title);
    println!("Processor time of the server per message: of the baseline, and ratios to it.\n");
    report::ratios(group, rows);
    println!("\nMessages per second:\n");
    report::throughput(group, rows);
    println!("\nWrites, and all system calls, per message:\n");
    report::system_calls(group, rows);
}
