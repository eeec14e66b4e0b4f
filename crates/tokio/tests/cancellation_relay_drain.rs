//! The futures of `relay` and of `Drain::shutdown` that are polled n times and then dropped, for every n until they complete.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use common::{Peer, Script, ScriptedIo, for_each_n, messages, open, poll_when_woken};
use protocol_websocket::Role;
use protocol_websocket_tokio::{CloseCode, Config, Drain, Timeouts, WebSocket, relay};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

/// Transports that are pending before each operation.
fn scripts() -> impl Iterator<Item = Script> {
    [150, usize::MAX].into_iter().flat_map(|max_len| {
        let script = Script::new().max_len(max_len).pending_between();
        [script, Script { write_buffer: Some(100), is_vectored: false, ..script }]
    })
}

#[tokio::test]
async fn dropped_relay_has_passed_on_whole_messages_and_drops_both_transports() {
    let (from_a, from_b) = (messages(&[300, 0, 4500, 7]), messages(&[1, 2000, 126]));
    for script in scripts() {
        for_each_n(|n| {
            let end = |role, peer_role| {
                let (io, peer) = Peer::new(open(peer_role, Config::new()), script);
                (WebSocket::new(io, open(role, Config::new())), peer)
            };
            let (a, mut peer_a): (WebSocket<ScriptedIo>, _) = end(Role::Server, Role::Client);
            let (b, mut peer_b) = end(Role::Client, Role::Server);
            peer_a.send_all(&from_a);
            peer_b.send_all(&from_b);
            let mut future = Box::pin(tokio::task::unconstrained(relay(a, b)));
            let mut ended = None;
            for _ in 0..n {
                if let Poll::Ready(both) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    ended = Some(both);
                    break;
                }
                peer_a.step();
                peer_b.step();
                if peer_a.messages.len() == from_b.len() && peer_b.messages.len() == from_a.len() {
                    let _ = peer_a.session.close(CloseCode::NORMAL);
                }
            }
            drop(future);
            for (peer, sent) in [(&mut peer_a, &from_b), (&mut peer_b, &from_a)] {
                assert!(peer.wire.is_dropped());
                peer.step();
                assert!(sent.starts_with(&peer.messages), "{n} {script:?}");
                assert!(ended.is_none() || peer.messages.len() == sent.len());
            }
            if let Some((a, b)) = &ended {
                assert!(a.clean && b.clean, "{a:?} {b:?}");
            }
            ended.is_some()
        });
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_shutdown_of_a_drain_closes_all_connections() {
    const COUNT: usize = 5;
    let shutdown = async |drain: &Drain| drain.shutdown(CloseCode::GOING_AWAY, "", Duration::from_secs(60)).await;
    let mut completes = false;
    for n in 0..1000 {
        let drain = Drain::new();
        let mut clients = Vec::new();
        let mut servers = Vec::new();
        for _ in 0..COUNT {
            let (near, far) = tokio::io::duplex(1000);
            let config = || Config::new().timeouts(Timeouts::RECOMMENDED);
            let mut server = WebSocket::new(near, open(Role::Server, config()));
            let mut client = WebSocket::new(far, open(Role::Client, config()));
            drain.watch(&server);
            servers.push(tokio::spawn(async move { while server.recv().await.is_some() {} }));
            clients.push(tokio::spawn(async move {
                assert!(client.recv().await.is_none());
                client.ended().unwrap().clone()
            }));
        }
        sleep(Duration::from_millis(1)).await;
        let first = poll_when_woken(shutdown(&drain), n).await;
        completes = first.is_some();
        assert!(n > 0 || !completes, "the future was not polled");
        if n == 0 {
            sleep(Duration::from_secs(1)).await;
            assert_eq!(drain.watched(), COUNT, "a future that was not polled has no effect");
        } else {
            // Without another call.
            for server in servers {
                timeout(Duration::from_secs(1), server).await.expect("the connection is open").unwrap();
            }
        }
        let drained = shutdown(&drain).await;
        assert_eq!((drained.agreed, drained.others, drain.watched()), (COUNT, 0, 0));
        assert!(first.is_none_or(|first| first == drained));
        for client in clients {
            let ended = client.await.unwrap();
            assert!(ended.clean && ended.code == CloseCode::GOING_AWAY, "{ended:?}");
        }
        while Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
        if completes {
            break;
        }
    }
    assert!(completes);
    // The waker of a dropped call is dropped with the last connection.
    let drain = Drain::new();
    let (near, _far) = tokio::io::duplex(1000);
    let server = WebSocket::new(near, open(Role::Server, Config::new()));
    drain.watch(&server);
    let task = Arc::new(Task);
    let waker = Waker::from(Arc::clone(&task));
    assert!(pin!(shutdown(&drain)).poll(&mut Context::from_waker(&waker)).is_pending());
    drop((waker, server));
    assert_eq!(Arc::strong_count(&task), 1);
}

struct Task;

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}
