use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use mio::{Events, Poll, Token, Waker};
use protocol_websocket::{
    Client, Close, CloseCode, Config, Error, Event, Limits, Message, Negotiated, OsRandom, PermessageDeflate, State,
    Timeout, Timeouts, Version,
};

use crate::hex::HexDump;
use crate::options::Options;
use crate::refusal::Refusal;
use crate::status::{Failure, Status};
use crate::text::{line, mark, note, quote};
use crate::transport::Transport;
use crate::{signals, stdin};

const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);
/// Beyond this many unsent bytes no more input is read.
const BACKLOG: usize = 256 * 1024;
/// The longest message: as much as the node package `ws` takes.
const MAX_MESSAGE: u64 = 100 * 1024 * 1024;
/// For the opening handshake with all that comes before it (name lookup, TCP, TLS), and for the answer to a Close.
const PATIENCE: Duration = Duration::from_secs(10);
/// When all is said, how long the server has to close the transport first (RFC 6455 §7.1.1).
const LINGER: Duration = Duration::from_secs(1);

/// One session, from the request to the end of the transport.
pub(crate) struct Console {
    client: Client,
    version: Version,
    input: BytesMut,
    output: BytesMut,
    transport: Transport,
    /// What was last read, before it is appended to `input`.
    chunk: Vec<u8>,
    /// What is written and what is read.
    dumps: Option<[HexDump; 2]>,
    poll: Poll,
    waker: Arc<Waker>,
    start: Instant,
    /// The lines to send, from the opening handshake to the end of input.
    lines: Option<Receiver<io::Result<String>>>,
    /// Raised by a signal, once there is a connection to close.
    stop: Option<Arc<AtomicBool>>,
    refusal: Option<Refusal>,
    /// Whether the server takes nothing more.
    unwritable: bool,
    /// Whether stdout takes nothing more.
    unprintable: bool,
    /// Whether our own input or output failed, whatever becomes of the connection.
    failed: bool,
    /// Whether there is nothing more to wait for from the server.
    silent: bool,
    /// What became of the connection, and until when the server may close the transport.
    end: Option<(Status, Instant)>,
}

impl Console {
    /// Connects, and is ready to write the request.
    pub(crate) fn open(options: &Options) -> Result<Self, Failure> {
        // A server of draft-hixie-75 need not answer a Close.
        let close = if options.version == Version::Hixie75 { LINGER } else { PATIENCE };
        let timeouts = Timeouts { handshake: Some(PATIENCE), close: Some(close), ..Timeouts::NONE };
        let config = Config::new().limits(Limits::new(MAX_MESSAGE)).timeouts(timeouts);
        let config = if options.no_deflate { config } else { config.extension(PermessageDeflate::new()) };
        let mut output = BytesMut::new();
        let mut client = Client::connect(&options.url, &options.offer(), config, OsRandom::new(), &mut output)
            .map_err(|error| Failure::new(Status::Unusable, format!("cannot ask for this: {error}")))?;
        // One deadline for all handshakes: that of the library runs from here, too.
        let start = Instant::now();
        let _ = client.handle_timeout(Duration::ZERO, &mut output);
        let mut transport = Transport::connect(&options.url, options.ca.as_deref(), start + PATIENCE)?;
        let poll = Poll::new()?;
        transport.register(poll.registry(), SOCKET)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        Ok(Self {
            client,
            version: options.version,
            input: BytesMut::new(),
            output,
            transport,
            chunk: vec![0; 64 * 1024],
            dumps: options.hex.then(|| [HexDump::new(mark(">")), HexDump::new(mark("<"))]),
            poll,
            waker,
            start,
            lines: None,
            stop: None,
            refusal: None,
            unwritable: false,
            unprintable: false,
            failed: false,
            silent: false,
            end: None,
        })
    }

    /// Goes on until the connection and the transport are closed.
    pub(crate) fn run(mut self) -> Result<Status, Failure> {
        let mut events = Events::with_capacity(8);
        loop {
            let mut busy = self.read()?;
            busy |= self.take_lines();
            self.obey_signal();
            self.watch_the_clock();
            busy |= self.write();
            if let Some(status) = self.over() {
                return Ok(status);
            }
            if busy {
                continue;
            }
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
        }
    }

