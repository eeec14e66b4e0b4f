//! Public types can be sent to other threads if their transport can.
#![allow(clippy::unwrap_used)]

use std::net::TcpStream;

use protocol_websocket_blocking::{
    Accept, Backoff, Close, CloseCode, Config, Ended, Error, Event, EventRef, Limits, Message, Negotiated, NoDeadlines,
    Offer, Outbox, Part, Parts, Prepared, Reject, Request, Response, SendError, Session, Stats, Timeouts, WebSocket,
};

const fn is_sync<T: Send + Sync + Unpin>() {}

#[test]
fn public_types_are_send_sync_and_unpin() {
    is_sync::<(WebSocket<TcpStream>, Parts<TcpStream>, NoDeadlines<TcpStream>, Error, Stats)>();
    is_sync::<(Session, Outbox, Config, Limits, Timeouts, Backoff, Negotiated, Ended, SendError)>();
    is_sync::<(Message, Part, Prepared, Event, EventRef<'_>, Close, CloseCode)>();
    is_sync::<(Accept, Reject, Offer, Request, Response)>();
    #[cfg(feature = "server")]
    is_sync::<protocol_websocket_blocking::Incoming<TcpStream>>();
    #[cfg(feature = "client")]
    {
        use protocol_websocket_blocking::{Connect, ConnectError, ConnectStep, Destination, OsRandom, Stream};
        is_sync::<(Connect, ConnectError, ConnectStep, Destination<'_>, OsRandom, Stream)>();
    }
    #[cfg(feature = "rustls")]
    {
        use protocol_websocket_blocking::{TlsStream, rustls::ClientConnection};
        is_sync::<TlsStream<ClientConnection, TcpStream>>();
    }
}

/// The test above names each public type of the crate and each that it exports.
#[test]
fn list_of_public_types_is_complete() {
    let api = include_str!("../../../docs/api/protocol-websocket-blocking.txt");
    let tests = include_str!("auto_traits.rs");
    test_support::api::assert_lists_all_types(tests, "is_sync::<", api, "protocol_websocket_blocking");
}
