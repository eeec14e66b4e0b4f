//! A relay between two connections.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use protocol_websocket::{Delivery, EndedBy, Timeout};
use protocol_websocket_tokio::{
    Accept, Close, CloseCode, Config, Connect, Drain, Ended, Error, Event, Limits, Message, Timeouts, WebSocket,
    accept, relay,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// A client, a relay, and a server.
struct Chain {
    client: WebSocket<DuplexStream>,
    server: WebSocket<DuplexStream>,
    relay: JoinHandle<(Ended, Ended)>,
}

async fn pair(client: Config, server: Config) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(1000);
    let server = tokio::spawn(async move { accept(far, server).await?.accept(Accept::new()).await });
    let (client, _) = Connect::new("ws://example.com/").unwrap().config(client).over(near).await.unwrap();
    (client, server.await.unwrap().unwrap())
}

async fn chain() -> Chain {
    chain_with(Timeouts::RECOMMENDED).await
}

async fn chain_with(timeouts: Timeouts) -> Chain {
    let ends = Config::new().timeouts(timeouts).limits(Limits::new(64 << 20));
    let parts = ends.clone().delivery(Delivery::Parts);
    let (client, a) = pair(ends.clone(), parts.clone()).await;
    let (b, server) = pair(parts, ends).await;
    Chain { client, server, relay: tokio::spawn(relay(a, b)) }
}

#[tokio::test(start_paused = true)]
async fn messages_are_passed_on() {
    let Chain { mut client, mut server, relay } = chain().await;
    for len in [0, 1, 125, 70_000, 3_000_000] {
        for message in [Message::from(vec![7; len]), Message::from("ü".repeat(len))] {
            let (from, to) = (&mut client, &mut server);
            let (sent, received) = tokio::join!(from.send(&message), to.recv());
            assert!(sent.is_ok() && received.unwrap().unwrap() == message);
            let (sent, received) = tokio::join!(server.send(&message), client.recv());
            assert!(sent.is_ok() && received.unwrap().unwrap() == message);
        }
    }
    // Pings are not passed on.
    client.queue_ping("hi").unwrap();
    assert_eq!(client.recv_event().await.unwrap().unwrap(), Event::Pong("hi".into()));
    assert!(timeout(Duration::from_millis(10), server.recv_event()).await.is_err());
    let server = tokio::spawn(async move { server.recv().await.is_none().then(|| server.ended().cloned()) });
    let ended = client.close(Some(Close::new(4001, "bye"))).await;
    assert_eq!((ended.code, ended.clean), (CloseCode(4001), true));
    let ended = server.await.unwrap().unwrap().unwrap();
    assert_eq!((ended.code, ended.reason.as_str(), ended.by), (CloseCode(4001), "bye", EndedBy::Peer));
    let (a, b) = relay.await.unwrap();
    assert_eq!((a.by, b.by, a.clean, b.clean), (EndedBy::Peer, EndedBy::Us, true, true));
}

#[tokio::test(start_paused = true)]
async fn close_of_the_server_is_passed_on_without_a_code() {
    let Chain { mut client, mut server, relay } = chain().await;
    client.queue("unfinished business").unwrap();
    let client = tokio::spawn(async move { client.recv().await.is_none().then(|| client.ended().cloned()) });
    assert!(server.close(None).await.clean);
    let ended = client.await.unwrap().unwrap().unwrap();
    assert_eq!((ended.code, ended.clean), (CloseCode::NO_STATUS, true));
    assert_eq!(relay.await.unwrap().1.by, EndedBy::Peer);
}

#[tokio::test(start_paused = true)]
async fn lost_connection_is_going_away_for_the_other_end() {
    let Chain { client, mut server, relay } = chain().await;
    let mut io = client.into_parts().io;
    // The beginning of a message.
    io.write_all(b"\x01\x82\0\0\0\0hi").await.unwrap();
    drop(io);
    assert!(server.recv().await.is_none());
    assert_eq!(server.ended().unwrap().code, CloseCode::GOING_AWAY);
    assert_eq!(relay.await.unwrap().0.code, CloseCode::ABNORMAL);
}

