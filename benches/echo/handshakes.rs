//! Opening handshakes: clients that connect, receive one echo, close and connect again. Each is a thread, and some are open at once.

use std::io::{Read as _, Result, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::Options;
use crate::clients::{Done, Load};
use crate::contenders::Group;
use crate::openings;
use crate::process::Server;
use crate::report::{self, Cell, Row};
use crate::requests::Requests;

/// A Close with the code 1000 and a mask of zeros.
const CLOSE: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];
/// The first byte of the reply.
const CLOSE_OPCODE: u8 = 0x88;

pub(crate) fn run_group(group: &Group, options: &Options) {
    let (load, requests) = (group.loads[0], Requests::new(&group.loads[0], false));
    let servers: Vec<(&str, Server)> = group
        .contenders(&options.only)
        .map(|contender| (contender.name, Server::start(contender, &options.examples)))
        .collect();
    if options.is_quick {
        for (name, server) in &servers {
            println!("{name}: {} correct handshakes", visits(&load, &requests, server, Duration::ZERO).messages);
        }
        return;
    }
    let mut row = Row::new(format!("{} at once", load.connections), servers.iter().map(|(name, _)| *name));
    for _ in 0..options.rounds {
        for (line, (_, server)) in row.lines.iter_mut().zip(&servers) {
            visits(&load, &requests, server, options.time / 20);
            let before = server.cpu();
            let done = visits(&load, &requests, server, options.time);
            line.cells.push(Cell::new(&done, server.cpu_since(&before)));
        }
    }
    println!("\n### Handshakes in axum\n");
    println!("Processor time of the server per connection: of the first, and ratios to it.\n");
    let rows = [row];
    report::ratios(group, &rows);
    println!("\nConnections per second:\n");
    report::throughput(group, &rows);
}

/// Visits the server for at least `time`, and at least once with each client.
fn visits(load: &Load, requests: &Requests, server: &Server, time: Duration) -> Done {
    let (begun, messages) = (Instant::now(), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..load.connections {
            scope.spawn(|| {
                loop {
                    visit(requests, server).expect("a connection that ends with a Close");
                    messages.fetch_add(1, Ordering::Relaxed);
                    if begun.elapsed() >= time {
                        break;
                    }
                }
            });
        }
    });
    Done { messages: messages.into_inner(), elapsed: begun.elapsed(), stalls: 0 }
}

/// Opens a connection, receives an echo, and closes.
fn visit(requests: &Requests, server: &Server) -> Result<()> {
    let mut stream = openings::open(server, "")?;
    stream.set_nonblocking(false)?;
    stream.write_all(requests.frames.at(0, requests.frames.end(1)))?;
    let expected = requests.responses.at(0, requests.responses.end(1));
    let mut response = vec![0; expected.len()];
    stream.read_exact(&mut response)?;
    assert!(response == expected, "the response differs from the request");
    stream.write_all(&CLOSE)?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply)?;
    // The documented loop of `axum::extract::ws` ends without a reply.
    assert!(reply.first().is_none_or(|&first| first == CLOSE_OPCODE), "the server did not reply with a Close");
    Ok(())
}
