//! Connections through proxies.
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::time::Duration;

use protocol_websocket::http::TunnelError;
use protocol_websocket_tokio::{
    Accept, Connect, ConnectError, ConnectStep, Message, Proxy, ProxyError, SocksError, Stream, WebSocket, accept,
    config,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

async fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let stream = listener.accept().await.unwrap().0;
        let mut websocket = accept(stream, config()).await.unwrap().accept(Accept::new()).await.unwrap();
        while let Some(Ok(message)) = websocket.recv().await {
            websocket.queue(message).unwrap();
        }
    });
    address
}

async fn assert_echoes(mut websocket: WebSocket<Stream>) {
    websocket.send("hello").await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap(), Message::from("hello"));
}

/// A server for one connection, which `serve` handles.
async fn server<F: Future<Output = ()> + Send + 'static>(serve: impl FnOnce(TcpStream) -> F + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
    port
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// An HTTP proxy that responds with `response` to the request `CONNECT target`, in pieces of `size` bytes, and then
/// opens the tunnel to `upstream`.
async fn http_proxy(
    target: String,
    authorization: Option<&'static str>,
    response: &'static str,
    size: usize,
    upstream: SocketAddr,
) -> u16 {
    server(async move |mut stream| {
        stream.set_nodelay(true).unwrap();
        let field = authorization.map_or(String::new(), |value| format!("Proxy-Authorization: {value}\r\n"));
        let expected = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{field}\r\n");
        assert_eq!(read_head(&mut stream).await, expected);
        for piece in response.as_bytes().chunks(size) {
            stream.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut upstream = TcpStream::connect(upstream).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut upstream).await;
    })
    .await
}

async fn through(proxy: Proxy, url: &str) -> Result<WebSocket<Stream>, ConnectError> {
    Ok(Connect::new(url).unwrap().proxy(proxy).await?.0)
}

#[tokio::test]
async fn http_proxy_opens_a_tunnel() {
    for size in [1, 7, 1000] {
        let response = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\nVia: proxy\r\n\r\n";
        let port = http_proxy("server.invalid:80".into(), None, response, size, echo_server().await).await;
        // The proxy resolves the name.
        assert_echoes(through(Proxy::http("127.0.0.1", port), "ws://server.invalid/").await.unwrap()).await;
    }
    let basic = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    let port = http_proxy("[::1]:81".into(), basic, "HTTP/1.1 200 OK\r\n\r\n", 1, echo_server().await).await;
    let proxy = Proxy::http("127.0.0.1", port).credentials("Aladdin", "open sesame");
    assert!(!format!("{proxy:?}").contains("sesame"));
    assert_echoes(through(proxy, "ws://[::1]:81/").await.unwrap()).await;
}

