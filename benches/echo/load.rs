//! The load generator: some connections, each with some messages in flight. Every response is compared with the
//! request.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use protocol_websocket_core::Version;
use protocol_websocket_frame::{Frame, MaskKey};

use crate::process::Server;

const READ_BUFFER_SIZE: usize = 128 * 1024;
/// Longest time without a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

#[derive(Clone, Copy)]
pub(crate) struct Load {
    connections: usize,
    length: usize,
    depth: u64,
}

/// The result of a run.
pub(crate) struct Done {
    pub(crate) messages: u64,
    /// Number of bytes that the server received.
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

    pub(crate) fn open(&self, server: &Server) -> Clients {
        let (requests, responses) = self.frames();
        let responses = if server.is_plain() { requests.clone() } else { responses };
        let poll = Poll::new().unwrap();
        let open = |number| {
            let mut stream = TcpStream::from_std(connect(server).expect("a connection to the server"));
            poll.registry().register(&mut stream, Token(number), Interest::READABLE | Interest::WRITABLE).unwrap();
            Client { stream, allowed: 0, sent: 0, received: 0 }
        };
        let clients = (0..self.connections).map(open).collect();
        Clients { depth: self.depth, requests, responses, poll, clients, buffer: vec![0; READ_BUFFER_SIZE] }
    }

    /// Makes the frames of different messages, as the client sends them and as the server sends them back. They are
    /// longer than a read.
    fn frames(&self) -> (Cycle, Cycle) {
        let (mut requests, mut responses) = (BytesMut::new(), BytesMut::new());
        let messages = 2 * READ_BUFFER_SIZE / self.length;
        for number in 0..messages {
            let text: String = format!("message {number} of many. ").chars().cycle().take(self.length).collect();
            let key = MaskKey((number as u32).wrapping_mul(0x9E37_79B9).to_le_bytes());
            Frame::text(text.clone()).encode(Version::Rfc6455, Some(key), &mut requests).unwrap();
            Frame::text(text).encode(Version::Rfc6455, None, &mut responses).unwrap();
        }
        (Cycle::new(&requests, messages), Cycle::new(&responses, messages))
    }
}

/// Bytes that repeat.
#[derive(Clone)]
struct Cycle {
    /// The cycle twice, so that a slice may go past its end.
    bytes: Vec<u8>,
    /// The length of one frame.
    frame: u64,
}

impl Cycle {
    fn new(once: &[u8], frames: usize) -> Self {
        assert_eq!(once.len() % frames, 0, "all frames have one length");
        Self { bytes: once.repeat(2), frame: (once.len() / frames) as u64 }
    }

    /// Returns up to `len` bytes from `position`.
    fn at(&self, position: u64, len: u64) -> &[u8] {
        let cycle = self.bytes.len() / 2;
        let start = (position % cycle as u64) as usize;
        &self.bytes[start..start + len.min(cycle as u64) as usize]
    }
}

/// Open connections to one server.
pub(crate) struct Clients {
    depth: u64,
    requests: Cycle,
    responses: Cycle,
    poll: Poll,
    clients: Vec<Client>,
    buffer: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    /// Number of bytes that may be sent, were sent, and were received.
    allowed: u64,
    sent: u64,
    received: u64,
}

impl Clients {
    /// Sends for at least `time` and at least `messages` messages, and waits for all responses.
    pub(crate) fn run(&mut self, messages: u64, time: Duration) -> Done {
        let Self { depth, requests, responses, poll, clients, buffer } = self;
        let answered = |clients: &[Client]| clients.iter().map(|client| client.received / responses.frame).sum::<u64>();
        let (begun, before) = (Instant::now(), answered(clients));
        for client in clients.iter_mut() {
            client.allowed = client.sent + *depth * requests.frame;
            client.send(requests).unwrap();
        }
        let (mut events, mut stopping) = (Events::with_capacity(64), false);
        while clients.iter().any(|client| client.received / responses.frame * requests.frame < client.allowed) {
            match poll.poll(&mut events, Some(RESPONSE_TIMEOUT)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                polled => polled.unwrap(),
            }
            assert!(!events.is_empty(), "the server does not respond");
            stopping |= begun.elapsed() >= time && answered(clients) - before >= messages;
            for event in &events {
                let client = &mut clients[event.token().0];
                client.receive(responses, buffer).unwrap();
                if !stopping {
                    client.allowed = (client.received / responses.frame + *depth) * requests.frame;
                }
                client.send(requests).unwrap();
            }
        }
        let messages = answered(clients) - before;
        Done { messages, bytes: messages * requests.frame, elapsed: begun.elapsed() }
    }
}

impl Client {
    fn send(&mut self, requests: &Cycle) -> io::Result<()> {
        while self.sent < self.allowed {
            match self.stream.write(requests.at(self.sent, self.allowed - self.sent)) {
                Ok(n) => self.sent += n as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(&mut self, responses: &Cycle, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    assert!(
                        buffer[..n] == *responses.at(self.received, n as u64),
                        "the response differs from the request"
                    );
                    self.received += n as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Opens a connection and completes the handshake.
fn connect(server: &Server) -> io::Result<std::net::TcpStream> {
    let mut stream = std::net::TcpStream::connect(server.address())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(RESPONSE_TIMEOUT))?;
    if !server.is_plain() {
        stream.write_all(REQUEST)?;
        let mut response = Vec::new();
        while !response.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            response.push(byte[0]);
        }
        assert!(response.starts_with(b"HTTP/1.1 101 "), "the server did not accept the upgrade");
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}
