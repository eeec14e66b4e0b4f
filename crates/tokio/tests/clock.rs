//! The deadlines, with a clock that the tests control.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Op, Peer, Script, drive, open, pair};
use futures_util::StreamExt as _;
use protocol_websocket::{Delivery, Role, Timeout};
use protocol_websocket_tokio::{
    Accept, CloseCode, Config, Connect, ConnectError, Drain, Error, Reject, Timeouts, WebSocket, accept, config,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, timeout};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn recommended() -> Config {
    Config::new().timeouts(Timeouts::RECOMMENDED)
}

fn is_timeout(error: &Error, timeout: Timeout) -> bool {
    matches!(error, Error::Connection(protocol_websocket::Error::Timeout(actual)) if *actual == timeout)
}

#[tokio::test(start_paused = true)]
async fn silent_peer_is_pinged_after_20_s_and_times_out_after_40_s() {
    let (mut websocket, peer) = pair(Role::Server, recommended(), Script::new());
    let start = Instant::now();
    assert!(timeout(secs(19), websocket.recv()).await.is_err());
    assert_eq!(peer.wire.take_output().0, b"");
    assert!(timeout(secs(2), websocket.recv()).await.is_err());
    assert_eq!(peer.wire.take_output().0, *b"\x89\0", "a Ping");
    peer.wire.end();
    let error = websocket.recv().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Connection(protocol_websocket::Error::UnexpectedEof)));

    let (mut websocket, peer) = pair(Role::Server, recommended(), Script::new());
    let first = Instant::now();
    let wait = websocket.recv();
    let error = wait.await.unwrap().unwrap_err();
    assert!(is_timeout(&error, Timeout::Pong), "{error:?}");
    // 10 s of them, the end of the stream is awaited.
    assert_eq!((first.elapsed().as_secs(), start.elapsed() > secs(70)), (50, true));
    assert_eq!(peer.wire.take_output().0, *b"\x89\0\x88\x02\x03\xF3", "a Ping, and a Close with 1011");
    assert!(websocket.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn session_of_another_loop_keeps_its_clock() {
    let mut session = open(Role::Server, recommended());
    session.handle_timeout(secs(100_000));
    let (near, mut far) = tokio::io::duplex(100);
    let mut websocket = WebSocket::new(near, session);
    assert!(timeout(secs(21), websocket.recv()).await.is_err());
    let mut ping = [0; 2];
    assert_eq!((far.read(&mut ping).await.unwrap(), ping), (2, *b"\x89\0"));
}

#[tokio::test(start_paused = true)]
async fn peer_that_replies_to_pings_stays() {
    let (mut websocket, mut peer) = pair(Role::Client, recommended(), Script::new());
    let recv = timeout(secs(86_010), websocket.recv());
    assert!(drive(recv, &mut peer).await.is_err());
    assert_eq!(peer.pings, 86_010 / 20);
}

#[tokio::test(start_paused = true)]
async fn peer_that_sends_no_close_times_out() {
    for role in [Role::Client, Role::Server] {
        let (mut websocket, mut peer) = pair(role, recommended(), Script::new());
        peer.is_stopped = true;
        // The timer is set to the next ping, which is later than the deadline of the Close.
        assert!(timeout(secs(1), websocket.recv()).await.is_err());
        let start = Instant::now();
        let ended = drive(websocket.close(None), &mut peer).await;
        assert_eq!(ended.error, Some(protocol_websocket::Error::Timeout(Timeout::Close)));
        assert_eq!(start.elapsed().as_secs(), 10, "no further time for the end of the stream");
        assert!(peer.wire.has_shut_down());
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_keeps_sending_does_not_move_the_deadline_of_a_close() {
    for is_pending_between in [false, true] {
        let script = Script { is_pending_between, ..Script::new().max_len(1000) };
        let (mut websocket, mut peer) = pair(Role::Server, recommended(), script);
        let mut close = pin!(websocket.close(None));
        let mut waits = 0;
        let ended = loop {
            peer.session.send(&vec![0; 100_000][..]).unwrap();
            let unsent = peer.session.unsent_chunks().collect::<Vec<_>>().concat();
            peer.session.written(unsent.len(), Duration::ZERO);
            peer.wire.push(&unsent);
            if let Ok(ended) = timeout(secs(1), close.as_mut()).await {
                break ended;
            }
            waits += 1;
            assert!(waits < 30, "the deadline did not pass");
        };
        assert_eq!(ended.error, Some(protocol_websocket::Error::Timeout(Timeout::Close)));
    }
}

/// A transport whose reads are ready at all times, and take a second each.
struct Flood(Vec<u8>);

impl AsyncRead for Flood {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut advance = pin!(tokio::time::advance(secs(1)));
        let _ = advance.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        buffer.put_slice(&self.0);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Flood {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn transport_that_is_always_ready_does_not_move_the_deadline_of_a_close() {
    let mut websocket = WebSocket::new(Flood(b"\x82\x80\0\0\0\0".repeat(10_000)), open(Role::Server, recommended()));
    let ended = websocket.close(None).await;
    assert_eq!(ended.error, Some(protocol_websocket::Error::Timeout(Timeout::Close)));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_arrive_while_the_program_is_busy_are_in_time() {
    let (mut websocket, mut peer) = pair(Role::Server, recommended(), Script::new());
    assert!(timeout(secs(30), websocket.recv()).await.is_err());
    // The Pong arrives, and the program polls an hour later.
    assert!(peer.step());
    tokio::time::advance(secs(3600)).await;
    websocket.queue("a write before the read").unwrap();
    let recv = timeout(secs(19), websocket.recv());
    assert!(drive(recv, &mut peer).await.is_err(), "the connection is open");
    assert!(websocket.ended().is_none());
}

#[tokio::test(start_paused = true)]
async fn handshake_has_a_deadline() {
    let start = Instant::now();
    let (io, mut peer) = Peer::client(Script::new());
    peer.is_stopped = true;
    peer.wire.push(b"GET / HTTP/1.1\r\n");
    let error = drive(accept(io, config()), &mut peer).await.unwrap_err();
    assert!(is_timeout(&error, Timeout::Handshake), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 20);
    assert!(peer.wire.take_output().0.starts_with(b"HTTP/1.1 408 "));

    let (io, mut peer) = Peer::server(Script::new());
    peer.is_stopped = true;
    let error = drive(Connect::new("ws://example.com/").unwrap().over(io), &mut peer).await.unwrap_err();
    assert!(matches!(&error, ConnectError::WebSocket(error) if is_timeout(error, Timeout::Handshake)), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 30, "the error does not wait for the end of the stream");
}

#[tokio::test(start_paused = true)]
async fn deadline_of_the_handshake_goes_on_while_the_program_decides() {
    for rejects in [false, true] {
        for wait in [secs(9), secs(11)] {
            let (io, mut peer) = Peer::client(Script::new());
            let incoming = drive(accept(io, config()), &mut peer).await.unwrap();
            tokio::time::sleep(wait).await;
            peer.is_stopped = true;
            peer.wire.end();
            let result = match rejects {
                true => incoming.reject(&Reject::new(404)).await,
                false => incoming.accept(Accept::new()).await.map(drop),
            };
            let response = peer.wire.take_output().0;
            if wait < secs(10) {
                result.unwrap();
                assert!(response.starts_with(if rejects { b"HTTP/1.1 404 " } else { b"HTTP/1.1 101 " }));
            } else {
                let error = result.unwrap_err();
                assert!(is_timeout(&error, Timeout::Handshake), "{error:?}");
                assert!(response.starts_with(b"HTTP/1.1 408 "));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn client_lets_the_server_end_the_stream_first() {
    for closes_first in [false, true] {
        let (mut websocket, peer) = pair(Role::Client, recommended(), Script::new());
        if closes_first {
            assert!(timeout(secs(1), websocket.close(CloseCode::NORMAL)).await.is_err());
        }
        let start = Instant::now();
        peer.wire.push(b"\x88\x02\x03\xE8");
        assert!(timeout(secs(1), websocket.recv()).await.is_err());
        assert!(!peer.wire.has_shut_down());
        peer.wire.end();
        assert!(websocket.recv().await.is_none());
        assert!(peer.wire.has_shut_down());
        assert_eq!(start.elapsed().as_secs(), 1);
    }
    // A server that waits for the client.
    let (mut websocket, peer) = pair(Role::Client, recommended(), Script::new());
    peer.wire.push(b"\x88\x02\x03\xE8");
    assert!(timeout(secs(3), websocket.recv()).await.is_err());
    assert!(peer.wire.has_shut_down());
    peer.wire.end();
    assert!(websocket.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn ping_interval_of_zero_sends_no_pings() {
    let timeouts = Timeouts::NONE.ping_interval(Some(Duration::ZERO));
    let (mut websocket, peer) = pair(Role::Server, Config::new().timeouts(timeouts), Script::new());
    assert!(timeout(secs(1), websocket.recv()).await.is_err());
    assert_eq!(peer.wire.take_output().0, b"");
}

#[tokio::test(start_paused = true)]
async fn idle_deadline_pauses_while_send_waits_with_a_message_in_front() {
    let script = Script { capacity: 1000, ..Script::new() };
    let config = Config::new().timeouts(Timeouts::RECOMMENDED.idle(Some(secs(60))));
    let (mut websocket, mut peer) = pair(Role::Server, config, script);
    peer.send_all(&["in front".into()]);
    assert!(timeout(secs(3600), websocket.send(&vec![0; 5000][..])).await.is_err());
    assert!(websocket.ended().is_none() && websocket.unsent() > 0);
    drive(websocket.flush(), &mut peer).await.unwrap();
    assert_eq!(drive(websocket.recv(), &mut peer).await.unwrap().unwrap(), "in front".into());
}

#[tokio::test(start_paused = true)]
async fn send_keeps_the_deadlines_while_no_message_is_in_front() {
    let script = Script { capacity: 1000, ..Script::new() };
    let (mut websocket, _peer) = pair(Role::Server, recommended(), script);
    let start = Instant::now();
    let error = websocket.send(&vec![0; 5000][..]).await.unwrap_err();
    // The Close stands after bytes that the peer does not read, and is discarded with them.
    assert!(is_timeout(&error, Timeout::Close), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 50);
    let error = websocket.recv().await.unwrap().unwrap_err();
    assert!(is_timeout(&error, Timeout::Pong), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn end_does_not_wait_for_a_transport_that_buffers() {
    // As TLS: a write succeeds, and the flush waits for the peer.
    let script = Script { write_buffer: Some(1000), capacity: 0, ..Script::new() };
    let start = Instant::now();
    let (mut websocket, _peer) = pair(Role::Server, recommended(), script);
    let error = websocket.recv().await.unwrap().unwrap_err();
    assert!(is_timeout(&error, Timeout::Pong), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 50);
    assert!(is_timeout(&websocket.flush().await.unwrap_err(), Timeout::Close), "not everything was written");

    let (mut websocket, _peer) = pair(Role::Client, recommended(), script);
    let ended = websocket.close(CloseCode::NORMAL).await;
    assert!(!ended.clean);
}

#[tokio::test(start_paused = true)]
async fn half_closed_peer_that_does_not_read_loses_the_connection() {
    let script = Script { capacity: 1000, ..Script::new() };
    let (mut websocket, peer) = pair(Role::Server, recommended(), script);
    peer.wire.end();
    let error = websocket.send(&vec![0; 5000][..]).await.unwrap_err();
    assert!(is_timeout(&error, Timeout::Close), "{error:?}");
    assert_eq!(websocket.unsent(), 0);
}

#[tokio::test(start_paused = true)]
async fn connection_without_deadlines_lingers_for_a_limited_time() {
    let (mut websocket, mut peer) = pair(Role::Server, Config::new(), Script::new());
    peer.wire.push(b"\x81\x02hi"); // not masked
    peer.is_stopped = true;
    let start = Instant::now();
    let error = drive(websocket.recv(), &mut peer).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Connection(protocol_websocket::Error::Decode(_))));
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(peer.wire.take_output(), (b"\x88\x02\x03\xEA".to_vec(), true));
}

#[tokio::test(start_paused = true)]
async fn half_that_reads_learns_of_deadlines_and_errors_of_the_half_that_writes() {
    use futures_util::{SinkExt as _, StreamExt as _};
    // The sink's Close has a deadline, which the task that reads must keep.
    let timeouts = Timeouts::NONE.close(Some(secs(10)));
    let (websocket, _peer) = pair(Role::Server, Config::new().timeouts(timeouts), Script::new());
    let (mut sink, mut stream) = futures_util::StreamExt::split(websocket);
    let reader = tokio::spawn(async move { stream.next().await });
    tokio::task::yield_now().await;
    sink.close().await.unwrap();
    let ended = timeout(secs(3600), reader).await.expect("the reader waits for ever").unwrap();
    assert!(is_timeout(&ended.unwrap().unwrap_err(), Timeout::Close));

    // A write fails, and no read does.
    let (websocket, peer) = pair(Role::Server, Config::new(), Script::new());
    let (mut sink, mut stream) = futures_util::StreamExt::split(websocket);
    let reader = tokio::spawn(async move { stream.next().await });
    tokio::task::yield_now().await;
    peer.wire.fail(Op::Write, ErrorKind::BrokenPipe);
    assert!(matches!(sink.send("a".into()).await, Err(Error::Io(_))));
    let ended = timeout(secs(3600), reader).await.expect("the reader waits for ever").unwrap();
    assert!(matches!(ended, Some(Err(Error::Io(_)))));
}

/// Sends two requests. The response to the first one is longer than the transport, and the second one waits meanwhile.
async fn pipeline(timeouts: Timeouts) -> (WebSocket<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
    let (near, mut far) = tokio::io::duplex(1000);
    let mut server = WebSocket::new(near, open(Role::Server, Config::new().timeouts(timeouts)));
    far.write_all(b"\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b").await.unwrap();
    assert_eq!(server.recv().await.unwrap().unwrap().as_text(), Some("a"));
    (server, far)
}

#[tokio::test(start_paused = true)]
async fn send_ends_while_a_message_waits_if_the_peer_does_not_read() {
    let (mut server, _far) = pipeline(Timeouts::RECOMMENDED).await;
    let start = Instant::now();
    let error = server.send(vec![0; 100_000]).await.unwrap_err();
    assert!(matches!(error, Error::Connection(_)), "{error}");
    assert!(start.elapsed() < secs(60));
    assert_eq!(server.recv().await.unwrap().unwrap().as_text(), Some("b"), "nothing that was received is lost");
    assert!(server.recv().await.unwrap().is_err());
    assert!(server.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn send_waits_while_a_message_waits_if_the_peer_reads_slowly() {
    let (mut server, mut far) = pipeline(Timeouts::RECOMMENDED).await;
    let reader = tokio::spawn(async move {
        // An hour, in steps that are shorter than the timeout. The transport has room for the rest.
        for _ in 0..198 {
            tokio::time::sleep(secs(18)).await;
            far.read_exact(&mut [0; 505]).await.unwrap();
        }
        far
    });
    server.send(vec![0; 100_000]).await.unwrap();
    let _far = reader.await.unwrap();
    assert_eq!(server.recv().await.unwrap().unwrap().as_text(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn send_that_waits_with_a_message_in_front_ends_after_the_close_of_a_drain() {
    for timeouts in [Timeouts::RECOMMENDED, Timeouts::RECOMMENDED.idle(Some(secs(300)))] {
        let (mut server, _far) = pipeline(timeouts).await;
        let drain = Drain::new();
        drain.watch(&server);
        let sender = tokio::spawn(async move {
            let sent = server.send(vec![0; 100_000]).await;
            (server, sent)
        });
        tokio::time::sleep(secs(1)).await;
        let start = Instant::now();
        let drained = drain.shutdown(CloseCode::GOING_AWAY, "", secs(1)).await;
        assert_eq!((drained.agreed, drained.others), (0, 1));
        let (mut server, sent) = timeout(secs(3600), sender).await.expect("the sender waits for ever").unwrap();
        assert!(start.elapsed() < secs(30) && sent.is_err());
        assert_eq!(server.recv().await.unwrap().unwrap().as_text(), Some("b"), "nothing that was received is lost");
        assert!(server.recv().await.unwrap().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn send_ends_after_the_close_of_a_peer_that_does_not_read() {
    let (mut server, mut far) = pipeline(Timeouts::RECOMMENDED).await;
    far.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    let sent = timeout(secs(3600), server.send(vec![0; 100_000])).await.expect("waits for ever");
    assert!(sent.is_err());
    assert_eq!(server.recv().await.unwrap().unwrap().as_text(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn flush_with_a_message_in_front_ends_over_a_transport_that_buffers() {
    // As TLS: a write succeeds, and the flush waits for the peer.
    let script = Script { write_buffer: Some(1000), capacity: 0, ..Script::new() };
    for len in [10, 5000] {
        let (mut websocket, mut peer) = pair(Role::Server, recommended(), script);
        peer.send_all(&["in front".into()]);
        peer.is_stopped = true;
        let sent = timeout(secs(3600), websocket.send(&vec![0; len][..])).await.expect("waits for ever");
        assert!(sent.is_err());
        assert_eq!(websocket.recv().await.unwrap().unwrap(), "in front".into());
        assert!(websocket.recv().await.unwrap().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn loop_that_ignores_the_error_of_parts_lets_other_tasks_run() {
    let (near, mut far) = tokio::io::duplex(100);
    let mut server = WebSocket::new(near, open(Role::Server, Config::new().delivery(Delivery::Parts)));
    far.write_all(b"\x82\x80\0\0\0\0").await.unwrap();
    let other = tokio::spawn(async {});
    for _ in 0..1_000 {
        assert!(matches!(server.next().await, Some(Err(Error::Parts))));
    }
    assert!(other.is_finished());
    assert!(server.recv_part().await.unwrap().unwrap().bytes.is_empty());
}

/// Reads a byte each 9 s.
async fn trickle(mut peer: tokio::io::DuplexStream) {
    while peer.read(&mut [0]).await.is_ok_and(|len| len > 0) {
        tokio::time::sleep(secs(9)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_reads_a_byte_now_and_then_does_not_keep_a_connection_that_closes() {
    for is_split in [false, true] {
        let (near, far) = tokio::io::duplex(64);
        let mut server = WebSocket::new(near, open(Role::Server, recommended()));
        let drain = Drain::new();
        drain.watch(&server);
        server.queue(vec![1; 10_000]).unwrap();
        tokio::spawn(trickle(far));
        let start = Instant::now();
        if is_split {
            // The task of the connection closes it.
            drop(server.split());
            while drain.watched() > 0 {
                assert!(start.elapsed() < secs(3600));
                tokio::time::sleep(secs(1)).await;
            }
        } else {
            let ended = timeout(secs(3600), server.close(CloseCode::NORMAL)).await.expect("waits for ever");
            assert!(!ended.clean);
        }
        // Ten times `Timeouts::close`, and then the end of the stream.
        assert!((100..=121).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn failed_connection_without_a_deadline_for_its_close_ends() {
    let timeouts = Timeouts::NONE.ping_interval(Some(secs(20))).pong_timeout(Some(secs(20)));
    let script = Script { capacity: 1000, ..Script::new() };
    let (mut websocket, _peer) = pair(Role::Server, Config::new().timeouts(timeouts), script);
    websocket.queue(vec![1; 100_000]).unwrap();
    let error = timeout(secs(3600), websocket.recv()).await.expect("waits for ever").unwrap().unwrap_err();
    assert!(is_timeout(&error, Timeout::Pong), "{error:?}");
    assert!(websocket.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn close_that_a_sender_queues_ends_the_connection() {
    let (near, _far) = tokio::io::duplex(64);
    let (sender, mut receiver) = WebSocket::new(near, open(Role::Server, recommended())).split();
    sender.queue_close(CloseCode::GOING_AWAY);
    assert!(sender.queue("late").is_err());
    let start = Instant::now();
    assert!(receiver.recv().await.unwrap().is_err());
    assert_eq!(sender.ended().unwrap().error, Some(Timeout::Close.into()));
    assert!(start.elapsed() <= secs(20));
}
