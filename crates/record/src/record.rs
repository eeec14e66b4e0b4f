//! The lines of a log as types: [`Record`] and its parts.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol_websocket_connection::{CloseCode, Direction, EndedBy, OpCode, Role, Rsv, Version};

use crate::line::{ParsedLine, RESERVED_BITS};

/// A line of a log, except the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The time since the start of the log, by a monotonic clock.
    pub time: Duration,
    /// The number of the connection. The first one is 1.
    pub connection: u64,
    /// The recorded fact.
    pub entry: Entry,
}

/// A recorded fact about a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// The connection was created. The role is that of the end that recorded it.
    Connection(Role),
    /// The head of the request or of the response.
    Head(RecordedHead),
    /// The connection opened.
    Open(RecordedOpen),
    /// A frame, or a piece of one.
    Frame(RecordedFrame),
    /// Received bytes.
    Input(Vec<u8>),
    /// The connection ended.
    Ended(RecordedEnd),
    /// The application dropped the connection before it ended.
    Dropped,
}

/// A value that may be masked, because it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// The value. Bytes that are not valid UTF-8 were replaced by U+FFFD.
    Shown(String),
    /// The value was masked.
    Masked,
}

impl Value {
    pub(crate) fn new(value: Option<String>) -> Self {
        value.map_or(Self::Masked, Self::Shown)
    }

    /// Returns the value, or `None` if it was masked.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Shown(value) => Some(value),
            Self::Masked => None,
        }
    }
}

/// The head of a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedHead {
    /// The direction.
    pub direction: Direction,
    /// The first line.
    pub line: StartLine,
    /// The names and values of the header fields, in order.
    pub headers: Vec<(String, Value)>,
}

/// The first line of a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartLine {
    /// The line of a request.
    #[non_exhaustive]
    Request {
        /// The method: `GET`.
        method: String,
        /// The target. A masked query or user name is `(hidden)`.
        target: String,
    },
    /// The line of a response.
    #[non_exhaustive]
    Response {
        /// The status code.
        status: u16,
    },
}

/// The result of a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedOpen {
    /// The version of the protocol.
    pub version: Version,
    /// The subprotocol.
    pub subprotocol: Option<Value>,
    /// The extensions with their parameters, as in `Sec-WebSocket-Extensions`. Masked parameters are `(hidden)`.
    pub extensions: Vec<String>,
}

/// A frame, or a piece of a received frame. The fields are those of
/// [`ObservedFrame`](protocol_websocket_connection::ObservedFrame).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedFrame {
    /// The direction.
    pub direction: Direction,
    /// The opcode in the frame header.
    pub opcode: OpCode,
    /// The reserved bits in the frame header.
    pub rsv: Rsv,
    /// Whether the frame ends with this piece and has the bit FIN.
    pub fin: bool,
    /// The number of bytes of this piece as they were transferred, without the frame header.
    pub wire_len: u64,
    /// The code of a Close, which is also the start of its payload.
    pub code: Option<CloseCode>,
    /// The payload of this piece, before the encoding by extensions or after the decoding by them.
    pub payload: RecordedPayload,
    /// Whether this is the first piece of the frame.
    pub is_first: bool,
    /// Whether this is the last piece of the frame.
    pub is_last: bool,
}

/// A payload, or its hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordedPayload {
    /// Text.
    Text(String),
    /// Bytes: the payload of a binary message or a control frame, or a piece of text that is not valid UTF-8 on its own.
    Binary(Vec<u8>),
    /// The length of the payload. The last piece of a message also has the SHA-256 of the whole message.
    #[non_exhaustive]
    Hashed {
        /// The number of bytes.
        len: u64,
        /// The SHA-256 of the message or of the control frame. `None` in a piece before its last.
        sha256: Option<[u8; 32]>,
    },
}

impl RecordedPayload {
    /// Returns the bytes, or `None` if the log has only their hash.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            Self::Binary(bytes) => Some(bytes),
            Self::Hashed { .. } => None,
        }
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedEnd {
    /// The side or the event that ended the connection. `Us` is the end that recorded it.
    pub by: EndedBy,
    /// The close code.
    pub code: CloseCode,
    /// The reason in the peer's Close. `None` in a log with hashes.
    pub reason: Option<String>,
    /// Whether both ends finished the closing handshake.
    pub clean: bool,
    /// The text of the error.
    pub error: Option<String>,
}

