//! Peers that stop reading, half-close or reset, and the end of the stream over TCP.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use common::{Script, drive, messages, open, pair, poll_at_most};
use futures_util::SinkExt as _;
use protocol_websocket::Role;
use protocol_websocket_tokio::{CloseCode, Config, Error, Message, WebSocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const MARK: usize = 10_000;

#[tokio::test]
async fn ready_waits_until_a_slow_peer_reads() {
    let config = Config::new().high_water_mark(MARK);
    let (mut websocket, mut peer) = pair(Role::Server, config, Script { capacity: 1000, ..Script::new() });
    peer.is_stopped = true;
    let sent = messages(&[3000; 20]);
    let mut queued = 0;
    // A loop that waits for `ready` keeps the high-water mark and one message at most.
    while poll_at_most(websocket.ready(), 3, &mut peer).is_some() {
        websocket.queue(&sent[queued]).unwrap();
        queued += 1;
        assert!(websocket.unsent() <= MARK + 3004);
    }
    assert!(queued < sent.len());
    assert!(poll_at_most(websocket.feed("late".into()), 3, &mut peer).is_none(), "a sink waits, too");
    peer.is_stopped = false;
    for message in &sent[queued..] {
        drive(websocket.ready(), &mut peer).await.unwrap();
        websocket.queue(message).unwrap();
    }
    drive(websocket.flush(), &mut peer).await.unwrap();
    peer.step();
    assert_eq!(peer.messages, sent);
}

#[tokio::test]
async fn peer_that_does_not_read_is_not_read() {
    let config = Config::new().high_water_mark(MARK);
    let (mut websocket, mut peer) =
        pair(Role::Server, config, Script { capacity: 1000, ..Script::new().max_len(2000) });
    let sent = messages(&[500; 1000]);
    peer.send_all(&sent);
    peer.is_stopped = true;
    let mut replies = 0;
    while let Some(message) = poll_at_most(websocket.recv(), 3, &mut peer) {
        websocket.queue(message.unwrap().unwrap()).unwrap();
        replies += 1;
    }
    // The mark, and the replies to the read that goes over it and to the next one.
    assert!(websocket.unsent() <= MARK + 2 * 2000, "{}", websocket.unsent());
    assert!(replies < 50, "{replies}");
    // Pings do not add to it.
    for _ in 0..1000 {
        peer.session.ping([0; 100]).unwrap();
    }
    let unsent = websocket.unsent();
    assert!(poll_at_most(websocket.recv(), 3, &mut peer).is_none());
    assert_eq!(websocket.unsent(), unsent, "only the program queues");
    // The peer reads again.
    peer.is_stopped = false;
    for _ in replies..sent.len() {
        let message = drive(websocket.recv(), &mut peer).await.unwrap().unwrap();
        websocket.queue(message).unwrap();
    }
    drive(websocket.flush(), &mut peer).await.unwrap();
    peer.step();
    assert_eq!(peer.messages, sent);
}

#[tokio::test]
async fn two_ends_that_both_send_do_not_block_each_other() {
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script { capacity: 1000, ..Script::new() });
    let sent = messages(&[5000; 3]);
    // While `send` waits, a Ping is replied to.
    peer.session.ping("a").unwrap();
    peer.step();
    peer.is_stopped = true;
    assert!(poll_at_most(websocket.send(&sent[0]), 3, &mut peer).is_none());
    assert!(websocket.unsent() > 4000);
    peer.is_stopped = false;
    drive(websocket.flush(), &mut peer).await.unwrap();
    peer.send_all(&sent);
    for message in &sent {
        drive(websocket.send(message), &mut peer).await.unwrap();
    }
    for message in &sent {
        assert_eq!(drive(websocket.recv(), &mut peer).await.unwrap().unwrap(), *message);
    }
}

#[tokio::test]
async fn half_closed_peer_receives_what_was_queued() {
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script { capacity: 10, ..Script::new() });
    let sent = messages(&[3000, 5]);
    sent.iter().for_each(|message| websocket.queue(message).unwrap());
    peer.send_all(&["last".into()]);
    peer.wire.end();
    assert_eq!(drive(websocket.recv(), &mut peer).await.unwrap().unwrap(), "last".into());
    let error = drive(websocket.recv(), &mut peer).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Connection(protocol_websocket::Error::UnexpectedEof)));
    peer.step();
    assert_eq!(peer.messages, sent);
    assert!(peer.wire.has_shut_down());
}

async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let (client, server) = tokio::join!(client, listener.accept());
    (client.unwrap(), server.unwrap().0)
}

