//! Public types can be sent to other threads.

use protocol_websocket_axum::{Config, WebSocket, WebSocketUpgrade, WebSocketUpgradeRejection, ws};

const fn is_send<T: Send + Unpin + 'static>() {}
const fn is_sync<T: Send + Sync + Unpin + 'static>() {}

#[test]
fn public_types_are_send() {
    is_sync::<(WebSocketUpgradeRejection, Config, ws::Message, ws::CloseFrame, ws::Utf8Bytes)>();
    // The future of a handler that borrows it over an `await` is `Send`.
    is_sync::<(WebSocketUpgrade, ws::WebSocketUpgrade)>();
    // A stream of hyper is not `Sync`.
    is_send::<(WebSocket, ws::WebSocket)>();
}
