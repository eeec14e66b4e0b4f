//! The counters of a session for each way to send and to receive, and the round trip of a Ping.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use core::time::Duration;

use bytes::Bytes;
use common::{client, masked, server, text_part};
use protocol_websocket_connection::{
    CloseCode, Config, Connection, Delivery, Event, Frame, Prepared, Rsv, SendError, Session, Stats, Timeouts,
};
use test_extensions::Runs;

/// Returns the numbers of messages and of payload bytes that were sent.
fn sent(session: &Session) -> (u64, u64) {
    let stats = session.stats();
    (stats.messages_sent, stats.payload_sent)
}

/// Returns the numbers of messages and of payload bytes that were received.
fn received(session: &Session) -> (u64, u64) {
    let stats = session.stats();
    (stats.messages_received, stats.payload_received)
}

fn read(session: &mut Session, bytes: &[u8], now: Duration) {
    session.read_buffer().extend_from_slice(bytes);
    session.received(now);
}

fn write(session: &mut Session, now: Duration) {
    session.written(session.unsent(), now);
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn each_way_to_send_is_counted_once() {
    for make in [server, client] {
        let mut session = Session::new(make(&Config::new()));
        assert_eq!(session.stats(), Stats::default());
        session.send("one").unwrap();
        assert_eq!(sent(&session), (1, 3));
        session.send(vec![7; 5000]).unwrap();
        assert_eq!(sent(&session), (2, 5003));
        session.send(&[7; 5000][..]).unwrap();
        assert_eq!(sent(&session), (3, 10_003));
        session.send_prepared(&mut Prepared::new("four")).unwrap();
        session.send_prepared(&mut Prepared::new(vec![7; 6000])).unwrap();
        assert_eq!(sent(&session), (5, 16_007));
        session.send_part(text_part("six", true, false)).unwrap();
        session.send_part(text_part("SIX", false, false)).unwrap();
        assert_eq!(sent(&session), (5, 16_013), "the message is not complete");
        session.send_part(text_part("", false, true)).unwrap();
        assert_eq!(sent(&session), (6, 16_013));
        session.send_frame(&Frame::text("se").with_fin(false)).unwrap();
        session.send_frame(&Frame::continuation("ven")).unwrap();
        assert_eq!(sent(&session), (7, 16_018));
        assert_eq!(session.stats().unsent, session.unsent());
    }
}

#[test]
fn control_frames_and_messages_that_were_not_sent_are_not_counted() {
    let mut session = Session::new(server(&Config::new()));
    session.ping("p").unwrap();
    session.pong("p").unwrap();
    session.send_frame(&Frame::ping("p")).unwrap();
    session.close(CloseCode::NORMAL).unwrap();
    assert_eq!(session.send("late"), Err(SendError::Closed));
    assert_eq!(session.send(vec![7; 5000]), Err(SendError::Closed));
    assert_eq!(session.send_prepared(&mut Prepared::new("late")), Err(SendError::Closed));
    assert_eq!(session.send_prepared(&mut Prepared::new(vec![7; 5000])), Err(SendError::Closed));
    assert_eq!(session.send_part(text_part("late", true, true)), Err(SendError::Closed));
    assert_eq!(session.send_frame(&Frame::text("late")), Err(SendError::Closed));
    read(&mut session, &masked(Frame::ping("p")), secs(0));
    while session.poll_event().is_some() {}
    assert_eq!((sent(&session), received(&session)), ((0, 0), (0, 0)));
}

#[test]
fn each_way_to_receive_is_counted_once() {
    let mut wire = masked(Frame::text("one"));
    wire.extend_from_slice(&masked(Frame::text("t").with_fin(false)));
    wire.extend_from_slice(&masked(Frame::ping("p")));
    wire.extend_from_slice(&masked(Frame::continuation("wo")));
    wire.extend_from_slice(&masked(Frame::binary(vec![7; 300])));

    let mut polled = Session::new(server(&Config::new()));
    read(&mut polled, &wire, secs(0));
    assert_eq!(received(&polled), (0, 0), "no event was polled");
    assert_eq!(polled.poll_event(), Some(Event::Message("one".into())));
    assert_eq!(received(&polled), (1, 3));
    while polled.poll_event().is_some() {}
    assert_eq!(received(&polled), (3, 306));

    let mut lent = Session::new(server(&Config::new()));
    read(&mut lent, &wire, secs(0));
    while lent.poll_event_with(|_, _| ()).is_some() {}
    assert_eq!(received(&lent), (3, 306));

    let mut direct = Session::new(server(&Config::new()));
    direct.receive_with(&mut wire.clone(), secs(0), |_, _| ());
    assert_eq!(received(&direct), (1, 3));
    while direct.poll_event_with(|_, _| ()).is_some() {}
    assert_eq!(received(&direct), (3, 306));
    direct.receive_with(&mut wire.clone()[..5], secs(0), |_, _| ());
    direct.receive_with(&mut wire.clone()[5..], secs(0), |_, _| ());
    while direct.poll_event_with(|_, _| ()).is_some() {}
    assert_eq!(received(&direct), (6, 612));
}

#[test]
fn message_in_parts_is_received_once() {
    let config = Config::new().delivery(Delivery::Parts).min_part(1);
    let wire = masked(Frame::text("Hello"));
    for lends in [false, true] {
        let mut session = Session::new(server(&config));
        let mut poll = |bytes: &[u8]| {
            read(&mut session, bytes, secs(0));
            while if lends { session.poll_event_with(|_, _| ()).is_some() } else { session.poll_event().is_some() } {}
            received(&session)
        };
        let (first, last) = wire.split_at(8);
        assert_eq!(poll(first), (0, 2));
        assert_eq!(poll(last), (1, 5));
    }
}

#[test]
fn payloads_count_without_the_encoding_by_extensions() {
    let extended = |mut connection: Connection| {
        connection.add_extension(Runs::new(9).pair(), Rsv::RSV2);
        Session::new(connection)
    };
    let (mut client, mut server) = (extended(client(&Config::new())), extended(server(&Config::new())));
    client.send("aaaaaaaab").unwrap();
    let wire = client.unsent_chunks().collect::<Vec<_>>().concat();
    assert!(wire.len() < 6 + 9);
    read(&mut server, &wire, secs(0));
    assert_eq!(server.poll_event(), Some(Event::Message("aaaaaaaab".into())));
    assert_eq!((sent(&client), received(&server)), ((1, 9), (1, 9)));
}

#[test]
fn round_trip_lasts_from_the_write_of_the_ping_to_the_arrival_of_its_pong() {
    let mut session = Session::new(server(&Config::new()));
    session.started(secs(10));
    // A shared payload before it, and a message after it.
    session.send(Bytes::from(vec![7; 5000])).unwrap();
    session.ping("1").unwrap();
    let until_ping = session.unsent();
    session.send("after").unwrap();
    session.written(until_ping - 1, secs(20));
    // The Pong of a Ping that was not written is unsolicited.
    read(&mut session, &masked(Frame::pong("1")), secs(21));
    assert_eq!(session.poll_event(), Some(Event::Pong("1".into())));
    assert_eq!(session.stats().round_trip, None);
    session.written(1, secs(30));
    session.written(session.unsent(), secs(31));
    read(&mut session, &masked(Frame::pong("other")), secs(32));
    read(&mut session, &masked(Frame::pong("1")), secs(33));
    // The time is that of the arrival, whenever the event is polled.
    assert_eq!(session.poll_event(), Some(Event::Pong("other".into())));
    assert_eq!(session.stats().round_trip, None);
    assert_eq!(session.poll_event(), Some(Event::Pong("1".into())));
    assert_eq!(session.stats().round_trip, Some(secs(3)));
    // A second Pong is unsolicited, and a Ping without a Pong changes nothing.
    read(&mut session, &masked(Frame::pong("1")), secs(40));
    while session.poll_event().is_some() {}
    session.send_frame(&Frame::ping("2")).unwrap();
    write(&mut session, secs(41));
    assert_eq!(session.stats().round_trip, Some(secs(3)));
    session.receive_with(&mut masked(Frame::pong("2")), secs(42), |_, _| ());
    assert_eq!(session.stats().round_trip, Some(secs(1)));
}

#[test]
fn ping_with_the_payload_of_an_unanswered_one_is_not_measured() {
    let mut session = Session::new(server(&Config::new()));
    for sent_at in [0, 9] {
        session.ping("").unwrap();
        write(&mut session, secs(sent_at));
    }
    for (arrives_at, round_trip) in [(10, 10), (11, 10)] {
        read(&mut session, &masked(Frame::pong("")), secs(arrives_at));
        while session.poll_event().is_some() {}
        assert_eq!(session.stats().round_trip, Some(secs(round_trip)));
    }
}

#[test]
fn round_trip_of_a_ping_after_an_interval_is_measured() {
    let mut session = Session::new(server(&Config::new().timeouts(Timeouts::RECOMMENDED)));
    session.handle_timeout(secs(100));
    session.handle_timeout(secs(120));
    assert!(session.unsent() > 0, "a Ping is due");
    write(&mut session, secs(121));
    read(&mut session, &masked(Frame::pong("")), secs(123));
    while session.poll_event().is_some() {}
    assert_eq!((session.stats().round_trip, session.stats().age), (Some(secs(2)), secs(23)));
}

#[test]
fn age_begins_with_the_start_or_the_first_time() {
    let mut session = Session::new(server(&Config::new()));
    assert_eq!(session.stats().age, secs(0));
    session.received(secs(100));
    assert_eq!(session.stats().age, secs(0));
    session.received(secs(107));
    assert_eq!(session.stats().age, secs(7));
    // The clock does not go back.
    session.received(secs(50));
    assert_eq!(session.stats().age, secs(7));

    let mut session = Session::new(server(&Config::new()));
    session.started(secs(100));
    session.received(secs(101));
    assert_eq!(session.stats().age, secs(1));
    session.send("x").unwrap();
    let mut session = Session::from_parts(session.into_parts());
    assert_eq!((session.stats().age, sent(&session)), (secs(0), (0, 0)));
    session.received(secs(103));
    assert_eq!(session.stats().age, secs(2));
}
