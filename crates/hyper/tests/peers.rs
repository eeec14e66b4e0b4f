//! The client with servers of other projects: node over HTTP/2, and Hypercorn over HTTP/1.1 and HTTP/2, without TLS.
//! `crates/protocol-websocket/tests/peers/install.sh` installs them.
#![cfg(all(unix, feature = "client", feature = "http1", feature = "http2", feature = "permessage-deflate"))]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../protocol-websocket/tests/peers/program.rs"]
#[allow(dead_code, reason = "a part is for servers of this repository")]
mod program;

use std::process::Command;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use program::Server;
use protocol_websocket::{EndedBy, Event};
use protocol_websocket_hyper::{
    Body, Close, CloseCode, Destination, Error, Message, Offer, OpenError, Upgraded, WebSocket, config, http1_request,
    http2_handshake, http2_request,
};
use tokio::net::TcpStream;

const MIB: usize = 1 << 20;

/// A connection of a client.
enum Client {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Client {
    async fn http1(server: &Server) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(connect(server).await)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        Self::Http1(sender)
    }

    async fn http2(server: &Server) -> Result<Self, OpenError> {
        let builder = http2::Builder::new(TokioExecutor::new());
        let (sender, connection) = http2_handshake(&builder, TokioIo::new(connect(server).await)).await?;
        tokio::spawn(connection);
        Ok(Self::Http2(sender))
    }

    /// Opens a WebSocket, which is the only one of a connection of HTTP/1.1.
    async fn open(&mut self, path: &str) -> WebSocket<Upgraded> {
        self.request(path).await.unwrap_or_else(|(error, body)| panic!("{error}, {body:?}"))
    }

    /// Opens a WebSocket, or returns the error and the body of the response.
    async fn request(&mut self, path: &str) -> Result<WebSocket<Upgraded>, (OpenError, Bytes)> {
        let offer = Offer::new().subprotocol("no-such").subprotocol("chat");
        let destination = Destination::new("localhost", path);
        let (mut response, expect) = match self {
            Self::Http1(sender) => {
                let (request, expect) = http1_request(destination, &offer, config()).unwrap();
                (sender.send_request(request).await.unwrap(), expect)
            }
            Self::Http2(sender) => {
                let (request, expect) = http2_request(destination, &offer, config()).unwrap();
                (sender.send_request(request).await.unwrap(), expect)
            }
        };
        match expect.open(&mut response).await {
            Ok((websocket, _)) => Ok(websocket),
            Err(error) => Err((error, response.into_body().collect().await.unwrap().to_bytes())),
        }
    }
}

async fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn node(arguments: &[&str]) -> Server {
    program::install();
    Server::start(Command::new("node").arg(program::script("../../../hyper/tests/peers/http2_server.mjs")), arguments)
}

fn hypercorn() -> Server {
    program::install();
    Server::start(Command::new("python3").arg(program::script("../../../hyper/tests/peers/hypercorn_server.py")), &[])
}

/// Sends messages and a ping, and closes.
async fn check_echo(mut websocket: WebSocket<Upgraded>) {
    assert_eq!(websocket.negotiated().subprotocol.as_deref(), Some("chat"));
    let extensions: Vec<_> = websocket.negotiated().extensions.iter().map(ToString::to_string).collect();
    assert!(matches!(&extensions[..], [name] if name.starts_with("permessage-deflate")), "{extensions:?}");
    let text = "é".repeat(MIB / 2);
    for text in ["Größe κόσμε 世界 🦀", "", &text] {
        exchange(&mut websocket, text.into()).await;
    }
    let stats = websocket.stats();
    assert!(stats.bytes_read < 100_000 && stats.bytes_written < 100_000, "not compressed: {stats:?}");
    let bytes = (0..MIB).map(|i| (i * 31 + (i >> 8)).to_le_bytes()[0]);
    for bytes in [vec![], vec![0, 255], bytes.collect()] {
        exchange(&mut websocket, bytes.into()).await;
    }
    websocket.queue_ping("between").unwrap();
    let event = websocket.recv_event().await.unwrap().unwrap();
    assert!(matches!(&event, Event::Pong(payload) if payload == "between"), "{event:?}");
    let ended = websocket.close(Close::new(CloseCode(4000), "Größe")).await;
    assert!(ended.clean && ended.code == CloseCode(4000), "{ended:?}");
}

