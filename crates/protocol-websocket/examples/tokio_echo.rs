//! A WebSocket echo in tokio: the library's loop around two buffers, keepalive included.
//!
//! `tokio_echo [PORT]` serves until Ctrl-C.

use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, Event, Server, State, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// How long a peer may not read what it is sent.
const PATIENCE: Duration = Duration::from_secs(30);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let port = std::env::args().nth(1).map_or(Ok(3001), |port| port.parse())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, peer) = accepted?;
                tokio::spawn(async move {
                    if let Err(error) = serve(stream).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            interrupted = &mut interrupted => return Ok(interrupted?),
        }
    }
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let started = Instant::now();
    let mut server = Server::new(Config::new().timeouts(Timeouts::USUAL));
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    loop {
        // One write for all that a read brought about, whether it ended well or not.
        let ended = advance(&mut server, &mut input, &mut output);
        while !output.is_empty() {
            timeout(PATIENCE, stream.write_all_buf(&mut output)).await??;
            server.flush(&mut output);
        }
        ended?;
        if server.state() == State::Closed {
            return Ok(stream.shutdown().await?);
        }
        let wait = server.poll_timeout().map_or(Duration::MAX, |at| at.saturating_sub(started.elapsed()));
        match timeout(wait, stream.read_buf(&mut input)).await {
            Ok(Ok(0)) => return Ok(server.receive_eof()?),
            Ok(read) => drop(read?),
            Err(_) => {
                let ended = server.handle_timeout(started.elapsed(), &mut output);
                timeout(PATIENCE, stream.write_all_buf(&mut output)).await??;
                ended?;
            }
        }
    }
}

/// Bytes in, bytes out: nothing here knows tokio.
fn advance(server: &mut Server, input: &mut BytesMut, output: &mut BytesMut) -> Result<()> {
    while let Some(event) = server.receive(input, output)? {
        match event {
            Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
            Event::Message(message) => server.send(message, output)?,
            _ => {}
        }
    }
    Ok(())
}
