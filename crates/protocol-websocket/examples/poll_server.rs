//! A WebSocket echo on mio: one thread, one poll, any number of connections.
//!
//! A connection whose peer does not read is not read either: what is held back for sending stays bounded.
//!
//! `poll_server [PORT]` serves until it is interrupted.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, BytesMut};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use protocol_websocket::{Accept, Close, CloseCode, Config, Event, Server, State};
use signal_hook::consts::{SIGINT, SIGTERM};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const LISTENER: Token = Token(0);
/// As much as one read takes, and so what one write answers.
const READ: usize = 64 * 1024;
/// Beyond this many unsent bytes a connection is no longer read.
const BACKLOG: usize = 256 * 1024;

fn main() -> Result<()> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(3002), |port| port.parse())?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port).into())?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("connect to ws://{}/", listener.local_addr()?);

    let mut events = Events::with_capacity(1024);
    // One for all: only what is left of a read is a connection's own.
    let mut buffer = vec![0; READ];
    let mut guests: HashMap<Token, Guest> = HashMap::new();
    let mut next = LISTENER.0;
    while !stop.load(Ordering::Relaxed) {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    next += 1;
                    guests.insert(Token(next), Guest::new(stream, poll.registry(), Token(next))?);
                }
            } else if let Some(guest) = guests.get_mut(&event.token()) {
                // Whether it ended well or not: its socket goes with it.
                if !guest.advance(&mut buffer).unwrap_or(false) {
                    guests.remove(&event.token());
                }
            }
        }
    }
    for guest in guests.values_mut() {
        guest.leave();
    }
    Ok(())
}

struct Guest {
    stream: TcpStream,
    server: Server,
    input: BytesMut,
    output: BytesMut,
}

impl Guest {
    fn new(mut stream: TcpStream, registry: &Registry, token: Token) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let server = Server::new(Config::new());
        Ok(Self { stream, server, input: BytesMut::new(), output: BytesMut::new() })
    }

    /// Does what the socket allows. Says whether to go on.
    fn advance(&mut self, buffer: &mut [u8]) -> Result<bool> {
        loop {
            self.write()?;
            if self.server.state() == State::Closed {
                return Ok(!self.output.is_empty());
            }
            if self.output.len() > BACKLOG {
                // The socket tells when it takes more, and then everything goes on from here.
                return Ok(true);
            }
            match self.stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(n) => self.input.extend_from_slice(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
            // An error has its Close, or its refusal, in the output, which still has to be written.
            if let Err(error) = self.echo() {
                eprintln!("{error}");
            }
        }
    }

    /// Says goodbye, as far as the socket takes it at once.
    fn leave(&mut self) {
        let _ = self.server.close(Close::from(CloseCode::GOING_AWAY), &mut self.output);
        let _ = self.write();
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

    fn write(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(n) => {
                    self.output.advance(n);
                    self.server.flush(&mut self.output);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
