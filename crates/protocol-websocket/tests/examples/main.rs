//! The example programs over sockets: the end of a stream, negotiation, deadlines, and fairness between clients.
//! `tests/load` measures the cost of many connections.
//!
//! `cargo test --workspace --all-features` builds the examples. `cargo test --test examples` does not, nor those of the crate
//! for tokio: `cargo build -p protocol-websocket -p protocol-websocket-tokio --all-features --examples` builds all.
#![cfg(all(unix, feature = "client", feature = "getrandom", feature = "http", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod client;
mod compression;
#[cfg(target_os = "linux")]
mod descriptors;
mod fairness;
mod linger;
mod live;
#[path = "../peers/client.rs"]
#[allow(dead_code, reason = "the numbers of bytes are not used here")]
mod peer_client;
#[path = "../peers/program.rs"]
#[allow(dead_code, reason = "peers of other projects are not used here")]
mod program;
mod recording;
mod stall;
#[cfg(target_os = "linux")]
mod timeouts;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use program::Server;
use test_support::heads::REQUEST;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// Connects and completes the opening handshake.
fn open(server: &Server) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(REQUEST.as_bytes()).unwrap();
    let response = read_head(&mut stream);
    assert!(response.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&response));
    stream
}

/// Reads a head byte by byte, so that the following bytes stay in the socket.
fn read_head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    head
}
