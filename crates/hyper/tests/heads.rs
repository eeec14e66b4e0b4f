//! The heads of an attacker over HTTP/1.1: what hyper refuses, and what reaches the checks of this crate.
#![cfg(all(feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::net::SocketAddr;

use common::{Kind, serve_recorded};
use test_support::attacks::{AMBIGUOUS_FIELDS, REQUEST_LINES};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Returns the head of a valid request, with `lines` in place of the header field `without`.
fn head(without: &str, lines: &str) -> String {
    let fields = [
        ("Host", "example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];
    let fields = fields.iter().filter(|field| field.0 != without);
    let fields: String = fields.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET /smuggled HTTP/1.1\r\n{fields}{lines}\r\n")
}

/// Sends bytes in pieces, and returns the head of the response.
async fn exchange(address: SocketAddr, bytes: &[u8], piece: usize) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in bytes.chunks(piece) {
        // A server that refused the request may have closed the connection.
        let _ = stream.write_all(piece).await;
    }
    let mut response = Vec::new();
    while !response.windows(4).any(|window| window == b"\r\n\r\n") {
        if !matches!(stream.read_buf(&mut response).await, Ok(1..)) {
            break;
        }
    }
    String::from_utf8(response).unwrap()
}

fn status(response: &str) -> u16 {
    response.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// hyper refuses malformed lines, control characters, folded lines and lengths of two values. The values of header fields,
/// the method and the target reach the checks of this crate.
#[tokio::test]
async fn ambiguous_requests_are_refused_by_hyper_or_by_the_upgrade() {
    for kind in [Kind::Http1, Kind::Auto] {
        let (address, mut statuses) = serve_recorded(kind).await;
        let fields = AMBIGUOUS_FIELDS.iter().map(|(field, lines, status)| (head(field, lines), *status));
        let lines = REQUEST_LINES.iter().filter(|(line, _)| !line.contains('#'));
        let lines = lines.map(|(line, status)| (head("", "").replace("GET /smuggled HTTP/1.1", line), *status));
        let (mut by_hyper, mut by_upgrade) = (0, 0);
        for (request, expected) in fields.chain(lines) {
            for piece in [1, request.len()] {
                let response = exchange(address, request.as_bytes(), piece).await;
                assert_eq!(status(&response), expected, "{request:?}: {response}");
                assert!(!response.contains("smuggled"), "{request:?}: {response}");
                match statuses.try_recv() {
                    Ok(status) => {
                        assert_eq!(status, expected, "{request:?}");
                        by_upgrade += 1;
                    }
                    Err(_) => by_hyper += 1,
                }
            }
        }
        assert_eq!((by_hyper, by_upgrade), (2 * 25, 2 * 30), "{kind:?}");
    }
}

/// The core refuses it with 400. hyper removes the fragment before this crate has the request.
#[tokio::test]
async fn fragment_of_a_target_is_removed_by_hyper() {
    let (address, _) = serve_recorded(Kind::Http1).await;
    let request = head("", "").replace("/smuggled", "/smuggled#a");
    assert_eq!(status(&exchange(address, request.as_bytes(), request.len()).await), 101);
}

#[tokio::test]
async fn endless_heads_are_refused_by_hyper() {
    let (address, mut statuses) = serve_recorded(Kind::Auto).await;
    for (begin, more) in [
        ("GET /", "a"),
        ("GET / HTTP/1.1\r\n", "X"),
        ("GET / HTTP/1.1\r\nX: ", "a"),
        ("GET / HTTP/1.1\r\n", "X: y\r\n"),
    ] {
        let request = [begin, &more.repeat(500_000)].concat();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let mut response = Vec::new();
        let (_, _) = tokio::join!(writer.write_all(request.as_bytes()), reader.read_to_end(&mut response));
        let response = String::from_utf8(response).unwrap();
        // hyper closes the connection before it has read everything, so the response may be lost.
        assert!(response.is_empty() || status(&response) == 431, "{begin:?} {more:?}: {response}");
    }
    assert!(statuses.try_recv().is_err());
}
