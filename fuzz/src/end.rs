//! One end of a connection, and what a model knows of it.

use std::collections::VecDeque;
use std::time::Duration;

use arbitrary::Unstructured;
use bytes::{Bytes, BytesMut};
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Delivery, Error, Event, Limits, MessageKind, Negotiated, Role, SendError,
    State, Timeout, Timeouts, Version,
};
use protocol_websocket_frame::DecodeError;

use crate::input::bit;
use crate::wire::{self, Wire};

/// A connection, its side of the wire, and what the model knows of it.
pub struct End {
    pub connection: Connection,
    pub config: Settings,
    /// What arrived, what is to be written, and what was written and has not arrived.
    input: BytesMut,
    pub output: BytesMut,
    pub flying: VecDeque<u8>,
    /// Nothing more will come out of `flying` than what is in it.
    pub cut_off: bool,
    wire: Wire,

    /// Whether the application may still send, as the model has it.
    pub open: bool,
    pub parts: Option<Parts>,
    pub sent: Vec<wire::Message>,
    /// How many messages were sent whole when one was that is beyond the peer's limits.
    pub too_much: Option<usize>,
    pub own_pongs: VecDeque<Vec<u8>>,
    pub serial: u32,

    received: Vec<wire::Message>,
    part: Option<wire::Message>,
    pings: usize,
    pongs: usize,
    /// The pings that came and have no answer, and the last that has one.
    unanswered: Vec<Bytes>,
    answered: Option<Bytes>,
    /// The Close that came, or the end of stream that takes its place.
    closed: Option<Option<Close>>,
    hung_up: bool,
    /// What its Close has to be.
    owes: Option<Vec<u8>>,
    /// How it ended otherwise.
    failed: Option<Error>,
    /// What comes in was tampered with: only what must hold of any bytes is checked.
    pub tampered: bool,
}

/// A message under way.
#[derive(Clone)]
pub struct Parts {
    /// Whether it goes in frames of the application's own.
    pub in_frames: bool,
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
}

