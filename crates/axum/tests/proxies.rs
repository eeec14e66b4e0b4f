//! The server for axum behind the reverse proxies of Debian 12, with the configurations of the folder `proxies`. The clients
//! are those for tokio and for hyper.
#![cfg(all(unix, feature = "http1", feature = "http2", feature = "permessage-deflate"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "proxies/checks.rs"]
mod checks;
#[path = "proxies/client.rs"]
mod client;
mod common;
#[path = "../../protocol-websocket/tests/peers/program.rs"]
#[allow(dead_code, reason = "the proxies have no port to print")]
mod program;
#[path = "proxies/proxy.rs"]
mod proxy;
#[path = "proxies/server.rs"]
mod server;

use checks::check;
use client::{Entry, Front};
use common::tls::Certificate;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_hyper::{Body, OpenError, http2_handshake};
use proxy::{Kind, Proxy, Timeouts, unused_host};
use server::Server;

const HAPROXY_TO_HTTP1: Kind = Kind::Haproxy("http1");
const HAPROXY_TO_HTTP2: Kind = Kind::Haproxy("http2");
const HAPROXY_TO_HTTP2_TLS: Kind = Kind::Haproxy("http2_tls");

/// Makes a test of each row: all checks over one path.
macro_rules! paths {
    ($($test:ident: $client:expr, $proxy:expr;)*) => {
        $(#[tokio::test]
        async fn $test() {
            check($client, $proxy).await;
        })*
    };
}

paths! {
    ws_through_nginx:                 Front::Ws,  Kind::Nginx;
    wss_through_nginx:                Front::Wss, Kind::Nginx;
    ws_through_caddy:                 Front::Ws,  Kind::Caddy;
    wss_through_caddy:                Front::Wss, Kind::Caddy;
    ws_through_haproxy_to_http1:      Front::Ws,  HAPROXY_TO_HTTP1;
    wss_through_haproxy_to_http1:     Front::Wss, HAPROXY_TO_HTTP1;
    h2c_through_haproxy_to_http1:     Front::H2c, HAPROXY_TO_HTTP1;
    h2_through_haproxy_to_http1:      Front::H2,  HAPROXY_TO_HTTP1;
    ws_through_haproxy_to_http2:      Front::Ws,  HAPROXY_TO_HTTP2;
    wss_through_haproxy_to_http2:     Front::Wss, HAPROXY_TO_HTTP2;
    h2c_through_haproxy_to_http2:     Front::H2c, HAPROXY_TO_HTTP2;
    h2_through_haproxy_to_http2:      Front::H2,  HAPROXY_TO_HTTP2;
    ws_through_haproxy_to_http2_tls:  Front::Ws,  HAPROXY_TO_HTTP2_TLS;
    wss_through_haproxy_to_http2_tls: Front::Wss, HAPROXY_TO_HTTP2_TLS;
    h2c_through_haproxy_to_http2_tls: Front::H2c, HAPROXY_TO_HTTP2_TLS;
    h2_through_haproxy_to_http2_tls:  Front::H2,  HAPROXY_TO_HTTP2_TLS;
}

/// Starts a server and a proxy, whose clients use HTTP/2 over TLS.
async fn start_with_http2(kind: Kind) -> (Proxy, Entry) {
    let host = unused_host();
    let server = Server::start(Certificate::new([host.to_string()])).await;
    let proxy = Proxy::start(kind, host, &server, Timeouts::AsConfigured).await;
    let entry = Entry::new(Front::H2, &proxy, &server.certificate.client);
    (proxy, entry)
}

#[tokio::test]
async fn nginx_and_caddy_have_http2_without_extended_connect() {
    for kind in [Kind::Nginx, Kind::Caddy] {
        let (_proxy, entry) = start_with_http2(kind).await;
        let builder = http2::Builder::new(TokioExecutor::new());
        let opened = http2_handshake::<_, Body, _>(&builder, TokioIo::new(entry.stream().await)).await;
        let error = opened.map(drop).unwrap_err();
        assert!(matches!(error, OpenError::ExtendedConnectDisabled), "{error:?}");
        assert_eq!(entry.get("/page").await.unwrap(), (200, "page".into()));
    }
}

#[tokio::test]
async fn nginx_copies_the_upgrade_of_a_426_into_http2() {
    let (_proxy, entry) = start_with_http2(Kind::Caddy).await;
    assert_eq!(entry.get("/").await.unwrap().0, 426);
    // RFC 9113 §8.2.2: such a response is malformed.
    let (_proxy, entry) = start_with_http2(Kind::Nginx).await;
    let error = entry.get("/").await.unwrap_err();
    assert!(format!("{error:?}").contains("PROTOCOL_ERROR"), "{error:?}");
}
