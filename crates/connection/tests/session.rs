//! A session: the order of events, writes, deadlines and the end.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::{Bytes, BytesMut};
use common::{client, masked, server, text_part, unmasked};
use protocol_websocket_connection::{
    CloseCode, Config, Connection, Delivery, EndedBy, Error, Event, EventRef, ExtensionParams, Negotiated, Outbox,
    SendError, Session, State, Timeout, Timeouts,
};
use protocol_websocket_frame::Frame;
use test_extensions::Flip;

const START: Duration = Duration::from_secs(100);

fn at(secs: u64) -> Duration {
    START + Duration::from_secs(secs)
}

fn session(config: &Config) -> Session {
    let mut session = Session::new(server(config));
    session.handle_timeout(START);
    session
}

fn read(session: &mut Session, bytes: &[u8], now: Duration) {
    session.read_buffer().extend_from_slice(bytes);
    session.received(now);
}

fn poll_all(session: &mut Session) -> Vec<Event> {
    core::iter::from_fn(|| session.poll_event()).collect()
}

fn unsent(session: &Session) -> Vec<u8> {
    session.unsent_chunks().collect::<Vec<_>>().concat()
}

/// Writes everything.
fn write(session: &mut Session, now: Duration) -> Vec<u8> {
    let bytes = unsent(session);
    session.written(bytes.len(), now);
    bytes
}

#[test]
fn events_of_a_callers_buffer_are_those_of_the_read_buffer() {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let frames = [
        Frame::text("a"),
        Frame::ping("p"),
        Frame::text("Grü").with_fin(false),
        Frame::continuation("ße"),
        Frame::binary(vec![7; 300]),
        Frame::close(Some(CloseCode::NORMAL.into())).unwrap(),
    ];
    let wire = frames.map(masked).concat();
    for broken in [false, true] {
        let wire = if broken { [&wire[..7], b"\xFF\xFF"].concat() } else { [&wire[..], b"late"].concat() };
        for first in 0..wire.len() {
            for second in [first + 1, wire.len()] {
                let pieces = [&wire[..first], &wire[first..second], &wire[second..]];
                let (mut copied, mut lent) = (session(&config), session(&config));
                let (mut expected, mut received) = (Vec::new(), Vec::new());
                for (piece, now) in pieces.into_iter().zip([at(1), at(2), at(3)]) {
                    read(&mut copied, piece, now);
                    expected.extend(poll_all(&mut copied));
                    received.extend(lent.receive_with(&mut piece.to_vec(), now, |event, _| Event::from(event)));
                    received.extend(poll_all(&mut lent));
                    assert_eq!(lent.poll_timeout(), copied.poll_timeout());
                    assert_eq!(lent.read_buffer().capacity(), 0);
                }
                assert_eq!((received, unsent(&lent)), (expected, unsent(&copied)));
                write(&mut copied, at(4));
                write(&mut lent, at(4));
                assert_eq!(lent.ended(), copied.ended());
                assert!(lent.ended().is_some());
            }
        }
    }
}

/// Polls all events with a closure that panics at the event `panics_at`. `buffered` bytes are in the session, and `bytes`
/// in a buffer of the caller. Returns the other events.
fn events_around_a_panic(session: &mut Session, buffered: &[u8], bytes: &[u8], panics_at: usize) -> Vec<Event> {
    let (mut events, mut count) = (Vec::new(), 0);
    let mut take = |event: EventRef<'_>, _: &mut Outbox| {
        let is_panic = count == panics_at;
        count += 1;
        assert!(!is_panic, "a panic of the program");
        events.push(Event::from(event));
    };
    read(session, buffered, START);
    let mut bytes = (!bytes.is_empty()).then(|| bytes.to_vec());
    while catch_unwind(AssertUnwindSafe(|| match bytes.take() {
        Some(mut bytes) => session.receive_with(&mut bytes, START, &mut take),
        None => session.poll_event_with(&mut take),
    }))
    .map_or(true, |polled| polled.is_some())
    {}
    events
}

