//! A test for each attack of `docs/security.md`: through the public API, and in `wire` and `wire_frames` over sockets
//! against the example `serve`.
//!
//! `cargo test` builds `serve`; `cargo test --test attacks` alone does not.
#![cfg(all(feature = "client", feature = "getrandom", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_wrap)]

#[cfg(feature = "permessage-deflate")]
mod deflate;
mod documents;
mod drafts;
mod endpoint;
mod floods;
mod frames;
mod heads;
mod injection;
mod logs;
mod masks;
#[cfg(unix)]
#[allow(dead_code, reason = "the tests of peers use the rest")]
#[path = "../peers/program.rs"]
mod program;
mod responses;
mod upgrade;
#[cfg(unix)]
mod wire;
#[cfg(unix)]
mod wire_frames;

use test_support::heap::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;
