//! Every sequence of a few calls and arrivals of a session, compared with a model. After each sequence the peer is
//! silent, reads everything or nothing, and the session must end.
//!
//! Each read and each write takes a second. A sequence with a step that has no effect is skipped, because it equals a shorter one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use core::time::Duration;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use common::{masked, unmasked};
use protocol_websocket_connection::{
    CloseCode, Config, Connection, Ended, EndedBy, Error, Event, Frame, Message, Negotiated, Role, SendError, Session,
    State, Timeout, Timeouts,
};
use protocol_websocket_frame::{Decoder, OpCode, Rsv};
use test_support::heads::REQUEST;

/// Long enough that `send` shares it, and over the high-water mark.
const SHARED: usize = 5000;
const HIGH_WATER_MARK: usize = 4500;
const START: Duration = Duration::from_secs(100);

/// A call or an arrival.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    #[cfg(feature = "server")]
    Request,
    #[cfg(feature = "server")]
    Accept,
    #[cfg(feature = "server")]
    Reject,
    Message,
    Ping,
    Close,
    InvalidFrame,
    /// The first half of a message. The next arrival begins with its second half.
    Half,
    Eof,
    Failure,
    WriteOne,
    WriteAll,
    Send,
    SendShared,
    SendClose,
    PollOne,
    PollAll,
    Timeout,
}

const STEPS: [Step; 15] = [
    Step::Message,
    Step::Ping,
    Step::Close,
    Step::InvalidFrame,
    Step::Half,
    Step::Eof,
    Step::Failure,
    Step::WriteOne,
    Step::WriteAll,
    Step::Send,
    Step::SendShared,
    Step::SendClose,
    Step::PollOne,
    Step::PollAll,
    Step::Timeout,
];

/// An item of the input whose event was not polled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Item {
    Upgrade,
    #[cfg(feature = "server")]
    Open,
    Message,
    Ping,
    Close,
    InvalidFrame,
}

/// The bytes of each item, as the peer sends them.
struct Wire {
    message: BytesMut,
    ping: BytesMut,
    close: BytesMut,
    invalid: BytesMut,
}

impl Wire {
    fn new(role: Role) -> Self {
        let frame = |frame| if role == Role::Server { masked(frame) } else { unmasked(frame) };
        Self {
            message: frame(Frame::text("message")),
            ping: frame(Frame::ping("p")),
            close: frame(Frame::close(CloseCode::NORMAL).unwrap()),
            invalid: frame(Frame::text("").with_rsv(Rsv::RSV1)),
        }
    }
}

/// A session and the model of it.
struct Run<'a> {
    role: Role,
    wire: &'a Wire,
    session: Session,
    now: Duration,
    /// The items whose events were not polled, and the second half of a message.
    items: VecDeque<Item>,
    half: Option<(Bytes, Item)>,
    /// `poll_event` returned `None`, and nothing arrived since.
    is_drained: bool,
    has_eof: bool,
    has_failed: bool,
    /// The number of unsent bytes at the first read over the high-water mark, since they were not over it.
    read_limit: usize,
    /// No item follows: a Close, a failure, a deadline, or the end of the transport.
    is_over: bool,
    /// The payloads that were sent, and whether a Close must be on the wire.
    sent: Vec<usize>,
    has_close: bool,
    /// The bytes that were written, then those that are unsent. `is_cut` if unsent bytes were discarded.
    written: Vec<u8>,
    unsent: Vec<u8>,
    is_cut: bool,
    /// The times of the last arrival, of the last write, and of the end of sending.
    arrived_at: Duration,
    written_at: Duration,
    closed_at: Option<Duration>,
    /// The end of our last Ping on the wire, and the time when it was written.
    ping_end: usize,
    pinged_at: Option<Duration>,
    pings: usize,
    /// Before the request, and until the application accepts it.
    awaits_request: bool,
    is_connecting: bool,
    /// The application has not responded to the upgrade.
    is_pending: bool,
    #[cfg(feature = "server")]
    upgrade: Option<protocol_websocket_connection::Upgrade>,
}

