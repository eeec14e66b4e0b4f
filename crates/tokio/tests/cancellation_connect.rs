//! A `Connect` over TCP that is polled n times and then dropped, for every n until it completes.
#![cfg(all(feature = "rustls", feature = "server", feature = "url"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{poll_when_woken, tls};
use protocol_websocket_tokio::{Accept, Connect, Message, Proxy, accept, config};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Handles each connection in a task, which ends with its client.
async fn listen<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Sends each message back.
async fn echo(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(incoming) = accept(stream, config()).await else { return };
    let Ok(mut websocket) = incoming.accept(Accept::new()).await else { return };
    while let Some(Ok(message)) = websocket.recv().await {
        let _ = websocket.queue(message);
    }
}

/// Sends a response in pieces.
async fn respond(stream: &mut TcpStream, response: &[u8]) {
    for piece in response.chunks(7) {
        let _ = stream.write_all(piece).await;
        tokio::task::yield_now().await;
    }
}

async fn tunnel(mut stream: TcpStream, target: SocketAddr) {
    let mut upstream = TcpStream::connect(target).await.unwrap();
    let _ = copy_bidirectional(&mut stream, &mut upstream).await;
}

async fn http_proxy(mut stream: TcpStream, target: SocketAddr) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    respond(&mut stream, b"HTTP/1.1 200 Connection established\r\n\r\n").await;
    tunnel(stream, target).await;
}

async fn socks_proxy(mut stream: TcpStream, target: SocketAddr) {
    // Each request of a client without credentials to an IPv4 address, and its response.
    for (len, response) in [(3, &[5, 0][..]), (10, &[5, 0, 0, 1, 127, 0, 0, 1, 0, 80])] {
        if stream.read_exact(&mut [0; 10][..len]).await.is_err() {
            return;
        }
        respond(&mut stream, response).await;
    }
    tunnel(stream, target).await;
}

/// Returns the number of open descriptors of this process.
fn descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

#[tokio::test]
async fn dropped_connect_leaves_no_descriptor_and_no_task() {
    let (server_tls, client_tls) = tls::configs("127.0.0.1");
    let plain = listen(echo).await;
    let encrypted = listen(move |stream| {
        let acceptor = TlsAcceptor::from(Arc::clone(&server_tls));
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                echo(stream).await;
            }
        }
    })
    .await;
    let http = |target| listen(move |stream| http_proxy(stream, target));
    let socks = |target| listen(move |stream| socks_proxy(stream, target));
    let proxies = [http(plain).await, http(encrypted).await];
    let socks_proxies = [socks(plain).await, socks(encrypted).await];
    let urls = [format!("ws://{plain}/"), format!("wss://{encrypted}/")];
    let handle = Handle::current();
    // One task for each listener.
    let tasks = handle.metrics().num_alive_tasks();
    let before = descriptors();
    for index in [0, 1] {
        let direct = Connect::new(&urls[index]).unwrap().tls(Arc::clone(&client_tls));
        let through_http = direct.clone().proxy(Proxy::http("127.0.0.1", proxies[index].port()));
        let through_socks = direct.clone().proxy(Proxy::socks5("127.0.0.1", socks_proxies[index].port()));
        for (name, connect) in [("direct", direct), ("HTTP", through_http), ("SOCKS5", through_socks)] {
            let mut completes = false;
            for n in 0..1000 {
                let connected = poll_when_woken(connect.clone().into_future(), n).await;
                completes = connected.is_some();
                assert!(n > 0 || !completes, "the future was not polled");
                drop(connected.map(Result::unwrap));
                // The servers and proxies end each connection once the client has.
                let ended = async {
                    while handle.metrics().num_alive_tasks() > tasks {
                        tokio::task::yield_now().await;
                    }
                };
                timeout(Duration::from_secs(60), ended).await.expect("a connection is open");
                assert_eq!(descriptors(), before, "{name}, {index}, {n} polls");
                if completes {
                    break;
                }
            }
            assert!(completes, "{name}");
            // Another call connects.
            let (mut websocket, _) = connect.await.unwrap();
            websocket.send("hello").await.unwrap();
            assert_eq!(websocket.recv().await.unwrap().unwrap(), Message::from("hello"));
            assert!(websocket.close(None).await.clean);
        }
    }
}