#[tokio::test]
async fn bytes_after_the_response_of_the_proxy_are_those_of_the_server() {
    let port = server(async |mut stream| {
        read_head(&mut stream).await;
        let response = b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nbody";
        stream.write_all(response).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let result = through(Proxy::http("127.0.0.1", port), "ws://server.invalid/").await;
    assert!(matches!(result, Err(ConnectError::Rejected { body, .. }) if body == "body"));
}

#[tokio::test]
async fn refusals_of_an_http_proxy_are_errors() {
    for response in [
        &b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"[..],
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 O",
        b"",
    ] {
        let port = server(async move |mut stream| {
            read_head(&mut stream).await;
            stream.write_all(response).await.unwrap();
        })
        .await;
        let error = through(Proxy::http("127.0.0.1", port), "ws://server.invalid/").await.unwrap_err();
        let ConnectError::Proxy(error) = error else { panic!("{error:?}") };
        match (&error, response) {
            (ProxyError::Tunnel(TunnelError::Refused(head)), [_, _, _, _, b'/', ..]) => {
                assert!(matches!(head.status(), 101 | 407));
            }
            (ProxyError::Tunnel(TunnelError::Head(_)), [b'S', ..]) => {}
            (ProxyError::Io(error), _) => assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof),
            _ => panic!("{error:?}"),
        }
    }
    let error = through(Proxy::http("127.0.0.1", 1).credentials("a:b", "c"), "ws://h/").await.unwrap_err();
    assert!(matches!(error, ConnectError::Proxy(ProxyError::Build(_))), "{error:?}");
}

/// The bytes that a SOCKS5 proxy expects, and its responses, in order.
#[derive(Clone, Copy)]
enum Socks {
    Expect(&'static [u8]),
    Respond(&'static [u8]),
}
use Socks::{Expect, Respond};

async fn socks_proxy(steps: &'static [Socks], upstream: Option<SocketAddr>) -> Proxy {
    let port = server(async move |mut stream| {
        stream.set_nodelay(true).unwrap();
        for step in steps {
            match step {
                Expect(bytes) => {
                    let mut received = vec![0; bytes.len()];
                    stream.read_exact(&mut received).await.unwrap();
                    assert_eq!(received, *bytes);
                }
                Respond(bytes) => {
                    for byte in *bytes {
                        stream.write_u8(*byte).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        if let Some(upstream) = upstream {
            let mut upstream = TcpStream::connect(upstream).await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        }
    })
    .await;
    Proxy::socks5("127.0.0.1", port)
}

#[tokio::test]
async fn socks_proxy_opens_a_tunnel() {
    for (url, steps) in [
        (
            "ws://server.invalid/",
            &[
                Expect(&[5, 1, 0]),
                Respond(&[5, 0]),
                Expect(b"\x05\x01\0\x03\x0eserver.invalid\0\x50"),
                Respond(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]),
            ][..],
        ),
        (
            "ws://127.0.0.1:258/",
            &[
                Expect(&[5, 1, 0]),
                Respond(&[5, 0]),
                Expect(&[5, 1, 0, 1, 127, 0, 0, 1, 1, 2]),
                Respond(b"\x05\0\0\x03\x01h\0\x50"),
            ],
        ),
        (
            "ws://[::1]:258/",
            &[
                Expect(&[5, 1, 0]),
                Respond(&[5, 0]),
                Expect(&[5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2]),
                Respond(&[5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80]),
            ],
        ),
    ] {
        let proxy = socks_proxy(steps, Some(echo_server().await)).await;
        assert_echoes(through(proxy, url).await.unwrap()).await;
    }
}

#[tokio::test]
async fn socks_proxy_receives_credentials() {
    const LOGIN: &[Socks] = &[
        Expect(&[5, 2, 0, 2]),
        Respond(&[5, 2]),
        Expect(b"\x01\x04user\x08password"),
        Respond(&[1, 0]),
        Expect(&[5, 1, 0, 1, 127, 0, 0, 1, 0, 80]),
        Respond(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]),
    ];
    let proxy = socks_proxy(LOGIN, Some(echo_server().await)).await.credentials("user", "password");
    assert_echoes(through(proxy, "ws://127.0.0.1/").await.unwrap()).await;
}

#[tokio::test]
async fn refusals_of_a_socks_proxy_are_errors() {
    for (steps, expected) in [
        (&[Expect(&[5, 2, 0, 2]), Respond(&[5, 0xFF])][..], Some(SocksError::Method)),
        (&[Expect(&[5, 2, 0, 2]), Respond(&[4, 0])], Some(SocksError::Response)),
        (&[Expect(&[5, 2, 0, 2]), Respond(&[5, 2]), Respond(&[1, 1])], Some(SocksError::Login)),
        (&[Respond(&[5, 0]), Respond(&[5, 4, 0, 1])], Some(SocksError::Refused(4))),
        (&[Respond(&[5, 0]), Respond(&[5, 0, 0, 2])], Some(SocksError::Response)),
        (&[Respond(&[5, 0]), Respond(&[5, 0, 0, 1, 127])], None),
        (&[], None),
    ] {
        let proxy = socks_proxy(steps, None).await.credentials("user", "password");
        let error = through(proxy, "ws://server.invalid/").await.unwrap_err();
        match error {
            ConnectError::Proxy(ProxyError::Socks(error)) => assert_eq!(Some(error), expected),
            ConnectError::Proxy(ProxyError::Io(_)) => assert_eq!(expected, None),
            error => panic!("{error:?}"),
        }
    }
    let proxy = socks_proxy(&[], None).await.credentials("user", "p".repeat(256));
    let error = through(proxy, "ws://h/").await.unwrap_err();
    assert!(matches!(error, ConnectError::Proxy(ProxyError::Socks(SocksError::Credentials))), "{error:?}");
}

#[tokio::test]
async fn silent_proxy_is_a_timeout_of_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for proxy in [Proxy::http("127.0.0.1", port), Proxy::socks5("127.0.0.1", port)] {
        let connect = Connect::new("ws://server.invalid/").unwrap().proxy(proxy);
        let error = connect.timeout(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Timeout(ConnectStep::Proxy)), "{error:?}");
    }
}
