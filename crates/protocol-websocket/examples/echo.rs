//! A WebSocket echo server with one thread for each connection: the smallest server.
//!
//! `echo [PORT]` serves until it is interrupted. Connect with `wsconsole ws://127.0.0.1:3005/` or with the example
//! `client`. `tokio_echo` and `poll_server` also send pings and have a deadline for each handshake.
#![allow(clippy::indexing_slicing, reason = "an example")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, EventRef, Server, State};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(3005), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, _)) => drop(thread::spawn(|| serve(stream).map_err(|error| eprintln!("{error}")))),
            // No file descriptor is free, or the client has disconnected. The next connection may succeed.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    let mut server = Server::new(Config::new());
    let (mut buffer, mut output, mut result) = ([0; 4096], BytesMut::new(), Ok(()));
    while result.is_ok() && server.state() != State::Closed {
        result = match stream.read(&mut buffer)? {
            0 => server.receive_eof().map_err(Into::into),
            n => receive(&mut server, &mut buffer[..n], &mut output),
        };
        // After an error, the Close is in the output.
        while !output.is_empty() {
            stream.write_all(&output)?;
            output.clear();
            server.flush(&mut output);
        }
    }
    // Reads the rest: closing a socket with unread bytes resets it, and the client may then lose the Close.
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    io::copy(&mut stream.take(16 * 1024 * 1024), &mut io::sink())?;
    result
}

fn receive(server: &mut Server, mut input: &mut [u8], output: &mut BytesMut) -> Result<()> {
    while let Some(event) = server.receive_lent(&mut input, output)? {
        match event {
            EventRef::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
            EventRef::Message(message) => server.send(message, output)?,
            _ => {}
        }
    }
    Ok(())
}
