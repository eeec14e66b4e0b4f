//! What is to be reached, and whether it is.

use std::fmt::Write as _;

use crate::measure::{Measured, Spread};
use crate::memory::Memory;
use crate::table::ratio_of;

/// One bound: a row of a cell, at most so many times another.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The workload.
    pub workload: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row.
    pub ours: &'static str,
    /// What it is compared with.
    pub against: Against,
    /// The bound.
    pub at_most: f64,
}

/// What a target compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// The least code that does the work.
    Floor,
    /// The fastest of the complete peers.
    Peer,
}

/// The columns of the workloads that go by the length.
const COLUMNS: [&str; 5] = ["16 B", "125 B", "1 KiB", "16 KiB", "1 MiB"];

/// A row of bounds, in the order of [`COLUMNS`]. 0 is no bound.
type Bounds = (&'static str, &'static str, Against, [f64; 5]);

const BY_LENGTH: &[Bounds] = &[
    ("decode masked ASCII text", "frame", Against::Floor, [2.5, 2.0, 1.25, 1.1, 1.1]),
    ("decode masked ASCII text", "lent", Against::Floor, [1.8, 1.8, 1.2, 1.1, 1.1]),
    ("decode masked multi-byte text", "frame", Against::Floor, [1.6, 1.2, 1.05, 1.05, 1.05]),
    ("decode unmasked binary", "frame", Against::Floor, [3.0, 2.0, 1.15, 1.15, 1.15]),
    ("encode, server", "frame", Against::Floor, [1.2, 1.1, 1.0, 1.0, 0.0]),
    ("encode, server", "frame, vectored", Against::Floor, [0.0, 0.0, 0.0, 0.0, 0.01]),
    ("encode, client", "frame", Against::Floor, [1.4, 1.4, 1.3, 1.1, 1.0]),
    // 2.3, 2.5 and 1.2 times as fast as any other complete library, and never slower.
    ("decode masked ASCII text", "frame", Against::Peer, [1.0 / 2.3, 1.0 / 2.5, 1.0 / 1.2, 1.0, 1.0]),
    ("decode masked multi-byte text", "frame", Against::Peer, [1.0; 5]),
    ("decode unmasked binary", "frame", Against::Peer, [1.0; 5]),
    ("encode, server", "frame", Against::Peer, [1.0; 5]),
    ("encode, client", "frame", Against::Peer, [1.0; 5]),
    ("mask in place, aligned", "frame", Against::Peer, [1.1; 5]),
    ("mask in place, 3 past", "frame", Against::Peer, [1.1; 5]),
];

const OTHERS: &[Target] = &[
    Target::floor("server handshake", "a browser's request", "handshake-server", 1.5),
    Target::floor("client handshake, the answer at hand", "an answer", "handshake-client", 1.5),
    // 0.97 of the speed.
    Target::floor("compress", "level 1", "permessage-deflate", 1.0 / 0.97),
    Target::floor("compress", "level 6", "permessage-deflate", 1.0 / 0.97),
    Target::floor("compress", "level 1, no takeover", "permessage-deflate", 1.0 / 0.97),
    Target::floor("decompress", "level 1", "permessage-deflate", 1.0 / 0.97),
    Target::floor("decompress", "level 6", "permessage-deflate", 1.0 / 0.97),
    Target::floor("decompress", "level 1, no takeover", "permessage-deflate", 1.0 / 0.97),
];

/// All of them.
pub fn all() -> impl Iterator<Item = Target> {
    let by_length = BY_LENGTH.iter().flat_map(|&(workload, ours, against, bounds)| {
        let bounds = COLUMNS.into_iter().zip(bounds).filter(|(_, at_most)| *at_most > 0.0);
        bounds.map(move |(column, at_most)| Target { workload, column, ours, against, at_most })
    });
    by_length.chain(OTHERS.iter().copied())
}

impl Target {
    const fn floor(workload: &'static str, column: &'static str, ours: &'static str, at_most: f64) -> Self {
        Self { workload, column, ours, against: Against::Floor, at_most }
    }

    /// What was measured of it, if it was.
    #[must_use]
    pub fn measured(&self, cells: &[Measured]) -> Option<Spread> {
        let cell = cells.iter().find(|cell| (cell.workload, &*cell.column) == (self.workload, self.column))?;
        let other = match self.against {
            Against::Floor => cell.floor(),
            Against::Peer => cell.fastest_peer(),
        };
        Some(cell.row(self.ours)?.to(other?))
    }
}

/// The targets with what was measured, as a table, and how many of them are met.
#[must_use]
pub fn table(cells: &[Measured], memory: &Memory) -> String {
    let mut rows = String::from(
        "| work | contender | against | at most | measured | quartiles | |\n|---|---|---|---:|---:|---:|---|\n",
    );
    let (mut met, mut count) = (0, 0);
    for target in all() {
        let Target { workload, column, ours, against, at_most } = target;
        let against = if against == Against::Floor { "floor" } else { "fastest peer" };
        write!(rows, "| {workload}, {column} | {ours} | {against} | {} |", ratio_of(at_most)).unwrap();
        count += 1;
        match target.measured(cells) {
            None => rows.push_str(" – | – | not there |\n"),
            Some(Spread { low, median, high }) => {
                // What ties a peer within the noise is not slower.
                let reached = if target.against == Against::Peer && at_most == 1.0 { low } else { median } <= at_most;
                met += usize::from(reached);
                let verdict = if reached { "met" } else { "**missed**" };
                let [low, median, high] = [low, median, high].map(ratio_of);
                writeln!(rows, " {median} | {low} – {high} | {verdict} |").unwrap();
            }
        }
    }
    for (what, at_most, counted, reached) in &memory.targets {
        count += 1;
        met += usize::from(*reached);
        let verdict = if *reached { "met" } else { "**missed**" };
        writeln!(rows, "| {what} | | | {at_most:.0} | {counted:.2} | | {verdict} |").unwrap();
    }
    format!("{met} of {count} are met.\n\n{rows}")
}
