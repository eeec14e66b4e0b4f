//! Futures that are polled n times and then dropped, for every n until they complete.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::time::Duration;

use common::{Peer, Script, ScriptedIo, drive, for_each_n, messages, open, pair, poll_at_most};
use protocol_websocket::frame::Delivery;
use protocol_websocket::{MessageKind, Role};
use protocol_websocket_testkit::Transport;
use protocol_websocket_tokio::{
    Accept, CloseCode, Config, Connect, Event, EventRef, Message, Outbox, Part, Reject, WebSocket, accept,
};
use tokio::time::timeout;

const ROLES: [Role; 2] = [Role::Client, Role::Server];
const LENS: [usize; 6] = [0, 1, 125, 126, 300, 4500];

/// Transports that are pending before each operation.
fn scripts() -> impl Iterator<Item = Script> {
    let with = |max_len: usize| Script::new().max_len(max_len).pending_between();
    [150, 1000, usize::MAX]
        .into_iter()
        .map(with)
        .flat_map(|script| [script, Script { write_buffer: Some(100), is_vectored: false, ..script }])
}

/// Receives `count` times with `recv`, of which each call is dropped after `n` polls, and repeated until it completes.
/// Returns whether the first call has completed.
fn receive<T>(
    n: usize,
    count: usize,
    websocket: &mut WebSocket<ScriptedIo>,
    peer: &mut Peer,
    mut recv: impl AsyncFnMut(&mut WebSocket<ScriptedIo>) -> T,
) -> (bool, Vec<T>) {
    let mut received = Vec::new();
    let first = poll_at_most(recv(websocket), n, peer);
    let completes = first.is_some();
    received.extend(first);
    for _ in 0..100_000 {
        if received.len() == count {
            break;
        }
        received.extend(poll_at_most(recv(websocket), n.max(1), peer));
    }
    (completes, received)
}

#[tokio::test]
async fn dropped_recv_loses_no_message() {
    let sent = messages(&LENS);
    for (role, script) in ROLES.into_iter().flat_map(|role| scripts().map(move |script| (role, script))) {
        for_each_n(|n| {
            let (mut websocket, mut peer) = pair(role, Config::new(), script);
            peer.send_all(&sent);
            websocket.queue("first").unwrap();
            let (completes, received) =
                receive(n, sent.len(), &mut websocket, &mut peer, async |websocket| websocket.recv().await);
            let received: Vec<Message> = received.into_iter().map(|message| message.unwrap().unwrap()).collect();
            assert_eq!(received, sent, "{n} {script:?}");
            assert!(poll_at_most(websocket.recv(), 10, &mut peer).is_none(), "a message arrived twice");
            assert_eq!(peer.messages, [Message::from("first")]);
            completes
        });
    }
}

#[tokio::test]
async fn dropped_recv_loses_nothing_of_a_long_message() {
    // Longer than what is read into the memory of the payload.
    let sent = messages(&[200_000, 3]);
    for_each_n(|n| {
        let script = Script::new().max_len(30_000).pending_between();
        let (mut websocket, mut peer) = pair(Role::Server, Config::new(), script);
        peer.send_all(&sent);
        let (completes, received) = receive(n, 2, &mut websocket, &mut peer, async |websocket| websocket.recv().await);
        assert!(received.into_iter().map(|message| message.unwrap().unwrap()).eq(sent.iter().cloned()), "{n}");
        completes
    });
}

