//! Transports with partial reads and writes, that do not wait, and with an error at each step.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;
use std::time::Duration;

use common::{Op, Peer, Script, Scripted, echo, messages, pair, repeat};
use protocol_websocket::{Role, Timeout};
use protocol_websocket_blocking::{
    Accept, CloseCode, Config, Connect, ConnectError, Destination, Error, Event, Message, Reject, Stats, Timeouts,
    WebSocket, accept,
};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

fn connect() -> Connect {
    Connect::to(Destination::new("example.com", "/")).config(Config::new())
}

#[test]
fn reads_and_writes_of_any_size_carry_whole_messages() {
    let sent = messages(&[0, 1, 125, 126, 300, 4096, 7]);
    let sizes = (1..=8).chain([13, 100, 1000, 4095, 4096, 4097, usize::MAX]);
    for script in sizes.flat_map(|size| Script::new().max_len(size).variants()) {
        for role in ROLES {
            let (mut websocket, peer) = pair(role, Config::new(), script);
            peer.state().send_all(&sent);
            peer.state().session.close(CloseCode::NORMAL).unwrap();
            let (received, error) = echo(&mut websocket);
            assert!(error.is_none() && websocket.ended().unwrap().clean, "{script:?}: {error:?}");
            let peer = peer.step();
            assert_eq!((&received, &peer.messages), (&sent, &sent), "{role:?} {script:?}");
            assert_eq!(peer.closes, 1);
            assert!(peer.has_shut_down);
        }
    }
}

#[test]
fn long_messages_arrive_over_any_transport() {
    let sent = messages(&[200_000, 70_000]);
    for script in [1000, 65_537, usize::MAX].into_iter().flat_map(|size| Script::new().max_len(size).variants()) {
        let (mut websocket, peer) = pair(Role::Server, Config::new(), script);
        peer.state().send_all(&sent);
        peer.state().session.close(None).unwrap();
        let (received, error) = echo(&mut websocket);
        assert!(error.is_none() && received == sent && peer.step().messages == sent, "{script:?}: {error:?}");
    }
}

#[test]
fn handshakes_work_over_any_transport_that_waits() {
    let sizes = [1, 2, 3, 50, usize::MAX].into_iter();
    for script in sizes.flat_map(|size| Script::new().max_len(size).variants()).filter(|script| !script.would_block()) {
        let (io, peer) = Peer::client(script);
        let mut websocket = accept(io, Config::new()).unwrap().accept(Accept::new()).unwrap();
        websocket.send("a").unwrap();
        assert_eq!(peer.step().messages, [Message::from("a")], "{script:?}");

        let (io, peer) = Peer::server(script);
        let (mut websocket, response) = connect().over(io).unwrap();
        assert_eq!(response.headers().get_str("upgrade"), Some("websocket"));
        websocket.send("a").unwrap();
        assert_eq!(peer.step().messages, [Message::from("a")], "{script:?}");
    }
}

#[test]
fn handshake_over_a_transport_that_does_not_wait_is_an_error() {
    for script in Script::new().variants().into_iter().filter(Script::would_block) {
        assert!(matches!(accept(Peer::client(script).0, Config::new()), Err(Error::WouldBlock)));
        let error = connect().over(Peer::server(script).0).unwrap_err();
        assert!(matches!(error, ConnectError::WebSocket(Error::WouldBlock)), "{error:?}");
    }
}

#[test]
fn rejection_is_written_over_any_transport_that_waits() {
    for script in Script::new().max_len(10).variants().into_iter().filter(|script| !script.would_block()) {
        let (io, peer) = Peer::client(script);
        accept(io, Config::new()).unwrap().reject(&Reject::new(404)).unwrap();
        let peer = peer.step();
        assert!(peer.has_shut_down && peer.session.ended().is_some(), "{script:?}");
    }
}

#[test]
fn error_at_any_step_ends_the_connection_once() {
    let sent = messages(&[3, 300, 4500, 1]);
    let scripts = Script::new().variants().into_iter().chain(Script::new().max_len(1000).variants());
    for (script, op) in scripts.flat_map(|script| Op::ALL.map(|op| (script, op))) {
        let mut was_reached = true;
        for step in 0.. {
            let failure = Some((op, step, ErrorKind::ConnectionReset));
            let (mut websocket, peer) = pair(Role::Server, Config::new(), Script { failure, ..script });
            peer.state().send_all(&sent);
            peer.state().session.close(None).unwrap();
            let (received, error) = echo(&mut websocket);
            let peer = peer.step();
            assert_eq!(received, sent[..received.len()]);
            assert_eq!(peer.messages, sent[..peer.messages.len()]);
            match error {
                // The peer's Close arrived, so only the reply or the end of the stream failed.
                None => assert_eq!(received, sent),
                Some(error) => assert!(is_reset(&error), "{script:?} {op:?} {step}: {error:?}"),
            }
            let ended = websocket.ended().unwrap().clone();
            assert!(ended.code != CloseCode::NO_STATUS || received == sent);
            assert!(!ended.clean || ended.code == CloseCode::NO_STATUS);
            assert!(websocket.recv().is_none(), "the error is returned once");
            assert!(websocket.queue("late").is_err());
            was_reached = peer.calls(op) >= step;
            if !was_reached {
                break;
            }
            assert!(step < 1000);
        }
        assert!(!was_reached);
    }
}

