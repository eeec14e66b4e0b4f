//! WebSockets over HTTP/2 (RFC 8441): streams of one connection, each behind a TCP connection on loopback. A thread copies
//! between them, so that the load generator needs no HTTP/2.

use std::io::{Error, Result};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::ext::Protocol;
use hyper::upgrade;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::clients::READ_BUFFER_SIZE;
use crate::process::Server;

/// Opens streams on one connection.
pub(crate) fn open(server: &Server, count: usize) -> Result<Vec<TcpStream>> {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
    RUNTIME.block_on(async {
        let stream = tokio::net::TcpStream::connect(server.address()).await?;
        stream.set_nodelay(true)?;
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(Error::other)?;
        tokio::spawn(connection);
        let mut streams = Vec::new();
        for _ in 0..count {
            streams.push(relay(&mut sender).await?);
        }
        Ok(streams)
    })
}

async fn relay(sender: &mut SendRequest<Body>) -> Result<TcpStream> {
    let request = Request::builder().method(Method::CONNECT).uri("http://127.0.0.1/");
    let request = request.extension(Protocol::from_static("websocket")).header("Sec-WebSocket-Version", "13");
    let response = sender.send_request(request.body(Body::empty()).unwrap()).await.map_err(Error::other)?;
    assert!(response.status() == StatusCode::OK, "the server did not accept the CONNECT: {response:?}");
    let mut upgraded = TokioIo::new(upgrade::on(response).await.map_err(Error::other)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (mut local, _) = listener.accept().await?;
    client.set_nodelay(true)?;
    client.set_nonblocking(true)?;
    local.set_nodelay(true)?;
    tokio::spawn(async move {
        copy_bidirectional_with_sizes(&mut local, &mut upgraded, READ_BUFFER_SIZE, READ_BUFFER_SIZE).await
    });
    Ok(client)
}