#[test]
fn panic_of_the_closure_loses_only_its_event() {
    let frames = [
        Frame::text("a message"),
        Frame::text("Grü").with_fin(false),
        Frame::ping("p"),
        Frame::continuation("ße"),
        Frame::binary(vec![7; 300]),
        Frame::text("another message"),
        Frame::close(Some(CloseCode::NORMAL.into())).unwrap(),
    ];
    let wire = frames.map(masked).concat();
    let mut whole = session(&Config::new());
    let expected = events_around_a_panic(&mut whole, &wire, &[], usize::MAX);
    assert_eq!(expected.len(), 6);
    for buffered in [0, 1, 20, wire.len()] {
        let (buffered, bytes) = wire.split_at(buffered);
        for panics_at in 0..expected.len() {
            let mut session = session(&Config::new());
            let events = events_around_a_panic(&mut session, buffered, bytes, panics_at);
            let others = expected[..panics_at].iter().chain(&expected[panics_at + 1..]);
            assert!(events.iter().eq(others), "{} bytes, event {panics_at}: {events:?}", buffered.len());
            assert_eq!(unsent(&session), unsent(&whole));
            write(&mut session, START);
            assert!(session.ended().unwrap().clean);
        }
    }
}

#[cfg(feature = "server")]
#[test]
fn bytes_of_a_callers_buffer_open_the_connection() {
    use protocol_websocket_connection::Accept;

    let wire = [test_support::heads::REQUEST.as_bytes(), &masked(Frame::text("early"))].concat();
    for position in 0..wire.len() {
        let mut session = Session::server(Config::new());
        let mut events = Vec::new();
        for piece in [&wire[..position], &wire[position..]] {
            events.extend(session.receive_with(&mut piece.to_vec(), START, |event, _| Event::from(event)));
            while let Some(event) = session.poll_event() {
                events.push(event);
            }
            if let Some(Event::Upgrade(_)) = events.first() {
                let Event::Upgrade(upgrade) = events.remove(0) else { panic!() };
                session.accept(upgrade, &Accept::new()).unwrap();
                events.extend(poll_all(&mut session));
            }
        }
        assert!(matches!(&events[..], [Event::Open(_), Event::Message(early)] if early.as_text() == Some("early")));
    }
}

#[test]
fn events_become_lent_and_owned_again() {
    let events = || {
        [
            Event::Open(Negotiated::default().into()),
            Event::Message("text".into()),
            Event::Part(text_part("part", false, true)),
            Event::Ping("ping".into()),
            Event::Pong("pong".into()),
            Event::Close(Some(CloseCode::NORMAL.into())),
        ]
    };
    assert_eq!(events().map(|event| EventRef::from(event).into_owned()), events());
}

#[test]
fn events_before_the_end_of_the_transport_are_returned() {
    let mut session = session(&Config::new());
    read(&mut session, &[masked(Frame::text("a")), masked(Frame::text("b"))].concat(), START);
    session.received_eof();
    assert!(!session.wants_read() && !session.can_read() && session.ended().is_none());
    assert_eq!(poll_all(&mut session), [Event::Message("a".into()), Event::Message("b".into())]);
    let ended = session.ended().unwrap();
    assert_eq!((ended.by, ended.error), (EndedBy::Transport, Some(Error::UnexpectedEof)));
}

#[test]
fn reply_to_a_close_is_written_after_the_end_of_input() {
    let mut session = session(&Config::new());
    read(&mut session, &masked(Frame::close(CloseCode::NORMAL).unwrap()), START);
    session.received_eof();
    assert!(matches!(poll_all(&mut session)[..], [Event::Close(_)]));
    assert!(session.ended().is_none(), "the reply is not written");
    assert_eq!(write(&mut session, START), *b"\x88\x02\x03\xE8");
    assert!(session.ended().unwrap().clean);
}

