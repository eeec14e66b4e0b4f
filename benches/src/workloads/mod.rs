//! The workloads. Each family makes its cells with all contenders, or with ours and the baselines alone.

pub mod decode;
pub mod deflate;
pub mod encode;
pub mod handshake;
pub mod mask;
pub mod utf8;

use crate::contender::MakeCell;

/// A family of workloads.
pub struct Family {
    /// The name on the command line.
    pub name: &'static str,
    /// Returns the functions that make the cells.
    pub cells: fn() -> Vec<MakeCell>,
}

/// All families.
pub const ALL: &[Family] = &[
    Family { name: "decode", cells: decode::cells },
    Family { name: "encode", cells: encode::cells },
    Family { name: "mask", cells: mask::cells },
    Family { name: "utf8", cells: utf8::cells },
    Family { name: "handshake", cells: handshake::cells },
    Family { name: "deflate", cells: deflate::cells },
    Family { name: "sentinel", cells: decode::sentinel },
    Family { name: "byte_by_byte", cells: decode::byte_by_byte },
];
