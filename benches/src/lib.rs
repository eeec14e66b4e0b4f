//! What the benches of the protocol-websocket crates are made of: the same work for us, for the floors and for the peers.
//!
//! `cargo run --release --features peers --bin report` measures all of it and writes `docs/performance.md`;
//! `cargo bench --features peers` takes it through criterion. Without `peers` both run without the other libraries.
//!
//! A workload ([`workloads`]) makes [`Cell`]s: one size, and all [`Contender`]s that can do it.
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::unwrap_used)]

mod block_on;
pub mod contender;
pub mod counting;
pub mod floor;
pub mod measure;
pub mod memory;
pub mod ours;
#[cfg(feature = "peers")]
pub mod peers;
pub mod table;
pub mod targets;
pub mod wire;
pub mod workloads;

pub use contender::{Answer, Cell, Contender, Kind};
