//! WebSockets under `axum::serve`, over HTTP/1.1 and HTTP/2.
#![cfg(all(feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::serve::ListenerExt;
use axum::{Extension, Router};
use bytes::BytesMut;
use common::{
    HEAD, assert_closed, connect, connect_http2, echo, ended, exchange, open_http2, request, request_http2, serve,
};
use hyper::http::{HeaderValue, StatusCode};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use protocol_websocket_axum::protocol_websocket::{Delivery, MessageKind};
use protocol_websocket_axum::{
    Close, CloseCode, Config, Ended, Error, Event, Limits, Message, Part, SendError, Timeouts, WebSocket,
    WebSocketUpgrade, config, ws,
};
use protocol_websocket_hyper::{Offer, OpenError};
use protocol_websocket_tokio::Connect;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A server whose only route calls `respond`.
async fn serve_with(respond: fn(WebSocketUpgrade) -> Response) -> std::net::SocketAddr {
    serve(Router::new().route("/", any(move |upgrade| std::future::ready(respond(upgrade))))).await
}

#[tokio::test]
async fn echoes_over_http1_and_http2() {
    let address = serve_with(|upgrade| upgrade.on_upgrade(echo)).await;
    let mut http1 = connect(address, "/", Offer::new()).await.unwrap();
    let mut http2 = open_http2(&mut connect_http2(address).await, "/", Offer::new()).await.unwrap();
    let extensions = usize::from(cfg!(feature = "permessage-deflate"));
    assert_eq!(http1.negotiated().extensions.len(), extensions);
    assert_eq!(http2.negotiated().extensions.len(), extensions);
    for message in [Message::from("text"), Message::from(vec![0, 255]), Message::from("x".repeat(1 << 20))] {
        exchange(&mut http1, message.clone()).await;
        exchange(&mut http2, message).await;
    }
    assert_closed(&http1.close(CloseCode::NORMAL).await, CloseCode::NORMAL);
    assert_closed(&http2.close(CloseCode(4000)).await, CloseCode(4000));
}