#[test]
fn close_of_a_failure_is_unsent() {
    let mut session = session(&Config::new());
    read(&mut session, &[&masked(Frame::text("a"))[..], b"\x81\x02hi"].concat(), START);
    assert_eq!(poll_all(&mut session), [Event::Message("a".into())]);
    assert!(!session.wants_read() && session.ended().is_none());
    assert_eq!(write(&mut session, START), *b"\x88\x02\x03\xEA");
    assert!(matches!(session.ended().unwrap().error, Some(Error::Decode(_))));
}

#[test]
fn failed_transport_discards_unsent_bytes() {
    let mut session = session(&Config::new());
    session.send("lost").unwrap();
    read(&mut session, &[masked(Frame::ping("")), masked(Frame::text("a"))].concat(), START);
    session.transport_failed();
    assert_eq!(poll_all(&mut session), [Event::Ping(Bytes::new()), Event::Message("a".into())]);
    assert_eq!((session.unsent(), session.send("late")), (0, Err(SendError::Closed)));
    assert_eq!(session.ended().unwrap().by, EndedBy::Transport);
}

#[test]
fn reads_over_the_high_water_mark_until_the_unsent_bytes_grow() {
    for shared in [false, true] {
        let mut session = session(&Config::new().high_water_mark(10_000));
        let send = |session: &mut Session, len| {
            let message = Bytes::from(vec![1; len]);
            if shared { session.send(message).unwrap() } else { session.send(&message).unwrap() }
        };
        // Two ends that only queue, before the first read, would otherwise wait for each other.
        send(&mut session, 10_000);
        send(&mut session, 10_000);
        assert!(session.is_over_high_water_mark() && session.wants_read());
        for _ in 0..3 {
            read(&mut session, &masked(Frame::text("a")), START);
            assert_eq!(poll_all(&mut session).len(), 1);
            assert!(session.wants_read(), "nothing was sent");
        }
        session.written(1000, START);
        read(&mut session, &masked(Frame::text("a")), START);
        assert_eq!(poll_all(&mut session).len(), 1);
        session.send([0; 996]).unwrap();
        assert!(session.wants_read(), "the unsent bytes are as many as at the first read");
        session.send([]).unwrap();
        assert!(!session.wants_read() && session.can_read(), "the reply is longer than what was written");
        session.written(2, START);
        assert!(session.wants_read());
        // Not over the high-water mark, the next messages are not replies to what was read over it.
        session.written(9999, START);
        assert!(session.wants_read() && session.is_over_high_water_mark());
        send(&mut session, 10_000);
        assert!(!session.wants_read());
        session.written(session.unsent() - 10_000, START);
        assert!(session.wants_read() && !session.is_over_high_water_mark());
        send(&mut session, 50_000);
        assert!(session.wants_read());
    }
}

#[test]
fn reads_over_the_high_water_mark_after_a_close() {
    let mut session = session(&Config::new().high_water_mark(1000));
    session.send([1; 2000]).unwrap();
    read(&mut session, &masked(Frame::text("a")), START);
    assert_eq!(poll_all(&mut session).len(), 1);
    session.send([1; 2000]).unwrap();
    assert!(!session.wants_read());
    session.close(None).unwrap();
    assert!(session.wants_read());
    // Only the latest pong is kept.
    let unsent = session.unsent();
    for _ in 0..100 {
        read(&mut session, &[masked(Frame::text("a")), masked(Frame::ping("p"))].concat(), START);
        assert_eq!(poll_all(&mut session).len(), 2);
        assert!(session.wants_read() && session.unsent() == unsent);
    }
    read(&mut session, &masked(Frame::close(None).unwrap()), START);
    assert!(matches!(poll_all(&mut session)[..], [Event::Close(None)]) && !session.wants_read());
}

/// How a program polls the events of a read.
#[derive(Clone, Copy, Debug)]
enum Poll {
    Owned,
    Lent,
    FromCallersBuffer,
}

