//! Our server: the example `serve` as a program, and an echo server that compresses.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, Event, Server, State};

use super::deflate::parts;
use super::program;

pub(crate) struct OurServer(program::Server);

impl OurServer {
    /// Starts the server with the host name `example.com` and the subprotocols `other` and `chat`.
    pub(crate) fn start() -> Self {
        let arguments = ["--port", "0", "--host", "example.com", "--subprotocol", "other", "--subprotocol", "chat"];
        Self(program::Server::ours("serve", &arguments))
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port
    }

    /// Waits for a line of the log that contains `words`.
    pub(crate) fn logged(&self, words: &str) {
        self.0.logged(words);
    }

    /// Closes all connections, and waits for the end of the server.
    pub(crate) fn shutdown(self) {
        self.0.signal("TERM");
        assert!(self.0.status().success());
    }
}

/// Starts a server that echoes the messages of one client, long ones in parts. Returns its URL, and the thread that ends
/// after the closing handshake.
pub(crate) fn echo_once(config: Config) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    (url, thread::spawn(move || serve(listener.accept().unwrap().0, config)))
}

fn serve(mut stream: TcpStream, config: Config) {
    let (mut server, mut input, mut output) = (Server::new(config), BytesMut::new(), BytesMut::new());
    let mut buffer = [0; 16 * 1024];
    while server.state() != State::Closed {
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "the stream ended without a Close");
        input.extend_from_slice(&buffer[..n]);
        while let Some(event) = server.receive(&mut input, &mut output).unwrap() {
            match event {
                Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), &mut output).unwrap(),
                Event::Message(message) => {
                    parts(&message).into_iter().for_each(|part| server.send_part(part, &mut output).unwrap());
                }
                _ => {}
            }
        }
        stream.write_all(&output).unwrap();
        output.clear();
    }
    // The client may have disconnected.
    let _ = stream.shutdown(Shutdown::Write);
}
