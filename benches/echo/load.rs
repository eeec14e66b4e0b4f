//! The load: so many connections, each with so many messages on their way, and every answer compared.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use protocol_websocket_core::Version;
use protocol_websocket_frame::{Frame, MaskKey};

use crate::process::Server;

const BUFFER: usize = 128 * 1024;
/// Nothing for so long, and something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

#[derive(Clone, Copy)]
pub(crate) struct Load {
    connections: usize,
    length: usize,
    depth: u64,
}

/// What a run came to.
pub(crate) struct Done {
    pub(crate) messages: u64,
    /// Bytes that the server received.
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
}

impl Load {
    pub(crate) const fn new(connections: usize, length: usize, depth: u64) -> Self {
        Self { connections, length, depth }
    }

    pub(crate) fn name(&self) -> String {
        let length =
            if self.length < 1024 { format!("{} B", self.length) } else { format!("{} KiB", self.length / 1024) };
        format!("{} × {length}, depth {}", self.connections, self.depth)
    }

    pub(crate) fn open(&self, server: &Server) -> Guests {
        let (there, back) = self.wires();
        let back = if server.is_plain() { there.clone() } else { back };
        let poll = Poll::new().unwrap();
        let open = |number| {
            let mut stream = TcpStream::from_std(connect(server).expect("a connection to the server"));
            poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE).unwrap();
            Guest { stream, allowed: 0, sent: 0, received: 0 }
        };
        let guests = (0..self.connections).map(open).collect();
        Guests { depth: self.depth, there, back, poll, guests, buffer: vec![0; BUFFER] }
    }

    /// Messages that differ, as they go there and as they come back: a cycle, as long as a read at least.
    fn wires(&self) -> (Cycle, Cycle) {
        let (mut there, mut back) = (BytesMut::new(), BytesMut::new());
        let messages = 2 * BUFFER / self.length;
        for number in 0..messages {
            let text: String = format!("message {number} of many. ").chars().cycle().take(self.length).collect();
            let key = MaskKey((number as u32).wrapping_mul(0x9E37_79B9).to_le_bytes());
            Frame::text(text.clone()).encode(Version::Rfc6455, Some(key), &mut there).unwrap();
            Frame::text(text).encode(Version::Rfc6455, None, &mut back).unwrap();
        }
        (Cycle::new(&there, messages), Cycle::new(&back, messages))
    }
}

/// Bytes that come again and again.
#[derive(Clone)]
struct Cycle {
    /// Twice the cycle, so that a slice may go past its end.
    bytes: Vec<u8>,
    /// The length of one frame.
    frame: u64,
}

impl Cycle {
    fn new(once: &[u8], frames: usize) -> Self {
        assert_eq!(once.len() % frames, 0, "frames of one length");
        Self { bytes: once.repeat(2), frame: (once.len() / frames) as u64 }
    }

    /// What comes at `position`, up to `len` bytes of it.
    fn at(&self, position: u64, len: u64) -> &[u8] {
        let cycle = self.bytes.len() / 2;
        let start = (position % cycle as u64) as usize;
        &self.bytes[start..start + len.min(cycle as u64) as usize]
    }
}

/// Open connections to one server.
pub(crate) struct Guests {
    depth: u64,
    there: Cycle,
    back: Cycle,
    poll: Poll,
    guests: Vec<Guest>,
    buffer: Vec<u8>,
}

struct Guest {
    stream: TcpStream,
    /// Bytes that may have been sent by now, have been, and have come back.
    allowed: u64,
    sent: u64,
    received: u64,
}

impl Guests {
    /// Sends until there were as many messages and so much time has passed, and waits for all answers.
    pub(crate) fn run(&mut self, messages: u64, time: Duration) -> Done {
        let Self { depth, there, back, poll, guests, buffer } = self;
        let answered = |guests: &[Guest]| guests.iter().map(|guest| guest.received / back.frame).sum::<u64>();
        let (begun, before) = (Instant::now(), answered(guests));
        for guest in guests.iter_mut() {
            guest.allowed = guest.sent + *depth * there.frame;
            guest.send(there).unwrap();
        }
        let (mut events, mut stopping) = (Events::with_capacity(64), false);
        while guests.iter().any(|guest| guest.received / back.frame * there.frame < guest.allowed) {
            match poll.poll(&mut events, Some(PATIENCE)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled.unwrap(),
            }
            assert!(!events.is_empty(), "the server says nothing");
            stopping |= begun.elapsed() >= time && answered(guests) - before >= messages;
            for event in &events {
                let guest = &mut guests[event.token().0];
                guest.receive(back, buffer).unwrap();
                if !stopping {
                    guest.allowed = (guest.received / back.frame + *depth) * there.frame;
                }
                guest.send(there).unwrap();
            }
        }
        let messages = answered(guests) - before;
        Done { messages, bytes: messages * there.frame, elapsed: begun.elapsed() }
    }
}

impl Guest {
    fn send(&mut self, there: &Cycle) -> io::Result<()> {
        while self.sent < self.allowed {
            match self.stream.write(there.at(self.sent, self.allowed - self.sent)) {
                Ok(n) => self.sent += n as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self, back: &Cycle, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    assert!(buffer[..n] == *back.at(self.received, n as u64), "not what was sent");
                    self.received += n as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// A connection past its handshake.
fn connect(server: &Server) -> io::Result<std::net::TcpStream> {
    let mut stream = std::net::TcpStream::connect(server.address())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if !server.is_plain() {
        stream.write_all(REQUEST)?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "no upgrade");
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}