/// Sends requests for ever to a program that replies to each with `factor` times its length, and takes only
/// `taken` bytes after each read. Returns the maximum number of unsent bytes.
fn max_unsent_in_a_flood(config: &Config, request: &[u8], factor: usize, taken: usize, poll: Poll) -> usize {
    let mut session = session(config);
    let (mut requests, mut max) = (request.iter().copied().cycle(), 0);
    for _ in 0..300 {
        let reply = |payload: &[u8], outbox: &mut Outbox| outbox.send(payload.repeat(factor)).unwrap();
        let lent = |event: EventRef<'_>, outbox: &mut Outbox| match event {
            EventRef::Message(message) => reply(message.as_bytes(), outbox),
            EventRef::Part(part) => reply(&part.into_owned().bytes, outbox),
            _ => {}
        };
        if session.wants_read() {
            let mut bytes: Vec<u8> = requests.by_ref().take(READ).collect();
            if matches!(poll, Poll::FromCallersBuffer) {
                session.receive_with(&mut bytes, START, lent);
            } else {
                read(&mut session, &bytes, START);
            }
        }
        if matches!(poll, Poll::Owned) {
            while let Some(event) = session.poll_event() {
                match event {
                    Event::Message(message) => reply(message.as_bytes(), &mut session),
                    Event::Part(part) => reply(&part.bytes, &mut session),
                    _ => {}
                }
            }
        } else {
            while session.poll_event_with(lent).is_some() {}
        }
        max = max.max(session.unsent());
        session.written(taken.min(session.unsent()), START);
    }
    max
}

/// The number of bytes that the flood has in each read.
const READ: usize = 1000;

#[test]
fn flood_of_requests_is_answered_up_to_the_mark_and_two_reads() {
    const MARK: usize = 10_000;
    let ping_and_text = [masked(Frame::ping(vec![0; 100])), masked(Frame::text("ten bytes."))].concat();
    let requests = [
        (masked(Frame::text("ten bytes.")).to_vec(), 10),
        (ping_and_text, 10),
        (masked(Frame::binary(vec![1; 600])).to_vec(), 600),
        (masked(Frame::binary(vec![1; 5000])).to_vec(), 5000),
    ];
    for (request, len) in requests {
        for taken in [0, 1, 20, 300, 5000] {
            for (factor, delivery) in
                [(1, Delivery::Whole), (10, Delivery::Whole), (1, Delivery::Parts), (10, Delivery::Parts)]
            {
                for poll in [Poll::Owned, Poll::Lent, Poll::FromCallersBuffer] {
                    let config = Config::new().high_water_mark(MARK).delivery(delivery);
                    let max = max_unsent_in_a_flood(&config, &request, factor, taken, poll);
                    let replies = (READ / request.len() + 1) * (len * factor + 4);
                    let case = format!("{len}, {factor}, {taken}, {poll:?}, {delivery:?}: {max}");
                    assert!(max <= MARK + 2 * replies, "{case}");
                    assert!(max > MARK || taken >= READ, "{case}");
                }
            }
        }
    }
}

#[test]
fn latest_pong_is_kept_over_the_high_water_mark() {
    for shared in [false, true] {
        let mut session = session(&Config::new().high_water_mark(10_000));
        let message = Bytes::from(vec![1; 10_000]);
        if shared {
            session.send(message).unwrap();
        } else {
            session.send(&message).unwrap();
        }
        read(&mut session, &masked(Frame::ping("p")), START);
        assert_eq!(poll_all(&mut session).len(), 1);
        // However the bytes are written.
        for _ in 0..4 {
            assert!(!unsent(&session).ends_with(b"p"));
            session.written(1, START);
        }
        assert_eq!(session.unsent(), 10_000 + 3, "the pong follows");
        assert!(write(&mut session, START).ends_with(b"\x8A\x01p"));
        assert!(session.unsent_chunks().next().is_none());
    }
}

