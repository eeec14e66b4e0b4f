//! Measures everything and writes `docs/performance.md`.
//!
//! - `report` measures for some minutes and writes the page.
//! - `report --print` writes to the terminal instead.
//! - `report --quick` runs each cell for a moment: all contenders must have the same answers, and those who leave nothing
//!   out must refuse what is no text.
//! - `report FAMILY...` takes the named families alone, `--rounds N` and `--turn MS` set for how long.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, process};

use protocol_websocket_benches::counting::Counting;
use protocol_websocket_benches::measure::{Effort, Measured, measure};
use protocol_websocket_benches::workloads::{decode, deflate};
use protocol_websocket_benches::{memory, table, targets, workloads};

/// So that allocations can be counted. While time is measured it looks at a flag, for all alike.
#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The page that is written.
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
            number.ok_or_else(|| format!("{argument} wants a number"))
        };
        match &*argument {
            "--print" => options.print = true,
            "--quick" => options.quick = true,
            "--rounds" => options.effort.rounds = number()?.max(1),
            "--turn" => options.effort.turn = Duration::from_millis(number()? as u64),
            name if workloads::ALL.iter().any(|family| family.name == name) => options.families.push(argument),
            _ => return Err(format!("what is {argument}?")),
        }
    }
    if options.quick {
        options.effort = Effort { rounds: 1, turn: Duration::from_micros(10) };
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), String> {
    if !deflate::is_zlib_rs() {
        return Err(
            "some crate turned on flate2's zlib in C, so no figure of permessage-deflate would mean anything".into()
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
        decode::refuses_what_is_no_text()?;
        let counted = memory::measure().targets.len();
        println!("{} cells, and everybody had the same answers; {counted} counts", measured.len());
        return Ok(());
    }
    write(options, &measured)
}

/// Each workload's table to its place.
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
        table::put(&mut page, name, &parts[name])?;
    }
    fs::write(PAGE, page).map_err(|error| format!("{PAGE}: {error}"))
}

/// On what, with what, for how long.
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
        "{model}, {cores} cores, {}. {rustc}, profile `{profile}`. {rounds} rounds, {} ms a turn.\n\nPeers: {}.\n",
        env::consts::OS,
        turn.as_millis(),
        peers().join(", ")
    )
}

/// The peers, with the versions that were built.
fn peers() -> Vec<String> {
    let lock = include_str!("../../Cargo.lock");
    let peers = ["fastwebsockets", "sockudo-ws", "soketto", "tokio-websockets", "tungstenite", "web-socket", "yawc"];
    let version = |peer| {
        let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{peer}\"")));
        entry.and_then(|entry| entry.split('"').nth(3)).unwrap_or("?")
    };
    peers.iter().map(|peer| format!("{peer} {}", version(peer))).collect()
}
