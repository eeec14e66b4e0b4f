//! A client: the upgrade of HTTP/1.1 and the extended CONNECT of HTTP/2.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use common::{Kind, echo, serve};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket::http::{self as ws, BuildError};
use protocol_websocket::{HeadLimits, ResponseError, Version};
use protocol_websocket_hyper::{
    Accept, Body, Close, CloseCode, Destination, Error, Message, Offer, OpenError, Reject, Response, Upgraded,
    WebSocket, config, http1_request, http2_handshake, http2_request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const DESTINATION: Destination<'static> = Destination::new("localhost", "/chat");

async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

async fn connect_http1(address: SocketAddr) -> http1::SendRequest<Body> {
    let stream = connect(address).await;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    sender
}

async fn connect_http2(address: SocketAddr) -> Result<http2::SendRequest<Body>, OpenError> {
    let stream = connect(address).await;
    let builder = http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = http2_handshake(&builder, TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn open_http1(address: SocketAddr, offer: &Offer) -> Result<(WebSocket<Upgraded>, Response), OpenError> {
    let (request, expect) = http1_request(DESTINATION, offer, config())?;
    let mut response = connect_http1(address).await.send_request(request).await?;
    expect.open(&mut response).await
}

async fn open_http2(
    sender: &mut http2::SendRequest<Body>,
    offer: &Offer,
) -> Result<(WebSocket<Upgraded>, Response), OpenError> {
    let (request, expect) = http2_request(DESTINATION, offer, config())?;
    let mut response = sender.send_request(request).await?;
    expect.open(&mut response).await
}

/// Sends messages, and receives their echoes. Then closes.
async fn check_echo(mut websocket: WebSocket<Upgraded>) {
    assert_eq!(websocket.negotiated().extensions.len(), usize::from(cfg!(feature = "permessage-deflate")));
    for message in [Message::from("text"), Message::from(vec![0, 255]), Message::from("x".repeat(1 << 20))] {
        websocket.send(message.clone()).await.unwrap();
        assert_eq!(websocket.recv().await.unwrap().unwrap(), message);
    }
    let ended = websocket.close(Close::new(CloseCode(4000), "bye")).await;
    assert!(ended.clean, "{ended:?}");
    assert_eq!((ended.code, &*ended.reason), (CloseCode(4000), "bye"));
}

#[tokio::test]
async fn echoes_over_http1() {
    for kind in [Kind::Http1, Kind::Auto] {
        let (websocket, response) = open_http1(serve(kind, config(), echo).await, &Offer::new()).await.unwrap();
        assert_eq!(response.status(), 101);
        check_echo(websocket).await;
    }
}

#[tokio::test]
async fn echoes_over_http2() {
    for kind in [Kind::Http2, Kind::Auto] {
        let mut sender = connect_http2(serve(kind, config(), echo).await).await.unwrap();
        let (websocket, response) = open_http2(&mut sender, &Offer::new()).await.unwrap();
        assert_eq!(response.status(), 200);
        check_echo(websocket).await;
    }
}

#[tokio::test]
async fn opens_100_websockets_on_one_http2_connection() {
    let mut sender = connect_http2(serve(Kind::Http2, config(), echo).await).await.unwrap();
    let mut websockets = Vec::new();
    for _ in 0..100 {
        websockets.push(open_http2(&mut sender, &Offer::new()).await.unwrap().0);
    }
    for (index, websocket) in websockets.iter_mut().enumerate() {
        websocket.send(index.to_string()).await.unwrap();
    }
    for (index, mut websocket) in websockets.into_iter().enumerate() {
        assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some(&*index.to_string()));
        assert!(websocket.close(CloseCode::NORMAL).await.clean);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websockets_of_one_connection_are_used_in_parallel() {
    let mut sender = connect_http2(serve(Kind::Http2, config(), echo).await).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..20_u8 {
        let (mut websocket, _) = open_http2(&mut sender, &Offer::new()).await.unwrap();
        tasks.spawn(async move {
            for len in (0..20).map(|step| (usize::from(index) * 7919 + step * 104_729) % 200_000) {
                let message = Message::from(vec![index; len]);
                websocket.send(message.clone()).await.unwrap();
                assert_eq!(websocket.recv().await.unwrap().unwrap(), message);
            }
            assert!(websocket.close(CloseCode::NORMAL).await.clean);
        });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn opens_over_a_server_for_tokio() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let incoming = protocol_websocket_tokio::accept(listener.accept().await?.0, config()).await?;
        let mut websocket = incoming.accept(Accept::new()).await?;
        while let Some(message) = websocket.recv().await {
            websocket.queue(message?)?;
        }
        Ok::<_, Error>(())
    });
    check_echo(open_http1(address, &Offer::new()).await.unwrap().0).await;
}

#[tokio::test]
async fn frames_after_the_response_are_not_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        let request = loop {
            stream.read_buf(&mut input).await.unwrap();
            if let Some(request) = ws::Request::parse(&mut input, HeadLimits::default()).unwrap() {
                break request;
            }
        };
        assert_eq!((request.resource_name(), request.host()), ("/chat", "localhost"));
        Accept::new().encode(&request, &mut output).unwrap();
        output.extend_from_slice(b"\x81\x02hi\x88\x02\x03\xE8");
        stream.write_all(&output).await.unwrap();
    });
    let (mut websocket, _) = open_http1(address, &Offer::new()).await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("hi"));
    assert!(websocket.recv().await.is_none());
}

