//! Counts instead of times: allocations per message, reads per MiB, and the memory of an idle connection.

use std::any::Any;
use std::fmt::Write as _;

use protocol_websocket_connection::{Connection, Negotiated};
use protocol_websocket_core::Role;

use crate::contender::{Cell, Kind};
use crate::counting::count;
use crate::ours;
use crate::wire::{self, LENGTHS, Payload, Source, format_len};
use crate::workloads::{decode, encode};

/// Greatest size of an idle connection in bytes. It has nothing on the heap.
const MAX_IDLE_SIZE: usize = 256;

/// Tables of counts, and targets for them.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The table of reads per MiB.
    pub reads: String,
    /// The table of allocations.
    pub allocations: String,
    /// The table of the memory of idle connections.
    pub idle: String,
    /// Targets as rows of their table: name, greatest count, count, and whether the target is met.
    pub targets: Vec<(String, f64, f64, bool)>,
}

/// Makes all counts.
#[must_use]
pub fn measure() -> Memory {
    let mut memory = Memory::default();
    let mut cells = Vec::new();
    for len in [125, 16 * 1024] {
        let text = decode::Setup::new(Role::Server, Payload::Ascii, len);
        cells.push((format!("decode, {}", format_len(len)), decode::cell("decode", text)));
    }
    for role in [Role::Server, Role::Client] {
        for len in [125, 16 * 1024] {
            let name =
                format!("encode, {}, {}", if role == Role::Server { "server" } else { "client" }, format_len(len));
            cells.push((name, encode::cell("encode", encode::Setup { role, len })));
        }
    }
    memory.allocations = allocations(cells, &mut memory.targets);
    memory.reads = reads();
    memory.idle = idle(&mut memory.targets);
    memory
}

fn allocations(mut cells: Vec<(String, Cell)>, targets: &mut Vec<(String, f64, f64, bool)>) -> String {
    let mut text = String::from("| contender |");
    cells.iter().for_each(|(name, _)| write!(text, " {name} |").unwrap());
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(cells.len()));
    text.push('\n');
    let mut names: Vec<&str> = Vec::new();
    for row in cells.iter().flat_map(|(_, cell)| &cell.contenders) {
        if row.kind != Kind::Bound && !names.contains(&row.name) {
            names.push(row.name);
        }
    }
    for name in names {
        write!(text, "| {name} |").unwrap();
        for (column, cell) in &mut cells {
            let Some(row) = cell.contenders.iter_mut().find(|row| row.name == name) else {
                text.push_str(" – |");
                continue;
            };
            // Buffers first grow to their final size.
            (0..3).for_each(|_| (row.pass)());
            let ((), heap) = count(|| (row.pass)());
            let [calls, bytes] = [heap.calls, heap.bytes].map(|number| number as f64 / cell.units as f64);
            write!(text, " {calls:.2} ({bytes:.0} B) |").unwrap();
            if row.kind == Kind::Ours {
                // One for a payload that a read splits, which has its own memory.
                targets.push((format!("allocations, {column}, {name}"), 1.0, calls, calls <= 1.0));
            }
        }
        text.push('\n');
    }
    text
}

/// Counts the reads per MiB of payload. On a socket each of them is a system call.
fn reads() -> String {
    let mut text = String::from("| contender |");
    LENGTHS.iter().for_each(|&len| write!(text, " {} |", format_len(len)).unwrap());
    text.push_str("\n|---|---:|---:|---:|---:|---:|\n");
    let mut cells: Vec<Cell> = LENGTHS
        .into_iter()
        .map(|len| decode::cell("", decode::Setup::new(Role::Server, Payload::Ascii, len)))
        .collect();
    let rows = cells[0].contenders.iter().enumerate().filter(|(_, row)| row.kind != Kind::Bound);
    let rows: Vec<(usize, &str)> = rows.map(|(at, row)| (at, row.name)).collect();
    for (at, name) in rows {
        write!(text, "| {name} |").unwrap();
        for cell in &mut cells {
            let pass = &mut cell.contenders[at].pass;
            pass();
            let before = wire::reads();
            (0..8).for_each(|_| pass());
            let payload = (8 * cell.units * cell.bytes) as f64;
            write!(text, " {:.0} |", (wire::reads() - before) as f64 * 1_048_576.0 / payload).unwrap();
        }
        text.push('\n');
    }
    text
}