    /// Reads once. Says whether there may be more.
    fn read(&mut self) -> Result<bool, Failure> {
        match self.transport.read(&mut self.chunk) {
            Ok(0) => self.hang_up(None),
            Ok(n) => {
                let bytes = self.chunk.get(..n).unwrap_or_default();
                if let Some([_, dump]) = &mut self.dumps {
                    dump.show(bytes);
                }
                if self.end.is_none() || self.refusal.is_some() {
                    self.input.extend_from_slice(bytes);
                }
                self.receive()?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => self.hang_up(Some(&error)),
        }
        Ok(!self.silent)
    }

    fn receive(&mut self) -> Result<(), Failure> {
        while self.end.is_none() {
            match self.client.receive(&mut self.input, &mut self.output) {
                Ok(Some(event)) => self.handle(event)?,
                Ok(None) => break,
                Err(error) => self.fail(error),
            }
        }
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Open(negotiated) => self.begin(&negotiated)?,
            Event::Message(message) => self.print(&message),
            Event::Ping(payload) => note(&format!("ping {}", quote(&payload))),
            Event::Pong(payload) => note(&format!("pong {}", quote(&payload))),
            Event::Close(close) => self.closed(close.as_ref()),
            Event::Rejected(head) => {
                self.refusal = Some(Refusal::rejected(&head));
                self.end(Status::Refused);
            }
            Event::Redirect(redirect) => {
                self.refusal = Some(Refusal::redirected(&redirect));
                self.end(Status::Refused);
            }
            _ => {}
        }
        Ok(())
    }

    /// The handshake is done: from here on there is something to send, and something to close.
    fn begin(&mut self, negotiated: &Negotiated) -> Result<(), Failure> {
        self.stop = Some(signals::stop(Arc::clone(&self.waker))?);
        self.lines = Some(stdin::lines(Arc::clone(&self.waker))?);
        let subprotocol = negotiated.subprotocol.iter().map(|name| format!(", subprotocol {name}"));
        let extensions = negotiated.extensions.iter().map(|extension| format!(", {extension}"));
        note(&subprotocol.chain(extensions).fold(String::from("open"), |line, more| line + &more));
        Ok(())
    }

    fn print(&mut self, message: &Message) {
        if self.unprintable {
            return;
        }
        let mut stdout = io::stdout().lock();
        if let Err(error) = stdout.write_all(line(message).as_bytes()).and_then(|()| stdout.flush()) {
            self.unprintable = true;
            if error.kind() != ErrorKind::BrokenPipe {
                note(&format!("cannot write the output: {error}"));
                self.failed = true;
            }
            self.leave(CloseCode::GOING_AWAY, "nobody reads the output");
        }
    }

    fn closed(&mut self, close: Option<&Close>) {
        match close {
            None => note("closed without a code"),
            Some(Close { code, reason }) if reason.is_empty() => note(&format!("closed with {code}")),
            Some(Close { code, reason }) => note(&format!("closed with {code} {}", quote(reason.as_bytes()))),
        }
        self.end(Status::of(close));
    }

    fn fail(&mut self, error: Error) {
        match error {
            Error::Timeout(Timeout::Close) if self.may_hang_up() => self.closed(None),
            Error::Timeout(_) | Error::UnexpectedEof => self.lose(&error),
            _ => {
                note(&format!("the server broke the protocol: {error}"));
                self.end(Status::Violated);
            }
        }
    }

    /// The transport is over.
    fn hang_up(&mut self, error: Option<&io::Error>) {
        self.silent = true;
        let eof = self.client.receive_eof();
        if self.end.is_none() {
            match (error, &eof) {
                (Some(error), _) => self.lose(error),
                (None, Err(_)) if self.may_hang_up() => self.closed(None),
                (None, Err(error)) => self.lose(error),
                // Servers of the two oldest versions need not answer our Close before they end the connection.
                (None, Ok(())) => {
                    note("closed: the server ended the connection after our close");
                    self.end(Status::Clean);
                }
            }
        }
    }

