//! Connections with permessage-deflate that are idle free the memory of the compression, without a call.
#![cfg(feature = "permessage-deflate")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{
    Config, Connection, Event, Message, Negotiated, PermessageDeflate, Session, Timeouts, http::ExtensionParams,
};
use protocol_websocket_tokio::WebSocket;
use test_support::heap::{CountingAllocator, current};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::sleep;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const COUNT: usize = 1000;
const IDLE: Duration = Duration::from_secs(60);

/// Without pings, because no client replies.
fn config(deflate: PermessageDeflate, release_memory: Option<Duration>) -> Arc<Config> {
    let timeouts = Timeouts::RECOMMENDED.ping_interval(None).release_memory(release_memory);
    Arc::new(Config::new().extension(deflate).timeouts(timeouts))
}

/// A client whose bytes are sent to all servers. The servers send equal bytes.
struct Client {
    connection: Connection,
    servers: Vec<DuplexStream>,
}

impl Client {
    fn new(negotiated: &Negotiated, config: &Arc<Config>) -> Self {
        let connection = Connection::open_client(negotiated, Arc::clone(config), |key: &mut [u8]| key.fill(0));
        let servers = (0..COUNT).map(|_| {
            let (near, far) = duplex(1024);
            let session = Session::new(Connection::open_server(negotiated, Arc::clone(config)));
            tokio::spawn(echo(WebSocket::new(near, session)));
            far
        });
        Self { connection, servers: servers.collect() }
    }

    /// Sends a text to each server, and receives it from each. Returns the number of bytes that one server sent.
    async fn exchange(&mut self, text: &str) -> usize {
        let (mut output, mut replies) = (BytesMut::new(), BytesMut::new());
        self.connection.send(text, &mut output).unwrap();
        let (first, others) = self.servers.split_first_mut().unwrap();
        first.write_all(&output).await.unwrap();
        let (mut input, mut control) = (BytesMut::new(), BytesMut::new());
        let message = loop {
            let len = replies.len();
            first.read_buf(&mut replies).await.unwrap();
            input.extend_from_slice(&replies[len..]);
            if let Some(event) = self.connection.receive(&mut input, &mut control).unwrap() {
                break event;
            }
        };
        assert_eq!(message, Event::Message(Message::from(text)));
        let mut reply = vec![0; replies.len()];
        for server in others {
            server.write_all(&output).await.unwrap();
            server.read_exact(&mut reply).await.unwrap();
            assert_eq!(reply, replies);
        }
        reply.len()
    }
}

async fn echo(mut websocket: WebSocket<DuplexStream>) {
    while let Some(Ok(message)) = websocket.recv().await {
        websocket.send(message).await.unwrap();
    }
}

/// Bytes on the heap for each connection.
fn heap_since(before: i64) -> i64 {
    (current().live - before) / i64::try_from(COUNT).unwrap()
}

fn text(n: usize) -> String {
    (0..20).map(|at| format!(r#"{{"id":{},"name":"user {at}","balance":"{}"}}"#, n * 20 + at, at * 7919)).collect()
}

#[tokio::test(start_paused = true)]
async fn idle_connections_release_the_memory_of_compression() {
    let negotiated = Negotiated::default().extension(ExtensionParams::new("permessage-deflate"));
    let before = current().live;
    let mut client = Client::new(&negotiated, &config(PermessageDeflate::new(), Some(IDLE)));
    client.exchange(&text(0)).await;
    let later = client.exchange(&text(1)).await;
    let active = heap_since(before);
    sleep(IDLE - Duration::from_secs(1)).await;
    assert_eq!(heap_since(before), active);
    sleep(IDLE + Duration::from_secs(2)).await;
    let idle = heap_since(before);
    println!("a connection: {active} bytes, idle {idle} bytes");
    assert!(active > 330_000, "{active}");
    // The duplex stream, the task, the timer, and the bytes of both messages in the window of the decompressor.
    assert!(idle < 8_000, "{idle}");
    // The client refers to the messages before. The server does not, and the message after does.
    let first = client.exchange(&text(2)).await;
    let second = client.exchange(&text(3)).await;
    assert!(first * 2 > later * 3 && second * 2 < later * 3, "{later}, {first}, {second}");
}

#[tokio::test(start_paused = true)]
async fn idle_connections_keep_the_memory_of_compression_without_a_timeout() {
    let negotiated = Negotiated::default().extension(ExtensionParams::new("permessage-deflate"));
    let before = current().live;
    let mut client = Client::new(&negotiated, &config(PermessageDeflate::new(), None));
    client.exchange(&text(0)).await;
    let active = heap_since(before);
    sleep(10 * IDLE).await;
    assert_eq!(heap_since(before), active);
}

#[tokio::test(start_paused = true)]
async fn many_connections_with_small_windows_take_little_memory() {
    let deflate = PermessageDeflate::new().windows_only().server_max_window_bits(12).client_max_window_bits(12);
    let agreed = ExtensionParams::new("permessage-deflate")
        .param("server_max_window_bits", "12")
        .param("client_max_window_bits", "12");
    let before = current().live;
    let mut client = Client::new(&Negotiated::default().extension(agreed), &config(deflate, None));
    let first = client.exchange(&text(0)).await;
    let later = client.exchange(&text(1)).await;
    let used = heap_since(before);
    println!("a connection: {used} bytes");
    assert!(used < 12_000, "{used}");
    assert!(later * 2 < first, "a message refers to the one before: {first} and {later} bytes");
}
