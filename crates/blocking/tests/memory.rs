//! An idle connection has no buffer.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use common::open;
use protocol_websocket::Role;
use protocol_websocket_blocking::{Config, Error, EventRef, Timeouts, WebSocket};
use test_support::heap::{CountingAllocator, current, measure};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const LEN: usize = 16 * 1024;

fn pair(timeouts: Timeouts) -> (WebSocket<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let config = Config::new().timeouts(timeouts);
    (WebSocket::new(listener.accept().unwrap().0, open(Role::Server, config)), peer)
}

#[test]
fn heap_of_an_idle_connection_is_as_before() {
    for timeouts in [Timeouts::NONE, Timeouts::RECOMMENDED] {
        let (mut websocket, mut peer) = pair(timeouts);
        // A masked binary message.
        let (frame, mut buffer) = ([&b"\x82\xFE\x40\0\0\0\0\0"[..], &[7; LEN]].concat(), vec![0; LEN + 4]);
        let mut before = None;
        // The first round makes the buffer of the thread.
        for _ in 0..4 {
            peer.write_all(&frame).unwrap();
            websocket.set_timeout(None);
            let message = websocket.recv().unwrap().unwrap();
            websocket.send(message).unwrap();
            peer.read_exact(&mut buffer).unwrap();
            // With a read that waits.
            websocket.set_timeout(Duration::from_millis(1));
            assert!(matches!(websocket.recv(), Some(Err(Error::WouldBlock))));
            let before = *before.get_or_insert_with(|| current().live);
            assert!(current().live <= before, "{} bytes more", current().live - before);
        }
    }
}

#[cfg(feature = "permessage-deflate")]
#[test]
fn idle_connection_releases_the_memory_of_compression() {
    use bytes::BytesMut;
    use protocol_websocket::http::ExtensionParams;
    use protocol_websocket::{Connection, Negotiated, PermessageDeflate, Session};

    let timeouts = Timeouts::NONE.release_memory(Some(Duration::from_millis(5)));
    let config = std::sync::Arc::new(Config::new().extension(PermessageDeflate::new()).timeouts(timeouts));
    let negotiated = Negotiated::default().extension(ExtensionParams::new("permessage-deflate"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let session = Session::new(Connection::open_server(&negotiated, std::sync::Arc::clone(&config)));
    let mut websocket = WebSocket::new(listener.accept().unwrap().0, session);
    let mut client = Connection::open_client(&negotiated, config, |key: &mut [u8]| key.fill(7));
    let mut frame = BytesMut::new();
    client.send("a ".repeat(1000), &mut frame).unwrap();
    peer.write_all(&frame).unwrap();
    let message = websocket.recv().unwrap().unwrap();
    let before = current().live;
    websocket.send(message).unwrap();
    assert!(current().live - before > 250_000, "{} bytes", current().live - before);
    // Each call waits for the next deadline.
    let end = std::time::Instant::now() + Duration::from_secs(30);
    websocket.set_timeout(Duration::from_millis(5));
    while current().live > before {
        assert!(matches!(websocket.recv(), Some(Err(Error::WouldBlock))));
        assert!(std::time::Instant::now() < end, "{} bytes", current().live - before);
    }
}

#[cfg(feature = "rustls")]
#[test]
fn idle_connection_over_tls_has_no_buffer() {
    use std::sync::mpsc::channel;

    use protocol_websocket_blocking::rustls::{ClientConnection, ServerConnection, StreamOwned};
    use protocol_websocket_blocking::{Parts, TlsStream};

    let (server_config, client_config) = common::tls::configs("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let io = TlsStream::new(ServerConnection::new(server_config).unwrap(), listener.accept().unwrap().0);
    let (next_round, rounds) = channel();
    // The heap of its thread is not counted here.
    let peer = std::thread::spawn(move || {
        let client = ClientConnection::new(client_config, "localhost".try_into().unwrap()).unwrap();
        let mut peer = StreamOwned::new(client, peer);
        let (frame, mut buffer) = ([&b"\x82\xFE\x40\0\0\0\0\0"[..], &[7; LEN]].concat(), vec![0; LEN + 4]);
        while rounds.recv().is_ok() {
            peer.write_all(&frame).unwrap();
            peer.read_exact(&mut buffer).unwrap();
        }
    });
    let mut websocket = WebSocket::new(io, open(Role::Server, Config::new().timeouts(Timeouts::RECOMMENDED)));
    let mut before = None;
    for round in 0..6 {
        next_round.send(()).unwrap();
        websocket.set_timeout(None);
        let message = websocket.recv().unwrap().unwrap();
        websocket.send(message).unwrap();
        websocket.set_timeout(Duration::from_millis(1));
        assert!(matches!(websocket.recv(), Some(Err(Error::WouldBlock))));
        let live = current().live;
        // The first rounds make the buffers of the thread and of TLS.
        assert!(round < 3 || before.is_none_or(|before| live <= before), "{live} bytes, {before:?} before");
        before = Some(live);
    }
    let Parts { io, session, .. } = websocket.into_parts();
    assert_eq!((session.input.capacity(), session.unsent.capacity()), (0, 0));
    drop((next_round, io));
    peer.join().unwrap();
}

#[test]
fn lent_messages_are_answered_with_few_allocations() {
    let (mut websocket, mut peer) = pair(Timeouts::NONE);
    let mut buffer = [0; 4];
    let mut echo = || {
        peer.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
        websocket.recv_with(|event, outbox| match event {
            EventRef::Message(message) => outbox.send(message),
            _ => Ok(()),
        });
        websocket.flush().unwrap();
        peer.read_exact(&mut buffer).unwrap();
    };
    // The first round makes the buffer of the thread.
    echo();
    // One for the input, and one for the output.
    let heap = measure(echo).1;
    assert!(heap.allocations <= 2, "{heap:?}");
}
