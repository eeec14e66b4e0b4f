//! Servers of axum on loopback sockets, and clients of both versions of HTTP.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::missing_panics_doc, clippy::indexing_slicing)]

pub(crate) mod tls;

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::http::{Method, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_axum::{CloseCode, Ended, Message, WebSocket};
use protocol_websocket_hyper::{Body, Destination, Offer, OpenError, Upgraded, config, http2_handshake, http2_request};
use protocol_websocket_tokio::{Connect, ConnectError, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An upgrade request for `/`.
pub(crate) const HEAD: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                               Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Starts a server, which runs as long as the test.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Sends each message back.
pub(crate) async fn echo(mut websocket: WebSocket) {
    while let Some(Ok(message)) = websocket.recv().await {
        let _ = websocket.queue(message);
    }
}

/// Opens a WebSocket over HTTP/1.1.
pub(crate) async fn connect(
    address: SocketAddr,
    path: &str,
    offer: Offer,
) -> Result<protocol_websocket_tokio::WebSocket<Stream>, ConnectError> {
    let (websocket, _) = Connect::new(&format!("ws://{address}{path}"))?.offer(offer).await?;
    Ok(websocket)
}

/// Connects by HTTP/2.
pub(crate) async fn connect_http2(address: SocketAddr) -> SendRequest<Body> {
    handshake_http2(TcpStream::connect(address).await.unwrap()).await
}

/// Makes the HTTP/2 handshake over a stream.
pub(crate) async fn handshake_http2(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> SendRequest<Body> {
    let builder = http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = http2_handshake(&builder, TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Opens a WebSocket over a stream of HTTP/2.
pub(crate) async fn open_http2(
    sender: &mut SendRequest<Body>,
    path: &str,
    offer: Offer,
) -> Result<protocol_websocket_hyper::WebSocket<Upgraded>, OpenError> {
    let (request, expect) = http2_request(Destination::new("localhost", path), &offer, config())?;
    let mut response = sender.send_request(request).await?;
    Ok(expect.open(&mut response).await?.0)
}

/// Sends an extended CONNECT for `/`, after `change`. Returns the response.
pub(crate) async fn request_http2(
    address: SocketAddr,
    change: impl FnOnce(&mut Request<Body>),
) -> hyper::Response<hyper::body::Incoming> {
    let mut request = Request::new(Body::default());
    *request.method_mut() = Method::CONNECT;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = "http://localhost/".parse().unwrap();
    request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
    request.extensions_mut().insert(hyper::ext::Protocol::from_static("websocket"));
    change(&mut request);
    connect_http2(address).await.send_request(request).await.unwrap()
}

/// Sends a message, and checks that it comes back.
pub(crate) async fn exchange<S>(websocket: &mut protocol_websocket_tokio::WebSocket<S>, message: impl Into<Message>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let message = message.into();
    websocket.send(message.clone()).await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap(), message);
}

/// Waits for the end of a connection, and returns how it ended.
pub(crate) async fn ended<S>(websocket: &mut protocol_websocket_tokio::WebSocket<S>) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while websocket.recv().await.is_some() {}
    websocket.ended().unwrap().clone()
}

/// Asserts that the peer closed with this code, and that both agreed.
pub(crate) fn assert_closed(ended: &Ended, code: CloseCode) {
    assert!(ended.clean && ended.code == code, "{ended:?}");
}

/// Sends a request of HTTP/1.1, and returns the head of the response in lower case, and the body.
pub(crate) async fn request(address: SocketAddr, request: &str) -> (String, Bytes) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    loop {
        if let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = std::str::from_utf8(&received[..end]).unwrap().to_ascii_lowercase();
            let len = head.split_once("content-length: ").map_or("0", |(_, len)| len.lines().next().unwrap());
            let body = &received[end + 4..];
            if body.len() == len.parse::<usize>().unwrap() {
                return (head, Bytes::copy_from_slice(body));
            }
        }
        let len = stream.read_buf(&mut received).await.unwrap();
        assert!(len > 0, "the response has ended: {}", received.escape_ascii());
    }
}
