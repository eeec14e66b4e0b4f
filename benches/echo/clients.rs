//! The load generator: some connections, each with some messages in flight.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::http2;
use crate::openings;
use crate::process::Server;
use crate::requests::Requests;
use crate::responses::Responses;

pub(crate) const READ_BUFFER_SIZE: usize = 128 * 1024;
/// Longest time without a response.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// Shortest time without any response that counts as a stall. Linux delays an acknowledgement by at least 40 ms.
const STALL_TIME: Duration = Duration::from_millis(30);

pub(crate) const OFFERS: [&str; 2] = [
    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n",
];

#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) length: usize,
    pub(crate) depth: u64,
    /// The clients offer permessage-deflate, and the responses are compressed.
    pub(crate) is_compressed: bool,
    /// A client sends its next messages when it has the responses to all before, and not after each response.
    pub(crate) has_bursts: bool,
    /// The connections are streams of one HTTP/2 connection.
    pub(crate) is_http2: bool,
}

/// The result of a run.
#[derive(Clone, Copy)]
pub(crate) struct Done {
    pub(crate) messages: u64,
    pub(crate) elapsed: Duration,
    pub(crate) stalls: u64,
}

impl Load {
    pub(crate) const fn new(connections: usize, length: usize, depth: u64) -> Self {
        Self { connections, length, depth, is_compressed: false, has_bursts: false, is_http2: false }
    }

    pub(crate) const fn compressed(self) -> Self {
        Self { is_compressed: true, ..self }
    }

    pub(crate) const fn bursts(self) -> Self {
        Self { has_bursts: true, ..self }
    }

    pub(crate) const fn http2(self) -> Self {
        Self { is_http2: true, ..self }
    }

    /// Returns the load with fewer connections, for a check of the responses.
    pub(crate) const fn quick(self) -> Self {
        if self.connections > 64 { Self { connections: 64, ..self } } else { self }
    }

    pub(crate) fn name(&self) -> String {
        let depth = if self.has_bursts { "bursts of" } else { "depth" };
        format!("{} × {}, {depth} {}", self.connections, self.size(), self.depth)
    }

    pub(crate) fn size(&self) -> String {
        match self.length {
            length if length < 1 << 10 => format!("{length} B"),
            length if length < 1 << 20 => format!("{} KiB", length >> 10),
            length => format!("{} MiB", length >> 20),
        }
    }

    /// Returns the least number of messages of a run.
    pub(crate) fn min_messages(&self) -> u64 {
        let most = if self.has_bursts { 4 * self.depth } else { 200 };
        ((200 << 10) / self.length as u64).clamp(8, most.max(8))
    }
}

/// Open connections to one server.
pub(crate) struct Clients<'a> {
    depth: u64,
    has_bursts: bool,
    is_compressed: bool,
    requests: &'a Requests,
    poll: Poll,
    stalls: u64,
    clients: Vec<Client>,
    buffer: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    /// Number of messages that may be sent.
    allowed: u64,
    /// Number of bytes that were sent.
    sent: u64,
    responses: Responses,
}

impl<'a> Clients<'a> {
    /// Opens the connections of a load one after another. With `mixed_offers`, each second one offers that the server
    /// keeps no window between messages.
    pub(crate) fn open(load: &Load, requests: &'a Requests, server: &Server, mixed_offers: bool) -> Self {
        if load.is_http2 {
            let streams = http2::open(server, load.connections).expect("streams to the server");
            return Self::with(load, requests, streams.into_iter().map(TcpStream::from_std).collect());
        }
        let open = |number: usize| {
            let offer = if load.is_compressed { OFFERS[if mixed_offers { number % 2 } else { 0 }] } else { "" };
            openings::open(server, offer).expect("a connection to the server")
        };
        Self::with(load, requests, (0..load.connections).map(open).map(TcpStream::from_std).collect())
    }

    /// Takes ownership of connections that are open.
    pub(crate) fn with(load: &Load, requests: &'a Requests, streams: Vec<TcpStream>) -> Self {
        let Load { depth, has_bursts, is_compressed, .. } = *load;
        let (poll, buffer) = (Poll::new().unwrap(), vec![0; READ_BUFFER_SIZE]);
        let mut all = Self { depth, has_bursts, is_compressed, requests, poll, stalls: 0, clients: Vec::new(), buffer };
        all.add(streams);
        all
    }

