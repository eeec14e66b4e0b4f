//! Requests that are refused over HTTP/1.1.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::Server;

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Sends a request, and returns the response.
async fn request(server: &Server, line: &str, fields: &str) -> String {
    let mut stream = server.connect().await;
    let head = format!("{line}\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

async fn refuses_other_requests(server: &Server, path: &str) {
    let version = |number| format!("{UPGRADE}Sec-WebSocket-Version: {number}\r\n");
    let hybi00 = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n";
    for (method, protocol, fields, status) in [
        ("GET", "1.1", String::new(), 426),
        ("GET", "1.1", version(13), 400),
        ("GET", "1.1", version(12) + KEY, 426),
        ("GET", "1.1", format!("{UPGRADE}{hybi00}Origin: http://localhost\r\n"), 426),
        ("POST", "1.1", version(13) + KEY + "Content-Length: 0\r\n", 405),
    ] {
        let response = request(server, &format!("{method} {path} HTTP/{protocol}"), &fields).await.to_lowercase();
        let (start, rest) = response.split_once(' ').unwrap();
        assert!(start.starts_with("http/1.") && rest.starts_with(&status.to_string()), "{fields}\n{response}");
        let field = match status {
            405 => "\r\nallow: get\r\n",
            426 => "\r\nupgrade: websocket\r\n",
            _ => "\r\n",
        };
        assert!(response.contains(field), "{fields}\n{response}");
    }
    // lighttpd refuses an upgrade of HTTP/1.0 itself, with 400.
    let response = request(server, &format!("GET {path} HTTP/1.0"), &(version(13) + KEY)).await;
    assert!(response[8..].starts_with(" 4"), "{response}");
}

#[tokio::test(flavor = "multi_thread")]
async fn actix_refuses_other_requests() {
    refuses_other_requests(&Server::http1(env!("CARGO_BIN_EXE_actix_echo")), "/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lighttpd_refuses_other_requests() {
    refuses_other_requests(&Server::lighttpd(), "/echo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_refuses_other_requests() {
    refuses_other_requests(&Server::nginx(), "/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poem_refuses_other_requests() {
    refuses_other_requests(&Server::http1(env!("CARGO_BIN_EXE_poem_echo")), "/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn salvo_refuses_other_requests() {
    refuses_other_requests(&Server::http1(env!("CARGO_BIN_EXE_salvo_echo")), "/").await;
}
