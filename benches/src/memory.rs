//! What is counted and not timed: allocations for a message, and what an idle connection holds.

use std::any::Any;
use std::fmt::Write as _;

use protocol_websocket_connection::{Connection, Negotiated};
use protocol_websocket_core::Role;

use crate::counting::count;
use crate::wire::{self, LENGTHS, Payload, Source, name_of};
use crate::workloads::{decode, encode};
use crate::{Cell, Kind, ours};

/// What is to be held by an idle connection at most: its own size. On the heap it holds nothing.
const IDLE: usize = 200;

/// What is counted, and whether it is as it should be.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The table of reads.
    pub reads: String,
    /// The table of allocations.
    pub allocations: String,
    /// The table of idle connections.
    pub idle: String,
    /// Targets, as rows of their table: what, at most, counted, met or not.
    pub targets: Vec<(String, f64, f64, bool)>,
}

/// Counts all of it.
#[must_use]
pub fn measure() -> Memory {
    let mut memory = Memory::default();
    let mut cells = Vec::new();
    for len in [125, 16 * 1024] {
        let text = decode::Setup::new(Role::Server, Payload::Ascii, len);
        cells.push((format!("decode, {}", name_of(len)), decode::cell("decode", text)));
    }
    for role in [Role::Server, Role::Client] {
        for len in [125, 16 * 1024] {
            let name = format!("encode, {}, {}", if role == Role::Server { "server" } else { "client" }, name_of(len));
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
            // Buffers grow to their size first.
            (0..3).for_each(|_| (row.pass)());
            let ((), heap) = count(|| (row.pass)());
            let [calls, bytes] = [heap.calls, heap.bytes].map(|number| number as f64 / cell.units as f64);
            write!(text, " {calls:.2} ({bytes:.0} B) |").unwrap();
            if row.kind == Kind::Ours {
                targets.push((format!("allocations, {column}, {name}"), 0.0, calls, heap.calls == 0));
            }
        }
        text.push('\n');
    }
    text
}

/// How many reads a MiB of payload takes, each of which would be a system call.
fn reads() -> String {
    let mut text = String::from("| contender |");
    LENGTHS.iter().for_each(|&len| write!(text, " {} |", name_of(len)).unwrap());
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
        let (_, make_client) = connections(Role::Client).into_iter().find(|(client, _)| *client == name).expect("both");
        let (server, client) = (count(&make).1, count(&make_client).1);
        // What stands for the socket is not the connection's.
        let [server_bytes, client_bytes] = [server.held, client.held].map(|held| held - source.held);
        let calls = server.calls - source.calls;
        writeln!(text, "| {name} | {server_bytes} B | {client_bytes} B | {calls} |").unwrap();
    }
    let negotiated = Negotiated::default();
    let makers: [(Role, &str, Open); 3] = [
        (Role::Server, "server", |negotiated| ours::connection(Role::Server, negotiated)),
        (Role::Client, "client", ours::client_of_many),
        (Role::Client, "client with its own source of keys", |negotiated| ours::connection(Role::Client, negotiated)),
    ];
    for (role, name, make) in makers {
        let (connection, heap) = count(|| make(&negotiated));
        let size = size_of_val(&connection);
        let bytes = size as isize + heap.held;
        writeln!(
            text,
            "| **connection**, as a {name} | {} | {} | {} |",
            own(bytes, role, Role::Server),
            own(bytes, role, Role::Client),
            heap.calls
        )
        .unwrap();
        targets.push((format!("idle connection, {name}: its size"), IDLE as f64, size as f64, size <= IDLE));
        let heap_met = heap.held == 0;
        targets.push((format!("idle connection, {name}: on the heap"), 0.0, heap.held as f64, heap_met));
    }
    text
}

fn own(bytes: isize, role: Role, column: Role) -> String {
    if role == column { format!("{bytes} B") } else { String::new() }
}

/// Opens a connection of ours.
type Open = fn(&Negotiated) -> Connection;

/// Makes something, to see what it holds.
type MakeAny = Box<dyn Fn() -> Box<dyn Any>>;

#[cfg(feature = "peers")]
fn connections(role: Role) -> Vec<(&'static str, MakeAny)> {
    crate::peers::connections(role)
}

#[cfg(not(feature = "peers"))]
fn connections(_: Role) -> Vec<(&'static str, MakeAny)> {
    Vec::new()
}
