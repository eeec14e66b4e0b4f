//! Runs the program against a server of the test, and checks its output, its frames and its exit status.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod arguments;
mod binary;
mod dump;
mod endings;
mod ping;
mod program;
mod proxy;
mod recording;
mod redirects;
mod server;
mod session;
#[cfg(target_os = "linux")]
mod terminal;
mod tls;
mod versions;
