//! Connections whose ends act at random times, in the time of the runtime, which is paused. A failure names its seed.
//!
//! `WEBSOCKET_SEED=0..100000 cargo test -p protocol-websocket-tokio --all-features --test stress` runs more of them, and
//! `WEBSOCKET_SEED=7` one.
#![cfg(all(feature = "client", feature = "permessage-deflate", feature = "server"))]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol_websocket::{Delivery, EndedBy, MessageKind, PermessageDeflate};
use protocol_websocket_testkit::{Schedule, Transport, for_each_seed, run};
use protocol_websocket_tokio::{
    Accept, CloseCode, Config, Connect, Destination, Drain, Ended, Error, Message, Part, Receiver, SendError, Sender,
    Timeouts, Watchable, WebSocket, accept, relay,
};
use tokio::time::{sleep, timeout};

/// The close codes of the client, the server and the drain.
const CLIENT: CloseCode = CloseCode(4000);
const SERVER: CloseCode = CloseCode(4001);
const DRAIN: CloseCode = CloseCode(4002);

/// The choices of these tests.
trait Choices {
    async fn pause(&mut self);
    fn millis(&mut self, limit: u64) -> Duration;
    fn config(&mut self) -> Config;
    fn messages(&mut self, limits: &[usize]) -> Vec<Message>;
}

impl Choices for Schedule {
    fn millis(&mut self, limit: u64) -> Duration {
        self.duration(Duration::from_millis(limit))
    }

    /// Mostly does not wait, seldom some seconds.
    async fn pause(&mut self) {
        match self.below(20) {
            0 => sleep(self.millis(5000)).await,
            1..=5 => sleep(self.millis(50)).await,
            _ => {}
        }
    }

    fn config(&mut self) -> Config {
        let mut config = Config::new().timeouts(Timeouts::RECOMMENDED);
        if self.one_in(2) {
            config = config.extension(PermessageDeflate::new());
        }
        if self.one_in(2) {
            config = config.high_water_mark(1 + self.below(5000));
        }
        config
    }

    /// Returns fewer than 30 messages. The length of each has one of these limits.
    fn messages(&mut self, limits: &[usize]) -> Vec<Message> {
        (0..self.below(30))
            .map(|_| {
                let limit = limits[self.below(limits.len())];
                let (len, char) = (self.below(limit), self.choose(['a', 'b', 'é']));
                let text = String::from(char).repeat(len);
                if self.one_in(2) { text.into_bytes().into() } else { text.into() }
            })
            .collect()
    }
}

/// Runs a test with many seeds.
fn for_each<F: Future<Output = ()>>(test: impl Fn(Schedule) -> F) {
    for_each_seed(0..30, |random| run(test(random)));
}

/// Makes a connection whose transport has a small buffer. Returns its client and its server.
async fn pair(random: &mut Schedule, client: Config, server: Config) -> (WebSocket<Transport>, WebSocket<Transport>) {
    let (near, far) = Transport::pair(1 + random.below(5000));
    let client = Connect::to(Destination::new("localhost", "/")).config(client).over(near);
    let server = async { accept(far, server).await?.accept(Accept::new()).await };
    let (client, server) = tokio::join!(client, server);
    (client.unwrap().0, server.unwrap())
}

/// Sends messages as a whole or in parts, and waits until all are written.
async fn send_all(sender: &Sender, messages: &[Message], random: &mut Schedule) -> Result<(), Error> {
    for message in messages {
        random.pause().await;
        match random.below(4) {
            0 => {
                let kind = if message.as_text().is_some() { MessageKind::Text } else { MessageKind::Binary };
                let bytes = message.as_bytes();
                // Text is split between two characters.
                let at = message.as_text().map_or(bytes.len() / 3, |text| {
                    text.char_indices().nth(text.chars().count() / 3).map_or(0, |(at, _)| at)
                });
                sender.queue_part(Part::new(kind, bytes.slice(..at)).with_first(true).with_last(false))?;
                random.pause().await;
                sender.queue_part(Part::new(kind, bytes.slice(at..)).with_first(false).with_last(true))?;
            }
            1 => sender.send(message).await?,
            2 => {
                sender.ready().await?;
                sender.queue(message.clone())?;
            }
            _ => sender.queue(message)?,
        }
    }
    sender.flush().await
}

async fn receive_all(receiver: &mut Receiver, random: &mut Schedule) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(Ok(message)) = receiver.recv().await {
        messages.push(message);
        random.pause().await;
    }
    messages
}

/// What an end does after it has sent its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Close(CloseCode),
    /// Drops both halves.
    Drop,
    /// Waits for the other end, and closes if that one waits, too.
    Wait,
}

impl Plan {
    fn new(random: &mut Schedule, code: CloseCode) -> Self {
        match random.below(5) {
            0 => Self::Drop,
            1 | 2 => Self::Wait,
            _ => Self::Close(code),
        }
    }
}

