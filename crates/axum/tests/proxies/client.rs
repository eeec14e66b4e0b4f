//! Our clients: that for tokio over HTTP/1.1, and that for hyper over HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use hyper::client::conn::{http1, http2};
use hyper::http::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_axum::protocol_websocket::Config;
use protocol_websocket_hyper::{Destination, OpenError, http2_handshake, http2_request};
use protocol_websocket_tokio::{Connect, ConnectError, Offer, Parts, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;

use super::proxy::Proxy;

/// What a client uses to connect to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// HTTP/1.1.
    Ws,
    /// HTTP/1.1 over TLS.
    Wss,
    /// HTTP/2 without TLS, with prior knowledge.
    H2c,
    /// HTTP/2 over TLS.
    H2,
}

impl Front {
    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Self::Wss | Self::H2)
    }

    pub(crate) fn is_http2(self) -> bool {
        matches!(self, Self::H2c | Self::H2)
    }
}

pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

/// A WebSocket over either version.
pub(crate) type Client = WebSocket<Box<dyn Io>>;

/// The status and the body of a response that rejects.
pub(crate) type Rejected = (u16, Bytes);

/// The address of a proxy, and what a client uses to connect to it.
pub(crate) struct Entry {
    front: Front,
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

impl Entry {
    pub(crate) fn new(front: Front, proxy: &Proxy, tls: &ClientConfig) -> Self {
        let mut tls = tls.clone();
        tls.alpn_protocols = vec![if front.is_http2() { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let address = if front.is_encrypted() { proxy.https } else { proxy.http };
        Self { front, address, tls: Arc::new(tls) }
    }

    /// Opens a WebSocket.
    pub(crate) async fn open(&self, path: &str, offer: Offer, config: Config) -> Result<Client, Rejected> {
        if !self.front.is_http2() {
            return self.open_http1(path, offer, config).await;
        }
        let builder = http2::Builder::new(TokioExecutor::new());
        let (mut sender, connection) = http2_handshake(&builder, TokioIo::new(self.stream().await)).await.unwrap();
        tokio::spawn(connection);
        let host = self.address.ip().to_string();
        let destination = Destination::new(&host, path).port(self.address.port()).secure(self.front.is_encrypted());
        let (request, expect) = http2_request(destination, &offer, config).unwrap();
        let mut response = sender.send_request(request).await.unwrap();
        match expect.open(&mut response).await {
            Ok((websocket, _)) => Ok(boxed(websocket)),
            Err(OpenError::Rejected(_)) => Err(rejected(response).await),
            Err(error) => panic!("{error}"),
        }
    }

    async fn open_http1(&self, path: &str, offer: Offer, config: Config) -> Result<Client, Rejected> {
        let scheme = if self.front.is_encrypted() { "wss" } else { "ws" };
        let connect = Connect::new(&format!("{scheme}://{}{path}", self.address)).unwrap();
        match connect.offer(offer).config(config).tls(Arc::clone(&self.tls)).await {
            Ok((websocket, _)) => Ok(boxed(websocket)),
            Err(ConnectError::Rejected { head, body }) => Err((head.status(), body)),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a GET, and returns the status and the body of the response.
    pub(crate) async fn get(&self, path: &str) -> Result<Rejected, hyper::Error> {
        let stream = TokioIo::new(self.stream().await);
        let scheme = if self.front.is_encrypted() { "https" } else { "http" };
        let request = Request::builder().header("host", self.address.to_string());
        let response = if self.front.is_http2() {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            let request = Request::get(format!("{scheme}://{}{path}", self.address)).body(Body::empty());
            sender.send_request(request.unwrap()).await
        } else {
            let (mut sender, connection) = http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request.uri(path).body(Body::empty()).unwrap()).await
        };
        Ok(rejected(response?).await)
    }

    /// Connects to the proxy.
    pub(crate) async fn stream(&self) -> Box<dyn Io> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        if !self.front.is_encrypted() {
            return Box::new(stream);
        }
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        Box::new(connector.connect(self.address.ip().into(), stream).await.unwrap())
    }
}

async fn rejected(response: Response<hyper::body::Incoming>) -> Rejected {
    let (head, body) = response.into_parts();
    (head.status.as_u16(), to_bytes(Body::new(body), 1 << 16).await.unwrap())
}

fn boxed(websocket: WebSocket<impl AsyncRead + AsyncWrite + Send + Unpin + 'static>) -> Client {
    let parts = websocket.into_parts();
    let mut with_box = Parts::new(Box::new(parts.io) as Box<dyn Io>, parts.session);
    with_box.next = parts.next;
    WebSocket::from_parts(with_box)
}
