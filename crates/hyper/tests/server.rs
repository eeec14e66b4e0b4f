//! A server: the upgrade of HTTP/1.1 and the extended CONNECT of HTTP/2.
#![cfg(all(feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::net::SocketAddr;

use common::stream::{self, Client};
use common::{Kind, echo, serve};
use protocol_websocket::Event;
use protocol_websocket_hyper::{
    Accept, Close, CloseCode, Error, Limits, Message, Offer, Reject, config, rejection, upgrade, upgrade_parts,
};
use protocol_websocket_tokio::{Connect, Stream, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

const HEAD: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

async fn open(address: SocketAddr) -> WebSocket<Stream> {
    Connect::new(&format!("ws://{address}/chat")).unwrap().await.unwrap().0
}

fn messages() -> [Message; 3] {
    [Message::from("text"), Message::from(vec![0, 255]), Message::from("x".repeat(1 << 20))]
}

#[tokio::test]
async fn echoes_over_http1() {
    for kind in [Kind::Http1, Kind::Auto] {
        let mut websocket = open(serve(kind, config(), echo).await).await;
        assert_eq!(websocket.negotiated().extensions.len(), usize::from(cfg!(feature = "permessage-deflate")));
        for message in messages() {
            websocket.send(message.clone()).await.unwrap();
            assert_eq!(websocket.recv().await.unwrap().unwrap(), message);
        }
        let ended = websocket.close(Close::new(CloseCode(4000), "bye")).await;
        assert!(ended.clean, "{ended:?}");
        assert_eq!((ended.code, &*ended.reason), (CloseCode(4000), "bye"));
    }
}

#[tokio::test]
async fn echoes_over_http2_and_ends_the_stream_without_a_reset() {
    for kind in [Kind::Http2, Kind::Auto] {
        let (mut sender, connection) = stream::connect(serve(kind, config(), echo).await).await;
        let mut client = Client::open(&mut sender).await;
        for message in messages() {
            assert_eq!(client.ask(message.clone()).await, message);
        }
        client.ping("ping").await;
        assert!(matches!(client.recv().await, Some(Ok(Event::Pong(payload))) if payload == "ping"));
        client.finish(CloseCode(4000)).await;
        drop(sender);
        connection.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn frames_after_the_head_are_not_lost() {
    let address = serve(Kind::Http1, config(), echo).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let frames = b"\x81\x82\0\0\0\0hi\x89\x81\0\0\0\0p\x88\x82\0\0\0\0\x03\xE8";
    stream.write_all(&[HEAD.as_bytes(), frames].concat()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received.starts_with(b"HTTP/1.1 101 "));
    assert!(received.ends_with(b"\r\n\r\n\x81\x02hi\x8A\x01p\x88\x02\x03\xE8"), "{}", received.escape_ascii());
}

/// Sends a request, and returns the head of the response in lower case, and the body.
async fn exchange(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    loop {
        if let Some((head, body)) = response.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let (_, len) = head.split_once("content-length: ").unwrap();
            if body.len() == len.lines().next().unwrap().parse::<usize>().unwrap() {
                return (head, body.to_owned());
            }
        }
        let mut buffer = [0; 1024];
        let len = stream.read(&mut buffer).await.unwrap();
        assert!(len > 0, "the response has ended: {response}");
        response.push_str(std::str::from_utf8(&buffer[..len]).unwrap());
    }
}

#[tokio::test]
async fn rejects_invalid_requests_of_http1() {
    let address = serve(Kind::Http1, config(), echo).await;
    let upgrade: &[&str] = &["\r\nupgrade: websocket", "\r\nconnection: upgrade"];
    let version: &[&str] = &["\r\nsec-websocket-version: 13"];
    for (from, to, status, fields) in [
        ("GET", "POST", 405, &["\r\nallow: get"][..]),
        ("Upgrade: websocket\r\n", "", 426, upgrade),
        ("Connection: Upgrade\r\n", "", 426, upgrade),
        ("HTTP/1.1", "HTTP/1.0", 426, upgrade),
        ("Version: 13", "Version: 12", 426, version),
        ("Version: 13", "Version: 8", 426, version),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, &[]),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short", 400, &[]),
        ("Host: localhost\r\n", "", 400, &[]),
        ("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nhi", 400, &[]),
    ] {
        let (head, body) = exchange(address, &HEAD.replace(from, to)).await;
        assert_eq!(head.split(' ').nth(1).unwrap(), status.to_string(), "{from} {to}: {head}");
        assert!(!body.is_empty());
        for field in fields {
            assert!(head.contains(field), "{from}, {to}: {head}");
        }
    }
}

#[tokio::test]
async fn rejects_invalid_requests_of_http2() {
    let (mut sender, _connection) = stream::connect(serve(Kind::Http2, config(), echo).await).await;
    let get = {
        let mut request = http::Request::get("http://localhost/chat").body(()).unwrap();
        *request.version_mut() = http::Version::HTTP_2;
        request
    };
    let of_version = |version| {
        let mut request = stream::extended_connect("websocket");
        request.headers_mut().insert("sec-websocket-version", http::HeaderValue::from_static(version));
        request
    };
    for (request, status, field) in [
        (get, 405, ("allow", "CONNECT")),
        (stream::extended_connect("connect-udp"), 501, ("content-type", "text/plain; charset=utf-8")),
        (stream::extended_connect("WebSocket"), 501, ("content-type", "text/plain; charset=utf-8")),
        (of_version("12"), 400, ("sec-websocket-version", "13")),
    ] {
        let (response, _send) = sender.send_request(request, false).unwrap();
        let response = response.await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()[field.0].to_str().unwrap()), (status, &field.1));
        assert!(!response.headers().contains_key("upgrade"));
    }
}

