//! Measures everything and writes `docs/performance.md`.
//!
//! - `report` measures for some minutes and writes the page.
//! - `report --print` writes to the terminal instead.
//! - `report --quick` runs each cell briefly. It checks that all contenders of a cell produce the same messages, and
//!   that contenders that do the whole work reject invalid UTF-8.
//! - `report FAMILY...` measures only these families. `--rounds N` and `--turn MS` set the duration.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs, process};

use protocol_websocket_benches::contender::Kind;
use protocol_websocket_benches::counting::Counting;
use protocol_websocket_benches::measure::{Effort, Measured, measure};
use protocol_websocket_benches::workloads::decode;
use protocol_websocket_benches::{handshake_io, memory, table, targets, workloads};

/// Counts allocations. While times are measured, it costs all contenders the same test of a flag.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The page with the tables.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance.md");

struct Options {
    print: bool,
    quick: bool,
    effort: Effort,
    families: Vec<String>,
}

fn main() -> ExitCode {
    match options().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let effort = Effort { rounds: 31, turn: Duration::from_millis(4) };
    let mut options = Options { print: false, quick: false, effort, families: Vec::new() };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let number = arguments.next().and_then(|number| number.parse::<usize>().ok());
            number.ok_or_else(|| format!("{argument} needs a number"))
        };
        match &*argument {
            "--print" => options.print = true,
            "--quick" => options.quick = true,
            "--rounds" => options.effort.rounds = number()?.max(1),
            "--turn" => options.effort.turn = Duration::from_millis(number()? as u64),
            name if workloads::ALL.iter().any(|family| family.name == name) => options.families.push(argument),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    if options.quick {
        options.effort = Effort { rounds: 1, turn: Duration::from_micros(10) };
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), String> {
    if !protocol_websocket_permessage_deflate::is_zlib_rs() {
        return Err(
            "a dependency enables the C zlib of flate2, which makes the times of permessage-deflate meaningless".into(),
        );
    }
    let mut measured = Vec::new();
    for family in workloads::ALL {
        if !options.families.is_empty() && options.families.iter().all(|name| name != family.name) {
            continue;
        }
        for make in (family.cells)() {
            let mut cell = make();
            eprintln!("{}, {}: {} contenders", cell.workload, cell.column, cell.contenders.len());
            cell.check()?;
            measured.push(measure(cell, options.effort));
        }
    }
    if options.quick {
        decode::check_utf8_validation()?;
        let counted = memory::measure().targets.len();
        println!("{} cells with equal messages, {counted} counts", measured.len());
        return Ok(());
    }
    write(options, &measured)
}

/// Writes the tables to the page or to the terminal.
fn write(options: &Options, measured: &[Measured]) -> Result<(), String> {
    let mut parts = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for cell in measured {
        if !order.contains(&cell.workload) {
            order.push(cell.workload);
        }
    }
    for workload in &order {
        let cells: Vec<Measured> = measured.iter().filter(|cell| cell.workload == *workload).cloned().collect();
        parts.insert(*workload, table::of(&cells));
    }
    if options.families.is_empty() {
        let memory = memory::measure();
        parts.insert("targets", targets::table(measured, &memory));
        parts.insert("reads", memory.reads);
        parts.insert("allocations", memory.allocations);
        parts.insert("idle connections", memory.idle);
        order.insert(0, "targets");
        match perl(measured) {
            Some(rows) => {
                parts.insert("perl", rows);
                order.push("perl");
            }
            None => eprintln!("Protocol::WebSocket is not installed for Perl: the table stays unchanged"),
        }
        order.extend(["reads", "allocations", "idle connections"]);
    }
    order.insert(0, "machine");
    parts.insert("machine", machine(options.effort));
    if options.print || cfg!(not(feature = "peers")) {
        for name in order {
            println!("## {name}\n\n{}", parts[name]);
        }
        return Ok(());
    }
    let mut page = fs::read_to_string(PAGE).map_err(|error| format!("{PAGE}: {error}"))?;
    for name in order {
        table::replace_section(&mut page, name, &parts[name])?;
    }
    fs::write(PAGE, page).map_err(|error| format!("{PAGE}: {error}"))
}

/// Measures Perl's `Protocol::WebSocket` in a process of its own, and compares it with ours. Returns `None` if it is
/// not installed.
fn perl(measured: &[Measured]) -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/perl.pl");
    let mut perl =
        process::Command::new("perl").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    perl.stdin.take()?.write_all(handshake_io::REQUEST).ok()?;
    let output = perl.wait_with_output().ok().filter(|output| output.status.success())?;
    let mut rows = String::from("| work | Perl | ours | times as fast |\n|---|---:|---:|---:|\n");
    for line in String::from_utf8(output.stdout).ok()?.lines() {
        let [workload, column, time] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let time: f64 = time.parse().ok()?;
        let cell = measured.iter().find(|cell| (cell.workload, &*cell.column) == (workload, column))?;
        let ours = cell.rows.iter().find(|row| row.kind == Kind::Ours)?.time().median;
        let (perl, own) = (table::format_time(time), table::format_time(ours));
        rows += &format!("| {workload}, {column} | {perl} | {own} | {:.0} |\n", time / ours);
    }
    Some(rows)
}

/// Describes the processor, the compiler, the duration and the versions of the peers.
fn machine(effort: Effort) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("?", |model| model.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc = process::Command::new("rustc").arg("-V").output();
    let rustc = rustc.map_or_else(|_| "?".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    let exe = env::current_exe().unwrap_or_default();
    let profile = exe.parent().and_then(|folder| folder.file_name()).unwrap_or_default().to_string_lossy().to_string();
    let Effort { rounds, turn } = effort;
    format!(
        "{model}, {cores} cores, {}. {rustc}, profile `{profile}`. {rounds} rounds, {} ms per turn.\n\nPeers: {}.\n",
        env::consts::OS,
        turn.as_millis(),
        peers().join(", ")
    )
}

/// Lists the peers with their versions.
fn peers() -> Vec<String> {
    let lock = include_str!("../../Cargo.lock");
    let peers = ["fastwebsockets", "sockudo-ws", "soketto", "tokio-websockets", "tungstenite", "web-socket", "yawc"];
    let version = |peer| {
        let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{peer}\"")));
        entry.and_then(|entry| entry.split('"').nth(3)).unwrap_or("?")
    };
    peers.iter().map(|peer| format!("{peer} {}", version(peer))).collect()
}
