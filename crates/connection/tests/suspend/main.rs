//! A connection that is suspended and resumed behaves like a connection that was not suspended.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod extensions;
mod refusals;
mod sending;
mod session;
mod streams;
mod timers;

use protocol_websocket_connection::{Config, Connection, Negotiated, Role, Version};
use test_support::heap::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

fn key(bytes: &mut [u8]) {
    bytes.fill(7);
}

fn open(role: Role, version: Version, config: &Config) -> Connection {
    let negotiated = Negotiated::new().version(version);
    match role {
        Role::Server => Connection::open_server(&negotiated, config),
        Role::Client => Connection::open_client(&negotiated, config, key),
    }
}

/// Suspends the connection, and resumes it with the same configuration.
fn hand_over(connection: &mut Connection) -> Connection {
    let config = connection.config().clone();
    let state = connection.suspend().unwrap();
    match connection.role() {
        Role::Server => Connection::resume_server(state.as_bytes(), config).unwrap(),
        Role::Client => Connection::resume_client(state.as_bytes(), config, key).unwrap(),
    }
}
