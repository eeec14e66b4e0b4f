//! A server is replaced several times. Each client still receives the echo of each message once and in order.
//!
//! Each client sends messages of seeded lengths, whole and in fragments, in writes that end at any byte. Half of the clients
//! compress. `HAND_OVER_SEEDS=20` runs 20 seeds with 1,000 clients.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::hash::{Hash as _, Hasher as _};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket_tokio::protocol_websocket::{Event, PermessageDeflate, ReceiveHalf, SendHalf};
use protocol_websocket_tokio::{CloseCode, Config, Connect, Message, Part, Stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use test_support::program::{Program, example, kill};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::sleep;

/// The time between two hand-overs.
const INTERVAL: Duration = Duration::from_millis(400);

const HAND_OVERS: usize = 3;

/// A sequence of numbers that depends on its seed alone.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// The clients of one run.
#[derive(Default)]
struct Clients {
    opened: AtomicUsize,
    /// The number of clients that have sent a part of a message and not its end.
    inside: AtomicUsize,
    /// Set after the last hand-over: the clients send the rest of their messages and close.
    is_last: AtomicBool,
}

fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    (message.as_text().is_some(), message.as_bytes()).hash(&mut hasher);
    hasher.finish()
}

/// Returns a message that compresses to a half or so.
fn message(seeded: &mut Seeded) -> Message {
    let len = if seeded.below(20) == 0 { 40_000 } else { 1 + seeded.below(3000) };
    let mut text = String::new();
    while text.len() < len {
        text.push_str(["hand", "over", "caf\u{E9}", "\u{1F600}", " "][seeded.below(5)]);
        text.push_str(&seeded.below(100_000).to_string());
    }
    if seeded.below(2) == 0 { text.into() } else { text.into_bytes().into() }
}

/// Queues a message, whole or in parts that end at any byte.
fn queue(sender: &mut SendHalf, message: &Message, seeded: &mut Seeded, output: &mut BytesMut) {
    if seeded.below(2) == 0 {
        return sender.send(message, output).unwrap();
    }
    let (mut rest, mut first) = (message.clone().into_bytes(), true);
    while first || !rest.is_empty() {
        let bytes = rest.split_to((1 + seeded.below(1500)).min(rest.len()));
        let part = Part::new(message.kind(), bytes).with_first(first).with_last(rest.is_empty());
        sender.send_part(part, output).unwrap();
        first = false;
    }
}

/// Sends messages until the last hand-over. Returns their hashes.
async fn send(mut stream: WriteHalf<Stream>, mut sender: SendHalf, mut seeded: Seeded, clients: &Clients) -> Vec<u64> {
    let (mut sent, mut output) = (Vec::new(), BytesMut::new());
    while !clients.is_last.load(Ordering::Relaxed) || sent.is_empty() {
        let message = message(&mut seeded);
        queue(&mut sender, &message, &mut seeded, &mut output);
        sent.push(hash(&message));
        clients.inside.fetch_add(1, Ordering::Relaxed);
        while !output.is_empty() {
            let len = (1 + seeded.below(900)).min(output.len());
            stream.write_all(&output.split_to(len)).await.unwrap();
            if !clients.is_last.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(20 + seeded.below(60) as u64)).await;
            }
        }
        clients.inside.fetch_sub(1, Ordering::Relaxed);
    }
    sender.close(Some(CloseCode::NORMAL.into()), &mut output).unwrap();
    stream.write_all(&output).await.unwrap();
    sent
}

/// Receives messages up to the Close. Returns their hashes.
async fn receive(mut stream: ReadHalf<Stream>, mut receiver: ReceiveHalf) -> Vec<u64> {
    let (mut received, mut input) = (Vec::new(), BytesMut::new());
    loop {
        assert_ne!(stream.read_buf(&mut input).await.unwrap(), 0, "the stream ended without a Close");
        while let Some(event) = receiver.receive(&mut input).unwrap() {
            match event {
                Event::Message(message) => received.push(hash(&message)),
                Event::Close(close) => {
                    assert_eq!(close.map(|close| close.code), Some(CloseCode::NORMAL));
                    return received;
                }
                _ => {}
            }
        }
    }
}

