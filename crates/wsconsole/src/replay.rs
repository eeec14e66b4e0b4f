//! Replays a recorded connection: sends the messages of its client, and compares the messages of the server.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use protocol_websocket::{EndedBy, OpCode};
use protocol_websocket_record::{RecordedConnection, RecordedMessage, RecordedPayload};
use protocol_websocket_tokio::{Close, CloseCode, Error, Event, Message, Stream, WebSocket};
use tokio::time::{Instant, timeout, timeout_at};

use crate::above::print;
use crate::connect::{CLOSE_TIMEOUT, connection_failure};
use crate::console::LINGER_TIMEOUT;
use crate::dump::Dump;
use crate::escape::escape;
use crate::hex::hex;
use crate::options::Options;
use crate::output::{failure, note};
use crate::recording::read;
use crate::status::{Failure, Status};

/// The time that the server has for a message, in addition to the recorded time.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);
/// The number of unsent bytes above which no message is sent.
const HIGH_WATER_MARK: usize = 256 * 1024;
/// The maximum number of bytes of a payload that are printed.
const MAX_SHOWN: usize = 200;

/// A connection that is replayed.
pub(crate) struct Replay {
    connection: RecordedConnection,
    has_timing: bool,
}

impl Replay {
    /// Reads the log of `--replay`, if this option is set.
    pub(crate) fn new(options: &Options) -> Result<Option<Self>, Failure> {
        let Some(path) = &options.recording.replay else { return Ok(None) };
        let invalid =
            |text: &str| Failure::new(Status::LocalError, format!("cannot replay {}: {text}", path.display()));
        let connections = read(path)?.connections;
        let found = match options.recording.replay_connection {
            Some(number) => connections.into_iter().find(|connection| connection.number == number),
            None => connections.into_iter().find(|connection| connection.open.is_some()),
        };
        let mut connection = found.ok_or_else(|| invalid("no such connection that opened"))?;
        connection.messages.retain(|message| !matches!(message.opcode, OpCode::Ping | OpCode::Pong));
        let mut sent = connection.messages.iter().filter(|message| connection.is_from_client(message.direction));
        if sent.any(|message| message.opcode != OpCode::Close && message.payload.as_bytes().is_none()) {
            return Err(invalid("it has only hashes of the client's messages"));
        }
        Ok(Some(Self { connection, has_timing: options.recording.replay_timing }))
    }

    /// Sends the messages of the client in the recorded order. Before each of them, waits for the messages that the server had
    /// sent before it.
    pub(crate) async fn run(self, websocket: WebSocket<Dump<Stream>>) -> Status {
        let is_sent = |message: &&RecordedMessage| self.connection.is_from_client(message.direction);
        let expected = self.connection.messages.iter().filter(|message| !is_sent(message)).collect();
        let mut session = Session { websocket, expected, received: 0, differences: 0, end: None };
        let begin = Instant::now();
        let mut last = self.connection.messages.first().map_or(self.connection.begin, |message| message.time);
        let first = last;
        let mut awaited = 0;
        for message in &self.connection.messages {
            let pause = message.time.saturating_sub(last);
            last = message.time;
            if !is_sent(&message) {
                awaited += 1;
                session.wait(Instant::now() + pause + MESSAGE_TIMEOUT, |session| session.received >= awaited).await;
                if session.received < awaited {
                    break;
                }
                continue;
            }
            if self.has_timing {
                session.wait(begin + message.time.saturating_sub(first), |_| false).await;
            }
            if session.end.is_some() || !session.send(message).await {
                break;
            }
        }
        session.finish().await
    }
}

/// The session with the server.
struct Session<'a> {
    websocket: WebSocket<Dump<Stream>>,
    /// The recorded messages of the server, and the number of messages that it has sent so far.
    expected: Vec<&'a RecordedMessage>,
    received: usize,
    differences: usize,
    /// How the connection ended: by a Close, or by an error.
    end: Option<Result<(), Error>>,
}

