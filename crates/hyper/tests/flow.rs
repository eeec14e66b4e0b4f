//! Flow control, and the end of a connection, over HTTP/2. The transport is in memory, so that a paused clock advances only
//! when every task waits.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::client::{self, connect_with_window, settle};
use common::{Kind, echo, serve_connection, serve_until, stream};
use hyper::client::conn::http2::SendRequest;
use protocol_websocket::{EndedBy, Event};
use protocol_websocket_hyper::{
    Accept, Body, CloseCode, Config, Error, OpenError, Upgraded, WebSocket, config, upgrade,
};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};

/// The length of a message, in bytes.
const LEN: usize = 64 * 1024;
/// The flow-control window of a stream, in bytes.
const WINDOW: u32 = 16 * 1024;
/// More than the bytes that hyper, `h2` and a `WebSocket` keep for one stream.
const MAX_BUFFERED: usize = 10 * LEN;

async fn connect(stream: DuplexStream) -> SendRequest<Body> {
    connect_with_window(WINDOW, stream).await
}

async fn open(sender: &mut SendRequest<Body>) -> Result<WebSocket<Upgraded>, OpenError> {
    client::open(sender, "/", Config::new()).await
}

/// Sends messages until the peer does not read, and counts them.
async fn fill(mut websocket: WebSocket<Upgraded>, sent: Arc<AtomicUsize>) -> Result<(), Error> {
    loop {
        websocket.send(vec![7; LEN]).await?;
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn server_waits_for_the_window_of_the_client() {
    let (client, server) = duplex(1 << 20);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    tokio::spawn(serve_connection(Kind::Http2, server, move |mut request| {
        let (response, opening) = upgrade(&mut request, Config::new()).unwrap().accept(Accept::new());
        let count = Arc::clone(&count);
        tokio::spawn(async move { fill(opening.await?, count).await });
        response
    }));
    let mut sender = connect(client).await;
    let mut websocket = open(&mut sender).await.unwrap();
    settle().await;
    let first = sent.load(Ordering::Relaxed);
    assert!(first * LEN <= MAX_BUFFERED, "{first} messages are buffered");
    settle().await;
    assert_eq!(sent.load(Ordering::Relaxed), first);
    // Another stream of the connection is not blocked, and continues to be open.
    let mut other = open(&mut sender).await.unwrap();
    assert_eq!(other.recv().await.unwrap().unwrap().len(), LEN);
    for _ in 0..100 {
        assert_eq!(websocket.recv().await.unwrap().unwrap().len(), LEN);
    }
    assert!(sent.load(Ordering::Relaxed) >= 100);
}

#[tokio::test(start_paused = true)]
async fn client_waits_for_the_window_of_the_server() {
    let (client, server) = duplex(1 << 20);
    let (handler, mut websockets) = mpsc::unbounded_channel();
    let (shutdown, stopped) = oneshot::channel();
    tokio::spawn(serve_until(server, WINDOW, stopped, handler));
    let websocket = open(&mut connect(client).await).await.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    tokio::spawn(fill(websocket, Arc::clone(&sent)));
    let mut websocket = websockets.recv().await.unwrap();
    settle().await;
    let first = sent.load(Ordering::Relaxed);
    assert!(first * LEN <= MAX_BUFFERED, "{first} messages are buffered");
    settle().await;
    assert_eq!(sent.load(Ordering::Relaxed), first);
    for _ in 0..100 {
        assert_eq!(websocket.recv().await.unwrap().unwrap().len(), LEN);
    }
    assert!(sent.load(Ordering::Relaxed) >= 100);
    drop(shutdown);
}

#[tokio::test(start_paused = true)]
async fn bytes_that_the_peer_does_not_read_are_unsent() {
    let (client, server) = duplex(64 * 1024);
    let (handler, mut websockets) = mpsc::unbounded_channel();
    let (_shutdown, stopped) = oneshot::channel();
    tokio::spawn(serve_until(server, WINDOW, stopped, handler));
    let mut client = open(&mut connect(client).await).await.unwrap();
    client.queue(vec![7; 16 * LEN]).unwrap();
    tokio::time::timeout(Duration::from_millis(1), client.flush()).await.unwrap_err();
    assert!(client.unsent() > 16 * LEN - MAX_BUFFERED, "{} bytes are unsent", client.unsent());
    let mut server = websockets.recv().await.unwrap();
    let (flushed, received) = tokio::join!(client.flush(), server.recv());
    flushed.unwrap();
    assert_eq!(received.unwrap().unwrap().len(), 16 * LEN);
    assert_eq!(client.unsent(), 0);
}

#[tokio::test(start_paused = true)]
async fn open_websockets_continue_during_a_graceful_shutdown() {
    let (client, server) = duplex(64 * 1024);
    let (handler, mut websockets) = mpsc::unbounded_channel();
    let (shutdown, stopped) = oneshot::channel();
    let connection = tokio::spawn(serve_until(server, WINDOW, stopped, handler));
    let mut sender = connect(client).await;
    let mut client = open(&mut sender).await.unwrap();
    let mut server = websockets.recv().await.unwrap();
    // In the middle of a message that is longer than the window.
    client.queue(vec![7; 10 * LEN]).unwrap();
    tokio::time::timeout(Duration::from_millis(1), client.flush()).await.unwrap_err();
    shutdown.send(()).unwrap();
    settle().await;
    let (flushed, received) = tokio::join!(client.flush(), server.recv());
    flushed.unwrap();
    assert_eq!(received.unwrap().unwrap().len(), 10 * LEN);
    server.send("reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap().as_text(), Some("reply"));
    // New streams are refused.
    assert!(matches!(open(&mut sender).await, Err(OpenError::Hyper(_))));
    let (ended, received) = tokio::join!(client.close(CloseCode::GOING_AWAY), server.recv());
    assert!(ended.clean && received.is_none());
    drop(client);
    connection.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn lost_connection_ends_its_websockets() {
    let (client, server) = duplex(64 * 1024);
    let (handler, mut websockets) = mpsc::unbounded_channel();
    let (_shutdown, stopped) = oneshot::channel();
    let connection = tokio::spawn(serve_until(server, WINDOW, stopped, handler));
    let mut client = open(&mut connect(client).await).await.unwrap();
    let mut server = websockets.recv().await.unwrap();
    connection.abort();
    assert!(client.recv().await.unwrap().is_err());
    assert!(server.recv().await.unwrap().is_err());
    assert_eq!(client.ended().unwrap().by, EndedBy::Transport);
}

#[tokio::test(start_paused = true)]
async fn dropped_client_ends_the_websocket_of_the_server() {
    let (client, server) = duplex(64 * 1024);
    let (handler, mut websockets) = mpsc::unbounded_channel();
    let (_shutdown, stopped) = oneshot::channel();
    tokio::spawn(serve_until(server, WINDOW, stopped, handler));
    let mut sender = connect(client).await;
    drop(open(&mut sender).await.unwrap());
    let mut server = websockets.recv().await.unwrap();
    assert!(server.recv().await.unwrap().is_err());
    assert!(!server.ended().unwrap().clean);
    // The connection continues.
    let mut client = open(&mut sender).await.unwrap();
    let mut server = websockets.recv().await.unwrap();
    server.send("text").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap().as_text(), Some("text"));
}

#[tokio::test(start_paused = true)]
async fn silent_client_is_pinged_and_its_stream_ends() {
    let (client, server) = duplex(64 * 1024);
    tokio::spawn(serve_connection(Kind::Http2, server, |mut request| echo(upgrade(&mut request, config()).unwrap())));
    let (mut sender, _connection) = stream::handshake(client, &h2::client::Builder::new()).await;
    let mut client = stream::Client::open(&mut sender).await;
    assert_eq!(client.recv.data().await.unwrap().unwrap(), b"\x89\0"[..]);
    // Without a pong, a Close follows. The client does not reply, so the stream is reset after the end.
    assert_eq!(client.recv.data().await.unwrap().unwrap()[0], 0x88);
    while let Some(Ok(data)) = client.recv.data().await {
        assert!(data.is_empty());
    }
    // The connection continues.
    assert_eq!(stream::Client::open(&mut sender).await.ask("text").await.as_text(), Some("text"));
}

#[tokio::test(start_paused = true)]
async fn client_without_a_close_sees_the_end_of_the_stream() {
    let (client, server) = duplex(64 * 1024);
    tokio::spawn(serve_connection(Kind::Http2, server, |mut request| {
        echo(upgrade(&mut request, Config::new()).unwrap())
    }));
    let (mut sender, _connection) = stream::handshake(client, &h2::client::Builder::new()).await;
    let mut client = stream::Client::open(&mut sender).await;
    // The end of the stream in the middle of a message: the server sends no Close of its own, and ends its stream, too.
    client.send.send_data(Bytes::from_static(b"\x81\x82\0\0"), true).unwrap();
    match client.recv().await {
        None => {}
        Some(Ok(Event::Close(_))) => assert!(client.recv().await.is_none()),
        other => panic!("received {other:?}"),
    }
}