    /// draft-hixie-75 has no closing handshake: there an open connection ends with its transport.
    const fn may_hang_up(&self) -> bool {
        matches!(self.version, Version::Hixie75) && self.stop.is_some()
    }

    fn lose(&mut self, why: &dyn std::fmt::Display) {
        note(&format!("connection lost: {why}"));
        self.end(Status::Lost);
    }

    fn end(&mut self, status: Status) {
        self.lines = None;
        self.end = self.end.or_else(|| Some((status, Instant::now() + LINGER)));
    }

    /// Sends what there is to send, as far as the socket keeps up. Says whether there was anything.
    fn take_lines(&mut self) -> bool {
        let mut taken = false;
        while let Some(lines) = &self.lines {
            if self.output.len() > BACKLOG {
                break;
            }
            match lines.try_recv() {
                Ok(Ok(line)) => {
                    if let Err(error) = self.client.send(line, &mut self.output) {
                        note(&format!("cannot send: {error}"));
                    }
                }
                Ok(Err(error)) => {
                    note(&format!("cannot read the input: {error}"));
                    self.failed = true;
                }
                // The time to wait for an answer begins when all is written.
                Err(TryRecvError::Disconnected) if self.output.is_empty() => {
                    self.leave(CloseCode::NORMAL, "end of input");
                }
                Err(_) => break,
            }
            taken = true;
        }
        taken
    }

    /// Begins the closing handshake.
    fn leave(&mut self, code: CloseCode, why: &str) {
        self.lines = None;
        if self.client.close(Close::from(code), &mut self.output).is_ok() {
            match self.version.has_length_framing() {
                true => note(&format!("closing with {code}: {why}")),
                false => note(&format!("closing: {why}")),
            }
        }
    }

    fn obey_signal(&mut self) {
        if self.stop.as_ref().is_some_and(|stop| stop.swap(false, Ordering::Relaxed)) {
            if self.client.state() == State::Open {
                self.leave(CloseCode::GOING_AWAY, "interrupted");
            } else {
                self.lose(&"interrupted while closing");
                self.silent = true;
            }
        }
    }

    fn watch_the_clock(&mut self) {
        let now = self.start.elapsed();
        if self.end.is_none()
            && self.client.poll_timeout().is_some_and(|at| at <= now)
            && let Err(error) = self.client.handle_timeout(now, &mut self.output)
        {
            self.fail(error);
        }
    }

    /// Writes what the socket takes. Says whether that was anything.
    fn write(&mut self) -> bool {
        let mut written = false;
        let result = loop {
            if self.unwritable || self.output.is_empty() {
                break self.transport.flush();
            }
            match self.transport.write(&self.output) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    if let Some([dump, _]) = &mut self.dumps {
                        dump.show(self.output.get(..n).unwrap_or_default());
                    }
                    self.output.advance(n);
                    written = true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if result.is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
            // What the server said before may still be there to be read, and how it ended.
            self.unwritable = true;
            self.lines = None;
        }
        if self.unwritable {
            self.output.clear();
        }
        written
    }

    /// The exit status, once there is nothing left to wait for.
    fn over(&mut self) -> Option<Status> {
        let (status, until) = self.end?;
        let told = self.refusal.as_ref().is_some_and(|refusal| refusal.is_whole(&self.input));
        if !self.silent && !told && Instant::now() < until {
            return None;
        }
        if let Some(refusal) = &self.refusal {
            refusal.show(&self.input);
        }
        self.transport.finish();
        Some(if self.failed { Status::Unusable } else { status })
    }

    /// How long nothing may happen.
    fn patience(&self) -> Option<Duration> {
        match self.end {
            Some((_, until)) => Some(until.saturating_duration_since(Instant::now())),
            None => Some(self.client.poll_timeout()?.saturating_sub(self.start.elapsed())),
        }
    }
}
