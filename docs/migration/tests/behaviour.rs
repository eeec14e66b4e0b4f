//! What the pages state about the behaviour of the other libraries, and of this one next to them.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocketError};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use http_body_util::Empty;
use protocol_websocket::{Connection, EndedBy, Negotiated, OsRandom, Session};
use protocol_websocket_tokio::{
    Accept, Config, Connect, ConnectError, Error, Offer, Timeouts, WebSocket, accept, config,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::{ProtocolError, SubProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as TungsteniteCloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role as TungsteniteRole, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as TungsteniteError, Message as TungsteniteMessage};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};
use yawc::{Frame, Options};

const UNMASKED: &[u8] = b"\x81\x02hi";
const MASKED: &[u8] = b"\x81\x82\0\0\0\0hi";
const INVALID_UTF8: &[u8] = b"\x81\x82\0\0\0\0\xFF\xFF";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// `Sec-WebSocket-Accept` is that of another key.
const WRONG_RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn server<S: AsyncRead + AsyncWrite + Unpin>(io: S) -> WebSocket<S> {
    WebSocket::new(io, Session::new(Connection::open_server(&Negotiated::default(), Config::new())))
}

fn client<S: AsyncRead + AsyncWrite + Unpin>(io: S, timeouts: Timeouts) -> WebSocket<S> {
    let config = Config::new().timeouts(timeouts);
    WebSocket::new(io, Session::new(Connection::open_client(&Negotiated::default(), config, OsRandom::new())))
}

async fn tungstenite_server(io: DuplexStream) -> WebSocketStream<DuplexStream> {
    WebSocketStream::from_raw_socket(io, TungsteniteRole::Server, None).await
}

/// Returns what the other end has written, up to the end of its stream.
async fn written(mut io: DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    io.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// Returns whether the future waits for the peer.
fn waits(future: impl Future) -> bool {
    future.now_or_never().is_none()
}

#[tokio::test]
async fn peer_receives_a_close_for_a_frame_that_breaks_a_rule() {
    let (io, mut peer) = duplex(1024);
    let mut websocket = server(io);
    peer.write_all(UNMASKED).await.unwrap();
    peer.shutdown().await.unwrap();
    assert!(matches!(websocket.recv().await, Some(Err(Error::Connection(_)))));
    drop(websocket);
    assert_eq!(written(peer).await, b"\x88\x02\x03\xEA"); // 1002

    let (io, mut peer) = duplex(1024);
    let mut websocket = tungstenite_server(io).await;
    peer.write_all(UNMASKED).await.unwrap();
    assert!(matches!(websocket.next().await, Some(Err(TungsteniteError::Protocol(_)))));
    assert!(websocket.next().await.is_none());
    drop(websocket);
    assert_eq!(written(peer).await, b"");

    let (io, mut peer) = duplex(1024);
    let mut websocket = fastwebsockets::WebSocket::after_handshake(io, Role::Server);
    peer.write_all(INVALID_UTF8).await.unwrap();
    assert!(matches!(websocket.read_frame().await, Err(WebSocketError::InvalidUTF8)));
    drop(websocket);
    assert_eq!(written(peer).await, b"");

    // The Close is written by the next poll.
    let (io, mut peer) = duplex(1024);
    let mut websocket = tokio_websockets::ServerBuilder::new().serve(io);
    peer.write_all(UNMASKED).await.unwrap();
    assert!(matches!(websocket.next().await, Some(Err(tokio_websockets::Error::Protocol(_)))));
    assert!(websocket.next().await.is_none());
    drop(websocket);
    assert!(written(peer).await.starts_with(b"\x88\x1B\x03\xEA"));

    let (io, mut peer) = duplex(1024);
    let mut websocket = yawc::WebSocket::from_stream(io, yawc::Role::Server, Options::default().with_utf8()).unwrap();
    peer.write_all(UNMASKED).await.unwrap();
    assert!(websocket.next().await.is_none());
    assert!(websocket.next().await.is_none());
    drop(websocket);
    assert!(written(peer).await.starts_with(b"\x88\x12\x03\xEA"));
}

#[tokio::test]
async fn client_receives_a_status_for_an_invalid_request() {
    let request = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
    let (io, mut peer) = duplex(1024);
    peer.write_all(request).await.unwrap();
    peer.shutdown().await.unwrap();
    assert!(matches!(accept(io, config()).await, Err(Error::Connection(_))));
    assert!(written(peer).await.starts_with(b"HTTP/1.1 426 Upgrade Required\r\n"));

    let (io, mut peer) = duplex(1024);
    peer.write_all(request).await.unwrap();
    assert!(matches!(accept_async(io).await, Err(TungsteniteError::Protocol(_))));
    assert_eq!(written(peer).await, b"");

    let (io, mut peer) = duplex(1024);
    peer.write_all(request).await.unwrap();
    assert!(tokio_websockets::ServerBuilder::new().accept(io).await.is_err());
    assert_eq!(written(peer).await, b"HTTP/1.1 400 Bad Request\r\n\r\n");
}

#[tokio::test]
async fn receiving_writes_what_was_queued() {
    let (io, mut peer) = duplex(1024);
    let mut websocket = server(io);
    websocket.queue("hi").unwrap();
    assert!(waits(websocket.recv()));
    let mut frame = [0; 4];
    peer.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame, UNMASKED);

    let (io, mut peer) = duplex(1024);
    let mut websocket = tungstenite_server(io).await;
    websocket.feed("hi".into()).await.unwrap();
    assert!(waits(websocket.next()));
    assert!(waits(peer.read_exact(&mut frame)));

    let (io, mut peer) = duplex(1024);
    let mut websocket = yawc::WebSocket::from_stream(io, yawc::Role::Server, Options::default()).unwrap();
    websocket.feed(Frame::text("hi")).await.unwrap();
    assert!(waits(websocket.next()));
    assert!(waits(peer.read_exact(&mut frame)));

    let (io, mut peer) = duplex(1024);
    let mut websocket = tokio_websockets::ServerBuilder::new().serve(io);
    websocket.feed(tokio_websockets::Message::text("hi")).await.unwrap();
    assert!(waits(websocket.next()));
    peer.read_exact(&mut frame).await.unwrap();
}

