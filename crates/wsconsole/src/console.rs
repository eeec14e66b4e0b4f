//! One session: the opening handshake, messages in both directions, the closing handshake, and the end of the
//! transport.

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{
    Client, Close, CloseCode, Config, Error, Event, Limits, Negotiated, OsRandom, PermessageDeflate, State, Timeout,
    Timeouts, Version,
};

use crate::note::{note, quote};
use crate::options::Options;
use crate::poller::Poller;
use crate::refusal::Refusal;
use crate::signals::Interrupt;
use crate::status::{Failure, Status};
use crate::stdin;
use crate::stdout::Stdout;
use crate::stream::{Received, Stream};
use crate::transport::Transport;

/// While more than this number of bytes is unsent, no further line is sent.
const HIGH_WATER_MARK: usize = 256 * 1024;
/// The same limit as in the node package `ws`.
const MAX_MESSAGE: u64 = 100 * 1024 * 1024;
/// The timeout for name lookup, TCP, TLS and the opening handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for the server's response to our Close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The close timeout in draft-hixie-75, in which a server need not respond to a Close.
const HIXIE75_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// After the closing handshake, the time that the server has to close the transport first (RFC 6455 §7.1.1).
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// A session, from the request to the end of the transport.
pub(crate) struct Console {
    client: Client,
    stream: Stream,
    stdout: Stdout,
    poller: Poller,
    started: Instant,
    /// `None` until the connection opens. Before that, a signal ends the process.
    interrupt: Option<Interrupt>,
    /// Whether an error of stdin or stdout occurred. The exit status is then [`Status::LocalError`].
    local_io_failed: bool,
    phase: Phase,
}

/// The phases of a session, in their order. A session may skip phases, but never returns to an earlier one.
enum Phase {
    /// The opening handshake is in progress.
    Connecting,
    /// The connection is open. The receiver has the lines of stdin, which are sent.
    Open(Receiver<io::Result<String>>),
    /// Our Close was sent, or a write failed. Nothing more is sent, and messages are received until the server's Close.
    Closing,
    /// The WebSocket connection has ended. The transport is still open.
    Ended(Ended),
}

/// The outcome of a session whose transport is still open.
struct Ended {
    status: Status,
    /// The program exits at this time, unless the server closes the transport before.
    deadline: Instant,
    /// The refusal whose body is still being received.
    refusal: Option<Refusal>,
}

impl Console {
    /// Connects and buffers the request of the opening handshake.
    pub(crate) fn open(options: &Options) -> Result<Self, Failure> {
        let mut output = BytesMut::new();
        let mut client = Client::connect(&options.url, &options.offer(), config(options), OsRandom::new(), &mut output)
            .map_err(|error| Failure::new(Status::LocalError, format!("cannot build the request: {error}")))?;
        // One deadline for all handshakes: the timeout of the opening handshake starts before TCP connects.
        let started = Instant::now();
        let _ = client.handle_timeout(Duration::ZERO, &mut output);
        let mut transport = Transport::connect(&options.url, options.ca.as_deref(), started + CONNECT_TIMEOUT)?;
        let poller = Poller::new(&mut transport)?;
        Ok(Self {
            client,
            stream: Stream::new(transport, output, options.hex),
            stdout: Stdout::new(),
            poller,
            started,
            interrupt: None,
            local_io_failed: false,
            phase: Phase::Connecting,
        })
    }

    /// Runs until the connection and the transport are closed, and returns the exit status.
    pub(crate) fn run(mut self) -> Result<Status, Failure> {
        loop {
            let mut is_active = self.read()?;
            is_active |= self.send_lines();
            self.check_interrupt();
            self.check_timeouts();
            is_active |= self.write();
            if let Some(status) = self.exit_status() {
                return Ok(status);
            }
            if !is_active {
                self.poller.wait(self.time_to_deadline())?;
            }
        }
    }

    /// Reads once. Returns whether another read may return more.
    fn read(&mut self) -> Result<bool, Failure> {
        match self.stream.read() {
            Received::Nothing => return Ok(false),
            Received::Bytes => self.receive()?,
            Received::End(error) => self.end_of_stream(error.as_ref()),
        }
        Ok(true)
    }

