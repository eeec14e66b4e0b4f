//! A thousand WebSockets on ten HTTP/2 connections.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Kind, client, echo_messages, serve_with};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::TokioExecutor;
use protocol_websocket_hyper::{Accept, Body, CloseCode, Config, Error, Message, Upgraded, WebSocket, upgrade};
use test_support::heap::{CountingAllocator, current};
use test_support::noise::noise;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const CONNECTIONS: u32 = 10;
const WEBSOCKETS: u32 = 100;
/// Lengths of messages.
const LENGTHS: [usize; 5] = [0, 1, 125, 126, 3000];
/// The length of the last message of each tenth WebSocket: longer than a frame of HTTP/2, and than a write to a stream.
const LONG: usize = 70_000;
/// What may stay allocated after all connections have ended, in bytes.
const MAX_REMAINING: i64 = 1 << 20;

/// Starts an echo server that sends without an end if the path is `/flood`. Counts the WebSockets that are open.
async fn serve(open: &Arc<AtomicUsize>) -> SocketAddr {
    let open = Arc::clone(open);
    serve_with(Kind::Http2, move |mut request| {
        let path = request.uri().path().to_owned();
        let (response, opening) = upgrade(&mut request, Config::new()).unwrap().accept(Accept::new());
        let open = Arc::clone(&open);
        open.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let _ = handle(&path, opening.await?).await;
            open.fetch_sub(1, Ordering::Relaxed);
            Ok::<_, Error>(())
        });
        response
    })
    .await
}

async fn handle(path: &str, mut websocket: WebSocket<Upgraded>) -> Result<(), Error> {
    match path {
        "/flood" => loop {
            websocket.send(vec![0; 10_000]).await?;
        },
        _ => echo_messages(websocket).await,
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Body> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    client::connect(&Builder::new(TokioExecutor::new()), stream).await.unwrap()
}

async fn open(sender: &mut SendRequest<Body>, path: &str) -> WebSocket<Upgraded> {
    client::open(sender, path, Config::new()).await.unwrap()
}

/// Sends messages that no other WebSocket sends, and receives them. Then closes, or drops the WebSocket.
async fn exchange(mut websocket: WebSocket<Upgraded>, seed: u32) {
    let long = seed.is_multiple_of(10).then_some(LONG);
    for (index, len) in LENGTHS.into_iter().chain(long).enumerate() {
        let mut bytes = Vec::from(format!("{seed} {index} "));
        bytes.extend(noise(seed).take(len));
        let message = Message::from(bytes);
        websocket.send(message.clone()).await.unwrap();
        assert!(websocket.recv().await.unwrap().unwrap() == message, "a message of another WebSocket at {seed}");
    }
    if seed.is_multiple_of(2) {
        assert!(websocket.close(CloseCode::NORMAL).await.clean);
    }
}

async fn exchange_all(address: SocketAddr, connections: u32, websockets: u32) {
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let mut sender = connect(address).await;
        // The client does not read this one.
        let flood = open(&mut sender, "/flood").await;
        let mut opened = Vec::new();
        for index in 0..websockets {
            opened.push((open(&mut sender, "/").await, connection * WEBSOCKETS + index));
        }
        tasks.spawn(async move {
            let exchanges: JoinSet<()> =
                opened.into_iter().map(|(websocket, seed)| exchange(websocket, seed)).collect();
            exchanges.join_all().await;
            drop(flood);
        });
    }
    tasks.join_all().await;
}

/// Waits until the server has no open WebSocket.
async fn settle(open: &AtomicUsize) {
    tokio::time::timeout(Duration::from_secs(60), async {
        while open.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_thousand_websockets_exchange_their_own_messages_and_free_their_memory() {
    let open = Arc::default();
    let address = serve(&open).await;
    exchange_all(address, 1, 10).await;
    settle(&open).await;
    let before = current().live;
    exchange_all(address, CONNECTIONS, WEBSOCKETS).await;
    settle(&open).await;
    // The tasks of the connections end after the WebSockets.
    for _ in 0..1000 {
        if current().live - before <= MAX_REMAINING {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{} bytes remain", current().live - before);
}
