//! A whole log in memory, connection by connection: [`Recording`], [`RecordedConnection`] and [`RecordedMessage`].

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::{Duration, SystemTime};

use protocol_websocket_connection::{CloseCode, Direction, OpCode, Role};
use sha2::{Digest as _, Sha256};

use crate::log::{Log, LogError, LogErrorKind};
use crate::record::{Entry, RecordedEnd, RecordedFrame, RecordedHead, RecordedOpen, RecordedPayload};

/// A log in memory, connection by connection, with the frames joined to messages.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recording {
    /// The time at which the log was started.
    pub start: SystemTime,
    /// The connections, in the order of their numbers.
    pub connections: Vec<RecordedConnection>,
    /// Whether the last line is complete. An incomplete line is ignored: the program stopped while it wrote this line.
    pub is_complete: bool,
}

/// A connection of a [`Recording`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedConnection {
    /// Its number in the log. The first one is 1.
    pub number: u64,
    /// The role of the end that recorded it. `None` if the log does not have the line `connection`.
    pub role: Option<Role>,
    /// The time of its first line, since the start of the log.
    pub begin: Duration,
    /// The time of its last line, since the start of the log.
    pub end: Duration,
    /// The heads of the opening handshake. A connection that was created open has none.
    pub heads: Vec<RecordedHead>,
    /// The result of the handshake. `None` if the connection did not open.
    pub open: Option<RecordedOpen>,
    /// The messages and control frames of both directions, in the order in which they were complete.
    pub messages: Vec<RecordedMessage>,
    /// The recorded input.
    pub input: Vec<u8>,
    /// How the connection ended. `None` if the application dropped it, or if the log ends before the connection.
    pub ended: Option<RecordedEnd>,
}

/// A message or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedMessage {
    /// The time of its last frame, since the start of the log.
    pub time: Duration,
    /// The direction.
    pub direction: Direction,
    /// The opcode of its first frame: not [`OpCode::Continuation`].
    pub opcode: OpCode,
    /// The code of a Close, also if its payload is hashed.
    pub code: Option<CloseCode>,
    /// The whole payload.
    pub payload: RecordedPayload,
}

impl Recording {
    /// Reads a log to its end. The memory is limited to 20 times [`Log::max_len`]: a connection, or an item of a list, takes more
    /// memory than the shortest text that has it. A log with payloads takes about its length.
    ///
    /// # Errors
    ///
    /// [`LogError`] if a line is invalid or a limit is exceeded.
    pub fn read<R: BufRead>(log: Log<R>) -> Result<Self, LogError> {
        let start = log.start();
        let mut connections = BTreeMap::new();
        let mut in_progress: BTreeMap<u64, InProgress> = BTreeMap::new();
        let mut is_complete = true;
        for record in log {
            let record = match record {
                Err(error) if matches!(error.kind(), LogErrorKind::Incomplete) => {
                    is_complete = false;
                    break;
                }
                record => record?,
            };
            let number = record.connection;
            let new = || RecordedConnection::new(number, record.time);
            let connection = connections.entry(number).or_insert_with(new);
            connection.end = record.time;
            match record.entry {
                Entry::Connection(role) => connection.role = Some(role),
                Entry::Head(head) => connection.heads.push(head),
                Entry::Open(open) => connection.open = Some(open),
                Entry::Frame(frame) => {
                    let in_progress = in_progress.entry(number).or_default();
                    connection.messages.extend(in_progress.add(record.time, frame));
                }
                Entry::Input(bytes) => connection.input.extend_from_slice(&bytes),
                Entry::Ended(ended) => connection.ended = Some(ended),
                Entry::Dropped => {}
            }
        }
        Ok(Self { start, connections: connections.into_values().collect(), is_complete })
    }

    /// Returns the connection with this number.
    #[must_use]
    pub fn connection(&self, number: u64) -> Option<&RecordedConnection> {
        self.connections.iter().find(|connection| connection.number == number)
    }
}

