//! The responses of an attacker to a client.
#![cfg(all(feature = "client", feature = "http1", feature = "http2"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use bytes::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol_websocket_hyper::{
    Config, Destination, Offer, OpenError, Upgraded, WebSocket, http1_request, http2_handshake, http2_request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const DESTINATION: Destination<'static> = Destination::new("localhost", "/");

/// Describes the result of an opening.
fn outcome(opened: Result<WebSocket<Upgraded>, OpenError>) -> String {
    match opened {
        Ok(_) => "open".into(),
        Err(OpenError::Rejected(head)) => head.status().to_string(),
        Err(OpenError::Response(error)) => format!("{error:?}"),
        Err(OpenError::Parse(error)) => format!("{error:?}"),
        Err(OpenError::Hyper(_)) => "hyper".into(),
        Err(error) => panic!("{error:?}"),
    }
}

/// Opens over HTTP/1.1. The server sends `response`, with the right value in place of `ACCEPT`, and then `body` without an
/// end.
async fn open_http1(response: &str, body: &'static [u8]) -> String {
    let (near, mut far) = duplex(64 * 1024);
    let (request, expect) = http1_request(DESTINATION, &Offer::new().subprotocol("a"), Config::new()).unwrap();
    let accepted = protocol_websocket::http::Response::accept(expect.request(), &protocol_websocket::Accept::new());
    let accept = accepted.unwrap().headers().get_str("sec-websocket-accept").unwrap().to_owned();
    let response = response.replace("ACCEPT", &accept);
    tokio::spawn(async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            far.read_buf(&mut head).await.unwrap();
        }
        far.write_all(response.as_bytes()).await.unwrap();
        // Until the client ends the connection.
        while !body.is_empty() && far.write_all(body).await.is_ok() {}
    });
    let (mut sender, connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    match sender.send_request(request).await {
        Ok(mut response) => outcome(expect.open(&mut response).await.map(|(websocket, _)| websocket)),
        Err(error) => outcome(Err(error.into())),
    }
}

fn http1_response(status: &str, without: &str, lines: &str) -> String {
    let fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "ACCEPT")];
    let fields = fields.iter().filter(|(name, _)| *name != without);
    let fields: String = fields.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{fields}{lines}\r\n")
}

