//! A WebSocket client with tokio: sends a message, and prints the reply.

use std::error::Error;

use protocol_websocket_tokio::{Close, CloseCode, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", ask("ws://127.0.0.1:3000/", "hello").await?);
    Ok(())
}

pub(crate) async fn ask(url: &str, question: &str) -> Result<String, Box<dyn Error>> {
    let (mut websocket, _response) = connect(url).await?;
    websocket.send(question).await?;
    let reply = websocket.recv().await.ok_or("the server closed the connection")??;
    websocket.close(Close::from(CloseCode::NORMAL)).await;
    Ok(reply.as_text().ok_or("the reply is not text")?.to_owned())
}