#[tokio::test]
async fn frames_after_the_head_are_not_lost() {
    let address = serve_with(|upgrade| upgrade.on_upgrade(echo)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let frames = b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xE8";
    stream.write_all(&[HEAD.as_bytes(), frames].concat()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received.starts_with(b"HTTP/1.1 101 "));
    assert!(received.ends_with(b"\r\n\r\n\x81\x02hi\x88\x02\x03\xE8"), "{}", received.escape_ascii());
}

#[cfg(unix)]
#[tokio::test]
async fn serves_unix_sockets() {
    use tokio::net::{UnixListener, UnixStream};

    let path = std::env::temp_dir().join(format!("protocol-websocket-axum-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let handler = |upgrade: WebSocketUpgrade| {
        std::future::ready(upgrade.on_upgrade(async |websocket: WebSocket| {
            assert!(websocket.get_ref().tcp().is_none());
            echo(websocket).await;
        }))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", any(handler))).await });
    let mut stream = UnixStream::connect(&path).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    stream.write_all(&[HEAD.as_bytes(), b"\x81\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xE8"].concat()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(received.ends_with(b"\r\n\r\n\x81\x02hi\x88\x02\x03\xE8"), "{}", received.escape_ascii());
}

#[tokio::test]
async fn get_route_serves_http1_alone() {
    let router = Router::new().route("/", get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)));
    let address = serve(router).await;
    exchange(&mut connect(address, "/", Offer::new()).await.unwrap(), "text").await;
    let response = request_http2(address, |_| {}).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "GET,HEAD");
}

#[derive(Clone)]
struct User(String);

/// Rejects a request without a token, and adds the user to it.
async fn authenticate(State(realm): State<&'static str>, mut request: Request, next: Next) -> Response {
    let Some(token) = request.headers().get("authorization").and_then(|value| value.to_str().ok()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let user = User(format!("{token}@{realm}"));
    request.extensions_mut().insert(user);
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-realm", HeaderValue::from_static(realm));
    response
}

async fn greet(
    Path(room): Path<String>,
    Extension(user): Extension<User>,
    State(realm): State<&'static str>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let path = upgrade.request().resource_name().to_owned();
    let response = upgrade.on_upgrade(async move |mut websocket| {
        websocket.send(format!("{} {room} {realm} {path}", user.0)).await.unwrap();
    });
    ([("x-room", "open")], response).into_response()
}

#[tokio::test]
async fn nested_routers_state_and_middleware_work_over_both_versions() {
    let rooms =
        Router::new().route("/rooms/{room}", any(greet)).layer(middleware::from_fn_with_state("example", authenticate));
    let address = serve(Router::new().nest("/api", rooms).with_state("example")).await;
    let offer = Offer::new().header("authorization", "anna");

    let mut http1 = connect(address, "/api/rooms/7?a=b", offer.clone()).await.unwrap();
    let mut http2 = open_http2(&mut connect_http2(address).await, "/api/rooms/7?a=b", offer.clone()).await.unwrap();
    // The path of a nested router is without the prefix.
    let greeting = "anna@example 7 example /rooms/7?a=b";
    assert_eq!(http1.recv().await.unwrap().unwrap().as_text(), Some(greeting));
    assert_eq!(http2.recv().await.unwrap().unwrap().as_text(), Some(greeting));

    let head = HEAD.replace("GET /", "GET /api/rooms/7").replace("\r\n\r\n", "\r\nAuthorization: anna\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut response = vec![0; 1024];
    let len = stream.read(&mut response).await.unwrap();
    let response = String::from_utf8_lossy(response.get(..len).unwrap()).into_owned();
    assert!(response.contains("\r\nx-room: open\r\n") && response.contains("\r\nx-realm: example\r\n"), "{response}");

    assert!(connect(address, "/api/rooms/7", Offer::new()).await.is_err());
    let error = open_http2(&mut connect_http2(address).await, "/api/rooms/7", Offer::new()).await.unwrap_err();
    assert!(matches!(error, OpenError::Rejected(head) if head.status() == 401));
}

#[tokio::test]
async fn first_subprotocol_of_the_server_that_is_offered_is_selected() {
    let address = serve_with(|upgrade| {
        let requested: Vec<_> = upgrade.requested_protocols().cloned().collect();
        assert_eq!(requested, ["b", "c"]);
        assert_eq!(upgrade.selected_protocol(), None);
        let upgrade = upgrade.protocols(["a", "c", "b"]);
        assert_eq!(upgrade.selected_protocol().unwrap(), "c");
        upgrade.on_upgrade(async |mut websocket: WebSocket| {
            let name = websocket.negotiated().subprotocol.clone();
            websocket.send(format!("{name:?}")).await.unwrap();
        })
    })
    .await;
    let offer = Offer::new().subprotocol("b").subprotocol("c");
    let mut websocket = connect(address, "/", offer.clone()).await.unwrap();
    assert_eq!(websocket.negotiated().subprotocol.as_deref(), Some("c"));
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("Some(\"c\")"));
    let websocket = open_http2(&mut connect_http2(address).await, "/", offer).await.unwrap();
    assert_eq!(websocket.negotiated().subprotocol.as_deref(), Some("c"));
}

#[tokio::test]
async fn no_subprotocol_is_selected_if_none_is_offered() {
    let address = serve_with(|mut upgrade| {
        upgrade.set_selected_protocol(HeaderValue::from_static("b"));
        // The later call wins.
        let upgrade = upgrade.protocols(vec!["a".to_owned()]);
        assert_eq!(upgrade.selected_protocol(), None);
        upgrade.on_upgrade(echo)
    })
    .await;
    let websocket = connect(address, "/", Offer::new().subprotocol("b")).await.unwrap();
    assert_eq!(websocket.negotiated().subprotocol, None);
}

#[tokio::test]
async fn subprotocol_can_be_selected_by_the_handler() {
    let address = serve_with(|mut upgrade| {
        upgrade.set_selected_protocol(HeaderValue::from_static("b"));
        upgrade.on_upgrade(echo)
    })
    .await;
    let websocket = connect(address, "/", Offer::new().subprotocol("a").subprotocol("b")).await.unwrap();
    assert_eq!(websocket.negotiated().subprotocol.as_deref(), Some("b"));
}

#[tokio::test]
async fn selected_subprotocol_that_is_not_offered_fails_with_500() {
    let (sender, mut errors) = mpsc::unbounded_channel();
    let (of_axum, other) = (sender.clone(), sender);
    let native = async move |mut upgrade: WebSocketUpgrade| {
        upgrade.set_selected_protocol(HeaderValue::from_static("chat"));
        upgrade.on_failed_upgrade(move |error| drop(other.send(error.into()))).on_upgrade(echo)
    };
    let compatible = async move |mut upgrade: ws::WebSocketUpgrade| {
        upgrade.set_selected_protocol(HeaderValue::from_static("chat"));
        let failed = move |error: axum::Error| drop(of_axum.send(error.into_inner()));
        upgrade.on_failed_upgrade(failed).on_upgrade(async |_| {})
    };
    let address = serve(Router::new().route("/", any(native)).route("/ws", any(compatible))).await;
    for path in ["/", "/ws"] {
        let (head, _) = request(address, &HEAD.replace("GET /", &format!("GET {path}"))).await;
        assert!(head.starts_with("http/1.1 500 "), "{head}");
        let error: axum::BoxError = errors.recv().await.unwrap();
        assert!(matches!(error.downcast_ref(), Some(Error::Send(SendError::Build(_)))), "{error:?}");
    }
}

#[tokio::test]
async fn another_response_fails_the_upgrade_of_http2() {
    let (sender, mut errors) = mpsc::unbounded_channel();
    let handler = async move |upgrade: WebSocketUpgrade| {
        let _dropped = upgrade.on_failed_upgrade(move |error| drop(sender.send(error))).on_upgrade(echo);
        StatusCode::FORBIDDEN
    };
    let address = serve(Router::new().route("/", any(handler))).await;
    assert_eq!(request_http2(address, |_| {}).await.status(), StatusCode::FORBIDDEN);
    match errors.recv().await.unwrap() {
        Error::Io(error) => assert!(error.get_ref().unwrap().downcast_ref::<hyper::Error>().unwrap().is_canceled()),
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn origin_that_is_not_allowed_is_rejected_with_403() {
    let address =
        serve_with(|upgrade| upgrade.origin(&["https://example.com", "http://localhost:3000"]).on_upgrade(echo)).await;
    for allowed in ["https://example.com", "https://EXAMPLE.com:443", "http://localhost:3000"] {
        exchange(&mut connect(address, "/", Offer::new().origin(allowed)).await.unwrap(), "text").await;
    }
    for other in ["Origin: https://example.org\r\n", "Origin: http://example.com\r\n", "Origin: null\r\n", ""] {
        let head = HEAD.replace("Host:", &format!("{other}Host:"));
        let (head, body) = request(address, &head).await;
        assert!(head.starts_with("http/1.1 403 "), "{other}: {head}");
        assert_eq!(body, "origin is not allowed");
    }
    let of_origin = |origin| {
        request_http2(address, move |request| {
            request.headers_mut().insert("origin", HeaderValue::from_static(origin));
        })
    };
    assert_eq!(of_origin("https://example.com").await.status(), StatusCode::OK);
    assert_eq!(of_origin("https://example.org").await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn limits_of_messages_and_frames_close_with_1009() {
    for upgraded in [
        (|upgrade| upgrade.max_message_size(4).on_upgrade(echo)) as fn(WebSocketUpgrade) -> Response,
        |upgrade| upgrade.max_frame_size(4).on_upgrade(echo),
        |upgrade| upgrade.max_frame_size(4).max_message_size(100).on_upgrade(echo),
        |upgrade| upgrade.config(config().limits(Limits::new(4))).on_upgrade(echo),
    ] {
        let mut websocket = connect(serve_with(upgraded).await, "/", Offer::new()).await.unwrap();
        exchange(&mut websocket, "1234").await;
        websocket.send("12345").await.unwrap();
        assert!(websocket.recv().await.is_none_or(|received| received.is_err()));
        assert_eq!(ended(&mut websocket).await.code, CloseCode::MESSAGE_TOO_BIG);
    }
    let address = serve_with(|upgrade| upgrade.max_message_size(2 << 20).on_upgrade(echo)).await;
    let connect = Connect::new(&format!("ws://{address}/")).unwrap();
    let (mut websocket, _) = connect.config(config().limits(Limits::new(2 << 20))).await.unwrap();
    exchange(&mut websocket, "x".repeat(2 << 20)).await;
}

#[tokio::test]
async fn ready_waits_over_the_size_of_the_write_buffer() {
    async fn unsent(mut websocket: WebSocket) {
        websocket.queue([0; 100]).unwrap();
        websocket.ready().await.unwrap();
        let unsent = websocket.unsent();
        websocket.send(unsent.to_string()).await.unwrap();
    }
    for (upgraded, expected) in [
        ((|upgrade| upgrade.on_upgrade(unsent)) as fn(WebSocketUpgrade) -> Response, "102"),
        (|upgrade| upgrade.max_write_buffer_size(101).on_upgrade(unsent), "0"),
        (|upgrade| upgrade.max_write_buffer_size(102).max_message_size(9).on_upgrade(unsent), "102"),
    ] {
        let connect = Connect::new(&format!("ws://{}/", serve_with(upgraded).await)).unwrap();
        // Without compression, which would change the length.
        let (mut websocket, _) = connect.config(Config::new()).await.unwrap();
        assert_eq!(websocket.recv().await.unwrap().unwrap(), Message::from(vec![0; 100]));
        assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some(expected));
    }
}

#[tokio::test]
async fn config_sets_extensions_keepalive_and_delivery() {
    let address = serve_with(|upgrade| {
        let timeouts = Timeouts::RECOMMENDED.ping_interval(Some(Duration::from_millis(10)));
        let parts = Config::new().timeouts(timeouts).delivery(Delivery::Parts).min_part(1);
        upgrade.config(parts).on_upgrade(async |mut websocket| {
            while let Some(Ok(part)) = websocket.recv_part().await {
                websocket.queue(format!("{part:?}")).unwrap();
            }
        })
    })
    .await;
    let mut websocket = connect(address, "/", Offer::new()).await.unwrap();
    assert!(websocket.negotiated().extensions.is_empty());
    assert!(matches!(websocket.recv_event().await, Some(Ok(Event::Ping(_)))));
    let part = Part::new(MessageKind::Text, "hi".into()).with_last(false);
    websocket.queue_part(part.clone()).unwrap();
    websocket.flush().await.unwrap();
    let received = websocket.recv().await.unwrap().unwrap();
    assert!(received.as_text().unwrap().contains("last: false"), "{received:?}");
}

#[tokio::test]
async fn ended_has_the_code_and_the_reason_of_the_client() {
    let (sender, mut endings) = mpsc::unbounded_channel::<Option<Ended>>();
    let handler = async move |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async move |mut websocket| {
            while websocket.recv().await.is_some() {}
            sender.send(websocket.ended().cloned()).unwrap();
        })
    };
    let address = serve(Router::new().route("/", any(handler))).await;
    let mut http1 = connect(address, "/", Offer::new()).await.unwrap();
    http1.close(Close::new(CloseCode(4001), "bye")).await;
    let ended = endings.recv().await.unwrap().unwrap();
    assert_closed(&ended, CloseCode(4001));
    assert_eq!(&*ended.reason, "bye");

    drop(open_http2(&mut connect_http2(address).await, "/", Offer::new()).await.unwrap());
    let ended = endings.recv().await.unwrap().unwrap();
    assert_eq!((ended.clean, ended.code), (false, CloseCode::ABNORMAL), "{ended:?}");
}

/// A handler that passes each WebSocket to the test.
fn collect() -> (Router, mpsc::UnboundedReceiver<WebSocket>) {
    let (sender, websockets) = mpsc::unbounded_channel();
    let handler = async move |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async move |websocket: WebSocket| sender.send(websocket).unwrap())
    };
    (Router::new().route("/", any(handler)), websockets)
}

#[tokio::test]
async fn transport_of_http1_is_the_tcp_stream_with_nodelay() {
    let (router, mut websockets) = collect();
    let by_axum = serve(router.clone()).await;
    // With `tap_io`, and by a server of HTTP/1.1 alone.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tapped = listener.local_addr().unwrap();
    let listener = listener.tap_io(|stream| stream.set_nodelay(false).unwrap());
    tokio::spawn(axum::serve(listener, router.clone()).into_future());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let by_hyper = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let io = TokioIo::new(listener.accept().await.unwrap().0);
        http1::Builder::new().serve_connection(io, TowerToHyperService::new(router)).with_upgrades().await
    });
    for address in [by_axum, tapped, by_hyper] {
        let client = connect(address, "/", Offer::new()).await.unwrap();
        let io = websockets.recv().await.unwrap().into_parts().io;
        let io = io.into_hyper().unwrap_err();
        assert_eq!(io.tcp().unwrap().peer_addr().unwrap(), client.get_ref().tcp().local_addr().unwrap());
        let (stream, received) = io.into_tcp().unwrap();
        assert!(stream.nodelay().unwrap() && received.is_empty());
    }
}