async fn exchange(websocket: &mut WebSocket<Upgraded>, message: Message) {
    websocket.send(message.clone()).await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap(), message);
}

/// Opens a WebSocket that the server closes after a message.
async fn check_close(client: &mut Client) {
    let mut websocket = client.open("/close").await;
    websocket.send("close").await.unwrap();
    assert!(websocket.recv().await.is_none());
    let ended = websocket.ended().unwrap();
    assert!(ended.clean && ended.by == EndedBy::Peer, "{ended:?}");
    assert_eq!((ended.code, &*ended.reason), (CloseCode(4001), "bye"));
}

/// Checks the status and the body of a response that refuses.
async fn check_refusal(client: &mut Client, path: &str, status: u16, body: &str) {
    match client.request(path).await {
        Err((OpenError::Rejected(head), found)) => assert_eq!((head.status(), &*found), (status, body.as_bytes())),
        other => panic!("{path}: {other:?}"),
    }
}

/// Checks that WebSockets are open at the same time, on one connection. Drops them.
async fn check_sharing(client: &mut Client) {
    let mut websockets = Vec::new();
    for _ in 0..20 {
        websockets.push(client.open("/connections").await);
    }
    for websocket in &mut websockets {
        websocket.send("how many").await.unwrap();
    }
    for websocket in &mut websockets {
        assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("1"));
    }
}

#[tokio::test]
async fn node_over_http2() {
    let server = node(&[]);
    let mut client = Client::http2(&server).await.unwrap();
    check_sharing(&mut client).await;
    check_echo(client.open("/").await).await;
    check_close(&mut client).await;
    check_refusal(&mut client, "/403", 403, "").await;
    check_refusal(&mut client, "/404", 404, "not found\n").await;
    for (path, is_reset) in [("/end", false), ("/reset", true)] {
        let mut websocket = client.open(path).await;
        websocket.send("end").await.unwrap();
        let error = websocket.recv().await.unwrap().unwrap_err();
        assert_eq!(matches!(error, Error::Io(_)), is_reset, "{error:?}");
        assert_eq!(websocket.ended().unwrap().code, CloseCode::ABNORMAL);
    }
}

#[tokio::test]
async fn node_without_extended_connect() {
    let server = node(&["disabled"]);
    let error = Client::http2(&server).await.err().unwrap();
    assert!(matches!(error, OpenError::ExtendedConnectDisabled), "{error:?}");
}

/// Hypercorn 0.18 ends the connection with an internal error if it receives `END_STREAM` for a WebSocket that it has closed.
/// So each check has its own connection.
#[tokio::test]
async fn hypercorn_over_http2() {
    let server = hypercorn();
    check_sharing(&mut Client::http2(&server).await.unwrap()).await;
    check_echo(Client::http2(&server).await.unwrap().open("/").await).await;
    check_close(&mut Client::http2(&server).await.unwrap()).await;
    check_refusal(&mut Client::http2(&server).await.unwrap(), "/403", 403, "").await;
    check_refusal(&mut Client::http2(&server).await.unwrap(), "/404", 404, "not found\n").await;
}

#[tokio::test]
async fn hypercorn_over_http1() {
    let server = hypercorn();
    check_echo(Client::http1(&server).await.open("/").await).await;
    check_close(&mut Client::http1(&server).await).await;
    check_refusal(&mut Client::http1(&server).await, "/403", 403, "").await;
    check_refusal(&mut Client::http1(&server).await, "/404", 404, "not found\n").await;
}
