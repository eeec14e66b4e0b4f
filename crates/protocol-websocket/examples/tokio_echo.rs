//! A WebSocket echo server on tokio, with keepalive. All connections of a thread share one read buffer.
//!
//! `tokio_echo [PORT [SECONDS]]` serves until Ctrl-C. It pings a client that has sent nothing for SECONDS (20 by
//! default), and closes the connection if no pong arrives within the same time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, EventRef, Server, State, Timeouts};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::timeout;

/// The size of the read buffer. An echo is about as long as its message, so one write sends about as much.
const READ_SIZE: usize = 64 * 1024;
/// How long a client may take to read the output.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to end the stream after the last write.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of bytes that are read and dropped within [`LINGER_TIMEOUT`]. The kernels of both ends buffer
/// less.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

thread_local! {
    /// The read buffer of all connections of a thread.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

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
    // tokio's backlog is 1,024 connections. `i32::MAX` selects the longest that the system allows.
    SockRef::from(&listener).listen(i32::MAX)?;
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    println!("connect to ws://{}/", listener.local_addr()?);
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // No file descriptor is free, or the client has disconnected. The next connection may succeed.
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
    let (mut output, mut result) = (BytesMut::new(), Ok(()));
    loop {
        // Sets new deadlines, and handles those that have passed.
        result = result.and_then(|()| Ok(server.handle_timeout(started.elapsed(), &mut output)?));
        // One write for all events of one read. After an error, the Close is in the output.
        while !output.is_empty() {
            timeout(WRITE_TIMEOUT, stream.write_all(&output)).await??;
            output.clear();
            server.flush(&mut output);
        }
        // An idle connection keeps no buffer.
        output = BytesMut::new();
        if result.is_err() || server.state() == State::Closed {
            shutdown(&mut stream).await;
            return result;
        }
        let wait = server.poll_timeout().map_or(Duration::MAX, |at| at.saturating_sub(started.elapsed()));
        result = match timeout(wait, read(&mut stream, &mut server, &mut output)).await {
            Ok(result) => result,
            Err(_) => {
                // If the process was stopped for a while, the timeout may come first although bytes have arrived. tokio
                // polls the sockets during the yield, so these bytes are read before the deadlines are checked.
                yield_now().await;
                timeout(Duration::ZERO, read(&mut stream, &mut server, &mut output)).await.unwrap_or(Ok(()))
            }
        };
    }
}

/// Waits for input, reads it and handles its events. All connections of a thread can share the buffer, because it is
/// used within one poll, and no other task of the thread runs during a poll.
async fn read(stream: &mut TcpStream, server: &mut Server, output: &mut BytesMut) -> Result<()> {
    poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            Poll::Ready(match buffer.filled_mut() {
                [] => server.receive_eof().map_err(Into::into),
                input => receive(server, input, output),
            })
        })
    })
    .await
}

/// Handles the events of the input. Nothing here depends on tokio.
fn receive(server: &mut Server, mut input: &mut [u8], output: &mut BytesMut) -> Result<()> {
    // An echo is about as long as its message.
    output.reserve(input.len());
    while let Some(event) = server.receive_lent(&mut input, output)? {
        match event {
            EventRef::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
            EventRef::Message(message) => server.send(message, output)?,
            _ => {}
        }
    }
    Ok(())
}

/// Ends the stream after the last write: shuts down the sending side, then reads and drops what the client still sends.
/// Closing a socket with unread bytes resets it, and the client may then lose the Close (RFC 9112 §9.6).
async fn shutdown(stream: &mut TcpStream) {
    // The client may have disconnected.
    let _ = stream.shutdown().await;
    let drain = async {
        let mut dropped = 0;
        while dropped < MAX_LINGER_BYTES && stream.readable().await.is_ok() {
            match BUFFER.with_borrow_mut(|buffer| stream.try_read(buffer)) {
                Ok(n @ 1..) => dropped += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
    };
    let _ = timeout(LINGER_TIMEOUT, drain).await;
}
