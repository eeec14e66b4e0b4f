//! A WebSocket echo server with one thread for each connection: `echo [PORT]`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::{env, thread, time::Duration};

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, Event, Server, State};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let port = env::args().nth(1).map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, _)) => drop(thread::spawn(|| serve(stream).map_err(|error| eprintln!("{error}")))),
            Err(_) => thread::sleep(Duration::from_millis(10)), // perhaps no file descriptor is free: try again
        }
    }
}

pub(crate) fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    let mut server = Server::new(Config::new());
    let (mut input, mut output, mut result) = (BytesMut::new(), BytesMut::new(), Ok(()));
    while result.is_ok() && server.state() != State::Closed {
        let kept = input.len(); // an incomplete head stays in the input
        input.resize(kept + 4096, 0);
        let n = stream.read(input.split_at_mut(kept).1)?;
        input.truncate(kept + n);
        result =
            if n == 0 { server.receive_eof().map_err(Into::into) } else { echo(&mut server, &mut input, &mut output) };
        while !output.is_empty() {
            stream.write_all(&output)?; // after an error, too: its Close is in the output
            output.clear();
            server.flush(&mut output);
        }
    }
    // Ends the stream, then reads the rest: closing a socket with unread bytes resets it, and the Close may be lost.
    stream.shutdown(Shutdown::Write)?;
    let _ = io::copy(&mut stream.take(16 * 1024 * 1024), &mut io::sink());
    result
}

fn echo(server: &mut Server, input: &mut BytesMut, output: &mut BytesMut) -> Result<()> {
    while let Some(event) = server.receive(input, output)? {
        match event {
            Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
            Event::Message(message) => server.send(message, output)?,
            _ => {}
        }
    }
    Ok(())
}