#[derive(Debug)]
struct Report {
    plan: Plan,
    has_sent_all: bool,
    /// Empty for [`Plan::Drop`].
    received: Vec<Message>,
    ended: Option<Ended>,
}

/// Runs an end of a connection until it has ended.
async fn run_end(websocket: WebSocket<Transport>, messages: &[Message], plan: Plan, mut random: Schedule) -> Report {
    let (sender, mut receiver) = websocket.split();
    let mut reader = random.fork();
    let write = async {
        let sent = send_all(&sender, messages, &mut random).await;
        assert!(!matches!(&sent, Err(Error::Send(error)) if *error != SendError::Closed), "{sent:?}");
        let has_sent_all = sent.is_ok();
        random.pause().await;
        match plan {
            Plan::Close(code) => drop(sender.close(Some(code.into())).await),
            Plan::Drop => {}
            Plan::Wait => {
                // Longer than all pauses of the other end.
                sleep(Duration::from_secs(3000)).await;
                sender.close(Some(CloseCode::NORMAL.into())).await;
            }
        }
        has_sent_all
    };
    let read = receive_all(&mut receiver, &mut reader);
    let (has_sent_all, received) = match plan {
        Plan::Drop => tokio::select! {
            biased;
            has_sent_all = write => (has_sent_all, Vec::new()),
            _ = read => (false, Vec::new()),
        },
        _ => tokio::join!(write, read),
    };
    Report { plan, has_sent_all, received, ended: sender.ended() }
}

/// The lengths of the messages through a relay.
const LIMITS: [usize; 4] = [10, 300, 3000, 80_000];

/// Checks what one end received from the other.
fn check(to: &Report, sent: &[Message], from: &Report, code: CloseCode) {
    assert!(sent.starts_with(&to.received), "received {} of {} messages, or others", to.received.len(), sent.len());
    // The Close of the other end follows all its messages.
    if to.plan != Plan::Drop && to.ended.as_ref().is_some_and(|ended| ended.code == code && ended.by == EndedBy::Peer) {
        assert!(from.has_sent_all && to.received == sent, "received {} of {}", to.received.len(), sent.len());
    }
}

#[test]
fn relay_passes_messages_and_ends_on() {
    for_each(|mut random| async move {
        let mut parts = || {
            let config = random.config();
            if random.one_in(2) { config.delivery(Delivery::Parts) } else { config }
        };
        let (a, b) = (parts(), parts());
        let (client, server) = (random.config(), random.config());
        let (client, a) = pair(&mut random, client, a).await;
        let (b, server) = pair(&mut random, b, server).await;
        let drain = Drain::new();
        let (watch_a, watch_b) = (random.one_in(4), random.one_in(4));
        if watch_a {
            drain.watch(&a);
        }
        if watch_b {
            drain.watch(&b);
        }
        let (from_client, from_server) = (random.messages(&LIMITS), random.messages(&LIMITS));
        let plans = (Plan::new(&mut random, CLIENT), Plan::new(&mut random, SERVER));
        let client = run_end(client, &from_client, plans.0, random.fork());
        let server = run_end(server, &from_server, plans.1, random.fork());
        let shutdown = async {
            sleep(random.millis(100_000)).await;
            drain.shutdown(DRAIN, "", Duration::from_secs(60)).await
        };
        let (client, server, (a, b), drained) = tokio::join!(client, server, relay(a, b), shutdown);
        check(&server, &from_client, &client, CLIENT);
        check(&client, &from_server, &server, SERVER);
        assert_eq!(drain.watched(), 0);
        assert!(drained.agreed + drained.others <= usize::from(watch_a) + usize::from(watch_b), "{drained:?}");
        if !watch_a && !watch_b {
            for (from, to, code) in [(&client, &server, CLIENT), (&server, &client, SERVER)] {
                if from.plan == Plan::Close(code) && to.plan == Plan::Wait {
                    let ended = to.ended.as_ref().unwrap();
                    assert_eq!((ended.code, ended.by, ended.clean), (code, EndedBy::Peer, true));
                }
            }
        }
        assert!(a.clean && b.clean, "{a:?} {b:?}");
    });
}

/// What a client does in the test of [`Drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// Reads until the end.
    Reads,
    /// Closes after its messages.
    Closes,
    /// Drops its transport after its messages.
    Drops,
    /// Reads nothing after its messages.
    Stops,
}

/// How the server runs a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handler {
    /// Queues each reply, and `recv` writes it.
    Recv,
    /// Waits until each reply is written.
    Send,
    /// As `Recv`, with halves.
    Split,
    /// As `Send`, with halves.
    Sender,
    /// Drops the connection after some messages.
    Drops,
}

/// A drain, and the number of connections that it has watched.
#[derive(Default)]
struct Watcher {
    drain: Drain,
    count: AtomicUsize,
}

