//! Transports with partial reads and writes, with waits, and with an error at each step.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;

use common::{Op, Peer, Script, ScriptedIo, drive, messages, open, pair, poll_at_most};
use protocol_websocket::Role;
use protocol_websocket_tokio::{Accept, CloseCode, Config, Connect, Error, Message, WebSocket, accept};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

async fn echo(websocket: &mut WebSocket<ScriptedIo>) -> (Vec<Message>, Option<Error>) {
    let mut received = Vec::new();
    while let Some(message) = websocket.recv().await {
        match message {
            Ok(message) => {
                // Shared payloads, so that several chunks are unsent.
                if let Err(error) = websocket.queue(message.clone()) {
                    return (received, Some(error.into()));
                }
                received.push(message);
            }
            Err(error) => return (received, Some(error)),
        }
    }
    (received, None)
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_of_any_size_carry_whole_messages() {
    let sent = messages(&[0, 1, 125, 126, 300, 4096, 7]);
    let sizes = (1..=8).chain([13, 100, 1000, 4095, 4096, 4097, usize::MAX]);
    for script in sizes.flat_map(|size| Script::new().max_len(size).variants()) {
        for role in ROLES {
            let (mut websocket, mut peer) = pair(role, Config::new(), script);
            peer.send_all(&sent);
            peer.session.close(CloseCode::NORMAL).unwrap();
            let (received, error) = drive(echo(&mut websocket), &mut peer).await;
            assert!(error.is_none() && websocket.ended().unwrap().clean, "{script:?}: {error:?}");
            peer.step();
            assert_eq!((&received, &peer.messages), (&sent, &sent), "{role:?} {script:?}");
            assert_eq!(peer.closes, 1);
            assert!(peer.wire.has_shut_down());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn long_messages_arrive_over_any_transport() {
    let sent = messages(&[200_000, 70_000]);
    for script in [1000, 65_537, usize::MAX].into_iter().flat_map(|size| Script::new().max_len(size).variants()) {
        let (mut websocket, mut peer) = pair(Role::Server, Config::new(), script);
        peer.send_all(&sent);
        peer.session.close(None).unwrap();
        let (received, error) = drive(echo(&mut websocket), &mut peer).await;
        peer.step();
        assert!(error.is_none() && received == sent && peer.messages == sent, "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn handshakes_work_over_any_transport() {
    for script in [1, 2, 3, 50, usize::MAX].into_iter().flat_map(|size| Script::new().max_len(size).variants()) {
        let (io, mut peer) = Peer::client(script);
        let websocket = async { accept(io, Config::new()).await?.accept(Accept::new()).await };
        let mut websocket = drive(websocket, &mut peer).await.unwrap();
        drive(websocket.send("a"), &mut peer).await.unwrap();
        peer.step();
        assert_eq!(peer.messages, [Message::from("a")], "{script:?}");

        let (io, mut peer) = Peer::server(script);
        let connect = Connect::new("ws://example.com/").unwrap().config(Config::new());
        let (mut websocket, _) = drive(connect.over(io), &mut peer).await.unwrap();
        drive(websocket.send("a"), &mut peer).await.unwrap();
        peer.step();
        assert_eq!(peer.messages, [Message::from("a")], "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn error_at_any_step_ends_the_connection_once() {
    let sent = messages(&[3, 300, 4500, 1]);
    let scripts = [Script::new(), Script::new().max_len(1000).pending_between()];
    let scripts = scripts.into_iter().chain(Script { write_buffer: Some(50), ..Script::new() }.variants());
    for (script, op) in scripts.flat_map(|script| Op::ALL.map(|op| (script, op))) {
        let mut was_reached = true;
        for step in 0.. {
            let failure = Some((op, step, ErrorKind::ConnectionReset));
            let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script { failure, ..script });
            peer.send_all(&sent);
            peer.session.close(None).unwrap();
            let (received, error) = drive(echo(&mut websocket), &mut peer).await;
            peer.step();
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
            assert!(websocket.recv().await.is_none(), "the error is returned once");
            assert!(websocket.queue("late").is_err());
            was_reached = peer.wire.calls(op) >= step;
            if peer.wire.calls(op) < step {
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

#[tokio::test(start_paused = true)]
async fn failed_write_ends_a_recv_that_has_no_deadline() {
    for op in [Op::Write, Op::Flush] {
        let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script::new());
        websocket.queue("lost").unwrap();
        peer.wire.fail(op, ErrorKind::BrokenPipe);
        let error = drive(websocket.recv(), &mut peer).await.unwrap().unwrap_err();
        assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::BrokenPipe), "{op:?}: {error:?}");
        assert!(websocket.recv().await.is_none());
        assert!(matches!(websocket.flush().await, Err(Error::Io(_))), "the message was not written");
        assert!(matches!(websocket.ready().await, Err(Error::Io(_))));
        assert!(matches!(websocket.send("closed").await, Err(Error::Send(_))));
        let ended = websocket.close(None).await;
        assert!(!ended.clean && ended.code == CloseCode::ABNORMAL);
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_arrived_before_a_failed_write_are_received() {
    let sent = messages(&[3, 100_000, 0]);
    for (max_len, op) in [(1000, Op::Write), (usize::MAX, Op::Write), (usize::MAX, Op::Flush)] {
        for role in ROLES {
            let (mut websocket, mut peer) = pair(role, Config::new(), Script::new().max_len(max_len));
            peer.send_all(&sent);
            peer.session.close(CloseCode::INTERNAL_ERROR).unwrap();
            peer.step();
            peer.wire.fail(op, ErrorKind::BrokenPipe);
            assert!(matches!(websocket.send("lost").await, Err(Error::Io(_))));
            for message in &sent {
                assert_eq!(websocket.recv().await.unwrap().unwrap(), *message, "{max_len} {op:?}");
            }
            assert!(websocket.recv().await.is_none());
            assert_eq!(websocket.ended().unwrap().code, CloseCode::INTERNAL_ERROR);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failed_write_ends_send() {
    for (op, step) in [Op::Write, Op::Flush].into_iter().flat_map(|op| (0..5).map(move |step| (op, step))) {
        let failure = Some((op, step, ErrorKind::BrokenPipe));
        let (mut websocket, mut peer) = pair(Role::Client, Config::new(), Script { failure, ..Script::new() });
        let mut sent = 0;
        let error = loop {
            match drive(websocket.send("a"), &mut peer).await {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Io(_)), "{error:?}");
        assert_eq!(sent, step);
    }
}

#[tokio::test(start_paused = true)]
async fn error_during_a_handshake_is_returned() {
    for op in [Op::Read, Op::Write, Op::Flush] {
        for step in 0..3 {
            let failure = Some((op, step, ErrorKind::ConnectionReset));
            let script = Script { failure, ..Script::new().max_len(50) };
            let (io, mut peer) = Peer::client(script);
            let accepted = async { accept(io, Config::new()).await?.accept(Accept::new()).await };
            match drive(accepted, &mut peer).await {
                Ok(_) => assert!(op == Op::Flush && step > 0),
                Err(error) => assert!(is_reset(&error), "{op:?} {step}: {error:?}"),
            }
            let (io, mut peer) = Peer::server(script);
            let connect = Connect::new("ws://example.com/").unwrap().config(Config::new());
            match drive(connect.over(io), &mut peer).await {
                Ok(_) => assert!(op == Op::Flush && step > 0),
                Err(protocol_websocket_tokio::ConnectError::WebSocket(error)) => assert!(is_reset(&error)),
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unexpected_eof_of_tls_is_the_end_of_the_stream() {
    let failure = Some((Op::Read, 1, ErrorKind::UnexpectedEof));
    let script = Script { failure, ..Script::new() };
    // Without a Close.
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), script);
    peer.send_all(&["a".into()]);
    let (received, error) = drive(echo(&mut websocket), &mut peer).await;
    assert_eq!(received, [Message::from("a")]);
    assert!(matches!(error, Some(Error::Connection(protocol_websocket::Error::UnexpectedEof))), "{error:?}");
    assert!(peer.wire.has_shut_down());
    // After a Close.
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), script);
    peer.session.close(None).unwrap();
    peer.step();
    assert!(drive(websocket.recv(), &mut peer).await.is_none());
    assert!(websocket.ended().unwrap().clean && peer.wire.has_shut_down());
}

#[tokio::test(start_paused = true)]
async fn reply_to_a_close_that_cannot_be_written_is_not_an_error() {
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script::new());
    peer.session.close(CloseCode::GOING_AWAY).unwrap();
    peer.step();
    peer.wire.fail(Op::Write, ErrorKind::BrokenPipe);
    assert!(drive(websocket.recv(), &mut peer).await.is_none());
    let ended = websocket.ended().unwrap();
    assert_eq!((ended.code, ended.clean), (CloseCode::GOING_AWAY, false));
}

#[tokio::test]
async fn transport_is_flushed_once_for_each_batch() {
    let script = Script { write_buffer: Some(1 << 20), ..Script::new() };
    let (io, mut peer) = Peer::new(open(Role::Client, Config::new()), script);
    let mut websocket = WebSocket::new(io, open(Role::Server, Config::new()));
    let sent = messages(&[10; 50]);
    peer.send_all(&sent);
    assert!(poll_at_most(echo(&mut websocket), 3, &mut peer).is_none());
    assert_eq!(peer.messages, sent);
    // The first flush is that of a transport that was in use before.
    assert!(peer.wire.calls(Op::Flush) <= 2, "{}", peer.wire.calls(Op::Flush));
}

#[tokio::test]
async fn failed_read_ends_a_flush_that_waits() {
    let script = Script { write_buffer: Some(1000), capacity: 0, ..Script::new() };
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), script);
    peer.is_stopped = true;
    assert!(poll_at_most(websocket.send("lost"), 3, &mut peer).is_none());
    assert_eq!(websocket.unsent(), 0, "only the flush waits");
    peer.wire.fail(Op::Read, ErrorKind::ConnectionReset);
    let flushed = poll_at_most(websocket.flush(), 1, &mut peer).expect("the flush still waits");
    assert!(is_reset(&flushed.unwrap_err()));
    assert!(is_reset(&websocket.recv().await.unwrap().unwrap_err()));
}
