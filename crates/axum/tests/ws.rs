//! The names and messages of `axum::extract::ws`.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::net::SocketAddr;

use axum::Router;
use axum::body::Bytes;
use axum::routing::any;
use common::{HEAD, assert_closed, connect, connect_http2, ended, exchange, open_http2, serve};
use futures_util::stream::FusedStream;
use futures_util::{SinkExt, StreamExt};
use protocol_websocket_axum::protocol_websocket::Delivery;
use protocol_websocket_axum::ws::rejection::WebSocketUpgradeRejection;
use protocol_websocket_axum::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use protocol_websocket_axum::{Close, CloseCode, Drain, Error, Event, SendError, config};
use protocol_websocket_hyper::Offer;
use protocol_websocket_tokio::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinError;

type Client = protocol_websocket_tokio::WebSocket<Stream>;

/// A server, and the results of its tasks.
struct Server {
    address: SocketAddr,
    results: UnboundedReceiver<Result<(), JoinError>>,
}

impl Server {
    /// Starts a server that passes each WebSocket to `handle`.
    async fn start<F: Future<Output = ()> + Send + 'static>(
        handle: impl FnOnce(WebSocket) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let (sender, results) = mpsc::unbounded_channel();
        let handler = async |upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>| {
            let run = async move |socket| drop(sender.send(tokio::spawn(handle(socket)).await));
            upgrade.map(|upgrade| upgrade.protocols(["chat"]).on_upgrade(run))
        };
        Self { address: serve(Router::new().route("/", any(handler))).await, results }
    }

    async fn open(&self) -> Client {
        connect(self.address, "/", Offer::new().subprotocol("chat")).await.unwrap()
    }

    /// Waits for the end of a task, which must not have panicked.
    async fn finished(&mut self) {
        self.results.recv().await.unwrap().unwrap();
    }
}

fn cause(error: axum::Error) -> Error {
    *error.into_inner().downcast().unwrap()
}

#[tokio::test]
async fn sends_and_receives_messages_over_both_versions() {
    let mut server = Server::start(async |mut socket: WebSocket| {
        assert_eq!(socket.protocol().unwrap(), "chat");
        while let Some(Ok(message)) = socket.recv().await {
            if let Message::Text(_) | Message::Binary(_) = message {
                socket.send(message).await.unwrap();
            }
        }
    })
    .await;
    let mut http1 = server.open().await;
    exchange(&mut http1, "text").await;
    exchange(&mut http1, vec![0, 255]).await;
    assert_closed(&http1.close(CloseCode::NORMAL).await, CloseCode::NORMAL);
    let offer = Offer::new().subprotocol("chat");
    let mut http2 = open_http2(&mut connect_http2(server.address).await, "/", offer).await.unwrap();
    exchange(&mut http2, "text").await;
    assert_closed(&http2.close(CloseCode::NORMAL).await, CloseCode::NORMAL);
    server.finished().await;
    server.finished().await;
}

#[tokio::test]
async fn receives_pings_pongs_and_the_close() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let mut server = Server::start(async move |mut socket: WebSocket| {
        while let Some(message) = socket.recv().await {
            sender.send(message.unwrap()).unwrap();
        }
        sender.send(Message::text("the end")).unwrap();
    })
    .await;
    let mut client = server.open().await;
    client.queue_ping("a").unwrap();
    client.flush().await.unwrap();
    assert!(matches!(client.recv_event().await, Some(Ok(Event::Pong(payload))) if payload == "a"));
    client.close(Close::new(CloseCode(4000), "bye")).await;
    let close = Message::Close(Some(CloseFrame { code: 4000, reason: "bye".into() }));
    for expected in [Message::Ping("a".into()), close, Message::text("the end")] {
        assert_eq!(received.recv().await.unwrap(), expected);
    }
    server.finished().await;
}

#[tokio::test]
async fn stream_terminates_and_the_main_module_has_the_close_code() {
    let mut server = Server::start(async |mut socket: WebSocket| {
        assert!(!socket.is_terminated());
        while socket.next().await.is_some() {}
        assert!(socket.is_terminated());
        assert_eq!(socket.into_inner().ended().unwrap().code, CloseCode(4000));
    })
    .await;
    server.open().await.close(CloseCode(4000)).await;
    server.finished().await;
}

