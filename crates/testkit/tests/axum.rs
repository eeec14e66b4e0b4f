//! A router of axum over a transport in memory.
#![cfg(feature = "hyper")]
#![allow(clippy::unwrap_used)]

use std::io::ErrorKind;

use axum::{Router, routing::any};
use protocol_websocket_axum::{WebSocket, WebSocketUpgrade};
use protocol_websocket_testkit::{Misbehavior, Peer, Transport, run, serve};
use protocol_websocket_tokio::protocol_websocket::Frame;

async fn echo(mut websocket: WebSocket) {
    while let Some(Ok(message)) = websocket.recv().await {
        let _ = websocket.queue(message);
    }
}

fn connect() -> Transport {
    let router = Router::new().route("/echo", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)));
    let (near, far) = Transport::pair(64 * 1024);
    tokio::spawn(serve(far, router));
    near
}

#[test]
fn router_ends_each_connection_as_documented() {
    for &misbehavior in Misbehavior::ALL {
        // This program does not close.
        if misbehavior != Misbehavior::NoReplyToClose {
            run(async {
                let mut peer = Peer::connect(connect(), "/echo").await.unwrap();
                let code = peer.misbehave(misbehavior).await.unwrap();
                assert_eq!((misbehavior, code), (misbehavior, misbehavior.close_code()));
            });
        }
    }
}

#[test]
fn peer_sends_and_receives_frames() {
    run(async {
        let mut peer = Peer::connect(connect(), "/echo").await.unwrap();
        peer.send(&Frame::text("hello")).await.unwrap();
        assert_eq!(peer.recv().await.unwrap(), Some(Frame::text("hello")));
        peer.transport().reset();
        assert_eq!(peer.recv().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(peer.into_transport().unread(), 0);
    });
}

#[test]
fn refused_and_invalid_requests_are_errors() {
    run(async {
        assert_eq!(Peer::connect(connect(), "/").await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(Peer::connect(connect(), "/a b").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let (near, far) = Transport::pair(100);
        drop(near);
        assert_eq!(Peer::accept(far).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}
