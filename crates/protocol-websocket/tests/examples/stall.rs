//! A server that did not run for longer than its deadlines reads what has come before it tells the time: the pong may be
//! in the socket.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use crate::open;
use crate::program::Server;

/// Each pings after 5 s of silence, and gives the client up after 5 s more.
const SERVERS: [(&str, &[&str]); 4] = [
    ("serve", &["--port", "0", "--timeout", "5"]),
    ("tokio_echo", &["0", "5"]),
    ("smol_echo", &["0", "5"]),
    ("poll_server", &["0", "5"]),
];
/// After the ping is written, a server that checks its deadlines once a second has noticed it.
const PING_NOTICED: Duration = Duration::from_secs(2);
const STALL: Duration = Duration::from_secs(6);

/// All servers at once, because of the waits.
#[test]
fn servers_read_the_pong_before_its_deadline_is_checked() {
    let servers = SERVERS.map(|(name, arguments)| (name, Server::ours(name, arguments)));
    let mut clients = servers.each_ref().map(|(_, server)| open(server));
    for ((name, _), client) in servers.iter().zip(&mut clients) {
        let mut ping = [0; 2];
        client.read_exact(&mut ping).unwrap();
        assert_eq!(ping, *b"\x89\x00", "{name}");
    }
    thread::sleep(PING_NOTICED);
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
            // A stream that ends after a Close leaves zeros.
            let _ = client.read_exact(&mut echo);
            (*name, echo)
        })
        .collect();
    assert!(echoes.iter().all(|(_, echo)| echo == b"\x81\x05Hello"), "{echoes:x?}");
}