#[tokio::test]
async fn peer_reads_the_close_of_a_failure_and_no_reset() {
    let (mut peer, io) = tcp().await;
    // After the frame that is not masked, more input follows than is read at once.
    peer.write_all(b"\x81\x02hi").await.unwrap();
    let (mut reader, mut writer) = peer.into_split();
    let writer = tokio::spawn(async move {
        for _ in 0..100 {
            if writer.write_all(&[0; 10_000]).await.is_err() {
                return Err(());
            }
        }
        Ok(writer)
    });
    let server = tokio::spawn(async move {
        let mut websocket = WebSocket::new(io, open(Role::Server, Config::new()));
        websocket.recv().await
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).await.expect("the peer reads the end of the stream, not a reset");
    assert_eq!(received, b"\x88\x02\x03\xEA");
    let writer = writer.await.unwrap();
    assert!(writer.is_ok(), "everything that the peer sent was read");
    drop(writer);
    assert!(matches!(server.await.unwrap(), Some(Err(Error::Connection(protocol_websocket::Error::Decode(_))))));
}

#[tokio::test]
async fn close_over_tcp_ends_with_the_stream_of_the_peer() {
    let (client, server) = tcp().await;
    let mut client = WebSocket::new(client, open(Role::Client, Config::new()));
    let mut server = WebSocket::new(server, open(Role::Server, Config::new()));
    client.queue("before").unwrap();
    let (ended, received) = tokio::join!(client.close(CloseCode::GOING_AWAY), async {
        (server.recv().await.unwrap().unwrap(), server.recv().await.is_none())
    });
    assert!(ended.clean && ended.code == CloseCode::GOING_AWAY);
    assert_eq!(received, (Message::from("before"), true));
    assert!(server.ended().unwrap().clean);
}

#[tokio::test]
async fn reset_by_the_peer_is_an_error() {
    let (client, server) = tcp().await;
    // Closing with unread input resets the connection.
    let mut websocket = WebSocket::new(server, open(Role::Server, Config::new()));
    websocket.send("unread").await.unwrap();
    client.readable().await.unwrap();
    drop(client);
    let error = websocket.recv().await.unwrap().unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::ConnectionReset), "{error:?}");
    assert!(websocket.recv().await.is_none());
    assert!(!websocket.close(None).await.clean);
}

#[tokio::test]
async fn waiting_writer_is_woken_when_a_tcp_peer_reads() {
    let (mut client, server) = tcp().await;
    let mut websocket = WebSocket::new(server, open(Role::Server, Config::new()));
    let message = vec![7; 20_000_000];
    let send = tokio::spawn(async move {
        websocket.send(&message[..]).await.unwrap();
        websocket
    });
    let mut received = 0;
    let mut buffer = vec![0; 1 << 20];
    while received < 20_000_010 {
        received += client.read(&mut buffer).await.unwrap();
    }
    assert_eq!(send.await.unwrap().unsent(), 0);
}

#[tokio::test]
async fn task_that_stopped_using_the_websocket_is_not_kept() {
    struct Task;
    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }
    let task = Arc::new(Task);
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script { capacity: 10, ..Script::new() });
    {
        let waker = Waker::from(Arc::clone(&task));
        let mut send = pin!(websocket.send("longer than the transport takes"));
        let poll = send.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(matches!(poll, Poll::Pending));
    }
    peer.send_all(&["a".into()]);
    drive(websocket.recv(), &mut peer).await.unwrap().unwrap();
    assert_eq!(Arc::strong_count(&task), 1);
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_both_send_more_than_the_mark_do_not_block_each_other() {
    let (client, server) = tokio::io::duplex(1000);
    let mut client = WebSocket::new(client, open(Role::Client, protocol_websocket_tokio::config()));
    let mut server = WebSocket::new(server, open(Role::Server, protocol_websocket_tokio::config()));
    let message = Message::from(vec![7; 1_000_000]);
    async fn send_and_recv(websocket: &mut WebSocket<tokio::io::DuplexStream>, message: &Message) -> Message {
        websocket.send(message).await.unwrap();
        websocket.recv().await.unwrap().unwrap()
    }
    let received = tokio::join!(send_and_recv(&mut client, &message), send_and_recv(&mut server, &message));
    assert_eq!(received, (message.clone(), message));
}

/// Returns two connected ends whose transport buffers 64 KiB in each direction.
fn duplex_pair() -> [WebSocket<tokio::io::DuplexStream>; 2] {
    let (client, server) = tokio::io::duplex(65_536);
    [(client, Role::Client), (server, Role::Server)]
        .map(|(io, role)| WebSocket::new(io, open(role, protocol_websocket_tokio::config())))
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_queue_more_than_the_mark_and_then_receive_do_not_block_each_other() {
    async fn run(websocket: &mut WebSocket<tokio::io::DuplexStream>) {
        // In the second round, an event was returned before.
        for round in 1..=2_u8 {
            for _ in 0..3 {
                websocket.queue(vec![round; 1_000_000]).unwrap();
            }
            for _ in 0..3 {
                assert_eq!(websocket.recv().await.unwrap().unwrap(), Message::from(vec![round; 1_000_000]));
                // Short replies, for example of what has arrived.
                websocket.queue([0]).unwrap();
            }
            for _ in 0..3 {
                assert_eq!(websocket.recv().await.unwrap().unwrap().len(), 1);
            }
        }
        // The peer waits for the last reply.
        websocket.flush().await.unwrap();
    }
    let [mut client, mut server] = duplex_pair();
    tokio::join!(run(&mut client), run(&mut server));
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_close_over_the_mark_do_not_block_each_other() {
    let [mut client, mut server] = duplex_pair();
    // The client has received something over the high-water mark before, and then has queued more.
    client.queue(vec![1; 1_000_000]).unwrap();
    server.send("a").await.unwrap();
    client.recv().await.unwrap().unwrap();
    for websocket in [&mut client, &mut server] {
        websocket.queue(vec![1; 1_000_000]).unwrap();
    }
    let (client, server) = tokio::join!(client.close(CloseCode::NORMAL), server.close(CloseCode::NORMAL));
    assert!(client.clean && server.clean, "{client:?} {server:?}");
}
