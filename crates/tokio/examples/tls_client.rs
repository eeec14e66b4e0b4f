//! A client with TLS: sends a message and prints the reply. It trusts the certificates of the operating system.
//!
//!     cargo run -p protocol-websocket-tokio --features rustls-tls-native-roots --example tls_client wss://localhost:3443/

use protocol_websocket_tokio::{CloseCode, connect};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: tls_client wss://HOST/PATH")?;
    let (mut websocket, _) = connect(&url).await?;
    websocket.send("hello").await?;
    if let Some(message) = websocket.recv().await {
        println!("{:?}", message?);
    }
    websocket.close(Some(CloseCode::NORMAL.into())).await;
    Ok(())
}