/// Returns the number of messages.
async fn run_client(url: String, number: usize, seed: u64, clients: Arc<Clients>) -> usize {
    let config = if number.is_multiple_of(2) {
        Config::new()
    } else {
        Config::new().extension(PermessageDeflate::new().threshold(0))
    };
    let websocket = Connect::new(&url).unwrap().config(config).await.unwrap().0;
    assert_eq!(websocket.negotiated().extensions.len(), number % 2);
    clients.opened.fetch_add(1, Ordering::Relaxed);
    let parts = websocket.into_parts();
    let (receiver, sender) = parts.session.connection.split();
    let (read, write) = split(parts.io);
    let seeded = Seeded(seed << 32 | number as u64);
    let (sent, received) = tokio::join!(send(write, sender, seeded, &clients), receive(read, receiver));
    assert!(sent == received, "client {number}: {} messages were sent, {} received", sent.len(), received.len());
    sent.len()
}

async fn run(seed: u64, number_of_clients: usize) {
    let server = Program::start_group(Command::new(example("hand_over")).arg("127.0.0.1:0"));
    let url = server.url();
    let (clients, mut tasks) = (Arc::new(Clients::default()), JoinSet::new());
    for number in 0..number_of_clients {
        tasks.spawn(run_client(url.clone(), number, seed, Arc::clone(&clients)));
        if number % 50 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    while clients.opened.load(Ordering::Relaxed) < number_of_clients {
        sleep(Duration::from_millis(5)).await;
    }
    let mut process = block_in_place(|| server.logged("process "));
    let mut inside = Vec::new();
    for _ in 0..HAND_OVERS {
        sleep(INTERVAL).await;
        while clients.inside.load(Ordering::Relaxed) < number_of_clients / 2 {
            sleep(Duration::from_millis(5)).await;
        }
        inside.push(clients.inside.load(Ordering::Relaxed));
        kill("USR2", process.rsplit(' ').next().unwrap());
        process = block_in_place(|| server.logged("process "));
        let took_over = block_in_place(|| server.logged("took over "));
        assert!(took_over.contains(&format!("took over {number_of_clients} ")), "{took_over}");
    }
    clients.is_last.store(true, Ordering::Relaxed);
    let mut messages = 0;
    while let Some(client) = tasks.join_next().await {
        messages += client.unwrap();
    }
    println!("seed {seed}: {number_of_clients} clients, {messages} messages, clients inside a message {inside:?}");
}

fn raise_limit_of_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hand_over_keeps_every_message_of_100_clients() {
    raise_limit_of_open_files();
    for seed in 1..=3 {
        run(seed, 100).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hand_over_keeps_every_message_of_1000_clients() {
    raise_limit_of_open_files();
    let seeds = env::var("HAND_OVER_SEEDS").map_or(1, |seeds| seeds.parse().unwrap());
    for seed in 1..=seeds {
        run(100 + seed, 1000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_goes_on_if_its_successor_does_not_start() {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(example("hand_over"));
    let server = Program::start_group(command.arg0("/bin/false").arg("127.0.0.1:0"));
    let url = server.url();
    let mut client = crate::open(&url).await.unwrap();
    for _ in 0..2 {
        server.signal("USR2");
        block_in_place(|| server.logged("the hand-over failed"));
        client.send("hello").await.unwrap();
        assert_eq!(crate::receive(&mut client).await, "hello".into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_goes_on_while_its_successor_hangs() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let script = std::env::temp_dir().join(format!("hand-over-hangs-{}", std::process::id()));
    std::fs::write(&script, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = Command::new(example("hand_over"));
    let server = Program::start_group(command.arg0(&script).arg("127.0.0.1:0"));
    let url = server.url();
    let mut client = crate::open(&url).await.unwrap();
    server.signal("USR2");
    // A new client and an open one are served while the successor does not answer.
    for _ in 0..20 {
        let mut other = crate::open(&url).await.unwrap();
        for client in [&mut client, &mut other] {
            client.send("hello").await.unwrap();
            assert_eq!(crate::receive(client).await, "hello".into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    block_in_place(|| server.logged("the hand-over failed"));
    client.send("hello").await.unwrap();
    assert_eq!(crate::receive(&mut client).await, "hello".into());
    std::fs::remove_file(script).unwrap();
}
