//! A server that has run out of file descriptors accepts the clients in its backlog once it has free ones again.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use test_support::heads::REQUEST;

use crate::program::{self, Server};
use crate::{connect, read_head};

const SERVERS: [(&str, &[&str]); 6] = [
    ("echo", &["0"]),
    ("serve", &["--port", "0"]),
    ("tokio_echo", &["0"]),
    ("hyper_echo", &["0"]),
    ("smol_echo", &["0"]),
    ("poll_server", &["0"]),
];
/// The limit of file descriptors of the server.
const DESCRIPTORS: usize = 32;
/// The clients that exhaust the descriptors. The server accepts fewer, because it uses some descriptors itself.
const FIRST: usize = DESCRIPTORS;
/// The clients that stay in the backlog.
const LAST: usize = 4;

#[test]
fn servers_accept_again_after_running_out_of_descriptors() {
    for (example, arguments) in SERVERS {
        let script = format!("ulimit -n {DESCRIPTORS} && exec \"$0\" \"$@\"");
        let server = Server::start(Command::new("sh").args(["-c", &script]).arg(program::example(example)), arguments);
        let clients = |count| -> Vec<TcpStream> { (0..count).map(|_| request(&server)).collect() };
        let (first, last) = (clients(FIRST), clients(LAST));
        while fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count() < DESCRIPTORS {
            thread::sleep(Duration::from_millis(10));
        }
        // From here on no client connects, so no new event reports the clients in the backlog.
        drop(first);
        for mut client in last {
            let response = read_head(&mut client);
            assert!(response.starts_with(b"HTTP/1.1 101 "), "{example}: {}", String::from_utf8_lossy(&response));
        }
    }
}

/// Connects and sends the request of the opening handshake.
fn request(server: &Server) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(REQUEST.as_bytes()).unwrap();
    stream
}