fn is_reset(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn failed_write_ends_recv_flush_and_close() {
    for (op, step) in [(Op::Write, 0), (Op::Flush, 0), (Op::Flush, 1)] {
        let failure = Some((op, step, ErrorKind::BrokenPipe));
        let (mut websocket, peer) = pair(Role::Server, Config::new(), Script { failure, ..Script::new() });
        websocket.queue("lost").unwrap();
        peer.state().send_all(&["a".into()]);
        // What has arrived is received after the failure, too.
        assert_eq!(websocket.recv().unwrap().unwrap(), "a".into());
        let _ = websocket.queue("b");
        let error = websocket.recv().unwrap().unwrap_err();
        assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::BrokenPipe), "{op:?}: {error:?}");
        assert!(websocket.recv().is_none());
        assert!(matches!(websocket.flush(), Err(Error::Io(_))), "the message was not written");
        assert!(matches!(websocket.ready(), Err(Error::Io(_))));
        assert!(matches!(websocket.send("closed"), Err(Error::Send(_))));
        let ended = websocket.close(None).unwrap();
        assert!(!ended.clean && ended.code == CloseCode::ABNORMAL);
    }
}

#[test]
fn failed_write_ends_send() {
    for (op, step) in [Op::Write, Op::Flush].into_iter().flat_map(|op| (0..5).map(move |step| (op, step))) {
        let failure = Some((op, step, ErrorKind::BrokenPipe));
        let (mut websocket, _peer) = pair(Role::Client, Config::new(), Script { failure, ..Script::new() });
        let mut sent = 0;
        let error = loop {
            match websocket.send("a") {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Io(_)), "{error:?}");
        assert_eq!(sent, step);
    }
}

