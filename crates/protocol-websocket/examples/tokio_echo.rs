//! A WebSocket echo in tokio: the library's loop around two buffers, keepalive included.
//!
//! `tokio_echo [PORT [SECONDS]]` serves until Ctrl-C. It pings a client that is silent for SECONDS (20), and gives it up
//! after as many more.

use std::io;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, Event, Server, State, Timeouts};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::timeout;

/// The most that one read takes, and so about as much as one write sends.
const READ_SIZE: usize = 64 * 1024;
/// How long a client may take to read what it is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may go on sending after the last write, and how much: more than the kernel buffers at both ends.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().map_or(Ok(3001), |port| port.parse())?;
    let mut timeouts = Timeouts::RECOMMENDED;
    if let Some(seconds) = arguments.next() {
        timeouts.ping_interval = Some(Duration::from_secs(seconds.parse()?));
        timeouts.pong_timeout = timeouts.ping_interval;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    // tokio queues 1,024 connections that are not accepted yet. This queues as many as the system allows.
    SockRef::from(&listener).listen(i32::MAX)?;
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // No descriptor is free, or the client has gone: the next one may fare better.
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
        // One write for everything that one read led to. On an error, its Close is in the output.
        let advanced = advance(&mut server, started.elapsed(), &mut input, &mut output);
        while !output.is_empty() {
            timeout(WRITE_TIMEOUT, stream.write_all(&output)).await??;
            output.clear();
            server.flush(&mut output);
        }
        // An idle connection keeps no buffer, and the start of a message no more than its length.
        output = BytesMut::new();
        if input.len() < READ_SIZE / 4 {
            input = BytesMut::from(&*input);
        }
        if advanced.is_err() || server.state() == State::Closed {
            shutdown(&mut stream).await;
            return advanced;
        }
        let wait = server.poll_timeout().map_or(Duration::MAX, |at| at.saturating_sub(started.elapsed()));
        match read_for(wait, &mut stream, &mut input).await {
            Some(Ok(0)) => return Ok(server.receive_eof()?),
            Some(read) => drop(read?),
            None => {} // a deadline: `advance` handles it
        }
    }
}

/// Reads what arrives before `wait` is over.
async fn read_for(wait: Duration, stream: &mut TcpStream, input: &mut BytesMut) -> Option<io::Result<usize>> {
    if let Ok(read) = timeout(wait, read(stream, input)).await {
        return Some(read);
    }
    // If the process did not run for a while, tokio may have noticed the time but not the bytes. A yield has it poll the
    // sockets, so that the peer's bytes are read before the deadlines are checked.
    yield_now().await;
    timeout(Duration::ZERO, read(stream, input)).await.ok()
}

/// Reads what has arrived. It allocates nothing before something has.
async fn read(stream: &mut TcpStream, input: &mut BytesMut) -> io::Result<usize> {
    stream.readable().await?;
    input.reserve(READ_SIZE);
    stream.read_buf(input).await
}

/// Bytes in, bytes out: nothing here depends on tokio.
fn advance(server: &mut Server, now: Duration, input: &mut BytesMut, output: &mut BytesMut) -> Result<()> {
    // An echo is about as long as its message.
    output.reserve(input.len().min(READ_SIZE));
    while let Some(event) = server.receive(input, output)? {
        match event {
            Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
            Event::Message(message) => server.send(message, output)?,
            _ => {}
        }
    }
    Ok(server.handle_timeout(now, output)?)
}

/// Ends the stream after the last write: shuts down the sending side, then reads and drops what the client still sends.
/// Closing a socket with unread bytes resets it, and the client may then lose the Close (RFC 9112 §9.6).
async fn shutdown(stream: &mut TcpStream) {
    // The client may be gone already.
    let _ = stream.shutdown().await;
    let drain = async {
        let (mut rest, mut dropped) = (BytesMut::new(), 0);
        while dropped < MAX_LINGER_BYTES {
            match read(stream, &mut rest).await {
                Ok(n @ 1..) => dropped += n,
                _ => break,
            }
            rest.clear();
        }
    };
    let _ = timeout(LINGER_TIMEOUT, drain).await;
}
