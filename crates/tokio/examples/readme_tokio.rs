//! A WebSocket echo server with tokio.

use std::sync::Arc;

use protocol_websocket_tokio::{Accept, Config, Error, accept, config};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    let config = Arc::new(config());
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, Arc::clone(&config)));
    }
}

pub(crate) async fn serve(stream: TcpStream, config: Arc<Config>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut websocket = accept(stream, config).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}
