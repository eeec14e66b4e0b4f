//! An idle connection has no buffer.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use common::open;
use protocol_websocket::Role;
use protocol_websocket_tokio::{Config, Timeouts, WebSocket};
use test_support::heap::{CountingAllocator, current};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const LEN: usize = 16 * 1024;

/// A masked binary message.
fn frame() -> Vec<u8> {
    [&b"\x82\xFE\x40\0\0\0\0\0"[..], &[7; LEN]].concat()
}

async fn echo_once(websocket: &mut WebSocket<TcpStream>, peer: &mut TcpStream, frame: &[u8], buffer: &mut [u8]) {
    peer.write_all(frame).await.unwrap();
    let message = websocket.recv().await.unwrap().unwrap();
    websocket.send(message).await.unwrap();
    peer.read_exact(buffer).await.unwrap();
}

#[tokio::test]
async fn heap_of_an_idle_connection_is_as_before() {
    for timeouts in [Timeouts::NONE, Timeouts::RECOMMENDED] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (peer, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (mut peer, io) = (peer.unwrap(), accepted.unwrap().0);
        let (frame, mut buffer) = (frame(), vec![0; LEN + 4]);
        let mut websocket = WebSocket::new(io, open(Role::Server, Config::new().timeouts(timeouts)));
        // The buffer of the thread, the timer and the waker exist once.
        echo_once(&mut websocket, &mut peer, &frame, &mut buffer).await;
        let poll = |websocket: &mut WebSocket<TcpStream>| {
            let recv = pin!(websocket.recv());
            assert!(recv.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        };
        poll(&mut websocket);
        let before = current().live;
        for _ in 0..3 {
            echo_once(&mut websocket, &mut peer, &frame, &mut buffer).await;
            assert!(current().live <= before, "{} bytes more", current().live - before);
            // With a read that waits.
            poll(&mut websocket);
            assert!(current().live <= before, "{} bytes more", current().live - before);
        }
    }
}

#[tokio::test]
async fn connection_that_waits_for_its_first_byte_has_little() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (peer, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let (_peer, io) = (peer.unwrap(), accepted.unwrap().0);
    let session = || open(Role::Server, Config::new().timeouts(Timeouts::RECOMMENDED));
    // The buffer of the thread.
    let (other, _other_peer) = tokio::io::duplex(1);
    let mut other = WebSocket::new(other, session());
    assert!(pin!(other.recv()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let before = current().live;
    let mut websocket = WebSocket::new(io, session());
    assert!(pin!(websocket.recv()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let used = current().live - before;
    assert!(used < 2048, "{used} bytes");
}
