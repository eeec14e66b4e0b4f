//! The tokio crate with its default configuration, which all connections share: keepalive, and compression if the client
//! offers it.

use std::sync::{Arc, LazyLock};

use protocol_websocket_tokio::{Accept, Config, EventRef, accept};
use tokio::net::TcpStream;

use super::Result;

pub(super) fn config() -> Arc<Config> {
    static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(protocol_websocket_tokio::config()));
    Arc::clone(&CONFIG)
}

/// The loop of the documentation.
pub(super) async fn documented(stream: TcpStream) -> Result {
    let mut websocket = accept(stream, config()).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}

/// Borrows each message, and allocates nothing for it.
pub(super) async fn lent(stream: TcpStream) -> Result {
    let mut websocket = accept(stream, config()).await?.accept(Accept::new()).await?;
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
