//! Public types and futures can be sent to other threads if their transport can.
#![allow(clippy::unwrap_used)]

use protocol_websocket_tokio::{Close, Config, Error, Message, Parts, Session, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};

const fn is_send<T: Send>(_: &T) {}
const fn is_sync<T: Send + Sync + Unpin>() {}

#[test]
fn public_types_are_send_sync_and_unpin() {
    is_sync::<WebSocket<DuplexStream>>();
    is_sync::<Parts<DuplexStream>>();
    is_sync::<Error>();
    is_sync::<Session>();
    is_sync::<Config>();
    #[cfg(feature = "server")]
    is_sync::<protocol_websocket_tokio::Incoming<DuplexStream>>();
    #[cfg(feature = "client")]
    is_sync::<(protocol_websocket_tokio::Connect, protocol_websocket_tokio::ConnectError)>();
}

/// Compiles for each transport that is `Send`. It is not called.
fn futures_are_send<S: AsyncRead + AsyncWrite + Unpin + Send>(websocket: &mut WebSocket<S>) {
    is_send(&websocket.recv());
    is_send(&websocket.recv_part());
    is_send(&websocket.recv_event());
    is_send(&websocket.send(Message::from("text")));
    is_send(&websocket.send("text"));
    is_send(&websocket.flush());
    is_send(&websocket.ready());
    is_send(&websocket.close(None::<Close>));
}

#[cfg(feature = "server")]
fn futures_of_a_server_are_send<S: AsyncRead + AsyncWrite + Unpin + Send>(
    io: S,
    requests: [protocol_websocket_tokio::Incoming<S>; 2],
) {
    use protocol_websocket_tokio::{Accept, Reject, accept, config};
    is_send(&accept(io, config()));
    let [first, second] = requests;
    is_send(&first.accept(&Accept::new()));
    is_send(&second.reject(&Reject::new(404)));
}

#[cfg(feature = "client")]
fn futures_of_a_client_are_send<S: AsyncRead + AsyncWrite + Unpin + Send>(io: S) {
    is_send(&protocol_websocket_tokio::Connect::new("ws://example.com").unwrap().over(io));
}

#[test]
fn futures_are_send_if_their_transport_is() {
    let _: fn(&mut WebSocket<DuplexStream>) = futures_are_send;
    #[cfg(feature = "server")]
    let _ = futures_of_a_server_are_send::<DuplexStream>;
    #[cfg(feature = "client")]
    let _ = futures_of_a_client_are_send::<DuplexStream>;
}
