//! Connections over loopback: redirects, rejections, and servers that do not respond.
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::error::Error as _;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol_websocket::bytes::Bytes;
use protocol_websocket::http::{BuildError, ParseError, ResponseHead, TunnelError};
use protocol_websocket::{HandshakeError, Timeout};
use protocol_websocket_tokio::{
    Accept, CloseCode, Config, Connect, ConnectError, ConnectEvent, ConnectStep, Destination, Error, Message, Offer,
    ProxyError, Reject, SocksError, accept, config, connect,
};
use test_support::errors::assert_distinct_texts;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpListener;
use tokio::time::Instant;

/// The requests that a server received: the path, and whether they have each of [`PRIVATE_FIELDS`].
type Requests = Arc<Mutex<Vec<(String, [bool; 5])>>>;

const PRIVATE_FIELDS: [&str; 5] = ["authorization", "cookie", "x-key", "origin", "sec-websocket-protocol"];

/// Accepts the path `/chat`, and redirects all others: to the URL that `targets` has for the path.
async fn redirecting_server(targets: &[(&str, String)]) -> (SocketAddr, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Requests::default();
    let targets: Vec<_> = targets.iter().map(|(path, url)| ((*path).to_owned(), url.clone())).collect();
    let received = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let incoming = accept(listener.accept().await.unwrap().0, config()).await.unwrap();
            let path = incoming.request().resource_name().to_owned();
            let headers = incoming.request().headers();
            assert!(headers.contains("sec-websocket-extensions"));
            received.lock().unwrap().push((path.clone(), PRIVATE_FIELDS.map(|name| headers.contains(name))));
            match targets.iter().find(|(from, _)| *from == path) {
                Some((_, url)) => incoming.reject(&Reject::new(307).header("Location", url)).await.unwrap(),
                None => drop(tokio::spawn(async move {
                    let accept = Accept::new().header("X-Server", "test");
                    incoming.accept(&accept).await.unwrap().recv().await
                })),
            }
        }
    });
    (address, requests)
}

fn private_offer() -> Offer {
    let offer = Offer::new().basic_auth("user", "password").cookie("session", "1").header("X-Key", "secret");
    offer.origin("https://example.com").subprotocol("secret")
}

/// Returns the paths, and whether the request had the private header fields.
fn paths(requests: &Requests) -> Vec<(String, bool)> {
    let request = |(path, has): &(String, [bool; 5])| {
        assert!(has.iter().all(|field| field == &has[0]), "some private header fields are missing");
        (path.clone(), has[0])
    };
    requests.lock().unwrap().iter().map(request).collect()
}

#[tokio::test]
async fn connects_to_names_and_destinations() {
    let (address, _) = redirecting_server(&[]).await;
    // The name may also have an IPv6 address, at which nothing listens.
    let (websocket, response) = connect(&format!("ws://localhost:{}/chat", address.port())).await.unwrap();
    assert_eq!(websocket.get_ref().tcp().peer_addr().unwrap(), address);
    assert!(websocket.get_ref().tcp().nodelay().unwrap());
    assert_eq!(response.headers().get_str("x-server"), Some("test"));
    assert_eq!(response.negotiated(), websocket.negotiated());
    assert!(!websocket.get_ref().is_encrypted() && websocket.get_ref().is_write_vectored());
    let (websocket, _) = Connect::to(Destination::new("127.0.0.1", "/chat").port(address.port())).await.unwrap();
    assert_eq!(websocket.get_ref().tcp().peer_addr().unwrap(), address);
}

#[tokio::test]
async fn follows_redirects_to_the_same_host_with_all_headers() {
    let (address, requests) = redirecting_server(&[("/a", "/b".into()), ("/b", "chat".into())]).await;
    let connect = Connect::new(&format!("ws://{address}/a")).unwrap().offer(private_offer()).redirects(2);
    connect.await.unwrap();
    assert_eq!(paths(&requests), [("/a".into(), true), ("/b".into(), true), ("/chat".into(), true)]);
}