impl Session<'_> {
    /// Sends a message. Returns `false` if the connection has ended.
    async fn send(&mut self, message: &RecordedMessage) -> bool {
        let payload = message.payload.as_bytes().unwrap_or_default();
        let sent = match message.opcode {
            OpCode::Close => {
                let reason = close_of(payload).map_or_else(Default::default, |close| close.reason);
                self.websocket.queue_close(message.code.map(|code| Close::new(code, reason)));
                Ok(())
            }
            OpCode::Text => self.websocket.queue(String::from_utf8_lossy(payload)),
            _ => self.websocket.queue(payload),
        };
        if let Err(error) = sent {
            failure(&format!("cannot send: {error}"));
            self.differences += 1;
            return false;
        }
        // Also receives, because some servers do not read before they have written.
        let deadline = Instant::now() + MESSAGE_TIMEOUT;
        self.wait(deadline, |session| session.websocket.unsent() <= HIGH_WATER_MARK).await;
        self.websocket.unsent() <= HIGH_WATER_MARK
    }

    /// Receives and compares messages until the condition is met, the connection has ended, or the deadline has passed.
    async fn wait(&mut self, deadline: Instant, is_met: impl Fn(&Self) -> bool) {
        while self.end.is_none() && !is_met(self) {
            let next = poll_fn(|context| {
                // The future has no state, so it can be created again for each poll. It also writes.
                let event = pin!(self.websocket.recv_event()).poll(context);
                match event {
                    Poll::Ready(event) => Poll::Ready(Some(event)),
                    Poll::Pending if is_met(self) => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            });
            match timeout_at(deadline, next).await {
                Err(_) | Ok(None) => return,
                Ok(Some(Some(Ok(event)))) => self.receive(event),
                Ok(Some(Some(Err(error)))) => self.end = Some(Err(error)),
                Ok(Some(None)) => self.end = Some(Ok(())),
            }
        }
    }

    fn receive(&mut self, event: Event) {
        match event {
            Event::Message(Message::Text(text)) => self.compare(OpCode::Text, text.as_bytes()),
            Event::Message(Message::Binary(bytes)) => self.compare(OpCode::Binary, &bytes),
            Event::Close(close) => {
                let is_expected = self.expected.get(self.received).is_some();
                // If the recorded server sent no Close, this is the response to the Close at the end of the replay.
                let is_response = self.websocket.ended().is_some_and(|ended| ended.by == EndedBy::Us);
                if is_expected || !is_response {
                    self.compare(OpCode::Close, &close.map_or_else(Vec::new, |close| payload_of(&close)));
                }
                self.end = Some(Ok(()));
            }
            _ => {}
        }
    }

    fn compare(&mut self, opcode: OpCode, payload: &[u8]) {
        let expected = self.expected.get(self.received);
        self.received += 1;
        if expected.is_some_and(|expected| expected.is_same(opcode, payload)) {
            return;
        }
        let expected = expected.map_or_else(|| String::from("nothing"), |expected| recorded(expected));
        self.difference(&expected, &shown(opcode, payload));
    }

    fn difference(&mut self, expected: &str, received: &str) {
        self.differences += 1;
        let text = format!("message {}: expected {expected}, received {received}\n", self.received);
        // A closed pipe is not an error, because the exit status has the result.
        let _ = print(io::stdout(), &text);
    }

    async fn finish(mut self) -> Status {
        if self.end.is_none() {
            self.websocket.queue_close(Close::from(CloseCode::NORMAL));
            self.wait(Instant::now() + CLOSE_TIMEOUT + MESSAGE_TIMEOUT, |_| false).await;
        }
        // Writes the response to a Close, and waits until the server has closed the transport.
        let linger = async { while self.websocket.recv_event().await.is_some() {} };
        let _ = timeout(LINGER_TIMEOUT, linger).await;
        for expected in self.expected.split_off(self.received.min(self.expected.len())) {
            self.received += 1;
            self.difference(&recorded(expected), "nothing");
        }
        let lost = match &self.end {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(connection_failure(error)),
            None => Some(Failure::new(Status::Lost, "connection lost: the server does not read")),
        };
        if let Some(Failure { text, .. }) = &lost {
            failure(text);
        }
        match (self.differences, lost) {
            (0, Some(Failure { status, .. })) => status,
            (0, None) => {
                note(&format!("replayed: {} messages of the server are the same", self.received));
                Status::Clean
            }
            (differences, _) => {
                failure(&format!("replayed: {differences} of {} messages differ", self.received));
                Status::Different
            }
        }
    }
}

/// Returns the Close with this payload.
fn close_of(payload: &[u8]) -> Option<Close> {
    let (code, reason) = payload.split_first_chunk()?;
    Some(Close::new(u16::from_be_bytes(*code), String::from_utf8_lossy(reason).into_owned()))
}

/// Returns the payload of a Close.
fn payload_of(close: &Close) -> Vec<u8> {
    let mut payload = close.code.0.to_be_bytes().to_vec();
    payload.extend_from_slice(close.reason.as_bytes());
    payload
}

fn recorded(message: &RecordedMessage) -> String {
    match &message.payload {
        RecordedPayload::Hashed { len, sha256, .. } => {
            let hash = sha256.as_ref().map_or_else(|| String::from("unknown"), |hash| hex(hash));
            format!("{} of {len} bytes with SHA-256 {hash}", message.opcode)
        }
        payload => shown(message.opcode, payload.as_bytes().unwrap_or_default()),
    }
}

/// Formats the beginning of a message.
fn shown(opcode: OpCode, payload: &[u8]) -> String {
    let beginning = payload.get(..MAX_SHOWN).unwrap_or(payload);
    let rest = if payload.len() > MAX_SHOWN { format!("… ({} bytes)", payload.len()) } else { String::new() };
    match (opcode, close_of(payload)) {
        (OpCode::Text, _) => format!("text {}{rest}", escape(&format!("{:?}", String::from_utf8_lossy(beginning)))),
        (OpCode::Close, Some(Close { code, reason, .. })) => format!("close {code} {}", escape(&format!("{reason:?}"))),
        (OpCode::Close, None) => String::from("close without a code"),
        _ => format!("{opcode} {}{rest}", hex(beginning)),
    }
}
