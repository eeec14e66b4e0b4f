//! Clients over loopback: rejections, redirects, and servers that do not respond.
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::error::Error as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use protocol_websocket::bytes::Bytes;
use protocol_websocket::http::{BuildError, ParseError, ResponseHead};
use protocol_websocket::{HandshakeError, Timeout};
use protocol_websocket_blocking::{
    Accept, CloseCode, Connect, ConnectError, ConnectStep, Destination, Error, NoDeadlines, Offer, Reject, accept,
    config, connect,
};
use test_support::errors::assert_distinct_texts;

/// Accepts the path `/chat`, redirects `/redirect`, and rejects all others.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            thread::spawn(move || {
                let incoming = accept(stream, config()).unwrap();
                assert!(incoming.get_ref().peer_addr().is_ok());
                assert!(format!("{incoming:?}").starts_with("Incoming { request: "));
                match incoming.request().resource_name() {
                    "/chat" => {}
                    "/redirect" => {
                        return incoming.reject(&Reject::new(307).header("Location", "/chat")).unwrap();
                    }
                    _ => return incoming.reject(&Reject::new(403).body("not you")).unwrap(),
                }
                let accept = Accept::new().header("X-Server", "test");
                let mut websocket = incoming.accept(&accept).unwrap();
                while let Some(message) = websocket.recv() {
                    websocket.queue(message.unwrap()).unwrap();
                }
            });
        }
    });
    address
}

#[test]
fn connects_to_names_and_destinations() {
    let address = server();
    // The name may also have an IPv6 address, at which nothing listens.
    let (websocket, response) = connect(&format!("ws://localhost:{}/chat", address.port())).unwrap();
    assert_eq!(response.headers().get_str("x-server"), Some("test"));
    assert_eq!(websocket.get_ref().tcp().peer_addr().unwrap(), address);
    assert!(websocket.get_ref().tcp().nodelay().unwrap() && !websocket.get_ref().is_encrypted());
    assert!(format!("{:?}", websocket.get_ref()).starts_with("Stream { tcp: "));
    let connect = Connect::to(Destination::new("127.0.0.1", "/chat").port(address.port()));
    // The same options make several connections, and another configuration has no extension.
    for (connect, extensions) in [
        (connect.clone(), usize::from(cfg!(feature = "permessage-deflate"))),
        (connect.config(protocol_websocket_blocking::Config::new()).timeout(None), 0),
    ] {
        let (mut websocket, _) = connect.open().unwrap();
        assert_eq!(websocket.negotiated().extensions.len(), extensions);
        websocket.send("hello").unwrap();
        assert_eq!(websocket.recv().unwrap().unwrap(), "hello".into());
        assert!(websocket.close(CloseCode::NORMAL).unwrap().clean);
    }
}

#[test]
fn transport_can_be_wrapped_before_the_handshake() {
    let url = format!("ws://{}/chat", server());
    let (mut websocket, _) = Connect::new(&url).unwrap().open_with(NoDeadlines).unwrap();
    websocket.send("hello").unwrap();
    assert_eq!(websocket.recv().unwrap().unwrap(), "hello".into());
}

#[test]
fn refusals_are_returned() {
    let address = server();
    let error = connect(&format!("ws://{address}/other")).unwrap_err();
    assert_eq!(error.to_string(), "server rejects with status 403");
    assert!(matches!(error, ConnectError::Rejected { head, body } if head.status() == 403 && body == "not you"));
    let error = connect(&format!("ws://{address}/redirect")).unwrap_err();
    assert_eq!(error.to_string(), "server redirects with status 307");
    let ConnectError::Redirect(redirect) = error else { panic!("{error:?}") };
    assert_eq!(redirect.url().unwrap().to_string(), format!("ws://{address}/chat"));
}

/// Writes the response to the first request. Keeps the stream open until the sender is dropped.
fn server_with_response(response: &'static [u8]) -> (String, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (sender, dropped) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            request.extend_from_slice(&byte);
        }
        stream.write_all(response).unwrap();
        let _ = dropped.recv();
    });
    (url, sender)
}