#[tokio::test]
async fn invalid_responses_of_http1_are_errors() {
    let field = "Sec-WebSocket-Accept";
    let mut wrong = Vec::new();
    for (status, without, lines, expected) in [
        ("101 Switching Protocols", "", "", "open"),
        ("101 Switching Protocols", "", "Sec-WebSocket-Protocol: a\r\n", "open"),
        ("200 OK", "", "", "200"),
        ("204 No Content", "", "", "204"),
        ("302 Found", "", "Location: ws://evil.example/\r\n", "302"),
        ("500 Internal Server Error", "", "", "500"),
        ("101 x", field, "", "AcceptMissing"),
        ("101 x", field, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "AcceptWrong"),
        ("101 x", field, "Sec-WebSocket-Accept: \r\n", "AcceptWrong"),
        ("101 x", "", "Sec-WebSocket-Accept: ACCEPT\r\n", "AcceptRepeated"),
        ("101 x", "", "Sec-WebSocket-Protocol: b\r\n", "SubprotocolNotOffered"),
        ("101 x", "", "Sec-WebSocket-Protocol: a, a\r\n", "SubprotocolRepeated"),
        ("101 x", "", "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n", "SubprotocolRepeated"),
        ("101 x", "", "Sec-WebSocket-Extensions: x\r\n", "ExtensionNotOffered"),
        ("101 x", "Upgrade", "", "Upgrade"),
        ("101 x", "Upgrade", "Upgrade: h2c\r\n", "Upgrade"),
        ("101 x", "Connection", "", "Connection"),
        ("101 x", "", "X: a\0b\r\n", "hyper"),
        ("101 x", "", "X: a\x1Bb\r\n", "hyper"),
        ("101 x", "", "X: a\r\n folded\r\n", "hyper"),
        ("101 x", "", "Content-Length: 5\r\n", "Body"),
        ("101 x", "", "Transfer-Encoding: chunked\r\n", "Body"),
    ] {
        let response = http1_response(status, without, lines);
        let outcome = open_http1(&response, b"").await;
        if outcome != expected {
            wrong.push(format!("{response:?}: {outcome}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let old = http1_response("101 x", "", "").replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(open_http1(&old, b"").await, "HttpVersion");
}

#[tokio::test]
async fn endless_responses_of_http1_do_not_delay_the_error() {
    assert_eq!(open_http1("HTTP/1.1 200 OK\r\n\r\n", b"endless").await, "200");
    assert_eq!(open_http1("HTTP/1.1 404 x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n").await, "404");
    assert_eq!(open_http1("HTTP/1.1 101 x\r\nX: ", &[b'a'; 4096]).await, "hyper");
    assert_eq!(open_http1("HTTP/1.1 101 x\r\n", b"X: y\r\n").await, "hyper");
}

/// The responses over one HTTP/2 connection, which can still be used after each.
#[tokio::test]
async fn invalid_responses_of_http2_are_errors_of_the_stream() {
    type Case = (u16, &'static [(&'static str, &'static str)], bool, &'static str);
    const CASES: &[Case] = &[
        (200, &[("sec-websocket-protocol", "a")], false, "open"),
        // hyper upgrades. The end of the stream follows.
        (200, &[], true, "open"),
        (200, &[("sec-websocket-protocol", "b")], false, "SubprotocolNotOffered"),
        (200, &[("sec-websocket-protocol", "a"), ("sec-websocket-protocol", "a")], false, "SubprotocolRepeated"),
        (200, &[("sec-websocket-extensions", "x")], false, "ExtensionNotOffered"),
        (200, &[("content-length", "5")], false, "hyper"),
        (204, &[], true, "hyper"),
        (206, &[], false, "hyper"),
        (302, &[("location", "ws://evil.example/")], true, "302"),
        (404, &[("content-length", "5")], false, "404"),
        (500, &[], false, "500"),
    ];
    let (near, far) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut builder = h2::server::Builder::new();
        let mut connection = builder.enable_connect_protocol().handshake::<_, Bytes>(far).await.unwrap();
        let mut responses = CASES.iter();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let &(status, fields, is_end, _) = responses.next().unwrap();
            let mut response = http::Response::builder().status(status);
            for (name, value) in fields {
                response = response.header(*name, *value);
            }
            let mut stream = respond.send_response(response.body(()).unwrap(), is_end).unwrap();
            tokio::spawn(async move {
                let mut body = request.into_body();
                // Without an end, until the client resets the stream.
                while !is_end && stream.send_data(Bytes::from_static(&[b'x'; 1000]), false).is_ok() {
                    tokio::task::yield_now().await;
                }
                let _ = body.data().await;
            });
        }
    });
    let builder = http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = http2_handshake(&builder, TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection);
    let mut wrong = Vec::new();
    for (status, fields, _, expected) in CASES {
        let (request, expect) = http2_request(DESTINATION, &Offer::new().subprotocol("a"), Config::new()).unwrap();
        let opened = match sender.send_request(request).await {
            Ok(mut response) => expect.open(&mut response).await.map(|(websocket, _)| websocket),
            Err(error) => Err(error.into()),
        };
        let outcome = outcome(opened);
        if outcome != *expected {
            wrong.push(format!("{status} {fields:?}: {outcome}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// HTTP/2 has no 101. It is an interim response there, and the final response follows.
#[tokio::test(start_paused = true)]
async fn status_101_over_http2_opens_nothing() {
    // SETTINGS with SETTINGS_ENABLE_CONNECT_PROTOCOL, then HEADERS of the first stream with the status 101, and with 404 and
    // the end of the stream.
    const SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x08\0\0\0\x01";
    const RESPONSES: &[u8] = b"\0\0\x05\x01\x04\0\0\0\x01\x08\x03101\0\0\x01\x01\x05\0\0\0\x01\x8D";
    let (near, mut far) = duplex(64 * 1024);
    let builder = http2::Builder::new(TokioExecutor::new());
    far.write_all(SETTINGS).await.unwrap();
    let (mut sender, connection) = http2_handshake(&builder, TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection);
    let (request, expect) = http2_request(DESTINATION, &Offer::new(), Config::new()).unwrap();
    let server = async {
        // The paused clock advances once the client waits for the response.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        far.write_all(RESPONSES).await.unwrap();
    };
    let (response, ()) = tokio::join!(sender.send_request(request), server);
    let opened = match response {
        Ok(mut response) => expect.open(&mut response).await.map(|(websocket, _)| websocket),
        Err(error) => Err(error.into()),
    };
    let outcome = outcome(opened);
    assert_eq!(outcome, "404");
}
