//! The examples.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::net::SocketAddr;

use common::{assert_closed, connect, connect_http2, ended, exchange, open_http2, serve};
use protocol_websocket_axum::{CloseCode, ws};
use protocol_websocket_hyper::Offer;
use protocol_websocket_tokio::{Stream, WebSocket};

#[path = "../examples/axum_chat/chat.rs"]
mod chat;
#[allow(dead_code, reason = "a program of its own, whose `main` is not run here")]
#[path = "../examples/axum_echo.rs"]
mod echo;

#[test]
fn readme_shows_the_echo_server_of_at_most_15_lines() {
    let program = include_str!("../examples/axum_echo.rs");
    let readme = include_str!("../README.md");
    assert!(readme.contains(&format!("\n```rust,no_run\n{program}```\n")), "README.md does not show:\n{program}");
    assert_eq!(readme.matches("```rust").count(), 1);
    let lines = program.lines().filter(|line| !line.is_empty() && !line.starts_with("//"));
    assert!(lines.count() <= 15);
}

#[tokio::test]
async fn echo_server_serves_both_versions() {
    let address = serve(echo::router()).await;
    let mut http1 = connect(address, "/", Offer::new()).await.unwrap();
    exchange(&mut http1, "text").await;
    assert_closed(&http1.close(CloseCode::NORMAL).await, CloseCode::NORMAL);
    exchange(&mut open_http2(&mut connect_http2(address).await, "/", Offer::new()).await.unwrap(), "text").await;
}

async fn enter(address: SocketAddr, name: &str) -> WebSocket<Stream> {
    let mut websocket = connect(address, "/", Offer::new()).await.unwrap();
    websocket.send(name).await.unwrap();
    websocket
}

async fn receive(websocket: &mut WebSocket<Stream>, line: &str) {
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some(line));
}

#[tokio::test]
async fn chat_publishes_lines_and_refuses_a_name_that_is_taken() {
    let address = serve(chat::router()).await;
    let mut anna = enter(address, "anna").await;
    receive(&mut anna, "anna has joined").await;
    let mut berta = enter(address, "berta").await;
    for client in [&mut anna, &mut berta] {
        receive(client, "berta has joined").await;
    }
    anna.send("hello").await.unwrap();
    berta.send([0, 255]).await.unwrap();
    receive(&mut berta, "anna: hello").await;
    receive(&mut berta, "berta has sent 2 bytes").await;

    let ended = ended(&mut enter(address, "anna").await).await;
    assert_eq!((ended.code, &*ended.reason), (CloseCode::POLICY_VIOLATION, "the name is taken"));

    assert_closed(&anna.close(CloseCode::NORMAL).await, CloseCode::NORMAL);
    receive(&mut berta, "anna has left").await;
    let mut anna = enter(address, "anna").await;
    receive(&mut anna, "anna has joined").await;
}
