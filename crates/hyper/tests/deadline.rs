//! The deadline for an upgrade that hyper does not complete.
#![cfg(all(feature = "client", feature = "http1", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::convert::Infallible;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use protocol_websocket::{Timeout, Timeouts};
use protocol_websocket_hyper::{
    Accept, Body, Config, Destination, Error, Offer, OpenError, Upgrade, Upgraded, WebSocket, http1_request, upgrade,
};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::Instant;

const DEADLINE: Duration = Duration::from_secs(7);

fn timed() -> Config {
    Config::new().timeouts(Timeouts::NONE.handshake(Some(DEADLINE)))
}

/// Returns an upgrade that stays incomplete while the returned stream exists, because the server sends no response.
async fn incomplete() -> (OnUpgrade, DuplexStream) {
    let (mut client, server) = duplex(1000);
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Incoming>| {
        sender.send(hyper::upgrade::on(request)).unwrap();
        std::future::pending::<Result<http::Response<Body>, Infallible>>()
    });
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service).with_upgrades());
    let head = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    (receiver.recv().await.unwrap(), client)
}

fn accept(upgrade: Upgrade) -> (http::Response<Body>, impl Future<Output = Result<WebSocket<Upgraded>, Error>>) {
    upgrade.accept(Accept::new())
}

#[tokio::test(start_paused = true)]
async fn opening_of_both_sides_ends_at_the_handshake_timeout() {
    let (on_upgrade, _stream) = incomplete().await;
    let (mut request, expect) = http1_request(Destination::new("localhost", "/"), &Offer::new(), timed()).unwrap();
    request.extensions_mut().insert(on_upgrade.clone());
    let (mut response, opening) = accept(upgrade(&mut request, timed()).unwrap());

    let since = Instant::now();
    match opening.await.unwrap_err() {
        Error::Connection(protocol_websocket::Error::Timeout(Timeout::Handshake)) => {}
        error => panic!("{error:?}"),
    }
    assert_eq!(since.elapsed(), DEADLINE);

    response.extensions_mut().insert(on_upgrade);
    let since = Instant::now();
    match expect.open(&mut response).await.unwrap_err() {
        OpenError::Timeout => {}
        error => panic!("{error:?}"),
    }
    assert_eq!(since.elapsed(), DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn opening_without_a_handshake_timeout_waits() {
    let (on_upgrade, stream) = incomplete().await;
    let (mut request, _) = http1_request(Destination::new("localhost", "/"), &Offer::new(), Config::new()).unwrap();
    request.extensions_mut().insert(on_upgrade);
    let opening = accept(upgrade(&mut request, Config::new()).unwrap()).1;
    let mut opening = std::pin::pin!(opening);
    assert!(tokio::time::timeout(Duration::from_secs(86_400), &mut opening).await.is_err());
    // The end of the connection ends it.
    drop(stream);
    assert!(matches!(opening.await.unwrap_err(), Error::Io(_)));
}