#[test]
fn rejects_requests_of_http2_with_upgrade_fields() {
    let mut request = http::Request::builder()
        .version(http::Version::HTTP_2)
        .uri("http://localhost/chat")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    assert_eq!(upgrade(&mut request, config()).unwrap_err().status(), 400);
    let (mut parts, ()) = request.into_parts();
    assert_eq!(upgrade_parts(&mut parts, config()).unwrap_err().status(), 400);
}

#[tokio::test]
async fn an_upgrade_is_taken_once() {
    let address = common::serve_with(Kind::Http1, |mut request| {
        upgrade(&mut request, config()).unwrap();
        let (mut parts, _body) = request.into_parts();
        let reject = upgrade_parts(&mut parts, config()).unwrap_err();
        rejection(&reject)
    })
    .await;
    let (head, body) = exchange(address, HEAD).await;
    assert!(head.starts_with("http/1.1 500 "), "{head}");
    assert_eq!(body, "connection cannot be upgraded");
}

#[tokio::test]
async fn upgrade_parts_opens_a_websocket() {
    let address = common::serve_with(Kind::Auto, |request| {
        let (mut parts, _body) = request.into_parts();
        echo(upgrade_parts(&mut parts, config()).unwrap())
    })
    .await;
    let mut websocket = open(address).await;
    websocket.send("text").await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("text"));
    let (mut sender, _connection) = stream::connect(address).await;
    assert_eq!(Client::open(&mut sender).await.ask("text").await.as_text(), Some("text"));
}

#[tokio::test]
async fn request_subprotocol_and_cookie_are_those_of_the_handshake() {
    let address = serve(Kind::Auto, config(), |upgrade| {
        let request = upgrade.request();
        let name = request.select_subprotocol(&["chat"]).unwrap();
        let accept = Accept::new().subprotocol(name).header("x-path", request.resource_name());
        common::echo_with(upgrade, accept)
    })
    .await;
    let offer = Offer::new().subprotocol("other").subprotocol("chat");
    let connect = Connect::new(&format!("ws://{address}/chat?room=7")).unwrap().offer(offer);
    let (websocket, response) = connect.await.unwrap();
    assert_eq!(websocket.negotiated().subprotocol.as_deref(), Some("chat"));
    assert_eq!(response.headers().get_str("x-path"), Some("/chat?room=7"));
}

