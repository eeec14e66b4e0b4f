//! A server that was stopped for longer than its timeouts reads the socket before it checks the deadlines, because the
//! socket may contain the pong.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use crate::open;
use crate::program::Server;

/// Each sends a ping after 5 s without input, and closes the connection after 5 s without a pong.
const SERVERS: [(&str, &[&str]); 4] = [
    ("serve", &["--port", "0", "--timeout", "5"]),
    ("tokio_echo", &["0", "5"]),
    ("smol_echo", &["0", "5"]),
    ("poll_server", &["0", "5"]),
];
/// A server that checks its deadlines once a second starts the pong timeout within this time after the ping.
const PONG_TIMEOUT_STARTED: Duration = Duration::from_secs(2);
const STALL: Duration = Duration::from_secs(6);

/// All servers are tested at once, because the test waits for 13 s.
#[test]
fn servers_read_the_pong_before_its_deadline_is_checked() {
    let servers = SERVERS.map(|(name, arguments)| (name, Server::ours(name, arguments)));
    let mut clients = servers.each_ref().map(|(_, server)| open(server));
    for ((name, _), client) in servers.iter().zip(&mut clients) {
        let mut ping = [0; 2];
        client.read_exact(&mut ping).unwrap();
        assert_eq!(ping, *b"\x89\x00", "{name}");
    }
    thread::sleep(PONG_TIMEOUT_STARTED);
    servers.iter().for_each(|(_, server)| server.signal("STOP"));
    for client in &mut clients {
        client.write_all(b"\x8A\x80\0\0\0\0\x81\x85\0\0\0\0Hello").unwrap();
    }
    thread::sleep(STALL);
    servers.iter().for_each(|(_, server)| server.signal("CONT"));
    let echoes: Vec<(&str, [u8; 7])> = servers
        .iter()
        .zip(&mut clients)
        .map(|((name, _), client)| {
            let mut echo = [0; 7];
            // If the server closed, the stream ends and zeros remain.
            let _ = client.read_exact(&mut echo);
            (*name, echo)
        })
        .collect();
    assert!(echoes.iter().all(|(_, echo)| echo == b"\x81\x05Hello"), "{echoes:x?}");
}
