//! A session carries its unread input and its unsent bytes.

use std::time::Duration;

use protocol_websocket_connection::{
    Config, Connection, Event, Frame, Negotiated, ResumeError, Role, Session, Timeouts, Version,
};

use super::common::masked;
use super::{key, open};

fn session() -> Session {
    Session::new(open(Role::Server, Version::Rfc6455, &Config::new()))
}

fn hand_over(session: &mut Session) -> Session {
    let config = session.connection().config().clone();
    let state = session.suspend().unwrap();
    match session.connection().role() {
        Role::Server => Session::resume_server(state.as_bytes(), config).unwrap(),
        Role::Client => Session::resume_client(state.as_bytes(), config, key).unwrap(),
    }
}

#[test]
fn unread_input_is_carried() {
    let mut session = session();
    for text in ["one", "two", "three"] {
        session.read_buffer().extend_from_slice(&masked(Frame::text(text)));
    }
    session.received(Duration::ZERO);
    assert_eq!(session.poll_event(), Some(Event::Message("one".into())));
    let mut session = hand_over(&mut session);
    assert_eq!(session.poll_event(), Some(Event::Message("two".into())));
    let mut session = hand_over(&mut session);
    assert_eq!(session.poll_event(), Some(Event::Message("three".into())));
    assert_eq!(session.poll_event(), None);
    assert!(session.wants_read());
}

#[test]
fn unsent_bytes_are_carried_in_order() {
    let mut session = session();
    session.send("short").unwrap();
    session.send(vec![b'x'; 10_000]).unwrap();
    session.send("last").unwrap();
    let bytes = |session: &Session| session.unsent_chunks().collect::<Vec<_>>().concat();
    let before = bytes(&session);
    session.written(4, Duration::ZERO);
    let mut resumed = hand_over(&mut session);
    assert_eq!(bytes(&resumed), before[4..]);
    assert_eq!(bytes(&session), before[4..], "the old session can continue");
    resumed.written(before.len() - 4, Duration::ZERO);
    assert_eq!(resumed.unsent(), 0);
}

#[test]
fn end_of_the_transport_is_carried() {
    let mut session = session();
    session.read_buffer().extend_from_slice(&masked(Frame::text("last")));
    session.received(Duration::ZERO);
    session.received_eof();
    let mut session = hand_over(&mut session);
    assert_eq!(session.poll_event(), Some(Event::Message("last".into())));
    assert_eq!(session.poll_event(), None);
    assert!(session.ended().is_some_and(|ended| !ended.clean));
}

#[test]
fn client_session_continues() {
    let mut session = Session::new(open(Role::Client, Version::Rfc6455, &Config::new()));
    session.read_buffer().extend_from_slice(b"\x81\x05Hel");
    session.received(Duration::ZERO);
    assert_eq!(session.poll_event(), None);
    let mut session = hand_over(&mut session);
    assert_eq!(session.poll_event(), None);
    session.read_buffer().extend_from_slice(b"lo");
    session.received(Duration::ZERO);
    assert_eq!(session.poll_event(), Some(Event::Message("Hello".into())));
}

#[test]
fn clock_can_continue_at_now() {
    let secs = Duration::from_secs;
    let config = Config::new().timeouts(Timeouts::NONE.idle(Some(secs(300))));
    let mut session = Session::new(open(Role::Server, Version::Rfc6455, &config));
    session.handle_timeout(secs(1000));
    session.handle_timeout(secs(1100));
    let mut session = hand_over(&mut session);
    assert_eq!(session.now(), secs(100));
    session.handle_timeout(secs(100));
    assert_eq!(session.poll_timeout(), Some(secs(300)));
}

#[test]
fn rejects_state_of_a_connection() {
    let mut connection = Connection::open_server(&Negotiated::default(), Config::new());
    let state = connection.suspend().unwrap();
    assert_eq!(Session::resume_server(state.as_bytes(), Config::new()).err(), Some(ResumeError::WrongKind));
    let state = session().suspend().unwrap();
    assert_eq!(Connection::resume_server(state.as_bytes(), Config::new()).err(), Some(ResumeError::WrongKind));
}
