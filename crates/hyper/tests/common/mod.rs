//! Servers on loopback sockets, a client of this crate, and a client that is `h2` without hyper.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

#[cfg(all(feature = "client", feature = "http2"))]
pub(crate) mod client;
pub(crate) mod stream;

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use protocol_websocket_hyper::{Accept, Body, Config, Error, Upgrade, Upgraded, WebSocket, config, rejection, upgrade};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// The servers of hyper.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Http1,
    Http2,
    Auto,
}

/// Starts a server that responds to an upgrade request with `respond`.
pub(crate) async fn serve(kind: Kind, config: Config, respond: fn(Upgrade) -> Response<Body>) -> SocketAddr {
    serve_with(kind, move |mut request| match upgrade(&mut request, config.clone()) {
        Ok(upgrade) => respond(upgrade),
        Err(reject) => rejection(&reject),
    })
    .await
}

/// Starts a server that responds to a request with `respond`.
pub(crate) async fn serve_with(
    kind: Kind,
    respond: impl Fn(Request<Incoming>) -> Response<Body> + Clone + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve_connection(kind, stream, respond.clone()));
        }
    });
    address
}

/// Starts an echo server that sends the status of each response of this crate to the receiver.
pub(crate) async fn serve_recorded(kind: Kind) -> (SocketAddr, UnboundedReceiver<u16>) {
    let (sender, statuses) = unbounded_channel();
    let respond = move |mut request| {
        let response = match upgrade(&mut request, config()) {
            Ok(upgrade) => echo(upgrade),
            Err(reject) => rejection(&reject),
        };
        // The test may have ended.
        let _ = sender.send(response.status().as_u16());
        response
    };
    (serve_with(kind, respond).await, statuses)
}

/// Serves a connection until it ends.
pub(crate) async fn serve_connection(
    kind: Kind,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    respond: impl Fn(Request<Incoming>) -> Response<Body> + Clone + Send + 'static,
) {
    let io = TokioIo::new(stream);
    let service = service_fn(move |request| std::future::ready(Ok::<_, Infallible>(respond(request))));
    // A client of a test may end the connection at any time.
    match kind {
        Kind::Http1 => drop(http1::Builder::new().serve_connection(io, service).with_upgrades().await),
        Kind::Http2 => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            drop(builder.enable_connect_protocol().serve_connection(io, service).await);
        }
        Kind::Auto => {
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http2().enable_connect_protocol();
            drop(builder.serve_connection_with_upgrades(io, service).await);
        }
    }
}

/// Serves a connection, whose WebSockets are sent to `handler`, until `stopped` begins the graceful shutdown.
pub(crate) async fn serve_until(
    stream: DuplexStream,
    window: u32,
    stopped: oneshot::Receiver<()>,
    handler: UnboundedSender<WebSocket<Upgraded>>,
) -> hyper::Result<()> {
    let respond = hand_over(handler);
    let service = service_fn(move |request| std::future::ready(Ok::<_, Infallible>(respond(request))));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.enable_connect_protocol().initial_stream_window_size(window);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = &mut connection => return ended,
        Ok(()) = stopped => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Accepts each request, and sends the WebSocket to `handler`.
pub(crate) fn hand_over(
    handler: UnboundedSender<WebSocket<Upgraded>>,
) -> impl Fn(Request<Incoming>) -> Response<Body> + Clone + Send + 'static {
    move |mut request| {
        let (response, opening) = upgrade(&mut request, Config::new()).unwrap().accept(Accept::new());
        let handler = handler.clone();
        tokio::spawn(async move { handler.send(opening.await.unwrap()) });
        response
    }
}

/// Accepts, and sends each message back.
pub(crate) fn echo(upgrade: Upgrade) -> Response<Body> {
    echo_with(upgrade, Accept::new())
}

/// Accepts with `accept`, and sends each message back.
pub(crate) fn echo_with(upgrade: Upgrade, accept: Accept) -> Response<Body> {
    let (response, opening) = upgrade.accept(accept);
    tokio::spawn(async move { echo_messages(opening.await?).await });
    response
}

pub(crate) async fn echo_messages(mut websocket: WebSocket<Upgraded>) -> Result<(), Error> {
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}