#[test]
fn rejection_has_status_and_body() {
    for (response, keep_open, expected) in [
        (&b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nno way!"[..], true, "no way!"),
        (b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nno way!\r\n0\r\n\r\n", true, "no way!"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\nno way!", false, "no way!"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", true, ""),
    ] {
        let (url, sender) = server_with_response(response);
        let _open = keep_open.then_some(sender);
        let ConnectError::Rejected { head, body } = connect(&url).unwrap_err() else { panic!("not rejected") };
        assert_eq!((head.status(), &*body), (403, expected.as_bytes()));
    }
}

#[test]
fn body_that_does_not_end_stops_at_the_deadline() {
    let (url, _open) = server_with_response(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf");
    let error = Connect::new(&url).unwrap().timeout(Duration::from_millis(200)).open().unwrap_err();
    assert!(matches!(error, ConnectError::Rejected { body, .. } if body == "half"));
}

#[test]
fn body_is_not_waited_for_without_deadlines() {
    let (url, _open) = server_with_response(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf");
    let error = Connect::new(&url).unwrap().open_with(NoDeadlines).unwrap_err();
    assert!(matches!(error, ConnectError::Rejected { head, .. } if head.status() == 500));
}

#[test]
fn silent_server_is_a_timeout_of_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connect = Connect::new(&format!("ws://{address}/")).unwrap();
    let connect_shortly = connect.clone().timeout(Duration::from_millis(50));
    for error in [
        connect_shortly.open().unwrap_err(),
        connect_shortly.over(TcpStream::connect(address).unwrap()).unwrap_err(),
        connect.clone().timeout(Duration::ZERO).over(TcpStream::connect(address).unwrap()).unwrap_err(),
    ] {
        assert!(matches!(error, ConnectError::Timeout(ConnectStep::Handshake)), "{error:?}");
        assert_eq!(error.to_string(), "connection timed out during the opening handshake");
    }
    // The configuration's deadline is earlier than the default of 30 seconds.
    let timeouts = protocol_websocket_blocking::Timeouts::NONE.handshake(Some(Duration::from_millis(50)));
    let error = connect.config(config().timeouts(timeouts)).open().unwrap_err();
    let ConnectError::WebSocket(Error::Connection(error)) = error else { panic!("{error:?}") };
    assert!(matches!(error, protocol_websocket::Error::Timeout(_)), "{error:?}");
}

#[test]
fn errors_name_the_step() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for timeout in [None, Some(Duration::from_secs(10))] {
        let error = Connect::new(&format!("ws://{address}/")).unwrap().timeout(timeout).open().unwrap_err();
        assert!(matches!(error, ConnectError::Connect(_)), "{error:?}");
        assert!(error.source().is_some());
        // A name of 64 characters without a dot is invalid, so no server is asked for it.
        let connect = Connect::new(&format!("ws://{}/", "a".repeat(64))).unwrap().timeout(timeout);
        let error = connect.open().unwrap_err();
        assert!(matches!(error, ConnectError::Resolve(_)), "{error:?}");
    }
    let late = Connect::new("ws://h.invalid/").unwrap().timeout(Duration::ZERO).open().unwrap_err();
    assert!(matches!(late, ConnectError::Timeout(ConnectStep::Resolve)), "{late:?}");
    let late = Connect::new("ws://127.0.0.1/").unwrap().timeout(Duration::ZERO).open().unwrap_err();
    assert!(matches!(late, ConnectError::Timeout(ConnectStep::Connect)), "{late:?}");
    assert!(matches!(connect("http://h/"), Err(ConnectError::Url(_))));
    let connect_badly = Connect::new("ws://h.invalid/").unwrap().offer(Offer::new().header("a b", "c"));
    assert_eq!(format!("{connect_badly:?}"), "Connect { host: \"h.invalid\", port: 80, .. }");
    let error = connect_badly.open().unwrap_err();
    assert!(matches!(error, ConnectError::Build(_)), "{error:?}");
    #[cfg(not(feature = "rustls"))]
    assert!(matches!(connect("wss://h.invalid/"), Err(ConnectError::TlsDisabled)));
    // The client does not wait for the end of the stream.
    let (url, _open) = server_with_response(b"SSH-2.0-OpenSSH\r\n");
    let connect = Connect::new(&url).unwrap().timeout(None).config(protocol_websocket_blocking::Config::new());
    assert!(matches!(connect.open(), Err(ConnectError::WebSocket(Error::Connection(_)))));
}

#[test]
fn invalid_response_of_the_application_is_a_500() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let incoming = accept(listener.accept().unwrap().0, config()).unwrap();
        incoming.accept(Accept::new().header("a b", "c")).unwrap_err()
    });
    assert!(matches!(connect(&url), Err(ConnectError::Rejected { head, .. }) if head.status() == 500));
    let error = server.join().unwrap();
    assert!(matches!(error, Error::Send(_)) && error.source().is_some(), "{error:?}");
}

