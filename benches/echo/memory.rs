//! Idle connections: the time to open all connections at once and, in another process that opens them one after another,
//! the memory of the server per connection.

use std::thread;
use std::time::Duration;

use crate::Options;
use crate::clients::Clients;
use crate::contenders::{Group, MEMORY};
use crate::openings;
use crate::process::Server;
use crate::report::{self, Target};
use crate::requests::Requests;

/// After this time, the server has returned the memory that it returns.
const SETTLE_TIME: Duration = Duration::from_millis(500);

pub(crate) fn run(options: &Options) {
    let targets = run_group(&MEMORY, options);
    if !options.is_quick {
        report::print_targets(&targets);
    }
}

/// Measures the servers of a group, prints their table, and returns the targets.
pub(crate) fn run_group(group: &Group, options: &Options) -> Vec<Target> {
    let load = if options.is_quick { group.loads[0].quick() } else { group.loads[0] };
    let settle_time = if options.is_quick { Duration::ZERO } else { SETTLE_TIME };
    let requests = Requests::new(&load, false);
    if !options.is_quick {
        println!("| server | all {} open, s | KiB per connection, fresh | after 16 KiB each |", load.connections);
        println!("|---|---:|---:|---:|");
    }
    let mut targets = Vec::new();
    for contender in group.contenders(&options.only) {
        let start = || Server::start(contender, &options.examples);
        let (_, opened) = openings::open_many(0..load.connections, load.connections, "", &start());
        let server = start();
        // The threads, the runtime and the read buffers exist once.
        let _first = Clients::open(&load.quick(), &requests, &server, false);
        thread::sleep(settle_time);
        let before = server.memory();
        let per_connection = || {
            thread::sleep(settle_time);
            server.memory().saturating_sub(before) as f64 / load.connections as f64 / 1024.0
        };
        let mut clients = Clients::open(&load, &requests, &server, false);
        let fresh = per_connection();
        let done = clients.run(0, Duration::ZERO);
        let used = per_connection();
        if options.is_quick {
            println!("{}: {} correct responses of {} connections", contender.name, done.messages, load.connections);
            continue;
        }
        println!("| {} | {:.2} | {fresh:.2} | {used:.2} |", contender.name, opened.as_secs_f64());
        if group
            .columns
            .iter()
            .any(|column| column.is_ours && column.forms.iter().any(|form| form.name == contender.name))
        {
            for (work, at_most, measured) in [
                ("all open, s", 2.0, opened.as_secs_f64()),
                ("KiB per connection, fresh", 1.5, fresh),
                ("KiB per connection, after 16 KiB each", 1.5, used),
            ] {
                let (work, against) = (work.into(), String::new());
                targets.push(Target { work, contender: contender.name, against, at_most, measured, quartiles: None });
            }
        }
    }
    targets
}
