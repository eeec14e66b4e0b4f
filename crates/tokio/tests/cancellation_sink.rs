//! The futures of a `Sink` that are polled n times and then dropped, for every n until they complete.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use common::{Peer, Script, drive, for_each_n, messages, pair, poll_at_most, poll_when_woken};
use futures_util::{Sink, SinkExt as _};
use protocol_websocket::Role;
use protocol_websocket_tokio::{Config, Error, Message};
use tokio::runtime::Handle;

const ROLES: [Role; 2] = [Role::Client, Role::Server];
/// Less than the first message, so that the next one waits.
const MARK: usize = 100;

/// Transports that are pending before each operation.
fn scripts() -> impl Iterator<Item = Script> {
    [150, usize::MAX].into_iter().flat_map(|max_len| {
        let script = Script::new().max_len(max_len).pending_between();
        [script, Script { write_buffer: Some(100), is_vectored: false, ..script }]
    })
}

/// A future of a `Sink`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Send,
    Feed,
    Flush,
    Close,
}

const CALLS: [Call; 4] = [Call::Send, Call::Feed, Call::Flush, Call::Close];

impl Call {
    async fn call<S: Sink<Message, Error = Error> + Unpin>(self, sink: &mut S, message: Message) -> Result<(), Error> {
        match self {
            Self::Send => sink.send(message).await,
            Self::Feed => sink.feed(message).await,
            Self::Flush => sink.flush().await,
            Self::Close => sink.close().await,
        }
    }

    const fn takes_message(self) -> bool {
        matches!(self, Self::Send | Self::Feed)
    }
}

/// Checks what the peer has received after a call for `sent[1]` that was dropped. Returns whether that message was sent.
fn check(call: Call, completes: bool, sent: &[Message], peer: &Peer) -> bool {
    let has_sent = peer.messages.contains(&sent[1]);
    assert!(call.takes_message() || !has_sent);
    assert!(has_sent || !completes || !call.takes_message(), "the message was lost");
    let expected = if has_sent { sent } else { &[sent[0].clone(), sent[2].clone()] };
    // After a Close, nothing is sent.
    assert_eq!(peer.messages, &expected[..expected.len() - peer.closes], "{call:?}");
    has_sent
}

#[tokio::test]
async fn dropped_futures_of_a_sink_go_on() {
    let sent = messages(&[700, 300, 5]);
    for (role, script) in ROLES.into_iter().flat_map(|role| scripts().map(move |script| (role, script))) {
        for call in CALLS {
            let mut has_sent = false;
            for_each_n(|n| {
                let (mut websocket, mut peer) = pair(role, Config::new().high_water_mark(MARK), script);
                websocket.queue(&sent[0]).unwrap();
                let result = poll_at_most(call.call(&mut websocket, sent[1].clone()), n, &mut peer);
                let completes = result.is_some_and(|result| result.map(|()| true).unwrap());
                // Another call goes on.
                let next = if call == Call::Close { Call::Close } else { Call::Send };
                let result = poll_at_most(next.call(&mut websocket, sent[2].clone()), 10_000, &mut peer);
                result.expect("the call waits for ever").unwrap();
                peer.step();
                assert_eq!(peer.closes, usize::from(call == Call::Close), "{n} {script:?}");
                let is_sent = check(call, completes, &sent, &peer);
                assert!(is_sent || !has_sent, "a message that was queued is lost after more polls");
                has_sent = is_sent;
                completes
            });
            assert_eq!(has_sent, call.takes_message());
        }
    }
}

/// Lets the peer and the driver task run until nothing is left to do.
async fn settle(peer: &mut Peer) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
        peer.step();
    }
}

#[tokio::test]
async fn dropped_futures_of_a_sender_go_on() {
    let sent = messages(&[700, 300, 5]);
    for script in scripts() {
        for call in CALLS {
            let mut completes = false;
            for n in 0..1000 {
                let (websocket, mut peer) = pair(Role::Server, Config::new().high_water_mark(MARK), script);
                let (mut sender, receiver) = websocket.split();
                sender.queue(&sent[0]).unwrap();
                let called = poll_when_woken(call.call(&mut sender, sent[1].clone()), n);
                // The peer runs meanwhile.
                let stepping = async { settle(&mut peer).await };
                let (result, ()) = tokio::join!(called, stepping);
                completes = result.is_some_and(|result| result.map(|()| true).unwrap());
                assert!(n > 0 || !completes, "the future was not polled");
                let next = if call == Call::Close { Call::Close } else { Call::Send };
                let result = drive(next.call(&mut sender, sent[2].clone()), &mut peer).await;
                result.unwrap();
                settle(&mut peer).await;
                assert_eq!(peer.closes, usize::from(call == Call::Close), "{n} {script:?}");
                check(call, completes, &sent, &peer);
                drop((sender, receiver));
                // The driver task ends.
                while Handle::current().metrics().num_alive_tasks() > 0 {
                    settle(&mut peer).await;
                }
                assert!(peer.wire.is_dropped());
                if completes {
                    break;
                }
            }
            assert!(completes, "{call:?}");
        }
    }
}
