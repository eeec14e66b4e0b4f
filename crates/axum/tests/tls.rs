//! HTTP/1.1 and HTTP/2 over TLS, by the listener of the example `axum_tls`.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use axum::serve::Listener;
use common::tls::{Certificate, listen};
use common::{assert_closed, echo, exchange, handshake_http2, open_http2};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use protocol_websocket_axum::{CloseCode, WebSocket, WebSocketUpgrade};
use protocol_websocket_hyper::Offer;
use protocol_websocket_tokio::Connect;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

/// Starts an echo server.
async fn serve(config: ServerConfig) -> SocketAddr {
    serve_router(config, Router::new().route("/", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo))))
        .await
}

async fn serve_router(config: ServerConfig, router: Router) -> SocketAddr {
    let listener = listen(config).await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn echoes_over_tls_with_both_versions() {
    let Certificate { server, mut client, .. } = Certificate::new(["localhost".to_owned()]);
    let address = serve(server).await;
    let connect = Connect::new(&format!("wss://localhost:{}/", address.port())).unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(client.clone()));
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let (mut http1, _) = connect.over(stream).await.unwrap();
    exchange(&mut http1, "x".repeat(100_000)).await;
    assert_closed(&http1.close(CloseCode::NORMAL).await, CloseCode::NORMAL);

    client.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = handshake_http2(stream).await;
    let mut first = open_http2(&mut sender, "/", Offer::new()).await.unwrap();
    let mut second = open_http2(&mut sender, "/", Offer::new()).await.unwrap();
    exchange(&mut first, "x".repeat(100_000)).await;
    exchange(&mut second, "text").await;
    assert_closed(&first.close(CloseCode::NORMAL).await, CloseCode::NORMAL);
    exchange(&mut second, "text").await;
}

#[tokio::test]
async fn client_without_a_tls_handshake_does_not_delay_another() {
    let Certificate { server, client, .. } = Certificate::new(["localhost".to_owned()]);
    let address = serve(server).await;
    let silent = TcpStream::connect(address).await.unwrap();
    let mut failed = TcpStream::connect(address).await.unwrap();
    failed.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let _ = failed.read_to_end(&mut Vec::new()).await;
    let connector = TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let (mut websocket, _) = Connect::new("wss://localhost/").unwrap().over(stream).await.unwrap();
    exchange(&mut websocket, "text").await;
    // The server has not waited until it ended the silent connection.
    assert_eq!(silent.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn transport_of_http1_is_the_tls_stream() {
    let Certificate { server, client, .. } = Certificate::new(["localhost".to_owned()]);
    let (sender, mut websockets) = mpsc::unbounded_channel::<WebSocket>();
    let handler = async move |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async move |websocket: WebSocket| sender.send(websocket).unwrap())
    };
    let address = serve_router(server, Router::new().route("/", any(handler))).await;
    let connect = Connect::new(&format!("wss://localhost:{}/", address.port())).unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = TlsConnector::from(Arc::new(client)).connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let (client, _) = connect.over(stream).await.unwrap();
    let io = websockets.recv().await.unwrap().into_parts().io;
    assert!(io.tcp().is_none());
    let parts = io.into_hyper().unwrap().downcast_with(downcast::<TokioIo<TlsStream<TcpStream>>>).unwrap();
    let (tcp, _) = parts.io.inner().get_ref();
    assert_eq!(tcp.peer_addr().unwrap(), client.get_ref().get_ref().0.local_addr().unwrap());
}
