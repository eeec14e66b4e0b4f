//! A chat server with the names of `axum::extract::ws`.
//!
//!     cargo run -p protocol-websocket-axum --example axum_chat 127.0.0.1:3000

mod chat;

use std::{env, io};

use protocol_websocket_axum::ws; // `use axum::extract::ws;` compiles, too
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
    println!("connect to ws://{}/", listener.local_addr()?);
    axum::serve(listener, chat::router()).await
}
