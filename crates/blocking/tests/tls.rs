//! TLS with certificates that the tests make.
#![cfg(all(feature = "rustls", feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::tls::configs;
use protocol_websocket_blocking::rustls::pki_types::ServerName;
use protocol_websocket_blocking::rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use protocol_websocket_blocking::{
    Accept, CloseCode, Config, Connect, ConnectError, ConnectStep, Error, Limits, Message, Timeouts, TlsStream,
    Transport, WebSocket, accept, config,
};

/// Sends each message back. The TLS handshake is a part of `accept`.
fn server(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let stream = TlsStream::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            thread::spawn(move || {
                // The client may reject the certificate.
                let mut websocket = accept(stream, self::config())?.accept(Accept::new())?;
                while let Some(message) = websocket.recv() {
                    websocket.queue(message?)?;
                }
                Ok::<_, Error>(())
            });
        }
    });
    address
}

fn connect(address: SocketAddr, tls: Arc<ClientConfig>) -> Connect {
    Connect::new(&format!("wss://localhost:{}/", address.port())).unwrap().tls(tls)
}

#[test]
fn messages_pass_through_tls() {
    let (tls_server, tls_client) = configs("localhost");
    let (mut websocket, _) = connect(server(tls_server), tls_client).open().unwrap();
    assert!(websocket.get_ref().is_encrypted());
    assert!(websocket.get_ref().tls().unwrap().peer_certificates().is_some());
    assert!(websocket.get_ref().tcp().nodelay().unwrap());
    for len in [0, 1, 16_384, 100_000, 900_000] {
        let message = Message::from(test_support::noise::noise(7).take(len).collect::<Vec<_>>());
        websocket.queue(message.clone()).unwrap();
        websocket.flush().unwrap();
        assert!(websocket.recv().unwrap().unwrap() == message);
    }
    let ended = websocket.close(CloseCode::NORMAL).unwrap();
    assert!(ended.clean);
}

#[test]
fn parts_of_a_tls_connection_have_no_timeouts() {
    let (tls_server, tls_client) = configs("localhost");
    let (mut websocket, _) = connect(server(tls_server), tls_client).open().unwrap();
    websocket.send("a").unwrap();
    assert_eq!(websocket.recv().unwrap().unwrap(), "a".into());
    let io = websocket.into_parts().io;
    assert_eq!((io.tcp().read_timeout().unwrap(), io.tcp().write_timeout().unwrap()), (None, None));
}

#[test]
fn two_ends_that_both_send_do_not_block_each_other() {
    fn swap<S: Transport>(mut websocket: WebSocket<S>, message: &Message) {
        websocket.queue(message.clone()).unwrap();
        websocket.flush().unwrap();
        assert!(websocket.recv().unwrap().unwrap() == *message);
        assert!(websocket.close(CloseCode::NORMAL).unwrap().clean);
    }

    let (tls_server, tls_client) = configs("localhost");
    let limited = || Config::new().limits(Limits::new(64 << 20)).timeouts(Timeouts::RECOMMENDED);
    let message = Message::from(test_support::noise::noise(7).take(16 << 20).collect::<Vec<_>>());
    let sent = message.clone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let stream = TlsStream::new(ServerConnection::new(tls_server).unwrap(), stream);
        swap(accept(stream, limited()).unwrap().accept(Accept::new()).unwrap(), &sent);
    });
    swap(connect(address, tls_client).config(limited()).open().unwrap().0, &message);
    server.join().unwrap();
}

#[test]
fn wrong_certificate_is_an_error_of_tls() {
    let (tls_server, _) = configs("localhost");
    let (_, other_client) = configs("localhost");
    let error = connect(server(tls_server), other_client).open().unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
    let (tls_server, tls_client) = configs("example.com");
    let error = connect(server(tls_server), tls_client).open().unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
}