#[tokio::test]
async fn config_of_the_upgrade_replaces_the_first_one() {
    let address = serve(Kind::Http1, config(), |upgrade| echo(upgrade.config(config().limits(Limits::new(4))))).await;
    let mut websocket = open(address).await;
    websocket.send("12345").await.unwrap();
    assert!(websocket.recv().await.is_none_or(|received| received.is_err()));
    assert_eq!(websocket.ended().unwrap().code, CloseCode::MESSAGE_TOO_BIG);
}

#[tokio::test]
async fn reject_has_the_status_the_fields_and_the_body_of_the_caller() {
    let address = serve(Kind::Auto, config(), |upgrade| {
        upgrade.reject(&Reject::new(401).header("www-authenticate", "Bearer").body("a token is required"))
    })
    .await;
    let (head, body) = exchange(address, HEAD).await;
    assert!(head.starts_with("http/1.1 401 ") && head.contains("\r\nwww-authenticate: bearer"), "{head}");
    assert_eq!(body, "a token is required");

    let (mut sender, _connection) = stream::connect(address).await;
    let (response, _send) = sender.send_request(stream::extended_connect("websocket"), false).unwrap();
    let mut response = response.await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["www-authenticate"]),
        (401, &"Bearer".parse().unwrap())
    );
    assert_eq!(response.body_mut().data().await.unwrap().unwrap(), "a token is required");
    assert!(response.body_mut().data().await.is_none());
}

#[tokio::test]
async fn invalid_responses_have_the_status_500() {
    let (sender, mut errors) = mpsc::unbounded_channel();
    let address = common::serve_with(Kind::Http1, move |mut request| {
        let upgrade = upgrade(&mut request, config()).unwrap();
        let (response, opening) = upgrade.accept(Accept::new().subprotocol("not offered"));
        let sender = sender.clone();
        tokio::spawn(async move { sender.send(opening.await.map(drop)) });
        response
    })
    .await;
    assert!(exchange(address, HEAD).await.0.starts_with("http/1.1 500 "));
    assert!(matches!(errors.recv().await, Some(Err(Error::Send(_)))));
    assert_eq!(rejection(&Reject::new(101)).status(), 500);
}

#[tokio::test]
async fn opening_fails_if_another_response_is_sent_in_http2() {
    let (sender, mut errors) = mpsc::unbounded_channel();
    let address = common::serve_with(Kind::Http2, move |mut request| {
        let upgrade = upgrade(&mut request, config()).unwrap();
        let (_response, opening) = upgrade.accept(Accept::new());
        let sender = sender.clone();
        tokio::spawn(async move { sender.send(opening.await.map(drop)) });
        rejection(&Reject::new(404))
    })
    .await;
    let (mut client, _connection) = stream::connect(address).await;
    let (response, _send) = client.send_request(stream::extended_connect("websocket"), false).unwrap();
    assert_eq!(response.await.unwrap().status(), 404);
    match errors.recv().await {
        Some(Err(Error::Io(error))) => {
            assert!(error.get_ref().unwrap().downcast_ref::<hyper::Error>().unwrap().is_canceled());
        }
        other => panic!("received {other:?}"),
    }
}

#[tokio::test]
async fn dropped_opening_ends_the_connection_or_the_stream() {
    let address = serve(Kind::Auto, config(), |upgrade| upgrade.accept(Accept::new()).0).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(HEAD.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received.starts_with(b"HTTP/1.1 101 ") && received.ends_with(b"\r\n\r\n"));

    let (mut sender, _connection) = stream::connect(address).await;
    let mut client = Client::open(&mut sender).await;
    assert!(client.recv().await.is_none_or(|event| event.is_err()));
    // The connection still has other streams.
    let (response, _send) = sender.send_request(stream::extended_connect("other"), false).unwrap();
    assert_eq!(response.await.unwrap().status(), 501);
}
