//! The log of failed upgrades.
#![cfg(all(feature = "http1", feature = "http2", feature = "tracing"))]
#![allow(clippy::unwrap_used)]

mod common;

use std::fmt;

use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use axum::routing::any;
use common::{HEAD, request, serve};
use protocol_websocket_axum::WebSocketUpgrade;
use tokio::sync::mpsc::{self, UnboundedSender};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Sends the texts of the events of this crate.
struct Log(UnboundedSender<String>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("protocol_websocket_axum")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        assert_eq!(*event.metadata().level(), Level::DEBUG);
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.send(text.0).unwrap();
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!("{value:?};");
    }
}

async fn not_offered(mut upgrade: WebSocketUpgrade) -> axum::response::Response {
    upgrade.set_selected_protocol(HeaderValue::from_static("chat"));
    upgrade.on_upgrade(async |_websocket: protocol_websocket_axum::WebSocket| {})
}

#[tokio::test]
async fn failed_upgrade_without_a_callback_is_logged() {
    let (sender, mut texts) = mpsc::unbounded_channel();
    let _guard = tracing::subscriber::set_default(Log(sender));
    let (head, _) = request(serve(Router::new().route("/", any(not_offered))).await, HEAD).await;
    assert!(head.starts_with(&format!("http/1.1 {}", StatusCode::INTERNAL_SERVER_ERROR.as_u16())));
    let text = texts.recv().await.unwrap();
    assert!(text.contains("upgrade to WebSocket failed") && text.contains("subprotocol"), "{text}");
}
