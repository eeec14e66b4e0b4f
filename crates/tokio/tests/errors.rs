//! Errors show their cause, and `Debug` hides what may be secret.
#![cfg(all(feature = "client", feature = "server", feature = "url"))]
#![allow(clippy::panic, clippy::unwrap_used)]

use std::error::Error as _;
use std::io;

use protocol_websocket::frame::EncodeError;
use protocol_websocket_tokio::{
    Accept, Connect, ConnectError, Error, Proxy, ProxyError, SendError, SocksError, accept, config,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

const REQUEST: &[u8] = b"GET /secret HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

#[test]
fn wrapping_error_displays_its_cause() {
    let send = SendError::Encode(EncodeError::PartOutOfOrder);
    let io = || io::Error::other("unplugged");
    let errors: [(Box<dyn std::error::Error>, String); 7] = [
        (Box::new(Error::from(send)), send.to_string()),
        (Box::new(Error::from(io())), "unplugged".into()),
        (Box::new(Error::from(protocol_websocket::Error::UnexpectedEof)), {
            protocol_websocket::Error::UnexpectedEof.to_string()
        }),
        (Box::new(ConnectError::from(Error::from(io()))), "unplugged".into()),
        (Box::new(ConnectError::from(ProxyError::Io(io()))), "unplugged".into()),
        (Box::new(ProxyError::Io(io())), "unplugged".into()),
        (Box::new(ProxyError::from(SocksError::Response)), SocksError::Response.to_string()),
    ];
    for (error, text) in errors {
        assert!(error.to_string().ends_with(&text), "{error}");
        assert!(error.source().unwrap().to_string().ends_with(&text), "{error:?}");
    }
    let url = Connect::new("http://example.com/").unwrap_err();
    assert_eq!(url.to_string(), url.source().unwrap().to_string());
    assert!(Error::Parts.source().is_none());
}

#[test]
fn debug_of_a_client_hides_its_path_and_credentials() {
    let connect = Connect::new("ws://user:password@example.com/secret").unwrap().proxy(Proxy::http("proxy.test", 3128));
    let text = format!("{connect:?}");
    assert!(text.contains("example.com") && !text.contains("secret") && !text.contains("password"), "{text}");
}

#[tokio::test]
async fn invalid_response_is_an_error_and_the_client_gets_500() {
    let (server, mut client) = duplex(4096);
    client.write_all(REQUEST).await.unwrap();
    let incoming = accept(server, config()).await.unwrap();
    let text = format!("{incoming:?}");
    assert!(text.starts_with("Incoming") && !text.contains("dGhlIHNhbXBsZSBub25jZQ=="), "{text}");
    assert!(format!("{:?}", incoming.get_ref()).starts_with("DuplexStream"));
    let accepted = tokio::spawn(async move { incoming.accept(Accept::new().subprotocol("chat")).await });
    let mut response = String::new();
    client.read_to_string(&mut response).await.unwrap();
    drop(client);
    assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
    assert!(matches!(accepted.await.unwrap(), Err(Error::Send(SendError::Build(_)))));
}

#[tokio::test]
async fn client_that_disconnects_before_the_handshake_is_done_is_an_error() {
    let (server, mut client) = duplex(4096);
    // The request of hybi-00 ends with eight more bytes, which do not arrive.
    let request = b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
        Origin: http://example.com\r\nSec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n\
        Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n\r\n";
    client.write_all(request).await.unwrap();
    let incoming = accept(server, config()).await.unwrap();
    drop(client);
    assert!(matches!(incoming.accept(Accept::new()).await, Err(Error::Connection(_) | Error::Io(_))));
}
