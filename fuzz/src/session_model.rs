//! One session with its transport, and a model of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::BufMut;
use protocol_websocket_connection::{
    Accept, CloseCode, Config, Ended, Event, EventRef, MessageKind, Reject, Role, Session, State, Upgrade,
};

use crate::model;

/// A session, its transport, and the expected state.
pub struct Endpoint {
    role: Role,
    pub session: Session,
    config: Arc<Config>,
    is_deflated: bool,
    upgrade: Option<Upgrade>,

    pub sent: Vec<Message>,
    pub pings: Vec<Vec<u8>>,
    pub pongs: Vec<Vec<u8>>,
    pub part: Option<Message>,
    pub serial: u32,

    received: usize,
    received_part: Option<Message>,
    received_pings: usize,
    received_pongs: usize,
    /// The number of own pings up to the last one with a pong.
    answered: usize,

    /// The bytes that were unsent after the last step.
    pub unsent: Vec<u8>,
    /// The bytes of the last head or frame that was not written completely.
    incomplete: Vec<u8>,
    awaits_head: bool,
    is_refused: bool,
    has_close: bool,
    /// Bytes that were written and have not reached the peer.
    in_flight: VecDeque<u8>,
    /// Bytes that are written from now on do not reach the peer.
    is_disconnected: bool,

    /// `poll_event` returned `None`, and nothing arrived since.
    is_drained: bool,
    has_eof: bool,
    has_failed: bool,
    /// The number of unsent bytes at the first read over the high-water mark, since they were not over it.
    read_limit: usize,
    /// Unsent bytes were discarded, because the peer did not read.
    has_discarded: bool,
    ended: Option<Ended>,
}

pub type Message = (MessageKind, Vec<u8>);

impl Endpoint {
    pub fn new(role: Role, session: Session, config: Arc<Config>, is_deflated: bool) -> Self {
        let awaits_head = session.connection().state() == State::Connecting;
        Self {
            role,
            session,
            config,
            is_deflated,
            upgrade: None,
            sent: Vec::new(),
            pings: Vec::new(),
            pongs: Vec::new(),
            part: None,
            serial: 0,
            received: 0,
            received_part: None,
            received_pings: 0,
            received_pongs: 0,
            answered: 0,
            unsent: Vec::new(),
            incomplete: Vec::new(),
            awaits_head,
            is_refused: false,
            has_close: false,
            in_flight: VecDeque::new(),
            is_disconnected: false,
            is_drained: true,
            has_eof: false,
            has_failed: false,
            read_limit: usize::MAX,
            has_discarded: false,
            ended: None,
        }
    }

    /// Checks the invariants.
    pub fn check(&mut self) {
        let chunks: Vec<&[u8]> = self.session.unsent_chunks().collect();
        assert!(chunks.iter().all(|chunk| !chunk.is_empty()));
        let unsent = chunks.concat();
        assert_eq!(unsent.len(), self.session.unsent());
        assert!(unsent.starts_with(&self.unsent), "unsent bytes changed");
        self.unsent = unsent;

        let session = &self.session;
        let (ended, wants_read) = (session.ended(), session.wants_read());
        assert!(!wants_read || self.is_drained && !self.has_eof && ended.is_none());
        if session.connection().state() == State::Open {
            let has_space = session.unsent() <= self.read_limit;
            assert_eq!(wants_read, self.is_drained && !self.has_eof && has_space);
        }
        let waits = wants_read || session.unsent() > 0 || session.poll_timeout().is_some() || ended.is_some();
        assert!(waits || !self.is_drained || self.upgrade.is_some(), "nothing wakes the caller");
        if let Some(before) = &self.ended {
            assert_eq!((ended, session.unsent()), (Some(before), 0));
        }
        if self.is_drained {
            assert_eq!(ended.is_some(), session.connection().ended().is_some() && session.unsent() == 0);
        }
        self.ended = ended.cloned();
        if self.is_drained && session.connection().state() == State::Open {
            assert_eq!(self.session.read_buffer().capacity(), 0);
        }
    }

    /// Writes unsent bytes to the transport.
    pub fn write(&mut self, most: usize, now: Duration) {
        if self.has_failed {
            return;
        }
        self.check();
        let len = most.min(self.unsent.len());
        let rest = self.unsent.split_off(len);
        let bytes = std::mem::replace(&mut self.unsent, rest);
        if self.unsent.len() <= self.session.high_water_mark() {
            self.read_limit = usize::MAX;
        }
        self.session.written(len, now);
        self.note_discarded();
        if !self.is_disconnected {
            self.in_flight.extend(&bytes);
        }
        self.incomplete.extend_from_slice(&bytes);
        self.check_written();
        self.check();
    }

