//! The server with programs of other projects: Chromium and Firefox, a client of node over HTTP/2, and curl.
//! `crates/protocol-websocket/tests/peers/install.sh` installs them.
#![cfg(all(unix, feature = "http1", feature = "http2", feature = "permessage-deflate"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "peers/browsers.rs"]
mod browsers;
mod common;
#[path = "peers/curl.rs"]
mod curl;
#[path = "peers/node.rs"]
mod node;
#[path = "../../protocol-websocket/tests/peers/program.rs"]
#[allow(dead_code, reason = "the server is not a program here")]
mod program;
#[path = "peers/server.rs"]
mod server;