    /// Handles the events of the buffered input.
    fn receive(&mut self) -> Result<(), Failure> {
        loop {
            if let Phase::Ended(ended) = &self.phase {
                if ended.refusal.is_none() {
                    self.stream.input.clear();
                }
                return Ok(());
            }
            match self.client.receive(&mut self.stream.input, &mut self.stream.output) {
                Ok(Some(event)) => self.handle(event)?,
                Ok(None) => return Ok(()),
                Err(error) => self.fail(error),
            }
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Open(opened) => self.open_session(opened.negotiated())?,
            Event::Message(message) => {
                if let Err(error) = self.stdout.print(&message) {
                    // A closed pipe ends the session and is not an error.
                    if error.kind() != io::ErrorKind::BrokenPipe {
                        note(&format!("cannot write the output: {error}"));
                        self.local_io_failed = true;
                    }
                    self.close(CloseCode::GOING_AWAY, "stdout is closed");
                }
            }
            Event::Ping(payload) => note(&format!("ping {}", quote(&payload))),
            Event::Pong(payload) => note(&format!("pong {}", quote(&payload))),
            Event::Close(close) => self.end_closed(close.as_ref()),
            Event::Rejected(head) => self.end(Status::Refused, Some(Refusal::rejected(&head))),
            Event::Redirect(redirect) => self.end(Status::Refused, Some(Refusal::redirected(&redirect))),
            _ => {}
        }
        Ok(())
    }

    /// Starts to read stdin and to handle signals.
    fn open_session(&mut self, negotiated: &Negotiated) -> Result<(), Failure> {
        self.interrupt = Some(Interrupt::new(self.poller.waker())?);
        self.phase = Phase::Open(stdin::lines(self.poller.waker())?);
        let subprotocol = negotiated.subprotocol.iter().map(|name| format!(", subprotocol {name}"));
        let extensions = negotiated.extensions.iter().map(|extension| format!(", {extension}"));
        note(&subprotocol.chain(extensions).fold(String::from("open"), |line, item| line + &item));
        Ok(())
    }

    /// Sends lines until the output exceeds the high-water mark. Returns whether it handled a line or the end of input.
    fn send_lines(&mut self) -> bool {
        let mut is_active = false;
        while let Phase::Open(lines) = &self.phase {
            if self.stream.output.len() > HIGH_WATER_MARK {
                break;
            }
            match lines.try_recv() {
                Ok(Ok(line)) => {
                    if let Err(error) = self.client.send(line, &mut self.stream.output) {
                        note(&format!("cannot send: {error}"));
                    }
                }
                Ok(Err(error)) => {
                    note(&format!("cannot read the input: {error}"));
                    self.local_io_failed = true;
                }
                Err(TryRecvError::Disconnected) => self.close(CloseCode::NORMAL, "end of input"),
                Err(TryRecvError::Empty) => break,
            }
            is_active = true;
        }
        is_active
    }

    /// Starts the closing handshake.
    fn close(&mut self, code: CloseCode, reason: &str) {
        self.phase = Phase::Closing;
        if self.client.close(Close::from(code), &mut self.stream.output).is_ok() {
            match self.client.version().has_length_framing() {
                true => note(&format!("closing with {code}: {reason}")),
                false => note(&format!("closing: {reason}")),
            }
        }
    }

    fn check_interrupt(&mut self) {
        if !self.interrupt.as_ref().is_some_and(Interrupt::take) {
            return;
        }
        if self.client.state() == State::Open {
            return self.close(CloseCode::GOING_AWAY, "interrupted");
        }
        if !matches!(self.phase, Phase::Ended(_)) {
            self.end_lost(&"interrupted while closing");
        }
        self.expire_deadline();
    }

    fn check_timeouts(&mut self) {
        let now = self.started.elapsed();
        if !matches!(self.phase, Phase::Ended(_))
            && self.client.poll_timeout().is_some_and(|at| at <= now)
            && let Err(error) = self.client.handle_timeout(now, &mut self.stream.output)
        {
            self.fail(error);
        }
    }

