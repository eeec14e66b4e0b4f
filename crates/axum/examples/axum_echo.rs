//! A WebSocket echo server with axum, over HTTP/1.1 and HTTP/2.

use axum::{Router, routing::any, serve::ListenerExt};
use protocol_websocket_axum::{WebSocket, WebSocketUpgrade};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), router()).await
}

pub(crate) fn router() -> Router {
    Router::new().route("/", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)))
}

async fn echo(mut websocket: WebSocket) {
    while let Some(Ok(message)) = websocket.recv().await {
        let _ = websocket.queue(message); // `recv` writes it
    }
}