#[tokio::test]
async fn closing_waits_for_the_close_of_the_peer() {
    let (io, _peer) = duplex(1024);
    assert!(waits(client(io, Timeouts::RECOMMENDED).close(None)));
    let (io, _peer) = duplex(1024);
    let ended = client(io, Timeouts::RECOMMENDED.close(Some(Duration::ZERO))).close(None).await;
    assert_eq!((ended.by, ended.clean), (EndedBy::Timeout, false));

    let (io, _peer) = duplex(1024);
    tungstenite_server(io).await.close(None).await.unwrap();

    let (io, _peer) = duplex(1024);
    let mut websocket = yawc::WebSocket::from_stream(io, yawc::Role::Server, Options::default()).unwrap();
    websocket.close().await.unwrap();

    let (io, _peer) = duplex(1024);
    assert!(waits(tokio_websockets::ServerBuilder::new().serve(io).close()));
}

#[tokio::test]
async fn close_of_the_peer_is_returned() {
    let close = b"\x88\x82\0\0\0\0\x03\xE9";
    let (io, mut peer) = duplex(1024);
    let mut websocket = server(io);
    peer.write_all(close).await.unwrap();
    peer.shutdown().await.unwrap();
    assert!(websocket.recv().await.is_none());
    assert_eq!(websocket.ended().map(|ended| (ended.code.0, ended.clean)), Some((1001, true)));

    let (io, mut peer) = duplex(1024);
    let mut websocket = tungstenite_server(io).await;
    peer.write_all(close).await.unwrap();
    assert!(matches!(websocket.next().await, Some(Ok(TungsteniteMessage::Close(Some(_))))));
    assert!(websocket.next().await.is_none());
}

#[tokio::test]
async fn close_code_1014_is_accepted() {
    let close = b"\x88\x82\0\0\0\0\x03\xF6";
    let (io, mut peer) = duplex(1024);
    let mut websocket = server(io);
    peer.write_all(close).await.unwrap();
    peer.shutdown().await.unwrap();
    assert!(websocket.recv().await.is_none());
    assert_eq!(websocket.ended().map(|ended| (ended.code.0, ended.clean)), Some((1014, true)));

    let (io, mut peer) = duplex(1024);
    let mut websocket = tungstenite_server(io).await;
    peer.write_all(close).await.unwrap();
    let Some(Ok(TungsteniteMessage::Close(Some(frame)))) = websocket.next().await else { panic!() };
    assert_eq!(frame.code, TungsteniteCloseCode::Protocol);

    let (io, mut peer) = duplex(1024);
    let mut websocket = fastwebsockets::WebSocket::after_handshake(io, Role::Server);
    peer.write_all(close).await.unwrap();
    assert!(matches!(websocket.read_frame().await, Err(WebSocketError::InvalidCloseCode)));

    let (io, mut peer) = duplex(1024);
    let mut websocket = yawc::WebSocket::from_stream(io, yawc::Role::Server, Options::default()).unwrap();
    peer.write_all(close).await.unwrap();
    assert!(matches!(websocket.next_frame().await, Err(yawc::WebSocketError::InvalidCloseCode)));
}