#[test]
fn ping_flood_during_a_shared_payload_is_answered_with_latest_pong() {
    let mut session = session(&Config::new());
    session.send(vec![1; 100_000]).unwrap();
    session.written(10, START);
    for payload in ["a", "b", "c"] {
        read(&mut session, &masked(Frame::ping(payload)), START);
        assert_eq!(poll_all(&mut session).len(), 1);
        assert_eq!(session.unsent(), 100_000);
    }
    session.written(100_000, START);
    assert_eq!(write(&mut session, START), *b"\x8A\x01c");
}

#[test]
fn events_are_polled_before_the_next_read() {
    let mut session = session(&Config::new());
    assert!(session.wants_read());
    read(&mut session, &masked(Frame::text("a")), START);
    assert!(!session.wants_read());
    assert!(session.poll_event().is_some());
    assert!(!session.wants_read(), "more events may be left");
    assert!(session.poll_event().is_none());
    assert!(session.wants_read());
}

#[test]
fn idle_session_has_no_buffers() {
    let mut session = session(&Config::new());
    read(&mut session, &masked(Frame::binary(vec![1; 5000])), START);
    let events = poll_all(&mut session);
    assert_eq!(session.read_buffer().capacity(), 0);
    let [Event::Message(message)] = &events[..] else { panic!("{events:?}") };
    session.send(message).unwrap();
    write(&mut session, START);
    assert_eq!(session.into_parts().unsent.capacity(), 0);
}

#[test]
fn arrivals_have_the_time_of_the_read() {
    let mut session = session(&Config::new().timeouts(Timeouts::RECOMMENDED));
    assert_eq!(session.poll_timeout(), Some(at(20)));
    read(&mut session, &masked(Frame::text("a")), at(5));
    assert_eq!(session.poll_timeout(), Some(at(25)));
    poll_all(&mut session);
    assert_eq!(session.poll_timeout(), Some(at(25)), "no other call is needed");
    session.handle_timeout(at(25));
    assert_eq!(write(&mut session, at(26)), *b"\x89\x00");
    assert_eq!(session.poll_timeout(), Some(at(46)), "the deadline starts with the write");
    session.handle_timeout(at(46));
    assert_eq!(write(&mut session, at(46)), *b"\x88\x02\x03\xF3");
    assert_eq!(session.ended().unwrap().error, Some(Error::Timeout(Timeout::Pong)));
}

#[test]
fn pong_deadline_waits_for_shared_payloads() {
    let mut session = session(&Config::new().timeouts(Timeouts::RECOMMENDED));
    session.handle_timeout(at(20));
    session.send(vec![1; 100_000]).unwrap();
    // The Ping and the header of the message were written, the payload was not.
    session.written(12, at(21));
    for second in 22..200 {
        session.written(1, at(second));
        session.handle_timeout(at(second));
        assert_eq!(session.connection().state(), State::Open);
    }
    write(&mut session, at(200));
    assert_eq!(session.poll_timeout(), Some(at(220)));
}

#[test]
fn peer_that_does_not_read_the_close_times_out() {
    let mut session = session(&Config::new().timeouts(Timeouts::RECOMMENDED));
    session.send(vec![1; 1000]).unwrap();
    session.written(1, at(0));
    session.close(CloseCode::GOING_AWAY).unwrap();
    session.handle_timeout(at(50));
    assert_eq!(session.poll_timeout(), Some(at(60)));
    session.written(1, at(59));
    assert_eq!(session.poll_timeout(), Some(at(69)), "a byte was written");
    session.handle_timeout(at(68));
    assert!(session.ended().is_none());
    session.handle_timeout(at(69));
    let ended = session.ended().unwrap();
    assert_eq!((ended.by, ended.error), (EndedBy::Timeout, Some(Error::Timeout(Timeout::Close))));
    assert_eq!((session.unsent(), session.poll_timeout()), (0, None));
}

