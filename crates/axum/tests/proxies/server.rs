//! Our server: axum with HTTP/1.1 and HTTP/2, with and without TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, Version};
use axum::response::Response;
use axum::routing::any;
use protocol_websocket_axum::{Close, CloseCode, Config, Ended, Timeouts, WebSocket, WebSocketUpgrade, config};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

use super::common::serve;
use super::common::tls::{Certificate, listen};

/// A path of the server.
///
/// | path | what its handler does |
/// |---|---|
/// | `/` | sends each message back, except `close`, which closes, and `vanish`, which ends the transport without a Close |
/// | `/pings` | the same, with a ping interval below [`SHORT_TIMEOUT`](super::proxy) |
/// | `/silent` | the same, without pings |
/// | `/request` | sends the version of HTTP and the header fields of the proxy |
/// | `/page` | responds with a page |
/// | `/forbidden` | rejects with 403 each request without the origin `https://example.com` |
pub(crate) struct Server {
    pub(crate) plain: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) certificate: Certificate,
    ends: UnboundedReceiver<Ended>,
}

impl Server {
    pub(crate) async fn start(certificate: Certificate) -> Self {
        let (sender, ends) = mpsc::unbounded_channel();
        let with_pings = |interval| config().timeouts(Timeouts::RECOMMENDED.ping_interval(interval));
        let router = Router::new()
            .route("/", conversation(config(), &sender))
            .route("/pings", conversation(with_pings(Some(Duration::from_millis(200))), &sender))
            .route("/silent", conversation(with_pings(None), &sender))
            .route("/request", any(describe_request))
            .route("/page", any(async || "page"))
            .route("/forbidden", any(forbid));
        let listener = listen(certificate.server.clone()).await;
        let tls = axum::serve::Listener::local_addr(&listener).unwrap();
        let with_tls = router.clone();
        tokio::spawn(async move { axum::serve(listener, with_tls).await });
        Self { plain: serve(router).await, tls, certificate, ends }
    }

    /// Waits for the end of the next connection.
    pub(crate) async fn ended(&mut self) -> Ended {
        timeout(Duration::from_secs(60), self.ends.recv()).await.expect("the server sees no end").unwrap()
    }
}

fn conversation(config: Config, ends: &UnboundedSender<Ended>) -> axum::routing::MethodRouter {
    let (config, ends) = (Arc::new(config), ends.clone());
    any(async move |upgrade: WebSocketUpgrade| {
        upgrade.protocols(["chat"]).config(config).on_upgrade(async move |websocket| converse(websocket, ends).await)
    })
}

async fn converse(mut websocket: WebSocket, ends: UnboundedSender<Ended>) {
    while let Some(Ok(message)) = websocket.recv().await {
        match message.as_text() {
            Some("close") => drop(websocket.close(Close::new(CloseCode(4001), "by the server")).await),
            // No Close is sent.
            Some("vanish") => return,
            _ => websocket.queue(message).unwrap(),
        }
    }
    // The test may have ended.
    let _ = ends.send(websocket.ended().unwrap().clone());
}

async fn describe_request(version: Version, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let values = |name| {
        let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap());
        values.collect::<Vec<_>>().join(", ")
    };
    let key = if headers.contains_key("sec-websocket-key") { "with a key" } else { "without a key" };
    let text = format!("{version:?} for {} by {} {key}", values("x-forwarded-for"), values("x-forwarded-proto"));
    upgrade.on_upgrade(async move |mut websocket| drop(websocket.send(text).await))
}

async fn forbid(upgrade: WebSocketUpgrade) -> Response {
    upgrade.origin(&["https://example.com"]).on_upgrade(async |_| {})
}
