//! Each server uses `Timeouts::RECOMMENDED`, and no loop spins between two deadlines.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use test_support::heads::REQUEST;

use crate::program::Server;
use crate::{connect, open};

const SERVERS: [&str; 4] = ["tokio_echo", "hyper_echo", "smol_echo", "poll_server"];
/// One tick is 10 ms. A loop that spins takes twenty times as many ticks during this test.
const MAX_TICKS: u64 = 100;

/// All servers are tested at once, because the first ping takes 20 s.
#[test]
fn servers_time_out_handshakes_and_ping_idle_clients() {
    let servers = SERVERS.map(|name| Server::ours(name, &["0"]));
    let started: Vec<(TcpStream, TcpStream)> =
        servers.iter().map(|server| (send_half_a_head(server), idle(server))).collect();
    for ((name, server), (mut connecting, mut idle)) in SERVERS.into_iter().zip(servers).zip(started) {
        let mut received = Vec::new();
        connecting.read_to_end(&mut received).expect("the end of the stream after the handshake timeout");
        assert!(received.is_empty() || received.starts_with(b"HTTP/1.1 408 "), "{name}: {received:x?}");
        let mut ping = [0; 2];
        idle.read_exact(&mut ping).expect("a ping after 20 s without input");
        assert_eq!(ping, *b"\x89\x00", "{name}");
        let ticks = ticks(&server);
        assert!(ticks < MAX_TICKS, "{name} used {ticks} ticks of processor time while waiting");
    }
}

/// Sends the first half of a request and nothing more.
fn send_half_a_head(server: &Server) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(&REQUEST.as_bytes()[..REQUEST.len() / 2]).unwrap();
    stream
}

/// Opens a connection and waits for one echo.
fn idle(server: &Server) -> TcpStream {
    let mut stream = open(server);
    stream.write_all(b"\x81\x81\0\0\0\0x").unwrap();
    let mut echo = [0; 3];
    stream.read_exact(&mut echo).unwrap();
    assert_eq!(echo, *b"\x81\x01x");
    stream
}

/// Returns the server's processor time in ticks (`proc_pid_stat(5)`: `utime` and `stime`).
fn ticks(server: &Server) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
