//! Two sessions with a transport that splits, delays and fails by a seed. Each message arrives once and in order, the close
//! codes are correct, both ends end, and the memory is bounded. A failed test prints its seed.
//!
//! `WEBSOCKET_SEED=0..1000000 cargo test -p protocol-websocket --all-features --test session_seeds` runs more of them, and
//! `WEBSOCKET_SEED=7` one.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use protocol_websocket::{
    Accept, CloseCode, Config, Connection, Destination, Ended, EndedBy, Event, Message, MessageKind, Negotiated, Offer,
    Part, Role, SendError, Session, State, Timeouts,
};
use protocol_websocket_testkit::{Schedule, Step, for_each_seed};
use test_support::heap::{CountingAllocator, measure};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The number of bytes of a direction that were written and not read.
const CAPACITY: usize = 3000;
/// More than the longest message.
const MAX_LEN: usize = 10_000;
const MAX_HIGH_WATER_MARK: usize = 5000;
/// The peak of the memory of both ends, with and without compression.
const MAX_MEMORY: i64 = 200_000;
const MAX_DEFLATE_MEMORY: i64 = 1_100_000;
/// Longer than the interval of pings.
const IDLE_TIME: Duration = Duration::from_secs(25);
/// Each run ends before.
const MAX_STEPS: usize = 100_000;

/// One direction of the transport.
struct Pipe {
    bytes: Vec<u8>,
    has_ended: bool,
    reads: Schedule,
    writes: Schedule,
}

/// One end, and what it has sent and received, as hashes.
struct End {
    session: Session,
    to_send: VecDeque<Message>,
    sent: Vec<u64>,
    received: Vec<u64>,
    /// The code of its Close, and whether it was queued.
    close: Option<CloseCode>,
    has_closed: bool,
    has_failed: bool,
    /// Events may be left.
    has_news: bool,
    /// The transport has ended its input by a fault.
    has_ended: bool,
    random: Schedule,
}

fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.hash(&mut hasher);
    hasher.finish()
}

fn config(random: &mut Schedule, is_compressed: bool) -> Config {
    let mut config = Config::new();
    if random.one_in(2) {
        config = config.timeouts(Timeouts::RECOMMENDED);
    }
    if random.one_in(2) {
        config = config.high_water_mark(random.below(MAX_HIGH_WATER_MARK));
    }
    #[cfg(feature = "permessage-deflate")]
    if is_compressed {
        config = config.extension(protocol_websocket::PermessageDeflate::new());
    }
    let _ = is_compressed;
    config
}

/// Returns a few messages, most of them short.
fn messages(random: &mut Schedule) -> VecDeque<Message> {
    let count = random.below(6);
    let mut message = || {
        let limit = if random.one_in(50) { MAX_LEN } else { random.choose([10, 20, 130, 300]) };
        let len = random.below(limit);
        if random.one_in(2) {
            return Message::from(random.bytes(len));
        }
        let char = random.choose(['a', 'é', '€']);
        Message::from(String::from(char).repeat(len / char.len_utf8()))
    };
    (0..count).map(|_| message()).collect()
}

impl End {
    fn new(role: Role, random: &mut Schedule, has_handshake: bool, is_compressed: bool) -> Self {
        let config = config(random, is_compressed);
        let key = |key: &mut [u8]| key.fill(7);
        let session = match role {
            // The opening handshake is as long as the messages.
            _ if !has_handshake => Session::new(match role {
                Role::Client => Connection::open_client(&Negotiated::default(), config, key),
                Role::Server => Connection::open_server(&Negotiated::default(), config),
            }),
            Role::Client => {
                let destination = Destination::new("example.com", "/");
                Session::client(destination, &Offer::new(), config, key).unwrap()
            }
            Role::Server => Session::server(config),
        };
        Self {
            session,
            to_send: messages(random),
            sent: Vec::new(),
            received: Vec::new(),
            close: random.choose([None, Some(CloseCode(4000)), Some(CloseCode(4001))]),
            has_closed: false,
            has_failed: false,
            has_news: false,
            has_ended: false,
            random: random.fork(),
        }
    }

