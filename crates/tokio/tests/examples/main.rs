//! The example programs, with clients of this crate.
//!
//! Run `cargo test` without `--test` first, because `cargo test --test examples` does not build the examples.
#![cfg(all(unix, feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "permessage-deflate")]
mod broadcast;
mod chat;
#[cfg(feature = "permessage-deflate")]
mod hand_over;
mod reconnect;
mod relay;
mod restart;
#[cfg(feature = "rustls-tls-native-roots")]
mod tls;
mod unix_socket;

use std::process::Command;

use protocol_websocket_tokio::{CloseCode, Config, Connect, ConnectError, Ended, Message, Stream, WebSocket};
use test_support::program::{Program, example};
use tokio::io::{AsyncRead, AsyncWrite};

/// Starts an example.
fn start(name: &str, arguments: &[&str]) -> Program {
    Program::start(Command::new(example(name)).args(arguments))
}

/// Starts an example server. Returns it and its URL.
fn serve(name: &str) -> (Program, String) {
    let server = start(name, &["127.0.0.1:0"]);
    let url = server.url();
    (server, url)
}

/// Opens a connection.
async fn open(url: &str) -> Result<WebSocket<Stream>, ConnectError> {
    Ok(Connect::new(url)?.await?.0)
}

/// Opens a connection with this configuration.
async fn open_with(url: &str, config: Config) -> WebSocket<Stream> {
    Connect::new(url).unwrap().config(config).await.unwrap().0
}

/// Receives a message.
async fn receive(websocket: &mut WebSocket<Stream>) -> Message {
    websocket.recv().await.expect("a message, but the connection ended").unwrap()
}

/// Receives the end of the connection. Returns how it ended.
async fn end<S: AsyncRead + AsyncWrite + Unpin>(websocket: &mut WebSocket<S>) -> Ended {
    while let Some(received) = websocket.recv().await {
        assert!(received.is_err(), "received {received:?}");
    }
    websocket.ended().unwrap().clone()
}

/// Returns the code, and whether the closing handshake was done.
async fn close_code(websocket: &mut WebSocket<Stream>) -> (CloseCode, bool) {
    let ended = end(websocket).await;
    (ended.code, ended.clean)
}
