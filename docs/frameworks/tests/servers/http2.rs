//! What only HTTP/2 has: refusals of CONNECT, many WebSockets on a connection, GOAWAY.

use hyper::ext::Protocol;
use hyper::{Request, StatusCode};
use protocol_websocket::EndedBy;
use protocol_websocket_hyper::{Body, OpenError};
use protocol_websocket_tokio::{CloseCode, config};

use crate::server::{Server, open_http2};

async fn refuses_other_requests(server: &Server) {
    let mut sender = server.connect_http2().await.unwrap();
    let connect = |protocol, version| {
        let request = Request::connect("http://localhost/").extension(Protocol::from_static(protocol));
        request.header("sec-websocket-version", version)
    };
    for (request, status) in [
        (Request::get("http://localhost/"), StatusCode::METHOD_NOT_ALLOWED),
        (connect("connect-udp", "13"), StatusCode::NOT_IMPLEMENTED),
        (connect("websocket", "12"), StatusCode::BAD_REQUEST),
    ] {
        let response = sender.send_request(request.body(Body::default()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
    }
    // The connection is still open.
    open_http2(&mut sender, config()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_refuses_other_requests() {
    refuses_other_requests(&Server::http2(env!("CARGO_BIN_EXE_h2_echo"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn salvo_refuses_other_requests() {
    refuses_other_requests(&Server::http2(env!("CARGO_BIN_EXE_salvo_echo"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poem_has_no_extended_connect() {
    let server = Server::http2(env!("CARGO_BIN_EXE_poem_echo"));
    assert!(matches!(server.connect_http2().await, Err(OpenError::ExtendedConnectDisabled)));
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_closes_its_websockets_at_the_end_of_the_program() {
    let mut server = Server::http2(env!("CARGO_BIN_EXE_h2_echo"));
    let mut sender = server.connect_http2().await.unwrap();
    let mut first = open_http2(&mut sender, config()).await;
    let mut second = open_http2(&mut sender, config()).await;
    for websocket in [&mut first, &mut second] {
        websocket.send("Hello").await.unwrap();
        websocket.recv().await.unwrap().unwrap();
    }
    server.program.signal("INT");
    for websocket in [&mut first, &mut second] {
        assert!(websocket.recv().await.is_none());
        let ended = websocket.ended().unwrap();
        assert!(ended.clean && ended.by == EndedBy::Peer && ended.code == CloseCode::GOING_AWAY, "{ended:?}");
        assert_eq!(ended.reason, "the server stops");
    }
    // After GOAWAY, the client ends the connection. Otherwise the program ends with an error.
    assert!(tokio::task::spawn_blocking(move || server.program.wait()).await.unwrap().success());
    drop(sender);
}
