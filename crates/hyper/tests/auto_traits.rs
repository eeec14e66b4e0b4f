//! Public types and futures can be sent to other threads.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]

use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_hyper::{
    Accept, AwaitSettings, Body, Expect, OpenError, Upgrade, Upgraded, WebSocket, http2_handshake,
};
use tokio::io::DuplexStream;

const fn is_send<T: Send + 'static>(_: &T) {}
const fn is_send_and_unpin<T: Send + Unpin>() {}
const fn is_sync<T: Send + Sync + Unpin>() {}

#[test]
fn public_types_are_send() {
    is_sync::<(Body, OpenError, AwaitSettings<DuplexStream>, Expect, Upgrade)>();
    // A stream of hyper is not `Sync`.
    is_send_and_unpin::<(Upgraded, WebSocket<Upgraded>)>();
    #[cfg(feature = "tower")]
    is_sync::<(
        protocol_websocket_hyper::WebSocketLayer<fn()>,
        protocol_websocket_hyper::WebSocketService<(), fn()>,
        protocol_websocket_hyper::WebSocketFuture<std::future::Ready<()>, std::future::Ready<()>>,
    )>();
}

/// Compiles. It is not called.
fn futures_are_send(upgrade: Upgrade, expect: Expect, response: &mut http::Response<Incoming>, io: DuplexStream) {
    is_send(&upgrade.accept(Accept::new()).1);
    is_send(&expect.open(response));
    let builder = Box::leak(Box::new(http2::Builder::new(TokioExecutor::new())));
    is_send(&http2_handshake::<_, Body, _>(builder, TokioIo::new(io)));
}

#[test]
fn futures_are_send_and_do_not_borrow() {
    let _: fn(Upgrade, Expect, &mut http::Response<Incoming>, DuplexStream) = futures_are_send;
}
