//! HTTP/1.1 and HTTP/2 over TLS, by a listener with tokio-rustls.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use axum::serve::Listener;
use common::tls::{Certificate, TlsListener};
use common::{assert_closed, echo, exchange, handshake_http2, open_http2};
use protocol_websocket_axum::{CloseCode, WebSocketUpgrade};
use protocol_websocket_hyper::Offer;
use protocol_websocket_tokio::Connect;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

#[tokio::test]
async fn echoes_over_tls_with_both_versions() {
    let Certificate { server, mut client, .. } = Certificate::new(["localhost".to_owned()]);
    let listener = TlsListener::bind(server).await;
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)));
    tokio::spawn(async move { axum::serve(listener, router).await });

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