    /// Parses the head and the frames that were written.
    fn check_written(&mut self) {
        if self.awaits_head {
            let Some(end) = self.incomplete.windows(4).position(|four| four == b"\r\n\r\n") else { return };
            let head: Vec<u8> = self.incomplete.drain(..end + 4).collect();
            self.awaits_head = false;
            self.is_refused = self.role == Role::Server && !head.starts_with(b"HTTP/1.1 101 ");
        }
        while let Some(frame) = model::frame(&self.incomplete).filter(|_| !self.is_refused) {
            let header = &frame.header;
            assert!(header.is_valid() && header.mask.is_some() == (self.role == Role::Client), "{header:?}");
            assert!(header.rsv == 0 || header.rsv == 0x40 && self.is_deflated, "{header:?}");
            assert!(!self.has_close || header.opcode == 10, "{header:?} after a Close");
            self.has_close |= header.opcode == 8;
            self.incomplete.drain(..frame.len());
        }
    }

    /// Reads bytes that the peer has written, or the end of the transport: to the session's buffer or, if `directly`, to the
    /// memory of a payload or a buffer of the caller.
    pub fn read_from(&mut self, peer: &mut Self, most: usize, directly: bool, now: Duration) {
        let is_open = !self.has_eof && self.session.connection().state() == State::Open;
        let reads_on = is_open && !self.is_drained && self.session.unsent() <= self.read_limit;
        if !self.session.wants_read() && !reads_on {
            return;
        }
        if peer.in_flight.is_empty() && peer.is_disconnected {
            (self.has_eof, self.is_drained) = (true, false);
            return self.session.received_eof();
        }
        let mut bytes: Vec<u8> = peer.in_flight.drain(..most.min(peer.in_flight.len())).collect();
        if bytes.is_empty() {
            return;
        }
        self.is_drained = false;
        if self.session.is_over_high_water_mark() && self.read_limit == usize::MAX {
            self.read_limit = self.session.unsent();
        }
        let len = if directly { self.session.payload_buffer().map_or(0, |buffer| copy_to(buffer, &bytes)) } else { 0 };
        if len > 0 {
            self.session.received(now);
            // The rest is for the next read.
            return bytes.drain(len..).rev().for_each(|byte| peer.in_flight.push_front(byte));
        }
        if directly {
            let event = self.session.receive_with(&mut bytes, now, |event, _| EventRef::into_owned(event));
            match event {
                Some(event) => self.event(event, peer),
                None => self.note_drained(),
            }
            return;
        }
        self.session.read_buffer().extend_from_slice(&bytes);
        self.session.received(now);
    }

    /// Polls one event. The lent event may be answered.
    pub fn poll(&mut self, peer: &Self, lent: bool, answers: bool) -> bool {
        let is_part_open = self.part.is_some();
        let event = if lent {
            self.session.poll_event_with(|event, outbox| {
                let can_send = outbox.connection().state() == State::Open && !is_part_open;
                if answers {
                    assert_eq!(outbox.send("answer").is_ok(), can_send);
                }
                (EventRef::into_owned(event), answers && can_send)
            })
        } else {
            self.session.poll_event().map(|event| (event, false))
        };
        let Some((event, is_answered)) = event else {
            self.note_drained();
            return false;
        };
        if is_answered {
            self.sent.push((MessageKind::Text, b"answer".to_vec()));
        }
        self.event(event, peer);
        true
    }

    fn note_drained(&mut self) {
        self.is_drained = true;
        if self.has_failed {
            self.unsent.clear();
        }
    }

    pub fn poll_all(&mut self, peer: &Self, lent: bool) {
        while self.poll(peer, lent, false) {}
        self.check();
    }

    fn event(&mut self, event: Event, peer: &Self) {
        match event {
            Event::Upgrade(upgrade) => self.upgrade = Some(upgrade),
            Event::Open(_) | Event::Rejected(_) | Event::Close(_) => {}
            Event::Message(message) => self.message((message.kind(), message.into_bytes().into()), peer),
            Event::Part(part) => {
                let (kind, mut bytes) = self.received_part.take().unwrap_or((part.kind, Vec::new()));
                assert_eq!(kind, part.kind);
                bytes.extend_from_slice(&part.bytes);
                if part.last {
                    self.message((kind, bytes), peer);
                } else {
                    self.received_part = Some((kind, bytes));
                }
            }
            // A Ping after an interval of silence.
            Event::Ping(payload) | Event::Pong(payload) if payload.is_empty() => {}
            Event::Ping(payload) => {
                assert_eq!(peer.pings.get(self.received_pings), Some(&payload.to_vec()));
                self.received_pings += 1;
            }
            Event::Pong(payload) if payload.starts_with(b"pong") => {
                assert_eq!(peer.pongs.get(self.received_pongs), Some(&payload.to_vec()));
                self.received_pongs += 1;
            }
            Event::Pong(payload) => {
                let unanswered = &self.pings[self.answered..];
                let at = unanswered.iter().position(|ping| *ping == payload);
                self.answered += at.expect("a pong without a ping") + 1;
            }
            other => panic!("{other:?}"),
        }
    }

