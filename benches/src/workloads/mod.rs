//! The workloads: each makes its cells, of all contenders or of ours and the floors alone.

pub mod decode;
pub mod encode;

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
pub const ALL: &[Family] =
    &[Family { name: "decode", cells: decode::cells }, Family { name: "encode", cells: encode::cells }];
