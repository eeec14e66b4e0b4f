//! The heads of an attacker over HTTP/2: each gets a status, an error of its stream, or ends its connection.
#![cfg(all(feature = "http1", feature = "http2", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::net::SocketAddr;

use common::{Kind, serve_recorded};
use test_support::attacks::CONNECTS;
use test_support::http2::{CONNECT, Client, DATA, END_STREAM, Frame, GOAWAY, HEADERS, RST_STREAM};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::spawn_blocking;

/// Describes the first frame that the server sends after a request.
fn outcome(frame: Option<&Frame>, statuses: &mut UnboundedReceiver<u16>) -> String {
    match (frame, statuses.try_recv()) {
        (None, _) => "end".into(),
        (Some(frame), Ok(status)) if frame.kind == HEADERS => {
            assert_eq!(frame.is_ok(), status == 200);
            status.to_string()
        }
        (Some(frame), _) if frame.kind == HEADERS => "status of h2".into(),
        (Some(frame), _) if frame.kind == RST_STREAM => format!("reset {}", frame.error_code()),
        (Some(frame), _) => format!("goaway {}", frame.error_code()),
    }
}

/// Runs a blocking client against the servers that have HTTP/2.
async fn with_client(test: impl Fn(SocketAddr, UnboundedReceiver<u16>) + Copy + Send + 'static) {
    for kind in [Kind::Http2, Kind::Auto] {
        let (address, statuses) = serve_recorded(kind).await;
        spawn_blocking(move || test(address, statuses)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_connects_get_a_status_or_an_error_of_the_stream() {
    with_client(|address, mut statuses| {
        let mut client = Client::connect(address);
        let mut wrong = Vec::new();
        for connect in CONNECTS {
            let stream = client.request(&connect.fields(), 0);
            let outcome = outcome(client.frame(stream).as_ref(), &mut statuses);
            if outcome != connect.outcome {
                wrong.push(format!("{connect:?}: {outcome}"));
            }
            if outcome == "end" || outcome.starts_with("goaway") {
                client = Client::connect(address);
            }
            client.assert_echoes();
            while statuses.try_recv().is_ok() {}
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pseudo_header_field_after_a_header_field_resets_the_stream() {
    with_client(|address, mut statuses| {
        let mut client = Client::connect(address);
        for last in 0..5 {
            let mut fields = CONNECT.to_vec();
            let field = fields.remove(last);
            fields.push(field);
            let stream = client.request(&fields, 0);
            assert_eq!(outcome(client.frame(stream).as_ref(), &mut statuses), "reset 1");
        }
        client.assert_echoes();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_are_accepted_up_to_the_limit_of_hyper() {
    with_client(|address, mut statuses| {
        let mut client = Client::connect(address);
        let protocols = |count: u32| (0..count).map(|index| index.to_string()).collect::<Vec<_>>().join(",");
        let extensions = |count| vec!["x; y=z"; count].join(", ");
        for (name, value, expected) in [
            ("sec-websocket-protocol", protocols(32), "200"),
            ("sec-websocket-protocol", protocols(2000), "400"),
            ("sec-websocket-extensions", extensions(16), "200"),
            ("sec-websocket-extensions", extensions(1500), "400"),
            ("cookie", "=\"".repeat(6000), "200"),
            ("sec-websocket-protocol", "a".repeat(16_000), "200"),
        ] {
            let mut fields: Vec<_> = CONNECT.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            let description = format!("{name} of {} bytes", value.len());
            fields.push((name, value));
            let stream = client.request(&fields, 0);
            assert_eq!(outcome(client.frame(stream).as_ref(), &mut statuses), expected, "{description}");
            client.send(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        }
        // Each field counts 32 bytes more than its text.
        let mut fields = CONNECT.to_vec();
        fields.extend([("x", "y"); 1000]);
        let stream = client.request(&fields, 0);
        assert_eq!(outcome(client.frame(stream).as_ref(), &mut statuses), "status of h2");
        client.assert_echoes();
    })
    .await;
}

/// The stream of the client ends with the request. The server accepts, and its WebSocket ends at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_with_the_end_of_the_stream_opens_no_websocket() {
    with_client(|address, _| {
        let mut client = Client::connect(address);
        let stream = client.request(&CONNECT, END_STREAM);
        assert!(client.frame(stream).unwrap().is_ok());
        let end = client.frame(stream).unwrap();
        assert_eq!((end.kind, end.flags, &end.payload[..]), (DATA, END_STREAM, &b""[..]));
        client.assert_echoes();
    })
    .await;
}

/// A second HEADERS with the end of the stream has the trailers. They end the input.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_end_the_stream() {
    with_client(|address, _| {
        let mut client = Client::connect(address);
        let stream = client.request(&CONNECT, 0);
        assert!(client.frame(stream).unwrap().is_ok());
        // A text, then the trailer `x: y`.
        client.send(DATA, 0, stream, b"\x81\x81\0\0\0\0x");
        client.send(HEADERS, END_STREAM | 4, stream, b"\0\x01x\x01y");
        let echo = client.frame(stream).unwrap();
        assert_eq!((echo.kind, &echo.payload[..]), (DATA, &b"\x81\x01x"[..]));
        let end = client.frame(stream).unwrap();
        assert_eq!((end.kind, end.flags, &end.payload[..]), (DATA, END_STREAM, &b""[..]));
        client.assert_echoes();
    })
    .await;
}

/// Frames that arrive before the response are read once, after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn early_frames_are_not_lost() {
    with_client(|address, _| {
        let mut client = Client::connect(address);
        let stream = client.request(&CONNECT, 0);
        client.send(DATA, 0, stream, b"\x81\x82\0\0\0\0hi");
        assert!(client.frame(stream).unwrap().is_ok());
        assert_eq!(client.frame(stream).unwrap().payload, b"\x81\x02hi");
        client.assert_echoes();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_before_a_refusal_does_not_end_the_connection() {
    with_client(|address, mut statuses| {
        let mut client = Client::connect(address);
        for _ in 0..100 {
            let mut fields = CONNECT.to_vec();
            fields.pop();
            let stream = client.request(&fields, 0);
            client.send(DATA, 0, stream, &[0x82; 1000]);
            assert_eq!(outcome(client.frame(stream).as_ref(), &mut statuses), "400");
        }
        client.assert_echoes();
    })
    .await;
}

/// A GOAWAY of the client in the middle of a message. The WebSocket continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_is_completed_after_a_goaway_of_the_client() {
    with_client(|address, _| {
        let mut client = Client::connect(address);
        let stream = client.request(&CONNECT, 0);
        assert!(client.frame(stream).unwrap().is_ok());
        client.send(DATA, 0, stream, b"\x01\x81\0\0\0\0a");
        client.send(GOAWAY, 0, 0, &[0; 8]);
        client.send(DATA, 0, stream, b"\x80\x81\0\0\0\0b");
        let echo = client.frame(stream).unwrap();
        assert_eq!((echo.kind, &echo.payload[..]), (DATA, &b"\x81\x02ab"[..]));
    })
    .await;
}
