//! The layer for tower, in front of another service.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "tower"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use common::{echo, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use protocol_websocket_hyper::{Reject, Upgrade, WebSocketLayer, config};
use protocol_websocket_tokio::{Connect, ConnectError};
use tokio::net::{TcpListener, TcpStream};
use tower_layer::Layer;

/// Starts a server with a layer for `/chat`, in front of a service that responds with the path. The handler rejects
/// requests with the query `room=closed`.
async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let layer = WebSocketLayer::new("/chat", config(), |upgrade: Upgrade| async {
        tokio::task::yield_now().await;
        if upgrade.request().resource_name().ends_with("room=closed") {
            return upgrade.reject(&Reject::new(403).body("the room is closed"));
        }
        echo(upgrade)
    });
    let service = layer.layer(tower::service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(request.uri().path().to_owned())))
    }));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let mut builder = auto::Builder::new(TokioExecutor::new());
                builder.http2().enable_connect_protocol();
                // A client of a test may end the connection at any time.
                drop(builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await);
            });
        }
    });
    address
}

/// Sends a request without an upgrade, and returns the status and the body of the response.
async fn get(address: SocketAddr, path: &str) -> (u16, Bytes) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(path).header("host", "localhost").body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn upgrades_its_path_over_both_versions() {
    let address = serve().await;
    let (mut websocket, _) = Connect::new(&format!("ws://{address}/chat?room=7")).unwrap().await.unwrap();
    websocket.send("text").await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("text"));

    let (mut sender, _connection) = stream::connect(address).await;
    let mut client = stream::Client::open(&mut sender).await;
    assert_eq!(client.ask("text").await.as_text(), Some("text"));
}

#[test]
fn debug_shows_the_path() {
    let layer = WebSocketLayer::new("/chat", config(), |upgrade: Upgrade| async { echo(upgrade) });
    assert!(format!("{:?}", layer.layer(())).contains("/chat"));
}

#[tokio::test]
async fn passes_other_paths_to_the_inner_service() {
    let address = serve().await;
    for path in ["/", "/chat/", "/Chat", "/other?/chat"] {
        let (expected, _) = path.split_once('?').unwrap_or((path, ""));
        assert_eq!(get(address, path).await, (200, Bytes::from(expected)));
    }
    // An upgrade request for another path is not upgraded.
    match Connect::new(&format!("ws://{address}/other")).unwrap().await {
        Err(ConnectError::Rejected { head, body }) => assert_eq!((head.status(), &*body), (200, &b"/other"[..])),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rejects_other_requests_for_its_path() {
    let address = serve().await;
    let (status, body) = get(address, "/chat").await;
    assert_eq!((status, &*body), (426, &b"upgrade header field does not contain websocket"[..]));
    match Connect::new(&format!("ws://{address}/chat?room=closed")).unwrap().await {
        Err(ConnectError::Rejected { head, body }) => {
            assert_eq!((head.status(), &*body), (403, &b"the room is closed"[..]));
        }
        other => panic!("{other:?}"),
    }
}