#[tokio::test]
async fn sends_pings_pongs_and_a_close() {
    let mut server = Server::start(async |mut socket: WebSocket| {
        socket.send(Message::Pong("heartbeat".into())).await.unwrap();
        socket.send(Message::Ping("a".into())).await.unwrap();
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::Pong("a".into()));
        let frame = CloseFrame { code: close_code::RESTART, reason: Utf8Bytes::from_static("later") };
        socket.send(Message::Close(Some(frame.clone()))).await.unwrap();
        let error = cause(socket.send(Message::text("late")).await.unwrap_err());
        assert!(matches!(error, Error::Send(SendError::Closed)), "{error:?}");
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::Close(Some(frame)));
        assert!(socket.recv().await.is_none());
    })
    .await;
    let mut client = server.open().await;
    assert!(matches!(client.recv_event().await, Some(Ok(Event::Pong(payload))) if payload == "heartbeat"));
    assert!(matches!(client.recv_event().await, Some(Ok(Event::Ping(payload))) if payload == "a"));
    let ended = ended(&mut client).await;
    assert_closed(&ended, CloseCode::SERVICE_RESTART);
    assert_eq!(&*ended.reason, "later");
    server.finished().await;
}

#[tokio::test]
async fn close_without_a_code_is_sent_and_received() {
    let mut server = Server::start(async |mut socket: WebSocket| {
        socket.send(Message::Close(None)).await.unwrap();
        assert_eq!(socket.recv().await.unwrap().unwrap(), Message::Close(None));
    })
    .await;
    assert_closed(&ended(&mut server.open().await).await, CloseCode::NO_STATUS);
    server.finished().await;
}

#[tokio::test]
async fn invalid_close_ping_and_pong_are_errors_and_are_not_sent() {
    let mut server = Server::start(async |mut socket: WebSocket| {
        let long = "x".repeat(126);
        for message in [
            Message::Close(Some(CloseFrame { code: close_code::STATUS, reason: Utf8Bytes::default() })),
            Message::Close(Some(CloseFrame { code: close_code::ABNORMAL, reason: Utf8Bytes::default() })),
            Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: long.clone().into() })),
            Message::Ping(long.clone().into()),
            Message::Pong(long.into()),
        ] {
            let error = cause(socket.send(message).await.unwrap_err());
            assert!(matches!(error, Error::Send(SendError::Encode(_))), "{error:?}");
        }
        socket.send(Message::text("open")).await.unwrap();
    })
    .await;
    assert_eq!(server.open().await.recv().await.unwrap().unwrap().as_text(), Some("open"));
    server.finished().await;
}

#[tokio::test]
async fn reply_to_the_close_is_written_before_it_is_returned() {
    // The handler drops the WebSocket at the Close, as many programs do.
    let mut server = Server::start(async |mut socket: WebSocket| {
        while let Some(Ok(message)) = socket.recv().await {
            if let Message::Close(_) = message {
                break;
            }
        }
    })
    .await;
    for _ in 0..20 {
        let mut client = server.open().await;
        assert_closed(&client.close(CloseCode(4000)).await, CloseCode(4000));
        server.finished().await;
    }
}

#[tokio::test]
async fn reply_to_the_close_is_written_after_long_messages() {
    const LEN: usize = 32 << 20;
    let server = Server::start(async |mut socket: WebSocket| {
        socket.get_mut().queue(vec![0; LEN]).unwrap();
        while !matches!(socket.recv().await, Some(Ok(Message::Close(_)))) {}
    })
    .await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[HEAD.as_bytes(), b"\x88\x82\0\0\0\0\x03\xE8"].concat()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received.len() > LEN && received.ends_with(b"\x88\x02\x03\xE8"), "{} bytes", received.len());
}

#[tokio::test]
async fn split_halves_work_in_two_tasks() {
    let mut server = Server::start(async |socket: WebSocket| {
        let (mut sender, mut receiver) = socket.split();
        let (queue, mut queued) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = queued.recv().await {
                sender.send(message).await.unwrap();
            }
            sender.close().await.unwrap();
        });
        while let Some(message) = receiver.next().await {
            match message.unwrap() {
                Message::Text(text) if text == "stop" => break,
                message @ (Message::Text(_) | Message::Binary(_)) => queue.send(message).unwrap(),
                _ => {}
            }
        }
        drop(queue);
        let close = receiver.next().await.unwrap().unwrap();
        assert_eq!(close, Message::Close(Some(CloseFrame { code: 1000, reason: Utf8Bytes::default() })));
        assert!(receiver.next().await.is_none());
    })
    .await;
    let mut client = server.open().await;
    for n in 0..100 {
        exchange(&mut client, n.to_string()).await;
    }
    client.send("stop").await.unwrap();
    assert_closed(&ended(&mut client).await, CloseCode::NORMAL);
    server.finished().await;
}

