//! The program as its users see it: what it prints, what it sends, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod arguments;
mod dump;
mod endings;
mod program;
mod server;
mod session;
#[cfg(target_os = "linux")]
mod terminal;
mod tls;
mod versions;
