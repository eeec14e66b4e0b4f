//! The heads and frames of an attacker, and many WebSockets, at a server of axum.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use axum::Router;
use axum::response::Response;
use common::{HEAD, connect_http2, echo, exchange, serve};
use protocol_websocket_axum::{CloseCode, Config, WebSocketUpgrade};
use protocol_websocket_hyper::{Destination, Offer, http2_request};
use test_support::attacks::{AMBIGUOUS_FIELDS, BAD_FRAMES, CONNECTS, REQUEST_LINES, close_frame};
use test_support::http2::{CONNECT, Client, DATA, HEADERS, RST_STREAM};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, spawn_blocking};

fn router() -> Router {
    let handler = async |upgrade: WebSocketUpgrade| -> Response { upgrade.on_upgrade(echo) };
    Router::new().fallback(handler)
}

/// Sends bytes, and returns everything that the server sends until `is_end`.
async fn send(address: std::net::SocketAddr, bytes: &[u8], is_end: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refused the request may have closed the connection.
    let _ = stream.write_all(bytes).await;
    let mut received = Vec::new();
    while !is_end(&received) && matches!(stream.read_buf(&mut received).await, Ok(1..)) {}
    received
}

#[tokio::test]
async fn ambiguous_requests_of_http1_are_refused() {
    let address = serve(router()).await;
    let with_fields = AMBIGUOUS_FIELDS.iter().map(|(field, lines, status)| {
        let head = HEAD.replace("GET /", "GET /smuggled");
        let kept =
            head.split_inclusive("\r\n").filter(|line| field.is_empty() || !line.starts_with(&format!("{field}: ")));
        let head: String = kept.collect();
        (head.replace("\r\n\r\n", &format!("\r\n{lines}\r\n")), *status)
    });
    let with_lines = REQUEST_LINES.iter().filter(|(line, _)| !line.contains('#'));
    let with_lines = with_lines.map(|(line, status)| (HEAD.replace("GET / HTTP/1.1", line), *status));
    for (request, status) in with_fields.chain(with_lines) {
        let ended = |received: &[u8]| received.windows(4).any(|bytes| bytes == b"\r\n\r\n");
        let response = send(address, request.as_bytes(), ended).await;
        let response = String::from_utf8(response).unwrap();
        assert_eq!(response.split(' ').nth(1), Some(&*status.to_string()), "{request:?}: {response}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_connects_of_http2_get_a_status_or_an_error_of_the_stream() {
    let address = serve(router()).await;
    spawn_blocking(move || {
        let mut client = Client::connect(address);
        for connect in CONNECTS {
            let stream = client.request(&connect.fields(), 0);
            match client.frame(stream) {
                Some(frame) if frame.kind == HEADERS => {
                    assert_eq!(frame.is_ok(), connect.outcome == "200", "{connect:?}");
                }
                Some(frame) if frame.kind == RST_STREAM => {
                    assert_eq!(format!("reset {}", frame.error_code()), connect.outcome, "{connect:?}");
                }
                Some(frame) => {
                    assert_eq!(format!("goaway {}", frame.error_code()), connect.outcome, "{connect:?}");
                    client = Client::connect(address);
                }
                None => {
                    assert_eq!(connect.outcome, "end", "{connect:?}");
                    client = Client::connect(address);
                }
            }
            client.assert_echoes();
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn bad_frames_after_an_upgrade_get_the_close_code() {
    let address = serve(router()).await;
    for (wire, _, code) in BAD_FRAMES {
        let received = send(address, &[HEAD.as_bytes(), wire].concat(), |_| false).await;
        let expected = [&b"\r\n\r\n"[..], &close_frame(*code)].concat();
        assert!(received.ends_with(&expected), "{wire:02x?}: {}", received.escape_ascii());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_frames_on_a_stream_get_the_close_code() {
    let address = serve(router()).await;
    spawn_blocking(move || {
        let mut client = Client::connect(address);
        for (wire, _, code) in BAD_FRAMES {
            let stream = client.request(&CONNECT, 0);
            client.send(DATA, 0, stream, wire);
            assert!(client.frame(stream).unwrap().is_ok());
            assert_eq!(client.rest(stream), close_frame(*code), "{wire:02x?}");
            client.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        }
        client.assert_echoes();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_thousand_websockets_on_ten_connections_receive_their_own_messages() {
    let address = serve(router()).await;
    let mut tasks = JoinSet::new();
    for connection in 0..10 {
        let mut sender = connect_http2(address).await;
        for index in 0..100 {
            // Without compression, whose memory is most of that of a WebSocket.
            let (request, expect) =
                http2_request(Destination::new("localhost", "/"), &Offer::new(), Config::new()).unwrap();
            let mut response = sender.send_request(request).await.unwrap();
            let (mut websocket, _) = expect.open(&mut response).await.unwrap();
            tasks.spawn(async move {
                for len in [0, 10, 1000] {
                    exchange(&mut websocket, format!("{connection} {index} {}", "x".repeat(len))).await;
                }
                if index % 2 == 0 {
                    assert!(websocket.close(CloseCode::NORMAL).await.clean);
                }
            });
        }
    }
    assert_eq!(tasks.join_all().await.len(), 1000);
}