#[test]
fn error_during_a_handshake_is_returned() {
    for (op, step) in [Op::Read, Op::Write, Op::Flush].into_iter().flat_map(|op| (0..3).map(move |step| (op, step))) {
        let failure = Some((op, step, ErrorKind::ConnectionReset));
        let script = Script { failure, ..Script::new().max_len(50) };
        match accept(Peer::client(script).0, Config::new()).and_then(|incoming| incoming.accept(Accept::new())) {
            Ok(_) => assert!(op == Op::Flush && step > 0),
            Err(error) => assert!(is_reset(&error), "{op:?} {step}: {error:?}"),
        }
        match connect().over(Peer::server(script).0) {
            Ok(_) => assert!(op == Op::Flush && step > 0),
            Err(ConnectError::WebSocket(error)) => assert!(is_reset(&error), "{op:?} {step}: {error:?}"),
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn write_of_nothing_is_an_error() {
    let (mut websocket, _peer) = pair(Role::Server, Config::new(), Script::new().max_len(0));
    let error = websocket.send("a").unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::WriteZero), "{error:?}");
}

#[test]
fn unexpected_eof_of_tls_is_the_end_of_the_stream() {
    let failure = Some((Op::Read, 1, ErrorKind::UnexpectedEof));
    let script = Script { failure, ..Script::new() };
    // Without a Close.
    let (mut websocket, peer) = pair(Role::Server, Config::new(), script);
    peer.state().send_all(&["a".into()]);
    let (received, error) = echo(&mut websocket);
    assert_eq!(received, [Message::from("a")]);
    assert!(matches!(error, Some(Error::Connection(protocol_websocket::Error::UnexpectedEof))), "{error:?}");
    assert!(peer.state().has_shut_down);
    // After a Close.
    let (mut websocket, peer) = pair(Role::Server, Config::new(), script);
    peer.state().session.close(None).unwrap();
    assert!(websocket.recv().is_none());
    assert!(websocket.ended().unwrap().clean && peer.state().has_shut_down);
}

#[test]
fn reply_to_a_close_that_cannot_be_written_is_not_an_error() {
    let failure = Some((Op::Write, 0, ErrorKind::BrokenPipe));
    let (mut websocket, peer) = pair(Role::Server, Config::new(), Script { failure, ..Script::new() });
    peer.state().session.close(CloseCode::GOING_AWAY).unwrap();
    assert!(websocket.recv().is_none());
    let ended = websocket.ended().unwrap();
    assert_eq!((ended.code, ended.clean), (CloseCode::GOING_AWAY, false));
}

#[test]
fn messages_and_the_close_before_a_failed_write_are_received() {
    // TLS interrupts a read at a record that is incomplete.
    let earlier = [None, Some(ErrorKind::Interrupted)];
    for (op, before) in [Op::Write, Op::Flush].into_iter().flat_map(|op| earlier.map(|before| (op, before))) {
        let script = Script { failure: Some((op, 0, ErrorKind::BrokenPipe)), before, ..Script::new().max_len(3) };
        let (mut websocket, peer) = pair(Role::Server, Config::new(), script);
        let sent = messages(&[1, 300]);
        peer.state().send_all(&sent);
        peer.state().session.close(CloseCode::GOING_AWAY).unwrap();
        websocket.queue("lost").unwrap();
        let (received, error) = echo(&mut websocket);
        assert!(error.is_none() && received == sent, "{error:?}");
        assert_eq!(websocket.ended().unwrap().code, CloseCode::GOING_AWAY);
    }
}

#[test]
fn messages_that_arrive_after_the_own_close_are_received() {
    let (mut websocket, peer) = pair(Role::Client, Config::new(), Script::new());
    peer.state().send_all(&["a".into()]);
    websocket.queue_close(CloseCode::NORMAL);
    assert_eq!(websocket.recv().unwrap().unwrap(), "a".into());
    assert!(websocket.queue("late").is_err());
    assert!(websocket.recv().is_none() && websocket.ended().unwrap().clean);
}

#[test]
fn replies_to_one_read_are_one_write() {
    let (mut websocket, peer) = pair(Role::Server, Config::new(), Script::new());
    let sent = messages(&[10; 50]);
    peer.state().send_all(&sent);
    peer.state().session.close(None).unwrap();
    let (received, error) = echo(&mut websocket);
    let peer = peer.step();
    assert!(error.is_none() && received == sent && peer.messages == sent);
    // The second read is that of the end of the stream.
    assert_eq!((peer.calls(Op::Read), peer.calls(Op::Write)), (2, 1));
    // The first flush is that of a transport that was in use before.
    assert_eq!(peer.calls(Op::Flush), 2);
}

#[test]
fn message_of_a_send_that_would_block_stays_queued() {
    for script in Script::new().variants().into_iter().filter(Script::would_block) {
        let (mut websocket, peer) = pair(Role::Client, Config::new(), script);
        assert!(matches!(websocket.send("a"), Err(Error::WouldBlock)), "{script:?}");
        assert!(websocket.unsent() > 0);
        repeat(|| Some(websocket.flush())).unwrap().unwrap();
        assert_eq!((websocket.unsent(), &peer.step().messages), (0, &vec!["a".into()]));
        let ended = repeat(|| Some(websocket.close(CloseCode::NORMAL))).unwrap().unwrap();
        assert!(ended.clean && peer.state().closes == 1);
    }
}

#[test]
fn transport_that_keeps_its_bytes_is_given_up() {
    let failure = Some((Op::Flush, 0, ErrorKind::WouldBlock));
    let timeouts = Timeouts::NONE.close(Some(Duration::from_millis(5)));
    let (mut websocket, peer) =
        pair(Role::Server, Config::new().timeouts(timeouts), Script { failure, ..Script::new() });
    peer.state().session.close(None).unwrap();
    assert!(repeat(|| websocket.recv()).is_none());
    assert!(!peer.state().has_shut_down);
    assert!(matches!(websocket.flush(), Err(Error::Connection(protocol_websocket::Error::Timeout(_)))));
}

#[test]
fn transport_without_timeouts_is_not_read_after_the_end() {
    let script = Script { has_deadlines: false, ..Script::new() };
    let (mut websocket, peer) = pair(Role::Server, Config::new(), script);
    peer.state().session.close(None).unwrap();
    assert!(websocket.recv().is_none());
    let peer = peer.state();
    assert_eq!((peer.calls(Op::Read), peer.has_shut_down), (1, true));
    assert!(peer.timeouts.is_empty());
}

#[test]
fn timeout_of_reads_changes_seldom_while_messages_arrive() {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let (mut websocket, peer) = pair(Role::Server, config, Script::new());
    for _ in 0..100 {
        peer.state().send_all(&["a".into()]);
        let message = websocket.recv().unwrap().unwrap();
        websocket.send(message).unwrap();
    }
    let timeouts = &peer.state().timeouts;
    assert!((1..5).contains(&timeouts.len()), "{timeouts:?}");
    assert!(timeouts.iter().all(|timeout| timeout.is_some_and(|timeout| timeout.as_secs() <= 20)), "{timeouts:?}");
}

/// Returns the numbers of bytes read and written.
fn bytes(stats: Stats) -> (u64, u64) {
    (stats.bytes_read, stats.bytes_written)
}

#[test]
fn round_trip_and_age_are_measured() {
    let (mut websocket, peer) = pair(Role::Client, Config::new(), Script::new());
    websocket.queue_ping("p").unwrap();
    websocket.flush().unwrap();
    drop(peer.step());
    assert!(matches!(websocket.recv_event(), Some(Ok(Event::Pong(_)))));
    let stats = websocket.stats();
    assert!(stats.round_trip.is_some_and(|time| time <= stats.age), "{stats:?}");
    assert!(websocket.stats().age >= stats.age);
}

#[test]
fn stats_count_messages_and_the_bytes_of_the_transport() {
    // The last payload is read into its own memory.
    let sent = messages(&[0, 125, 126, 5000, 200_000]);
    for script in [1000, usize::MAX].into_iter().flat_map(|size| Script::new().max_len(size).variants()) {
        let (mut websocket, peer) = pair(Role::Client, Config::new(), script);
        assert_eq!(bytes(websocket.stats()), (0, 0));
        websocket.queue("queued").unwrap();
        assert_eq!((bytes(websocket.stats()), websocket.stats().unsent), ((0, 0), 12), "queued bytes are not written");
        peer.state().send_all(&sent);
        peer.state().session.close(CloseCode::NORMAL).unwrap();
        echo(&mut websocket);
        let peer = peer.step();
        assert_eq!(peer.messages.len(), 1 + sent.len());
        // Headers of 2, 2, 4, 4 and 10 bytes, and the Close. A client also has masks, and the queued message.
        let read = sent.iter().map(|message| message.len() as u64).sum::<u64>() + 22 + 4;
        let stats = websocket.stats();
        assert_eq!(bytes(stats), (read, read + 4 * 6 + 12), "{script:?}");
        let len = read - 22 - 4;
        assert_eq!((stats.messages_received, stats.payload_received), (5, len));
        assert_eq!((stats.messages_sent, stats.payload_sent, stats.unsent), (6, len + 6, 0));
        assert_eq!(stats.round_trip, None);
    }
}

#[test]
fn write_waits_for_the_peer_while_nothing_is_read() {
    for is_flush in [false, true] {
        let script = Script { capacity: 1000, ..Script::new() };
        let (mut websocket, peer) = pair(Role::Server, Config::new().high_water_mark(100), script);
        (peer.state().is_stopped, peer.state().resumes_after) = (true, 4);
        // The transport is not read: a message is in front of a flush, or the peer does not read the replies.
        peer.state().send_all(&messages(&[2000]));
        if is_flush {
            websocket.send([7; 2000]).unwrap();
        } else {
            let message = websocket.recv().unwrap().unwrap();
            websocket.queue([7; 2000]).unwrap();
            peer.state().send_all(&[message]);
            websocket.recv().unwrap().unwrap();
            websocket.queue([7; 2000]).unwrap();
            peer.state().send_all(&["end".into()]);
            websocket.recv().unwrap().unwrap();
        }
        let waits = &peer.state().write_waits;
        let is_long = |wait: &Option<Duration>| wait.is_some_and(|wait| wait > Duration::from_millis(1));
        // The first waits are those before the read and of the write after it.
        assert!(waits.len() == 4 && waits[2..].iter().all(is_long), "{is_flush} {waits:?}");
    }
}

#[test]
fn peer_that_did_not_answer_the_close_in_time_is_not_waited_for_again() {
    let (mut websocket, peer) = pair_with_deadlines(usize::MAX);
    assert_eq!(websocket.close(CloseCode::NORMAL).unwrap().error, Some(Timeout::Close.into()));
    assert_drained_at_once(&peer);
}

#[test]
fn peer_that_did_not_read_the_close_in_time_is_not_waited_for_again() {
    let (mut websocket, peer) = pair_with_deadlines(0);
    websocket.queue("a").unwrap();
    let error = websocket.recv().unwrap().unwrap_err();
    assert!(matches!(error, Error::Connection(protocol_websocket::Error::Timeout(Timeout::Idle))), "{error:?}");
    assert_drained_at_once(&peer);
}

/// Returns a server with deadlines, and a peer that does nothing.
fn pair_with_deadlines(capacity: usize) -> (WebSocket<Scripted>, Peer) {
    let time = Some(Duration::from_millis(20));
    let config = Config::new().timeouts(Timeouts::NONE.idle(time).close(time));
    let (websocket, peer) = pair(Role::Server, config, Script { capacity, ..Script::new() });
    peer.state().is_stopped = true;
    (websocket, peer)
}

fn assert_drained_at_once(peer: &Peer) {
    let peer = peer.state();
    assert!(peer.has_shut_down);
    let is_shortest = |timeout: &Option<_>| *timeout == Some(Duration::from_millis(1));
    assert!(peer.last_timeouts.iter().all(is_shortest), "{:?}", peer.last_timeouts);
}
