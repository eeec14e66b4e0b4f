//! Public types and futures can be sent to other threads.
#![cfg(all(feature = "hyper", feature = "tokio"))]

use protocol_websocket_testkit::{Misbehavior, Peer, Schedule, Step, Transport, serve};

const fn is_send<T: Send>(_: &T) {}
const fn is_sync<T: Send + Sync + Unpin>() {}

#[test]
fn public_types_are_send_sync_and_unpin() {
    is_sync::<(Misbehavior, Peer, Schedule, Step, Transport)>();
}

/// Compiles. It is not called.
fn futures_are_send(peer: &mut Peer, transport: Transport, router: axum::Router) {
    is_send(&peer.misbehave(Misbehavior::Reset));
    is_send(&peer.recv_close());
    is_send(&serve(transport, router));
}

#[test]
fn futures_can_be_sent() {
    let _ = futures_are_send;
}
