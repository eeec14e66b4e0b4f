//! Tools to test WebSocket programs without sockets and without waiting: transports in memory, peers that misbehave, and
//! schedules from seeds, so that a failure can be repeated by its seed.
//!
//! - `run` runs a test in a runtime of tokio whose paused clock advances to the next timer.
//! - `Transport` is a pair of transports in memory, for a program that takes any `AsyncRead + AsyncWrite`.
//! - `serve` runs a router of axum on a transport.
//! - `Peer` is the other end. `Misbehavior` lists the ways in which it misbehaves.
//! - [`for_each_seed`] runs a test with the [`Schedule`]s of many seeds, and prints the seed of a failure. A schedule
//!   splits and delays reads and writes, ends a transport or lets it fail, and returns the random choices of the test. It
//!   needs no runtime, so it is also for a loop without I/O.
//!
//! The [`guide`] has tests of a handler, a table of the misbehaving peers, tests with seeds, and a test with a network
//! partition.
//!
//! ```
//! use protocol_websocket_testkit::{Schedule, Step, for_each_seed};
//!
//! for_each_seed(0..100, |mut schedule| {
//!     assert_ne!(schedule.step(10), Step::Transfer(0));
//! });
//! ```
//!
//! # Features
//!
//! - `tokio` (on): `run`, `Transport`, `Peer` and `Misbehavior`.
//! - `hyper` (off): `serve`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![allow(clippy::panic, reason = "an error in a test should panic")]

#[cfg(all(feature = "hyper", feature = "tokio"))]
pub mod guide;
#[cfg(feature = "tokio")]
mod misbehavior;
#[cfg(feature = "tokio")]
mod peer;
#[cfg(feature = "tokio")]
mod run;
mod schedule;
mod seeds;
#[cfg(feature = "hyper")]
mod serve;
#[cfg(feature = "tokio")]
mod transport;

pub use schedule::{Schedule, Step};
pub use seeds::for_each_seed;
#[cfg(feature = "hyper")]
#[cfg_attr(docsrs, doc(cfg(feature = "hyper")))]
pub use serve::serve;
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use {misbehavior::Misbehavior, peer::Peer, run::run, transport::Transport};

#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