#[tokio::test]
async fn errors_have_the_cause() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let mut server = Server::start(async move |mut socket: WebSocket| {
        sender.send(cause(socket.recv().await.unwrap().unwrap_err())).unwrap();
        assert!(socket.recv().await.is_none());
    })
    .await;
    drop(server.open().await);
    let error = received.recv().await.unwrap();
    assert!(matches!(error, Error::Connection(_) | Error::Io(_)), "{error:?}");
    server.finished().await;
}

#[tokio::test]
async fn delivery_in_parts_is_an_error() {
    let handler = async |upgrade: WebSocketUpgrade| {
        upgrade.config(config().delivery(Delivery::Parts)).on_upgrade(async |mut socket: WebSocket| {
            let error = cause(socket.recv().await.unwrap().unwrap_err());
            assert!(matches!(error, Error::Parts), "{error:?}");
            socket.get_mut().send("checked").await.unwrap();
        })
    };
    let address = serve(Router::new().route("/", any(handler))).await;
    let mut client = connect(address, "/", Offer::new()).await.unwrap();
    client.send("text").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap().as_text(), Some("checked"));
}

#[tokio::test]
async fn websocket_of_the_main_api_is_reachable() {
    let drain = Drain::new();
    let watching = drain.clone();
    let mut server = Server::start(async move |mut socket: WebSocket| {
        watching.watch(socket.get_ref());
        socket.get_mut().queue("from the main API").unwrap();
        let mut inner = protocol_websocket_axum::WebSocket::from(socket);
        while inner.recv().await.is_some() {}
    })
    .await;
    let mut client = server.open().await;
    assert_eq!(client.recv().await.unwrap().unwrap().as_text(), Some("from the main API"));
    assert_eq!(drain.watched(), 1);
    client.close(CloseCode::NORMAL).await;
    server.finished().await;
}

#[test]
fn messages_convert_as_those_of_axum() {
    let close = Message::Close(Some(CloseFrame { code: close_code::AWAY, reason: "bye".into() }));
    for (message, text) in [
        (Message::from("text"), "text"),
        (Message::from("text".to_owned()), "text"),
        (Message::text("text"), "text"),
        (Message::from(&b"bytes"[..]), "bytes"),
        (Message::from(b"bytes".to_vec()), "bytes"),
        (Message::from(Bytes::from_static(b"bytes")), "bytes"),
        (Message::binary("bytes"), "bytes"),
        (Message::Ping("ping".into()), "ping"),
        (Message::Pong("pong".into()), "pong"),
        (close, "bye"),
        (Message::Close(None), ""),
    ] {
        assert_eq!(message.to_text().unwrap(), text);
        assert_eq!(message.clone().into_text().unwrap(), text);
        assert_eq!(message.clone().into_data(), text);
        assert_eq!(Vec::from(message), text.as_bytes());
    }
    let invalid = Message::binary(vec![0xFF]);
    assert!(invalid.to_text().is_err() && invalid.into_text().is_err());
    assert_eq!(Message::from(protocol_websocket_axum::Message::from("text")), Message::Text("text".into()));
    assert_eq!(Message::from(protocol_websocket_axum::Message::from(vec![1])), Message::Binary(vec![1].into()));
    let close = Close::new(CloseCode::GOING_AWAY, "bye");
    assert_eq!(Close::from(CloseFrame::from(close.clone())), close);
}

#[test]
fn close_codes_have_the_values_of_the_registry() {
    use close_code as code;
    for (code, registered) in [
        (code::NORMAL, CloseCode::NORMAL),
        (code::AWAY, CloseCode::GOING_AWAY),
        (code::PROTOCOL, CloseCode::PROTOCOL_ERROR),
        (code::UNSUPPORTED, CloseCode::UNSUPPORTED_DATA),
        (code::STATUS, CloseCode::NO_STATUS),
        (code::ABNORMAL, CloseCode::ABNORMAL),
        (code::INVALID, CloseCode::INVALID_PAYLOAD_DATA),
        (code::POLICY, CloseCode::POLICY_VIOLATION),
        (code::SIZE, CloseCode::MESSAGE_TOO_BIG),
        (code::EXTENSION, CloseCode::MANDATORY_EXTENSION),
        (code::ERROR, CloseCode::INTERNAL_ERROR),
        (code::RESTART, CloseCode::SERVICE_RESTART),
        (code::AGAIN, CloseCode::TRY_AGAIN_LATER),
    ] {
        assert_eq!(CloseCode(code), registered);
    }
}
