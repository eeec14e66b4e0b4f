//! A graceful shutdown of `axum::serve`, with open WebSockets.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::task::Poll;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::any;
use axum::{Router, serve};
use common::{assert_closed, connect, connect_http2, ended, exchange, open_http2};
use protocol_websocket_axum::{CloseCode, Config, Drain, Timeouts, WebSocketUpgrade};
use protocol_websocket_hyper::Offer;
use test_support::http2::{CONNECT, Client};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

async fn handler(upgrade: WebSocketUpgrade, State(drain): State<Drain>) -> Response {
    upgrade.drain(&drain).on_upgrade(async |mut websocket| {
        while let Some(Ok(message)) = websocket.recv().await {
            let _ = websocket.queue(message);
        }
    })
}

#[tokio::test]
async fn open_websockets_are_closed_with_1001_and_the_server_ends() {
    static STOP: Notify = Notify::const_new();
    let drain = Drain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", any(handler)).with_state(drain.clone());
    let closing = {
        let drain = drain.clone();
        async move {
            STOP.notified().await;
            drain.shutdown(CloseCode::GOING_AWAY, "restart", Duration::from_secs(60)).await
        }
    };
    let server = tokio::spawn(async move {
        tokio::join!(serve(listener, router).with_graceful_shutdown(STOP.notified()).into_future(), closing)
    });
    let mut http1 = connect(address, "/", Offer::new()).await.unwrap();
    let mut http2 = open_http2(&mut connect_http2(address).await, "/", Offer::new()).await.unwrap();
    exchange(&mut http1, "text").await;
    exchange(&mut http2, "text").await;
    assert_eq!(drain.watched(), 2);
    STOP.notify_waiters();
    for ended in [ended(&mut http1).await, ended(&mut http2).await] {
        assert_closed(&ended, CloseCode::GOING_AWAY);
        assert_eq!(&*ended.reason, "restart");
    }
    let (served, drained) = server.await.unwrap();
    served.unwrap();
    assert_eq!((drained.agreed, drained.others), (2, 0));
}

#[tokio::test]
async fn websocket_whose_request_is_in_progress_is_waited_for_and_closed() {
    static STOP: Notify = Notify::const_new();
    static ENTERED: Notify = Notify::const_new();
    static CONTINUE: Notify = Notify::const_new();
    async fn slow(upgrade: WebSocketUpgrade, State(drain): State<Drain>) -> Response {
        let upgrade = upgrade.drain(&drain);
        ENTERED.notify_one();
        CONTINUE.notified().await;
        upgrade.on_upgrade(async |mut websocket| while websocket.recv().await.is_some() {})
    }
    let drain = Drain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", any(slow)).with_state(drain.clone());
    let server = tokio::spawn(serve(listener, router).with_graceful_shutdown(STOP.notified()).into_future());
    let client = tokio::spawn(async move { connect(address, "/", Offer::new()).await.unwrap() });
    ENTERED.notified().await;
    STOP.notify_one();
    let shutdown = drain.shutdown(CloseCode::GOING_AWAY, "restart", Duration::from_secs(60));
    let mut shutdown = std::pin::pin!(shutdown);
    let polled = std::future::poll_fn(|context| Poll::Ready(shutdown.as_mut().poll(context))).await;
    assert!(polled.is_pending());
    CONTINUE.notify_one();
    let (drained, ended) = tokio::join!(shutdown, async { ended(&mut client.await.unwrap()).await });
    assert_closed(&ended, CloseCode::GOING_AWAY);
    assert_eq!((drained.agreed, drained.others), (1, 0));
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_request_without_an_upgrade() {
    let drain = Drain::new();
    let refuse = async |upgrade: WebSocketUpgrade, State(drain): State<Drain>| {
        drop(upgrade.drain(&drain));
        StatusCode::FORBIDDEN
    };
    let address = common::serve(Router::new().route("/", any(refuse)).with_state(drain.clone())).await;
    assert!(connect(address, "/", Offer::new()).await.is_err());
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "", Duration::from_secs(60)).await;
    assert_eq!((drained.agreed, drained.others), (0, 0));
}

#[tokio::test]
async fn client_of_http2_that_does_not_reply_keeps_the_server_but_not_its_websocket() {
    static STOP: Notify = Notify::const_new();
    async fn handler(upgrade: WebSocketUpgrade, State(drain): State<Drain>) -> Response {
        let timeouts = Timeouts::RECOMMENDED.close(Some(Duration::from_millis(10)));
        let upgrade = upgrade.drain(&drain).config(Config::new().timeouts(timeouts));
        upgrade.on_upgrade(async |mut websocket| while websocket.recv().await.is_some() {})
    }
    let drain = Drain::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", any(handler)).with_state(drain.clone());
    let server = tokio::spawn(serve(listener, router).with_graceful_shutdown(STOP.notified()).into_future());
    let opening = spawn_blocking(move || {
        let mut client = Client::connect(address);
        let stream = client.request(&CONNECT, 0);
        assert!(client.frame(stream).unwrap().is_ok());
        (client, stream)
    });
    let (mut client, stream) = opening.await.unwrap();
    STOP.notify_one();
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "", Duration::ZERO).await;
    assert_eq!((drained.agreed, drained.others), (0, 1));
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "", Duration::from_secs(60)).await;
    assert_eq!((drained.agreed, drained.others, drain.watched()), (0, 1, 0));
    assert!(!server.is_finished());
    // It acknowledges the PING of HTTP/2 that the server waits for.
    spawn_blocking(move || while client.frame(stream).is_some() {}).await.unwrap();
    server.await.unwrap().unwrap();
}
