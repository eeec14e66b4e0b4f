//! The numbers of messages and bytes, the round trip of a Ping, and the age.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;
use std::time::Duration;

use common::{Op, Peer, Script, drive, messages, open, pair};
use protocol_websocket::Role;
use protocol_websocket_tokio::{
    Accept, CloseCode, Config, Connect, Destination, EventRef, Message, Stats, Timeouts, WebSocket, accept, config,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

/// Returns the numbers of bytes read and written.
fn bytes(stats: Stats) -> (u64, u64) {
    (stats.bytes_read, stats.bytes_written)
}

/// Returns the numbers of messages and of their bytes, those received first.
fn messages_and_payload(stats: Stats) -> ((u64, u64), (u64, u64)) {
    ((stats.messages_received, stats.payload_received), (stats.messages_sent, stats.payload_sent))
}

async fn connected() -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(10_000);
    let server = async { accept(far, config()).await?.accept(Accept::new()).await };
    let client = Connect::to(Destination::new("example.com", "/")).over(near);
    let (client, server) = tokio::join!(client, server);
    (client.unwrap().0, server.unwrap())
}

#[tokio::test]
async fn bytes_of_the_transport_are_counted() {
    let (near, mut far) = duplex(1000);
    let mut websocket = WebSocket::new(near, open(Role::Server, Config::new()));
    assert_eq!((bytes(websocket.stats()), messages_and_payload(websocket.stats())), ((0, 0), ((0, 0), (0, 0))));
    websocket.queue("hello").unwrap();
    assert_eq!(bytes(websocket.stats()), (0, 0), "queued bytes are not written");
    websocket.flush().await.unwrap();
    assert_eq!(bytes(websocket.stats()), (0, 7));
    // Two messages in one read, the beginning of a third one, and a Ping to which the WebSocket replies.
    far.write_all(b"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b\x89\x81\0\0\0\0c\x81\x82\0").await.unwrap();
    for text in ["a", "b"] {
        assert_eq!(websocket.recv().await.unwrap().unwrap(), Message::from(text));
        assert_eq!(bytes(websocket.stats()), (24, 7));
    }
    far.write_all(b"\0\0\0de").await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap(), Message::from("de"));
    websocket.flush().await.unwrap();
    assert_eq!(bytes(websocket.stats()), (29, 10));
    // Bytes after the Close are read and dropped.
    far.write_all(b"\x88\x80\0\0\0\0dropped").await.unwrap();
    far.shutdown().await.unwrap();
    assert!(websocket.recv().await.is_none());
    assert_eq!(bytes(websocket.stats()), (29 + 6 + 7, 10 + 2));
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    assert_eq!(received.len(), 12);
    let stats = websocket.stats();
    assert_eq!((messages_and_payload(stats), stats.unsent), (((3, 4), (1, 5)), 0));
    let stats = WebSocket::from_parts(websocket.into_parts()).stats();
    assert_eq!((bytes(stats), messages_and_payload(stats)), ((0, 0), ((0, 0), (0, 0))));
}

#[tokio::test]
async fn one_end_reads_what_the_other_one_writes() {
    for splits in [false, true] {
        let (mut client, mut server) = connected().await;
        let (client_stats, server_stats) = (client.stats(), server.stats());
        // The handshake.
        assert!(client_stats.bytes_written > 100 && client_stats.bytes_read > 100);
        assert_eq!(bytes(client_stats), (server_stats.bytes_written, server_stats.bytes_read));
        // Not compressible, and with a payload that is read into its own memory.
        let sent = messages(&[0, 1, 300, 2, 300_000]);
        let replies = tokio::spawn(async move {
            while let Some(message) = server.recv().await {
                server.queue(message.unwrap()).unwrap();
            }
            server.stats()
        });
        let client_stats = if splits {
            let (sender, mut receiver) = client.split();
            for message in &sent {
                sender.send(message).await.unwrap();
                assert_eq!(receiver.recv().await.unwrap().unwrap(), *message);
            }
            assert!(sender.close(None).await.clean);
            let (mut stats, of_receiver) = (sender.stats(), receiver.stats());
            assert!(stats.age <= of_receiver.age);
            stats.age = of_receiver.age;
            assert_eq!(stats, of_receiver);
            stats
        } else {
            for message in &sent {
                client.send(message).await.unwrap();
                assert_eq!(client.recv().await.unwrap().unwrap(), *message);
            }
            assert!(client.close(None).await.clean);
            client.stats()
        };
        let server_stats = replies.await.unwrap();
        assert!(client_stats.bytes_written > 300_000, "{client_stats:?}");
        assert_eq!(bytes(client_stats), (server_stats.bytes_written, server_stats.bytes_read));
        let len: usize = sent.iter().map(Message::len).sum();
        let (count, len) = (sent.len() as u64, len as u64);
        assert_eq!(messages_and_payload(client_stats), ((count, len), (count, len)));
        assert_eq!(messages_and_payload(server_stats), ((count, len), (count, len)));
    }
}

#[tokio::test]
async fn lent_messages_are_counted() {
    let (near, mut far) = duplex(1000);
    let mut websocket = WebSocket::new(near, open(Role::Server, Config::new()));
    far.write_all(b"\x81\x81\0\0\0\0a\x82\x82\0\0\0\0bc").await.unwrap();
    for count in 1..=2 {
        websocket
            .recv_with(|event, outbox| assert!(matches!(event, EventRef::Message(_)) && outbox.unsent() == 0))
            .await;
        assert_eq!(websocket.stats().messages_received, count);
    }
    assert_eq!(websocket.stats().payload_received, 3);
}

#[tokio::test(start_paused = true)]
async fn round_trip_and_age_are_measured_with_the_clock_of_the_runtime() {
    let (near, mut far) = duplex(1000);
    let mut websocket = WebSocket::new(near, open(Role::Server, Config::new()));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(websocket.stats().age, Duration::from_secs(5), "nothing was received");
    websocket.queue_ping("p").unwrap();
    websocket.flush().await.unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    far.write_all(b"\x8A\x81\0\0\0\0p\x81\x80\0\0\0\0").await.unwrap();
    websocket.recv().await.unwrap().unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let stats = websocket.stats();
    assert_eq!((stats.round_trip, stats.age), (Some(Duration::from_secs(2)), Duration::from_secs(8)));
}

#[tokio::test]
async fn partial_writes_are_counted_once() {
    let sent = messages(&[0, 125, 126, 5000]);
    for script in [1, 7, 1000, usize::MAX].into_iter().flat_map(|size| Script::new().max_len(size).variants()) {
        let (mut websocket, mut peer) = pair(Role::Client, Config::new(), script);
        for message in &sent {
            drive(websocket.send(message), &mut peer).await.unwrap();
        }
        drive(websocket.close(CloseCode::NORMAL), &mut peer).await;
        peer.step();
        assert_eq!(peer.messages, sent);
        assert_eq!(websocket.stats().bytes_written, peer.received.len() as u64, "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_read_after_a_failed_write_are_counted() {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let (mut websocket, mut peer): (_, Peer) = pair(Role::Server, config, Script::new());
    peer.session.send("0123456789").unwrap();
    peer.step();
    peer.wire.fail(Op::Write, ErrorKind::BrokenPipe);
    assert!(websocket.send("lost").await.is_err());
    assert_eq!(bytes(websocket.stats()), (16, 0));
}
