//! A client that sends without a pause does not stop the server's other clients.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use crate::open;
use crate::program::Server;

const FLOODING_CLIENTS: usize = 2;
/// The flood has started when this many bytes of it were echoed.
const WARM_UP: usize = 1 << 20;
const ECHOES: usize = 5;

#[test]
fn echo_echoes_during_a_flood() {
    echoes_during_a_flood("echo", &["0"]);
}

#[test]
fn serve_echoes_during_a_flood() {
    echoes_during_a_flood("serve", &["--port", "0"]);
}

#[test]
fn tokio_echo_echoes_during_a_flood() {
    echoes_during_a_flood("tokio_echo", &["0"]);
}

#[test]
fn hyper_echo_echoes_during_a_flood() {
    echoes_during_a_flood("hyper_echo", &["0"]);
}

#[test]
fn smol_echo_echoes_during_a_flood() {
    echoes_during_a_flood("smol_echo", &["0"]);
}

#[test]
fn poll_server_echoes_during_a_flood() {
    echoes_during_a_flood("poll_server", &["0"]);
}

fn echoes_during_a_flood(example: &str, arguments: &[&str]) {
    let server = Server::ours(example, arguments);
    let mut early = open(&server);
    let floods: Vec<Flood> = (0..FLOODING_CLIENTS).map(|_| Flood::start(open(&server))).collect();
    // One client connected before the flood, and one connects during it.
    for number in 0..ECHOES {
        echo(&mut early, example, number);
    }
    let mut late = open(&server);
    for number in 0..ECHOES {
        echo(&mut late, example, number);
    }
    for flood in floods {
        flood.stop();
    }
}

fn echo(stream: &mut TcpStream, example: &str, number: usize) {
    stream.write_all(b"\x81\x85\0\0\0\0Hello").unwrap();
    let mut echo = [0; 7];
    stream.read_exact(&mut echo).unwrap_or_else(|error| panic!("{example}, echo {number}: {error}"));
    assert_eq!(echo, *b"\x81\x05Hello");
}

/// A client that sends and reads as fast as it can.
struct Flood {
    stream: TcpStream,
    threads: [JoinHandle<()>; 2],
}

impl Flood {
    /// Returns once echoes arrive.
    fn start(stream: TcpStream) -> Self {
        let (mut sender, mut receiver) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
        let (started, warm) = mpsc::channel();
        let sending = thread::spawn(move || {
            let frames = [&b"\x82\xFE\x03\xE8\0\0\0\0"[..], &[0; 1000]].concat().repeat(1000);
            while sender.write_all(&frames).is_ok() {}
        });
        let receiving = thread::spawn(move || {
            let (mut buffer, mut received) = (vec![0; 1 << 20], 0);
            while let Ok(n @ 1..) = receiver.read(&mut buffer) {
                received += n;
                if received >= WARM_UP {
                    let _ = started.send(());
                }
            }
        });
        warm.recv().unwrap();
        Self { stream, threads: [sending, receiving] }
    }

    fn stop(self) {
        self.stream.shutdown(Shutdown::Both).unwrap();
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}