impl RecordedConnection {
    const fn new(number: u64, time: Duration) -> Self {
        Self {
            number,
            role: None,
            begin: time,
            end: time,
            heads: Vec::new(),
            open: None,
            messages: Vec::new(),
            input: Vec::new(),
            ended: None,
        }
    }

    /// Returns whether the client sent the messages of this direction. Without a role, the log is that of a client.
    #[must_use]
    pub fn is_from_client(&self, direction: Direction) -> bool {
        (direction == Direction::Received) == (self.role == Some(Role::Server))
    }
}

impl RecordedMessage {
    /// Returns whether the recorded message has this opcode and payload. Compares the SHA-256 if the log has no payload.
    #[must_use]
    pub fn is_same(&self, opcode: OpCode, payload: &[u8]) -> bool {
        self.opcode == opcode
            && match &self.payload {
                RecordedPayload::Text(text) => text.as_bytes() == payload,
                RecordedPayload::Binary(bytes) => bytes == payload,
                RecordedPayload::Hashed { len, sha256 } => {
                    *len == payload.len() as u64 && *sha256 == Some(Sha256::digest(payload).into())
                }
            }
    }
}

/// A message in progress: its opcode, its bytes or their number, and its hash.
struct Incomplete {
    opcode: OpCode,
    bytes: Vec<u8>,
    hashed: Option<(u64, Option<[u8; 32]>)>,
}

impl Incomplete {
    const fn new(opcode: OpCode) -> Self {
        Self { opcode, bytes: Vec::new(), hashed: None }
    }

    fn append(&mut self, payload: RecordedPayload) {
        match payload {
            RecordedPayload::Text(text) => self.bytes.extend_from_slice(text.as_bytes()),
            RecordedPayload::Binary(bytes) => self.bytes.extend_from_slice(&bytes),
            RecordedPayload::Hashed { len, sha256 } => {
                let (sum, _) = self.hashed.unwrap_or_default();
                self.hashed = Some((sum.saturating_add(len), sha256));
            }
        }
    }

    fn into_payload(self) -> RecordedPayload {
        match (self.hashed, String::from_utf8(self.bytes)) {
            (Some((len, sha256)), _) => RecordedPayload::Hashed { len, sha256 },
            (None, Ok(text)) if self.opcode == OpCode::Text => RecordedPayload::Text(text),
            (None, Ok(text)) => RecordedPayload::Binary(text.into_bytes()),
            (None, Err(error)) => RecordedPayload::Binary(error.into_bytes()),
        }
    }
}

/// The messages in progress of both directions.
#[derive(Default)]
struct InProgress {
    received: Joined,
    sent: Joined,
}

/// The data message and the control frame in progress of one direction.
#[derive(Default)]
struct Joined {
    data: Option<Incomplete>,
    control: Option<Incomplete>,
}

impl InProgress {
    /// Adds a frame to its message. Returns the message when it is complete.
    fn add(&mut self, time: Duration, frame: RecordedFrame) -> Option<RecordedMessage> {
        let joined = match frame.direction {
            Direction::Received => &mut self.received,
            Direction::Sent => &mut self.sent,
        };
        let (slot, is_complete) = match frame.opcode.is_control() {
            true => (&mut joined.control, frame.is_last),
            false => (&mut joined.data, frame.fin),
        };
        if frame.is_first && frame.opcode != OpCode::Continuation {
            *slot = None;
        }
        // Only a log without its beginning has a continuation frame without a message.
        let opcode = if frame.opcode == OpCode::Continuation { OpCode::Binary } else { frame.opcode };
        let message = slot.get_or_insert_with(|| Incomplete::new(opcode));
        message.append(frame.payload);
        let message = if is_complete { slot.take()? } else { return None };
        let (direction, opcode, code) = (frame.direction, message.opcode, frame.code);
        Some(RecordedMessage { time, direction, opcode, code, payload: message.into_payload() })
    }
}
