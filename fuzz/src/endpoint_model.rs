//! One endpoint of a connection, and a model of its state.

use std::collections::VecDeque;
use std::time::Duration;

use arbitrary::Unstructured;
use bytes::{Bytes, BytesMut};
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Delivery, Ended, EndedBy, Error, Event, Limits, MessageKind, Negotiated,
    Role, SendError, State, Timeout, Timeouts, Version,
};
use protocol_websocket_frame::DecodeError;

use crate::driver::Driver;
use crate::input::bit;
use crate::wire::{self, Wire};

/// A connection with its buffers and the expected state.
pub struct Endpoint {
    pub connection: Driver,
    pub config: Settings,
    input: BytesMut,
    pub output: BytesMut,
    /// Bytes that were written and have not reached the peer.
    pub in_flight: VecDeque<u8>,
    /// The transport is disconnected: further writes are lost.
    pub is_disconnected: bool,
    wire: Wire,

    /// Whether the application can send.
    pub is_open: bool,
    pub parts: Option<Parts>,
    pub sent: Vec<wire::Message>,
    /// Index of the first message that exceeds the limits of the peer.
    pub first_over_limit: Option<usize>,
    pub own_pongs: VecDeque<Vec<u8>>,
    pub serial: u32,

    received: Vec<wire::Message>,
    part: Option<wire::Message>,
    pings: usize,
    pongs: usize,
    /// Received pings without a pong.
    unanswered: Vec<Bytes>,
    /// The last ping with a pong.
    answered: Option<Bytes>,
    /// The received Close, or the end of stream that replaces it.
    closed: Option<Option<Close>>,
    closed_by_eof: bool,
    /// Whether our Close was sent before the peer's Close arrived.
    closed_first: bool,
    /// The payload that its Close must have.
    expected_close: Option<Vec<u8>>,
    /// The error that ended the connection.
    failed: Option<Error>,
    /// Received bytes were corrupted. Only the properties of arbitrary input are checked.
    pub tampered: bool,
}

/// An incomplete message that is being sent.
#[derive(Clone)]
pub struct Parts {
    /// Whether the message is sent with `send_frame`.
    pub as_frames: bool,
    pub count: u32,
    pub kind: MessageKind,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
pub struct Settings {
    version: Version,
    pub limits: Limits,
    delivery: Delivery,
    auto_pong: bool,
    high_water_mark: usize,
    /// Whether every second call receives lent events, and long payloads are read into the payload buffer.
    lends: bool,
}

impl Endpoint {
    pub fn new(role: Role, version: Version, input: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let (options, limits, times) = input.arbitrary::<(u8, [u8; 3], [u8; 4])>()?;
        let limit = |byte: u8| if byte & 0x80 == 0 { u64::from(byte) * 40 } else { 1 << 20 };
        let limits = Limits::new(limit(limits[0])).max_frame(limit(limits[1]));
        let fragments = if bit(options, 4) { 3 } else { 1024 };
        let settings = Settings {
            version,
            limits: limits.max_fragments(fragments),
            delivery: if bit(options, 0) { Delivery::Parts } else { Delivery::Whole },
            auto_pong: !bit(options, 1),
            high_water_mark: if bit(options, 2) { 64 } else { Config::HIGH_WATER_MARK },
            lends: bit(options, 6),
        };
        let mut config = Config::new();
        if bit(options, 5) {
            config = config.perl_compat();
        }
        config = config.limits(settings.limits).delivery(settings.delivery);
        config = config.auto_pong(settings.auto_pong).high_water_mark(settings.high_water_mark);
        if bit(options, 3) {
            let [ping, pong, idle, close] =
                times.map(|time| (time & 1 == 0).then(|| Duration::from_secs(1 + u64::from(time >> 3))));
            let timeouts = Timeouts::NONE.ping_interval(ping).pong_timeout(pong).idle(idle).close(close);
            config = config.timeouts(timeouts);
        }
        let negotiated = Negotiated::default().version(version);
        let mut key = 0_u32;
        let connection = match role {
            Role::Server => Connection::open_server(&negotiated, config),
            Role::Client => Connection::open_client(&negotiated, config, move |mask: &mut [u8]| {
                key = key.wrapping_add(0x9E37_79B9);
                mask.copy_from_slice(&key.to_be_bytes());
            }),
        };
        Ok(Self {
            connection: Driver::new(connection, bit(options, 7), settings.auto_pong),
            config: settings,
            input: BytesMut::new(),
            output: BytesMut::new(),
            in_flight: VecDeque::new(),
            is_disconnected: false,
            wire: Wire::new(role, version),
            is_open: true,
            parts: None,
            sent: Vec::new(),
            first_over_limit: None,
            own_pongs: VecDeque::new(),
            serial: 0,
            received: Vec::new(),
            part: None,
            pings: 0,
            pongs: 0,
            unanswered: Vec::new(),
            answered: None,
            closed: None,
            closed_by_eof: false,
            closed_first: false,
            expected_close: None,
            failed: None,
            tampered: false,
        })
    }

