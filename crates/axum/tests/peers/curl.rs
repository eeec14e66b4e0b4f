//! curl, whose requests are refused.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::program;
use super::server::Server;

const HTTP1: &str = "--http1.1";
const HTTP2: &str = "--http2-prior-knowledge";

/// The header fields of a valid upgrade request, without the key.
const UPGRADE: [&str; 3] = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
const TEXT: &str = "content-type: text/plain; charset=utf-8";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// Sends a GET with header fields. Returns the head of the response in lower case, and the body.
async fn get(address: SocketAddr, version: &str, path: &str, fields: &[&str]) -> (String, String) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--max-time", "60", version]);
    command.args(fields.iter().flat_map(|field| ["--header", field]));
    command.arg(format!("http://{address}{path}")).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || {
        program::install();
        command.output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).unwrap();
    let (head, body) = output.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

/// Checks the status, the header fields and the body of a response.
async fn check(version: &str, path: &str, fields: &[&str], status: u16, expected: &[&str], body: &str) {
    let server = Server::start().await;
    let (head, found) = get(server.address, version, path, fields).await;
    let name = if version == HTTP1 { "http/1.1" } else { "http/2" };
    assert!(head.starts_with(&format!("{name} {status} ")), "{fields:?}: {head}");
    for field in expected {
        assert!(head.lines().any(|line| line == *field), "{field} is missing: {head}");
    }
    assert_eq!(found, body, "{fields:?}");
}

#[tokio::test]
async fn curl_is_refused_over_http1() {
    let [connection, upgrade, version] = UPGRADE;
    let needs_upgrade = ["connection: upgrade", "upgrade: websocket", TEXT];
    check(HTTP1, "/echo", &[], 426, &needs_upgrade, "upgrade header field does not contain websocket").await;
    let fields = [upgrade, version, KEY];
    check(HTTP1, "/echo", &fields, 426, &needs_upgrade, "connection header field does not contain upgrade").await;
    let needs_version = ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13", TEXT];
    let fields = [connection, upgrade, "Sec-WebSocket-Version: 8", KEY];
    check(HTTP1, "/echo", &fields, 426, &needs_version, "unsupported sec-websocket-version").await;
    check(HTTP1, "/echo", &UPGRADE, 400, &[TEXT], "missing, repeated or invalid sec-websocket-key").await;
    let fields = [connection, upgrade, version, KEY, "Origin: https://example.org"];
    check(HTTP1, "/forbidden", &fields, 403, &[TEXT], "origin is not allowed").await;
    let many: Vec<String> = (0..101).map(|i| format!("A{i}: b")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check(HTTP1, "/echo", &many, 431, &["content-length: 0"], "").await;
}

#[tokio::test]
async fn curl_is_refused_over_http2() {
    let reason = "method of a request over HTTP/2 or HTTP/3 must be CONNECT";
    check(HTTP2, "/echo", &[], 405, &["allow: connect", TEXT], reason).await;
    let [connection, upgrade, version] = UPGRADE;
    let fields = [connection, upgrade, version, KEY];
    check(HTTP2, "/echo", &fields, 405, &["allow: connect", TEXT], reason).await;
    let long = format!("A: {}", "b".repeat(20_000));
    check(HTTP2, "/echo", &[&long], 431, &[], "").await;
}