#[tokio::test]
async fn each_transport_passes_through_the_closure() {
    let (address, requests) = redirecting_server(&[("/a", "/b".into()), ("/b", "/chat".into())]).await;
    let connect = Connect::new(&format!("ws://{address}/a")).unwrap().redirects(2);
    let mut wrapped = 0;
    let opening = connect.clone().open_with(|stream| {
        wrapped += 1;
        assert_eq!(stream.tcp().peer_addr().unwrap(), address);
        BufStream::new(stream)
    });
    let (mut websocket, response) = opening.await.unwrap();
    assert_eq!((wrapped, response.status()), (3, 101));
    websocket.send("hello").await.unwrap();
    assert!(websocket.get_ref().get_ref().tcp().nodelay().unwrap());
    // A clone has the same options.
    connect.await.unwrap();
    assert_eq!(requests.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn observer_receives_each_connection_and_each_redirect_that_is_followed() {
    let (address, _) = redirecting_server(&[("/a", "/b".into()), ("/b", "/chat".into())]).await;
    let connect = Connect::new(&format!("ws://{address}/a")).unwrap();
    let address = address.to_string();
    for (max, expected) in [(2, &[&*address, "/b", &address, "/chat", &address][..]), (1, &[&address, "/b", &address])]
    {
        let events = Arc::new(Mutex::new(Vec::new()));
        let observed = Arc::clone(&events);
        let connect = connect.clone().redirects(max).observe(move |event| {
            observed.lock().unwrap().push(match event {
                ConnectEvent::Tcp(stream) => stream.peer_addr().unwrap().to_string(),
                ConnectEvent::Redirect(redirect) => redirect.location().to_owned(),
                event => panic!("{event:?}"),
            });
        });
        assert_eq!(connect.await.is_ok(), max == 2);
        assert_eq!(*events.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn redirects_to_another_host_or_port_drop_what_is_private() {
    let (other, other_requests) = redirecting_server(&[]).await;
    let (address, requests) = redirecting_server(&[("/port", format!("http://{other}/chat"))]).await;
    let connect = Connect::new(&format!("ws://{address}/port")).unwrap().offer(private_offer()).redirects(1);
    connect.await.unwrap();
    assert_eq!(paths(&requests), [("/port".into(), true)]);
    assert_eq!(paths(&other_requests), [("/chat".into(), false)]);

    let (address, requests) = redirecting_server(&[]).await;
    let (other, other_requests) = redirecting_server(&[("/back", format!("ws://{address}/chat"))]).await;
    let url = format!("ws://localhost:{}/back", other.port());
    let (first, _) = redirecting_server(&[("/host", url)]).await;
    Connect::new(&format!("ws://{first}/host")).unwrap().offer(private_offer()).redirects(9).await.unwrap();
    assert_eq!(paths(&other_requests), [("/back".into(), false)]);
    // They stay dropped.
    assert_eq!(paths(&requests), [("/chat".into(), false)]);
}

#[tokio::test]
async fn redirects_are_limited_and_off_by_default() {
    let (address, requests) = redirecting_server(&[("/loop", "/loop".into()), ("/bad", "ftp://h/".into())]).await;
    let url = format!("ws://{address}/loop");
    assert!(matches!(connect(&url).await, Err(ConnectError::Redirect(redirect)) if redirect.location() == "/loop"));
    assert_eq!(requests.lock().unwrap().len(), 1);
    let error = Connect::new(&url).unwrap().redirects(3).await.unwrap_err();
    assert_eq!(error.to_string(), "server redirects with status 307");
    assert!(matches!(error, ConnectError::Redirect(_)));
    assert_eq!(requests.lock().unwrap().len(), 5);
    let bad = Connect::new(&format!("ws://{address}/bad")).unwrap().redirects(3).await;
    assert!(matches!(bad, Err(ConnectError::Redirect(_))), "{bad:?}");
}

/// Writes the response to the first request, and ends the stream.
async fn server_with_response(response: &'static [u8], keep_open: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut request).await.unwrap();
        }
        stream.write_all(response).await.unwrap();
        if keep_open {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
    url
}

#[tokio::test]
async fn rejection_has_status_and_body() {
    for (response, keep_open, expected) in [
        (&b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nno way!"[..], true, "no way!"),
        (b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nno way!\r\n0\r\n\r\n", true, "no way!"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\nno way!", false, "no way!"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", true, ""),
    ] {
        let url = server_with_response(response, keep_open).await;
        let error = connect(&url).await.unwrap_err();
        assert_eq!(error.to_string(), "server rejects with status 403");
        let ConnectError::Rejected { head, body } = error else { panic!("{error:?}") };
        assert_eq!((head.status(), &*body), (403, expected.as_bytes()));
    }
}

#[tokio::test]
async fn body_that_does_not_end_stops_at_the_deadline() {
    let url = server_with_response(b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf", true).await;
    let begin = Instant::now();
    let error = Connect::new(&url).unwrap().timeout(Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Rejected { body, .. } if body == "half"));
    assert!(begin.elapsed() < Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn silent_server_is_a_timeout_of_the_handshake() {
    let connect = || Connect::new("ws://example.com/").unwrap();
    let (client, _server) = tokio::io::duplex(4096);
    let begin = Instant::now();
    let error = connect().timeout(Duration::from_secs(5)).over(client).await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout(ConnectStep::Handshake)), "{error:?}");
    assert_eq!(begin.elapsed().as_secs(), 5);
    // The configuration's deadline is earlier than the default of 30 seconds.
    let (client, _server) = tokio::io::duplex(4096);
    let error = connect().over(client).await.unwrap_err();
    let ConnectError::WebSocket(Error::Connection(error)) = error else { panic!("{error:?}") };
    assert!(matches!(error, protocol_websocket::Error::Timeout(_)), "{error:?}");
}

#[tokio::test]
async fn silent_tcp_server_is_a_timeout_of_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let error = Connect::new(&url).unwrap().timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout(ConnectStep::Handshake)), "{error:?}");
    assert_eq!(error.to_string(), "connection timed out during the opening handshake");
}

#[tokio::test]
async fn errors_name_the_step() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = connect(&format!("ws://{address}/")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Connect(_)), "{error:?}");
    assert!(error.source().is_some());
    assert!(matches!(connect("http://h/").await, Err(ConnectError::Url(_))));
    // A name of 64 characters without a dot is invalid, so no server is asked for it.
    let error = connect(&format!("ws://{}/", "a".repeat(64))).await.unwrap_err();
    assert!(matches!(error, ConnectError::Resolve(_)), "{error:?}");
    let offer = Offer::new().header("a b", "c");
    let error = Connect::new("ws://h.invalid/").unwrap().offer(offer).await.unwrap_err();
    assert!(matches!(error, ConnectError::Build(_)), "{error:?}");
    #[cfg(not(feature = "rustls"))]
    assert!(matches!(connect("wss://h.invalid/").await, Err(ConnectError::TlsDisabled)));
    let url = server_with_response(b"SSH-2.0-OpenSSH\r\n", true).await;
    let begin = Instant::now();
    assert!(matches!(connect(&url).await, Err(ConnectError::WebSocket(Error::Connection(_)))));
    assert!(begin.elapsed() < Duration::from_secs(5), "the client waits for the end of the stream");
}

#[tokio::test]
async fn connecting_can_be_spawned_and_messages_pass() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let client = tokio::spawn(async move {
        let (mut websocket, _) = Connect::new(&url)?.await?;
        websocket.send("hello").await?;
        Ok::<_, ConnectError>(websocket.recv().await)
    });
    let stream = listener.accept().await.unwrap().0;
    let mut server = accept(stream, config()).await.unwrap().accept(Accept::new()).await.unwrap();
    let message = server.recv().await.unwrap().unwrap();
    assert_eq!(message, Message::from("hello"));
    server.send(&message).await.unwrap();
    assert_eq!(client.await.unwrap().unwrap().unwrap().unwrap(), message);
}

#[tokio::test]
async fn client_writes_short_and_long_messages_in_order() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    // A long payload that is not compressed is written from its own memory.
    let messages = ["short".into(), Message::from(vec![7; 100_000]), "a".repeat(5000).into(), "end".into()];
    let sent = messages.clone();
    let client = tokio::spawn(async move {
        let (mut websocket, _) = Connect::new(&url)?.config(Config::new()).await?;
        for message in sent {
            websocket.queue(message).unwrap();
        }
        Ok::<_, ConnectError>(websocket.close(CloseCode::NORMAL).await)
    });
    let stream = listener.accept().await.unwrap().0;
    let mut server = accept(stream, config()).await.unwrap().accept(Accept::new()).await.unwrap();
    for message in messages {
        assert_eq!(server.recv().await.unwrap().unwrap(), message);
    }
    assert!(server.recv().await.is_none());
    assert!(client.await.unwrap().unwrap().clean);
}

