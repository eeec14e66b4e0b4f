//! What `from-axum.md` states about `axum::extract::ws`, and about this library next to it. The handlers and the chat are
//! compiled with both imports.
#![allow(clippy::unwrap_used)]
#![allow(clippy::duplicate_mod, reason = "each import compiles the same files")]

mod of_axum;
mod ours;

use std::net::SocketAddr;

use axum::Router;
use protocol_websocket_tokio::{CloseCode, Config, Connect, Event, Limits, Offer, Stream, WebSocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const HEAD: &str = "GET /PATH HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xE8"; // 1000

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Starts a server with axum's WebSockets, and one with those of this library.
async fn servers() -> [SocketAddr; 2] {
    [serve(of_axum::handlers::router()).await, serve(ours::handlers::router()).await]
}

/// Sends a request and the bytes after it. Returns the bytes after the head of the response, up to the end of the stream.
async fn exchange(address: SocketAddr, head: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[head.as_bytes(), bytes].concat()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received.starts_with(b"HTTP/1.1 101 "));
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    received.split_off(end)
}

/// Sends a request, and returns the status of the response.
async fn status(address: SocketAddr, head: &str) -> u16 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut received = [0; 12];
    stream.read_exact(&mut received).await.unwrap();
    std::str::from_utf8(&received).unwrap().strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap()
}

async fn open(address: SocketAddr, path: &str) -> WebSocket<Stream> {
    let offer = Offer::new().subprotocol("chat");
    let connect = Connect::new(&format!("ws://{address}{path}")).unwrap();
    connect.offer(offer).config(Config::new().limits(Limits::new(4 << 20))).await.unwrap().0
}

#[tokio::test]
async fn handlers_use_the_names_that_are_the_same() {
    for address in servers().await {
        let mut websocket = open(address, "/names").await;
        assert_eq!(websocket.negotiated().subprotocol.as_deref(), Some("chat"));
        websocket.send("text").await.unwrap();
        let mut messages = 0;
        while let Some(message) = websocket.recv().await {
            message.unwrap();
            messages += 1;
        }
        assert_eq!(messages, 10);
        let ended = websocket.ended().unwrap();
        assert!(ended.clean && ended.code == CloseCode::NORMAL, "{ended:?}");
    }
}

#[tokio::test]
async fn handler_may_borrow_the_extractor() {
    for address in servers().await {
        let mut websocket = open(address, "/borrowed").await;
        websocket.send("text").await.unwrap();
        assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("text"));
    }
}

#[tokio::test]
async fn chat_runs_with_both_imports() {
    for router in [of_axum::chat::router(), ours::chat::router()] {
        let address = serve(router).await;
        let receive = async |websocket: &mut WebSocket<Stream>, line: &str| {
            assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some(line));
        };
        let mut anna = open(address, "/").await;
        anna.send("anna").await.unwrap();
        receive(&mut anna, "anna has joined").await;
        let mut berta = open(address, "/").await;
        berta.send("berta").await.unwrap();
        receive(&mut anna, "berta has joined").await;
        receive(&mut berta, "berta has joined").await;
        berta.send("hello").await.unwrap();
        receive(&mut anna, "berta: hello").await;

        let mut other = open(address, "/").await;
        other.send("anna").await.unwrap();
        assert!(
            matches!(other.recv_event().await, Some(Ok(Event::Close(Some(close)))) if close.code == CloseCode(1008))
        );
        drop(berta);
        receive(&mut anna, "berta has left").await;
    }
}

#[tokio::test]
async fn peer_receives_a_close_for_a_frame_that_breaks_a_rule() {
    let [of_axum, ours] = servers().await;
    let head = HEAD.replace("PATH", "echo");
    let unmasked = b"\x81\x02hi";
    assert_eq!(exchange(of_axum, &head, unmasked).await, b"");
    assert_eq!(exchange(ours, &head, unmasked).await, b"\x88\x02\x03\xEA"); // 1002
}

#[tokio::test]
async fn reply_to_the_close_is_written_although_the_handler_ends_there() {
    let [of_axum, ours] = servers().await;
    let head = HEAD.replace("PATH", "break");
    assert_eq!(exchange(of_axum, &head, CLOSE).await, b"");
    assert_eq!(exchange(ours, &head, CLOSE).await, b"\x88\x02\x03\xE8");
}

