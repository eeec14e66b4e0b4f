//! A WebSocket echo server on smol, with keepalive. One thread runs all connections, which share one read buffer.
//!
//! `smol_echo [PORT [SECONDS]]` serves until it is interrupted. It pings a client that has sent nothing for SECONDS
//! (20 by default), and closes the connection if no pong arrives within the same time.

use std::cell::RefCell;
use std::future::Future;
use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, EventRef, Server, State, Timeouts};
use signal_hook::consts::{SIGINT, SIGTERM};
use smol::io::AsyncWriteExt;
use smol::{Async, Timer};
use socket2::SockRef;

/// The size of the read buffer. An echo is about as long as its message, so one write sends about as much.
const READ_SIZE: usize = 64 * 1024;
/// How long a client may take to read the output.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to end the stream after the last write.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of bytes that are read and dropped within [`LINGER_TIMEOUT`]. The kernels of both ends buffer
/// less.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(3004), |port| port.parse())?;
    let mut timeouts = Timeouts::RECOMMENDED;
    if let Some(seconds) = arguments.next() {
        timeouts.ping_interval = Some(Duration::from_secs(seconds.parse()?));
        timeouts.pong_timeout = timeouts.ping_interval;
    }
    let (sender, stopped) = smol::channel::bounded::<()>(1);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        signals.forever().next();
        drop(sender);
    });
    let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, port))?;
    // The backlog of std is 128 connections. `i32::MAX` selects the longest that the system allows.
    SockRef::from(&listener).listen(i32::MAX)?;
    println!("connect to ws://{}/", listener.get_ref().local_addr()?);

    // One read buffer for all connections, which share this thread.
    let buffer = RefCell::new(vec![0; READ_SIZE]);
    let tasks = smol::LocalExecutor::new();
    let accept = async {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                // No file descriptor is free, or the client has disconnected. The next connection may succeed.
                Timer::after(Duration::from_millis(10)).await;
                continue;
            };
            let buffer = &buffer;
            let connection = async move {
                if let Err(error) = serve(stream, timeouts, buffer).await {
                    eprintln!("{peer}: {error}");
                }
            };
            tasks.spawn(connection).detach();
        }
    };
    let stop = async {
        // No value is sent on this channel. It ends when the thread drops the sender.
        let _ = stopped.recv().await;
        Ok(())
    };
    smol::block_on(tasks.run(smol::future::or(accept, stop)))
}

async fn serve(mut stream: Async<TcpStream>, timeouts: Timeouts, buffer: &RefCell<Vec<u8>>) -> Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let started = Instant::now();
    let mut server = Server::new(Config::new().timeouts(timeouts));
    let (mut output, mut result) = (BytesMut::new(), Ok(()));
    loop {
        // Sets new deadlines, and handles those that have passed.
        result = result.and_then(|()| Ok(server.handle_timeout(started.elapsed(), &mut output)?));
        // One write for all events of one read. After an error, the Close is in the output.
        while !output.is_empty() {
            timeout(WRITE_TIMEOUT, stream.write_all(&output)).await.ok_or("the client does not read the output")??;
            output.clear();
            server.flush(&mut output);
        }
        // An idle connection keeps no buffer.
        output = BytesMut::new();
        if result.is_err() || server.state() == State::Closed {
            shutdown(&stream, buffer).await;
            return result;
        }
        let wait = server.poll_timeout().map_or(Duration::MAX, |at| at.saturating_sub(started.elapsed()));
        let read = stream.read_with(|mut stream| {
            let buffer = &mut *buffer.borrow_mut();
            match stream.read(buffer)? {
                0 => result = server.receive_eof().map_err(Into::into),
                n => result = receive(&mut server, buffer.get_mut(..n).unwrap_or_default(), &mut output),
            }
            Ok(())
        });
        let read = timeout(wait, read).await;
        // A read that returns at once does not yield. Without this, a client that sends without a pause would block
        // others.
        smol::future::yield_now().await;
        if let Some(read) = read {
            read?;
        }
    }
}

/// Handles the events of the input. Nothing here depends on smol.
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

/// Ends the stream after the last write: shuts down the sending side, then reads and drops what the client still sends.
/// Closing a socket with unread bytes resets it, and the client may then lose the Close (RFC 9112 §9.6).
async fn shutdown(stream: &Async<TcpStream>, buffer: &RefCell<Vec<u8>>) {
    // The client may have disconnected.
    let _ = stream.get_ref().shutdown(Shutdown::Write);
    let drain = async {
        let mut dropped = 0;
        while dropped < MAX_LINGER_BYTES {
            match stream.read_with(|mut stream| stream.read(&mut buffer.borrow_mut())).await {
                Ok(n @ 1..) => dropped += n,
                _ => break,
            }
        }
    };
    let _ = timeout(LINGER_TIMEOUT, drain).await;
}

/// Waits for the future. Returns `None` after the timeout.
async fn timeout<T>(wait: Duration, future: impl Future<Output = T>) -> Option<T> {
    let expired = async {
        Timer::after(wait).await;
        None
    };
    smol::future::or(async { Some(future.await) }, expired).await
}
