//! Servers on loopback sockets, and a client that is `h2` without hyper.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

pub(crate) mod stream;

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use protocol_websocket_hyper::{Accept, Body, Config, Error, Upgrade, Upgraded, WebSocket, rejection, upgrade};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

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
