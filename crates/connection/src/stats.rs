//! The counters of a session, with a few additions for each message. [`Stats`] is the public copy.

use core::time::Duration;

use protocol_websocket_frame::{Frame, OpCode};

use crate::round_trip::RoundTrip;
use crate::{Event, EventRef};

/// The counts, the round trip and the age of one connection: see [`Session::stats`](crate::Session::stats).
///
/// All counts of a new [`Session`](crate::Session) are zero, also if it was created from the
/// [parts](crate::Session::from_parts) or the suspended state of another session. The difference of two copies is the traffic
/// between them.
///
/// Messages and their bytes are those of the application: without frame headers, before the compression and after the
/// decompression. Pings, Pongs, Closes and the opening handshake are not messages. The bytes of the transport include all of
/// them, after the compression. So `payload_sent` divided by `bytes_written` is about the compression ratio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The number of messages that were received completely. A message in parts counts with its last part.
    pub messages_received: u64,
    /// The number of messages that were queued completely. A message in parts or in frames counts with its last part or frame.
    pub messages_sent: u64,
    /// The number of payload bytes of the received messages and parts.
    pub payload_received: u64,
    /// The number of payload bytes of the messages and parts that were queued. A frame of
    /// [`send_frame`](crate::Outbox::send_frame) counts with the payload that was passed, even if this is compressed.
    pub payload_sent: u64,
    /// The number of bytes that were read from the transport, including those whose messages were not returned yet, and
    /// those that were discarded at the end of the stream. 0 for a [`Session`](crate::Session), whose caller reads.
    pub bytes_read: u64,
    /// The number of bytes that were written to the transport, without unsent bytes. 0 for a [`Session`](crate::Session),
    /// whose caller writes.
    pub bytes_written: u64,
    /// The number of bytes that were queued and not written: [`Outbox::unsent`](crate::Outbox::unsent).
    pub unsent: usize,
    /// The time from the write of a Ping to the arrival of its Pong, for the last measured Ping whose Pong has arrived. A Ping is
    /// not measured while another one with the same payload has no Pong. `None` before
    /// the first of these Pongs. The Pings of [`Timeouts::ping_interval`](crate::Timeouts::ping_interval) and of the
    /// application are measured.
    pub round_trip: Option<Duration>,
    /// The time since the beginning of the session. A [`Session`](crate::Session) has no clock, so this time ends with the last
    /// call that has a time. For the `WebSocket` of an adapter it ends now.
    pub age: Duration,
}

/// The messages of one direction.
#[derive(Debug)]
struct Traffic {
    messages: u64,
    payload: u64,
}

impl Traffic {
    const ZERO: Self = Self { messages: 0, payload: 0 };

    #[inline]
    const fn add(&mut self, messages: u64, len: usize) {
        self.messages = self.messages.wrapping_add(messages);
        self.payload = self.payload.wrapping_add(len as u64);
    }
}

/// The counters of a session.
#[derive(Debug)]
pub(crate) struct Counters {
    received: Traffic,
    sent: Traffic,
    pub(crate) round_trip: RoundTrip,
    /// The time of the first call with a time.
    begun_at: Option<Duration>,
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self { received: Traffic::ZERO, sent: Traffic::ZERO, round_trip: RoundTrip::new(), begun_at: None }
    }

    /// Notes the time of a call.
    #[inline]
    pub(crate) const fn note_time(&mut self, now: Duration) {
        if self.begun_at.is_none() {
            self.begun_at = Some(now);
        }
    }

    #[inline]
    pub(crate) const fn add_received(&mut self, len: usize) {
        self.received.add(1, len);
    }

    #[inline]
    pub(crate) const fn add_sent(&mut self, len: usize) {
        self.sent.add(1, len);
    }

    /// Notes a part that was queued.
    pub(crate) const fn add_sent_part(&mut self, len: usize, is_last: bool) {
        self.sent.add(is_last as u64, len);
    }

    /// Notes a frame that was queued. Its last byte is the last of the `unsent` bytes.
    pub(crate) fn add_sent_frame(&mut self, frame: &Frame, unsent: usize) {
        match frame.opcode() {
            OpCode::Ping => self.round_trip.note_ping(frame.payload(), unsent),
            opcode if opcode.is_control() => {}
            _ => self.add_sent_part(frame.payload().len(), frame.fin()),
        }
    }

    /// Notes an event that was received at the time `now`.
    pub(crate) fn note_event(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Message(message) => self.add_received(message.len()),
            Event::Part(part) => self.received.add(u64::from(part.last), part.bytes.len()),
            Event::Pong(payload) => self.round_trip.note_pong(payload, now),
            _ => {}
        }
    }

    /// Does [`note_event`](Self::note_event) for a lent event.
    #[inline]
    pub(crate) fn note_lent(&mut self, event: &EventRef<'_>, now: Duration) {
        match event {
            EventRef::Message(message) => self.add_received(message.as_bytes().len()),
            EventRef::Part(part) => self.received.add(u64::from(part.last), part.bytes.len()),
            EventRef::Pong(payload) => self.round_trip.note_pong(payload, now),
            _ => {}
        }
    }

    pub(crate) fn stats(&self, unsent: usize, now: Duration) -> Stats {
        Stats {
            messages_received: self.received.messages,
            messages_sent: self.sent.messages,
            payload_received: self.received.payload,
            payload_sent: self.sent.payload,
            unsent,
            round_trip: self.round_trip.last(),
            age: now.saturating_sub(self.begun_at.unwrap_or(now)),
            ..Stats::default()
        }
    }
}