    /// Checks the invariants.
    pub fn check(&self) {
        let ended = self.connection.ended();
        assert_eq!(ended.is_some(), self.is_over());
        if let Some(ended) = &ended {
            self.check_ended(ended);
        }
        let state = match (self.is_open, ended.is_some()) {
            (true, _) => State::Open,
            (false, false) => State::Closing,
            (false, true) => State::Closed,
        };
        assert_eq!(self.connection.state(), state);
        assert!(!(self.is_open && ended.is_some()));
    }

    fn check_ended(&self, ended: &Ended) {
        assert_eq!((ended.clean, ended.error), (self.closed.is_some(), self.failed));
        let by = match self.failed {
            Some(Error::Timeout(_)) => EndedBy::Timeout,
            Some(Error::UnexpectedEof) => EndedBy::Transport,
            Some(_) => EndedBy::Us,
            None if self.closed_first => EndedBy::Us,
            None => EndedBy::Peer,
        };
        let (code, reason) = match &self.closed {
            Some(Some(close)) => (close.code, &*close.reason),
            Some(None) => (CloseCode::NO_STATUS, ""),
            None => (CloseCode::ABNORMAL, ""),
        };
        assert_eq!((ended.by, ended.code, &*ended.reason), (by, code, reason));
    }

    /// Returns whether nothing more can be received: after a Close, a failure or the end of the stream.
    pub fn is_over(&self) -> bool {
        self.closed.is_some() || self.failed.is_some()
    }

    pub fn has_sentinels(&self) -> bool {
        !self.config.version.has_length_framing()
    }

    /// Writes bytes of the output to the transport.
    pub fn write(&mut self, most: usize) {
        let bytes = self.output.split_to(most.min(self.output.len()));
        let (messages, pongs) = (self.wire.messages.len(), self.wire.pongs.len());
        self.wire.read(&bytes);
        for (at, message) in self.wire.messages.iter().enumerate().skip(messages) {
            assert_eq!(Some(message), self.sent.get(at));
        }
        for pong in &self.wire.pongs[pongs..] {
            if self.own_pongs.front() == Some(pong) {
                self.own_pongs.pop_front();
                continue;
            }
            let answered = self.unanswered.iter().position(|ping| ping == pong);
            self.answered = self.unanswered.drain(..=answered.expect("a pong without a ping")).last();
        }
        if !self.is_disconnected {
            self.in_flight.extend(&bytes[..]);
        }
    }

    /// Reads bytes that the peer has written.
    pub fn read_from(&mut self, peer: &mut Self, most: usize) {
        let most = most.min(peer.in_flight.len());
        let mut bytes: Vec<u8> = peer.in_flight.drain(..most).collect();
        while self.config.lends && self.input.is_empty() && !bytes.is_empty() {
            let len = self.connection.read_directly(&bytes);
            if len == 0 {
                break;
            }
            bytes.drain(..len);
            self.receive(usize::MAX, peer);
        }
        self.input.extend_from_slice(&bytes);
    }