impl<'a> Run<'a> {
    fn new(role: Role, wire: &'a Wire, mut session: Session) -> Self {
        session.handle_timeout(START);
        let is_connecting = session.connection().state() == State::Connecting;
        Self {
            role,
            wire,
            session,
            now: START,
            items: VecDeque::new(),
            half: None,
            is_drained: true,
            has_eof: false,
            has_failed: false,
            read_limit: usize::MAX,
            is_over: false,
            sent: Vec::new(),
            has_close: false,
            written: Vec::new(),
            unsent: Vec::new(),
            is_cut: false,
            arrived_at: START,
            written_at: START,
            closed_at: None,
            ping_end: 0,
            pinged_at: None,
            pings: 0,
            awaits_request: is_connecting,
            is_connecting,
            is_pending: false,
            #[cfg(feature = "server")]
            upgrade: None,
        }
    }

    /// Takes a step and checks the session. Returns false if the step has no effect or is not allowed.
    fn step(&mut self, step: Step) -> bool {
        if self.session.ended().is_some() {
            return false;
        }
        let wire = self.wire;
        let can_read = self.may_read();
        let taken = match step {
            #[cfg(feature = "server")]
            Step::Request | Step::Accept | Step::Reject => self.handshake(step),
            Step::Message | Step::Ping | Step::Close | Step::InvalidFrame | Step::Half if !can_read => false,
            Step::Half if self.half.is_some() => self.read(&[], None),
            Step::Half => {
                let (bytes, item) = if self.awaits_request {
                    (REQUEST.as_bytes(), Item::Upgrade)
                } else {
                    (&wire.message[..], Item::Message)
                };
                let (first, second) = bytes.split_at(bytes.len() / 2);
                self.half = Some((Bytes::copy_from_slice(second), item));
                self.read_bytes(first)
            }
            Step::InvalidFrame if self.awaits_request => self.read(b"invalid\r\n\r\n", Some(Item::InvalidFrame)),
            Step::Message | Step::Ping | Step::Close if self.awaits_request => false,
            Step::Message => self.read(&wire.message, Some(Item::Message)),
            Step::Ping => self.read(&wire.ping, Some(Item::Ping)),
            Step::Close => self.read(&wire.close, Some(Item::Close)),
            Step::InvalidFrame => self.read(&wire.invalid, Some(Item::InvalidFrame)),
            Step::Eof if self.has_eof => false,
            Step::Eof => {
                (self.has_eof, self.is_drained) = (true, self.is_drained && self.is_over);
                self.session.received_eof();
                true
            }
            Step::Failure if self.has_failed => false,
            Step::Failure => {
                (self.has_eof, self.has_failed, self.is_drained) = (true, true, self.is_drained && self.is_over);
                self.session.transport_failed();
                self.note_discarded();
                true
            }
            Step::WriteOne | Step::WriteAll if self.has_failed || self.unsent.is_empty() => false,
            Step::WriteOne => self.unsent.len() > 1 && self.write(1),
            Step::WriteAll => self.write(self.unsent.len()),
            Step::Send => {
                let result = self.session.send("x");
                self.note_sent(result, 1)
            }
            Step::SendShared => {
                let result = self.session.send(vec![b'y'; SHARED]);
                self.note_sent(result, SHARED)
            }
            Step::SendClose => {
                let result = self.session.close(CloseCode::NORMAL);
                let sent = self.note_sent(result, 0);
                if sent {
                    self.sent.pop();
                    self.end_sending(true);
                }
                sent
            }
            Step::PollOne | Step::PollAll if self.is_drained => false,
            Step::PollOne => {
                self.poll();
                true
            }
            // Otherwise it equals `PollOne`.
            Step::PollAll if self.items.is_empty() || self.is_pending || self.is_over => false,
            Step::PollAll => {
                while self.poll() {}
                true
            }
            // The caller polls the events of the available input before.
            Step::Timeout if !self.is_drained => false,
            Step::Timeout => match self.session.poll_timeout() {
                Some(at) => self.handle_timeout(at),
                None => false,
            },
        };
        if taken {
            self.check();
        }
        taken
    }

    fn read(&mut self, bytes: &[u8], item: Option<Item>) -> bool {
        if let Some((half, item)) = self.half.take() {
            self.session.read_buffer().extend_from_slice(&half);
            self.items.push_back(item);
            self.awaits_request = false;
        }
        self.items.extend(item);
        self.read_bytes(bytes)
    }

    /// Returns whether the transport has input and the unsent bytes allow a read. After our Close they always do.
    fn may_read(&self) -> bool {
        !self.has_eof && !self.is_over && (self.unsent.len() <= self.read_limit || self.closed_at.is_some())
    }

