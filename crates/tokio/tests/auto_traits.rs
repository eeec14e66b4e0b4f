//! Public types and futures can be sent to other threads if their transport can.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use protocol_websocket_tokio::{
    Accept, Backoff, Close, CloseCode, Config, Drain, DrainGuard, Drained, Ended, Error, Event, EventRef, Limits,
    Message, Negotiated, Offer, Outbox, Part, Parts, Prepared, Receiver, Reject, Request, Response, SendError, Sender,
    Session, Stats, Timeouts, WebSocket, relay,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};

const fn is_send<T: Send>(_: &T) {}
const fn is_sync<T: Send + Sync + Unpin>() {}

#[test]
fn public_types_are_send_sync_and_unpin() {
    is_sync::<(WebSocket<DuplexStream>, Parts<DuplexStream>, Sender, Receiver, Drain, DrainGuard, Drained, Error, Stats)>(
    );
    is_sync::<(Session, Outbox, Config, Limits, Timeouts, Backoff, Negotiated, Ended, SendError)>();
    is_sync::<(Message, Part, Prepared, Event, EventRef<'_>, Close, CloseCode)>();
    is_sync::<(Accept, Reject, Offer, Request, Response)>();
    #[cfg(feature = "server")]
    is_sync::<protocol_websocket_tokio::Incoming<DuplexStream>>();
    #[cfg(feature = "client")]
    {
        use protocol_websocket_tokio::{
            Connect, ConnectError, ConnectEvent, ConnectStep, Destination, Proxy, ProxyError, SocksError, Stream,
        };
        is_sync::<(Connect, ConnectEvent<'_>, ConnectStep, Destination<'_>, Proxy, Stream)>();
        is_sync::<(ConnectError, ProxyError, SocksError)>();
    }
}

/// The test above names each public type of the crate and each that it exports.
#[test]
fn list_of_public_types_is_complete() {
    let api = include_str!("../../../docs/api/protocol-websocket-tokio.txt");
    let tests = include_str!("auto_traits.rs");
    test_support::api::assert_lists_all_types(tests, "is_sync::<", api, "protocol_websocket_tokio");
}

/// Compiles for each transport that is `Send`. It is not called.
fn futures_are_send<S: AsyncRead + AsyncWrite + Unpin + Send>(websocket: &mut WebSocket<S>) {
    is_send(&websocket.recv());
    is_send(&websocket.recv_part());
    is_send(&websocket.recv_event());
    is_send(&websocket.recv_with(|_, _| ()));
    is_send(&websocket.send(Message::from("text")));
    is_send(&websocket.send("text"));
    is_send(&websocket.flush());
    is_send(&websocket.ready());
    is_send(&websocket.close(None::<Close>));
}

/// The halves have no transport in their type.
fn futures_of_halves_are_send(sender: &Sender, receiver: &mut Receiver, drain: &Drain) {
    is_send(&sender.send(Message::from("text")));
    is_send(&sender.send("text"));
    is_send(&sender.flush());
    is_send(&sender.ready());
    is_send(&sender.close(None::<Close>));
    is_send(&receiver.recv());
    is_send(&receiver.recv_part());
    is_send(&receiver.recv_event());
    is_send(&drain.shutdown(CloseCode::GOING_AWAY, "", Duration::ZERO));
}

fn future_of_a_relay_is_send<S: AsyncRead + AsyncWrite + Unpin + Send>(a: WebSocket<S>, b: WebSocket<S>) {
    is_send(&relay(a, b));
}

#[cfg(feature = "server")]
fn futures_of_a_server_are_send<S: AsyncRead + AsyncWrite + Unpin + Send>(
    io: S,
    requests: [protocol_websocket_tokio::Incoming<S>; 2],
) {
    use protocol_websocket_tokio::{Accept, Reject, accept, config};
    is_send(&accept(io, config()));
    let [first, second] = requests;
    is_send(&first.accept(Accept::new()));
    is_send(&second.reject(&Reject::new(404)));
}

#[cfg(feature = "client")]
fn futures_of_a_client_are_send<S: AsyncRead + AsyncWrite + Unpin + Send>(io: S) {
    use protocol_websocket_tokio::{Connect, Destination};
    let connect = Connect::to(Destination::new("example.com", "/"));
    is_send(&connect.clone().over(io));
    is_send(&connect.clone().open_with(tokio::io::BufStream::new));
    is_send(&connect.into_future());
    #[cfg(feature = "url")]
    is_send(&protocol_websocket_tokio::connect("ws://example.com"));
}

#[test]
fn futures_are_send_if_their_transport_is() {
    let _: fn(&mut WebSocket<DuplexStream>) = futures_are_send;
    let _ = (futures_of_halves_are_send, future_of_a_relay_is_send::<DuplexStream>);
    #[cfg(feature = "server")]
    let _ = futures_of_a_server_are_send::<DuplexStream>;
    #[cfg(feature = "client")]
    let _ = futures_of_a_client_are_send::<DuplexStream>;
}
