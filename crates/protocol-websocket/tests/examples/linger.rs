//! A server does not reset a stream while the client still sends: the client receives the Close and the end of the
//! stream.

use std::io::{Read, Write};

use crate::open;
use crate::program::Server;

const TRIALS: usize = 40;
/// More than one read of the server, and less than it drops after the last write.
const FLOOD: usize = 4 << 20;
/// Clients: a description, the first frame, and the server's Close.
const CLIENTS: [(&str, &[u8], &[u8]); 2] = [
    ("that sends an unmasked frame", b"\x81\x01x", b"\x88\x02\x03\xEA"),
    ("that sends a Close", b"\x88\x82\0\0\0\0\x03\xE8", b"\x88\x02\x03\xE8"),
];

#[test]
fn echo_lingers() {
    lingers("echo", &["0"]);
}

#[test]
fn serve_lingers() {
    lingers("serve", &["--port", "0"]);
}

#[test]
fn tokio_echo_lingers() {
    lingers("tokio_echo", &["0"]);
}

#[test]
fn hyper_echo_lingers() {
    lingers("hyper_echo", &["0"]);
}

#[test]
fn smol_echo_lingers() {
    lingers("smol_echo", &["0"]);
}

#[test]
fn poll_server_lingers() {
    lingers("poll_server", &["0"]);
}

fn lingers(example: &str, arguments: &[&str]) {
    let server = Server::ours(example, arguments);
    for (client, frame, close) in CLIENTS {
        let flood = [frame, &[0; FLOOD]].concat();
        let failures: Vec<String> = (0..TRIALS).filter_map(|_| trial(&server, &flood, close).err()).collect();
        assert!(failures.is_empty(), "a client {client}: {} of {TRIALS} failed: {:?}", failures.len(), failures[0]);
    }
}

fn trial(server: &Server, flood: &[u8], close: &[u8]) -> Result<(), String> {
    let mut stream = open(server);
    stream.write_all(flood).map_err(|error| format!("write: {error}"))?;
    let mut received = Vec::new();
    stream.read_to_end(&mut received).map_err(|error| format!("read: {error}, after {received:x?}"))?;
    if received == close { Ok(()) } else { Err(format!("{received:x?}")) }
}
