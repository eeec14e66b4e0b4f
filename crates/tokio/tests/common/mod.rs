//! A transport in memory that follows a script, and the peer at its other end, which runs without tasks and without time.
#![allow(dead_code, reason = "each test file uses only a part")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "an error in a test should panic"
)]

mod scripted;
pub(crate) mod tls;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use protocol_websocket::http::Destination;
use protocol_websocket::{Connection, Role};
use protocol_websocket_tokio::{Accept, Config, Event, Message, Negotiated, Offer, Session, WebSocket};
#[allow(unused_imports, reason = "each test file uses only a part")]
pub(crate) use scripted::{Op, Script, ScriptedIo, Wire};

/// Returns an open connection of this role.
pub(crate) fn open(role: Role, config: Config) -> Session {
    Session::new(match role {
        Role::Client => Connection::open_client(&Negotiated::default(), config, |key: &mut [u8]| key.fill(7)),
        Role::Server => Connection::open_server(&Negotiated::default(), config),
    })
}

/// Returns an open WebSocket of this role over a scripted transport, and its peer.
pub(crate) fn pair(role: Role, config: Config, script: Script) -> (WebSocket<ScriptedIo>, Peer) {
    let peer_role = if role == Role::Client { Role::Server } else { Role::Client };
    let (io, peer) = Peer::new(open(peer_role, Config::new()), script);
    (WebSocket::new(io, open(role, config)), peer)
}

/// Returns messages of many lengths, all different.
pub(crate) fn messages(lens: &[usize]) -> Vec<Message> {
    let message = |(seed, &len): (usize, &usize)| {
        let bytes: Vec<u8> = test_support::noise::noise(u32::try_from(seed).unwrap()).take(len).collect();
        match seed % 2 {
            0 => Message::from(bytes),
            _ => Message::from(bytes.iter().map(|byte| char::from(byte & 0x7F)).collect::<String>()),
        }
    };
    lens.iter().enumerate().map(message).collect()
}

/// Polls `future` at most `polls` times, and lets the peer run after each poll.
pub(crate) fn poll_at_most<F: Future>(future: F, polls: usize, peer: &mut Peer) -> Option<F::Output> {
    // Outside of the budget of the test's task, which does not yield.
    let mut future = pin!(tokio::task::unconstrained(future));
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
        peer.step();
    }
    None
}

/// Calls `check` with each n until it returns true.
pub(crate) fn for_each_n(mut check: impl FnMut(usize) -> bool) {
    let completes = (0..10_000).any(|n| {
        let completes = check(n);
        assert!(n > 0 || !completes, "the future was not polled");
        completes
    });
    assert!(completes, "the future did not complete");
}

/// Polls `future` at most `polls` times, each time when it was woken.
pub(crate) async fn poll_when_woken<F: Future>(future: F, mut polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if polls > 0
            && let Poll::Ready(output) = future.as_mut().poll(context)
        {
            return Poll::Ready(Some(output));
        }
        polls = polls.saturating_sub(1);
        if polls == 0 { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

/// Completes `future` while the peer runs. Panics if both wait for each other.
pub(crate) async fn drive<F: Future>(future: F, peer: &mut Peer) -> F::Output {
    let mut future = pin!(future);
    let both = poll_fn(|context| {
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(output);
            }
            if !peer.step() {
                return Poll::Pending;
            }
        }
    });
    // The time is first, because a late poll could complete a future that was not woken.
    tokio::select! {
        biased;
        () = tokio::time::sleep(Duration::from_secs(86_400)) => panic!("both ends wait for each other"),
        output = both => output,
    }
}

/// The other end of a scripted transport.
pub(crate) struct Peer {
    pub(crate) session: Session,
    pub(crate) wire: Wire,
    /// The messages that arrived.
    pub(crate) messages: Vec<Message>,
    /// The number of other events that arrived.
    pub(crate) pings: usize,
    pub(crate) closes: usize,
    /// Every byte that arrived.
    pub(crate) received: Vec<u8>,
    /// The peer does not read.
    pub(crate) is_stopped: bool,
    /// The peer sends each message back.
    pub(crate) echoes: bool,
}

impl Peer {
    pub(crate) fn new(session: Session, script: Script) -> (ScriptedIo, Self) {
        let (io, wire) = scripted::transport(script);
        let peer = Self {
            session,
            wire,
            messages: Vec::new(),
            pings: 0,
            closes: 0,
            received: Vec::new(),
            is_stopped: false,
            echoes: false,
        };
        (io, peer)
    }

    /// Returns a server that has not received the request.
    pub(crate) fn server(script: Script) -> (ScriptedIo, Self) {
        Self::new(Session::server(Config::new()), script)
    }

    /// Returns a client that has queued the request.
    pub(crate) fn client(script: Script) -> (ScriptedIo, Self) {
        let destination = Destination::new("example.com", "/");
        let random = |bytes: &mut [u8]| bytes.fill(7);
        Self::new(Session::client(destination, &Offer::new(), Config::new(), random).unwrap(), script)
    }

    pub(crate) fn send_all(&mut self, messages: &[Message]) {
        for message in messages {
            self.session.send(message).unwrap();
        }
        self.step();
    }

    /// Reads, handles its events and writes. Returns whether there was something to do.
    pub(crate) fn step(&mut self) -> bool {
        if self.is_stopped {
            return false;
        }
        let (bytes, has_shut_down) = self.wire.take_output();
        let mut has_moved = !bytes.is_empty();
        self.received.extend_from_slice(&bytes);
        self.session.read_buffer().extend_from_slice(&bytes);
        self.session.received(Duration::ZERO);
        if has_shut_down {
            self.session.received_eof();
        }
        while let Some(event) = self.session.poll_event() {
            has_moved = true;
            match event {
                Event::Upgrade(upgrade) => self.session.accept(upgrade, &Accept::new()).unwrap(),
                Event::Message(message) => {
                    if self.echoes {
                        self.session.send(&message).unwrap();
                    }
                    self.messages.push(message);
                }
                Event::Ping(_) => self.pings += 1,
                Event::Close(_) => self.closes += 1,
                _ => {}
            }
        }
        let unsent = self.session.unsent_chunks().collect::<Vec<_>>().concat();
        has_moved |= !unsent.is_empty();
        self.session.written(unsent.len(), Duration::ZERO);
        self.wire.push(&unsent);
        if self.session.ended().is_some() {
            has_moved |= self.wire.end();
        }
        has_moved
    }
}
