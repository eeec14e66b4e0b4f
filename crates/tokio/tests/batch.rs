//! One read, all its messages, one write.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use common::{Op, Peer, Script, ScriptedIo, messages, pair, poll_at_most};
use futures_util::StreamExt as _;
use protocol_websocket::Role;
use protocol_websocket_tokio::{Config, Error, Message, WebSocket};

const COUNT: usize = 100;

async fn echo(mut websocket: WebSocket<ScriptedIo>) -> Result<(), Error> {
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}

async fn echo_shared(mut websocket: WebSocket<ScriptedIo>) -> Result<(), Error> {
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}

async fn forward(websocket: WebSocket<ScriptedIo>) -> Result<(), Error> {
    let (sink, stream) = futures_util::StreamExt::split(websocket);
    stream.forward(sink).await
}

/// Returns the numbers of reads and writes in which all messages were echoed.
fn count<F: Future<Output = Result<(), Error>>>(
    sent: &[Message],
    is_vectored: bool,
    run: fn(WebSocket<ScriptedIo>) -> F,
) -> (usize, usize) {
    let (websocket, mut peer): (_, Peer) = pair(Role::Server, Config::new(), Script { is_vectored, ..Script::new() });
    peer.send_all(sent);
    assert!(poll_at_most(run(websocket), 1, &mut peer).is_none());
    assert_eq!(peer.messages, sent);
    (peer.wire.calls(Op::Read), peer.wire.calls(Op::Write))
}

#[tokio::test]
async fn replies_to_one_read_leave_in_one_write() {
    for is_vectored in [false, true] {
        assert_eq!(count(&messages(&[50; COUNT]), is_vectored, echo), (1, 1));
    }
}

#[tokio::test]
async fn replies_through_a_sink_leave_in_two_writes() {
    // `SplitSink` keeps the last message until it is flushed, so the stream writes all but one.
    for is_vectored in [false, true] {
        assert_eq!(count(&messages(&[50; COUNT]), is_vectored, forward), (1, 2));
    }
}

#[tokio::test]
async fn shared_payloads_leave_in_one_vectored_write() {
    let sent = messages(&[4500; 5]);
    assert_eq!(count(&sent, true, echo_shared), (1, 1));
    // Each header and each payload.
    assert_eq!(count(&sent, false, echo_shared), (1, 10));
}

#[tokio::test]
async fn pongs_and_replies_leave_in_one_write() {
    let (websocket, mut peer) = pair(Role::Client, Config::new(), Script::new());
    for index in 0..COUNT {
        peer.session.ping(index.to_string()).unwrap();
        peer.session.send("a").unwrap();
    }
    peer.step();
    assert!(poll_at_most(echo(websocket), 1, &mut peer).is_none());
    assert_eq!((peer.messages.len(), peer.wire.calls(Op::Write)), (COUNT, 1));
}

#[tokio::test]
async fn buffered_messages_need_no_read() {
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script::new());
    let sent = messages(&[10; COUNT]);
    peer.send_all(&sent);
    for message in &sent {
        assert_eq!(websocket.recv().await.unwrap().unwrap(), *message);
    }
    assert_eq!(peer.wire.calls(Op::Read), 1);
}
