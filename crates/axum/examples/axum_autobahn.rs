//! A WebSocket echo server with axum for the Autobahn test suite, which sends messages of 16 MiB, and messages in 65,537
//! fragments.
//!
//! `axum_autobahn [PORT]` serves until Ctrl-C.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Router, routing::any, serve::ListenerExt};
use protocol_websocket_axum::{Config, Limits, WebSocketUpgrade, config};
use tokio::net::TcpListener;

const LIMITS: Limits = Limits::new(16 * 1024 * 1024).max_fragments(131_072);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(3001), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("connect to ws://{}/", listener.local_addr()?);
    let router = Router::new().route("/", any(handler)).with_state(Arc::new(config().limits(LIMITS)));
    Ok(axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), router).await?)
}

async fn handler(upgrade: WebSocketUpgrade, State(config): State<Arc<Config>>) -> Response {
    upgrade.config(config).on_upgrade(async |mut websocket| {
        while let Some(Ok(message)) = websocket.recv().await {
            let _ = websocket.queue(message); // `recv` writes it
        }
    })
}