    fn read_bytes(&mut self, bytes: &[u8]) -> bool {
        if self.unsent.len() > HIGH_WATER_MARK && self.read_limit == usize::MAX {
            self.read_limit = self.unsent.len();
        }
        self.now += Duration::from_secs(1);
        self.session.read_buffer().extend_from_slice(bytes);
        self.session.received(self.now);
        (self.is_drained, self.arrived_at) = (false, self.now);
        true
    }

    fn write(&mut self, len: usize) -> bool {
        let rest = self.unsent.split_off(len);
        self.written.extend_from_slice(&core::mem::replace(&mut self.unsent, rest));
        self.now += Duration::from_secs(1);
        self.written_at = self.now;
        if self.written.len() >= self.ping_end && self.pinged_at.is_none() {
            self.pinged_at = Some(self.now);
        }
        if self.unsent.len() <= HIGH_WATER_MARK {
            self.read_limit = usize::MAX;
        }
        self.session.written(len, self.now);
        true
    }

    fn note_sent(&mut self, result: Result<(), SendError>, len: usize) -> bool {
        let expected = match self.closed_at {
            Some(_) => Err(SendError::Closed),
            None if self.session.connection().state() == State::Connecting => Err(SendError::NotOpen),
            None => Ok(()),
        };
        assert_eq!(result, expected);
        self.sent.extend(result.is_ok().then_some(len));
        result.is_ok()
    }

    fn end_sending(&mut self, with_close: bool) {
        if self.closed_at.is_none() {
            (self.closed_at, self.has_close) = (Some(self.now), with_close && !self.is_connecting);
        }
    }

    fn end(&mut self, with_close: bool) {
        self.end_sending(with_close);
        self.is_over = true;
        self.items.clear();
    }

    fn note_discarded(&mut self) {
        self.is_cut = true;
        self.unsent.clear();
        assert_eq!(self.session.unsent(), 0);
    }

    /// Polls an event, and compares it with the model. Returns whether there was one.
    fn poll(&mut self) -> bool {
        let event = self.session.poll_event();
        let item = if self.is_pending || self.is_over { None } else { self.items.pop_front() };
        match (event, item) {
            #[cfg(feature = "server")]
            (Some(Event::Upgrade(upgrade)), Some(Item::Upgrade)) => {
                (self.upgrade, self.is_pending) = (Some(upgrade), true);
            }
            #[cfg(feature = "server")]
            (Some(Event::Open(_)), Some(Item::Open)) => {}
            (Some(Event::Message(message)), Some(Item::Message)) => assert_eq!(message, Message::from("message")),
            (Some(Event::Ping(_)), Some(Item::Ping)) => self.pings += 1,
            (Some(Event::Close(_)), Some(Item::Close)) => self.end(true),
            (None, item @ (None | Some(Item::InvalidFrame))) => {
                if item.is_some() {
                    self.end(true);
                }
                self.is_drained = true;
                if self.has_eof {
                    self.end(false);
                }
                if self.has_failed {
                    self.note_discarded();
                }
                return false;
            }
            (event, item) => panic!("{event:?} instead of {item:?}"),
        }
        true
    }

    fn handle_timeout(&mut self, at: Duration) -> bool {
        let before = self.session.connection().ended().cloned();
        for calls in 0.. {
            assert!(calls < 4, "poll_timeout stays in the past");
            self.now = self.now.max(at);
            self.session.handle_timeout(self.now);
            self.check_timeout(before.as_ref());
            if self.session.poll_timeout().is_none_or(|at| at > self.now) {
                break;
            }
        }
        true
    }

    /// Checks that no deadline was early.
    fn check_timeout(&mut self, before: Option<&Ended>) {
        let now = self.now;
        let since = |from: Duration| (now - from).as_secs();
        let ended = self.session.connection().ended();
        if let (None, Some(Error::Timeout(timeout))) = (before, ended.and_then(|ended| ended.error)) {
            match timeout {
                Timeout::Pong => {
                    assert!(since(self.pinged_at.unwrap_or(self.written_at).max(self.arrived_at)) >= 20);
                }
                Timeout::Close => assert!(self.closed_at.is_some_and(|at| since(at) >= 10)),
                timeout => assert!(timeout == Timeout::Handshake && since(START) >= 10, "{timeout:?}"),
            }
            self.end(timeout == Timeout::Pong);
        }
        if self.session.unsent() > self.unsent.len() && self.session.connection().state() == State::Open {
            (self.ping_end, self.pinged_at) = (self.written.len() + self.session.unsent(), None);
        }
        if self.session.unsent() < self.unsent.len() {
            assert!(since(self.written_at.max(self.closed_at.unwrap())) >= 10, "discarded early");
            self.note_discarded();
        }
    }

