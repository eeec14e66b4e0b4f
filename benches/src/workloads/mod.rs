//! The workloads: each makes its cells, of all contenders or of ours and the floors alone.

pub mod decode;
pub mod deflate;
pub mod encode;
pub mod handshake;
pub mod mask;
pub mod utf8;

use crate::Cell;

/// A family of workloads, and the function that makes all of its cells.
pub struct Family {
    /// Its name, for the command line.
    pub name: &'static str,
    /// What makes the cells, one at a time: a cell may need some megabytes.
    pub cells: fn() -> Vec<Make>,
}

/// Makes one cell.
pub type Make = Box<dyn Fn() -> Cell>;

/// All of them.
pub const ALL: &[Family] = &[
    Family { name: "decode", cells: decode::cells },
    Family { name: "encode", cells: encode::cells },
    Family { name: "mask", cells: mask::cells },
    Family { name: "utf8", cells: utf8::cells },
    Family { name: "handshake", cells: handshake::cells },
    Family { name: "deflate", cells: deflate::cells },
    Family { name: "sentinel", cells: decode::sentinel },
    Family { name: "drip", cells: decode::drip },
];
