//! Servers with many connections, which send each message that arrives to all of them. All have their own opening
//! handshake, the settings of their documentation, and compression if they have it and the client offers it.

use std::env;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::response::Response;
use protocol_websocket_axum::WebSocketUpgrade;
use protocol_websocket_tokio::{Accept, Config, Prepared, Sender, Timeouts, WebSocket, accept, config};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::Result;

/// The environment variable with the seconds between two pings, in place of the default.
pub(crate) const PING_INTERVAL: &str = "PING_INTERVAL";

/// Returns the seconds between two pings, if they are not the default.
pub(super) fn ping_interval() -> Option<u64> {
    env::var(PING_INTERVAL).ok().map(|seconds| seconds.parse().expect("a number of seconds"))
}

fn configured() -> Arc<Config> {
    static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
        let ping_interval = ping_interval().map(Duration::from_secs).or(Timeouts::RECOMMENDED.ping_interval);
        Arc::new(config().timeouts(Timeouts::RECOMMENDED.ping_interval(ping_interval)))
    });
    Arc::clone(&CONFIG)
}

pub(super) async fn tokio(stream: TcpStream) -> Result {
    to_all(accept(stream, configured()).await?.accept(Accept::new()).await?).await
}

pub(super) async fn axum(upgrade: WebSocketUpgrade) -> Response {
    upgrade.config(configured()).on_upgrade(async |websocket| drop(to_all(websocket).await))
}

async fn to_all<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(websocket: WebSocket<S>) -> Result {
    static SENDERS: Mutex<Vec<Sender>> = Mutex::new(Vec::new());
    let (sender, mut receiver) = websocket.split();
    SENDERS.lock().unwrap().push(sender);
    while let Some(message) = receiver.recv().await {
        let mut prepared = Prepared::new(message?);
        for sender in SENDERS.lock().unwrap().iter() {
            sender.queue_prepared(&mut prepared)?;
        }
    }
    Ok(())
}
