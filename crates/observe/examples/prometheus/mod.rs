//! An endpoint for Prometheus: the metrics of the process over HTTP/1.1.

use std::error::Error;
use std::io;

use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Creates a provider of meters, and the registry from which its metrics are read.
pub(crate) fn provider() -> Result<(SdkMeterProvider, Registry), Box<dyn Error>> {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter().with_registry(registry.clone()).build()?;
    Ok((SdkMeterProvider::builder().with_reader(exporter).build(), registry))
}

/// Responds to each request with the metrics. A real server would have a route for them in its HTTP library.
pub(crate) async fn serve(listener: TcpListener, registry: Registry) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        if let Err(error) = respond(stream, &registry).await {
            eprintln!("metrics: {error}");
        }
    }
}

async fn respond(mut stream: TcpStream, registry: &Registry) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && request.len() < 8192 {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let body = TextEncoder::new().encode_to_string(&registry.gather()).map_err(io::Error::other)?;
    let len = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