#[tokio::test]
async fn status_of_a_rejection() {
    let [of_axum, ours] = servers().await;
    for (from, to, status_of_axum, expected) in [
        ("GET", "POST", 405, 405),
        ("Upgrade: websocket\r\n", "", 400, 426),
        ("Connection: Upgrade\r\n", "", 400, 426),
        ("Version: 13", "Version: 8", 400, 426),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short", 101, 400),
        ("Host: localhost\r\n", "", 101, 400),
    ] {
        let head = HEAD.replace("PATH", "break").replace(from, to);
        assert_eq!(status(of_axum, &head).await, status_of_axum, "{from}");
        assert_eq!(status(ours, &head).await, expected, "{from}");
    }
}

#[tokio::test]
async fn selected_subprotocol_must_be_offered() {
    let [of_axum, ours] = servers().await;
    let head = HEAD.replace("PATH", "selected");
    assert_eq!(status(of_axum, &head).await, 101);
    assert_eq!(status(ours, &head).await, 500);
}

#[tokio::test]
async fn pong_is_sent_although_no_ping_asked_for_it() {
    for address in servers().await {
        assert_eq!(exchange(address, &HEAD.replace("PATH", "pong"), b"").await, b"\x8A\x02hi");
    }
}

#[tokio::test]
async fn close_with_a_reserved_code_is_not_sent() {
    let [of_axum, ours] = servers().await;
    let head = HEAD.replace("PATH", "reserved");
    assert_eq!(exchange(of_axum, &head, b"").await, b"\x88\x02\x03\xEE"); // 1006
    assert_eq!(exchange(ours, &head, b"").await, b"");
}

#[tokio::test]
async fn message_over_one_mebibyte_is_refused() {
    let [of_axum, ours] = servers().await;
    let mut websocket = open(of_axum, "/echo").await;
    websocket.send(vec![0; (1 << 20) + 1]).await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().len(), (1 << 20) + 1);
    let mut websocket = open(ours, "/echo").await;
    let _ = websocket.send(vec![0; (1 << 20) + 1]).await;
    while websocket.recv().await.is_some() {}
    assert_eq!(websocket.ended().unwrap().code, CloseCode::MESSAGE_TOO_BIG);
}

#[test]
fn names_of_axum_that_this_library_does_not_have() {
    use axum::extract::ws::{DefaultOnFailedUpgrade, OnFailedUpgrade, WebSocketUpgrade, rejection};

    let _ = |upgrade: WebSocketUpgrade| upgrade.read_buffer_size(1).write_buffer_size(1).accept_unmasked_frames(true);
    let _ = |upgrade: WebSocketUpgrade<DefaultOnFailedUpgrade>| upgrade;
    let _ = |callback: Box<dyn FnOnce(axum::Error) + Send>| OnFailedUpgrade::call(callback, axum::Error::new(""));
    let _ = |rejection: rejection::MethodNotGet| rejection;
}

#[test]
fn names_of_this_library_exist() {
    use protocol_websocket_axum::{Close, CloseCode, Config, Error, WebSocket, WebSocketUpgrade, ws};

    let _ = |upgrade: WebSocketUpgrade| upgrade.config(Config::new()).origin(&[]).request().resource_name().len();
    let _ = |mut socket: ws::WebSocket| {
        let _ = (socket.get_ref().unsent(), socket.get_mut().queue_ping(""));
        let _: WebSocket = socket.into_inner();
    };
    let _ = |error: axum::Error| error.into_inner().downcast::<Error>().is_ok();
    let _ = |close: ws::CloseFrame| Close::from(close).code == CloseCode::GOING_AWAY;
    let (text, string) = (ws::Utf8Bytes::from_static("text"), String::from("text"));
    let (borrowed, cow) = (&string, std::borrow::Cow::from(&string));
    assert!(text == string && text == borrowed && text == cow);
    assert_eq!(ws::Utf8Bytes::from(&string), ws::Utf8Bytes::try_from(b"text".to_vec()).unwrap());
    assert_eq!(ws::Utf8Bytes::try_from(axum::body::Bytes::from(vec![0xFF])).ok(), None);
}