impl End {
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
            config =
                config.timeouts(Timeouts { handshake: None, ping_interval: ping, pong_timeout: pong, idle, close });
        }
        let negotiated = Negotiated::default().version(version);
        let mut key = 0_u32;
        let connection = match role {
            Role::Server => Connection::server(&negotiated, &config),
            Role::Client => Connection::client(&negotiated, &config, move |mask: &mut [u8]| {
                key = key.wrapping_add(0x9E37_79B9);
                mask.copy_from_slice(&key.to_be_bytes());
            }),
        };
        Ok(Self {
            connection,
            config: settings,
            input: BytesMut::new(),
            output: BytesMut::new(),
            flying: VecDeque::new(),
            cut_off: false,
            wire: Wire::new(role, version),
            open: true,
            parts: None,
            sent: Vec::new(),
            too_much: None,
            own_pongs: VecDeque::new(),
            serial: 0,
            received: Vec::new(),
            part: None,
            pings: 0,
            pongs: 0,
            unanswered: Vec::new(),
            answered: None,
            closed: None,
            hung_up: false,
            owes: None,
            failed: None,
            tampered: false,
        })
    }

    /// What holds at any time.
    pub fn check(&self) {
        let expected = match (&self.closed, self.failed) {
            (Some(close), _) => Some(close.as_ref().map_or(CloseCode::NO_STATUS, |close| close.code)),
            (None, Some(_)) => Some(CloseCode::ABNORMAL),
            (None, None) => None,
        };
        assert_eq!(self.connection.close_code(), expected);
        let state = match (self.open, expected.is_some()) {
            (true, _) => State::Open,
            (false, false) => State::Closing,
            (false, true) => State::Closed,
        };
        assert_eq!(self.connection.state(), state);
        assert!(!(self.open && expected.is_some()));
    }

    /// Nobody is left to read a Close of ours: it came to an end.
    pub fn is_over(&self) -> bool {
        self.closed.is_some() || self.failed.is_some()
    }

    pub fn has_sentinels(&self) -> bool {
        !self.config.version.has_length_framing()
    }

    /// Lets bytes of the output go.
    pub fn write(&mut self, most: usize) {
        let bytes = self.output.split_to(most.min(self.output.len()));
        let (messages, pongs) = (self.wire.messages.len(), self.wire.pongs.len());
        self.wire.see(&bytes);
        for (at, message) in self.wire.messages.iter().enumerate().skip(messages) {
            assert_eq!(Some(message), self.sent.get(at));
        }
        for pong in &self.wire.pongs[pongs..] {
            if self.own_pongs.front() == Some(pong) {
                self.own_pongs.pop_front();
                continue;
            }
            let answered = self.unanswered.iter().position(|ping| ping == pong);
            self.answered = self.unanswered.drain(..=answered.expect("a pong that nobody asked for")).last();
        }
        if !self.cut_off {
            self.flying.extend(&bytes[..]);
        }
    }

    /// Takes bytes that the peer let go.
    pub fn arrive(&mut self, peer: &mut Self, most: usize) {
        let most = most.min(peer.flying.len());
        self.input.extend(peer.flying.drain(..most));
    }

    pub fn flush(&mut self) {
        self.connection.flush(&mut self.output);
    }

    pub fn settle(&mut self, peer: &mut Self) {
        self.write(usize::MAX);
        self.flush();
        self.write(usize::MAX);
        // A later ping may have had the same payload, and be the one that was answered.
        let all_answered = self.unanswered.last().is_none_or(|ping| Some(ping) == self.answered.as_ref());
        assert!(all_answered || self.is_over(), "a ping without an answer");
        assert!(self.own_pongs.is_empty() && self.wire.is_whole());
        peer.arrive(self, usize::MAX);
        peer.receive(usize::MAX, self);
    }

    pub fn receive(&mut self, times: usize, peer: &Self) {
        for _ in 0..times {
            let before = self.output.len();
            let received = self.connection.receive(&mut self.input, &mut self.output);
            let grown = self.output.len() - before;
            // A pong that was held back goes first, if there is room; then the answer.
            let may_grow = match &received {
                _ if before <= self.config.high_water_mark => 2 * 131,
                Ok(Some(Event::Close(_))) | Err(_) => 131,
                _ => 0,
            };
            assert!(grown <= may_grow, "{grown} bytes written by {received:?}");
            match received {
                Ok(Some(event)) => self.event(event, peer),
                Ok(None) => {
                    let Limits { max_frame, max_message, .. } = self.config.limits;
                    // A header or a control frame; in the two oldest versions also text that waits for its end.
                    let most = match (self.has_sentinels(), self.config.delivery) {
                        (false, _) => 0,
                        (true, Delivery::Whole) => max_frame.min(max_message),
                        (true, Delivery::Parts) => max_frame.min(max_message).min(Config::MIN_PART.into()),
                    };
                    return assert!(self.input.len() as u64 <= most + 150, "{} bytes are left", self.input.len());
                }
                Err(error) => {
                    assert!(self.input.is_empty());
                    if let Some(failed) = self.failed {
                        return assert_eq!(failed, error);
                    }
                    let Error::Decode(reason) = error else { panic!("{error:?}") };
                    self.fail(error, reason.close_code());
                    let limit = [DecodeError::FrameTooLong, DecodeError::MessageTooLong, DecodeError::TooManyFragments];
                    let expected = limit.contains(&reason) && peer.too_much == Some(self.received.len());
                    return assert!(expected || self.tampered, "{reason:?}");
                }
            }
        }
    }

    fn event(&mut self, event: Event, peer: &Self) {
        assert!(!self.is_over(), "{event:?} behind the end");
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
                if self.open {
                    self.owes = Some(close.as_ref().map_or(Vec::new(), |close| close.encode().unwrap().to_vec()));
                }
                self.open = false;
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
            assert!(peer.too_much.is_none_or(|at| self.received.len() < at), "a message beyond the limits");
        }
        self.received.push(message);
    }

    fn fail(&mut self, error: Error, code: CloseCode) {
        if self.open {
            self.owes = Some(Close::from(code).encode().unwrap().to_vec());
        }
        self.open = false;
        self.failed = Some(error);
    }

    /// The transport has nothing more.
    pub fn eof(&mut self) {
        if !self.is_over() && self.has_sentinels() && !self.open {
            self.closed = Some(None);
            self.hung_up = true;
        }
        let expected = if self.is_over() { Ok(()) } else { Err(Error::UnexpectedEof) };
        assert_eq!(self.connection.receive_eof(), expected);
        if expected.is_err() {
            self.failed = Some(Error::UnexpectedEof);
        }
        self.open = false;
    }

    pub fn tell_time(&mut self, now: Duration) {
        for _ in 0..4 {
            let before = self.output.len();
            let told = self.connection.handle_timeout(now, &mut self.output);
            assert!(self.output.len() - before <= 2 * 131);
            match told {
                Ok(()) => {}
                Err(Error::Timeout(Timeout::Eof)) => {
                    assert!(self.closed.is_some());
                    assert_eq!(self.output.len(), before);
                }
                Err(Error::Timeout(timeout)) => {
                    assert!(!self.is_over());
                    let code = if timeout == Timeout::Idle { CloseCode::GOING_AWAY } else { CloseCode::INTERNAL_ERROR };
                    assert_eq!(timeout == Timeout::Close, !self.open);
                    self.fail(Error::Timeout(timeout), code);
                }
                Err(other) => panic!("{other:?}"),
            }
            if self.connection.poll_timeout().is_none_or(|at| at > now) {
                return;
            }
        }
        panic!("it wants to be called again and again");
    }

    /// After all was delivered.
    pub fn check_delivered(&self, peer: &Self) {
        if self.failed.is_none() && !self.tampered && !peer.cut_off {
            assert_eq!(self.received, peer.sent);
            assert_eq!(peer.too_much, None);
            assert!(
                self.closed.is_some() || (self.pings, self.pongs) == (peer.wire.pings.len(), peer.wire.pongs.len())
            );
        }
    }

    /// After the end nothing more comes in or goes out, and the verdict stays.
    pub fn check_end(&mut self) {
        self.check();
        assert_eq!((self.connection.state(), self.connection.poll_timeout()), (State::Closed, None));
        let before = (self.output.len(), self.connection.close_code());
        self.input.extend_from_slice(b"\x81\x00\x81\x80\0\0\0\0\0\xFF");
        let more = self.connection.receive(&mut self.input, &mut self.output);
        assert!(matches!(more, Ok(None) | Err(_)) && self.input.is_empty());
        self.connection.flush(&mut self.output);
        assert_eq!(self.connection.send("x", &mut self.output), Err(SendError::Closed));
        assert_eq!(self.connection.pong("x", &mut self.output), Err(SendError::Closed));
        assert_eq!(before, (self.output.len(), self.connection.close_code()));
    }

    /// What was said is what was heard, and what had to be said was.
    pub fn check_agreement(&self, peer: &Self) {
        if let Some(owed) = &self.owes {
            let owed = if self.has_sentinels() { &Vec::new() } else { owed };
            assert_eq!(self.wire.close.as_ref(), Some(owed));
        }
        if let Some(heard) = self.closed.as_ref().filter(|_| !self.tampered && !self.hung_up) {
            let heard = heard.as_ref().map_or(Vec::new(), |close| close.encode().unwrap().to_vec());
            assert_eq!(peer.wire.close, Some(heard));
        }
    }
}
