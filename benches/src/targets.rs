//! Performance targets, and whether the measured times meet them.

use std::fmt::Write as _;

use crate::measure::{Measured, Spread};
use crate::memory::Memory;
use crate::table::format_ratio;

/// An upper bound for the ratio of one row of a cell to another.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The workload.
    pub workload: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row.
    pub ours: &'static str,
    /// The row that it is compared with.
    pub against: Against,
    /// The greatest ratio that meets the target.
    pub at_most: f64,
}

/// The other side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// The least code that does the work.
    Baseline,
    /// The fastest of the complete peers.
    Peer,
}

/// The columns of the workloads with several message lengths.
const COLUMNS: [&str; 5] = ["16 B", "125 B", "1 KiB", "16 KiB", "1 MiB"];

/// Bounds in the order of [`COLUMNS`]. 0 stands for no bound.
type Bounds = (&'static str, &'static str, Against, [f64; 5]);

const BY_LENGTH: &[Bounds] = &[
    ("decode masked ASCII text", "connection", Against::Baseline, [3.6, 2.3, 1.1, 1.05, 1.1]),
    ("decode masked ASCII text", "connection, lent", Against::Baseline, [1.6, 1.4, 1.0, 1.0, 1.1]),
    ("decode masked multi-byte text", "connection", Against::Baseline, [1.6, 1.6, 1.08, 1.05, 1.05]),
    ("decode masked multi-byte text", "connection, lent", Against::Baseline, [1.1, 1.25, 1.0, 1.0, 1.05]),
    ("decode unmasked binary", "connection", Against::Baseline, [5.0, 2.4, 1.25, 1.0, 1.15]),
    ("decode unmasked binary", "connection, lent", Against::Baseline, [1.9, 1.25, 1.05, 1.0, 1.15]),
    ("encode, server", "connection", Against::Baseline, [1.4, 1.3, 1.05, 1.0, 0.0]),
    ("encode, server", "frame, vectored", Against::Baseline, [1.4, 1.3, 1.05, 1.0, 0.01]),
    ("encode, client", "connection", Against::Baseline, [1.9, 1.8, 1.5, 1.2, 1.0]),
    ("decode masked ASCII text", "connection", Against::Peer, [1.0; 5]),
    ("decode masked multi-byte text", "connection", Against::Peer, [1.0; 5]),
    ("decode unmasked binary", "connection", Against::Peer, [1.0; 5]),
    ("encode, server", "connection", Against::Peer, [1.0; 5]),
    ("encode, client", "connection", Against::Peer, [1.0; 5]),
    ("mask in place, aligned", "frame", Against::Peer, [1.1; 5]),
    ("mask in place, unaligned", "frame", Against::Peer, [1.1; 5]),
];

const OTHERS: &[Target] = &[
    Target::baseline("server handshake", "a browser's request", "handshake-server", 1.5),
    Target::baseline("server handshake", "a browser's request", "connection", 1.6),
    Target::baseline("client handshake, prepared response", "a response", "handshake-client", 1.5),
    Target::baseline("client handshake, prepared response", "a response", "connection", 2.4),
    Target::baseline("client handshake, prepared response", "a response", "connection, URL as text", 4.0),
    // 97 % of the throughput.
    Target::baseline("compress", "level 1", "permessage-deflate", 1.0 / 0.97),
    Target::baseline("compress", "level 6", "permessage-deflate", 1.0 / 0.97),
    Target::baseline("compress", "level 1, no takeover", "permessage-deflate", 1.0 / 0.97),
    Target::baseline("decompress", "level 1", "permessage-deflate", 1.0 / 0.97),
    Target::baseline("decompress", "level 6", "permessage-deflate", 1.0 / 0.97),
    Target::baseline("decompress", "level 1, no takeover", "permessage-deflate", 1.0 / 0.97),
];

/// Returns all targets.
pub fn all() -> impl Iterator<Item = Target> {
    let by_length = BY_LENGTH.iter().flat_map(|&(workload, ours, against, bounds)| {
        let bounds = COLUMNS.into_iter().zip(bounds).filter(|(_, at_most)| *at_most > 0.0);
        bounds.map(move |(column, at_most)| Target { workload, column, ours, against, at_most })
    });
    by_length.chain(OTHERS.iter().copied())
}

impl Target {
    const fn baseline(workload: &'static str, column: &'static str, ours: &'static str, at_most: f64) -> Self {
        Self { workload, column, ours, against: Against::Baseline, at_most }
    }

    /// Returns the measured ratio, or `None` if one of the rows was not measured.
    #[must_use]
    pub fn measured(&self, cells: &[Measured]) -> Option<Spread> {
        let cell = cells.iter().find(|cell| (cell.workload, &*cell.column) == (self.workload, self.column))?;
        let other = match self.against {
            Against::Baseline => cell.baseline(),
            Against::Peer => cell.fastest_peer(),
        };
        Some(cell.row(self.ours)?.ratio_to(other?))
    }
}

/// Formats the table of targets with the measured values, after a line that counts those that are met.
#[must_use]
pub fn table(cells: &[Measured], memory: &Memory) -> String {
    let mut rows = String::from(
        "| work | contender | against | at most | measured | quartiles | |\n|---|---|---|---:|---:|---:|---|\n",
    );
    let (mut met, mut count) = (0, 0);
    for target in all() {
        let Target { workload, column, ours, against, at_most } = target;
        let against = if against == Against::Baseline { "baseline" } else { "fastest peer" };
        write!(rows, "| {workload}, {column} | {ours} | {against} | {} |", format_ratio(at_most)).unwrap();
        count += 1;
        match target.measured(cells) {
            None => rows.push_str(" – | – | not measured |\n"),
            Some(Spread { low, median, high }) => {
                // A ratio that equals 1 within the noise counts as met.
                let is_met = if at_most == 1.0 { low } else { median } <= at_most;
                met += usize::from(is_met);
                let [low, median, high] = [low, median, high].map(format_ratio);
                writeln!(rows, " {median} | {low} – {high} | {} |", verdict(is_met)).unwrap();
            }
        }
    }
    for (name, at_most, counted, is_met) in &memory.targets {
        count += 1;
        met += usize::from(*is_met);
        writeln!(rows, "| {name} | | | {at_most:.0} | {counted:.2} | | {} |", verdict(*is_met)).unwrap();
    }
    format!("{met} of {count} are met.\n\n{rows}")
}

const fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**missed**" }
}
