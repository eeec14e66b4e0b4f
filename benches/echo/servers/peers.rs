//! The other libraries, each with the loop of its own example, after a handshake that is the same for all.

use std::io::{self, ErrorKind, Read, Write};

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_websockets::ServerBuilder;

use super::Result;

pub(super) fn tungstenite(stream: std::net::TcpStream) -> Result {
    let mut socket = tungstenite::WebSocket::from_raw_socket(stream, tungstenite::protocol::Role::Server, None);
    loop {
        let message = socket.read()?;
        if message.is_binary() || message.is_text() {
            socket.send(message)?;
        }
    }
}

/// Echoes, and flushes when no further message is ready. The library's examples do not do this.
pub(super) async fn tungstenite_batch(stream: TcpStream) -> Result {
    let mut socket = tungstenite::WebSocket::from_raw_socket(Ready(stream), tungstenite::protocol::Role::Server, None);
    loop {
        socket.get_ref().0.readable().await?;
        while let Some(message) = ready(socket.read())? {
            if message.is_binary() || message.is_text() {
                // Bytes that the socket does not accept stay in the buffer.
                ready(socket.write(message))?;
            }
        }
        while ready(socket.flush())?.is_none() {
            socket.get_ref().0.writable().await?;
        }
    }
}

/// Turns an error of the kind `WouldBlock` into `None`.
fn ready<T>(result: tungstenite::Result<T>) -> tungstenite::Result<Option<T>> {
    match result {
        Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        result => result.map(Some),
    }
}

struct Ready(TcpStream);

impl Read for Ready {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Ready {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.try_write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) async fn tokio_websockets(stream: TcpStream) -> Result {
    let mut server = ServerBuilder::new().serve(stream);
    while let Some(Ok(item)) = server.next().await {
        server.send(item).await?;
    }
    Ok(())
}

pub(super) async fn fastwebsockets(stream: TcpStream) -> Result {
    let mut socket = FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server));
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

pub(super) async fn sockudo_ws(stream: TcpStream) -> Result {
    let mut socket = sockudo_ws::WebSocketStream::server(stream, sockudo_ws::Config::default());
    while let Some(message) = socket.next().await {
        match message? {
            message if message.is_text() || message.is_binary() => socket.send(message).await?,
            sockudo_ws::Message::Close(_) => break,
            _ => {}
        }
    }
    Ok(())
}
