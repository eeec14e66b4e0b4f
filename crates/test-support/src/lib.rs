//! Code that the tests of several crates share. It is not published, and it depends on no other crate, so each crate can
//! use it in its own tests.
//!
//! | module | has |
//! |---|---|
//! | [`api`] | the types of a listing of a public API |
//! | [`errors`] | the checks that every error text passes |
//! | [`heads`] | the example heads of the specifications |
//! | [`heap`] | an allocator that counts per thread |
//! | [`noise`] | bytes from a seed that do not compress |
//! | `program` | programs that a test starts, on Unix |
//! | [`split`] | byte strings in pieces: one by one, at every position, at given positions |
#![deny(unsafe_code)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "an error in a test should panic")]

pub mod api;
pub mod errors;
pub mod heads;
pub mod heap;
pub mod noise;
#[cfg(unix)]
pub mod program;
pub mod split;