#[test]
fn each_error_has_its_own_text() {
    let io = || std::io::Error::other("reason");
    assert_distinct_texts(&[
        &ConnectError::Build(BuildError::Host),
        &ConnectError::Connect(io()),
        &ConnectError::Proxy(ProxyError::Io(io())),
        &ConnectError::Proxy(ProxyError::Build(BuildError::Credentials)),
        &ConnectError::Proxy(ProxyError::Tunnel(TunnelError::Head(ParseError::ResponseLine))),
        &ConnectError::Proxy(SocksError::Credentials.into()),
        &ConnectError::Proxy(SocksError::Host.into()),
        &ConnectError::Proxy(SocksError::Login.into()),
        &ConnectError::Proxy(SocksError::Method.into()),
        &ConnectError::Proxy(SocksError::Refused(4).into()),
        &ConnectError::Proxy(SocksError::Response.into()),
        &ConnectError::Resolve(io()),
        &ConnectError::Timeout(ConnectStep::Resolve),
        &ConnectError::Timeout(ConnectStep::Connect),
        &ConnectError::Timeout(ConnectStep::Proxy),
        &ConnectError::Timeout(ConnectStep::Tls),
        &ConnectError::Timeout(ConnectStep::Handshake),
        &ConnectError::Tls(io()),
        &ConnectError::TlsDisabled,
        &ConnectError::Url(protocol_websocket::UrlError::Scheme),
        &ConnectError::WebSocket(Error::Parts),
    ]);
}

#[test]
fn failures_of_the_transport_and_of_a_server_with_load_are_temporary() {
    let io = std::io::Error::from;
    let head = |status| Box::new(ResponseHead::from_parts(status, [("Server", "test")]).unwrap());
    let rejected = |status| ConnectError::Rejected { head: head(status), body: Bytes::new() };
    let mut temporary = vec![
        ConnectError::Resolve(io(ErrorKind::Other)),
        ConnectError::Connect(io(ErrorKind::ConnectionRefused)),
        ConnectError::Proxy(ProxyError::Io(io(ErrorKind::ConnectionRefused))),
        ConnectError::Proxy(TunnelError::Refused(head(502)).into()),
        ConnectError::Proxy(SocksError::Refused(5).into()),
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
        ConnectError::Proxy(BuildError::Credentials.into()),
        ConnectError::Proxy(TunnelError::Head(ParseError::ResponseLine).into()),
        ConnectError::Proxy(TunnelError::Refused(head(407)).into()),
        ConnectError::Proxy(SocksError::Refused(2).into()),
        ConnectError::Proxy(SocksError::Login.into()),
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
