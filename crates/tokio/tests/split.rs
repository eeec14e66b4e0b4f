//! Connections that were split: senders in many tasks, slow receivers, and dropped halves.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt, StreamExt as _, stream};
use protocol_websocket_tokio::{
    Accept, Close, CloseCode, Config, Connect, Error, Event, Message, Receiver, SendError, Sender, Timeouts, WebSocket,
    accept,
};
use tokio::io::{DuplexStream, duplex};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

type Pair = (WebSocket<DuplexStream>, WebSocket<DuplexStream>);

async fn pair(buffer: usize, config: Config) -> Pair {
    pair_with(buffer, config.clone(), config).await
}

async fn pair_with(buffer: usize, config: Config, server_config: Config) -> Pair {
    let (client, server) = duplex(buffer);
    let server = tokio::spawn(async move { accept(server, server_config).await?.accept(Accept::new()).await });
    let (client, _) = Connect::new("ws://example.com/").unwrap().config(config).over(client).await.unwrap();
    (client, server.await.unwrap().unwrap())
}

fn timed() -> Config {
    Config::new().timeouts(Timeouts::RECOMMENDED)
}

/// Polls a future `count` times, and drops it.
async fn poll_times<F: Future>(future: F, count: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == count {
            return Poll::Ready(None);
        }
        polls += 1;
        context.waker().wake_by_ref();
        future.poll_unpin(context).map(Some)
    })
    .await
}

