//! The checks of each path: a client, a proxy, and a server.

use std::time::Duration;

use protocol_websocket_axum::protocol_websocket::{self, Config, EndedBy};
use protocol_websocket_axum::{Close, CloseCode, Ended, Error, Event, Message, config};
use protocol_websocket_tokio::Offer;
use test_support::noise::noise;
use tokio::time::timeout;

use super::client::{Client, Entry, Front};
use super::common::tls::Certificate;
use super::common::{ended, exchange};
use super::proxy::{Kind, Proxy, Timeouts, unused_host};
use super::server::Server;

/// The number of pings for which an idle connection is kept. Their intervals are together longer than the timeout.
const PINGS: usize = 15;

/// The timeout of all checks. It is shorter than the time after which the proxy is killed, which also ends connections.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Runs all checks over one path.
pub(crate) async fn check(front: Front, kind: Kind) {
    timeout(TIMEOUT, run_checks(front, kind)).await.expect("a check waits");
}

async fn run_checks(front: Front, kind: Kind) {
    let host = unused_host();
    let mut server = Server::start(Certificate::new([host.to_string(), "example.com".to_owned()])).await;
    let proxy = Proxy::start(kind, host, &server, Timeouts::AsConfigured).await;
    let entry = Entry::new(front, &proxy, &server.certificate.client);
    handler_receives_the_request_and_the_address(&entry, front, kind).await;
    messages_pass_and_the_client_closes(&entry, &mut server).await;
    long_messages_pass_without_compression(&entry, &mut server).await;
    server_closes(&entry, &mut server).await;
    refusals_pass_with_their_bodies(&entry, kind).await;
    lost_client_ends_the_websocket_of_the_server(&entry, &mut server).await;
    lost_server_ends_the_websocket_of_the_client(&entry).await;

    let proxy = Proxy::start(kind, host, &server, Timeouts::Short).await;
    let entry = Entry::new(front, &proxy, &server.certificate.client);
    pings_keep_an_idle_connection(&entry, &mut server).await;
    silent_connection_ends_for_both(&entry, &mut server).await;
}

async fn open(entry: &Entry, path: &str) -> Client {
    entry.open(path, Offer::new(), config()).await.unwrap()
}

async fn handler_receives_the_request_and_the_address(entry: &Entry, front: Front, kind: Kind) {
    // The proxy must replace a false address.
    let offer = Offer::new().header("X-Forwarded-For", "203.0.113.9").header("X-Forwarded-Proto", "gopher");
    let mut client = entry.open("/request", offer, config()).await.unwrap();
    let message = client.recv().await.unwrap().unwrap();
    let scheme = if front.is_encrypted() { "https" } else { "http" };
    // Over HTTP/2, HAProxy forwards the key of an HTTP/1.1 client.
    let has_key = kind.version_to_server() == "HTTP/1.1" || !front.is_http2();
    let key = if has_key { "with a key" } else { "without a key" };
    let expected = format!("{} for 127.0.0.1 by {scheme} {key}", kind.version_to_server());
    assert_eq!(message.as_text().unwrap(), expected);
}

async fn messages_pass_and_the_client_closes(entry: &Entry, server: &mut Server) {
    let mut client = entry.open("/", Offer::new().subprotocol("other").subprotocol("chat"), config()).await.unwrap();
    assert_eq!(client.negotiated().subprotocol.as_deref(), Some("chat"));
    assert_eq!(client.negotiated().extensions.len(), 1);
    for message in [Message::from("text é"), Message::from(vec![0, 255]), Message::from(""), Message::from(vec![])] {
        exchange(&mut client, message).await;
    }
    client.queue_ping("a").unwrap();
    match client.recv_event().await {
        Some(Ok(Event::Pong(payload))) => assert_eq!(payload, "a"),
        other => panic!("{other:?} instead of a Pong"),
    }
    exchange(&mut client, "x".repeat(1 << 20)).await;
    let stats = client.stats();
    assert!(stats.bytes_read < 100_000 && stats.bytes_written < 100_000, "not compressed: {stats:?}");

    let ended = client.close(Close::new(CloseCode(4000), "by the client")).await;
    assert_clean(&ended, EndedBy::Us, CloseCode(4000), "by the client");
    assert_clean(&server.ended().await, EndedBy::Peer, CloseCode(4000), "by the client");
}

async fn long_messages_pass_without_compression(entry: &Entry, server: &mut Server) {
    let mut client = entry.open("/", Offer::new(), Config::new()).await.unwrap();
    assert!(client.negotiated().extensions.is_empty());
    for seed in 0..3 {
        exchange(&mut client, noise(seed).take(1 << 20).collect::<Vec<_>>()).await;
    }
    assert!(client.close(CloseCode::NORMAL).await.clean);
    assert!(server.ended().await.clean);
}

async fn server_closes(entry: &Entry, server: &mut Server) {
    let mut client = open(entry, "/").await;
    client.send("close").await.unwrap();
    assert_clean(&ended(&mut client).await, EndedBy::Peer, CloseCode(4001), "by the server");
    assert_clean(&server.ended().await, EndedBy::Us, CloseCode(4001), "by the server");
}

async fn refusals_pass_with_their_bodies(entry: &Entry, kind: Kind) {
    let (status, body) = entry.open("/forbidden", Offer::new(), config()).await.unwrap_err();
    assert_eq!((status, &*body), (403, &b"origin is not allowed"[..]));
    let (status, body) = entry.get("/").await.unwrap();
    let expected = if kind.version_to_server() == "HTTP/1.1" { 426 } else { 405 };
    assert_eq!(status, expected, "{}", body.escape_ascii());
    assert!(!body.is_empty());
}

async fn lost_client_ends_the_websocket_of_the_server(entry: &Entry, server: &mut Server) {
    let mut client = open(entry, "/").await;
    exchange(&mut client, "text").await;
    drop(client);
    assert_lost(&server.ended().await);
}

async fn lost_server_ends_the_websocket_of_the_client(entry: &Entry) {
    let mut client = open(entry, "/").await;
    client.send("vanish").await.unwrap();
    match client.recv().await {
        Some(Err(Error::Connection(_) | Error::Io(_))) => {}
        other => panic!("{other:?} instead of an error"),
    }
    assert_lost(client.ended().unwrap());
}

async fn pings_keep_an_idle_connection(entry: &Entry, server: &mut Server) {
    let mut client = open(entry, "/pings").await;
    for _ in 0..PINGS {
        match client.recv_event().await {
            Some(Ok(Event::Ping(_))) => {}
            other => panic!("{other:?} instead of a Ping"),
        }
    }
    exchange(&mut client, "text").await;
    assert!(client.close(CloseCode::NORMAL).await.clean);
    assert!(server.ended().await.clean);
}

async fn silent_connection_ends_for_both(entry: &Entry, server: &mut Server) {
    let mut client = open(entry, "/silent").await;
    exchange(&mut client, "text").await;
    assert_lost(&ended(&mut client).await);
    assert_lost(&server.ended().await);
}

fn assert_clean(ended: &Ended, by: EndedBy, code: CloseCode, reason: &str) {
    assert!(ended.clean, "{ended:?}");
    assert_eq!((ended.by, ended.code, ended.reason.as_str()), (by, code, reason));
}

/// Asserts that the transport ended without a Close.
fn assert_lost(ended: &Ended) {
    assert!(!ended.clean, "{ended:?}");
    assert_eq!((ended.by, ended.code), (EndedBy::Transport, CloseCode::ABNORMAL));
    assert_eq!(ended.error, Some(protocol_websocket::Error::UnexpectedEof));
}