    /// Checks everything that is true after each step.
    fn check(&mut self) {
        let chunks: Vec<&[u8]> = self.session.unsent_chunks().collect();
        assert!(chunks.iter().all(|chunk| !chunk.is_empty()));
        let unsent = chunks.concat();
        assert_eq!(unsent.len(), self.session.unsent());
        assert!(unsent.starts_with(&self.unsent), "unsent bytes changed");
        self.unsent = unsent;
        let (ended, wants_read) = (self.session.ended().cloned(), self.session.wants_read());
        let is_over_mark = self.unsent.len() > HIGH_WATER_MARK;
        assert_eq!(self.session.is_over_high_water_mark(), is_over_mark);
        assert_eq!(wants_read, self.is_drained && self.may_read());
        assert_eq!(ended.is_some(), self.is_over && self.is_drained && self.unsent.is_empty());
        // Something wakes the caller: a read, a write, a time, an event, or the application.
        let waits = wants_read || !self.unsent.is_empty() || self.session.poll_timeout().is_some();
        assert!(waits || !self.is_drained || self.is_pending || ended.is_some(), "nothing wakes the caller");
        if self.is_drained && self.session.connection().state() == State::Open {
            assert_eq!(self.session.read_buffer().capacity(), 0);
        }
    }

    /// Waits for the end with a silent peer.
    fn finish(&mut self, peer_reads: bool) {
        for _ in 0..20 {
            while !self.is_drained {
                self.poll();
                self.check();
            }
            if peer_reads && !self.has_failed && !self.unsent.is_empty() {
                self.write(self.unsent.len());
                self.check();
            }
            if self.session.ended().is_some() {
                break;
            }
            let at = self.session.poll_timeout().unwrap();
            self.handle_timeout(at);
            self.check();
        }
        self.check_end();
        self.check_wire();
    }

    /// Checks that nothing changes after the end.
    fn check_end(&mut self) {
        let ended = self.session.ended().unwrap().clone();
        assert_eq!(self.session.send("late"), Err(SendError::Closed));
        assert_eq!(self.session.pong("late"), Err(SendError::Closed));
        assert!(self.session.close(None).is_err());
        let later = self.now + Duration::from_secs(100);
        for step in 0..4 {
            match step {
                0 => {
                    self.session.read_buffer().extend_from_slice(&self.wire.ping);
                    self.session.received(later);
                }
                1 => self.session.handle_timeout(later),
                2 => self.session.received_eof(),
                _ => self.session.transport_failed(),
            }
            assert_eq!(self.session.ended(), Some(&ended));
            assert_eq!(self.session.poll_event(), None);
            assert_eq!((self.session.ended(), self.session.unsent()), (Some(&ended), 0));
            assert_eq!(self.session.read_buffer().capacity(), 0);
        }
        assert_eq!(self.session.poll_timeout(), None);
    }

    /// Checks that the wire has what was sent, in order.
    fn check_wire(&self) {
        let mut wire = BytesMut::from(&self.written[..]);
        if wire.starts_with(b"HTTP/1.1 ") {
            let head = wire.windows(4).position(|four| four == b"\r\n\r\n").map_or(wire.len(), |at| at + 4);
            if !wire.split_to(head).starts_with(b"HTTP/1.1 101 ") {
                assert!(self.sent.is_empty());
                return;
            }
        }
        let mut decoder = Decoder::new(self.role.peer());
        let (mut sent, mut closes, mut pongs) = (self.sent.iter(), 0, 0);
        while let Some(frame) = decoder.decode(&mut wire).unwrap() {
            match frame.opcode() {
                OpCode::Close => closes += 1,
                OpCode::Pong => {
                    assert_eq!(frame.payload(), "p");
                    pongs += 1;
                }
                opcode => {
                    assert_eq!(closes, 0, "{opcode:?} after a Close");
                    if opcode != OpCode::Ping {
                        assert_eq!(Some(&frame.payload().len()), sent.next());
                    }
                }
            }
        }
        assert!(pongs <= self.pings);
        let is_reply = self.session.ended().is_some_and(|ended| ended.clean && ended.by == EndedBy::Peer);
        assert!(!is_reply || closes == 1, "the end is clean without our Close");
        assert!(closes == usize::from(self.has_close) || self.is_cut && closes == 0, "{closes} Closes");
        assert!(self.is_cut || sent.next().is_none() && wire.is_empty(), "a message is missing");
    }
}