/// Starts a server of `h2` with or without the setting, which handles a request with `handle`. The task returns the number
/// of requests after the end of the connection.
async fn serve_h2<F: Future<Output = ()> + Send + 'static>(
    is_enabled: bool,
    handle: impl Fn(RecvStream, SendResponse<Bytes>) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut builder = h2::server::Builder::new();
        if is_enabled {
            builder.enable_connect_protocol();
        }
        let mut connection = builder.handshake(listener.accept().await.unwrap().0).await.unwrap();
        let mut requests = 0;
        while let Some(Ok((request, respond))) = connection.accept().await {
            assert_eq!(request.extensions().get::<h2::ext::Protocol>().unwrap().as_str(), "websocket");
            assert_eq!(request.uri(), "http://localhost/chat");
            requests += 1;
            tokio::spawn(handle(request.into_body(), respond));
        }
        requests
    });
    (address, server)
}

#[tokio::test]
async fn server_without_the_setting_receives_no_request() {
    let (address, server) = serve_h2(false, async |_, _| {}).await;
    let error = connect_http2(address).await.unwrap_err();
    assert!(matches!(error, OpenError::ExtendedConnectDisabled), "{error:?}");
    assert_eq!(server.await.unwrap(), 0);
}

#[tokio::test]
async fn server_of_http1_has_no_settings() {
    let address = serve(Kind::Http1, config(), echo).await;
    let error = connect_http2(address).await.unwrap_err();
    assert!(matches!(error, OpenError::NoSettings), "{error:?}");
}

#[tokio::test]
async fn server_that_ends_the_connection_has_no_settings() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { listener.accept().await.unwrap().0.write_all(&[0, 0, 6, 4]).await });
    let error = connect_http2(address).await.unwrap_err();
    assert!(matches!(error, OpenError::NoSettings), "{error:?}");
}

/// Responds to an extended CONNECT with these header fields, and returns the stream.
fn accept_stream(respond: &mut SendResponse<Bytes>, fields: &[(&'static str, &'static str)]) -> h2::SendStream<Bytes> {
    let mut response = http::Response::builder().status(200);
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    respond.send_response(response.body(()).unwrap(), false).unwrap()
}

#[tokio::test]
async fn stream_ends_after_the_close_without_a_reset() {
    let (result, received) = tokio::sync::oneshot::channel();
    let result = std::sync::Mutex::new(Some(result));
    let (address, _server) = serve_h2(true, move |mut body, mut respond| {
        let result = result.lock().unwrap().take().unwrap();
        async move {
            let mut stream = accept_stream(&mut respond, &[]);
            let mut bytes = Vec::new();
            while bytes.len() < 8 {
                let data = body.data().await.unwrap().unwrap();
                body.flow_control().release_capacity(data.len()).unwrap();
                bytes.extend_from_slice(&data);
            }
            // A masked Close with the code 1000, and its reply.
            assert_eq!((bytes[0], bytes[1]), (0x88, 0x82));
            stream.send_data(Bytes::from_static(b"\x88\x02\x03\xE8"), true).unwrap();
            let mut rest = Vec::new();
            while let Some(data) = body.data().await {
                rest.push(data.map(|data| data.len()).map_err(|error| error.reason()));
            }
            result.send((rest, body.is_end_stream())).unwrap();
        }
    })
    .await;
    let mut sender = connect_http2(address).await.unwrap();
    let (mut websocket, _) = open_http2(&mut sender, &Offer::new()).await.unwrap();
    assert!(websocket.close(CloseCode::NORMAL).await.clean);
    drop(websocket);
    let (rest, is_end_stream) = received.await.unwrap();
    assert!(rest == [Ok(0)] || rest.is_empty(), "{rest:?}");
    assert!(is_end_stream);
}