    /// Writes as much output as the socket accepts. Returns whether it wrote anything.
    fn write(&mut self) -> bool {
        let is_active = self.stream.write();
        // Starts the close timeout when a Close was written.
        self.client.flush(&mut self.stream.output);
        // After a failed write, reading continues: the server may have sent messages and a Close before it
        // disconnected.
        if !self.stream.is_writable() && matches!(self.phase, Phase::Open(_)) {
            self.phase = Phase::Closing;
        }
        is_active
    }

    /// Handles an error of the connection.
    fn fail(&mut self, error: Error) {
        match error {
            Error::Timeout(Timeout::Close) if self.may_end_without_close() => self.end_closed(None),
            Error::Timeout(_) | Error::UnexpectedEof => self.end_lost(&error),
            _ => {
                note(&format!("the server violated the protocol: {error}"));
                self.end(Status::ProtocolError, None);
            }
        }
    }

    /// Handles the end of the transport.
    fn end_of_stream(&mut self, error: Option<&io::Error>) {
        let eof = self.client.receive_eof();
        if !matches!(self.phase, Phase::Ended(_)) {
            match (error, &eof) {
                (Some(error), _) => self.end_lost(error),
                (None, Err(_)) if self.may_end_without_close() => self.end_closed(None),
                (None, Err(error)) => self.end_lost(error),
                // In hybi-00 and hixie-75, the server may end the connection without a response to our Close.
                (None, Ok(())) => {
                    note("closed: the server ended the connection after our close");
                    self.end(Status::Clean, None);
                }
            }
        }
        self.expire_deadline();
    }

    /// Returns whether the end of the transport is clean without a Close. It is in draft-hixie-75, which has no closing
    /// handshake.
    fn may_end_without_close(&self) -> bool {
        matches!(self.client.version(), Version::Hixie75) && self.interrupt.is_some()
    }

    /// Ends the session after the server's Close.
    fn end_closed(&mut self, close: Option<&Close>) {
        match close {
            None => note("closed without a code"),
            Some(Close { code, reason, .. }) if reason.is_empty() => note(&format!("closed with {code}")),
            Some(Close { code, reason, .. }) => note(&format!("closed with {code} {}", quote(reason.as_bytes()))),
        }
        self.end(Status::of(close), None);
    }

    /// Ends the session without a closing handshake.
    fn end_lost(&mut self, reason: &dyn fmt::Display) {
        note(&format!("connection lost: {reason}"));
        self.end(Status::Lost, None);
    }

    /// Ends the session, unless it has ended. The first status is kept.
    fn end(&mut self, status: Status, refusal: Option<Refusal>) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.phase = Phase::Ended(Ended { status, deadline: Instant::now() + LINGER_TIMEOUT, refusal });
        }
    }

    /// Sets the deadline of an ended session to now, so that the program exits.
    fn expire_deadline(&mut self) {
        if let Phase::Ended(ended) = &mut self.phase {
            ended.deadline = Instant::now();
        }
    }

    /// Returns the exit status if the session has ended, and its refusal is complete or its deadline has passed.
    fn exit_status(&mut self) -> Option<Status> {
        let Phase::Ended(Ended { status, deadline, refusal }) = &self.phase else { return None };
        let body = &self.stream.input;
        let is_complete = refusal.as_ref().is_some_and(|refusal| refusal.is_complete(body));
        if !is_complete && Instant::now() < *deadline {
            return None;
        }
        if let Some(refusal) = refusal {
            refusal.print_body(body);
        }
        self.stream.finish();
        Some(if self.local_io_failed { Status::LocalError } else { *status })
    }

    /// Returns the time until the next deadline, or `None` if there is no deadline.
    fn time_to_deadline(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Ended(ended) => Some(ended.deadline.saturating_duration_since(Instant::now())),
            _ => Some(self.client.poll_timeout()?.saturating_sub(self.started.elapsed())),
        }
    }
}

fn config(options: &Options) -> Config {
    let close_timeout = if options.version == Version::Hixie75 { HIXIE75_CLOSE_TIMEOUT } else { CLOSE_TIMEOUT };
    let timeouts = Timeouts::NONE.handshake(Some(CONNECT_TIMEOUT)).close(Some(close_timeout));
    let config = Config::new().limits(Limits::new(MAX_MESSAGE)).timeouts(timeouts);
    if options.no_deflate { config } else { config.extension(PermessageDeflate::new()) }
}
