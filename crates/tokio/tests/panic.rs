//! A panic of the closure of `recv_with`.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{Script, messages, pair, poll_at_most};
use protocol_websocket::Role;
use protocol_websocket_tokio::{Config, EventRef};

#[tokio::test]
async fn panic_loses_the_message_of_the_call_alone() {
    for (role, panics) in [Role::Client, Role::Server].into_iter().flat_map(|role| (0..4).map(move |n| (role, n))) {
        let (mut websocket, mut peer) = pair(role, Config::new(), Script::new());
        let mut sent = messages(&[10, 300, 5]);
        // A payload that is also a sequence of frames.
        sent.insert(1, b"\x82\x02hi".repeat(20).into());
        // All in one read: the first message is in the buffer of the thread, and the others are in that of the session.
        peer.send_all(&sent);
        let mut received = Vec::new();
        for number in 0..sent.len() {
            let recv = websocket.recv_with(|event, _| match event {
                EventRef::Message(message) if number != panics => message.into_owned(),
                _ => panic!("a panic of the test"),
            });
            let result = catch_unwind(AssertUnwindSafe(|| poll_at_most(recv, 1, &mut peer)));
            received.extend(result.ok().map(|message| message.unwrap().unwrap().unwrap()));
        }
        sent.remove(panics);
        assert_eq!(received, sent, "{role:?} {panics}");
    }
}
