//! The memory of compressed connections: after one message in each direction, and after a time without a message.

use std::thread;
use std::time::Duration;

use crate::Options;
use crate::clients::{Clients, Load};
use crate::contenders::COMPRESSED_MEMORY;
use crate::process::Server;
use crate::requests::Requests;
use crate::servers::RELEASE_TIME;

/// After this time, the server has returned the memory that it returns.
const SETTLE_TIME: Duration = Duration::from_millis(500);

pub(crate) fn run(options: &Options) {
    let load = COMPRESSED_MEMORY.loads[0];
    let load = if options.is_quick { load.quick() } else { load };
    let requests = Requests::new(&load, true);
    if !options.is_quick {
        println!("| server | KiB per connection, after {} each | idle |", load.size());
        println!("|---|---:|---:|");
    }
    for contender in COMPRESSED_MEMORY.contenders(&options.only) {
        let server = Server::start(contender, &options.examples);
        // The threads, the runtime and the read buffers exist once.
        let mut first = Clients::open(&Load { connections: 1, ..load }, &requests, &server, false);
        first.run(0, Duration::ZERO);
        thread::sleep(SETTLE_TIME);
        let before = server.memory();
        let per_connection = || server.memory().saturating_sub(before) as f64 / load.connections as f64 / 1024.0;
        let mut clients = Clients::open(&load, &requests, &server, false);
        let done = clients.run(0, Duration::ZERO);
        thread::sleep(SETTLE_TIME);
        let used = per_connection();
        if options.is_quick {
            println!("{}: {} correct responses of {} connections", contender.name, done.messages, load.connections);
            continue;
        }
        thread::sleep(2 * RELEASE_TIME);
        println!("| {} | {used:.1} | {:.1} |", contender.name, per_connection());
    }
}