#[tokio::test(start_paused = true)]
async fn faulty_peer_is_an_internal_error_for_the_other_end() {
    let Chain { client, mut server, .. } = chain().await;
    let mut io = client.into_parts().io;
    io.write_all(b"\x81\x02hi").await.unwrap();
    assert!(server.recv().await.is_none());
    assert_eq!(server.ended().unwrap().code, CloseCode::INTERNAL_ERROR);
}

#[tokio::test(start_paused = true)]
async fn slow_reader_stops_the_other_end() {
    let Chain { mut client, mut server, relay } = chain().await;
    let message = Message::from(vec![7; 1000]);
    let mut sent = 0;
    while timeout(Duration::from_secs(1), client.send(&message)).await.is_ok() {
        sent += 1;
    }
    // The relay's high-water mark, one read, and the transports.
    assert!((60..250).contains(&sent), "{sent}");
    sleep(Duration::from_secs(10)).await;
    for _ in 0..=sent {
        let (_, received) = tokio::join!(client.flush(), server.recv());
        assert_eq!(received.unwrap().unwrap(), message);
    }
    let server = tokio::spawn(async move { server.recv().await.is_none() });
    assert!(client.close(None).await.clean && server.await.unwrap());
    relay.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn message_of_short_fragments_stays_within_the_default_limit() {
    let parts = Config::new().delivery(Delivery::Parts).limits(Limits::NONE);
    let (mut client, a) = pair(Config::new(), parts.clone()).await;
    let (b, mut server) = pair(parts, Config::new()).await;
    let relay = tokio::spawn(relay(a, b));
    let sender = tokio::spawn(async move {
        // Ten times as many fragments as the server allows.
        for n in 0..=40_000 {
            let part =
                protocol_websocket::Part::new(protocol_websocket::MessageKind::Text, "twenty bytes of text".into());
            client.queue_part(part.with_first(n == 0).with_last(n == 40_000)).unwrap();
            client.ready().await.unwrap();
        }
        client.flush().await.unwrap();
        client
    });
    let received = server.recv().await.unwrap().unwrap();
    assert_eq!(received, Message::from("twenty bytes of text".repeat(40_001)));
    drop(sender.await.unwrap());
    assert!(server.recv().await.is_none());
    relay.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn drain_closes_a_relay_whose_reader_is_slow() {
    let ends = Config::new().timeouts(Timeouts::RECOMMENDED);
    let parts = ends.clone().delivery(Delivery::Parts);
    let (mut client, a) = pair(ends.clone(), parts.clone()).await;
    let (b, server) = pair(parts, ends).await;
    let drain = Drain::new();
    drain.watch(&a);
    drain.watch(&b);
    let relay = tokio::spawn(relay(a, b));
    while timeout(Duration::from_secs(1), client.send(vec![7; 1000])).await.is_ok() {}
    // The server does not read at all.
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "", Duration::from_secs(60)).await;
    assert_eq!((drained.agreed, drained.others, drain.watched()), (0, 2, 0));
    assert!(relay.await.is_ok());
    drop((client, server));
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_client_that_does_not_read_are_passed_on() {
    let Chain { mut client, server, relay } = chain().await;
    let (sender, mut receiver) = server.split();
    // More than the relay takes.
    let sending = tokio::spawn(async move {
        for _ in 0..20 {
            sender.send(vec![7; 50_000]).await?;
        }
        Ok::<_, Error>(())
    });
    sleep(Duration::from_secs(1)).await;
    let (sent, received) =
        tokio::join!(timeout(Duration::from_secs(1), client.send(vec![1; 300_000])), receiver.recv());
    assert!(matches!(sent, Ok(Ok(()))), "{sent:?}");
    assert_eq!(received.unwrap().unwrap().len(), 300_000);
    for _ in 0..20 {
        assert_eq!(client.recv().await.unwrap().unwrap().len(), 50_000);
    }
    sending.await.unwrap().unwrap();
    drop((client, receiver));
    relay.await.unwrap();
}

const SECOND: Duration = Duration::from_secs(1);
/// Without a pause the clock would stop while a peer sends.
const MILLISECOND: Duration = Duration::from_millis(1);

/// Sends masked or unmasked frames of 1000 bytes without an end, each after `pause`. Returns the input.
fn flood(websocket: WebSocket<DuplexStream>, is_masked: bool, pause: Duration) -> ReadHalf<DuplexStream> {
    let (reader, mut writer) = tokio::io::split(websocket.into_parts().io);
    let head: &[u8] = if is_masked { b"\x82\xFE\x03\xE8\0\0\0\0" } else { b"\x82\x7E\x03\xE8" };
    let frame = [head, &[0; 1000]].concat();
    tokio::spawn(async move {
        while writer.write_all(&frame).await.is_ok() {
            sleep(pause).await;
        }
    });
    reader
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_do_not_read_time_out() {
    let start = Instant::now();
    let Chain { client, server, relay } = chain().await;
    let _readers = (flood(client, true, MILLISECOND), flood(server, false, MILLISECOND));
    let (a, b) = timeout(SECOND * 3600, relay).await.expect("the relay waits for ever").unwrap();
    // The messages of the other one are dropped from then on, and the Close does not reach it.
    let errors = [Timeout::Pong, Timeout::Close].map(|timeout| Some(protocol_websocket::Error::Timeout(timeout)));
    assert!([a.error, b.error] == errors || [b.error, a.error] == errors, "{a:?} {b:?}");
    // 20 s until the Ping, 20 s for a byte, and the closing.
    assert!((40..100).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn idle_deadline_does_not_run_while_two_ends_are_not_read() {
    let Chain { client, server, relay } = chain_with(Timeouts::RECOMMENDED.idle(Some(SECOND * 300))).await;
    let mut readers = (flood(client, true, MILLISECOND), flood(server, false, MILLISECOND));
    sleep(SECOND * 3600).await;
    assert!(!relay.is_finished());
    let mut buffer = vec![0; 1_000_000];
    tokio::join!(readers.0.read_exact(&mut buffer), sleep(SECOND)).0.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_read_slowly_stay() {
    let Chain { client, server, relay } = chain().await;
    let mut readers = (flood(client, true, MILLISECOND), flood(server, false, MILLISECOND));
    for _ in 0..20 {
        sleep(SECOND * 15).await;
        assert!(!relay.is_finished());
        readers.0.read_exact(&mut [0; 500]).await.unwrap();
        readers.1.read_exact(&mut [0; 500]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn peer_that_reads_stays_while_the_other_end_has_no_space() {
    let Chain { client, mut server, relay } = chain().await;
    let mut reader = flood(client, true, MILLISECOND);
    let reading = tokio::spawn(async move { while reader.read(&mut [0; 1000]).await.is_ok_and(|len| len > 0) {} });
    // The server is slow, and sends something before the relay takes it for dead. The client's pongs are not read.
    for _ in 0..20 {
        sleep(SECOND * 15).await;
        server.queue("still here").unwrap();
        server.flush().await.unwrap();
        assert!(!relay.is_finished());
    }
    assert!(!reading.is_finished());
}

#[tokio::test(start_paused = true)]
async fn drain_closes_one_end_while_the_other_one_sends_and_does_not_read() {
    let ends = Config::new().timeouts(Timeouts::RECOMMENDED);
    let parts = ends.clone().delivery(Delivery::Parts);
    let (client, a) = pair(ends.clone(), parts.clone()).await;
    let (b, server) = pair(parts, ends).await;
    let drain = Drain::new();
    drain.watch(&a);
    let relay = tokio::spawn(relay(a, b));
    let _server = flood(server, false, SECOND * 5);
    let mut client = flood(client, true, MILLISECOND);
    tokio::spawn(async move { while client.read(&mut [0; 1000]).await.is_ok_and(|len| len > 0) {} });
    sleep(SECOND * 5).await;
    drain.shutdown(CloseCode::GOING_AWAY, "", SECOND).await;
    let (a, b) = timeout(SECOND * 3600, relay).await.expect("the relay waits for ever").unwrap();
    assert_eq!(a.error, Some(protocol_websocket::Error::Timeout(Timeout::Close)), "{a:?}");
    assert!(!b.clean, "{b:?}");
}
