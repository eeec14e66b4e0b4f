//! A future that opens a WebSocket is dropped after each number of polls. The HTTP/2 connection can still be used.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use common::{Kind, client, echo, serve_connection};
use hyper::client::conn::http1;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_hyper::{
    Accept, Body, Destination, Offer, OpenError, Upgraded, WebSocket, config, http1_request, http2_request, upgrade,
};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

const DESTINATION: Destination<'static> = Destination::new("localhost", "/");

/// Polls a future at most `polls` times, and drops it. Returns `None` if it has not ended.
async fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Connects to an echo server in memory.
fn serve(kind: Kind) -> DuplexStream {
    let (client, server) = duplex(64 * 1024);
    tokio::spawn(serve_connection(kind, server, |mut request| echo(upgrade(&mut request, config()).unwrap())));
    client
}

async fn open_http1(stream: DuplexStream) -> Result<WebSocket<Upgraded>, OpenError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let (request, expect) = http1_request(DESTINATION, &Offer::new(), config())?;
    let mut response = sender.send_request(request).await?;
    Ok(expect.open(&mut response).await?.0)
}

async fn connect_http2(stream: DuplexStream) -> Result<SendRequest<Body>, OpenError> {
    client::connect(&Builder::new(TokioExecutor::new()), stream).await
}

async fn open_http2(sender: &mut SendRequest<Body>) -> Result<WebSocket<Upgraded>, OpenError> {
    client::open(sender, "/", config()).await
}

async fn assert_echoes(mut websocket: WebSocket<Upgraded>) {
    websocket.send("text").await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("text"));
}

#[tokio::test(start_paused = true)]
async fn dropped_opening_of_a_client_ends_the_connection_of_http1() {
    for polls in 0.. {
        let (client, server) = duplex(64 * 1024);
        let served = tokio::spawn(serve_connection(Kind::Http1, server, |mut request| {
            echo(upgrade(&mut request, config()).unwrap())
        }));
        let opened = poll_times(open_http1(client), polls).await;
        if let Some(websocket) = opened {
            assert!(polls > 1, "the future was not dropped");
            assert_echoes(websocket.unwrap()).await;
            return;
        }
        served.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_opening_of_a_client_keeps_the_connection_of_http2() {
    let mut sender = connect_http2(serve(Kind::Http2)).await.unwrap();
    for polls in 0.. {
        // More than the streams that a server allows at once, so each is freed.
        for _ in 0..201 {
            if let Some(websocket) = poll_times(open_http2(&mut sender), polls).await {
                assert!(polls > 1, "the future was not dropped");
                assert_echoes(websocket.unwrap()).await;
                return;
            }
        }
        assert_echoes(open_http2(&mut sender).await.unwrap()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_handshake_of_http2_ends_the_connection() {
    for polls in 0.. {
        let (client, server) = duplex(64 * 1024);
        let served = tokio::spawn(serve_connection(Kind::Http2, server, |mut request| {
            echo(upgrade(&mut request, config()).unwrap())
        }));
        if let Some(sender) = poll_times(connect_http2(client), polls).await {
            assert!(polls > 1, "the future was not dropped");
            assert_echoes(open_http2(&mut sender.unwrap()).await.unwrap()).await;
            return;
        }
        served.await.unwrap();
    }
}

/// The server drops its opening future after `polls` polls, and sends whether it had ended.
fn serve_dropping(kind: Kind, polls: usize) -> (DuplexStream, mpsc::UnboundedReceiver<bool>) {
    let (client, server) = duplex(64 * 1024);
    let (sender, ended) = mpsc::unbounded_channel();
    tokio::spawn(serve_connection(kind, server, move |mut request| {
        let upgrade = upgrade(&mut request, config()).unwrap();
        if upgrade.request().resource_name() == "/echo" {
            return echo(upgrade);
        }
        let (response, opening) = upgrade.accept(Accept::new());
        let sender = sender.clone();
        tokio::spawn(async move { sender.send(poll_times(opening, polls).await.is_some()) });
        response
    }));
    (client, ended)
}

#[tokio::test(start_paused = true)]
async fn dropped_opening_of_a_server_ends_the_connection_of_http1() {
    for polls in 0.. {
        let (client, mut ended) = serve_dropping(Kind::Http1, polls);
        let mut websocket = open_http1(client).await.unwrap();
        assert!(websocket.recv().await.is_none_or(|received| received.is_err()));
        if ended.recv().await.unwrap() {
            assert!(polls > 0, "the future was not dropped");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_opening_of_a_server_keeps_the_connection_of_http2() {
    for polls in 0.. {
        let (client, mut ended) = serve_dropping(Kind::Http2, polls);
        let mut sender = connect_http2(client).await.unwrap();
        let mut is_last = false;
        for _ in 0..201 {
            let mut websocket = open_http2(&mut sender).await.unwrap();
            assert!(websocket.recv().await.is_none_or(|received| received.is_err()));
            is_last = ended.recv().await.unwrap();
        }
        let (request, expect) = http2_request(Destination::new("localhost", "/echo"), &Offer::new(), config()).unwrap();
        let mut response = sender.send_request(request).await.unwrap();
        assert_echoes(expect.open(&mut response).await.unwrap().0).await;
        if is_last {
            assert!(polls > 0, "the future was not dropped");
            return;
        }
    }
}