/// Runs a sequence up to the end of the session, or to a step that is skipped. Returns the position of the last step,
/// whether it was taken, and whether bytes were unsent after it.
fn run(mut run: Run<'_>, sequence: impl Iterator<Item = Step>, peer_reads: bool) -> (usize, bool, bool) {
    for (at, step) in sequence.enumerate() {
        if !run.step(step) {
            return (at, false, false);
        }
        if run.session.ended().is_some() {
            run.finish(peer_reads);
            return (at, true, false);
        }
    }
    let is_unsent = run.session.unsent() > 0;
    run.finish(peer_reads);
    (usize::MAX, true, is_unsent)
}

/// Runs every sequence of `length` of the steps, and shorter ones if the session ends.
fn every_sequence(role: Role, steps: &[Step], length: usize, session: impl Fn() -> Session) {
    let wire = Wire::new(role);
    let (mut digits, mut sequences) = (vec![0_usize; length], 0);
    loop {
        let sequence = || digits.iter().map(|&digit| steps[digit]);
        let run = |peer_reads| {
            std::panic::catch_unwind(AssertUnwindSafe(|| run(Run::new(role, &wire, session()), sequence(), peer_reads)))
                .unwrap_or_else(|_| panic!("{role:?}, reads: {peer_reads}: {:?}", sequence().collect::<Vec<_>>()))
        };
        let (last, is_taken, is_unsent) = run(true);
        sequences += usize::from(is_taken);
        if is_unsent {
            run(false);
        }
        // The next sequence that differs in the last step that was taken or skipped, or before.
        let mut at = last.min(length - 1);
        digits[at + 1..].fill(0);
        while digits[at] == steps.len() - 1 {
            if at == 0 {
                println!("{role:?}: {sequences} sequences");
                return;
            }
            digits[at] = 0;
            at -= 1;
        }
        digits[at] += 1;
    }
}

fn config() -> Arc<Config> {
    Arc::new(Config::new().timeouts(Timeouts::RECOMMENDED).high_water_mark(HIGH_WATER_MARK))
}

#[test]
fn server_agrees_with_model_in_every_sequence() {
    let (config, nothing) = (config(), Negotiated::default());
    every_sequence(Role::Server, &STEPS, 5, || Session::new(Connection::open_server(&nothing, Arc::clone(&config))));
}

#[test]
fn client_agrees_with_model_in_every_sequence() {
    let (config, nothing, key) = (config(), Negotiated::default(), |key: &mut [u8]| key.fill(7));
    every_sequence(Role::Client, &STEPS, 4, || {
        Session::new(Connection::open_client(&nothing, Arc::clone(&config), key))
    });
}

#[cfg(feature = "server")]
mod handshake {
    use protocol_websocket_connection::{Accept, Reject};

    use super::*;

    const STEPS: [Step; 14] = [
        Step::Request,
        Step::Accept,
        Step::Reject,
        Step::Message,
        Step::Close,
        Step::InvalidFrame,
        Step::Half,
        Step::Eof,
        Step::Failure,
        Step::WriteAll,
        Step::Send,
        Step::PollOne,
        Step::PollAll,
        Step::Timeout,
    ];

    impl Run<'_> {
        pub(super) fn handshake(&mut self, step: Step) -> bool {
            if step == Step::Request {
                let is_allowed = self.awaits_request && self.half.is_none() && !self.has_eof && !self.is_over;
                self.awaits_request &= !is_allowed;
                return is_allowed && self.read(REQUEST.as_bytes(), Some(Item::Upgrade));
            }
            let Some(upgrade) = self.upgrade.take() else { return false };
            let expected = if self.is_over { Err(SendError::Closed) } else { Ok(()) };
            self.is_pending = false;
            if step == Step::Reject {
                assert_eq!(self.session.reject(upgrade, &Reject::new(403)), expected);
                self.end(false);
                return true;
            }
            assert_eq!(self.session.accept(upgrade, &Accept::new()), expected);
            if expected.is_ok() {
                self.items.push_front(Item::Open);
                (self.is_connecting, self.is_drained) = (false, false);
            }
            true
        }
    }

    #[test]
    fn server_with_handshake_agrees_with_model_in_every_sequence() {
        let config = config();
        every_sequence(Role::Server, &STEPS, 6, || Session::server(Arc::clone(&config)));
    }
}
