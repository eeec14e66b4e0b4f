//! Handlers that compile with both imports, and use each name that the page states to be the same.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::{Error, Router, routing::any};
use futures_util::stream::{FusedStream, SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};

use super::ws::rejection::WebSocketUpgradeRejection;
use super::ws::{CloseCode, CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};

pub(crate) fn router() -> Router {
    Router::new()
        .route("/echo", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)))
        .route("/break", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(break_at_the_close)))
        .route("/pong", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(send_pong)))
        .route("/reserved", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(send_reserved_code)))
        .route("/borrowed", any(borrowed))
        .route("/selected", any(selected))
        .route("/names", any(names))
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(_) | Message::Binary(_) = message {
            let _ = socket.send(message).await;
        }
    }
}

async fn break_at_the_close(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Close(_) = message {
            break;
        }
    }
}

async fn send_pong(mut socket: WebSocket) {
    socket.send(Message::Pong(Bytes::from_static(b"hi"))).await.unwrap();
}

/// Sends a Close with a code that must not be sent, and whether that is an error.
async fn send_reserved_code(mut socket: WebSocket) {
    let reserved = CloseFrame { code: close_code::ABNORMAL, reason: Utf8Bytes::default() };
    let _ = socket.send(Message::Close(Some(reserved))).await;
}

/// Borrows the extractor while it waits, so the future of the handler is `Send` only if the extractor is `Sync`.
async fn borrowed(upgrade: WebSocketUpgrade) -> Response {
    let requested = async { upgrade.requested_protocols().count() };
    assert_eq!(requested.await, 1);
    upgrade.on_upgrade(echo)
}

async fn selected(mut upgrade: WebSocketUpgrade) -> Response {
    upgrade.set_selected_protocol(HeaderValue::from_static("chat"));
    upgrade.on_upgrade(async |_| {})
}

async fn names(upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>) -> Result<Response, StatusCode> {
    let mut upgrade = upgrade.map_err(|rejection| {
        println!("{rejection}: {}", rejection.body_text());
        rejection.status()
    })?;
    upgrade.set_selected_protocol(HeaderValue::from_static("chat"));
    let upgrade = upgrade
        .max_message_size(64 << 20)
        .max_frame_size(16 << 20)
        .max_write_buffer_size(1 << 20)
        .protocols(["chat"])
        .on_failed_upgrade(|error: Error| println!("{error}"));
    let is_requested = upgrade.requested_protocols().any(|name| name == "chat");
    assert_eq!(upgrade.selected_protocol().is_some(), is_requested);
    Ok(upgrade.on_upgrade(async |socket: WebSocket| {
        let _: Option<&HeaderValue> = socket.protocol();
        let _ = socket.is_terminated();
        let (sender, receiver) = socket.split();
        assert!(tokio::try_join!(send(sender), receive(receiver)).is_ok());
    }))
}

async fn send(mut sender: SplitSink<WebSocket, Message>) -> Result<(), Error> {
    for message in [
        Message::text("text"),
        Message::binary(vec![1]),
        Message::from("text"),
        Message::from("text".to_owned()),
        Message::from(vec![1]),
        Message::from(&[1_u8][..]),
        Message::from(Bytes::from_static(&[1])),
        Message::Text(Utf8Bytes::from_static("text")),
        Message::Text("text".into()),
        Message::Text(format!("{}", 1).into()),
        Message::Ping(Bytes::new()),
    ] {
        sender.send(message).await?;
    }
    let code: CloseCode = close_code::NORMAL;
    sender.send(Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::default() }))).await
}

/// Checks the messages that a client sends: a text, and the replies to the Ping and the Close.
async fn receive(mut receiver: SplitStream<WebSocket>) -> Result<(), Error> {
    while let Some(message) = receiver.next().await {
        match message? {
            Message::Text(text) => {
                assert_eq!(text, "text");
                assert_eq!((text.as_str(), text.len(), text.to_string().len()), ("text", 4, 4));
                let bytes: Bytes = text.into();
                let text: Result<Utf8Bytes, _> = Utf8Bytes::try_from(bytes);
                assert_eq!(text.unwrap().as_str(), "text");
            }
            message @ Message::Pong(_) => {
                assert_eq!(message.to_text()?, "");
                assert_eq!(message.clone().into_text()?, Utf8Bytes::default());
                assert_eq!(message.clone().into_data(), Bytes::new());
                assert_eq!(Vec::from(message), Vec::new());
            }
            Message::Close(Some(CloseFrame { code, reason })) => {
                assert_eq!((code, reason.as_str()), (close_code::NORMAL, ""));
            }
            message => panic!("{message:?}"),
        }
    }
    Ok::<(), Infallible>(()).map_err(Error::new)
}