#[tokio::test]
async fn dropped_recv_part_loses_no_part() {
    let sent = messages(&[0, 9000, 7]);
    for script in scripts() {
        let config = || Config::new().delivery(Delivery::Parts);
        for_each_n(|n| {
            let (mut websocket, mut peer) = pair(Role::Server, config(), script);
            peer.send_all(&sent);
            let (mut completes, mut received, mut whole) = (None, Vec::new(), Vec::new());
            for _ in 0..100_000 {
                if received.len() == sent.len() {
                    break;
                }
                let part =
                    poll_at_most(websocket.recv_part(), if completes.is_none() { n } else { n.max(1) }, &mut peer);
                completes.get_or_insert(part.is_some());
                let Some(part) = part else { continue };
                let part: Part = part.unwrap().unwrap();
                assert_eq!(part.first, whole.is_empty());
                whole.extend_from_slice(&part.bytes);
                if part.last {
                    received.push(std::mem::take(&mut whole));
                }
            }
            assert!(received.iter().eq(sent.iter().map(|message| message.as_bytes())), "{n} {script:?}");
            completes.unwrap()
        });
    }
}

#[tokio::test]
async fn dropped_recv_event_loses_no_event() {
    for script in scripts() {
        for_each_n(|n| {
            let (mut websocket, mut peer) = pair(Role::Server, Config::new(), script);
            peer.session.ping("a").unwrap();
            peer.session.send("b").unwrap();
            peer.session.close(CloseCode::GOING_AWAY).unwrap();
            peer.step();
            let (completes, events) =
                receive(n, 4, &mut websocket, &mut peer, async |websocket| websocket.recv_event().await);
            let events: Vec<_> = events.into_iter().map(Option::transpose).collect::<Result<_, _>>().unwrap();
            assert!(
                matches!(&events[..], [Some(Event::Ping(_)), Some(Event::Message(_)), Some(Event::Close(_)), None]),
                "{n} {script:?}: {events:?}"
            );
            assert_eq!(peer.closes, 1);
            assert!(peer.wire.has_shut_down());
            completes
        });
    }
}

#[tokio::test]
async fn dropped_recv_with_loses_no_event_and_no_reply() {
    let sent = messages(&LENS);
    for (role, script) in ROLES.into_iter().flat_map(|role| scripts().map(move |script| (role, script))) {
        for_each_n(|n| {
            let (mut websocket, mut peer) = pair(role, Config::new(), script);
            peer.send_all(&sent);
            let mut calls = 0;
            let (completes, received) = receive(n, sent.len(), &mut websocket, &mut peer, async |websocket| {
                let reply = |event: EventRef<'_>, outbox: &mut Outbox| {
                    calls += 1;
                    let EventRef::Message(message) = event else { panic!("{event:?}") };
                    outbox.send(&message).map(|()| message.into_owned())
                };
                websocket.recv_with(reply).await
            });
            let received: Vec<Message> = received.into_iter().map(|reply| reply.unwrap().unwrap().unwrap()).collect();
            assert_eq!((calls, &received), (sent.len(), &sent), "{n} {script:?}");
            assert!((0..1000).any(|_| poll_at_most(websocket.flush(), 100, &mut peer).is_some()));
            peer.step();
            assert_eq!(peer.messages, sent, "{n} {script:?}");
            completes
        });
    }
}

#[tokio::test]
async fn recv_with_returns_messages_that_arrived_during_a_write() {
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script { capacity: 10, ..Script::new() });
    peer.send_all(&["first".into(), "second".into()]);
    peer.is_stopped = true;
    assert!(poll_at_most(websocket.send(vec![7; 100]), 10, &mut peer).is_none());
    let mut received = Vec::new();
    for _ in 0..2 {
        let text = websocket.recv_with(|event, _| match event {
            EventRef::Message(message) => message.as_text().map(str::to_owned),
            _ => None,
        });
        received.extend(text.await.unwrap().unwrap());
    }
    assert_eq!(received, ["first", "second"]);
    peer.is_stopped = false;
    peer.session.close(CloseCode::NORMAL).unwrap();
    peer.step();
    let close = drive(websocket.recv_with(|event, _| matches!(event, EventRef::Close(_))), &mut peer).await;
    assert!(close.unwrap().unwrap());
    assert!(drive(websocket.recv_with(|_, _| ()), &mut peer).await.is_none());
}

