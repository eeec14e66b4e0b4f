//! The counts, sizes and times of one connection. Payloads, header fields and queries are not kept.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use protocol_websocket::{
    Direction, Ended, EndedBy, Error, Negotiated, Observation, ObservedFrame, Observer, OpCode, Request, Rsv, Version,
};
use serde_json::{Value, json};

use crate::page::{extensions, path};
use crate::peer::lock;

/// The number of frames that are kept of each connection.
const MAX_FRAMES: usize = 64;
/// Paths, subprotocols and extensions are shown up to this number of characters.
const MAX_TEXT: usize = 120;

/// A connection, as its observer and its thread report it.
pub(crate) struct Record {
    pub(crate) id: usize,
    address: SocketAddr,
    path: String,
    created: Instant,
    seen: Mutex<Seen>,
    /// The number of bytes that are encoded and were not written to the socket.
    unsent: AtomicUsize,
}

#[derive(Default)]
struct Seen {
    /// Increases with each change.
    revision: usize,
    opened: Option<Opened>,
    received: Counts,
    sent: Counts,
    frames: VecDeque<FrameLine>,
    /// The number of frames that were added to the list.
    listed: u64,
    /// The last Ping, until its Pong arrives. An equal Ping does not replace it, because a Pong does not tell them apart.
    ping: Option<(Instant, Vec<u8>)>,
    round_trip: Option<Duration>,
    ended: Option<End>,
}

struct Opened {
    version: Version,
    subprotocol: String,
    extensions: String,
}

/// The end of a connection, without the reason in the peer's Close.
struct End {
    at: Duration,
    by: EndedBy,
    code: u16,
    clean: bool,
    error: Option<Error>,
}

/// The counts of one direction, and the frame and the message in progress.
#[derive(Default)]
struct Counts {
    frames: u64,
    messages: u64,
    /// Payload bytes as transferred, and as the application sees them.
    wire: u64,
    payload: u64,
    /// The same of compressed messages alone.
    compressed_wire: u64,
    compressed_payload: u64,
    /// The pieces so far of the frame in progress.
    frame_wire: u64,
    frame_payload: u64,
    /// Whether the message in progress is compressed. Its first frame has RSV1 (RFC 7692 §6).
    is_compressed: bool,
}

/// A frame in the list of recent ones.
struct FrameLine {
    number: u64,
    direction: Direction,
    opcode: OpCode,
    fin: bool,
    is_compressed: bool,
    wire: u64,
    payload: u64,
    at: Duration,
}

impl Record {
    pub(crate) fn new(id: usize, address: SocketAddr, request: &Request) -> Self {
        let path = shortened(&path(request.resource_name()));
        Self { id, address, path, created: Instant::now(), seen: Mutex::default(), unsent: AtomicUsize::new(0) }
    }

    pub(crate) fn set_unsent(&self, bytes: usize) {
        self.unsent.store(bytes, Ordering::Relaxed);
    }

    /// Returns two numbers, at least one of which differs after a change of the record.
    pub(crate) fn revision(&self) -> (usize, usize) {
        (lock(&self.seen).revision, self.unsent.load(Ordering::Relaxed))
    }

    pub(crate) fn has_opened(&self) -> bool {
        lock(&self.seen).opened.is_some()
    }

    pub(crate) fn is_open(&self) -> bool {
        let seen = lock(&self.seen);
        seen.opened.is_some() && seen.ended.is_none()
    }

    /// Returns the values for the page, unless the opening handshake is not complete. `start` is the start of the server.
    pub(crate) fn to_json(&self, start: Instant) -> Option<Value> {
        let seen = lock(&self.seen);
        let Opened { version, subprotocol, extensions } = seen.opened.as_ref()?;
        let opened = milliseconds(self.created - start);
        let ended = seen.ended.as_ref().map(|ended| {
            json!({
                "at": opened + milliseconds(ended.at),
                "by": ended.by.to_string(),
                "code": ended.code,
                "clean": ended.clean,
                "error": ended.error.map(|error| error.to_string()),
            })
        });
        Some(json!({
            "id": self.id,
            "address": self.address.to_string(),
            "path": self.path,
            "version": version.to_string(),
            "subprotocol": subprotocol,
            "extensions": extensions,
            "opened": opened,
            "received": seen.received.to_json(),
            "sent": seen.sent.to_json(),
            "pings": version.has_length_framing(),
            "roundTrip": seen.round_trip.map(milliseconds),
            "unsent": self.unsent.load(Ordering::Relaxed),
            "ended": ended,
        }))
    }