/// Converts a parsed line. Returns `None` for an unknown type. The error is the name of a member that is missing or invalid.
pub(crate) fn record(line: ParsedLine) -> Result<Option<Record>, &'static str> {
    let (time, connection) = (Duration::from_micros(line.time), line.connection);
    let entry = match line.r#type.as_str() {
        "connection" => Entry::Connection(match line.role.as_deref() {
            Some("client") => Role::Client,
            Some("server") => Role::Server,
            _ => return Err("role"),
        }),
        "head" => Entry::Head(head(line)?),
        "open" => Entry::Open(RecordedOpen {
            version: line.version.and_then(|version| version.parse().ok()).ok_or("version")?,
            subprotocol: line.subprotocol.map(Value::new),
            extensions: line.extensions.map(|list| list.0).unwrap_or_default(),
        }),
        "frame" => Entry::Frame(frame(line)?),
        "input" => Entry::Input(line.base64.and_then(|text| STANDARD.decode(text).ok()).ok_or("base64")?),
        "ended" => Entry::Ended(RecordedEnd {
            by: match line.by.as_deref() {
                Some("peer") => EndedBy::Peer,
                Some("us") => EndedBy::Us,
                Some("timeout") => EndedBy::Timeout,
                Some("transport") => EndedBy::Transport,
                _ => return Err("by"),
            },
            code: CloseCode(line.code.ok_or("code")?),
            reason: line.reason,
            clean: line.clean.ok_or("clean")?,
            error: line.error,
        }),
        "dropped" => Entry::Dropped,
        _ => return Ok(None),
    };
    Ok(Some(Record { time, connection, entry }))
}

fn direction(line: &ParsedLine) -> Result<Direction, &'static str> {
    match line.direction.as_deref() {
        Some("received") => Ok(Direction::Received),
        Some("sent") => Ok(Direction::Sent),
        _ => Err("direction"),
    }
}

fn head(line: ParsedLine) -> Result<RecordedHead, &'static str> {
    let direction = direction(&line)?;
    let first = match (line.status, line.method, line.target) {
        (Some(status), None, None) => StartLine::Response { status },
        (None, Some(method), Some(target)) => StartLine::Request { method, target },
        _ => return Err("status, or method and target"),
    };
    let headers = line.headers.ok_or("headers")?;
    let headers = headers.0.into_iter().map(|(name, value)| (name, Value::new(value))).collect();
    Ok(RecordedHead { direction, line: first, headers })
}

fn frame(line: ParsedLine) -> Result<RecordedFrame, &'static str> {
    let direction = direction(&line)?;
    let (is_first, is_last) = match line.piece.as_deref() {
        None => (true, true),
        Some("first") => (true, false),
        Some("middle") => (false, false),
        Some("last") => (false, true),
        Some(_) => return Err("piece"),
    };
    let opcode = match line.opcode.as_deref() {
        Some("continuation") => OpCode::Continuation,
        Some("text") => OpCode::Text,
        Some("binary") => OpCode::Binary,
        Some("close") => OpCode::Close,
        Some("ping") => OpCode::Ping,
        Some("pong") => OpCode::Pong,
        _ => return Err("opcode"),
    };
    let mut rsv = Rsv::NONE;
    for number in line.rsv.unwrap_or_default() {
        let (_, bit) = RESERVED_BITS.iter().find(|(known, _)| *known == number).ok_or("rsv")?;
        rsv = rsv | *bit;
    }
    let payload = match (line.text, line.base64, line.len) {
        (Some(text), None, None) => RecordedPayload::Text(text),
        (None, Some(text), None) => RecordedPayload::Binary(STANDARD.decode(text).map_err(|_| "base64")?),
        (None, None, Some(len)) => {
            let sha256 = line.sha256.map(|hash| from_hex(&hash).ok_or("sha256")).transpose()?;
            RecordedPayload::Hashed { len, sha256 }
        }
        _ => return Err("text, base64 or len"),
    };
    Ok(RecordedFrame {
        direction,
        opcode,
        rsv,
        fin: line.fin.ok_or("fin")?,
        wire_len: line.wire_len.ok_or("wire_len")?,
        code: line.code.map(CloseCode),
        payload,
        is_first,
        is_last,
    })
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut hash = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(hash)
}