#[test]
fn each_error_has_its_own_text() {
    let io = || std::io::Error::other("a longer text");
    assert_distinct_texts(&[
        &ConnectError::Build(BuildError::Host),
        &ConnectError::Connect(io()),
        &ConnectError::Resolve(io()),
        &ConnectError::Timeout(ConnectStep::Resolve),
        &ConnectError::Timeout(ConnectStep::Connect),
        &ConnectError::Timeout(ConnectStep::Tls),
        &ConnectError::Timeout(ConnectStep::Handshake),
        &ConnectError::Tls(io()),
        &ConnectError::TlsDisabled,
        &ConnectError::Url(protocol_websocket::UrlError::Scheme),
        &ConnectError::WebSocket(Error::Parts),
    ]);
    assert_distinct_texts(&[
        &Error::Connection(protocol_websocket::Error::UnexpectedEof),
        &Error::Io(io()),
        &Error::Parts,
        &Error::Send(protocol_websocket_blocking::SendError::Closed),
        &Error::WouldBlock,
    ]);
    let errors = [Error::Io(io()), Error::Parts, Error::WouldBlock, protocol_websocket::Error::UnexpectedEof.into()];
    assert_eq!(errors.map(|error| error.source().is_some()), [true, false, false, true]);
}

#[test]
fn failures_of_the_transport_and_of_a_server_with_load_are_temporary() {
    let io = std::io::Error::from;
    let head = |status| Box::new(ResponseHead::from_parts(status, [("Server", "test")]).unwrap());
    let rejected = |status| ConnectError::Rejected { head: head(status), body: Bytes::new() };
    let mut temporary = vec![
        ConnectError::Resolve(io(ErrorKind::Other)),
        ConnectError::Connect(io(ErrorKind::ConnectionRefused)),
        ConnectError::Timeout(ConnectStep::Tls),
        ConnectError::Tls(io(ErrorKind::ConnectionReset)),
        ConnectError::Tls(io(ErrorKind::UnexpectedEof)),
        ConnectError::WebSocket(Error::Io(io(ErrorKind::BrokenPipe))),
        ConnectError::WebSocket(protocol_websocket::Error::UnexpectedEof.into()),
        ConnectError::WebSocket(protocol_websocket::Error::Timeout(Timeout::Handshake).into()),
    ];
    temporary.extend([408, 425, 429, 500, 502, 503, 504].map(rejected));
    let mut permanent = vec![
        ConnectError::Build(BuildError::Host),
        ConnectError::Tls(io(ErrorKind::InvalidData)),
        ConnectError::TlsDisabled,
        ConnectError::Url(protocol_websocket::UrlError::Scheme),
        ConnectError::WebSocket(Error::Io(io(ErrorKind::InvalidData))),
        ConnectError::WebSocket(
            protocol_websocket::Error::Response(HandshakeError::Head(ParseError::ResponseLine)).into(),
        ),
        ConnectError::WebSocket(Error::Parts),
    ];
    permanent.extend([200, 400, 401, 403, 404, 426].map(rejected));
    for error in temporary {
        assert!(error.is_temporary(), "{error}");
    }
    for error in permanent {
        assert!(!error.is_temporary(), "{error}");
    }
}