    /// Returns the kept frames from a number on, and the number of the next frame.
    pub(crate) fn frames_from(&self, number: u64) -> (Vec<Value>, u64) {
        let seen = lock(&self.seen);
        let frames = seen.frames.iter().filter(|frame| frame.number >= number).map(FrameLine::to_json).collect();
        (frames, seen.listed)
    }

    /// Returns an observer of the connection.
    pub(crate) fn observer(self: Arc<Self>) -> impl Observer {
        move |observation: &Observation<'_>| self.observe(observation)
    }

    fn observe(&self, observation: &Observation<'_>) {
        let seen = &mut *lock(&self.seen);
        match observation {
            Observation::Open(negotiated) => seen.opened = Some(Opened::new(negotiated)),
            Observation::Frame(frame) => {
                seen.note_ping(frame);
                self.add(seen, frame);
            }
            Observation::Ended(ended) => {
                let Ended { by, code, clean, error, .. } = **ended;
                seen.ended = Some(End { at: self.created.elapsed(), by, code: code.0, clean, error });
            }
            _ => return,
        }
        seen.revision += 1;
    }

    /// Counts a frame or a piece of one, and adds a whole frame to the recent ones.
    fn add(&self, seen: &mut Seen, frame: &ObservedFrame<'_>) {
        let counts = match frame.direction {
            Direction::Received => &mut seen.received,
            Direction::Sent => &mut seen.sent,
        };
        let (wire, payload) = (frame.wire_len as u64, frame.payload.len() as u64);
        let is_compressed = counts.is_compressed(frame);
        if frame.is_first {
            (counts.frame_wire, counts.frame_payload) = (0, 0);
            counts.frames += 1;
        }
        counts.frame_wire += wire;
        counts.frame_payload += payload;
        counts.wire += wire;
        counts.payload += payload;
        if is_compressed {
            counts.compressed_wire += wire;
            counts.compressed_payload += payload;
        }
        if !frame.is_last {
            return;
        }
        counts.messages += u64::from(frame.fin && !frame.opcode.is_control());
        let (wire, payload) = (counts.frame_wire, counts.frame_payload);
        let number = seen.listed;
        seen.listed += 1;
        let (direction, opcode, fin) = (frame.direction, frame.opcode, frame.fin);
        let at = self.created.elapsed();
        if seen.frames.len() == MAX_FRAMES {
            seen.frames.pop_front();
        }
        seen.frames.push_back(FrameLine { number, direction, opcode, fin, is_compressed, wire, payload, at });
    }
}

impl Seen {
    /// Measures the time from a sent ping to the pong with its payload. Pings have at most 125 bytes.
    fn note_ping(&mut self, frame: &ObservedFrame<'_>) {
        match (frame.direction, frame.opcode) {
            (Direction::Sent, OpCode::Ping)
                if self.ping.as_ref().is_none_or(|(_, payload)| payload != frame.payload) =>
            {
                self.ping = Some((Instant::now(), frame.payload.to_vec()));
            }
            (Direction::Received, OpCode::Pong) if frame.is_first && frame.is_last => {
                if let Some((sent, _)) = self.ping.take_if(|(_, payload)| payload == frame.payload) {
                    self.round_trip = Some(sent.elapsed());
                }
            }
            _ => {}
        }
    }
}

impl Opened {
    fn new(negotiated: &Negotiated) -> Self {
        let subprotocol = shortened(negotiated.subprotocol.as_deref().unwrap_or_default());
        Self { version: negotiated.version, subprotocol, extensions: shortened(&extensions(negotiated)) }
    }
}

impl Counts {
    /// Returns whether the frame belongs to a compressed message.
    fn is_compressed(&mut self, frame: &ObservedFrame<'_>) -> bool {
        match frame.opcode {
            OpCode::Text | OpCode::Binary => self.is_compressed = frame.rsv.contains(Rsv::RSV1),
            OpCode::Continuation => {}
            _ => return false,
        }
        self.is_compressed
    }

    fn to_json(&self) -> Value {
        json!({
            "frames": self.frames,
            "messages": self.messages,
            "wire": self.wire,
            "payload": self.payload,
            "compressedWire": self.compressed_wire,
            "compressedPayload": self.compressed_payload,
        })
    }
}

impl FrameLine {
    fn to_json(&self) -> Value {
        json!({
            "number": self.number,
            "direction": if self.direction == Direction::Sent { "sent" } else { "received" },
            "opcode": self.opcode.to_string(),
            "fin": self.fin,
            "compressed": self.is_compressed,
            "wire": self.wire,
            "payload": self.payload,
            "at": milliseconds(self.at),
        })
    }
}

/// Returns milliseconds with three decimal places.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(MAX_TEXT).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
