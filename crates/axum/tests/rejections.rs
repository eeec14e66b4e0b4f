//! Requests that are not valid upgrade requests.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::any;
use common::{HEAD, connect, echo, exchange, request, request_http2, serve};
use hyper::http::{HeaderValue, Method, Request, StatusCode};
use protocol_websocket_axum::{Reject, WebSocketUpgrade, WebSocketUpgradeRejection};
use protocol_websocket_hyper::Offer;
use tower::ServiceExt;

fn router() -> Router {
    let page = async |upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>| match upgrade {
        Ok(upgrade) => upgrade.on_upgrade(echo),
        Err(rejection) if rejection.status() == 426 => "a page".into_response(),
        Err(rejection) => rejection.into_response(),
    };
    Router::new().route("/", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo))).route("/page", any(page))
}

#[tokio::test]
async fn requests_of_http1() {
    let address = serve(router()).await;
    let upgrade: &[&str] = &["\r\nupgrade: websocket", "\r\nconnection: upgrade"];
    let version: &[&str] = &["\r\nsec-websocket-version: 13"];
    let many = "A: b\r\n".repeat(96);
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
        ("Host: localhost\r\n", &format!("Host: localhost\r\n{many}"), 431, &[]),
    ] {
        let (head, body) = request(address, &HEAD.replace(from, to)).await;
        assert_eq!(head.split(' ').nth(1).unwrap(), status.to_string(), "{from} {to}: {head}");
        // hyper itself rejects more than 100 fields, without a body.
        assert!(!body.is_empty() || status == 431, "{from} {to}");
        for field in fields {
            assert!(head.contains(field), "{from}, {to}: {head}");
        }
    }
}

#[tokio::test]
async fn requests_of_http2() {
    let address = serve(router()).await;
    let response = request_http2(address, |request| {
        *request.method_mut() = Method::GET;
        request.extensions_mut().clear();
    })
    .await;
    assert_eq!(
        (response.status(), response.headers()["allow"].as_bytes()),
        (StatusCode::METHOD_NOT_ALLOWED, &b"CONNECT"[..])
    );
    let response = request_http2(address, |request| {
        request.extensions_mut().insert(hyper::ext::Protocol::from_static("connect-udp"));
    })
    .await;
    assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
    let response = request_http2(address, |request| {
        request.headers_mut().insert("sec-websocket-version", HeaderValue::from_static("12"));
    })
    .await;
    assert_eq!(
        (response.status(), response.headers()["sec-websocket-version"].as_bytes()),
        (StatusCode::BAD_REQUEST, &b"13"[..])
    );
    let response = request_http2(address, |request| {
        let value = HeaderValue::from_str(&"b".repeat(12_000)).unwrap();
        request.headers_mut().append("a", value.clone());
        request.headers_mut().append("a", value);
    })
    .await;
    assert_eq!(response.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn route_can_have_a_page_for_other_requests() {
    let address = serve(router()).await;
    let (head, body) = request(address, "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 200 ") && body == "a page", "{head}");
    exchange(&mut connect(address, "/page", Offer::new()).await.unwrap(), "text").await;
}

#[tokio::test]
async fn rejection_has_the_status_and_the_reason() {
    let handler = async |upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>| {
        let rejection = upgrade.unwrap_err();
        assert_eq!(rejection.status(), StatusCode::BAD_REQUEST);
        assert_eq!(rejection.body_text(), rejection.to_string());
        assert_eq!(Reject::from(rejection.clone()).status(), 400);
        rejection
    };
    let address = serve(Router::new().route("/", any(handler))).await;
    let (head, body) = request(address, &HEAD.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "")).await;
    assert!(head.starts_with("http/1.1 400 ") && head.contains("\r\ncontent-type: text/plain"), "{head}");
    assert!(String::from_utf8_lossy(&body).contains("sec-websocket-key"), "{body:?}");
}

#[tokio::test]
async fn request_without_an_http_server_cannot_be_upgraded() {
    let request = Request::builder()
        .uri("http://localhost/")
        .header("host", "localhost")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(Body::empty())
        .unwrap();
    let response = router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
