//! The end of many connections by a drain.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use protocol_websocket_tokio::{
    Accept, CloseCode, Config, Connect, Drain, Message, SendError, Timeouts, WebSocket, accept,
};
use tokio::io::{DuplexStream, duplex};
use tokio::time::{Instant, sleep};

const GRACE: Duration = Duration::from_secs(3);

async fn pair() -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let (client, server) = duplex(1000);
    let server_config = config.clone();
    let server = tokio::spawn(async move { accept(server, server_config).await?.accept(Accept::new()).await });
    let (client, _) = Connect::new("ws://example.com/").unwrap().config(config).over(client).await.unwrap();
    (client, server.await.unwrap().unwrap())
}

#[tokio::test(start_paused = true)]
async fn shutdown_counts_those_that_agree() {
    let drain = Drain::new();
    let (mut clients, mut servers, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..100 {
        let (mut client, mut server) = pair().await;
        if n % 10 == 0 {
            silent.push(client);
        } else {
            clients.push(tokio::spawn(async move {
                assert!(client.recv().await.is_none());
                client.ended().unwrap().clone()
            }));
        }
        if n % 2 == 0 {
            drain.watch(&server);
            drain.watch(&server);
            servers.push(tokio::spawn(async move { while server.recv().await.is_some() {} }));
        } else {
            let (sender, mut receiver) = server.split();
            drain.watch(&sender);
            servers.push(tokio::spawn(async move {
                while receiver.recv().await.is_some() {}
                drop(sender);
            }));
        }
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(drain.watched(), 100);
    let since = Instant::now();
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "restart", GRACE).await;
    assert_eq!((drained.agreed, drained.others), (90, 10));
    assert_eq!(since.elapsed().as_secs(), 3);
    for client in clients {
        let ended = client.await.unwrap();
        assert_eq!((ended.code, ended.reason.as_str(), ended.clean), (CloseCode::GOING_AWAY, "restart", true));
    }
    for server in servers {
        server.await.unwrap();
    }
    assert_eq!(drain.watched(), 0);
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_as_soon_as_all_connections_have() {
    let drain = Drain::new();
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "", GRACE).await;
    assert_eq!((drained.agreed, drained.others), (0, 0));
    // A connection that is opened later is closed at once.
    let (mut client, mut server) = pair().await;
    drain.watch(&server);
    let client = tokio::spawn(async move { client.recv().await.is_none() });
    let since = Instant::now();
    assert!(server.recv().await.is_none() && client.await.unwrap());
    assert_eq!(drain.shutdown(CloseCode::GOING_AWAY, "", GRACE).await.agreed, 1);
    assert_eq!(since.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_are_not_watched() {
    let (drain, other) = (Drain::new(), Drain::new());
    let mut kept = Vec::new();
    for n in 0..1000 {
        let (client, mut server) = pair().await;
        drain.watch(&server);
        other.watch(&server);
        assert_eq!((drain.watched(), other.watched()), (1, 1));
        match n % 5 {
            0 => drop(server),
            1 => drop(server.into_parts()),
            2 => {
                drop(client);
                while server.recv().await.is_some() {}
                drain.watch(&server);
                kept.push(server);
            }
            3 => {
                drop(client);
                let (sender, mut receiver) = server.split();
                while receiver.recv().await.is_some() {}
                drain.watch(&sender);
            }
            _ => {
                drop((client, server.split()));
                sleep(Duration::from_secs(60)).await;
            }
        }
        assert_eq!((drain.watched(), other.watched()), (0, 0), "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn split_connection_with_a_stopped_receiver_is_closed() {
    let drain = Drain::new();
    let (client, server) = pair().await;
    let (sender, _receiver) = server.split();
    drain.watch(&sender);
    let (peer, mut peer_receiver) = client.split();
    for _ in 0..1000 {
        peer.queue("x".repeat(1000)).unwrap();
    }
    // Not so long that the peer takes this end for dead.
    sleep(Duration::from_secs(10)).await;
    // Half of the time for the closing handshake is for the receiver.
    let drained = drain.shutdown(CloseCode::SERVICE_RESTART, "", Duration::from_secs(6)).await;
    assert_eq!((drained.agreed, drained.others), (1, 0));
    assert!(peer_receiver.recv().await.is_none());
    assert_eq!(peer.ended().unwrap().code, CloseCode::SERVICE_RESTART);
}

#[tokio::test(start_paused = true)]
async fn slow_receiver_gets_all_messages_before_the_end_of_a_drain() {
    // The second receiver takes longer for what it has taken at once than a receiver may stop.
    for (count, time) in [(1000_u32, 1), (100, 90)] {
        let drain = Drain::new();
        let (mut client, server) = pair().await;
        let (sender, mut receiver) = server.split();
        drain.watch(&sender);
        for n in 0..count {
            client.queue(format!("{n:1000}")).unwrap();
        }
        let client = tokio::spawn(async move {
            while client.recv().await.is_some() {}
            client.ended().unwrap().clean
        });
        let received = tokio::spawn(async move {
            let mut received = 0;
            while let Some(message) = receiver.recv().await {
                assert_eq!(message.unwrap(), Message::from(format!("{received:1000}")));
                received += 1;
                sleep(Duration::from_millis(time)).await;
            }
            received
        });
        sleep(Duration::from_millis(5)).await;
        let drained = drain.shutdown(CloseCode::GOING_AWAY, "restart", Duration::from_secs(20)).await;
        assert_eq!((received.await.unwrap(), drained.agreed), (count, 1));
        assert!(client.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn receiver_that_is_too_slow_does_not_delay_the_end_of_a_drain() {
    let drain = Drain::new();
    let (client, server) = pair().await;
    let (sender, mut receiver) = server.split();
    drain.watch(&sender);
    let (peer, _peer_receiver) = client.split();
    for _ in 0..1000 {
        peer.queue("x".repeat(1000)).unwrap();
    }
    let received = tokio::spawn(async move {
        let (mut received, mut result) = (0, Ok(()));
        while let Some(message) = receiver.recv().await {
            match message {
                Ok(_) => received += 1,
                Err(error) => result = Err(error),
            }
            sleep(Duration::from_millis(100)).await;
        }
        (received, result)
    });
    sleep(Duration::from_millis(5)).await;
    let since = Instant::now();
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "restart", Duration::from_secs(60)).await;
    assert!(since.elapsed() < Duration::from_secs(25), "{:?}", since.elapsed());
    assert_eq!((drained.agreed, drained.others), (0, 1));
    // The end shows that messages were lost.
    let (received, result) = received.await.unwrap();
    assert!(received > 100 && received < 1000 && result.is_err(), "{received} {result:?}");
}

#[tokio::test(start_paused = true)]
async fn message_after_the_close_of_the_drain_does_not_prevent_the_closing_handshake() {
    let drain = Drain::new();
    let (mut client, mut server) = pair().await;
    drain.watch(&server);
    let served = tokio::spawn(async move {
        let mut queued = Vec::new();
        while let Some(message) = server.recv().await {
            queued.push(server.queue(message.unwrap()));
        }
        queued
    });
    let shutdown = tokio::spawn(async move { drain.shutdown(CloseCode::GOING_AWAY, "restart", GRACE).await });
    sleep(Duration::from_millis(1)).await;
    client.send("late").await.unwrap();
    assert!(client.recv().await.is_none());
    assert!(client.ended().unwrap().clean);
    assert_eq!(served.await.unwrap(), [Err(SendError::Closed)]);
    assert_eq!(shutdown.await.unwrap().agreed, 1);
}

#[tokio::test(start_paused = true)]
async fn connections_that_do_not_agree_are_named() {
    let drain = Drain::new();
    let (mut kept, mut servers) = (Vec::new(), Vec::new());
    for name in ["agrees", "silent", "renamed", "lost", "without a name", "dropped before", "closed before"] {
        let (mut client, mut server) = pair().await;
        match name {
            "without a name" => drain.watch(&server),
            "renamed" => {
                drain.watch(&server);
                drain.watch_as(&server, "first name");
                drain.watch_as(&server, String::from(name));
                // The name stays.
                drain.watch(&server);
            }
            _ => drain.watch_as(&server, name),
        }
        match name {
            "agrees" => drop(tokio::spawn(async move { client.recv().await.is_none() })),
            "dropped before" => {
                drop(server);
                continue;
            }
            "closed before" => {
                let (ended, _) = tokio::join!(client.close(None), server.recv());
                assert!(ended.clean);
                continue;
            }
            "lost" => drop(tokio::spawn(async move {
                // It ends after the drain has begun.
                sleep(Duration::from_secs(2)).await;
                drop(client);
            })),
            _ => kept.push(client),
        }
        servers.push(tokio::spawn(async move { while server.recv().await.is_some() {} }));
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(drain.watched(), 5);
    let mut drained = drain.shutdown(CloseCode::GOING_AWAY, "restart", GRACE).await;
    drained.other_names.sort();
    assert_eq!((drained.agreed, drained.others), (1, 4), "{drained:?}");
    assert_eq!(drained.other_names, ["lost", "renamed", "silent"]);
    for server in servers {
        server.await.unwrap();
    }
    // Those that ended after the grace are counted once.
    let mut again = drain.shutdown(CloseCode::GOING_AWAY, "restart", GRACE).await;
    again.other_names.sort();
    assert_eq!((again, drain.watched()), (drained, 0));
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_a_connection_that_is_not_open_yet() {
    let drain = Drain::new();
    let guard = drain.guard();
    let shutdown = {
        let drain = drain.clone();
        tokio::spawn(async move { drain.shutdown(CloseCode::GOING_AWAY, "restart", GRACE).await })
    };
    sleep(Duration::from_secs(1)).await;
    assert!(!shutdown.is_finished());
    let (mut client, mut server) = pair().await;
    guard.watch(&server);
    let server = tokio::spawn(async move { server.recv().await.is_none() });
    assert!(client.recv().await.is_none() && server.await.unwrap());
    assert_eq!(client.ended().unwrap().code, CloseCode::GOING_AWAY);
    let drained = shutdown.await.unwrap();
    assert_eq!((drained.agreed, drained.others), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_with_the_last_guard_and_after_the_grace() {
    let drain = Drain::new();
    let (first, last) = (drain.guard(), drain.guard());
    let since = Instant::now();
    let drained = drain.shutdown(CloseCode::GOING_AWAY, "", GRACE).await;
    assert_eq!((drained.agreed, drained.others, since.elapsed()), (0, 2, GRACE));
    drop(first);
    let dropping = async {
        sleep(Duration::from_secs(1)).await;
        drop(last);
    };
    let (drained, ()) = tokio::join!(drain.shutdown(CloseCode::GOING_AWAY, "", GRACE), dropping);
    assert_eq!((drained.agreed, drained.others), (0, 0));
    assert_eq!(since.elapsed(), GRACE + Duration::from_secs(1));
}