impl Watcher {
    /// Watches a connection, unless it has ended.
    fn watch(&self, connection: &impl Watchable) {
        let before = self.drain.watched();
        self.drain.watch(connection);
        self.count.fetch_add(self.drain.watched() - before, Ordering::Relaxed);
    }

    /// Returns the number of connections that have ended.
    fn ended(&self) -> usize {
        self.count.load(Ordering::Relaxed) - self.drain.watched()
    }
}

/// Sends messages back until the end.
async fn echo(io: Transport, handler: Handler, watcher: &Watcher, mut random: Schedule) {
    random.pause().await;
    let Ok(incoming) = accept(io, random.config()).await else { return };
    random.pause().await;
    let Ok(mut websocket) = incoming.accept(Accept::new()).await else { return };
    if handler == Handler::Recv || handler == Handler::Send || handler == Handler::Drops {
        watcher.watch(&websocket);
        while let Some(Ok(message)) = websocket.recv().await {
            random.pause().await;
            let sent = match handler {
                Handler::Recv => websocket.queue(message).is_ok(),
                Handler::Send => websocket.send(message).await.is_ok(),
                _ => !random.one_in(5),
            };
            if !sent && handler == Handler::Drops {
                return;
            }
        }
        return;
    }
    let (sender, mut receiver) = websocket.split();
    random.pause().await;
    watcher.watch(&sender);
    watcher.watch(&sender);
    while let Some(Ok(message)) = receiver.recv().await {
        random.pause().await;
        // An error is returned after a Close.
        let _ = if handler == Handler::Split {
            sender.queue(message).map_err(Error::from)
        } else {
            sender.send(message).await
        };
    }
}

/// Runs a client. Returns how it ended, if its opening handshake was done.
async fn run_client(io: Transport, client: Client, mut random: Schedule) -> Option<Ended> {
    let connect = Connect::to(Destination::new("localhost", "/")).config(random.config());
    let Ok((mut websocket, _)) = connect.over(io).await else { return None };
    let (mut sent, mut received) = (random.messages(&[10, 1000]), Vec::new());
    for message in &sent {
        random.pause().await;
        let _ = websocket.queue(message);
        if let Ok(Some(Ok(message))) = timeout(random.millis(100), websocket.recv()).await {
            received.push(message);
        }
    }
    match client {
        Client::Drops => return None,
        Client::Stops => {
            sleep(Duration::from_secs(600)).await;
            return None;
        }
        Client::Closes => drop(websocket.close(Some(CLIENT.into())).await),
        Client::Reads => {
            while let Some(message) = websocket.recv().await {
                received.extend(message.ok());
                random.pause().await;
            }
        }
    }
    sent.truncate(received.len());
    assert!(sent == received, "received {} messages, or others", received.len());
    websocket.ended().cloned()
}

/// Longer than a closing handshake with the slowest client takes.
const LONG: Duration = Duration::from_secs(100);

#[test]
fn drain_closes_and_counts_every_connection() {
    for_each(|mut random| async move {
        let watcher = Arc::new(Watcher::default());
        let clients = [Client::Reads, Client::Closes, Client::Drops, Client::Stops];
        let handlers = [Handler::Recv, Handler::Send, Handler::Split, Handler::Sender, Handler::Drops];
        let runs: Vec<_> = (0..=random.below(12))
            .map(|_| {
                let (client, handler) = (random.choose(clients), random.choose(handlers));
                let (near, far) = Transport::pair(1 + random.below(5000));
                let (watched, server) = (Arc::clone(&watcher), random.fork());
                let start = random.millis(20_000);
                let server = tokio::spawn(async move {
                    sleep(start).await;
                    echo(far, handler, &watched, server).await;
                });
                let random = random.fork();
                let client_task = tokio::spawn(async move {
                    sleep(start).await;
                    run_client(near, client, random).await
                });
                (client, handler, client_task, server)
            })
            .collect();
        sleep(random.millis(60_000)).await;
        let grace = random.choose([Duration::ZERO, Duration::from_secs(1), LONG]);
        let ended = watcher.ended();
        let drained = watcher.drain.shutdown(DRAIN, "", grace).await;
        assert_eq!(ended + drained.agreed + drained.others, watcher.count.load(Ordering::Relaxed), "{drained:?}");

        // The connections that may end without a closing handshake.
        let mut others = 0;
        for (client, handler, client_task, server) in runs {
            let ended = client_task.await.unwrap();
            server.await.unwrap();
            if client == Client::Reads && handler != Handler::Drops {
                let ended = ended.unwrap();
                assert_eq!((ended.code, ended.by, ended.clean), (DRAIN, EndedBy::Peer, true), "{handler:?}");
            } else {
                others += 1;
            }
        }
        assert_eq!(watcher.drain.watched(), 0);
        assert!(drained.others <= others || grace < LONG, "{drained:?}");
    });
}