    fn message(&mut self, message: Message, peer: &Self) {
        assert_eq!(peer.sent.get(self.received), Some(&message));
        self.received += 1;
    }

    /// Responds to an upgrade.
    pub fn respond(&mut self, accepts: bool) {
        let Some(upgrade) = self.upgrade.take() else { return };
        let is_over = self.session.connection().ended().is_some();
        let result = if accepts {
            let accept = self.config.accept(upgrade.request(), Accept::new());
            self.session.accept(upgrade, &accept)
        } else {
            self.session.reject(upgrade, &Reject::new(403))
        };
        assert_eq!(result.is_err(), is_over);
        self.is_drained &= is_over || !accepts;
        self.check();
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        for _ in 0..4 {
            self.session.handle_timeout(now);
            self.note_discarded();
            self.check();
            if self.session.poll_timeout().is_none_or(|at| at > now) {
                return;
            }
        }
        panic!("poll_timeout stays in the past");
    }

    /// Notes that the deadline for the last bytes has passed, if they were discarded.
    fn note_discarded(&mut self) {
        if self.session.unsent() < self.unsent.len() {
            assert_ne!(self.session.connection().state(), State::Open);
            self.unsent.clear();
            self.has_discarded = true;
        }
    }

    pub fn close(&mut self, code: CloseCode) {
        let can_close = self.session.connection().state() == State::Open;
        assert_eq!(self.session.close(code).is_ok(), can_close);
    }

    pub fn release_memory(&mut self) {
        self.session.release_memory();
    }

    /// Continues in another session.
    pub fn hand_over(&mut self) {
        if self.has_eof {
            return;
        }
        let session = std::mem::replace(&mut self.session, Session::server(Arc::clone(&self.config)));
        self.session = Session::from_parts(session.into_parts());
        (self.is_drained, self.ended, self.read_limit) = (false, None, usize::MAX);
    }

    /// The transport fails, or the peer cannot write any more.
    pub fn end_transport(&mut self, peer: &mut Self, fails: bool) {
        if !fails {
            peer.is_disconnected = true;
            return;
        }
        self.session.transport_failed();
        assert_eq!(self.session.unsent(), 0);
        self.unsent.clear();
        self.is_drained &= self.session.connection().ended().is_some();
        (self.has_eof, self.has_failed, self.is_disconnected) = (true, true, true);
        self.in_flight.clear();
        peer.is_disconnected = true;
    }

    /// Waits for the end with a silent peer, which reads if this is the client.
    pub fn time_out(&mut self, peer: &Self, mut now: Duration) {
        for _ in 0..20 {
            self.poll_all(peer, false);
            if self.role == Role::Client {
                self.write(usize::MAX, now);
            }
            if self.session.ended().is_some() {
                return;
            }
            now = now.max(self.session.poll_timeout().expect("a deadline"));
            self.handle_timeout(now);
        }
        panic!("a silent peer does not time out");
    }

    /// Returns whether nothing is left to write or to read.
    pub fn is_quiet(&self) -> bool {
        self.unsent.is_empty() && self.in_flight.is_empty() && self.is_drained && self.upgrade.is_none()
    }

    /// Returns whether bytes to or from this end may have been lost.
    fn has_lost(&self) -> bool {
        let has_error = self.session.connection().ended().is_some_and(|ended| ended.error.is_some());
        self.is_disconnected || self.has_discarded || has_error
    }

    /// Checks the received messages after everything was delivered.
    pub fn check_delivered(&self, peer: &Self) {
        if !self.has_lost() && !peer.has_lost() {
            assert_eq!((self.received, self.received_pings), (peer.sent.len(), peer.pings.len()));
            assert_eq!(self.received_pongs, peer.pongs.len());
            assert!(self.incomplete.is_empty() || self.is_refused);
        }
    }

    /// Checks that nothing changes after the end.
    pub fn check_end(&mut self, peer: &Self) {
        assert!(self.session.ended().is_some());
        self.check();
        self.session.read_buffer().extend_from_slice(b"\x81\x00\x81\x80\0\0\0\0");
        self.session.received(Duration::ZERO);
        self.check();
        self.session.received_eof();
        self.session.handle_timeout(Duration::from_secs(100_000));
        self.check();
        assert!(!self.poll(peer, false, false) && self.session.send("late").is_err());
        self.session.transport_failed();
        self.check();
    }
}

fn copy_to(mut buffer: impl BufMut, bytes: &[u8]) -> usize {
    let len = buffer.remaining_mut().min(bytes.len());
    buffer.put_slice(&bytes[..len]);
    len
}
