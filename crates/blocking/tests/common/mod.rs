//! A transport in memory that follows a script, and the peer at its other end, which runs while the transport is used.
#![allow(dead_code, reason = "each test file uses only a part")]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "an error in a test should panic")]

pub(crate) mod tls;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::sleep;
use std::time::Duration;

use protocol_websocket::http::Destination;
use protocol_websocket::{Connection, Role};
use protocol_websocket_blocking::{
    Accept, Config, Error, Event, Message, Negotiated, Offer, Session, Transport, WebSocket,
};

/// A method of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Read,
    Write,
    Flush,
    Shutdown,
}

impl Op {
    pub(crate) const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Flush, Self::Shutdown];
}

/// How the transport behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    /// The maximum number of bytes of a read or write.
    pub(crate) max_len: usize,
    /// Each call first returns this error.
    pub(crate) before: Option<ErrorKind>,
    /// Whether one write takes several chunks.
    pub(crate) is_vectored: bool,
    /// Whether the transport has timeouts.
    pub(crate) has_deadlines: bool,
    /// The number of bytes that the transport takes while the peer does not read.
    pub(crate) capacity: usize,
    /// The calls of a method from this one on fail.
    pub(crate) failure: Option<(Op, usize, ErrorKind)>,
}

impl Script {
    pub(crate) const fn new() -> Self {
        let (max_len, capacity) = (usize::MAX, usize::MAX);
        Self { max_len, before: None, is_vectored: true, has_deadlines: true, capacity, failure: None }
    }

    pub(crate) const fn max_len(self, max_len: usize) -> Self {
        Self { max_len, ..self }
    }

    /// Returns the same script for each kind of transport.
    pub(crate) fn variants(self) -> [Self; 5] {
        [
            self,
            Self { before: Some(ErrorKind::WouldBlock), ..self },
            Self { before: Some(ErrorKind::TimedOut), has_deadlines: false, ..self },
            Self { before: Some(ErrorKind::Interrupted), ..self },
            Self { is_vectored: false, has_deadlines: false, ..self },
        ]
    }

    /// Returns whether calls return without a wait.
    pub(crate) fn would_block(&self) -> bool {
        matches!(self.before, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }
}

/// The peer, and the bytes between both ends.
pub(crate) struct State {
    pub(crate) script: Script,
    pub(crate) session: Session,
    /// The messages that arrived.
    pub(crate) messages: Vec<Message>,
    pub(crate) pings: usize,
    pub(crate) closes: usize,
    /// The peer does not read.
    pub(crate) is_stopped: bool,
    /// The number of writes that wait in vain, after which the peer reads again.
    pub(crate) resumes_after: usize,
    /// The timeouts of writes that waited in vain.
    pub(crate) write_waits: Vec<Option<Duration>>,
    /// The peer has ended its output.
    pub(crate) has_ended: bool,
    /// This end has ended its output.
    pub(crate) has_shut_down: bool,
    /// The number of completed calls of each method.
    pub(crate) calls: [usize; 4],
    /// The timeouts of reads that were set.
    pub(crate) timeouts: Vec<Option<Duration>>,
    /// Those of them that were set after this end has ended its output.
    pub(crate) last_timeouts: Vec<Option<Duration>>,
    input: VecDeque<u8>,
    output: Vec<u8>,
    timeout: [Option<Duration>; 2],
    was_delayed: [bool; 4],
}

impl State {
    pub(crate) fn send_all(&mut self, messages: &[Message]) {
        messages.iter().for_each(|message| self.session.send(message).unwrap());
    }

    pub(crate) fn calls(&self, op: Op) -> usize {
        self.calls[op as usize]
    }

    /// Reads, handles events and writes, as far as the peer can.
    pub(crate) fn step(&mut self) {
        if !self.is_stopped {
            if !self.output.is_empty() {
                self.session.read_buffer().extend_from_slice(&std::mem::take(&mut self.output));
                self.session.received(Duration::ZERO);
            }
            if self.has_shut_down {
                self.session.received_eof();
            }
            while let Some(event) = self.session.poll_event() {
                match event {
                    Event::Upgrade(upgrade) => self.session.accept(upgrade, &Accept::new()).unwrap(),
                    Event::Message(message) => self.messages.push(message),
                    Event::Ping(_) => self.pings += 1,
                    Event::Close(_) => self.closes += 1,
                    _ => {}
                }
            }
        }
        let bytes: Vec<u8> = self.session.unsent_chunks().flatten().copied().collect();
        self.session.written(bytes.len(), Duration::ZERO);
        self.input.extend(bytes);
        self.has_ended |= self.session.ended().is_some();
    }

    /// Returns the error of a call that does not succeed.
    fn begin(&mut self, op: Op) -> io::Result<()> {
        match (self.script.failure, self.script.before) {
            (Some((failing, from, kind)), _) if failing == op && self.calls(op) >= from => Err(kind.into()),
            (_, Some(kind)) if !std::mem::replace(&mut self.was_delayed[op as usize], true) => Err(kind.into()),
            _ => Ok(()),
        }
    }

    fn done(&mut self, op: Op) {
        self.calls[op as usize] += 1;
        self.was_delayed[op as usize] = false;
    }

    /// Returns the error of a call that waits in vain.
    fn wait(&self, op: Op) -> io::Error {
        match self.timeout[op as usize] {
            _ if self.script.would_block() => {}
            Some(timeout) => sleep(timeout),
            None => panic!("a {op:?} would never return"),
        }
        ErrorKind::WouldBlock.into()
    }

