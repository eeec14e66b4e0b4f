//! The halves of `futures::StreamExt::split` in two tasks, on one thread and on many.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::open;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol_websocket::Role;
use protocol_websocket_tokio::{Accept, Config, Connect, Message, Timeouts, WebSocket, accept, config};
use tokio::io::{AsyncRead, AsyncWrite, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

const COUNT: usize = 10_000;

type Halves<S> = (SplitSink<WebSocket<S>, Message>, SplitStream<WebSocket<S>>);

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap(),
    ]
}

/// Runs `test` on one thread and on several, and panics if it waits for ever.
fn on_each_runtime<F: Future<Output = ()> + Send + 'static>(test: impl Fn() -> F) {
    for runtime in runtimes() {
        let test = runtime.spawn(test());
        let done = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), test).await });
        done.expect("both ends wait").unwrap();
    }
}

async fn handshake<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(client: S, server: S) -> [WebSocket<S>; 2] {
    let server = tokio::spawn(async move { accept(server, config()).await?.accept(Accept::new()).await });
    let (client, _) = Connect::new("ws://example.com/").unwrap().over(client).await.unwrap();
    [client, server.await.unwrap().unwrap()]
}

async fn tcp() -> [TcpStream; 2] {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, server) = tokio::join!(client, listener.accept());
    [client.unwrap(), server.unwrap().0]
}

fn message(index: usize) -> Message {
    Message::from(index.to_string().repeat(1 + index % 20))
}

fn hash(messages: impl Iterator<Item = Message>) -> (usize, u64) {
    let mut hasher = DefaultHasher::new();
    let count = messages.inspect(|message| message.as_bytes().hash(&mut hasher)).count();
    (count, hasher.finish())
}

/// Sends in one task and receives in another. Returns the count and the hash of the received messages.
async fn exchange<S>((mut sink, mut stream): Halves<S>, flush_each: bool) -> (usize, u64)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let sender = tokio::spawn(async move {
        for index in 0..COUNT {
            if flush_each && index % 3 > 0 {
                sink.send(message(index)).await.unwrap();
            } else {
                sink.feed(message(index)).await.unwrap();
            }
        }
        sink.flush().await.unwrap();
        sink
    });
    let receiver = tokio::spawn(async move {
        let mut received = Vec::new();
        while received.len() < COUNT {
            received.push(stream.next().await.unwrap().unwrap());
        }
        (stream, hash(received.into_iter()))
    });
    let (sink, received) = tokio::join!(sender, receiver);
    let (_sink, (_stream, received)) = (sink.unwrap(), received.unwrap());
    received
}

async fn both_directions<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(client: S, server: S) {
    let [client, server] = handshake(client, server).await;
    let client = tokio::spawn(exchange(futures_util::StreamExt::split(client), true));
    let server = tokio::spawn(exchange(futures_util::StreamExt::split(server), false));
    let expected = hash((0..COUNT).map(message));
    assert_eq!((client.await.unwrap(), server.await.unwrap()), (expected, expected));
}

#[test]
fn halves_are_busy_in_both_directions_over_tcp() {
    on_each_runtime(|| async {
        let [client, server] = tcp().await;
        both_directions(client, server).await;
    });
}

#[test]
fn halves_are_busy_in_both_directions_over_a_narrow_transport() {
    on_each_runtime(|| async {
        let (client, server) = duplex(100);
        both_directions(client, server).await;
    });
}

#[test]
fn half_that_is_idle_does_not_stop_the_other() {
    on_each_runtime(|| async {
        let (client, server) = duplex(1000);
        let [client, mut server] = handshake(client, server).await;
        let (mut sink, mut stream) = futures_util::StreamExt::split(client);
        // The sink is idle, and the stream receives. Then the stream is idle.
        let server = tokio::spawn(async move {
            for index in 0..COUNT {
                server.queue(message(index)).unwrap();
                server.ready().await.unwrap();
            }
            server.flush().await.unwrap();
            let mut received = Vec::new();
            while received.len() < COUNT {
                received.push(server.recv().await.unwrap().unwrap());
            }
            (server, hash(received.into_iter()))
        });
        let expected = hash((0..COUNT).map(message));
        let received: Vec<Message> = stream.by_ref().take(COUNT).map(Result::unwrap).collect().await;
        assert_eq!(hash(received.into_iter()), expected);
        for index in 0..COUNT {
            sink.send(message(index)).await.unwrap();
        }
        assert_eq!(server.await.unwrap().1, expected);
    });
}

#[test]
fn stream_that_waits_is_woken_by_each_message() {
    on_each_runtime(|| async {
        let (client, server) = duplex(50);
        let [client, server] = handshake(client, server).await;
        let (mut sink, mut stream) = futures_util::StreamExt::split(client);
        let server = tokio::spawn(async move {
            let (mut sink, mut stream) = futures_util::StreamExt::split(server);
            while let Some(message) = stream.next().await {
                sink.send(message.unwrap()).await.unwrap();
            }
        });
        let reader = tokio::spawn(async move {
            for index in 0..1000 {
                assert_eq!(stream.next().await.unwrap().unwrap(), message(index));
            }
            stream
        });
        for index in 0..1000 {
            sink.send(message(index)).await.unwrap();
        }
        let mut stream = reader.await.unwrap();
        sink.close().await.unwrap();
        assert!(stream.next().await.is_none());
        server.await.unwrap();
    });
}

#[test]
fn websocket_works_on_each_runtime() {
    on_each_runtime(|| async {
        let [client, server] = tcp().await;
        let [mut client, mut server] = handshake(client, server).await;
        let server = tokio::spawn(async move {
            while let Some(message) = server.recv().await {
                server.queue(message.unwrap()).unwrap();
            }
        });
        for index in 0..100 {
            client.send(message(index)).await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap(), message(index));
        }
        assert!(client.close(None).await.clean);
        server.await.unwrap();
    });
}

#[test]
fn deadline_outside_of_a_runtime_is_a_clear_panic() {
    let waits = |timeouts| {
        let (io, _peer) = duplex(100);
        let mut websocket = WebSocket::new(io, open(Role::Server, Config::new().timeouts(timeouts)));
        std::panic::catch_unwind(AssertUnwindSafe(move || {
            let mut recv = pin!(websocket.recv());
            recv.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
        }))
    };
    let panic = waits(Timeouts::RECOMMENDED).expect_err("there is no timer");
    let message = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    assert!(message.unwrap().contains("Tokio 1.x runtime"), "{message:?}");
    assert!(waits(Timeouts::NONE).unwrap(), "nothing needs a timer");
}

#[test]
fn transport_in_memory_needs_no_runtime_without_deadlines() {
    let (client, server) = duplex(100);
    let mut client = WebSocket::new(client, open(Role::Client, Config::new()));
    let mut server = WebSocket::new(server, open(Role::Server, Config::new()));
    let echoed = async {
        let (sent, received) = futures_util::future::join(client.send("a"), server.recv()).await;
        sent.unwrap();
        received.unwrap().unwrap()
    };
    let mut echoed = pin!(echoed);
    let mut context = Context::from_waker(Waker::noop());
    let message = (0..10).find_map(|_| match echoed.as_mut().poll(&mut context) {
        Poll::Ready(message) => Some(message),
        Poll::Pending => None,
    });
    assert_eq!(message, Some(Message::from("a")));
}
