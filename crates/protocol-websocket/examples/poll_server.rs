//! A WebSocket echo server on mio: one thread and one poll for any number of connections.
//!
//! While a client does not read its echoes, its connection is not read either, so unsent output stays bounded.
//!
//! `poll_server [PORT [SECONDS [BYTES]]]` serves until it is interrupted. It pings a client that has sent nothing for SECONDS
//! (20 by default), and closes the connection if no pong arrives within the same time. It reads at most BYTES (65,536 by
//! default) at once.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use protocol_websocket::{Accept, Close, CloseCode, Config, EventRef, Server, State, Timeouts};
use signal_hook::consts::{SIGINT, SIGTERM};
use socket2::SockRef;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const LISTENER: Token = Token(0);
/// The default size of the read buffer. An echo is about as long as its message, so one write sends about as much.
const READ_SIZE: usize = 64 * 1024;
/// After this number of reads from a connection, the other connections are handled.
const MAX_READS: u32 = 8;
/// A connection with more unsent bytes is not read.
const HIGH_WATER_MARK: usize = 256 * 1024;
/// The interval at which deadlines are checked. A deadline may be late by this time.
const TICK: Duration = Duration::from_secs(1);
/// How long a client may go without reading any of the output.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to end the stream after the last write.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of bytes that are read and dropped within [`LINGER_TIMEOUT`]. The kernels of both ends buffer
/// less.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(3002), |port| port.parse())?;
    let mut timeouts = Timeouts::RECOMMENDED;
    if let Some(seconds) = arguments.next() {
        timeouts.ping_interval = Some(Duration::from_secs(seconds.parse()?));
        timeouts.pong_timeout = timeouts.ping_interval;
    }
    let read_size =
        arguments.next().map(|bytes| bytes.parse::<NonZero<usize>>()).transpose()?.map_or(READ_SIZE, NonZero::get);
    let config = Arc::new(Config::new().timeouts(timeouts));
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port).into())?;
    // mio's backlog is 1,024 connections. `i32::MAX` selects the longest that the system allows.
    SockRef::from(&listener).listen(i32::MAX)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("connect to ws://{}/", listener.local_addr()?);

    let mut events = Events::with_capacity(1024);
    // One read buffer for all connections. A connection keeps a copy of an incomplete message only.
    let mut buffer = vec![0; read_size];
    let mut connections: HashMap<Token, Connection> = HashMap::new();
    // The connections to handle: an event has arrived, a deadline has passed, or there is more to read.
    let mut ready = HashSet::new();
    let mut last_token = LISTENER.0;
    let started = Instant::now();
    let mut next_tick = TICK;
    while !stop.load(Ordering::Relaxed) {
        let wait = if ready.is_empty() { next_tick.saturating_sub(started.elapsed()) } else { Duration::ZERO };
        match poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        let now = started.elapsed();
        ready.extend(events.iter().map(mio::event::Event::token));
        if now >= next_tick {
            next_tick = now + TICK;
            ready.extend(connections.iter().filter(|(_, connection)| connection.is_due(now)).map(|(token, _)| *token));
            // If no file descriptor was free, connections are still in the backlog, and no event reports them again.
            ready.insert(LISTENER);
        }
        for token in std::mem::take(&mut ready) {
            if token == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    last_token += 1;
                    let token = Token(last_token);
                    match Connection::new(stream, &config, poll.registry(), token) {
                        Ok(connection) => drop(connections.insert(token, connection)),
                        Err(error) => eprintln!("{error}"),
                    }
                }
            } else if let Some(connection) = connections.get_mut(&token) {
                match connection.advance(now, &mut buffer) {
                    Ok(Turn::Wait) => {}
                    Ok(Turn::Ready) => drop(ready.insert(token)),
                    // This closes the socket, too.
                    Ok(Turn::End) | Err(_) => drop(connections.remove(&token)),
                }
            }
        }
    }
    for connection in connections.values_mut() {
        connection.go_away();
    }
    Ok(())
}

/// When the loop handles a connection again.
enum Turn {
    /// After an event of its socket, or a deadline.
    Wait,
    /// At once, because there may be more to read, and no event reports it again.
    Ready,
    /// Never, because the connection has ended.
    End,
}

