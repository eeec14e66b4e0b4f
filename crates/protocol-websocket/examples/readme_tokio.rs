//! A WebSocket echo server with tokio.

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, Event, Server, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        tokio::spawn(serve(listener.accept().await?.0));
    }
}

pub(crate) async fn serve(mut stream: TcpStream) -> Result<()> {
    let mut server = Server::new(Config::new());
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    while server.state() != State::Closed {
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(server.receive_eof()?);
        }
        let result = echo(&mut server, &mut input, &mut output);
        while !output.is_empty() {
            stream.write_all_buf(&mut output).await?; // after an error, too: its Close is in the output
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