#[test]
fn open_connection_whose_peer_does_not_read_times_out() {
    for shared in [false, true] {
        let mut session = session(&Config::new().timeouts(Timeouts::RECOMMENDED));
        let message = vec![1; 100_000];
        if shared {
            session.send(message).unwrap();
        } else {
            session.send(&message).unwrap();
        }
        session.handle_timeout(at(20));
        session.handle_timeout(at(20));
        session.written(1, at(30));
        session.handle_timeout(at(40));
        assert_eq!(session.poll_timeout(), Some(at(60)), "a byte was written");
        session.handle_timeout(at(60));
        assert!(session.ended().is_none(), "the Close is unsent");
        session.handle_timeout(at(69));
        assert!(session.ended().is_none());
        session.handle_timeout(at(70));
        assert_eq!(session.ended().unwrap().error, Some(Error::Timeout(Timeout::Pong)));
        assert_eq!((session.unsent(), session.poll_timeout()), (0, None));
    }
}

#[test]
fn peer_that_reads_a_byte_now_and_then_has_ten_times_the_timeout() {
    for by_peer in [false, true] {
        let mut session = session(&Config::new().timeouts(Timeouts::RECOMMENDED));
        session.send(vec![1; 1000]).unwrap();
        if by_peer {
            read(&mut session, &masked(Frame::close(None).unwrap()), at(0));
            assert_eq!(poll_all(&mut session).len(), 1);
        } else {
            session.close(CloseCode::GOING_AWAY).unwrap();
        }
        session.handle_timeout(at(50));
        for secs in (59..150).step_by(9) {
            assert_eq!(session.poll_timeout(), Some(at((secs + 1).min(150))));
            session.written(1, at(secs));
            session.handle_timeout(at(secs));
        }
        assert_eq!(session.poll_timeout(), Some(at(150)));
        session.handle_timeout(at(149));
        assert!(session.ended().is_none());
        session.handle_timeout(at(150));
        let ended = session.ended().unwrap();
        assert!(!ended.clean && ended.by == if by_peer { EndedBy::Peer } else { EndedBy::Timeout });
        assert_eq!((session.unsent(), session.poll_timeout()), (0, None));
    }
}

#[test]
fn pong_after_the_close_was_written_has_a_deadline_of_its_own() {
    let mut session = session(&Config::new().timeouts(Timeouts::RECOMMENDED));
    session.close(None).unwrap();
    session.handle_timeout(at(0));
    write(&mut session, at(8));
    session.handle_timeout(at(8));
    assert_eq!(session.poll_timeout(), Some(at(18)), "the deadline of the peer's Close");
    read(&mut session, &masked(Frame::ping("late")), at(12));
    assert_eq!(poll_all(&mut session).len(), 1);
    session.handle_timeout(at(12));
    assert!(session.unsent() > 0 && session.ended().is_none());
    assert_eq!(session.poll_timeout(), Some(at(18)));
    write(&mut session, at(13));
    session.handle_timeout(at(18));
    assert_eq!(session.ended().unwrap().error, Some(Error::Timeout(Timeout::Close)));
}

#[test]
fn failed_connection_without_a_deadline_for_its_close_ends() {
    let wait = Some(Duration::from_secs(20));
    let pings = Timeouts::NONE.ping_interval(wait).pong_timeout(wait);
    let mut session = session(&Config::new().timeouts(pings));
    session.send(vec![1; 1000]).unwrap();
    for secs in [20, 20, 40] {
        assert!(session.poll_timeout().unwrap() <= at(secs));
        session.handle_timeout(at(secs));
    }
    assert_eq!(session.connection().ended().unwrap().error, Some(Error::Timeout(Timeout::Pong)));
    assert_eq!((session.ended(), session.poll_timeout()), (None, Some(at(45))));
    session.written(1, at(44));
    assert_eq!(session.poll_timeout(), Some(at(49)));
    session.handle_timeout(at(49));
    assert_eq!(session.ended().unwrap().error, Some(Error::Timeout(Timeout::Pong)));
    assert_eq!((session.unsent(), session.poll_timeout()), (0, None));
}

