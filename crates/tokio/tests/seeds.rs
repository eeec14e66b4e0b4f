//! Two ends, whole or in halves, with a transport that splits, delays and fails by a seed. Each message arrives once and in
//! order, even if a `recv` is dropped, the close codes are correct, both ends end, and the memory is bounded. A failed test
//! prints its seed.
//!
//! `WEBSOCKET_SEED=0..1000000 cargo test -p protocol-websocket-tokio --all-features --test seeds` runs more of them, and
//! `WEBSOCKET_SEED=7` one.
#![cfg(all(feature = "client", feature = "permessage-deflate", feature = "server"))]
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use protocol_websocket::{Connection, EndedBy, PermessageDeflate, SendError};
use protocol_websocket_testkit::{Schedule, Transport, for_each_seed, run};
use protocol_websocket_tokio::{
    Accept, CloseCode, Config, Connect, ConnectError, Destination, Ended, Error, Message, Negotiated, Session,
    Timeouts, WebSocket, accept,
};
use test_support::heap::{CountingAllocator, measure};
use tokio::time::{sleep, timeout};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const MAX_LEN: usize = 10_000;
/// The peak of the memory of the runtime and both ends, with and without compression.
const MAX_MEMORY: i64 = 300_000;
const MAX_DEFLATE_MEMORY: i64 = 1_300_000;

/// The limit of a wait of a program.
const SHORT: Duration = Duration::from_millis(50);
/// A deadline that is longer than all waits of a transport.
const LONG: Duration = Duration::from_secs(10_000);

/// The properties of a run.
#[derive(Clone, Copy)]
struct Kind {
    is_compressed: bool,
    has_faults: bool,
}

/// An end of a connection: what it sends, and then the code of its Close, if it closes.
struct End {
    messages: Vec<Message>,
    close: Option<CloseCode>,
    is_split: bool,
    /// It waits until its messages are written. If both ends do so and receive nothing meanwhile, they wait for each other.
    waits: bool,
    random: Schedule,
}

/// What an end has sent and received, as hashes, and how it ended.
#[derive(Debug)]
struct Report {
    messages: Vec<u64>,
    sent: usize,
    received: Vec<u64>,
    close: Option<CloseCode>,
    ended: Ended,
}

fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.hash(&mut hasher);
    hasher.finish()
}

fn config(random: &mut Schedule, kind: Kind) -> Config {
    // Pings after an interval, and no deadline that a slow transport could exceed.
    let long = Some(LONG);
    let timeouts = if random.one_in(2) { Timeouts::RECOMMENDED } else { Timeouts::NONE };
    let mut config = Config::new().timeouts(timeouts.handshake(long).pong_timeout(long).close(long));
    if random.one_in(2) {
        config = config.high_water_mark(random.below(5000));
    }
    if kind.is_compressed { config.extension(PermessageDeflate::new()) } else { config }
}

impl End {
    fn new(random: &mut Schedule, code: CloseCode, closes: bool) -> Self {
        let messages = (0..random.below(6)).map(|_| {
            let limit = if random.one_in(50) { MAX_LEN } else { random.choose([10, 20, 130, 300]) };
            let len = random.below(limit);
            if random.one_in(2) { random.bytes(len).into() } else { "é".repeat(len / 2).into() }
        });
        Self {
            messages: messages.collect(),
            close: closes.then_some(code),
            is_split: random.one_in(2),
            waits: true,
            random: random.fork(),
        }
    }

    async fn run(mut self, websocket: WebSocket<Transport>) -> Report {
        let messages = self.messages.iter().map(hash).collect();
        let close = self.close;
        let (sent, received, ended) =
            if self.is_split { self.run_halves(websocket).await } else { self.run_whole(websocket).await };
        Report { messages, sent, received, close, ended }
    }

    async fn run_whole(&mut self, mut websocket: WebSocket<Transport>) -> (usize, Vec<u64>, Ended) {
        let Self { messages, close, waits, random, .. } = self;
        let (mut sent, mut received) = (0, Vec::new());
        for message in messages {
            while random.one_in(2) {
                // It is dropped at any time.
                if let Ok(Some(Ok(message))) = timeout(random.duration(SHORT), websocket.recv()).await {
                    received.push(hash(&message));
                }
            }
            let result = match random.below(if *waits { 3 } else { 1 }) {
                0 => websocket.queue(message.clone()).map_err(Error::from),
                1 => websocket.send(&*message).await,
                _ => match websocket.ready().await {
                    Ok(()) => websocket.queue(&*message).map_err(Error::from),
                    error => error,
                },
            };
            sent += usize::from(is_sent(&result));
        }
        if let Some(code) = *close {
            websocket.queue_close(Some(code.into()));
        }
        while let Some(message) = websocket.recv().await {
            received.extend(message.iter().map(hash));
        }
        (sent, received, websocket.ended().unwrap().clone())
    }

