//! A WebSocket echo server with one thread for each connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, Event, Server, State};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    for stream in TcpListener::bind("127.0.0.1:3000")?.incoming() {
        let stream = stream?;
        std::thread::spawn(move || serve(stream).map_err(|error| eprintln!("{error}")));
    }
    Ok(())
}

pub(crate) fn serve(stream: TcpStream) -> Result<()> {
    let mut server = Server::new(Config::new());
    let (mut reader, mut writer) = (BufReader::new(&stream), &stream);
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    while server.state() != State::Closed {
        let read = reader.fill_buf()?;
        if read.is_empty() {
            return Ok(server.receive_eof()?);
        }
        input.extend_from_slice(read);
        let len = read.len();
        reader.consume(len);
        let result = echo(&mut server, &mut input, &mut output);
        while !output.is_empty() {
            writer.write_all(&output)?; // after an error, too: its Close is in the output
            output.clear();
            server.flush(&mut output);
        }
        result?;
    }
    Ok(())
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
