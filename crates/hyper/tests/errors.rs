//! Errors show their cause, and `Debug` hides what may be secret.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::error::Error as _;

use common::{Kind, serve};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use protocol_websocket::{BuildError, ParseError, ResponseError, ResponseHead};
use protocol_websocket_hyper::{Body, Destination, Offer, OpenError, Reject, config, http1_request, http2_request};
use test_support::errors::assert_distinct_texts;
use tokio::io::duplex;

async fn hyper_error() -> hyper::Error {
    let (client, server) = duplex(1);
    drop(server);
    let (mut sender, connection) = http1::handshake(TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    sender.send_request(http::Request::new(Body::default())).await.unwrap_err()
}

#[tokio::test]
async fn errors_display_their_cause() {
    let head = ResponseHead::from_parts(404, [("server", "example")]).unwrap();
    let with_source = [
        OpenError::from(BuildError::Host),
        OpenError::from(hyper_error().await),
        OpenError::Parse(ParseError::Field),
        OpenError::Response(ResponseError::AcceptWrong),
    ];
    let without_source = [
        OpenError::ExtendedConnectDisabled,
        OpenError::NoSettings,
        OpenError::Timeout,
        OpenError::Rejected(Box::new(head)),
    ];
    for error in &with_source {
        assert_eq!(error.to_string(), error.source().unwrap().to_string());
    }
    assert!(without_source.iter().all(|error| error.source().is_none()));
    let errors: Vec<&dyn std::error::Error> =
        with_source.iter().chain(&without_source).map(|error| error as &dyn std::error::Error).collect();
    assert_distinct_texts(&errors);
    assert_eq!(without_source.last().unwrap().to_string(), "server rejects with status 404");
}

#[tokio::test]
async fn debug_hides_the_query_and_the_credentials() {
    let offer = Offer::new().basic_auth("user", "secret");
    let destination = Destination::new("example.com", "/?token=secret");
    let (_, expect) = http1_request(destination, &offer, config()).unwrap();
    assert_eq!(expect.request().host(), "example.com");
    let upgrade = {
        let (sender, mut texts) = tokio::sync::mpsc::unbounded_channel();
        let address = common::serve_with(Kind::Http1, move |mut request| {
            let upgrade = protocol_websocket_hyper::upgrade(&mut request, config()).unwrap();
            sender.send(format!("{upgrade:?}")).unwrap();
            upgrade.reject(&Reject::new(404))
        })
        .await;
        let connect = protocol_websocket_tokio::Connect::new(&format!("ws://{address}/?token=secret")).unwrap();
        connect.offer(offer.clone()).await.unwrap_err();
        texts.recv().await.unwrap()
    };
    let (_, extended) = http2_request(destination, &offer, config()).unwrap();
    for text in [format!("{expect:?}"), format!("{extended:?}"), upgrade] {
        assert!(text.contains("Request") && !text.contains("secret") && !text.contains("Basic"), "{text}");
    }
}

#[tokio::test]
async fn transport_is_that_of_hyper() {
    let address = serve(Kind::Http1, config(), common::echo).await;
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let (request, expect) = http1_request(Destination::new("localhost", "/"), &Offer::new(), config()).unwrap();
    let (websocket, _) = expect.open(&mut sender.send_request(request).await.unwrap()).await.unwrap();
    let upgraded = websocket.into_parts().io.into_inner();
    let parts = upgraded.downcast::<TokioIo<tokio::net::TcpStream>>().unwrap();
    assert_eq!(parts.io.inner().peer_addr().unwrap(), address);
}
