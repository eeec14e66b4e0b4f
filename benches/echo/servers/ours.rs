//! The tokio crate with its default configuration, which all connections share: keepalive, and compression if the client
//! offers it.

use std::sync::{Arc, LazyLock};

use protocol_websocket_tokio::protocol_websocket::PermessageDeflate;
use protocol_websocket_tokio::{Accept, Config, EventRef, Timeouts, accept};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{RELEASE_TIME, Result};

pub(super) fn config() -> Arc<Config> {
    static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(protocol_websocket_tokio::config()));
    Arc::clone(&CONFIG)
}

/// The default configuration with another time until memory is freed.
fn release(deflate: PermessageDeflate) -> Arc<Config> {
    let timeouts = Timeouts::RECOMMENDED.release_memory(Some(RELEASE_TIME));
    Arc::new(Config::new().timeouts(timeouts).extension(deflate))
}

/// The loop of the documentation, with the default of permessage-deflate or with the setting for many connections.
pub(super) async fn compressed(stream: TcpStream, is_small: bool) -> Result {
    static DEFAULT: LazyLock<Arc<Config>> = LazyLock::new(|| release(PermessageDeflate::new()));
    static SMALL: LazyLock<Arc<Config>> = LazyLock::new(|| {
        release(PermessageDeflate::new().windows_only().server_max_window_bits(12).client_max_window_bits(12))
    });
    echo(stream, Arc::clone(if is_small { &SMALL } else { &DEFAULT })).await
}

/// The loop of the documentation.
pub(super) async fn documented(stream: impl AsyncRead + AsyncWrite + Send + Unpin) -> Result {
    echo(stream, config()).await
}

async fn echo(stream: impl AsyncRead + AsyncWrite + Send + Unpin, config: Arc<Config>) -> Result {
    let mut websocket = accept(stream, config).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}

/// Borrows each message, and allocates nothing for it.
pub(super) async fn lent(stream: impl AsyncRead + AsyncWrite + Send + Unpin) -> Result {
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
