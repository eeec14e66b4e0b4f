//! `Timeouts::release_memory`: the extensions of an idle direction free memory.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/counted.rs"]
mod counted;

use std::time::Duration;

use bytes::BytesMut;
use counted::Counted;
use protocol_websocket_connection::{Config, Connection, ExtensionPair, Negotiated, Rsv, Session, Timeouts};

const IDLE: Duration = Duration::from_secs(60);
const MESSAGE: &[u8] = b"\x81\x82\0\0\0\0hi";
const PING: &[u8] = b"\x89\x80\0\0\0\0";

/// A server with an extension, and the numbers of releases of its decoder and its encoder.
struct Server {
    connection: Connection,
    received: Counted,
    sent: Counted,
    output: BytesMut,
}

impl Server {
    fn new(timeouts: Timeouts) -> Self {
        let config = Config::new().timeouts(timeouts);
        let mut connection = Connection::open_server(&Negotiated::default(), config);
        let (received, sent) = (Counted::default(), Counted::default());
        connection.add_extension(ExtensionPair::new(received.clone(), sent.clone()), Rsv::NONE);
        Self { connection, received, sent, output: BytesMut::new() }
    }

    fn receive(&mut self, bytes: &[u8]) {
        assert!(self.connection.receive(&mut BytesMut::from(bytes), &mut self.output).unwrap().is_some());
    }

    fn send(&mut self) {
        self.connection.send("hello", &mut self.output).unwrap();
    }

    /// Handles what is due at this second, as an event loop does.
    fn handle(&mut self, second: u64) {
        self.output.clear();
        self.connection.flush(&mut self.output);
        let now = Duration::from_secs(second);
        while self.connection.poll_timeout().is_some_and(|at| at <= now) {
            self.connection.handle_timeout(now, &mut self.output).unwrap();
        }
    }

    fn released(&self) -> (usize, usize) {
        (self.received.released(), self.sent.released())
    }
}

fn only(timeout: Duration) -> Timeouts {
    Timeouts::NONE.release_memory(Some(timeout))
}

#[test]
fn each_direction_releases_memory_after_its_last_message() {
    let mut server = Server::new(only(IDLE));
    server.receive(MESSAGE);
    server.handle(10);
    server.send();
    server.handle(30);
    assert_eq!(server.connection.poll_timeout(), Some(Duration::from_secs(70)));
    server.handle(69);
    assert_eq!(server.released(), (0, 0));
    server.handle(70);
    assert_eq!(server.released(), (1, 0));
    server.handle(90);
    assert_eq!((server.released(), server.connection.poll_timeout()), ((1, 1), None));
    // Another message starts the time again.
    server.receive(MESSAGE);
    server.handle(1000);
    assert_eq!((server.released(), server.connection.poll_timeout()), ((1, 1), Some(Duration::from_secs(1060))));
    server.handle(1060);
    assert_eq!(server.released(), (2, 1));
}

#[test]
fn messages_delay_the_release() {
    let mut server = Server::new(only(IDLE));
    for second in (0..600).step_by(50) {
        server.receive(MESSAGE);
        server.send();
        server.handle(second);
    }
    assert_eq!(server.released(), (0, 0));
    // The last message was at 550 s.
    (551..610).for_each(|second| server.handle(second));
    assert_eq!(server.released(), (0, 0));
    (610..=670).for_each(|second| server.handle(second));
    assert_eq!(server.released(), (1, 1));
}

#[test]
fn pings_do_not_delay_the_release() {
    let mut server = Server::new(Timeouts::RECOMMENDED);
    server.receive(MESSAGE);
    for second in (0..=60).step_by(10) {
        assert_eq!(server.released(), (0, 0));
        server.receive(PING);
        server.handle(second);
    }
    assert_eq!(server.released(), (1, 0));
}

#[test]
fn timer_runs_only_if_it_is_configured_and_an_extension_was_used() {
    let mut server = Server::new(Timeouts::NONE);
    server.receive(MESSAGE);
    server.send();
    assert_eq!(server.connection.poll_timeout(), None);
    let mut server = Server::new(only(IDLE));
    assert_eq!(server.connection.poll_timeout(), None);
    server.receive(PING);
    assert_eq!(server.connection.poll_timeout(), None);
    let mut plain = Connection::open_server(&Negotiated::default(), Config::new().timeouts(only(IDLE)));
    plain.send("hello", &mut BytesMut::new()).unwrap();
    assert_eq!(plain.poll_timeout(), None);
}

#[test]
fn zero_releases_memory_at_once() {
    let mut server = Server::new(only(Duration::ZERO));
    for count in 1..4 {
        server.receive(MESSAGE);
        server.send();
        server.handle(7);
        assert_eq!(server.released(), (count, count));
    }
}

#[test]
fn connection_that_closes_has_no_such_timer() {
    let mut server = Server::new(only(IDLE));
    server.receive(MESSAGE);
    server.send();
    server.connection.close(None, &mut server.output).unwrap();
    assert_eq!(server.connection.poll_timeout(), None);
}

#[test]
fn each_half_releases_its_own_memory() {
    let Server { connection, received, sent, mut output } = Server::new(only(IDLE));
    let (mut receiver, mut sender) = connection.split();
    receiver.receive(&mut BytesMut::from(MESSAGE)).unwrap();
    sender.send("hello", &mut output).unwrap();
    for second in [0, 60] {
        let now = Duration::from_secs(second);
        assert!(
            receiver.poll_timeout().is_some_and(|at| at <= now) && sender.poll_timeout().is_some_and(|at| at <= now)
        );
        assert_eq!((received.released(), sent.released()), (0, 0));
        receiver.handle_timeout(now, output.len()).unwrap();
        assert_eq!(sent.released(), 0);
        sender.handle_timeout(now, &mut output).unwrap();
    }
    assert_eq!((received.released(), sent.released()), (1, 1));
    assert_eq!((receiver.poll_timeout(), sender.poll_timeout()), (None, None));
}

#[test]
fn session_releases_memory() {
    let Server { connection, received, sent, .. } = Server::new(only(IDLE));
    let mut session = Session::new(connection);
    session.read_buffer().extend_from_slice(MESSAGE);
    session.received(Duration::from_secs(5));
    assert!(session.poll_event().is_some() && session.poll_event().is_none());
    session.send("hello").unwrap();
    session.written(session.unsent(), Duration::from_secs(5));
    assert_eq!(session.poll_timeout(), Some(Duration::from_secs(65)));
    session.handle_timeout(Duration::from_secs(65));
    assert_eq!((received.released(), sent.released(), session.poll_timeout()), (1, 1, None));
}