struct Connection {
    stream: TcpStream,
    server: Server,
    output: BytesMut,
    /// The time at which the connection is dropped, unless the client reads some of the output. After the last write:
    /// unless the client ends the stream.
    deadline: Option<Duration>,
    /// After the last write: the number of bytes that may still be read and dropped.
    linger: Option<usize>,
}

impl Connection {
    fn new(mut stream: TcpStream, config: &Arc<Config>, registry: &Registry, token: Token) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let server = Server::new(Arc::clone(config));
        Ok(Self { stream, server, output: BytesMut::new(), deadline: None, linger: None })
    }

    /// Returns whether a deadline has passed.
    fn is_due(&self, now: Duration) -> bool {
        [self.deadline, self.server.poll_timeout()].into_iter().flatten().any(|at| at <= now)
    }

    /// Writes, reads up to [`MAX_READS`] times, and handles deadlines.
    fn advance(&mut self, now: Duration, buffer: &mut [u8]) -> io::Result<Turn> {
        self.write(now)?;
        let turn = self.read(now, buffer)?;
        // Deadlines are handled after the read, because it may have received a pong.
        if self.server.state() != State::Closed
            && let Err(error) = self.server.handle_timeout(now, &mut self.output)
        {
            eprintln!("{error}");
        }
        self.write(now)?;
        if self.server.state() == State::Closed && self.output.is_empty() {
            return self.linger(now, buffer);
        }
        // An idle connection keeps no buffer.
        if matches!(turn, Turn::Wait) && self.output.is_empty() {
            self.output = BytesMut::new();
        }
        Ok(turn)
    }

    fn read(&mut self, now: Duration, buffer: &mut [u8]) -> io::Result<Turn> {
        for _ in 0..MAX_READS {
            if self.server.state() == State::Closed || self.output.len() > HIGH_WATER_MARK {
                // When the socket can be written, the poll returns an event, and reading continues.
                return Ok(Turn::Wait);
            }
            match self.stream.read(buffer) {
                // Output for the messages before the end of the stream is still written.
                Ok(0) => drop(self.server.receive_eof()),
                Ok(n) => {
                    // After an error, the Close or the refusal is in the output, and is still written.
                    if let Err(error) = self.receive(buffer.get_mut(..n).unwrap_or_default()) {
                        eprintln!("{error}");
                    }
                    self.write(now)?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Turn::Wait),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Turn::Ready)
    }

    fn receive(&mut self, mut input: &mut [u8]) -> Result<()> {
        let Self { server, output, .. } = self;
        while let Some(event) = server.receive_lent(&mut input, output)? {
            match event {
                EventRef::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
                EventRef::Message(message) => server.send(message, output)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn write(&mut self, now: Duration) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(n) => {
                    self.output.advance(n);
                    self.server.flush(&mut self.output);
                    self.deadline = None;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if *self.deadline.get_or_insert(now + WRITE_TIMEOUT) <= now {
                        return Err(ErrorKind::TimedOut.into());
                    }
                    break;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Ends the stream after the last write: shuts down the sending side, then reads and drops what the client still
    /// sends. Closing a socket with unread bytes resets it, and the client may then lose the Close (RFC 9112 §9.6).
    fn linger(&mut self, now: Duration, buffer: &mut [u8]) -> io::Result<Turn> {
        if self.linger.is_none() {
            self.stream.shutdown(Shutdown::Write)?;
            self.output = BytesMut::new();
            self.deadline = Some(now + LINGER_TIMEOUT);
        }
        let left = self.linger.get_or_insert(MAX_LINGER_BYTES);
        for _ in 0..MAX_READS {
            if *left == 0 || self.deadline.is_some_and(|at| at <= now) {
                return Ok(Turn::End);
            }
            match self.stream.read(buffer) {
                Ok(0) => return Ok(Turn::End),
                Ok(n) => *left = left.saturating_sub(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Turn::Wait),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Turn::Ready)
    }

    /// Sends a Close if the socket accepts it without waiting.
    fn go_away(&mut self) {
        let _ = self.server.close(Close::from(CloseCode::GOING_AWAY), &mut self.output);
        let _ = self.stream.write(&self.output);
    }
}