#[tokio::test]
async fn dropped_receive_loses_nothing() {
    let (io, mut peer) = duplex(1024);
    let mut websocket = server(io);
    peer.write_all(&MASKED[..2]).await.unwrap();
    assert!(waits(websocket.recv()));
    peer.write_all(&MASKED[2..]).await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("hi"));

    // The header is lost, and the mask key is read as a header.
    let (io, mut peer) = duplex(1024);
    let mut websocket = fastwebsockets::WebSocket::after_handshake(io, Role::Server);
    peer.write_all(&MASKED[..2]).await.unwrap();
    assert!(waits(websocket.read_frame()));
    peer.write_all(&MASKED[2..]).await.unwrap();
    assert!(!matches!(websocket.read_frame().await, Ok(frame) if frame.opcode == OpCode::Text));
}

#[tokio::test]
async fn fastwebsockets_server_accepts_frames_without_a_mask() {
    let (io, mut peer) = duplex(1024);
    let mut websocket = fastwebsockets::WebSocket::after_handshake(io, Role::Server);
    peer.write_all(UNMASKED).await.unwrap();
    assert!(matches!(websocket.read_frame().await, Ok(frame) if frame.opcode == OpCode::Text));
}

#[tokio::test]
async fn fastwebsockets_limits_fragments_one_by_one() {
    let (io, mut peer) = duplex(1024);
    let mut websocket = fastwebsockets::WebSocket::after_handshake(io, Role::Server);
    websocket.set_max_message_size(4);
    for frame in [b"\x01\x83\0\0\0\0one", b"\0\x83\0\0\0\0two", b"\x80\x83\0\0\0\0ten"] {
        peer.write_all(frame).await.unwrap();
    }
    let frame = FragmentCollector::new(websocket).read_frame().await.unwrap();
    assert_eq!(frame.payload.len(), 9);
}

#[tokio::test]
async fn client_checks_the_accept_header() {
    let (io, mut peer) = duplex(1024);
    peer.write_all(WRONG_RESPONSE).await.unwrap();
    let refused = Connect::new("ws://example.com/").unwrap().over(io).await;
    assert!(matches!(refused, Err(ConnectError::WebSocket(_))));

    let (io, mut peer) = duplex(1024);
    peer.write_all(WRONG_RESPONSE).await.unwrap();
    let refused = client_async("ws://example.com/", io).await;
    assert!(matches!(refused, Err(TungsteniteError::Protocol(ProtocolError::SecWebSocketAcceptKeyMismatch))));

    let (io, mut peer) = duplex(1024);
    let request = hyper::Request::get("http://example.com/")
        .header("Host", "example.com")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", fastwebsockets::handshake::generate_key())
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let peer = tokio::spawn(async move {
        peer.read_exact(&mut [0; REQUEST.len()]).await.unwrap();
        peer.write_all(WRONG_RESPONSE).await.unwrap();
        peer
    });
    let executor = hyper_util::rt::TokioExecutor::new();
    assert!(fastwebsockets::handshake::client(&executor, request, io).await.is_ok());
    drop(peer);
}

/// Returns a server that accepts the request without a subprotocol.
fn accepting() -> DuplexStream {
    let (io, peer) = duplex(1024);
    tokio::spawn(async move {
        let mut websocket = accept(peer, Config::new()).await.unwrap().accept(Accept::new()).await.unwrap();
        websocket.recv().await
    });
    io
}

#[tokio::test]
async fn server_may_select_no_subprotocol() {
    let connect = Connect::new("ws://example.com/").unwrap().offer(Offer::new().subprotocol("chat"));
    let (websocket, _) = connect.over(accepting()).await.unwrap();
    assert_eq!(websocket.negotiated().subprotocol, None);

    let mut request = "ws://example.com/".into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "chat".parse().unwrap());
    let Err(TungsteniteError::Protocol(error)) = client_async(request, accepting()).await else { panic!() };
    assert_eq!(error, ProtocolError::SecWebSocketSubProtocolError(SubProtocolError::NoSubProtocol));
}

#[tokio::test]
async fn yawc_returns_invalid_text_by_default() {
    let (io, mut peer) = duplex(1024);
    let mut websocket = yawc::WebSocket::from_stream(io, yawc::Role::Server, Options::default()).unwrap();
    peer.write_all(INVALID_UTF8).await.unwrap();
    assert!(!websocket.next_frame().await.unwrap().is_utf8());
}

#[test]
fn defaults_of_the_other_libraries_are_as_stated() {
    let WebSocketConfig { read_buffer_size, write_buffer_size, max_write_buffer_size, .. } = WebSocketConfig::default();
    assert_eq!((read_buffer_size, write_buffer_size, max_write_buffer_size), (128 << 10, 128 << 10, usize::MAX));
    let WebSocketConfig { max_message_size, max_frame_size, .. } = WebSocketConfig::default();
    assert_eq!((max_message_size, max_frame_size), (Some(64 << 20), Some(16 << 20)));
    assert_eq!((yawc::MAX_PAYLOAD_READ, yawc::MAX_READ_BUFFER), (1 << 20, 2 << 20));
    let Options { compression, check_utf8, no_delay, .. } = Options::default();
    assert_eq!((compression.is_none(), check_utf8, no_delay), (true, false, false));
}
