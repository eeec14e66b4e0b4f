//! A WebSocket echo in tokio: the library's loop around two buffers, keepalive included.
//!
//! `tokio_echo [PORT [SECONDS]]` serves until Ctrl-C, and asks who is silent for SECONDS (20) whether they are there.

use std::io;
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
/// As much as one read takes, and so what one write answers.
const READ: usize = 64 * 1024;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(3001), |port| port.parse())?;
    let mut timeouts = Timeouts::USUAL;
    if let Some(seconds) = arguments.next() {
        timeouts.ping = Some(Duration::from_secs(seconds.parse()?));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // No descriptor is free, or the client is gone again: the next one may fare better.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, timeouts).await {
                        eprintln!("{peer}: {error}");
                    }
                });
            }
            interrupted = &mut interrupted => return Ok(interrupted?),
        }
    }
}

async fn serve(mut stream: TcpStream, timeouts: Timeouts) -> Result<()> {
    stream.set_nodelay(true)?;
    let started = Instant::now();
    let mut server = Server::new(Config::new().timeouts(timeouts));
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    loop {
        // One write for all that a read brought about, whether it ended well or not.
        let ended = advance(&mut server, &mut input, &mut output);
        while !output.is_empty() {
            timeout(PATIENCE, stream.write_all(&output)).await??;
            output.clear();
            server.flush(&mut output);
        }
        // Whoever is silent costs no buffer, and the beginning of a message no more than it has.
        output = BytesMut::new();
        if input.len() < READ / 4 {
            input = BytesMut::from(&*input);
        }
        ended?;
        if server.state() == State::Closed {
            return Ok(stream.shutdown().await?);
        }
        let wait = server.poll_timeout().map_or(Duration::MAX, |at| at.saturating_sub(started.elapsed()));
        match timeout(wait, read(&mut stream, &mut input)).await {
            Ok(Ok(0)) => return Ok(server.receive_eof()?),
            Ok(read) => drop(read?),
            Err(_) => {
                let ended = server.handle_timeout(started.elapsed(), &mut output);
                timeout(PATIENCE, stream.write_all(&output)).await??;
                output.clear();
                ended?;
            }
        }
    }
}

/// Reads what there is. Until something is there it takes no memory for it.
async fn read(stream: &mut TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    stream.readable().await?;
    input.reserve(READ);
    stream.read_buf(input).await
}

/// Bytes in, bytes out: nothing here knows tokio.
fn advance(server: &mut Server, input: &mut BytesMut, output: &mut BytesMut) -> Result<()> {
    // An echo is about as long as what it answers.
    output.reserve(input.len().min(READ));
    while let Some(event) = server.receive(input, output)? {
        match event {
            Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
            Event::Message(message) => server.send(message, output)?,
            _ => {}
        }
    }
    Ok(())
}
