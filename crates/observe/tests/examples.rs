//! The example server: its log and its endpoint.
//!
//! Run `cargo test` without `--test` first, because `cargo test --test examples` does not build the examples.
#![cfg(all(unix, feature = "metrics", feature = "tracing"))]
#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use protocol_websocket_tokio::{CloseCode, Connect, Destination};
use test_support::program::{Program, example};

/// Returns the host and the port of a URL in `line`.
fn address(line: &str) -> &str {
    line.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap()
}

#[tokio::test]
async fn server_logs_connections_and_has_metrics() {
    let server = Program::start(Command::new(example("observed_server")).args(["127.0.0.1:0", "127.0.0.1:0"]));
    let (url, endpoint) = (server.url(), server.printed("metrics at "));
    let stream = tokio::net::TcpStream::connect(address(&url)).await.unwrap();
    let destination = Destination::new("localhost", "/chat?token=secret");
    let (mut client, _) = Connect::to(destination).over(stream).await.unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap().as_text(), Some("hello"));
    let opened = server.printed("connection opened");
    assert!(
        opened.contains("client{peer=127.0.0.1:") && opened.contains("/chat") && !opened.contains("secret"),
        "{opened}"
    );

    let mut stream = TcpStream::connect(address(&endpoint)).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics).unwrap();
    let active = metrics.lines().find(|line| line.starts_with("websocket_active_connections{"));
    assert!(active.is_some_and(|line| line.ends_with(" 1")), "{metrics}");

    assert!(client.close(CloseCode::NORMAL).await.clean);
    server.printed("connection ended");
}
