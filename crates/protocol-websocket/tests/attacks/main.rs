//! The attacks of `docs/security.md`, by name: through the public API, and in `wire` over sockets against the example
//! `serve`.
//!
//! `cargo test --test attacks` alone does not build `serve`; `cargo test` does.
#![cfg(all(feature = "client", feature = "getrandom", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_wrap)]

mod answers;
#[cfg(feature = "permessage-deflate")]
mod deflate;
mod documents;
mod drafts;
mod ends;
mod floods;
mod frames;
mod heads;
mod injection;
mod logs;
mod masks;
#[cfg(unix)]
#[allow(dead_code, reason = "the peers have more programs to run")]
#[path = "../peers/program.rs"]
mod program;
mod upgrade;
#[cfg(unix)]
mod wire;
#[cfg(unix)]
mod wire_frames;

use test_support::heap::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;