    /// Reads until the schedule waits or events are left.
    fn read(&mut self, pipe: &mut Pipe, now: Duration) {
        if self.session.ended().is_some() || self.has_ended {
            pipe.bytes.clear();
        }
        while self.session.wants_read() {
            let step = pipe.reads.step(pipe.bytes.len());
            let is_end = pipe.bytes.is_empty() && pipe.has_ended;
            if matches!(step, Step::Wait(_)) && !is_end {
                return;
            }
            self.has_news = true;
            match step {
                Step::Transfer(len) => {
                    self.session.read_buffer().extend(pipe.bytes.drain(..len));
                    self.session.received(now);
                    assert!(self.session.read_buffer().len() <= CAPACITY + 1000, "the input grows");
                    while !self.random.one_in(16) && self.poll() {}
                }
                Step::Fail(_) => self.fail(),
                _ => {
                    self.has_ended = step == Step::End;
                    self.session.received_eof();
                }
            }
        }
    }

    /// Writes until the schedule waits or the pipe is full. `is_closed` if the other end has closed the transport.
    fn write(&mut self, pipe: &mut Pipe, is_closed: bool, now: Duration) {
        while self.session.unsent() > 0 && pipe.bytes.len() < CAPACITY {
            if self.has_failed {
                return self.session.transport_failed();
            }
            match pipe.writes.step(self.session.unsent().min(CAPACITY - pipe.bytes.len())) {
                Step::Transfer(len) => {
                    let mut left = len;
                    for chunk in self.session.unsent_chunks() {
                        let len = chunk.len().min(left);
                        pipe.bytes.extend_from_slice(&chunk[..len]);
                        left -= len;
                    }
                    self.session.written(len, now);
                    if is_closed {
                        pipe.bytes.clear();
                    }
                }
                Step::Wait(_) => break,
                _ => self.fail(),
            }
        }
        if self.session.ended().is_some() {
            pipe.has_ended = true;
        }
    }

    /// Notes that the transport has failed: nothing is written any more.
    fn fail(&mut self) {
        (self.has_failed, self.has_news) = (true, true);
        self.session.transport_failed();
    }

    /// Handles an event. Returns false if the session has no event.
    fn poll(&mut self) -> bool {
        if !self.has_news {
            return false;
        }
        let event = match self.random.below(2) {
            0 => self.session.poll_event(),
            _ => self.session.poll_event_with(|event, _| event.into_owned()),
        };
        match event {
            None => {
                self.has_news = false;
                return false;
            }
            Some(Event::Upgrade(upgrade)) => self.session.accept(upgrade, &Accept::new()).unwrap(),
            Some(Event::Open(_)) => {}
            Some(Event::Message(message)) => self.received.push(hash(&message)),
            Some(Event::Ping(_) | Event::Pong(_) | Event::Close(_)) => {}
            Some(other) => panic!("{other:?}"),
        }
        true
    }

    /// Sends the next message or the Close. `other_waits` is true if the other end does not begin the closing handshake.
    fn send(&mut self, other_waits: bool) {
        if self.session.connection().state() == State::Connecting
            || self.has_closed
            || self.session.is_over_high_water_mark()
        {
            return;
        }
        let result = if let Some(message) = self.to_send.front() {
            let result = match self.random.below(4) {
                0 => self.send_parts(&message.clone()),
                1 => self.session.send(message.clone()),
                _ => self.session.send(message),
            };
            if result.is_ok() {
                self.sent.extend(self.to_send.pop_front().iter().map(hash));
            }
            if self.random.one_in(4) {
                let _ = self.session.ping("ping");
            }
            result
        } else if self.close.is_some() || other_waits {
            let result = self.session.close(self.close.map(Into::into));
            self.has_closed = result.is_ok();
            result
        } else {
            Ok(())
        };
        // The other end has closed before, or the transport has failed.
        assert!(matches!(result, Ok(()) | Err(SendError::Closed)), "{result:?}");
    }

    fn send_parts(&mut self, message: &Message) -> Result<(), SendError> {
        let kind = if message.as_text().is_some() { MessageKind::Text } else { MessageKind::Binary };
        let bytes = message.as_bytes();
        // A text is split between two characters: they have up to three bytes, all the same.
        let at = match message.as_text().and_then(|text| text.chars().next()) {
            Some(char) => char.len_utf8() * self.random.below(bytes.len() / char.len_utf8() + 1),
            None => self.random.below(bytes.len() + 1),
        };
        self.session.send_part(Part::new(kind, bytes.slice(..at)).with_first(true).with_last(false))?;
        self.session.send_part(Part::new(kind, bytes.slice(at..)).with_first(false).with_last(true))
    }

