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

/// While more unsent bytes are buffered, no further line is sent.
const HIGH_WATER_MARK: usize = 256 * 1024;
/// The limit of the node package `ws`.
const MAX_MESSAGE: u64 = 100 * 1024 * 1024;
/// For name lookup, TCP, TLS and the opening handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For the server's response to our Close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for draft-hixie-75, where a server need not respond to a Close.
const HIXIE75_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// After the closing handshake, the time that the server has to close the transport first (RFC 6455 §7.1.1).
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// One session, from the request to the end of the transport.
pub(crate) struct Console {
    client: Client,
    stream: Stream,
    stdout: Stdout,
    poller: Poller,
    started: Instant,
    /// `None` before the connection is open. Until then a signal ends the process.
    interrupt: Option<Interrupt>,
    /// Reading stdin or writing stdout failed, which decides the exit status.
    local_io_failed: bool,
    phase: Phase,
}

/// What the session waits for.
enum Phase {
    /// The end of the opening handshake.
    Connecting,
    /// Lines to send, and messages.
    Open(Receiver<io::Result<String>>),
    /// Messages and the server's Close: nothing more is sent, because our Close was, or because a write failed.
    Closing,
    Ended(Ended),
}

/// The WebSocket connection is over. The server has until the deadline to close the transport first.
struct Ended {
    status: Status,
    deadline: Instant,
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
                self.poller.wait(self.time_left())?;
            }
        }
    }

    /// Reads once. Returns whether there may be more to read.
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
            Event::Open(negotiated) => self.opened(&negotiated)?,
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
            Event::Close(close) => self.closed(close.as_ref()),
            Event::Rejected(head) => self.end(Status::Refused, Some(Refusal::rejected(&head))),
            Event::Redirect(redirect) => self.end(Status::Refused, Some(Refusal::redirected(&redirect))),
            _ => {}
        }
        Ok(())
    }

    /// Starts to read lines and to handle signals.
    fn opened(&mut self, negotiated: &Negotiated) -> Result<(), Failure> {
        self.interrupt = Some(Interrupt::new(self.poller.waker())?);
        self.phase = Phase::Open(stdin::lines(self.poller.waker())?);
        let subprotocol = negotiated.subprotocol.iter().map(|name| format!(", subprotocol {name}"));
        let extensions = negotiated.extensions.iter().map(|extension| format!(", {extension}"));
        note(&subprotocol.chain(extensions).fold(String::from("open"), |line, item| line + &item));
        Ok(())
    }

    /// Sends lines up to the high-water mark. Returns whether anything was sent.
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
            self.lose(&"interrupted while closing");
        }
        self.stop_waiting();
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

    /// Writes what the socket takes. Returns whether anything was written.
    fn write(&mut self) -> bool {
        let is_active = self.stream.write();
        // Starts the timeout for a Close that was written.
        self.client.flush(&mut self.stream.output);
        // The server may have sent messages and its Close before it closed its end, so reading goes on.
        if !self.stream.is_writable() && matches!(self.phase, Phase::Open(_)) {
            self.phase = Phase::Closing;
        }
        is_active
    }

    /// Handles an error of the connection.
    fn fail(&mut self, error: Error) {
        match error {
            Error::Timeout(Timeout::Close) if self.may_end_without_close() => self.closed(None),
            Error::Timeout(_) | Error::UnexpectedEof => self.lose(&error),
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
                (Some(error), _) => self.lose(error),
                (None, Err(_)) if self.may_end_without_close() => self.closed(None),
                (None, Err(error)) => self.lose(error),
                // Servers of the two oldest versions need not respond to our Close before they end the connection.
                (None, Ok(())) => {
                    note("closed: the server ended the connection after our close");
                    self.end(Status::Clean, None);
                }
            }
        }
        self.stop_waiting();
    }

    /// Whether the end of the transport is a clean end: draft-hixie-75 has no closing handshake.
    fn may_end_without_close(&self) -> bool {
        matches!(self.client.version(), Version::Hixie75) && self.interrupt.is_some()
    }

    /// Ends the session after the server's Close.
    fn closed(&mut self, close: Option<&Close>) {
        match close {
            None => note("closed without a code"),
            Some(Close { code, reason, .. }) if reason.is_empty() => note(&format!("closed with {code}")),
            Some(Close { code, reason, .. }) => note(&format!("closed with {code} {}", quote(reason.as_bytes()))),
        }
        self.end(Status::of(close), None);
    }

    /// Ends the session without a closing handshake.
    fn lose(&mut self, reason: &dyn fmt::Display) {
        note(&format!("connection lost: {reason}"));
        self.end(Status::Lost, None);
    }

    /// Ends the session. The first status stays.
    fn end(&mut self, status: Status, refusal: Option<Refusal>) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.phase = Phase::Ended(Ended { status, deadline: Instant::now() + LINGER_TIMEOUT, refusal });
        }
    }

    /// Drops the rest of the time that the server has to close the transport.
    fn stop_waiting(&mut self) {
        if let Phase::Ended(ended) = &mut self.phase {
            ended.deadline = Instant::now();
        }
    }

    /// Returns the exit status if the session is over and nothing more is awaited.
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

    /// The time until the next deadline.
    fn time_left(&self) -> Option<Duration> {
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
