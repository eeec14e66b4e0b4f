//! A WebSocket echo on mio: one thread, one poll, any number of connections.
//!
//! A connection is not read while its peer does not read: unsent output stays bounded.
//!
//! `poll_server [PORT [SECONDS]]` serves until it is interrupted. It pings a client that is silent for SECONDS (20), and
//! gives it up after as many more.

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use protocol_websocket::{Accept, Close, CloseCode, Config, Event, Server, State, Timeouts};
use signal_hook::consts::{SIGINT, SIGTERM};
use socket2::SockRef;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const LISTENER: Token = Token(0);
/// The most that one read takes, and so about as much as one write sends.
const READ_SIZE: usize = 64 * 1024;
/// After so many reads of one connection the others have their turn, even if there is more to read.
const MAX_READS: u32 = 8;
/// A connection with more unsent bytes is not read.
const HIGH_WATER_MARK: usize = 256 * 1024;
/// How often deadlines are checked. They may be late by as much.
const TICK: Duration = Duration::from_secs(1);
/// How long a client may read nothing of what it is sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may go on sending after the last write, and how much: more than the kernel buffers at both ends.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(3002), |port| port.parse())?;
    let mut timeouts = Timeouts::RECOMMENDED;
    if let Some(seconds) = arguments.next() {
        timeouts.ping_interval = Some(Duration::from_secs(seconds.parse()?));
        timeouts.pong_timeout = timeouts.ping_interval;
    }
    let config = Config::new().timeouts(timeouts);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port).into())?;
    // mio queues 1,024 connections that are not accepted yet. This queues as many as the system allows.
    SockRef::from(&listener).listen(i32::MAX)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("connect to ws://{}/", listener.local_addr()?);

    let mut events = Events::with_capacity(1024);
    // One read buffer for all: a connection keeps only the start of an incomplete message.
    let mut buffer = vec![0; READ_SIZE];
    let mut connections: HashMap<Token, Connection> = HashMap::new();
    // The connections that have their turn: an event came, a deadline is due, or their last turn left something to read.
    let mut ready = HashSet::new();
    let mut last = LISTENER.0;
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
            // If no descriptor was free, connections still wait, and no event reports them again.
            ready.insert(LISTENER);
        }
        for token in std::mem::take(&mut ready) {
            if token == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    last += 1;
                    connections.insert(Token(last), Connection::new(stream, &config, poll.registry(), Token(last))?);
                }
            } else if let Some(connection) = connections.get_mut(&token) {
                match connection.advance(now, &mut buffer) {
                    Ok(Turn::Wait) => {}
                    Ok(Turn::Ready) => drop(ready.insert(token)),
                    // Whether it ended well or not, its socket is dropped with it.
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

/// What a connection needs next.
enum Turn {
    /// An event of its socket, or a deadline.
    Wait,
    /// Another turn: there may be more to read, and no event reports it again.
    Ready,
    /// Nothing more.
    End,
}

struct Connection {
    stream: TcpStream,
    server: Server,
    input: BytesMut,
    output: BytesMut,
    /// When the peer must have read some of the output, or after the last write, ended the stream.
    deadline: Option<Duration>,
    /// After the last write: how many bytes may still be read and dropped.
    linger: Option<usize>,
}

impl Connection {
    fn new(mut stream: TcpStream, config: &Config, registry: &Registry, token: Token) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let server = Server::new(config.clone());
        Ok(Self { stream, server, input: BytesMut::new(), output: BytesMut::new(), deadline: None, linger: None })
    }

    /// Whether something is to be done that no event of the socket will tell.
    fn is_due(&self, now: Duration) -> bool {
        [self.deadline, self.server.poll_timeout()].into_iter().flatten().any(|at| at <= now)
    }

    /// Does what the socket allows, up to [`MAX_READS`].
    fn advance(&mut self, now: Duration, buffer: &mut [u8]) -> io::Result<Turn> {
        self.write(now)?;
        let turn = self.read(now, buffer)?;
        // Only now, because what was read may be the pong that a deadline is for.
        if self.server.state() != State::Closed
            && let Err(error) = self.server.handle_timeout(now, &mut self.output)
        {
            eprintln!("{error}");
        }
        self.write(now)?;
        if self.server.state() == State::Closed && self.output.is_empty() {
            return self.linger(now, buffer);
        }
        if matches!(turn, Turn::Wait) {
            self.release_memory();
        }
        Ok(turn)
    }

    fn read(&mut self, now: Duration, buffer: &mut [u8]) -> io::Result<Turn> {
        for _ in 0..MAX_READS {
            if self.server.state() == State::Closed || self.output.len() > HIGH_WATER_MARK {
                // The poll reports when the socket takes more, and then everything goes on from here.
                return Ok(Turn::Wait);
            }
            match self.stream.read(buffer) {
                // What was sent before the end of the stream is still answered.
                Ok(0) => drop(self.server.receive_eof()),
                Ok(n) => {
                    self.input.extend_from_slice(buffer.get(..n).unwrap_or_default());
                    // An error has its Close, or its refusal, in the output, which still has to be written.
                    if let Err(error) = self.echo() {
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

    fn echo(&mut self) -> Result<()> {
        let Self { server, input, output, .. } = self;
        while let Some(event) = server.receive(input, output)? {
            match event {
                Event::Upgrade(upgrade) => server.accept(upgrade, &Accept::new(), output)?,
                Event::Message(message) => server.send(message, output)?,
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

    /// An idle connection keeps no buffer, and the start of a message no more than its length.
    fn release_memory(&mut self) {
        if self.output.is_empty() {
            self.output = BytesMut::new();
        }
        if self.input.len() < READ_SIZE / 4 {
            self.input = BytesMut::from(&*self.input);
        }
    }

    /// Ends the stream after the last write: shuts down the sending side, then reads and drops what the client still
    /// sends. Closing a socket with unread bytes resets it, and the client may then lose the Close (RFC 9112 §9.6).
    fn linger(&mut self, now: Duration, buffer: &mut [u8]) -> io::Result<Turn> {
        if self.linger.is_none() {
            self.stream.shutdown(Shutdown::Write)?;
            self.release_memory();
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

    /// Sends a Close, as far as the socket takes it at once.
    fn go_away(&mut self) {
        let _ = self.server.close(Close::from(CloseCode::GOING_AWAY), &mut self.output);
        let _ = self.stream.write(&self.output);
    }
}