    pub fn flush(&mut self) {
        self.connection.flush(&mut self.output);
    }

    pub fn settle(&mut self, peer: &mut Self) {
        self.write(usize::MAX);
        self.flush();
        self.write(usize::MAX);
        // The pong may belong to a later ping with the same payload.
        let all_answered = self.unanswered.last().is_none_or(|ping| Some(ping) == self.answered.as_ref());
        assert!(all_answered || self.is_over(), "a ping without a pong");
        assert!(self.own_pongs.is_empty() && self.wire.is_complete());
        peer.read_from(self, usize::MAX);
        peer.receive(usize::MAX, self);
    }

    pub fn receive(&mut self, times: usize, peer: &Self) {
        for nth in 0..times {
            let before = self.output.len();
            let received = if self.config.lends && nth % 2 == 0 {
                self.connection.receive_lent(&mut self.input, &mut self.output)
            } else {
                self.connection.receive(&mut self.input, &mut self.output)
            };
            let grown = self.output.len() - before;
            // A pending pong is written first, if it is within the high-water mark, then the response.
            let max_grown = match &received {
                _ if before <= self.config.high_water_mark => 2 * 131,
                Ok(Some(Event::Close(_))) | Err(_) => 131,
                _ => 0,
            };
            assert!(grown <= max_grown, "{grown} bytes written by {received:?}");
            match received {
                Ok(Some(event)) => self.event(event, peer),
                Ok(None) => return assert!(self.input.is_empty()),
                Err(error) => {
                    assert!(self.input.is_empty());
                    if let Some(failed) = self.failed {
                        return assert_eq!(failed, error);
                    }
                    let Error::Decode(reason) = error else { panic!("{error:?}") };
                    self.fail(error, reason.close_code());
                    let limit = [DecodeError::FrameTooLong, DecodeError::MessageTooLong, DecodeError::TooManyFragments];
                    let expected = limit.contains(&reason) && peer.first_over_limit == Some(self.received.len());
                    return assert!(expected || self.tampered, "{reason:?}");
                }
            }
        }
    }

    fn event(&mut self, event: Event, peer: &Self) {
        assert!(!self.is_over(), "{event:?} after the end");
        match event {
            Event::Message(message) => {
                assert_eq!(self.config.delivery, Delivery::Whole);
                self.message((message.kind(), message.into_bytes().into()), peer);
            }
            Event::Part(part) => {
                assert_eq!((self.config.delivery, part.first), (Delivery::Parts, self.part.is_none()));
                let (kind, mut bytes) = self.part.take().unwrap_or((part.kind, Vec::new()));
                assert_eq!(kind, part.kind);
                bytes.extend_from_slice(&part.bytes);
                match part.last {
                    true => self.message((kind, bytes), peer),
                    false => self.part = Some((kind, bytes)),
                }
            }
            Event::Ping(payload) => {
                assert!(self.tampered || peer.wire.pings.get(self.pings) == Some(&payload.to_vec()));
                self.pings += 1;
                if self.config.auto_pong {
                    self.unanswered.push(payload);
                }
            }
            Event::Pong(payload) => {
                assert!(self.tampered || peer.wire.pongs.get(self.pongs) == Some(&payload.to_vec()));
                self.pongs += 1;
            }
            Event::Close(close) => {
                if self.is_open {
                    self.expected_close =
                        Some(close.as_ref().map_or(Vec::new(), |close| close.encode().unwrap().to_vec()));
                }
                self.closed_first = !self.is_open;
                self.is_open = false;
                self.closed = Some(close);
            }
            other => panic!("{other:?}"),
        }
    }

    fn message(&mut self, message: wire::Message, peer: &Self) {
        assert!(message.1.len() as u64 <= self.config.limits.max_message);
        assert!(message.0 == MessageKind::Binary || core::str::from_utf8(&message.1).is_ok());
        if !self.tampered {
            assert_eq!(peer.sent.get(self.received.len()), Some(&message));
            assert!(
                peer.first_over_limit.is_none_or(|at| self.received.len() < at),
                "a message that exceeds the limits"
            );
        }
        self.received.push(message);
    }

