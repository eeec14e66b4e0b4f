//! Code that the tests of several crates share. It is not published, and it depends on no other crate, so each crate can
//! use it in its own tests.
//!
//! | module | has |
//! |---|---|
//! | [`api`] | the types of a listing of a public API |
//! | [`attacks`] | request lines, header fields and frames that a server refuses |
//! | [`errors`] | the checks that every error text passes |
//! | [`heads`] | the example heads of the specifications |
//! | [`heap`] | an allocator that counts per thread |
//! | [`http2`] | an HTTP/2 client that writes frames of any content |
//! | [`noise`] | bytes from a seed that do not compress |
//! | `program` | programs that a test starts, on Unix |
//! | [`split`] | byte strings in pieces: one by one, at every position, at given positions |
#![deny(unsafe_code)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "an error in a test should panic")]

pub mod api;
pub mod attacks;
pub mod errors;
pub mod heads;
pub mod heap;
pub mod http2;
pub mod noise;
#[cfg(unix)]
pub mod program;
pub mod split;