#[tokio::test]
async fn bytes_that_hyper_has_read_are_returned_with_the_tcp_stream() {
    let (router, mut websockets) = collect();
    let mut client = TcpStream::connect(serve(router).await).await.unwrap();
    client.write_all(&[HEAD.as_bytes(), b"after the head"].concat()).await.unwrap();
    let io = websockets.recv().await.unwrap().into_parts().io;
    let (mut stream, received) = io.into_tcp().unwrap();
    client.shutdown().await.unwrap();
    let mut received = received.to_vec();
    stream.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"after the head");
}

#[tokio::test]
async fn read_buffer_of_hyper_is_freed_if_it_is_empty() {
    let (router, mut websockets) = collect();
    let _client = connect(serve(router).await, "/", Offer::new()).await.unwrap();
    let (_stream, received) = websockets.recv().await.unwrap().into_parts().io.into_tcp().unwrap();
    assert_eq!(BytesMut::from(received).capacity(), 0);
}

#[tokio::test]
async fn transport_of_http2_is_that_of_hyper() {
    let (router, mut websockets) = collect();
    let _client = open_http2(&mut connect_http2(serve(router).await).await, "/", Offer::new()).await.unwrap();
    let io = websockets.recv().await.unwrap().into_parts().io;
    assert!(io.tcp().is_none());
    assert!(io.into_tcp().unwrap_err().into_hyper().is_ok());
}