fn idle(targets: &mut Vec<(String, f64, f64, bool)>) -> String {
    let mut text = String::from("| contender | server | client | allocations to open |\n|---|---:|---:|---:|\n");
    let (_, source) = count(|| Box::new(Source::new(b"")));
    for (name, make) in connections(Role::Server) {
        let (_, make_client) = connections(Role::Client)
            .into_iter()
            .find(|(client, _)| *client == name)
            .expect("the lists of both roles have the same names");
        let (server, client) = (count(&make).1, count(&make_client).1);
        // The source replaces a socket, and is not part of a connection.
        let [server_bytes, client_bytes] = [server.live, client.live].map(|live| live - source.live);
        let calls = server.calls - source.calls;
        writeln!(text, "| {name} | {server_bytes} B | {client_bytes} B | {calls} |").unwrap();
    }
    // The configuration is shared, so it is not part of a connection.
    drop(ours::config());
    let negotiated = Negotiated::default();
    let makers: [(Role, &str, Open); 2] = [
        (Role::Server, "server", |negotiated| ours::connection(Role::Server, negotiated)),
        (Role::Client, "client", |negotiated| ours::connection(Role::Client, negotiated)),
    ];
    for (role, name, make) in makers {
        let (connection, heap) = count(|| make(&negotiated));
        let size = size_of_val(&connection);
        let bytes = size as isize + heap.live;
        writeln!(
            text,
            "| **connection**, as a {name} | {} | {} | {} |",
            if role == Role::Server { format!("{bytes} B") } else { String::new() },
            if role == Role::Client { format!("{bytes} B") } else { String::new() },
            heap.calls
        )
        .unwrap();
        targets.push((
            format!("idle connection, {name}: size"),
            MAX_IDLE_SIZE as f64,
            size as f64,
            size <= MAX_IDLE_SIZE,
        ));
        let heap_met = heap.live == 0;
        targets.push((format!("idle connection, {name}: heap"), 0.0, heap.live as f64, heap_met));
    }
    text
}

/// Opens one of our connections.
type Open = fn(&Negotiated) -> Connection;

/// Makes a value of any type, so that its memory can be counted.
type MakeAny = Box<dyn Fn() -> Box<dyn Any>>;

/// Returns functions that make idle connections of the peers, each over a [`Source`] that sends nothing.
#[cfg(feature = "peers")]
fn connections(role: Role) -> Vec<(&'static str, MakeAny)> {
    use crate::peers::*;
    let source = || Source::new(b"");
    vec![
        ("tungstenite", Box::new(move || Box::new(tungstenite::Reading::new(source(), role)))),
        ("tokio-websockets", Box::new(move || Box::new(tokio_websockets::Reading::new(source(), role)))),
        ("fastwebsockets", Box::new(move || Box::new(fastwebsockets::Reading::new(source(), role)))),
        ("soketto", Box::new(move || Box::new(soketto::Reading::new(source(), role)))),
        ("yawc", Box::new(move || Box::new(yawc::Reading::new(source(), role)))),
        ("web-socket", Box::new(move || Box::new(web_socket::Reading::new(source(), role)))),
        ("sockudo-ws", Box::new(move || Box::new(sockudo::Reading::new(source(), role)))),
    ]
}

#[cfg(not(feature = "peers"))]
fn connections(_: Role) -> Vec<(&'static str, MakeAny)> {
    Vec::new()
}
