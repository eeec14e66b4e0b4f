//! The frames of an attacker over both versions of HTTP: the peer receives the close code, and the end has it.
#![cfg(all(feature = "client", feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::net::SocketAddr;

use bytes::Bytes;
use common::Kind;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_hyper::{
    Accept, CloseCode, Config, Destination, Ended, Error, Offer, http2_handshake, http2_request, upgrade,
};
use test_support::attacks::{BAD_FRAMES, close_frame};
use test_support::heads::REQUEST;
use test_support::http2::{CONNECT, Client, DATA, RST_STREAM};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::spawn_blocking;

/// Starts an echo server that sends the end of each WebSocket to the receiver.
async fn serve(kind: Kind) -> (SocketAddr, UnboundedReceiver<Ended>) {
    let (sender, ends) = unbounded_channel();
    let respond = move |mut request| {
        let (response, opening) = upgrade(&mut request, Config::new()).unwrap().accept(Accept::new());
        let sender = sender.clone();
        tokio::spawn(async move {
            let mut websocket = opening.await?;
            while let Some(received) = websocket.recv().await {
                if let Ok(message) = received {
                    websocket.queue(message)?;
                }
            }
            sender.send(websocket.ended().unwrap().clone()).unwrap();
            Ok::<_, Error>(())
        });
        response
    };
    (common::serve_with(kind, respond).await, ends)
}

/// The bad frames, and messages that exceed a limit, with the close code.
fn attacks() -> Vec<(Vec<u8>, u16)> {
    let frames = BAD_FRAMES.iter().map(|(wire, _, code)| (wire.to_vec(), *code));
    let fragments = [&b"\x01\x80\0\0\0\0"[..], &b"\x00\x80\0\0\0\0".repeat(5000)].concat();
    let text = b"\x81\x84\0\0\0\0caf\xC3\x81\x80\0\0\0\0"[..10].to_vec();
    frames.chain([(fragments, 1008), (text, 1007)]).collect()
}

fn assert_failed(ended: &Ended, code: u16, wire: &[u8]) {
    assert!(!ended.clean);
    match ended.error {
        Some(protocol_websocket::Error::Decode(error)) => assert_eq!(error.close_code(), CloseCode(code)),
        error => panic!("{wire:02x?}: {error:?}"),
    }
}

#[tokio::test]
async fn bad_frames_after_an_upgrade_get_the_close_code() {
    for kind in [Kind::Http1, Kind::Auto] {
        let (address, mut ends) = serve(kind).await;
        for (wire, code) in attacks() {
            for piece in [1, wire.len()] {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                // The first piece is in the same segment as the head.
                let mut bytes = REQUEST.as_bytes().to_vec();
                for piece in wire.chunks(piece.max(wire.len() / 10)) {
                    bytes.extend_from_slice(piece);
                    // The server may have closed the connection.
                    let _ = stream.write_all(&bytes).await;
                    bytes.clear();
                }
                let mut received = Vec::new();
                // The server has not read all of a flood, so the connection may be reset after the Close.
                let _ = stream.read_to_end(&mut received).await;
                let expected = [&b"\r\n\r\n"[..], &close_frame(code)].concat();
                assert!(received.ends_with(&expected), "{wire:02x?}: {}", received.escape_ascii());
                drop(stream);
                assert_failed(&ends.recv().await.unwrap(), code, &wire);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_frames_on_a_stream_get_the_close_code_and_keep_the_connection() {
    let (address, mut ends) = serve(Kind::Http2).await;
    spawn_blocking(move || {
        let mut client = Client::connect(address);
        for (wire, code) in attacks() {
            for piece in [1, wire.len()] {
                let stream = client.request(&CONNECT, 0);
                // A frame of HTTP/2 has at most 16 KiB.
                for piece in wire.chunks(piece.max(wire.len() / 10).min(16_384)) {
                    client.send(DATA, 0, stream, piece);
                }
                assert!(client.frame(stream).unwrap().is_ok());
                assert_eq!(client.rest(stream), close_frame(code), "{wire:02x?}");
                client.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
                assert_failed(&ends.blocking_recv().unwrap(), code, &wire);
            }
        }
        client.assert_echoes();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn bad_frames_of_a_server_are_errors_of_the_client() {
    const ATTACKS: [(&[u8], u16); 6] = [
        (b"\x82\x80", 1002),
        (b"\x82\x7F\x80\0\0\0\0\0\0\0", 1002),
        (b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 1009),
        (b"\x83\0", 1002),
        (b"\xC1\0", 1002),
        (b"\x81\x01\x80", 1007),
    ];
    let (near, far) = duplex(64 * 1024);
    let server = tokio::spawn(async move {
        let mut builder = h2::server::Builder::new();
        let mut connection = builder.enable_connect_protocol().handshake::<_, Bytes>(far).await.unwrap();
        let mut attacks = ATTACKS.iter();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let (wire, code) = attacks.next().unwrap();
            tokio::spawn(async move {
                let mut body = request.into_body();
                let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
                stream.send_data(Bytes::from_static(b"\x81\x03one"), false).unwrap();
                for byte in *wire {
                    stream.send_data(Bytes::copy_from_slice(&[*byte]), false).unwrap();
                    tokio::task::yield_now().await;
                }
                let close = body.data().await.unwrap().unwrap();
                // Masked, with the code.
                let unmasked: Vec<u8> = close[6..].iter().zip(&close[2..6]).map(|(byte, key)| byte ^ key).collect();
                assert_eq!((close[0], close[1], &unmasked[..]), (0x88, 0x82, &code.to_be_bytes()[..]), "{wire:02x?}");
            });
        }
        attacks.len()
    });
    let builder = http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = http2_handshake(&builder, TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection);
    for (wire, code) in ATTACKS {
        let (request, expect) =
            http2_request(Destination::new("localhost", "/"), &Offer::new(), Config::new()).unwrap();
        let mut response = sender.send_request(request).await.unwrap();
        let (mut websocket, _) = expect.open(&mut response).await.unwrap();
        assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("one"));
        assert!(matches!(websocket.recv().await, Some(Err(Error::Connection(_)))), "{wire:02x?}");
        assert!(websocket.recv().await.is_none());
        assert_failed(websocket.ended().unwrap(), code, wire);
    }
    drop(sender);
    assert_eq!(server.await.unwrap(), 0);
}