#[tokio::test]
async fn reset_stream_ends_the_websocket() {
    let (address, _server) = serve_h2(true, async |mut body, mut respond| {
        let mut stream = accept_stream(&mut respond, &[]);
        body.data().await.unwrap().unwrap();
        stream.send_reset(Reason::INTERNAL_ERROR);
    })
    .await;
    let mut sender = connect_http2(address).await.unwrap();
    let (mut websocket, _) = open_http2(&mut sender, &Offer::new()).await.unwrap();
    websocket.send("text").await.unwrap();
    assert!(matches!(websocket.recv().await, Some(Err(Error::Io(_)))));
    assert!(websocket.recv().await.is_none());
}

#[tokio::test]
async fn invalid_responses_are_errors() {
    for (fields, expected) in [
        (&[("sec-websocket-protocol", "chat")][..], ResponseError::SubprotocolNotOffered),
        (&[("sec-websocket-extensions", "unknown")], ResponseError::ExtensionNotOffered),
        #[cfg(feature = "permessage-deflate")]
        (&[("sec-websocket-extensions", "permessage-deflate; unknown")], ResponseError::ExtensionParameters),
    ] {
        let (address, _server) = serve_h2(true, move |mut body, mut respond| async move {
            let _stream = accept_stream(&mut respond, fields);
            let _ = body.data().await;
        })
        .await;
        let mut sender = connect_http2(address).await.unwrap();
        match open_http2(&mut sender, &Offer::new()).await {
            Err(OpenError::Response(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn rejection_has_the_head_and_the_body() {
    let address = serve(Kind::Auto, config(), |upgrade| {
        upgrade.reject(&Reject::new(401).header("www-authenticate", "Bearer").body("a token is required"))
    })
    .await;
    let (request, expect) = http1_request(DESTINATION, &Offer::new(), config()).unwrap();
    let http1 = (connect_http1(address).await.send_request(request).await.unwrap(), expect);
    let (request, expect) = http2_request(DESTINATION, &Offer::new(), config()).unwrap();
    let http2 = (connect_http2(address).await.unwrap().send_request(request).await.unwrap(), expect);
    for (mut response, expect) in [http1, http2] {
        match expect.open(&mut response).await {
            Err(OpenError::Rejected(head)) => {
                assert_eq!((head.status(), head.headers().get_str("www-authenticate")), (401, Some("Bearer")));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "a token is required");
    }
}

#[tokio::test]
async fn subprotocol_is_negotiated_over_both_versions() {
    let address = serve(Kind::Auto, config(), |upgrade| {
        let accept = Accept::new().subprotocol(upgrade.request().select_subprotocol(&["chat"]).unwrap());
        common::echo_with(upgrade, accept)
    })
    .await;
    let offer = Offer::new().subprotocol("other").subprotocol("chat");
    let (_, response) = open_http1(address, &offer).await.unwrap();
    assert_eq!(response.negotiated().subprotocol.as_deref(), Some("chat"));
    let mut sender = connect_http2(address).await.unwrap();
    let (websocket, _) = open_http2(&mut sender, &offer).await.unwrap();
    assert_eq!(websocket.negotiated().subprotocol.as_deref(), Some("chat"));
}

#[test]
fn invalid_offers_are_errors() {
    let draft = Offer::new().version(Version::Hybi00);
    assert_eq!(http1_request(DESTINATION, &draft, config()).unwrap_err(), BuildError::Version);
    assert_eq!(http2_request(DESTINATION, &draft, config()).unwrap_err(), BuildError::Version);
    let offer = Offer::new().header("keep-alive", "timeout=5");
    assert!(http1_request(DESTINATION, &offer, config()).is_ok());
    assert_eq!(http2_request(DESTINATION, &offer, config()).unwrap_err(), BuildError::ReservedField);
    assert_eq!(http2_request(Destination::new("", "/"), &Offer::new(), config()).unwrap_err(), BuildError::Host);
}

#[tokio::test]
async fn connection_without_upgrades_is_an_error() {
    let address = serve(Kind::Http1, config(), echo).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (request, expect) = http1_request(DESTINATION, &Offer::new(), config()).unwrap();
    let mut response = sender.send_request(request).await.unwrap();
    assert!(matches!(expect.open(&mut response).await, Err(OpenError::Hyper(_))));
}
