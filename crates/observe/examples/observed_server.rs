//! An echo server with a log of its connections and an endpoint for Prometheus.
//!
//!     cargo run -p protocol-websocket-observe --all-features --example observed_server 127.0.0.1:3000 127.0.0.1:9000
//!     curl http://127.0.0.1:9000/metrics

mod prometheus;

use std::env;
use std::error::Error;
use std::sync::Arc;

use opentelemetry::metrics::MeterProvider as _;
use protocol_websocket_observe::{Metrics, TracingObserver};
use protocol_websocket_tokio::{Accept, Config, accept, config};
use tokio::net::{TcpListener, TcpStream};
use tracing::Instrument as _;

async fn echo(stream: TcpStream, config: Arc<Config>) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let mut websocket = accept(stream, config).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let (provider, registry) = prometheus::provider()?;
    let metrics = Metrics::new(&provider.meter("observed_server"));
    let config = config().observer(TracingObserver::new).observer(move |role| metrics.observer(role));
    let config = Arc::new(config);

    let mut addresses = env::args().skip(1);
    let listener = TcpListener::bind(addresses.next().as_deref().unwrap_or("127.0.0.1:3000")).await?;
    let endpoint = TcpListener::bind(addresses.next().as_deref().unwrap_or("127.0.0.1:9000")).await?;
    println!("connect to ws://{}/", listener.local_addr()?);
    println!("metrics at http://{}/metrics", endpoint.local_addr()?);
    tokio::spawn(prometheus::serve(endpoint, registry));
    loop {
        let (stream, peer) = listener.accept().await?;
        // The parent of the span of the connection.
        let span = tracing::info_span!("client", %peer);
        // The observers log the errors.
        let config = Arc::clone(&config);
        tokio::spawn(async { drop(echo(stream, config).await) }.instrument(span));
    }
}
