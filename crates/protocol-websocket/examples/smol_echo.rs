//! A WebSocket echo in smol: the same loop in another runtime.
//!
//! `smol_echo [PORT [SECONDS]]` serves until it is interrupted. It pings a client that is silent for SECONDS (20), and
//! gives it up after as many more.

use std::cell::RefCell;
use std::future::Future;
use std::io::Read;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Accept, Config, Event, Server, State, Timeouts};
use signal_hook::consts::{SIGINT, SIGTERM};
use smol::io::AsyncWriteExt;
use smol::{Async, Timer};
use socket2::SockRef;

/// The most that one read takes, and so about as much as one write sends.
const READ_SIZE: usize = 64 * 1024;
/// How long a client may take to read what it is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may go on sending after the last write, and how much: more than the kernel buffers at both ends.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
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
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        signals.forever().next();
        drop(stop);
    });
    let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, port))?;
    // std queues 128 connections that are not accepted yet. This queues as many as the system allows.
    SockRef::from(&listener).listen(i32::MAX)?;
    println!("connect to ws://{}/", listener.get_ref().local_addr()?);

    // One read buffer for all connections, which share this thread.
    let buffer = RefCell::new(vec![0; READ_SIZE]);
    let tasks = smol::LocalExecutor::new();
    let accept = async {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                // No descriptor is free, or the client has gone: the next one may fare better.
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
    let until = async {
        // Nothing is ever sent: this ends when the other side is dropped.
        let _ = stopped.recv().await;
        Ok(())
    };
    smol::block_on(tasks.run(smol::future::or(accept, until)))
}

async fn serve(mut stream: Async<TcpStream>, timeouts: Timeouts, buffer: &RefCell<Vec<u8>>) -> Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let started = Instant::now();
    let mut server = Server::new(Config::new().timeouts(timeouts));
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    loop {
        // One write for everything that one read led to. On an error, its Close is in the output.
        let advanced = advance(&mut server, started.elapsed(), &mut input, &mut output);
        while !output.is_empty() {
            timeout(WRITE_TIMEOUT, stream.write_all(&output)).await.ok_or("the client does not read")??;
            output.clear();
            server.flush(&mut output);
        }
        // An idle connection keeps no buffer, and the start of a message no more than its length.
        output = BytesMut::new();
        if input.len() < READ_SIZE / 4 {
            input = BytesMut::from(&*input);
        }
        if advanced.is_err() || server.state() == State::Closed {
            shutdown(&stream, buffer).await;
            return advanced;
        }
        let wait = server.poll_timeout().map_or(Duration::MAX, |at| at.saturating_sub(started.elapsed()));
        let read = stream.read_with(|mut stream| {
            let buffer = &mut *buffer.borrow_mut();
            let n = stream.read(buffer)?;
            input.extend_from_slice(buffer.get(..n).unwrap_or_default());
            Ok(n)
        });
        let read = timeout(wait, read).await;
        // A read that does not wait does not yield: a client that sends without a pause would stop all others.
        smol::future::yield_now().await;
        match read {
            Some(Ok(0)) => return Ok(server.receive_eof()?),
            Some(read) => drop(read?),
            None => {} // a deadline: `advance` handles it
        }
    }
}

/// Bytes in, bytes out: nothing here depends on smol.
fn advance(server: &mut Server, now: Duration, input: &mut BytesMut, output: &mut BytesMut) -> Result<()> {
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
async fn shutdown(stream: &Async<TcpStream>, buffer: &RefCell<Vec<u8>>) {
    // The client may be gone already.
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

/// `None` if the time is over first.
async fn timeout<T>(wait: Duration, future: impl Future<Output = T>) -> Option<T> {
    let expired = async {
        Timer::after(wait).await;
        None
    };
    smol::future::or(async { Some(future.await) }, expired).await
}