    /// Takes ownership of further connections.
    pub(crate) fn add(&mut self, streams: Vec<TcpStream>) {
        for mut stream in streams {
            let (token, interest) = (Token(self.clients.len()), Interest::READABLE | Interest::WRITABLE);
            self.poll.registry().register(&mut stream, token, interest).unwrap();
            let responses = Responses::new(self.is_compressed);
            self.clients.push(Client { stream, allowed: 0, sent: 0, responses });
        }
    }

    fn poll(&mut self, events: &mut Events) {
        let begun = Instant::now();
        while let Err(error) = self.poll.poll(events, Some(RESPONSE_TIMEOUT)) {
            assert!(error.kind() == ErrorKind::Interrupted, "{error}");
        }
        assert!(!events.is_empty(), "the server does not respond");
        self.stalls += u64::from(begun.elapsed() >= STALL_TIME);
    }

    /// Echo: sends on all connections for at least `time` and at least `messages` messages, and waits for all responses.
    pub(crate) fn run(&mut self, messages: u64, time: Duration) -> Done {
        let (begun, requests, depth) = (Instant::now(), self.requests, self.depth);
        self.stalls = 0;
        let (mut allowed, mut received) = (0, 0);
        for client in &mut self.clients {
            client.allow(depth);
            allowed += depth;
            client.send(requests).unwrap();
        }
        let mut events = Events::with_capacity(1024);
        while received < allowed {
            self.poll(&mut events);
            let is_stopping = begun.elapsed() >= time && received >= messages;
            for event in &events {
                let client = &mut self.clients[event.token().0];
                let responses = client.receive(requests, &mut self.buffer).unwrap();
                received += responses;
                let due = match self.has_bursts {
                    true if client.waits(requests) => 0,
                    true => depth,
                    false => responses,
                };
                if !is_stopping {
                    client.allow(due);
                    allowed += due;
                }
                client.send(requests).unwrap();
            }
        }
        Done { messages: received, elapsed: begun.elapsed(), stalls: self.stalls }
    }

    /// Broadcast: the first client sends one message, and all wait for it; for at least `time` and at least `messages`
    /// messages.
    pub(crate) fn broadcast(&mut self, messages: u64, time: Duration) -> Done {
        let (begun, requests) = (Instant::now(), self.requests);
        self.stalls = 0;
        let (mut events, mut sent) = (Events::with_capacity(1024), 0);
        while begun.elapsed() < time || sent < messages {
            self.clients[0].allow(1);
            self.clients[0].send(requests).unwrap();
            sent += 1;
            let mut waiting = self.clients.len() as u64;
            while waiting > 0 {
                self.poll(&mut events);
                for event in &events {
                    let client = &mut self.clients[event.token().0];
                    waiting -= client.receive(requests, &mut self.buffer).unwrap();
                    client.send(requests).unwrap();
                }
            }
        }
        Done { messages: sent, elapsed: begun.elapsed(), stalls: self.stalls }
    }

    /// Sends no message, and replies to the pings of this time. Returns their number.
    pub(crate) fn keep_alive(&mut self, time: Duration) -> u64 {
        let pings = |clients: &[Client]| clients.iter().map(|client| client.responses.pings).sum::<u64>();
        let (end, before) = (Instant::now() + time, pings(&self.clients));
        let (mut events, mut rest) = (Events::with_capacity(8192), Some(time));
        while let Some(timeout) = rest {
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => panic!("{error}"),
                _ => {}
            }
            for event in &events {
                self.clients[event.token().0].receive(self.requests, &mut self.buffer).unwrap();
            }
            rest = end.checked_duration_since(Instant::now());
        }
        pings(&self.clients) - before
    }
}

impl Client {
    /// Allows more messages to be sent.
    const fn allow(&mut self, messages: u64) {
        self.allowed += messages;
    }

    /// Returns whether a response is missing.
    fn waits(&self, requests: &Requests) -> bool {
        self.responses.messages(requests) < self.allowed
    }

    fn send(&mut self, requests: &Requests) -> io::Result<()> {
        let end = requests.frames.end(self.allowed);
        while self.sent < end {
            match self.stream.write(requests.frames.at(self.sent, end - self.sent)) {
                Ok(n) => self.sent += n as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads and compares everything that has arrived. Returns the number of messages that it completed.
    fn receive(&mut self, requests: &Requests, buffer: &mut [u8]) -> io::Result<u64> {
        let before = self.responses.messages(requests);
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.responses.receive(&buffer[..n], requests),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.sent == requests.frames.end(self.allowed) {
            self.stream.write_all(&self.responses.pongs)?;
        }
        self.responses.pongs.clear();
        Ok(self.responses.messages(requests) - before)
    }
}
