//! A WebSocket that is not read takes a part of the flow-control window of its HTTP/2 connection. The clock is paused, so a
//! timeout ends only when every task waits.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;

use common::client::{connect, open};
use common::hand_over;
use hyper::client::conn::http2 as client;
use hyper::server::conn::http2 as server;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_hyper::{Body, Config, Destination, Error, Message, Offer, Upgraded, WebSocket, http2_request};
use tokio::io::duplex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

const STREAM_WINDOW: u32 = 64 * 1024;
const LEN: usize = 16 * 1024;

type Builders = (client::Builder<TokioExecutor>, server::Builder<TokioExecutor>);

/// Builders with the windows of hyper.
fn builders() -> Builders {
    let mut server = server::Builder::new(TokioExecutor::new());
    server.enable_connect_protocol();
    (client::Builder::new(TokioExecutor::new()), server)
}

/// A connection, and the server's end of each WebSocket in the order of their opening.
struct Connection {
    sender: client::SendRequest<Body>,
    opened: UnboundedReceiver<WebSocket<Upgraded>>,
}

impl Connection {
    async fn new((client, server): Builders) -> Self {
        let (near, far) = duplex(64 * 1024);
        let (handler, opened) = unbounded_channel();
        let respond = hand_over(handler);
        let service = service_fn(move |request| ready(Ok::<_, Infallible>(respond(request))));
        tokio::spawn(server.serve_connection(TokioIo::new(far), service));
        Self { sender: connect(&client, near).await.unwrap(), opened }
    }

    /// Opens a WebSocket, and returns both of its ends, the client's first.
    async fn open(&mut self) -> [WebSocket<Upgraded>; 2] {
        let client = open(&mut self.sender, "/", Config::new()).await.unwrap();
        [client, self.opened.recv().await.unwrap()]
    }

    /// Opens WebSockets whose senders have filled the windows, because no receiver reads. The sender is the first of a pair.
    async fn open_unread(&mut self, count: u32, client_sends: bool) -> Vec<[WebSocket<Upgraded>; 2]> {
        let mut pairs = Vec::new();
        for _ in 0..count {
            let mut pair = in_order(self.open().await, client_sends);
            fill(&mut pair[0]).await;
            pairs.push(pair);
        }
        pairs
    }
}

/// Sends until the peer, which does not read, takes no more. Returns the number of messages.
async fn fill(websocket: &mut WebSocket<Upgraded>) -> usize {
    for sent in 0.. {
        if timeout(Duration::from_secs(1), websocket.send(vec![0; LEN])).await.is_err() {
            return sent;
        }
    }
    unreachable!()
}

/// Sends a message from the first to the second.
async fn pass([sender, receiver]: [&mut WebSocket<Upgraded>; 2]) -> Result<(), Error> {
    let message = Message::from(vec![7; 2 * LEN]);
    let (sent, received) = tokio::join!(sender.send(message.clone()), receiver.recv());
    assert_eq!(received.unwrap()?, message);
    sent
}

/// The first end of each WebSocket sends if `client_sends`, otherwise the second.
fn in_order<T>([client, server]: [T; 2], client_sends: bool) -> [T; 2] {
    if client_sends { [client, server] } else { [server, client] }
}

/// hyper's windows are 1 MiB for a stream and 1 MiB for the connection at a server, 2 and 5 MiB at a client. So one stream
/// takes the whole connection of a server, and three that of a client.
#[tokio::test(start_paused = true)]
async fn unread_websockets_stall_the_others_with_the_windows_of_hyper() {
    for (client_sends, unread) in [(true, 1), (false, 3)] {
        let mut connection = Connection::new(builders()).await;
        let mut pairs = connection.open_unread(unread, client_sends).await;
        let [mut sender, mut receiver] = in_order(connection.open().await, client_sends);
        timeout(Duration::from_secs(60), pass([&mut sender, &mut receiver])).await.unwrap_err();

        // Both directions continue once the application drops one of the unread WebSockets, whose window is released.
        drop(pairs.pop());
        assert_eq!(receiver.recv().await.unwrap().unwrap().len(), 2 * LEN);
        sender.flush().await.unwrap();
        pass([&mut sender, &mut receiver]).await.unwrap();
        pass([&mut receiver, &mut sender]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn unread_websockets_do_not_stall_the_others_with_a_small_window_of_a_stream() {
    let unread = 10;
    for client_sends in [true, false] {
        let (mut client, mut server) = builders();
        client.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size((unread + 1) * STREAM_WINDOW);
        server.initial_stream_window_size(STREAM_WINDOW).initial_connection_window_size((unread + 1) * STREAM_WINDOW);
        let mut connection = Connection::new((client, server)).await;
        let mut pairs = connection.open_unread(unread, client_sends).await;
        let [mut sender, mut receiver] = in_order(connection.open().await, client_sends);
        for _ in 0..100 {
            pass([&mut sender, &mut receiver]).await.unwrap();
        }
        // Nothing of the unread messages is lost.
        for [_, receiver] in &mut pairs {
            assert_eq!(receiver.recv().await.unwrap().unwrap().len(), LEN);
        }
    }
}

/// The window of a connection would otherwise become smaller with each WebSocket that is dropped before it was read.
#[tokio::test(start_paused = true)]
async fn dropped_websockets_release_the_window_of_the_connection() {
    let mut connection = Connection::new(builders()).await;
    for round in 0..20 {
        for client_sends in [true, false] {
            let [mut sender, mut receiver] = in_order(connection.open().await, client_sends);
            let sent = fill(&mut sender).await;
            assert!(sent > 50, "{sent} messages in round {round}");
            // In some rounds hyper has bytes that were read from the stream and not by the WebSocket.
            for _ in 0..round % 3 {
                receiver.recv().await.unwrap().unwrap();
            }
            // In some rounds the sender ends first.
            if round % 2 == 0 {
                drop(receiver);
                drop(sender);
            } else {
                drop(sender);
                drop(receiver);
            }
        }
    }
    let [mut client, mut server] = connection.open().await;
    for _ in 0..10 {
        pass([&mut client, &mut server]).await.unwrap();
        pass([&mut server, &mut client]).await.unwrap();
    }
}

/// hyper keeps the bytes that it has taken, and with them the stream, which counts as one of the concurrent streams.
#[tokio::test(start_paused = true)]
async fn dropped_websocket_keeps_its_stream_until_the_peer_has_read() {
    let (client, mut server) = builders();
    server.max_concurrent_streams(1);
    let mut connection = Connection::new((client, server)).await;
    let [mut sender, mut receiver] = connection.open().await;
    let sent = fill(&mut sender).await;
    drop(sender);
    timeout(Duration::from_secs(3600), connection.open()).await.unwrap_err();
    let mut received = 0;
    while let Some(Ok(message)) = receiver.recv().await {
        assert_eq!(message.len(), LEN);
        received += 1;
    }
    assert!(received <= sent && !receiver.ended().unwrap().clean);
    drop(receiver);
    let (request, _) = http2_request(Destination::new("localhost", "/"), &Offer::new(), Config::new()).unwrap();
    assert_eq!(connection.sender.send_request(request).await.unwrap().status(), 200);
}
