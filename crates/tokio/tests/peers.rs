//! Connections over sockets with programs of other projects: the modules of `crates/protocol-websocket/tests/peers.rs`,
//! with the server and the client of this crate. Every version of the protocol, compression, Chromium, and programs that
//! break their draft in a way that this library accepts.
#![cfg(all(unix, feature = "permessage-deflate", feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "peers/client.rs"]
mod client;
#[path = "../../protocol-websocket/tests/peers/conversation.rs"]
mod conversation;
#[path = "peers/counted.rs"]
mod counted;
#[path = "../../protocol-websocket/tests/peers/deflate.rs"]
mod deflate;
#[path = "../../protocol-websocket/tests/peers/newest.rs"]
mod newest;
#[path = "../../protocol-websocket/tests/peers/nonconforming.rs"]
mod nonconforming;
#[path = "../../protocol-websocket/tests/peers/older_versions.rs"]
mod older_versions;
#[path = "../../protocol-websocket/tests/peers/program.rs"]
#[allow(dead_code, reason = "our server is not a program here")]
mod program;
#[path = "peers/server.rs"]
mod server;