/// Waits until no task is left.
async fn assert_no_tasks() {
    for _ in 0..1000 {
        if Handle::current().metrics().num_alive_tasks() == 0 {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("{} tasks are left", Handle::current().metrics().num_alive_tasks());
}

async fn many_senders(senders: usize, each: usize) {
    let (client, server) = pair(64 * 1024, timed()).await;
    let (sender, receiver) = client.split();
    let tasks: Vec<_> = (0..senders)
        .map(|task| {
            let sender = sender.clone();
            tokio::spawn(async move {
                for n in 0..each {
                    sender.ready().await.unwrap();
                    sender.queue(format!("{task} {n}")).unwrap();
                }
                sender.flush().await.unwrap();
            })
        })
        .collect();
    drop(sender);
    let (server_sender, mut server) = server.split();
    let mut next = vec![0; senders];
    for _ in 0..senders * each {
        let message = server.recv().await.unwrap().unwrap();
        let (task, n) = message.as_text().unwrap().split_once(' ').unwrap();
        let expected = &mut next[task.parse::<usize>().unwrap()];
        assert_eq!(n.parse::<usize>().unwrap(), *expected);
        *expected += 1;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(next, vec![each; senders]);
    drop(receiver);
    assert!(server.recv().await.is_none());
    assert_eq!(server.ended().unwrap().code, CloseCode::GOING_AWAY);
    drop((server_sender, server));
    assert_no_tasks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_million_messages_of_many_senders_are_in_order() {
    many_senders(8, 125_000).await;
}

#[tokio::test]
async fn messages_of_many_senders_are_in_order_in_one_thread() {
    many_senders(100, 200).await;
}

#[tokio::test]
async fn order_is_the_order_of_the_calls() {
    let (client, mut server) = pair(1024, timed()).await;
    let (first, _receiver) = client.split();
    let second = first.clone();
    for n in 0..100 {
        first.queue(format!("{n}")).unwrap();
        second.queue(format!("{n}").repeat(3000)).unwrap();
    }
    for n in 0..100 {
        assert_eq!(server.recv().await.unwrap().unwrap(), Message::from(format!("{n}")));
        assert_eq!(server.recv().await.unwrap().unwrap(), Message::from(format!("{n}").repeat(3000)));
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_queue_are_returned_at_once() {
    let (client, mut server) = pair(1024, timed()).await;
    let (sender, _receiver) = client.split();
    let (other, server) = (sender.clone(), tokio::spawn(async move { server.recv().await.is_none() }));
    let ended = other.close(Some(Close::new(4000, "enough"))).await;
    assert!(ended.clean && ended.code == CloseCode(4000));
    assert_eq!(sender.queue("late"), Err(SendError::Closed));
    assert!(matches!(sender.send("late").await, Err(Error::Send(SendError::Closed))));
    assert!(sender.flush().await.is_ok(), "nothing is queued");
    assert!(server.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn slow_receiver_stops_the_peer_and_pauses_the_deadlines() {
    // Otherwise the server would take a client that does not read for dead.
    let (client, server) = pair_with(4096, timed(), Config::new()).await;
    let (sender, mut receiver) = client.split();
    let (peer, _peer_receiver) = server.split();
    let mut sent = 0;
    while timeout(Duration::from_secs(1), peer.ready()).await.is_ok() {
        peer.queue(vec![0; 1000]).unwrap();
        sent += 1;
    }
    // Two high-water marks, the transport and a read.
    assert!(sent > 100 && sent < 220, "{sent}");
    // The client's deadlines do not run. Its messages are written all the same.
    sleep(Duration::from_secs(10_000)).await;
    assert!(sender.ended().is_none());
    sender.send("written").await.unwrap();
    for _ in 0..sent {
        assert_eq!(receiver.recv().await.unwrap().unwrap().len(), 1000);
    }
    assert!(receiver.recv().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn close_ends_in_time_with_a_stopped_receiver() {
    let patient = Config::new().timeouts(Timeouts::NONE.close(Some(Duration::MAX)));
    for (config, is_dropped) in [(timed(), false), (Config::new(), false), (timed(), true), (patient, true)] {
        let (client, server) = pair(4096, config).await;
        let (sender, mut receiver) = client.split();
        let (peer, _peer_receiver) = server.split();
        for _ in 0..500 {
            peer.queue(vec![0; 1000]).unwrap();
        }
        sleep(Duration::from_secs(1)).await;
        let since = Instant::now();
        if is_dropped {
            let (ended, ()) = tokio::join!(sender.close(None), async {
                sleep(Duration::from_secs(1)).await;
                drop(receiver);
            });
            assert!(ended.clean && since.elapsed() < Duration::from_secs(2));
            continue;
        }
        assert!(sender.close(None).await.clean);
        assert!(since.elapsed() < Duration::from_secs(6), "{:?}", since.elapsed());
        let mut count = 0;
        while let Some(message) = receiver.recv().await {
            assert_eq!(message.unwrap().len(), 1000);
            count += 1;
        }
        assert!((60..500).contains(&count), "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn driver_replies_to_pings_and_keeps_time_without_the_halves() {
    let (client, mut server) = pair(4096, timed()).await;
    let (sender, mut receiver) = client.split();
    for n in 0..100_u32 {
        server.queue_ping(n.to_string()).unwrap();
        server.flush().await.unwrap();
        let pong = server.recv_event().await.unwrap().unwrap();
        assert_eq!(pong, Event::Pong(n.to_string().into()));
    }
    // The server is not polled any more, so it sends no pong.
    let since = Instant::now();
    assert_eq!(receiver.recv_event().await.unwrap().unwrap(), Event::Ping("0".into()));
    while let Some(event) = receiver.recv_event().await {
        if event.is_err() {
            break;
        }
    }
    assert!(since.elapsed() >= Duration::from_secs(40) && since.elapsed() < Duration::from_secs(60));
    assert!(!sender.ended().unwrap().clean);
    assert!(receiver.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn dropped_halves() {
    // Only the receiver: the sender continues, and received messages are dropped.
    let (client, server) = pair(4096, timed()).await;
    let (sender, receiver) = client.split();
    let (peer, mut peer_receiver) = server.split();
    drop(receiver);
    for _ in 0..1000 {
        peer.send(vec![0; 1000]).await.unwrap();
    }
    sender.send("still here").await.unwrap();
    assert_eq!(peer_receiver.recv().await.unwrap().unwrap(), Message::from("still here"));
    // Only the senders: the receiver continues.
    drop(peer);
    sender.send("again").await.unwrap();
    assert_eq!(peer_receiver.recv().await.unwrap().unwrap(), Message::from("again"));
    // The last half.
    drop(peer_receiver);
    let ended = timeout(Duration::from_secs(1), sender.close(None)).await.unwrap();
    assert_eq!((ended.code, ended.clean), (CloseCode::GOING_AWAY, true));
    drop(sender);
    assert_no_tasks().await;
}

#[tokio::test(start_paused = true)]
async fn queued_messages_are_written_after_the_last_half_is_dropped() {
    for config in [timed(), Config::new()] {
        let (client, mut server) = pair(100, config).await;
        let (sender, receiver) = client.split();
        sender.queue(vec![1; 100_000]).unwrap();
        drop((receiver, sender));
        assert_eq!(server.recv().await.unwrap().unwrap().len(), 100_000);
        assert!(server.recv().await.is_none());
        assert_eq!(server.ended().unwrap().code, CloseCode::GOING_AWAY);
        assert_no_tasks().await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_task_is_left_if_the_peer_is_silent() {
    for config in [timed(), Config::new()] {
        let (client, server) = pair(100, config).await;
        let (sender, receiver) = client.split();
        sender.queue(vec![1; 100_000]).unwrap();
        drop((sender, receiver));
        let since = Instant::now();
        assert_no_tasks().await;
        assert!(since.elapsed() < Duration::from_secs(31), "{:?}", since.elapsed());
        drop(server);
    }
}

#[tokio::test(start_paused = true)]
async fn futures_can_be_dropped_after_each_poll() {
    for polls in 0..12 {
        let (client, server) = pair(300, timed()).await;
        let (sender, mut receiver) = client.split();
        let (peer, mut peer_receiver) = server.split();
        for n in 0..5 {
            let text = format!("{n}").repeat(200);
            // The message is queued if the future was polled.
            let is_queued = poll_times(sender.send(&text), polls).await.is_some() || polls > 0;
            poll_times(sender.ready(), polls).await;
            poll_times(sender.flush(), polls).await;
            peer.queue(&text).unwrap();
            let received = loop {
                if let Some(message) = poll_times(receiver.recv(), polls + 1).await {
                    break message;
                }
            };
            assert_eq!(received.unwrap().unwrap(), Message::from(text.as_str()));
            if is_queued {
                assert_eq!(peer_receiver.recv().await.unwrap().unwrap(), Message::from(text.as_str()));
            }
        }
        poll_times(sender.close(None), polls).await;
        match polls % 3 {
            0 => drop((sender, receiver, peer, peer_receiver)),
            1 => {
                drop(receiver);
                poll_times(sender.close(None), polls).await;
                drop((sender, peer_receiver, peer));
            }
            _ => drop((peer, sender, peer_receiver, receiver)),
        }
        assert_no_tasks().await;
    }
}

#[tokio::test(start_paused = true)]
async fn turns_of_ready_are_in_order() {
    let (client, server) = pair(100, Config::new().high_water_mark(1000)).await;
    let (sender, _receiver) = client.split();
    sender.queue(vec![0; 5000]).unwrap();
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for n in 0..20 {
        let (sender, order) = (sender.clone(), std::sync::Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            sender.ready().await.unwrap();
            sender.queue(vec![0; 2000]).unwrap();
            order.lock().unwrap().push((n, sender.unsent()));
        }));
        tokio::task::yield_now().await;
    }
    // A task that gives up does not stop those after it.
    tasks[3].abort();
    tasks[7].abort();
    let (_peer, mut peer) = server.split();
    for _ in 0..19 {
        assert!(peer.recv().await.unwrap().is_ok());
    }
    let order = order.lock().unwrap().clone();
    assert_eq!(
        order.iter().map(|(n, _)| *n).collect::<Vec<_>>(),
        (0..20).filter(|n| ![3, 7].contains(n)).collect::<Vec<_>>()
    );
    assert!(order.iter().all(|(_, unsent)| *unsent <= 1000 + 2 * 2010), "{order:?}");
}

#[tokio::test(start_paused = true)]
async fn waits_that_are_not_polled_do_not_hold_up_others() {
    for mark in [1000, Config::HIGH_WATER_MARK] {
        let (client, server) = pair(100, Config::new().high_water_mark(mark)).await;
        let (sender, _receiver) = client.split();
        sender.queue(vec![0; 2 * mark]).unwrap();
        // A wait of the sink was cancelled, and the futures of others are kept.
        let mut sink = sender.clone();
        let message = Message::from("cancelled");
        assert!(timeout(Duration::from_millis(1), SinkExt::send(&mut sink, message)).await.is_err());
        let mut kept: Vec<_> = (0..50).map(|_| Box::pin(sender.ready())).collect();
        assert!(kept.iter_mut().all(|ready| ready.now_or_never().is_none()));
        // These wait behind them.
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    if n % 2 == 0 {
                        sender.ready().await.unwrap();
                    } else {
                        sender.send(vec![0; 2 * mark]).await.unwrap();
                    }
                })
            })
            .collect();
        sleep(Duration::from_millis(1)).await;
        let (_peer, mut peer) = server.split();
        let received = tokio::spawn(async move {
            for _ in 0..27 {
                assert!(peer.recv().await.unwrap().is_ok());
            }
            peer
        });
        for task in tasks {
            timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
        }
        // There is space, so a task that comes later need not wait.
        assert_eq!(sender.unsent(), 0);
        assert!(sender.ready().now_or_never().unwrap().is_ok());
        timeout(Duration::from_secs(60), sender.send("last")).await.unwrap().unwrap();
        received.await.unwrap();
        assert!(kept.into_iter().all(|ready| ready.now_or_never().unwrap().is_ok()));
    }
}

#[tokio::test(start_paused = true)]
async fn flush_after_a_cancelled_one_waits_for_later_messages() {
    for closes in [false, true] {
        let (client, mut peer) = pair(100, timed()).await;
        let (mut sender, _receiver) = client.split();
        sender.queue(vec![1; 1000]).unwrap();
        assert!(SinkExt::<Message>::flush(&mut sender).now_or_never().is_none());
        peer.recv().await.unwrap().unwrap();
        if closes {
            sender.queue(vec![2; 500_000]).unwrap();
        } else {
            sender.start_send_unpin(Message::from(vec![2; 500_000])).unwrap();
        }
        let wait = async {
            match closes {
                false => SinkExt::<Message>::flush(&mut sender).await,
                true => SinkExt::<Message>::close(&mut sender).await,
            }
        };
        assert!(timeout(Duration::from_secs(1), wait).await.is_err());
        assert!(sender.unsent() > 100_000);
        let peer = tokio::spawn(async move { peer.recv().await.unwrap().unwrap().len() });
        match closes {
            false => SinkExt::<Message>::flush(&mut sender).await.unwrap(),
            true => SinkExt::<Message>::close(&mut sender).await.unwrap(),
        }
        assert_eq!((sender.unsent(), peer.await.unwrap()), (0, 500_000));
    }
}

#[tokio::test(start_paused = true)]
async fn flush_after_a_loss_returns_the_error() {
    // The transport has ended.
    let (client, server) = pair(100, Config::new()).await;
    let (mut sender, _receiver) = client.split();
    sender.queue(vec![0; 100_000]).unwrap();
    sleep(Duration::from_secs(1)).await;
    drop(server);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(sender.unsent(), 0);
    assert!(matches!(sender.flush().await, Err(Error::Io(_))));
    assert!(matches!(SinkExt::<Message>::flush(&mut sender).await, Err(Error::Io(_))));
    assert!(matches!(SinkExt::<Message>::close(&mut sender).await, Err(Error::Io(_))));
    // The peer does not read.
    let (mut client, _server) = pair(100, timed()).await;
    client.queue(vec![0; 100_000]).unwrap();
    let (sender, _receiver) = client.split();
    let mut other = sender.clone();
    assert!(!sender.close(None).await.clean);
    for _ in 0..2 {
        assert!(matches!(sender.flush().await, Err(Error::Connection(_))));
        assert!(matches!(SinkExt::<Message>::flush(&mut other).await, Err(Error::Connection(_))));
    }
}

#[tokio::test]
async fn halves_are_a_sink_and_a_stream() {
    let (client, server) = pair(1000, timed()).await;
    let ((mut sender, receiver), (echo_sender, echo_receiver)) = (client.split(), server.split());
    let echo = tokio::spawn(echo_receiver.forward(echo_sender));
    let messages: Vec<Message> = (0..1000).map(|n| Message::from(format!("{n}"))).collect();
    let (expected, mut input) = (messages.clone(), stream::iter(messages).map(Ok));
    let received = tokio::spawn(receiver.map(Result::unwrap).collect::<Vec<_>>());
    sender.send_all(&mut input).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    SinkExt::close(&mut sender).await.unwrap();
    assert_eq!(received.await.unwrap(), expected);
    assert!(echo.await.unwrap().is_ok());
}

#[test]
fn halves_end_with_the_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sender, mut receiver, _server): (Sender, Receiver, _) = runtime.block_on(async {
        let (client, server) = pair(1000, timed()).await;
        let (sender, receiver) = client.split();
        (sender, receiver, server)
    });
    drop(runtime);
    assert!(sender.queue("late").is_err());
    assert!(receiver.recv().now_or_never().unwrap().unwrap().is_err());
    assert!(receiver.recv().now_or_never().unwrap().is_none());
    assert!(!sender.close(None).now_or_never().unwrap().clean);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn halves_are_dropped_by_many_threads() {
    let tasks: Vec<_> = (0..200_usize)
        .map(|n| {
            tokio::spawn(async move {
                let (client, server) = pair(200, timed()).await;
                let ((sender, mut receiver), (peer, mut peer_receiver)) = (client.split(), server.split());
                let echo = tokio::spawn(async move {
                    while let Some(Ok(message)) = peer_receiver.recv().await {
                        if peer.send(message).await.is_err() {
                            break;
                        }
                    }
                });
                let clone = sender.clone();
                let writer = tokio::spawn(async move {
                    for _ in 0..n {
                        clone.ready().await.unwrap();
                        clone.queue([7; 100]).unwrap();
                    }
                });
                for _ in 0..n / 2 {
                    assert_eq!(receiver.recv().await.unwrap().unwrap().len(), 100);
                }
                match n % 3 {
                    0 => drop(receiver),
                    1 => drop(sender),
                    _ => writer.abort(),
                }
                let _ = (writer.await, echo);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_no_tasks().await;
}

#[tokio::test(start_paused = true)]
async fn ends_that_both_send_long_messages_do_not_block_each_other() {
    let (client, server) = pair(1000, timed()).await;
    let run = |websocket: WebSocket<DuplexStream>| {
        let (sender, mut receiver) = websocket.split();
        let sending = tokio::spawn(async move {
            for _ in 0..10 {
                sender.send(vec![0; 300_000]).await.unwrap();
            }
            sender
        });
        tokio::spawn(async move {
            for _ in 0..10 {
                assert_eq!(receiver.recv().await.unwrap().unwrap().len(), 300_000);
            }
            sending.await.unwrap().ended()
        })
    };
    let (client, server) = tokio::join!(run(client), run(server));
    assert_eq!((client.unwrap(), server.unwrap()), (None, None));
}

#[tokio::test(start_paused = true)]
async fn peer_that_does_not_read_is_not_read_while_a_task_waits() {
    let (mut client, server) = pair(1000, timed()).await;
    let (sender, mut receiver) = server.split();
    let waiting = sender.clone();
    tokio::spawn(async move { waiting.send(vec![0; 300_000]).await });
    let echo = sender.clone();
    tokio::spawn(async move {
        while let Some(Ok(message)) = receiver.recv().await {
            let _ = echo.queue(message);
        }
    });
    // The client reads one message while it sends.
    let mut sent = 0;
    while sent < 1000 && timeout(Duration::from_secs(1), client.send(vec![1; 1000])).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 500, "{sent}");
    assert!(sender.unsent() < 300_000 + 2 * Config::HIGH_WATER_MARK, "{}", sender.unsent());
}

#[tokio::test(start_paused = true)]
async fn ends_that_queue_more_than_the_mark_do_not_block_each_other() {
    let (client, server) = pair(1000, timed()).await;
    let run = async |websocket: WebSocket<DuplexStream>| {
        let (sender, mut receiver) = websocket.split();
        for _ in 0..3 {
            for _ in 0..10 {
                sender.queue(vec![0; 100_000]).unwrap();
            }
            for _ in 0..10 {
                assert_eq!(receiver.recv().await.unwrap().unwrap().len(), 100_000);
            }
        }
        // The messages that the peer waits for are written.
        sender.flush().await.unwrap();
        (sender, receiver)
    };
    let (client, server) = tokio::join!(run(client), run(server));
    assert!(client.0.ended().is_none() && server.0.ended().is_none());
}

#[tokio::test(start_paused = true)]
async fn tasks_of_both_ends_that_send_long_messages_do_not_block_each_other() {
    for gap in [0, 1, 100] {
        let (client, server) = pair(1000, timed()).await;
        let run = |websocket: WebSocket<DuplexStream>| {
            let (sender, mut receiver) = websocket.split();
            for n in 0..4 {
                let sender = sender.clone();
                tokio::spawn(async move {
                    sleep(Duration::from_millis(gap * n)).await;
                    for _ in 0..10 {
                        sender.send(vec![0; 300_000]).await.unwrap();
                    }
                });
            }
            async move {
                for _ in 0..40 {
                    assert_eq!(receiver.recv().await.unwrap().unwrap().len(), 300_000);
                    assert!(sender.unsent() < Config::HIGH_WATER_MARK + 300_100, "each task waits for its turn");
                }
                sender.flush().await.unwrap();
                (sender, receiver)
            }
        };
        let (client, server) = tokio::join!(run(client), run(server));
        assert!(client.0.ended().is_none() && server.0.ended().is_none());
    }
}