    fn write(&mut self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        self.begin(Op::Write)?;
        assert!(!self.has_shut_down, "a write after the shutdown");
        self.step();
        let room = self.script.capacity.saturating_sub(self.output.len());
        if room == 0 {
            self.write_waits.push(self.timeout[Op::Write as usize]);
            self.is_stopped &= self.write_waits.len() < self.resumes_after;
            return Err(self.wait(Op::Write));
        }
        let before = self.output.len();
        let mut left = room.min(self.script.max_len);
        let count = if self.script.is_vectored { chunks.len() } else { 1 };
        for chunk in &chunks[..count] {
            assert!(!chunk.is_empty(), "a write of nothing");
            let len = chunk.len().min(left);
            self.output.extend_from_slice(&chunk[..len]);
            left -= len;
        }
        let written = self.output.len() - before;
        self.done(Op::Write);
        Ok(written)
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.begin(Op::Read)?;
        self.step();
        if self.input.is_empty() && !self.has_ended {
            return Err(self.wait(Op::Read));
        }
        let len = buffer.len().min(self.script.max_len);
        let len = self.input.read(&mut buffer[..len])?;
        self.done(Op::Read);
        Ok(len)
    }

    fn set_timeout(&mut self, op: Op, timeout: Option<Duration>) -> io::Result<()> {
        if !self.script.has_deadlines {
            return Err(ErrorKind::Unsupported.into());
        }
        assert!(timeout.is_none_or(|timeout| !timeout.is_zero()));
        if op == Op::Read {
            self.timeouts.push(timeout);
            self.last_timeouts.extend(self.has_shut_down.then_some(timeout));
        }
        self.timeout[op as usize] = timeout;
        Ok(())
    }
}

/// This end of the transport.
pub(crate) struct Scripted(Arc<Mutex<State>>);

/// The peer's end of the transport.
pub(crate) struct Peer(Arc<Mutex<State>>);

impl Peer {
    pub(crate) fn new(session: Session, script: Script) -> (Scripted, Self) {
        let state = Arc::new(Mutex::new(State {
            script,
            session,
            messages: Vec::new(),
            pings: 0,
            closes: 0,
            is_stopped: false,
            resumes_after: usize::MAX,
            write_waits: Vec::new(),
            has_ended: false,
            has_shut_down: false,
            calls: [0; 4],
            timeouts: Vec::new(),
            last_timeouts: Vec::new(),
            input: VecDeque::new(),
            output: Vec::new(),
            timeout: [None; 2],
            was_delayed: [false; 4],
        }));
        (Scripted(Arc::clone(&state)), Self(state))
    }

    /// Returns a server that has not received the request.
    pub(crate) fn server(script: Script) -> (Scripted, Self) {
        Self::new(Session::server(Config::new()), script)
    }

    /// Returns a client that has queued the request.
    pub(crate) fn client(script: Script) -> (Scripted, Self) {
        let destination = Destination::new("example.com", "/");
        let random = |bytes: &mut [u8]| bytes.fill(7);
        Self::new(Session::client(destination, &Offer::new(), Config::new(), random).unwrap(), script)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets the peer read what is left.
    pub(crate) fn step(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.step();
        state
    }
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap().read(buffer)
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.lock().unwrap().write(chunks)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.begin(Op::Flush)?;
        state.done(Op::Flush);
        Ok(())
    }
}

impl Transport for Scripted {
    fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.lock().unwrap().set_timeout(Op::Read, timeout)
    }

    fn set_write_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.lock().unwrap().set_timeout(Op::Write, timeout)
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.script.before = None;
        state.begin(Op::Shutdown)?;
        state.has_shut_down = true;
        state.done(Op::Shutdown);
        Ok(())
    }
}

/// Returns an open connection of this role.
pub(crate) fn open(role: Role, config: Config) -> Session {
    Session::new(match role {
        Role::Client => Connection::open_client(&Negotiated::default(), config, |key: &mut [u8]| key.fill(7)),
        Role::Server => Connection::open_server(&Negotiated::default(), config),
    })
}

/// Returns an open WebSocket of this role over a scripted transport, and its peer.
pub(crate) fn pair(role: Role, config: Config, script: Script) -> (WebSocket<Scripted>, Peer) {
    let peer_role = if role == Role::Client { Role::Server } else { Role::Client };
    let (io, peer) = Peer::new(open(peer_role, Config::new()), script);
    (WebSocket::new(io, open(role, config)), peer)
}

/// Returns messages of many lengths, all different.
pub(crate) fn messages(lens: &[usize]) -> Vec<Message> {
    let message = |(seed, &len): (usize, &usize)| {
        let bytes: Vec<u8> = test_support::noise::noise(u32::try_from(seed).unwrap()).take(len).collect();
        match seed % 2 {
            0 => Message::from(bytes),
            _ => Message::from(bytes.iter().map(|byte| char::from(byte & 0x7F)).collect::<String>()),
        }
    };
    lens.iter().enumerate().map(message).collect()
}

/// Repeats a call that would block.
pub(crate) fn repeat<T>(mut call: impl FnMut() -> Option<Result<T, Error>>) -> Option<Result<T, Error>> {
    for _ in 0..100_000 {
        match call() {
            Some(Err(Error::WouldBlock)) => {}
            result => return result,
        }
    }
    panic!("the call would block for ever");
}

/// Receives all messages and sends each of them back. Returns the messages and the error.
pub(crate) fn echo(websocket: &mut WebSocket<Scripted>) -> (Vec<Message>, Option<Error>) {
    let mut received = Vec::new();
    while let Some(message) = repeat(|| websocket.recv()) {
        match message {
            Ok(message) => {
                // Shared payloads, so that several chunks are unsent.
                if let Err(error) = websocket.queue(message.clone()) {
                    return (received, Some(error.into()));
                }
                received.push(message);
            }
            Err(error) => return (received, Some(error)),
        }
    }
    (received, None)
}