#[test]
fn failed_connection_without_deadlines_waits_for_its_peer() {
    let mut session = session(&Config::new());
    session.send(vec![1; 1000]).unwrap();
    session.received_eof();
    assert_eq!(poll_all(&mut session), []);
    assert!(session.connection().ended().unwrap().error.is_some());
    assert_eq!(session.poll_timeout(), None);
    session.handle_timeout(at(3600));
    assert!(session.unsent() > 0);
}

#[test]
fn end_does_not_change() {
    let mut session = session(&Config::new());
    read(&mut session, &masked(Frame::close(None).unwrap()), START);
    assert_eq!(poll_all(&mut session).len(), 1);
    write(&mut session, START);
    let ended = session.ended().unwrap().clone();
    read(&mut session, &masked(Frame::text("late")), at(1));
    assert_eq!(session.read_buffer().capacity(), 0);
    assert_eq!(session.ended(), Some(&ended));
    session.received_eof();
    session.transport_failed();
    assert_eq!(session.poll_event(), None);
    assert_eq!(session.ended(), Some(&ended));
}

#[test]
fn connection_that_failed_before_sends_its_close() {
    let negotiated = Negotiated::default().extension(ExtensionParams::new("flip").param("unknown", "1"));
    let mut session = Session::new(Connection::open_server(&negotiated, Config::new().extension(Flip::new())));
    assert!(session.ended().is_none() && !session.wants_read());
    assert_eq!(session.poll_event(), None);
    assert_eq!(write(&mut session, START)[..2], *b"\x88\x02");
    assert!(session.ended().is_some());
}

#[test]
fn parts_continue_the_session() {
    let mut session = session(&Config::new().timeouts(Timeouts::RECOMMENDED));
    let wire = masked(Frame::text("hello"));
    read(&mut session, &[&masked(Frame::text("a"))[..], &wire[..3]].concat(), at(1));
    assert!(session.poll_event().is_some() && session.poll_event().is_none());
    read(&mut session, &wire[3..], at(2));
    session.send("x").unwrap();
    session.send(vec![7; 5000]).unwrap();
    session.close(None).unwrap();
    let expected = unsent(&session);
    let mut session = Session::from_parts(session.into_parts());
    assert_eq!(unsent(&session), expected);
    assert!(!session.wants_read());
    assert_eq!(poll_all(&mut session), [Event::Message("hello".into())]);
    // The deadline for the peer's Close starts when all of it was written.
    session.written(expected.len() - 1, at(3));
    session.handle_timeout(at(4));
    session.written(1, at(5));
    assert_eq!(session.poll_timeout(), Some(at(15)));
}

#[test]
fn borrowed_events_are_the_same() {
    let wire = [masked(Frame::text("a")), masked(Frame::ping("p")), masked(Frame::binary(vec![1; 300]))].concat();
    for size in 1..=wire.len() {
        let (mut owned, mut borrowed) = (session(&Config::new()), session(&Config::new()));
        let (mut events, mut borrowed_events) = (Vec::new(), Vec::new());
        for read_bytes in wire.chunks(size) {
            read(&mut owned, read_bytes, START);
            events.extend(poll_all(&mut owned));
            read(&mut borrowed, read_bytes, START);
            while let Some(event) = borrowed.poll_event_with(|event, _| EventRef::into_owned(event)) {
                borrowed_events.push(event);
            }
            assert_eq!(borrowed.read_buffer().capacity(), 0);
        }
        assert_eq!((events, unsent(&owned)), (borrowed_events, unsent(&borrowed)), "{size}");
    }
}

