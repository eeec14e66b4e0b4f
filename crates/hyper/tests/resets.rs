//! A stream of HTTP/2 is reset, or its connection begins to shut down, in the middle of a message.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::client::{self, connect_with_window, settle};
use common::stream::{self, Client};
use common::{hand_over, serve_connection};
use h2::Reason;
use hyper::client::conn::http2::SendRequest;
use protocol_websocket::{EndedBy, MessageKind};
use protocol_websocket_hyper::protocol_websocket_tokio::Part;
use protocol_websocket_hyper::{Body, CloseCode, Config, Error, Upgraded, WebSocket};
use tokio::io::duplex;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;

/// The flow-control window of a stream, in bytes.
const WINDOW: u32 = 16 * 1024;
/// The length of a part of a message, in bytes: more than the transport buffers.
const PART: usize = 500_000;
const REASONS: [Reason; 6] = [
    Reason::NO_ERROR,
    Reason::CANCEL,
    Reason::INTERNAL_ERROR,
    Reason::REFUSED_STREAM,
    Reason::STREAM_CLOSED,
    Reason::PROTOCOL_ERROR,
];

async fn open(sender: &mut SendRequest<Body>) -> WebSocket<Upgraded> {
    client::open(sender, "/", Config::new()).await.unwrap()
}

/// Receives the message before the reset, and checks the end.
async fn assert_reset(mut websocket: WebSocket<Upgraded>, reason: Reason) {
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("one"), "{reason:?}");
    let error = websocket.recv().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Io(_)), "{reason:?}: {error:?}");
    assert!(websocket.recv().await.is_none());
    let ended = websocket.ended().unwrap();
    assert_eq!((ended.clean, ended.code, ended.by), (false, CloseCode::ABNORMAL, EndedBy::Transport), "{reason:?}");
    assert!(websocket.send("text").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn reset_by_a_client_ends_the_websocket_after_the_messages_before() {
    let (near, far) = duplex(64 * 1024);
    let (handler, mut opened) = unbounded_channel();
    tokio::spawn(serve_connection(common::Kind::Http2, far, hand_over(handler)));
    let (mut sender, _connection) = stream::handshake(near, &h2::client::Builder::new()).await;
    for reason in REASONS {
        for bytes in [&b""[..], b"\x01", b"\x01\x83\0\0\0\0a", b"\x01\x81\0\0\0\0a\x89\x80\0\0\0\0"] {
            let mut client = Client::open(&mut sender).await;
            client.send("one").await;
            client.send.send_data(Bytes::from_static(bytes), false).unwrap();
            settle().await;
            client.send.send_reset(reason);
            settle().await;
            assert_reset(opened.recv().await.unwrap(), reason).await;
        }
    }
    let mut client = Client::open(&mut sender).await;
    opened.recv().await.unwrap().send("text").await.unwrap();
    assert!(client.recv().await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn reset_by_a_server_ends_the_websocket_after_the_messages_before() {
    let (near, far) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut builder = h2::server::Builder::new();
        let mut connection = builder.enable_connect_protocol().handshake::<_, Bytes>(far).await.unwrap();
        for reason in REASONS.into_iter().cycle() {
            let Some(Ok((request, mut respond))) = connection.accept().await else { return };
            tokio::spawn(async move {
                let _body = request.into_body();
                let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
                stream.send_data(Bytes::from_static(b"\x81\x03one\x01\x02a"), false).unwrap();
                settle().await;
                stream.send_reset(reason);
            });
        }
    });
    let mut sender = connect_with_window(WINDOW, near).await;
    for reason in REASONS {
        let websocket = open(&mut sender).await;
        settle().await;
        settle().await;
        assert_reset(websocket, reason).await;
    }
}

/// Queues the first or the last part of a message.
fn queue_part(websocket: &mut WebSocket<Upgraded>, is_last: bool) {
    let part = Part::new(MessageKind::Binary, vec![7; PART].into());
    websocket.queue_part(part.with_first(!is_last).with_last(is_last)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn fragmented_messages_of_both_ends_are_completed_during_a_graceful_shutdown() {
    let (near, far) = duplex(64 * 1024);
    let (handler, mut opened) = unbounded_channel();
    let (shutdown, stopped) = oneshot::channel();
    let served = tokio::spawn(common::serve_until(far, WINDOW, stopped, handler));
    let mut sender = connect_with_window(WINDOW, near).await;
    let mut client = open(&mut sender).await;
    let mut server = opened.recv().await.unwrap();
    for end in [&mut client, &mut server] {
        queue_part(end, false);
        tokio::time::timeout(Duration::from_millis(1), end.flush()).await.unwrap_err();
    }
    shutdown.send(()).unwrap();
    settle().await;
    queue_part(&mut client, true);
    queue_part(&mut server, true);
    let (at_client, at_server) = tokio::join!(client.recv(), server.recv());
    assert_eq!((at_client.unwrap().unwrap().len(), at_server.unwrap().unwrap().len()), (2 * PART, 2 * PART));
    let (ended, received) = tokio::join!(server.close(CloseCode::GOING_AWAY), client.recv());
    assert!(ended.clean && received.is_none());
    drop((client, server));
    served.await.unwrap().unwrap();
}
