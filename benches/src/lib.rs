//! Shared parts of the benchmarks: the same work for the protocol-websocket crates, for the baselines and for other
//! libraries.
//!
//! `cargo run --release --features peers --bin report` measures all of it and writes `docs/performance.md`;
//! `cargo bench --features peers` runs it with criterion. Without `peers` both run without the other libraries.
//!
//! A workload ([`workloads`]) makes [`Cell`](contender::Cell)s. A cell has one message size and all
//! [`Contender`](contender::Contender)s that support it. The modules form layers, from the bottom up: [`wire`] and
//! [`contender`]; [`baseline`] and [`handshake_io`]; [`ours`] and `peers`; [`workloads`]; [`measure`] and [`memory`];
//! [`table`] and [`targets`].
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::unwrap_used)]

pub mod baseline;
#[cfg(feature = "peers")]
mod block_on;
pub mod contender;
pub mod counting;
pub mod handshake_io;
pub mod measure;
pub mod memory;
pub mod ours;
#[cfg(feature = "peers")]
pub mod peers;
pub mod table;
pub mod targets;
pub mod wire;
pub mod workloads;