    /// Whether it waits for the transport or for its program.
    fn is_idle(&self) -> bool {
        let session = &self.session;
        session.connection().state() == State::Open && session.unsent() == 0 && session.wants_read()
    }

    fn ended(&self) -> Option<&Ended> {
        self.session.ended()
    }
}

/// Runs both ends in the order of the schedule until both have ended.
fn run(random: &mut Schedule, ends: &mut [End; 2], pipes: &mut [Pipe; 2]) {
    let mut now = Duration::ZERO;
    for _ in 0..MAX_STEPS {
        let is_first = random.one_in(2);
        let [first, second] = &mut *ends;
        let (end, other) = if is_first { (first, second) } else { (second, first) };
        let [there, back] = &mut *pipes;
        let (output, input) = if is_first { (there, back) } else { (back, there) };
        // Time passes only while both pipes are empty, so that both ends send Pings and free memory, and no deadline passes.
        if random.one_in(8) && input.bytes.is_empty() && output.bytes.is_empty() && end.is_idle() && other.is_idle() {
            now += IDLE_TIME;
        }
        let mut does = || !random.one_in(4);
        if does() {
            end.read(input, now);
        }
        while does() && end.poll() {}
        if does() {
            end.send(other.close.is_none());
        }
        if does() {
            end.write(output, other.ended().is_some(), now);
        }
        if end.session.poll_timeout().is_some_and(|at| at <= now) {
            end.session.handle_timeout(now);
            end.has_news = true;
        }
        assert!(end.session.unsent() <= MAX_LEN + 64 * 1024 + 1000, "the output grows");
        if let [Some(_), Some(_)] = [end.ended(), other.ended()] {
            return;
        }
    }
    let states = ends.each_ref().map(|end| (end.session.connection().state(), end.session.unsent()));
    panic!("the ends wait for each other: {states:?}");
}

/// Checks the end of the connection and the messages at one end.
fn check(end: &End, other: &End, has_faults: bool) {
    let ended = end.ended().unwrap();
    assert!(other.sent.starts_with(&end.received), "received {} messages, or others", end.received.len());
    assert!(ended.clean || has_faults, "{ended:?}");
    // Without the Close of the other end. Its reply may be lost.
    if ended.code == CloseCode::ABNORMAL {
        assert_eq!(ended.by, EndedBy::Transport, "{ended:?}");
        return;
    }
    assert_eq!(end.received.len(), other.sent.len(), "a Close follows all messages");
    // A reply has the code of the Close.
    let from = if other.has_closed { other } else { end };
    assert!(from.has_closed);
    assert_eq!(ended.code, from.close.unwrap_or(CloseCode::NO_STATUS));
    if !end.has_closed || !other.has_closed {
        assert_eq!(ended.by, if end.has_closed { EndedBy::Us } else { EndedBy::Peer });
    }
}

fn exchange(mut random: Schedule, is_compressed: bool, has_faults: bool) {
    let has_handshake = is_compressed || random.one_in(8);
    let mut ends = [Role::Client, Role::Server].map(|role| End::new(role, &mut random, has_handshake, is_compressed));
    let mut schedule = || {
        let schedule = random.fork();
        if has_faults { schedule.may_fail_within(3000) } else { schedule }
    };
    let mut pipe = |_| Pipe { bytes: Vec::new(), has_ended: false, reads: schedule(), writes: schedule() };
    let mut pipes = [0, 1].map(&mut pipe);
    run(&mut random, &mut ends, &mut pipes);
    let [client, server] = &ends;
    check(client, server, has_faults);
    check(server, client, has_faults);
}

fn for_each(seeds: u64, is_compressed: bool, has_faults: bool) {
    let limit = if is_compressed { MAX_DEFLATE_MEMORY } else { MAX_MEMORY };
    for_each_seed(0..seeds, |random| {
        let ((), heap) = measure(|| exchange(random, is_compressed, has_faults));
        assert!(heap.peak < limit, "{heap:?}");
    });
}

#[test]
fn messages_arrive_once_and_in_order() {
    for_each(40_000, false, false);
}

#[test]
fn messages_before_a_fault_arrive_once_and_in_order() {
    for_each(40_000, false, true);
}

#[cfg(feature = "permessage-deflate")]
#[test]
fn compressed_messages_arrive_once_and_in_order() {
    for_each(2500, true, false);
}

#[cfg(feature = "permessage-deflate")]
#[test]
fn compressed_messages_before_a_fault_arrive_once_and_in_order() {
    for_each(2500, true, true);
}
