//! A graceful shutdown of `axum::serve`, with open WebSockets.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::routing::any;
use axum::{Router, serve};
use common::{assert_closed, connect, connect_http2, ended, exchange, open_http2};
use protocol_websocket_axum::{CloseCode, Drain, WebSocketUpgrade};
use protocol_websocket_hyper::Offer;
use tokio::net::TcpListener;
use tokio::sync::Notify;

async fn handler(upgrade: WebSocketUpgrade, State(drain): State<Drain>) -> Response {
    upgrade.on_upgrade(async move |mut websocket| {
        drain.watch(&websocket);
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