#[tokio::test]
async fn dropped_send_queues_the_message_or_not() {
    for (role, script) in ROLES.into_iter().flat_map(|role| scripts().map(move |script| (role, script))) {
        for len in LENS {
            let sent = messages(&[3, len, 5]);
            // Every n for a short message, some for a long one.
            let mut polls = (0..20).chain((20..).step_by(17));
            for_each_n(|n| {
                let polls = polls.next().unwrap();
                let (mut websocket, mut peer) = pair(role, Config::new(), script);
                websocket.queue(&sent[0]).unwrap();
                let completes = poll_at_most(websocket.send(&sent[1]), polls, &mut peer).is_some();
                websocket.queue(&sent[2]).unwrap();
                assert!((0..1000).any(|_| poll_at_most(websocket.flush(), 20, &mut peer).is_some()));
                peer.step();
                if n == 0 {
                    assert_eq!(peer.messages, [sent[0].clone(), sent[2].clone()]);
                } else {
                    assert_eq!(peer.messages, sent, "{n} {script:?}");
                }
                completes
            });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn send_after_a_dropped_recv_is_polled_only_when_woken() {
    let (near, far) = Transport::pair(10);
    let mut websocket = WebSocket::new(near, open(Role::Server, Config::new()));
    let mut peer = WebSocket::new(far, open(Role::Client, Config::new()));
    assert!(timeout(Duration::from_secs(1), websocket.recv()).await.is_err());
    // The message waits in front, and the peer does not read.
    peer.send("a").await.unwrap();
    let mut send = pin!(websocket.send(vec![0; 1000]));
    let mut polls = 0;
    let send = poll_fn(|context| {
        polls += 1;
        assert!(polls < 100, "the task wakes itself");
        send.as_mut().poll(context)
    });
    assert!(timeout(Duration::from_secs(1), send).await.is_err());
}

#[tokio::test]
async fn dropped_flush_and_ready_go_on() {
    let sent = messages(&[10, 700, 0, 4100, 20]);
    for (role, script) in ROLES.into_iter().flat_map(|role| scripts().map(move |script| (role, script))) {
        for only_to_mark in [false, true] {
            for_each_n(|n| {
                let (mut websocket, mut peer) = pair(role, Config::new().high_water_mark(100), script);
                for message in &sent {
                    websocket.queue(message.clone()).unwrap();
                }
                let mut call = |n| match only_to_mark {
                    true => poll_at_most(websocket.ready(), n, &mut peer),
                    false => poll_at_most(websocket.flush(), n, &mut peer),
                };
                let completes = call(n).inspect(|result| assert!(result.is_ok())).is_some();
                assert!((0..100_000).any(|_| call(n.max(1)).is_some()));
                assert!(websocket.unsent() <= if only_to_mark { 100 } else { 0 });
                assert!((0..100).any(|_| poll_at_most(websocket.flush(), 100, &mut peer).is_some()));
                peer.step();
                assert_eq!(peer.messages, sent, "{n} {script:?}");
                completes
            });
        }
    }
}

#[tokio::test]
async fn dropped_close_goes_on() {
    let sent = messages(&[300, 2]);
    for (role, script) in ROLES.into_iter().flat_map(|role| scripts().map(move |script| (role, script))) {
        for_each_n(|n| {
            let (mut websocket, mut peer) = pair(role, Config::new(), script);
            peer.send_all(&sent);
            sent.iter().for_each(|message| websocket.queue(message).unwrap());
            let mut close = |n| poll_at_most(websocket.close(CloseCode::GOING_AWAY), n, &mut peer);
            let first = close(n);
            let completes = first.is_some();
            let ended = first.or_else(|| (0..10_000).find_map(|_| close(n.max(1)))).unwrap();
            assert!(ended.clean && ended.code == CloseCode::GOING_AWAY, "{ended:?}");
            assert_eq!((&peer.messages, peer.closes), (&sent, 1));
            assert!(peer.wire.has_shut_down());
            completes
        });
    }
}

#[tokio::test]
async fn dropped_handshake_of_a_server_sends_a_whole_response_or_its_beginning() {
    for script in scripts() {
        let mut response = Vec::new();
        for n in 0..10_000 {
            let (io, mut peer) = Peer::client(script);
            let accepted =
                poll_at_most(async { accept(io, Config::new()).await?.accept(Accept::new()).await }, n, &mut peer);
            peer.step();
            if peer.received.len() > response.len() {
                assert!(peer.received.starts_with(&response));
                response.clone_from(&peer.received);
            }
            match accepted {
                Some(result) => {
                    // The WebSocket works.
                    let mut websocket = result.unwrap();
                    drive(websocket.send("open"), &mut peer).await.unwrap();
                    peer.step();
                    assert_eq!(peer.messages, [Message::from("open")]);
                    break;
                }
                None => assert!(peer.wire.is_dropped()),
            }
        }
        assert!(response.starts_with(b"HTTP/1.1 101 ") && response.ends_with(b"\r\n\r\n"), "{script:?}");
    }
}

#[tokio::test]
async fn dropped_reject_ends_the_transport() {
    for_each_n(|n| {
        let (io, mut peer) = Peer::client(Script::new().max_len(20).pending_between());
        let incoming = poll_at_most(accept(io, Config::new()), 1000, &mut peer).unwrap().unwrap();
        let completes = poll_at_most(incoming.reject(&Reject::new(404)), n, &mut peer).is_some();
        assert!(peer.wire.is_dropped());
        assert!(!completes || peer.received.starts_with(b"HTTP/1.1 404 "));
        completes
    });
}

#[tokio::test]
async fn dropped_handshake_of_a_client_drops_the_transport() {
    for script in scripts() {
        for_each_n(|n| {
            let (io, mut peer) = Peer::server(script);
            let connect = Connect::new("ws://example.com/").unwrap().config(Config::new());
            let connected = poll_at_most(connect.over(io), n, &mut peer);
            let completes = connected.is_some();
            assert!(completes || peer.wire.is_dropped());
            if let Some(result) = connected {
                // A message that came with the response is not lost.
                peer.send_all(&messages(&[9]));
                let (mut websocket, _) = result.unwrap();
                let message = poll_at_most(websocket.recv(), 100, &mut peer).unwrap().unwrap().unwrap();
                assert_eq!([message], messages(&[9])[..]);
            }
            completes
        });
    }
}

#[tokio::test]
async fn parts_of_a_websocket_continue_at_any_poll() {
    let sent = messages(&[4200, 10]);
    for script in scripts() {
        for_each_n(|n| {
            let (mut websocket, mut peer) = pair(Role::Server, Config::new(), script);
            sent.iter().for_each(|message| websocket.queue(message.clone()).unwrap());
            peer.send_all(&sent);
            let completes = poll_at_most(websocket.flush(), n, &mut peer).is_some();
            let mut websocket = WebSocket::from_parts(websocket.into_parts());
            // Bytes that only the transport buffers are flushed.
            assert!(poll_at_most(websocket.flush(), 1000, &mut peer).unwrap().is_ok());
            peer.step();
            assert_eq!(peer.messages, sent, "{n} {script:?}");
            for message in &sent {
                let received = poll_at_most(websocket.recv(), 1000, &mut peer).unwrap().unwrap().unwrap();
                assert_eq!(received, *message);
            }
            completes
        });
    }
}

#[tokio::test]
async fn recv_returns_parts_as_an_error_and_keeps_them() {
    let (io, mut peer) = Peer::new(open(Role::Client, Config::new()), Script::new());
    let mut websocket = WebSocket::new(io, open(Role::Server, Config::new().delivery(Delivery::Parts)));
    peer.send_all(&["part".into()]);
    for _ in 0..2 {
        assert!(matches!(websocket.recv().await, Some(Err(protocol_websocket_tokio::Error::Parts))));
    }
    let part = websocket.recv_part().await.unwrap().unwrap();
    assert_eq!((part.kind, &part.bytes[..]), (MessageKind::Text, &b"part"[..]));
}