#[test]
fn client_reads_a_long_payload_into_its_own_memory() {
    let mut session = Session::new(client(&Config::new()));
    let mut wire = unmasked(Frame::binary(vec![9; 300_000]));
    let message = loop {
        match session.poll_event() {
            Some(Event::Message(message)) => break message,
            Some(event) => panic!("{event:?}"),
            None => assert!(session.wants_read()),
        }
        let len = wire.len().min(1000);
        if let Some(mut buffer) = session.payload_buffer() {
            use bytes::BufMut as _;
            buffer.put(wire.split_to(len));
        } else {
            session.read_buffer().unsplit(wire.split_to(len));
        }
        session.received(START);
    };
    assert_eq!(message.len(), 300_000);
    assert_eq!(wire, BytesMut::new());
}

#[cfg(feature = "server")]
mod upgrades {
    use protocol_websocket_connection::{Accept, HeadLimits, Reject, Upgrade};
    use test_support::heads::REQUEST;

    use super::*;

    fn upgrade(session: &mut Session) -> Upgrade {
        read(session, REQUEST.as_bytes(), START);
        let event = session.poll_event();
        let Some(Event::Upgrade(upgrade)) = event else { panic!("{event:?}") };
        upgrade
    }

    #[test]
    fn input_is_limited_while_an_upgrade_is_pending() {
        let config = Config::new().head_limits(HeadLimits::new().max_len(2000));
        let mut session = Session::server(config);
        let upgrade = upgrade(&mut session);
        assert!(session.poll_event().is_none());
        let mut reads = 0;
        while session.wants_read() {
            read(&mut session, &masked(Frame::text("early")), START);
            assert!(session.poll_event().is_none());
            reads += 1;
        }
        assert!(reads > 100);
        session.accept(upgrade, &Accept::new()).unwrap();
        assert!(!session.wants_read(), "events are left");
        let events = poll_all(&mut session);
        assert!(matches!(events[0], Event::Open(_)));
        assert_eq!(events.len(), 1 + reads);
    }

    #[test]
    fn upgrade_is_not_accepted_after_the_end_of_the_transport() {
        let mut session = Session::server(Config::new());
        let upgrade = upgrade(&mut session);
        session.received_eof();
        assert!(session.poll_event().is_none());
        assert_eq!(session.accept(upgrade, &Accept::new()), Err(SendError::Closed));
        assert_eq!(session.ended().unwrap().by, EndedBy::Transport);
    }

    #[test]
    fn upgrade_is_not_accepted_after_its_deadline() {
        let mut session = Session::server(Config::new().timeouts(Timeouts::RECOMMENDED));
        session.handle_timeout(START);
        let upgrade = upgrade(&mut session);
        assert!(session.poll_event().is_none());
        session.handle_timeout(session.poll_timeout().unwrap());
        assert_eq!(session.accept(upgrade, &Accept::new()), Err(SendError::Closed));
        assert!(write(&mut session, at(10)).starts_with(b"HTTP/1.1 408 "));
        assert_eq!(session.ended().unwrap().error, Some(Error::Timeout(Timeout::Handshake)));
    }

    #[test]
    fn parts_keep_an_event_that_needs_no_input() {
        let mut session = Session::server(Config::new());
        let upgrade = upgrade(&mut session);
        session.accept(upgrade, &Accept::new()).unwrap();
        let mut session = Session::from_parts(session.into_parts());
        assert!(!session.wants_read(), "an event is left");
        assert!(matches!(poll_all(&mut session)[..], [Event::Open(_)]));
        assert!(session.wants_read());
    }

    #[test]
    fn rejected_upgrade_ends_the_session_after_the_response() {
        let mut session = Session::server(Config::new());
        let upgrade = upgrade(&mut session);
        assert!(session.poll_event().is_none());
        session.reject(upgrade, &Reject::new(403)).unwrap();
        assert!(session.ended().is_none());
        assert!(write(&mut session, START).starts_with(b"HTTP/1.1 403 "));
        assert!(session.ended().is_some());
    }
}
