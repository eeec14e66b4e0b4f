//! An idle connection has no buffer.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use common::{open, tls};
use protocol_websocket::Role;
use protocol_websocket_tokio::{
    Accept, Config, Drain, Error, EventRef, Message, Parts, Timeouts, WebSocket, accept, config,
};
use test_support::heap::{CountingAllocator, current};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector, server::TlsStream};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const LEN: usize = 16 * 1024;

/// A masked binary message.
fn frame() -> Vec<u8> {
    [&b"\x82\xFE\x40\0\0\0\0\0"[..], &[7; LEN]].concat()
}

async fn echo_once<S, P>(websocket: &mut WebSocket<S>, peer: &mut P, frame: &[u8], buffer: &mut [u8])
where
    S: AsyncRead + AsyncWrite + Unpin,
    P: AsyncRead + AsyncWrite + Unpin,
{
    peer.write_all(frame).await.unwrap();
    peer.flush().await.unwrap();
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

/// A connection, and a peer whose frames have 16 KiB with their headers, so a read of 64 KiB has four.
struct Pair {
    peer: DuplexStream,
    websocket: WebSocket<DuplexStream>,
}

impl Pair {
    /// Returns a connection that has received four messages in one read.
    async fn after_full_read() -> Self {
        let (io, peer) = tokio::io::duplex(1024 * 1024);
        let mut pair = Self { peer, websocket: WebSocket::new(io, open(Role::Server, Config::new())) };
        pair.receive_four().await;
        pair
    }

    async fn receive_four(&mut self) -> Vec<Message> {
        let frame = [&b"\x82\xFE\x3F\xF8\0\0\0\0"[..], &[7; LEN - 8]].concat();
        self.peer.write_all(&frame.repeat(4)).await.unwrap();
        let mut messages = Vec::new();
        for _ in 0..4 {
            messages.push(self.websocket.recv().await.unwrap().unwrap());
        }
        messages
    }
}

#[tokio::test]
async fn messages_share_the_memory_of_a_read_after_a_full_read() {
    let mut pair = Pair::after_full_read().await;
    let messages = pair.receive_four().await;
    let addresses: Vec<usize> = messages.iter().map(|message| message.as_bytes().as_ptr().addr()).collect();
    assert!(addresses.windows(2).all(|two| two[1] - two[0] == LEN), "{addresses:?}");
    assert!(messages.iter().all(|message| message.as_bytes()[..] == [7; LEN - 8]));
}

#[tokio::test]
async fn short_message_after_a_full_read_keeps_little_memory() {
    let mut pair = Pair::after_full_read().await;
    pair.peer.write_all(b"\x82\x83\0\0\0\0abc").await.unwrap();
    let before = current().live;
    let message = pair.websocket.recv().await.unwrap().unwrap();
    assert_eq!(message.as_bytes()[..], *b"abc");
    let used = current().live - before;
    assert!(used < 256, "{used} bytes");
}

#[tokio::test]
async fn message_after_a_full_read_keeps_at_most_twice_its_read() {
    for len in [1000, 20_000, 32_700, 40_000] {
        let mut pair = Pair::after_full_read().await;
        let header = [&b"\x82\xFE"[..], &u16::try_from(len).unwrap().to_be_bytes(), &[0; 4]].concat();
        pair.peer.write_all(&[&header[..], &vec![7; len]].concat()).await.unwrap();
        let before = current().live;
        let message = pair.websocket.recv().await.unwrap().unwrap();
        assert_eq!(message.len(), len);
        let (used, read) = (current().live - before, i64::try_from(header.len() + len).unwrap());
        let most = if read < 32 * 1024 { read } else { 2 * read };
        assert!(used <= most + 200, "{used} bytes for {len}");
    }
}

#[tokio::test]
async fn connection_that_waits_after_a_full_read_has_no_buffer() {
    let mut pair = Pair::after_full_read().await;
    let before = current().live;
    for reads in [0, 1, 2, 3] {
        for _ in 0..reads {
            drop(pair.receive_four().await);
        }
        assert!(pin!(pair.websocket.recv()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(current().live <= before, "{} bytes more", current().live - before);
    }
}

#[tokio::test]
async fn receiver_that_takes_nothing_keeps_the_memory_of_few_reads() {
    let (io, mut peer) = tokio::io::duplex(128 * 1024);
    let (_sender, mut receiver) = WebSocket::new(io, open(Role::Server, Config::new())).split();
    // The pongs are dropped. They fill reads of 64 KiB, whose memory the message keeps.
    let block = [&b"\x82\x84\0\0\0\0mmmm"[..], &b"\x8A\x80\0\0\0\0".repeat(10_921)].concat();
    let before = current().live;
    let writer = tokio::spawn(async move {
        for _ in 0..100 {
            peer.write_all(&block).await.unwrap();
        }
        peer
    });
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert!(!writer.is_finished());
    let used = current().live - before;
    assert!(used < 1024 * 1024, "{used} bytes");
    for _ in 0..100 {
        assert_eq!(receiver.recv().await.unwrap().unwrap().as_bytes()[..], *b"mmmm");
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn idle_connection_over_tls_has_no_buffer() {
    let (server_config, client_config) = tls::configs("localhost");
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (io, peer) = tokio::join!(
        TlsAcceptor::from(server_config).accept(near),
        TlsConnector::from(client_config).connect("localhost".try_into().unwrap(), far),
    );
    let (io, mut peer): (TlsStream<DuplexStream>, _) = (io.unwrap(), peer.unwrap());
    let (frame, mut buffer) = (frame(), vec![0; LEN + 4]);
    let mut websocket = WebSocket::new(io, open(Role::Server, Config::new().timeouts(Timeouts::RECOMMENDED)));
    let mut before = None;
    for round in 0..6 {
        echo_once(&mut websocket, &mut peer, &frame, &mut buffer).await;
        assert!(pin!(websocket.recv()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let live = current().live;
        // The first rounds make the buffers of both TLS connections and of the transport.
        assert!(round < 3 || before.is_none_or(|before| live <= before), "{live} bytes, {before:?} before");
        before = Some(live);
    }
    // Without that of TLS.
    let before = current().live;
    let Parts { io, session, .. } = websocket.into_parts();
    assert_eq!((session.input.capacity(), session.unsent.capacity()), (0, 0));
    drop(session);
    let used = before - current().live - i64::try_from(size_of_val(&io)).unwrap();
    assert!((0..=1150).contains(&used), "{used} bytes");
}

#[tokio::test]
async fn ended_and_dropped_connections_leave_no_memory_and_no_task() {
    let config = || Config::new().timeouts(Timeouts::RECOMMENDED);
    // The first round has what the thread and the runtime keep.
    let mut before = None;
    for _ in 0..3 {
        for (closes, splits) in [(false, false), (true, false), (false, true), (true, true)] {
            let (near, far) = tokio::io::duplex(1000);
            let client = tokio::spawn(async move {
                let mut client = WebSocket::new(far, open(Role::Client, config()));
                while client.recv().await.is_some_and(|message| message.is_ok()) {}
            });
            let mut server = WebSocket::new(near, open(Role::Server, config()));
            server.send("hello").await.unwrap();
            // The timer is set.
            assert!(pin!(server.recv()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
            match (closes, splits) {
                (false, false) => drop(server),
                (true, false) => assert!(server.close(None).await.clean),
                (false, true) => drop(server.split()),
                (true, true) => assert!(server.split().0.close(None).await.clean),
            }
            client.await.unwrap();
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        }
        let live = current().live;
        assert!(before.is_none_or(|before| live <= before), "{live} bytes, {before:?} before");
        before = Some(live);
    }
}

#[tokio::test]
async fn connections_that_have_ended_leave_no_name_in_a_drain() {
    let drain = Drain::new();
    let mut before = None;
    for _ in 0..100 {
        let (near, _far) = tokio::io::duplex(1000);
        let server = WebSocket::new(near, open(Role::Server, Config::new()));
        drain.watch_as(&server, "a name of fifty bytes, longer than what is rounded");
        drop(server);
        let live = current().live;
        assert!(before.is_none_or(|before| live <= before), "{live} bytes, {before:?} before");
        before = Some(live);
    }
}

#[tokio::test]
async fn echo_of_a_short_message_needs_at_most_two_allocations() {
    let (io, mut peer) = tokio::io::duplex(1000);
    let mut websocket = WebSocket::new(io, open(Role::Server, Config::new().timeouts(Timeouts::RECOMMENDED)));
    let mut reply = [0; 4];
    for (lends, most) in [(false, 2), (true, 1)] {
        for round in 0..10 {
            let before = current().allocations;
            peer.write_all(b"\x81\x82\0\0\0\0hi").await.unwrap();
            if lends {
                let sent = websocket.recv_with(|event, outbox| match event {
                    EventRef::Message(message) => outbox.send(message),
                    _ => panic!("{event:?}"),
                });
                sent.await.unwrap().unwrap().unwrap();
            } else {
                let message = websocket.recv().await.unwrap().unwrap();
                websocket.queue(message).unwrap();
            }
            websocket.flush().await.unwrap();
            peer.read_exact(&mut reply).await.unwrap();
            // The first round makes the buffer of the thread and the timer.
            let allocations = current().allocations - before;
            assert!(round == 0 || allocations <= most, "{allocations}, lends: {lends}");
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
    assert!(used <= 1150, "{used} bytes");
}

/// The loop of the README.
async fn serve(stream: TcpStream, config: Arc<Config>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut websocket = accept(stream, config).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}

#[tokio::test]
async fn idle_connection_has_at_most_1400_bytes_with_its_task_and_socket() {
    const COUNT: i64 = 50;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, config) = (listener.local_addr().unwrap(), Arc::new(config()));
    // Sockets of std, which have no memory in this process.
    let (mut peers, mut response) = (Vec::with_capacity(51), [0; 129]);
    let mut before = 0;
    for number in 0..=COUNT {
        if number == 1 {
            // The first connection made the buffer of the thread, and the collections of the runtime.
            before = current().live;
        }
        let mut peer = std::net::TcpStream::connect(address).unwrap();
        tokio::spawn(serve(listener.accept().await.unwrap().0, Arc::clone(&config)));
        peer.write_all(test_support::heads::REQUEST.as_bytes()).unwrap();
        peer.set_nonblocking(true).unwrap();
        while peer.read(&mut response).is_err() {
            tokio::task::yield_now().await;
        }
        assert!(response.starts_with(b"HTTP/1.1 101 "));
        peers.push(peer);
        tokio::task::yield_now().await;
    }
    let used = (current().live - before) / COUNT;
    assert!(used <= 1400, "{used} bytes");
}

#[cfg(feature = "permessage-deflate")]
#[tokio::test]
async fn release_memory_frees_the_windows_of_compression() {
    use protocol_websocket_tokio::Connect;
    use protocol_websocket_tokio::protocol_websocket::http::Destination;

    for splits in [false, true] {
        let (near, far) = tokio::io::duplex(4096);
        let server = async { accept(near, config()).await?.accept(Accept::new()).await };
        let (client, server) = tokio::join!(Connect::to(Destination::new("localhost", "/")).over(far), server);
        let (mut client, mut server) = (client.unwrap().0, server.unwrap());
        client.send("a ".repeat(1000)).await.unwrap();
        let message = server.recv().await.unwrap().unwrap();
        let release = if splits {
            let (sender, receiver) = server.split();
            sender.send(message).await.unwrap();
            let before = current().live;
            sender.release_memory();
            drop(receiver);
            before - current().live
        } else {
            server.send(message).await.unwrap();
            let before = current().live;
            server.release_memory();
            before - current().live
        };
        assert!(release > 100_000, "{release} bytes");
        assert_eq!(client.recv().await.unwrap().unwrap().len(), 2000);
    }
}