    fn fail(&mut self, error: Error, code: CloseCode) {
        if self.is_open {
            self.expected_close = Some(Close::from(code).encode().unwrap().to_vec());
        }
        self.is_open = false;
        self.failed = Some(error);
    }

    /// Signals the end of the stream.
    pub fn eof(&mut self) {
        if !self.is_over() && self.has_sentinels() && !self.is_open {
            self.closed = Some(None);
            (self.closed_by_eof, self.closed_first) = (true, true);
        }
        let expected = if self.is_over() { Ok(()) } else { Err(Error::UnexpectedEof) };
        assert_eq!(self.connection.receive_eof(&mut self.output), expected);
        if expected.is_err() {
            self.failed = Some(Error::UnexpectedEof);
        }
        self.is_open = false;
    }

    pub fn advance_time(&mut self, now: Duration) {
        for _ in 0..4 {
            let before = self.output.len();
            let result = self.connection.handle_timeout(now, &mut self.output);
            assert!(self.output.len() - before <= 2 * 131);
            match result {
                Ok(()) => {}
                Err(Error::Timeout(Timeout::Eof)) => {
                    assert!(self.closed.is_some());
                    assert_eq!(self.output.len(), before);
                }
                Err(Error::Timeout(timeout)) => {
                    assert!(!self.is_over());
                    let code = if timeout == Timeout::Idle { CloseCode::GOING_AWAY } else { CloseCode::INTERNAL_ERROR };
                    assert_eq!(timeout == Timeout::Close, !self.is_open);
                    self.fail(Error::Timeout(timeout), code);
                }
                Err(other) => panic!("{other:?}"),
            }
            if self.connection.poll_timeout().is_none_or(|at| at > now) {
                return;
            }
        }
        panic!("poll_timeout stays in the past");
    }

    /// Checks the received messages after everything was delivered.
    pub fn check_delivered(&self, peer: &Self) {
        if self.failed.is_none() && !self.tampered && !peer.is_disconnected {
            assert_eq!(self.received, peer.sent);
            assert_eq!(peer.first_over_limit, None);
            assert!(
                self.closed.is_some() || (self.pings, self.pongs) == (peer.wire.pings.len(), peer.wire.pongs.len())
            );
        }
    }

    /// Checks that the connection neither receives nor sends after its end, and that its state is final.
    pub fn check_end(&mut self) {
        self.check();
        assert_eq!((self.connection.state(), self.connection.poll_timeout()), (State::Closed, None));
        let before = (self.output.len(), self.connection.ended());
        self.input.extend_from_slice(b"\x81\x00\x81\x80\0\0\0\0\0\xFF");
        let more = self.connection.receive(&mut self.input, &mut self.output);
        assert!(matches!(more, Ok(None) | Err(_)) && self.input.is_empty());
        self.connection.flush(&mut self.output);
        assert_eq!(self.connection.send("x", &mut self.output), Err(SendError::Closed));
        assert_eq!(self.connection.pong("x", &mut self.output), Err(SendError::Closed));
        assert_eq!(before, (self.output.len(), self.connection.ended()));
    }

    /// Checks that the Close that was sent equals the one that was received, and that a required Close was sent.
    pub fn check_agreement(&self, peer: &Self) {
        if let Some(expected) = &self.expected_close {
            let expected = if self.has_sentinels() { &Vec::new() } else { expected };
            assert_eq!(self.wire.close.as_ref(), Some(expected));
        }
        if let Some(received) = self.closed.as_ref().filter(|_| !self.tampered && !self.closed_by_eof) {
            let received = received.as_ref().map_or(Vec::new(), |close| close.encode().unwrap().to_vec());
            assert_eq!(peer.wire.close, Some(received));
        }
    }
}
