//! Each server of this package over sockets, with the clients of this library. `server.rs` starts them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod http1;
mod http2;
mod scgi;
mod server;

use std::time::Duration;

use protocol_websocket::{EndedBy, Event};
use protocol_websocket_tokio::{Close, CloseCode, Config, Limits, Message, config};
use server::Server;
use test_support::noise::noise;

const MIB: usize = 1024 * 1024;
/// More than the kernels and the programs between both ends buffer, for one WebSocket and both directions.
const MAX_BUFFERED: usize = 64 * MIB;
/// After this time without progress, a server has stopped reading.
const STALL: Duration = Duration::from_secs(2);

/// The same tests for each server.
macro_rules! servers {
    ($($name:ident: $start:expr;)*) => {$(
        mod $name {
            use crate::server::Server;

            fn start() -> Server {
                $start
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn echoes_messages() {
                crate::echoes_messages(&start()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn negotiates_permessage_deflate() {
                crate::negotiates_permessage_deflate(&start()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn replies_to_close() {
                crate::replies_to_close(&start()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn closes_with_the_code_of_an_error() {
                crate::closes_with_the_code_of_an_error(&start()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn stops_reading_from_a_client_that_does_not_read() {
                crate::stops_reading_from_a_client_that_does_not_read(&start()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn notices_a_client_that_disappears() {
                crate::notices_a_client_that_disappears(&start()).await;
            }
        }
    )*};
}

servers! {
    actix: Server::http1(env!("CARGO_BIN_EXE_actix_echo"));
    h2: Server::http2(env!("CARGO_BIN_EXE_h2_echo"));
    lighttpd_cgi: Server::lighttpd();
    nginx_scgi: Server::nginx();
    poem: Server::http1(env!("CARGO_BIN_EXE_poem_echo"));
    salvo_http1: Server::http1(env!("CARGO_BIN_EXE_salvo_echo"));
    salvo_http2: Server::http2(env!("CARGO_BIN_EXE_salvo_echo"));
}

async fn echoes_messages(server: &Server) {
    let mut websocket = server.open(config()).await;
    let long = Message::from(noise(7).take(MIB).collect::<Vec<_>>());
    for message in ["Größe".into(), Message::from(Vec::new()), long] {
        websocket.queue_ping("between").unwrap();
        websocket.queue(message.clone()).unwrap();
        let pong = websocket.recv_event().await.unwrap().unwrap();
        assert!(matches!(&pong, Event::Pong(payload) if payload[..] == *b"between"));
        let echo = websocket.recv().await.unwrap().unwrap();
        assert!(echo == message, "{} bytes are not the echo of {}", echo.len(), message.len());
    }
    let ended = websocket.close(CloseCode::NORMAL).await;
    assert!(ended.clean, "{ended:?}");
}

async fn negotiates_permessage_deflate(server: &Server) {
    let text = "Hello".repeat(20_000);
    let mut websocket = server.open(config()).await;
    websocket.send(&text).await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some(&*text));
    let compressed = websocket.stats();
    assert!(compressed.bytes_read < 10_000 && compressed.bytes_written < 10_000, "{compressed:?}");
    // A client without the extension.
    let mut websocket = server.open(Config::new()).await;
    assert!(websocket.negotiated().extensions.is_empty());
    websocket.send(&text).await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some(&*text));
    assert!(websocket.stats().bytes_read > 100_000);
}

async fn replies_to_close(server: &Server) {
    let mut websocket = server.open(config()).await;
    websocket.send("before").await.unwrap();
    websocket.queue_close(Close::new(4000, "enough"));
    assert_eq!(websocket.recv().await.unwrap().unwrap().as_text(), Some("before"));
    assert!(websocket.recv().await.is_none());
    let ended = websocket.ended().unwrap();
    // The server replies with the same code.
    assert!(ended.clean && ended.by == EndedBy::Us && ended.code == CloseCode::from(4000), "{ended:?}");
}

async fn closes_with_the_code_of_an_error(server: &Server) {
    let mut websocket = server.open(config().limits(Limits::NONE)).await;
    // The limit of the server's configuration is 1 MiB. Compressed, the message is short.
    websocket.queue(vec![0; MIB + 1]).unwrap();
    assert!(websocket.recv().await.is_none());
    let ended = websocket.ended().unwrap();
    assert!(ended.by == EndedBy::Peer && ended.code == CloseCode::MESSAGE_TOO_BIG, "{ended:?}");
    server.reports("limit");
}

async fn stops_reading_from_a_client_that_does_not_read(server: &Server) {
    const LEN: usize = 64 * 1024;
    let mut websocket = server.open(Config::new()).await;
    let mut sent = 0;
    loop {
        websocket.queue(vec![7; LEN]).unwrap();
        sent += 1;
        match tokio::time::timeout(STALL, websocket.flush()).await {
            Ok(flushed) => flushed.unwrap(),
            Err(_) => break,
        }
        assert!(sent * LEN < MAX_BUFFERED, "the server reads although its replies are not read");
    }
    for _ in 0..sent {
        assert_eq!(websocket.recv().await.unwrap().unwrap().len(), LEN);
    }
    assert!(websocket.close(CloseCode::NORMAL).await.clean);
}

async fn notices_a_client_that_disappears(server: &Server) {
    let mut websocket = server.open(config()).await;
    websocket.send("Hello").await.unwrap();
    websocket.recv().await.unwrap().unwrap();
    drop(websocket);
    server.reports_lost_client();
    let mut other = server.open(config()).await;
    other.send("Hello").await.unwrap();
    other.recv().await.unwrap().unwrap();
}