#[tokio::test]
async fn panic_of_the_callback_ends_its_connection_alone() {
    let address = serve_with(|upgrade| {
        upgrade.on_upgrade(async |mut websocket: WebSocket| {
            while let Some(Ok(message)) = websocket.recv().await {
                assert_ne!(message.as_text(), Some("panic"));
                websocket.queue(message).unwrap();
            }
        })
    })
    .await;
    let mut other = connect(address, "/", Offer::new()).await.unwrap();
    let mut websocket = connect(address, "/", Offer::new()).await.unwrap();
    websocket.send("panic").await.unwrap();
    let ended = ended(&mut websocket).await;
    assert_eq!((ended.clean, ended.code), (false, CloseCode::ABNORMAL));
    exchange(&mut other, "text").await;
}

#[tokio::test]
async fn debug_shows_the_request_and_the_subprotocol() {
    let address = serve_with(|upgrade| format!("{:?}", upgrade.protocols(["chat"])).into_response()).await;
    let head = HEAD.replace("Host:", "Sec-WebSocket-Protocol: chat\r\nHost:");
    let (_, body) = request(address, &head).await;
    let body = String::from_utf8_lossy(&body);
    assert!(body.starts_with("WebSocketUpgrade { request: ") && body.contains("Some(\"chat\")"), "{body}");
}