    async fn run_halves(&mut self, websocket: WebSocket<Transport>) -> (usize, Vec<u64>, Ended) {
        let Self { messages, close, random, .. } = self;
        let (sender, mut receiver) = websocket.split();
        let mut pauses = random.fork();
        let send = async {
            let mut sent = 0;
            for message in messages {
                if random.one_in(4) {
                    sleep(random.duration(SHORT)).await;
                }
                let result = match random.below(3) {
                    0 => sender.queue(message.clone()).map_err(Error::from),
                    1 => sender.send(&*message).await,
                    _ => match sender.ready().await {
                        Ok(()) => sender.queue(&*message).map_err(Error::from),
                        error => error,
                    },
                };
                sent += usize::from(is_sent(&result));
            }
            if let Some(code) = *close {
                sender.queue_close(Some(code.into()));
            }
            sent
        };
        let receive = async {
            let mut received = Vec::new();
            for _ in 0..pauses.below(10) {
                // It is dropped at any time.
                if let Ok(Some(Ok(message))) = timeout(pauses.duration(SHORT), receiver.recv()).await {
                    received.push(hash(&message));
                }
                sleep(pauses.duration(SHORT)).await;
            }
            while let Some(message) = receiver.recv().await {
                received.extend(message.iter().map(hash));
            }
            received
        };
        let (sent, received) = tokio::join!(send, receive);
        (sent, received, sender.ended().unwrap())
    }
}

/// Whether a message was sent. The connection may have ended before.
fn is_sent(result: &Result<(), Error>) -> bool {
    assert!(!matches!(result, Err(Error::Send(error)) if *error != SendError::Closed), "{result:?}");
    result.is_ok()
}

/// Returns a transport that follows the seed.
fn scheduled(transport: Transport, random: &mut Schedule, kind: Kind) -> Transport {
    let schedule = random.fork();
    let schedule = if kind.has_faults { schedule.may_fail_within(3000) } else { schedule };
    let buffer = if random.one_in(4) { 1 + random.below(1000) } else { 0 };
    transport.with_schedule(schedule).with_write_buffer(buffer)
}

/// Opens a client, with or without the opening handshake.
async fn open_client(io: Transport, config: Config, has_handshake: bool) -> Result<WebSocket<Transport>, ConnectError> {
    if has_handshake {
        let connect = Connect::to(Destination::new("localhost", "/")).config(config).timeout(LONG);
        return Ok(connect.over(io).await?.0);
    }
    let connection = Connection::open_client(&Negotiated::default(), config, |key: &mut [u8]| key.fill(7));
    Ok(WebSocket::new(io, Session::new(connection)))
}

/// Opens a server, with or without the opening handshake.
async fn open_server(io: Transport, config: Config, has_handshake: bool) -> Result<WebSocket<Transport>, Error> {
    if has_handshake {
        return accept(io, config).await?.accept(Accept::new()).await;
    }
    Ok(WebSocket::new(io, Session::new(Connection::open_server(&Negotiated::default(), config))))
}

/// Checks the end of the connection and the messages at one end.
fn check(end: &Report, other: &Report, kind: Kind) {
    let ended = &end.ended;
    assert!(other.messages.starts_with(&end.received), "received {} messages, or others", end.received.len());
    assert!(ended.clean || kind.has_faults, "{ended:?}, and at the other end {:?}", other.ended);
    // Without the Close of the other end. Its reply may be lost.
    if ended.code == CloseCode::ABNORMAL {
        assert_eq!(ended.by, EndedBy::Transport, "{ended:?}");
        return;
    }
    // A `send` can fail after its message was queued.
    let count = end.received.len();
    assert!(count >= other.sent && count <= other.messages.len(), "received {count} of {} messages", other.sent);
    assert!([end.close, other.close].contains(&Some(ended.code)), "{ended:?}");
    if end.close.is_none() || other.close.is_none() {
        assert_eq!(ended.by, if end.close.is_some() { EndedBy::Us } else { EndedBy::Peer });
    }
}

async fn exchange(mut random: Schedule, kind: Kind) {
    let closes = random.choose([(true, false), (false, true), (true, true)]);
    let near = End::new(&mut random, CloseCode(4000), closes.0);
    let mut far = End::new(&mut random, CloseCode(4001), closes.1);
    far.waits = near.is_split || far.is_split;
    let (io, other) = Transport::pair(1 + random.below(3000));
    let (io, other) = (scheduled(io, &mut random, kind), scheduled(other, &mut random, kind));
    let (client, server) = (config(&mut random, kind), config(&mut random, kind));
    // The opening handshake is as long as the messages.
    let has_handshake = kind.is_compressed || random.one_in(8);
    let client = async { Ok::<_, ConnectError>(near.run(open_client(io, client, has_handshake).await?).await) };
    let server = async { Ok::<_, Error>(far.run(open_server(other, server, has_handshake).await?).await) };
    match tokio::join!(client, server) {
        (Ok(client), Ok(server)) => {
            check(&client, &server, kind);
            check(&server, &client, kind);
        }
        failed => assert!(kind.has_faults, "{failed:?}"),
    }
}

fn for_each(seeds: u64, kind: Kind) {
    let limit = if kind.is_compressed { MAX_DEFLATE_MEMORY } else { MAX_MEMORY };
    for_each_seed(0..seeds, |random| {
        let ((), heap) = measure(|| run(exchange(random, kind)));
        assert!(heap.peak < limit, "{heap:?}");
    });
}

#[test]
fn messages_arrive_once_and_in_order() {
    for_each(7000, Kind { is_compressed: false, has_faults: false });
}

#[test]
fn messages_before_a_fault_arrive_once_and_in_order() {
    for_each(7000, Kind { is_compressed: false, has_faults: true });
}

#[test]
fn compressed_messages_arrive_once_and_in_order() {
    for_each(500, Kind { is_compressed: true, has_faults: false });
}

#[test]
fn compressed_messages_before_a_fault_arrive_once_and_in_order() {
    for_each(500, Kind { is_compressed: true, has_faults: true });
}
