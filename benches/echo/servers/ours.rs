//! The tokio crate with its default configuration, which all connections share: keepalive, and compression if the client
//! offers it.

use std::sync::{Arc, LazyLock};

use protocol_websocket_tokio::{Accept, Config, Error, EventRef, WebSocket, accept, config};
use tokio::net::TcpStream;

use super::Result;

pub(super) async fn open(stream: TcpStream) -> std::result::Result<WebSocket<TcpStream>, Error> {
    static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(config()));
    accept(stream, Arc::clone(&CONFIG)).await?.accept(&Accept::new()).await
}

/// The loop of the documentation.
pub(super) async fn documented(stream: TcpStream) -> Result {
    let mut websocket = open(stream).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}

/// Borrows each message, and allocates nothing for it.
pub(super) async fn lent(stream: TcpStream) -> Result {
    let mut websocket = open(stream).await?;
    while let Some(sent) = websocket
        .recv_with(|event, outbox| match event {
            EventRef::Message(message) => outbox.send(message),
            _ => Ok(()),
        })
        .await
    {
        sent??;
    }
    Ok(())
}
