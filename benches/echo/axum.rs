//! In axum: the echo, the handshakes and the memory.

use crate::contenders::{AXUM, AXUM_HANDSHAKES, AXUM_MEMORY, Group};
use crate::report::{self, Row, Target};
use crate::{Options, echo, handshakes, memory};

const OURS: &str = "axum-queue";
const OURS_NODELAY: &str = "axum-queue-nodelay";
/// Ours and axum's own WebSockets, by default and without Nagle's algorithm.
const PAIRS: [(&str, &str); 2] = [(OURS, "axum-extract-ws"), (OURS_NODELAY, "axum-extract-ws-nodelay")];

pub(crate) fn run(options: &Options) {
    let mut targets = Vec::new();
    for group in AXUM {
        let rows = echo::run_group(group, options);
        if !options.is_quick {
            println!("\nStalls: times of 30 ms and more without a response, in all rounds:\n");
            report::stalls(group, &rows);
            targets.extend(rows.iter().filter(|row| is_pipelined(row)).flat_map(|row| batch_targets(group, row)));
            targets.extend(stalls_targets(group, &rows));
        }
    }
    handshakes::run_group(&AXUM_HANDSHAKES, options);
    if options.is_quick {
        memory::run_group(&AXUM_MEMORY, options);
        return;
    }
    println!("\n### Memory in axum\n");
    memory::run_group(&AXUM_MEMORY, options);
    println!("\n### Targets in axum");
    report::print_targets(&targets);
}

/// Returns whether 64 small messages are in flight on each connection.
fn is_pipelined(row: &Row) -> bool {
    row.load.ends_with(" 64") && row.load.contains(" B, ")
}

/// Returns the targets of pipelined messages: one write for all of them, and ten times the rate of axum's own WebSockets.
fn batch_targets(group: &Group, row: &Row) -> Vec<Target> {
    let mut targets = Vec::new();
    for (contender, other) in PAIRS {
        if let Some(measured) = row.writes(contender) {
            let (work, against) = (format!("writes, {}: {}", group.title, row.load), "one of 64".into());
            targets.push(Target { work, contender, against, at_most: 1.0 / 50.0, measured, quartiles: None });
        }
        if let Some([low, measured, high]) = row.time_ratios(contender, other) {
            let (work, against) = (format!("time, {}: {}", group.title, row.load), other.into());
            targets.push(Target { work, contender, against, at_most: 0.1, measured, quartiles: Some([low, high]) });
        }
    }
    targets
}

/// Returns the targets that nothing stalls: over HTTP/2 without Nagle's algorithm, which ours turns off by itself over HTTP/1.1.
fn stalls_targets(group: &Group, rows: &[Row]) -> Vec<Target> {
    let contenders: &[_] = if group.baseline.name == OURS { &[OURS_NODELAY] } else { &[OURS, OURS_NODELAY] };
    let target = |&contender| {
        let measured = rows.iter().map(|row| row.stalls(contender)).sum::<u64>() as f64;
        let (work, against) = (format!("stalls, {}", group.title), "all loads".into());
        Target { work, contender, against, at_most: 0.0, measured, quartiles: None }
    };
    contenders.iter().map(target).collect()
}
