//! A client of this crate over HTTP/2.

use std::time::Duration;

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_hyper::{
    Body, Config, Destination, Offer, OpenError, Upgraded, WebSocket, http2_handshake, http2_request,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// Connects, and drives the connection in a task of its own.
pub(crate) async fn connect(
    builder: &Builder<TokioExecutor>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<SendRequest<Body>, OpenError> {
    let (sender, connection) = http2_handshake(builder, TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Connects with a flow-control window of `window` bytes for each stream.
pub(crate) async fn connect_with_window(
    window: u32,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> SendRequest<Body> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    connect(&builder, stream).await.unwrap()
}

/// Opens a WebSocket on a stream of its own.
pub(crate) async fn open(
    sender: &mut SendRequest<Body>,
    path: &str,
    config: Config,
) -> Result<WebSocket<Upgraded>, OpenError> {
    let (request, expect) = http2_request(Destination::new("localhost", path), &Offer::new(), config)?;
    let mut response = sender.send_request(request).await?;
    Ok(expect.open(&mut response).await?.0)
}

/// Waits until every other task waits. The clock is paused.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