#[test]
fn default_configuration_does_not_trust_unknown_certificates() {
    let (tls_server, _) = configs("localhost");
    let connect = Connect::new(&format!("wss://localhost:{}/", server(tls_server).port())).unwrap();
    // Without roots, too: the configuration is missing, and nothing is sent.
    assert!(matches!(connect.open(), Err(ConnectError::Tls(_))));
}

#[test]
fn silent_server_is_a_timeout_of_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = connect(listener.local_addr().unwrap(), configs("localhost").1);
    let error = connect.timeout(Duration::from_millis(50)).open().unwrap_err();
    assert!(matches!(error, ConnectError::Timeout(ConnectStep::Tls)), "{error:?}");
}

#[test]
fn server_that_ends_the_stream_is_an_error_of_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = connect(listener.local_addr().unwrap(), configs("localhost").1);
    let server = thread::spawn(move || drop(listener.accept()));
    let error = connect.open().unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
    server.join().unwrap();
}

#[test]
fn record_that_arrives_byte_by_byte_does_not_extend_the_deadline() {
    let (tls_server, _) = configs("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        // The beginning of a record of 16 KiB.
        let mut record = [22, 3, 1, 64, 0, 1, 0, 63, 252].into_iter().chain(std::iter::repeat(0));
        while stream.write_all(&[record.next().unwrap()]).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let (stream, _) = listener.accept().unwrap();
    let stream = TlsStream::new(ServerConnection::new(tls_server).unwrap(), stream);
    let timeouts = Timeouts::NONE.handshake(Some(Duration::from_millis(50))).close(Some(Duration::from_millis(50)));
    let error = accept(stream, Config::new().timeouts(timeouts)).unwrap_err();
    assert!(matches!(error, Error::Connection(protocol_websocket::Error::Timeout(_))), "{error:?}");
    peer.join().unwrap();
}

#[test]
fn end_of_the_stream_without_a_notice_is_not_clean() {
    let (tls_server, tls_client) = configs("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let client = thread::spawn(move || {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsStream::new(ClientConnection::new(tls_client, name).unwrap(), tcp.try_clone().unwrap());
        assert!(format!("{stream:?}").starts_with("TlsStream { io: "));
        // The TLS handshake is made by the opening handshake.
        let (mut websocket, _) = Connect::new("wss://localhost/").unwrap().over(stream).unwrap();
        websocket.send("a").unwrap();
        tcp.shutdown(std::net::Shutdown::Write).unwrap();
        websocket
    });
    // The client does not end its stream, so this end waits a moment at the end.
    let config = Config::new().timeouts(Timeouts::NONE.close(Some(Duration::from_millis(50))));
    let stream = TlsStream::new(ServerConnection::new(tls_server).unwrap(), listener.accept().unwrap().0);
    let mut websocket = accept(stream, config).unwrap().accept(Accept::new()).unwrap();
    let _client = client.join().unwrap();
    assert_eq!(websocket.recv().unwrap().unwrap(), "a".into());
    let error = websocket.recv().unwrap().unwrap_err();
    assert!(matches!(error, Error::Connection(protocol_websocket::Error::UnexpectedEof)), "{error:?}");
}

#[test]
fn non_blocking_tls_can_be_used() {
    let (tls_server, tls_client) = configs("localhost");
    let name = ServerName::try_from("localhost").unwrap();
    let tcp = TcpStream::connect(server(tls_server)).unwrap();
    let stream = TlsStream::new(ClientConnection::new(tls_client, name).unwrap(), tcp.try_clone().unwrap());
    let (mut websocket, _) = Connect::new("wss://localhost/").unwrap().over(stream).unwrap();
    tcp.set_nonblocking(true).unwrap();
    let message = Message::from(test_support::noise::noise(7).take(900_000).collect::<Vec<_>>());
    for _ in 0..5 {
        websocket.queue(message.clone()).unwrap();
        loop {
            match websocket.recv().unwrap() {
                Err(Error::WouldBlock) => thread::yield_now(),
                received => break assert!(received.unwrap() == message),
            }
        }
    }
}
