//! Messages that are buffered, or that arrive without a wait, do not starve the other tasks of a thread.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Script, ScriptedIo, pair};
use futures_util::StreamExt as _;
use protocol_websocket::Role;
use protocol_websocket_tokio::{Config, Event, EventRef, Message, WebSocket};
use tokio::task::yield_now;

/// The messages of ten reads of 64 KiB.
const COUNT: usize = 10 * 32_768;
/// The largest number of events in a row: a task's budget has 128 units.
const MAX_IN_A_ROW: usize = 128 * 32;

/// Returns a client to which the server has sent `COUNT` frames of two bytes and a Close.
fn client(config: Config, frame: [u8; 2]) -> WebSocket<ScriptedIo> {
    let (websocket, peer) = pair(Role::Client, config, Script::new());
    peer.wire.push(&frame.repeat(COUNT));
    peer.wire.push(b"\x88\x00");
    peer.wire.end();
    websocket
}

/// Runs the future, and checks that another task had its turns meanwhile.
async fn assert_yields(name: &str, count: usize, future: impl Future<Output = ()> + Send + 'static) {
    let turns = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&turns);
    let other = tokio::spawn(async move {
        loop {
            counter.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
        }
    });
    tokio::spawn(future).await.unwrap();
    other.abort();
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= count / MAX_IN_A_ROW, "{name}: {turns} turns during {count} events");
}

const MESSAGE: [u8; 2] = *b"\x82\x00";
const PONG: [u8; 2] = *b"\x8A\x00";

#[tokio::test]
async fn buffered_messages_do_not_starve_other_tasks() {
    let mut websocket = client(Config::new(), MESSAGE);
    assert_yields("recv", COUNT, async move {
        let mut received = 0;
        while let Some(message) = websocket.recv().await {
            assert_eq!(message.unwrap(), Message::from(vec![]));
            received += 1;
        }
        assert_eq!(received, COUNT);
    })
    .await;
    let websocket = client(Config::new(), MESSAGE);
    assert_yields("Stream", COUNT, async move { assert_eq!(websocket.count().await, COUNT) }).await;
    let mut websocket = client(Config::new(), MESSAGE);
    assert_yields("recv_with", COUNT, async move {
        let mut received = 0;
        while let Some(is_message) = websocket.recv_with(|event, _| matches!(event, EventRef::Message(_))).await {
            received += usize::from(is_message.unwrap());
        }
        assert_eq!(received, COUNT);
    })
    .await;
    let mut websocket = client(Config::new(), PONG);
    assert_yields("skipped events", COUNT, async move { assert!(websocket.recv().await.is_none()) }).await;
    let mut websocket = client(Config::new(), MESSAGE);
    assert_yields("close", COUNT, async move { assert!(websocket.close(None).await.clean) }).await;
}

#[tokio::test]
async fn messages_of_a_split_connection_do_not_starve_other_tasks() {
    let (sender, receiver) = client(Config::new(), MESSAGE).split();
    assert_yields("dropped messages", COUNT, async move {
        drop(receiver);
        assert!(sender.close(None).await.clean);
    })
    .await;
    let (sender, mut receiver) = client(Config::new(), PONG).split();
    assert_yields("pongs", COUNT, async move {
        assert!(receiver.recv().await.is_none());
        assert!(sender.ended().unwrap().clean);
    })
    .await;
    // All messages are one batch.
    let (sender, mut receiver) = client(Config::new().high_water_mark(usize::MAX), MESSAGE).split();
    assert!(matches!(receiver.recv_event().await, Some(Ok(Event::Message(_)))));
    sender.close(None).await;
    assert_yields("a batch", COUNT - 1, async move { assert_eq!(receiver.count().await, COUNT - 1) }).await;
}
