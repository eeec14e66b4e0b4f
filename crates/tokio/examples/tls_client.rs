//! A client with TLS: sends a message, and prints what the server sends.
//!
//!     cargo run --example tls_client --features rustls-tls-webpki-roots -- wss://echo.example.com/

use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: client wss://HOST/PATH")?;
    let (mut websocket, _) = protocol_websocket_tokio::connect(&url).await?;
    websocket.send("hello").await?;
    while let Some(message) = websocket.recv().await {
        println!("{:?}", message?);
    }
    Ok(())
}
