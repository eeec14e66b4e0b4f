//! Backpressure: unsent output for a peer that does not read is bounded, and its length is visible to the caller.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use protocol_websocket::{Accept, Client, Config, Event, Message, Offer, OsRandom, Server, Url};
use tokio::time::timeout;

use crate::ONE_SERVER;
use crate::faults::SLOW_MESSAGE;
use crate::peer::{Buffers, Peer};
use crate::process::{self, KIB};

/// While more bytes are unsent, the caller does not read.
const HIGH_WATER_MARK: usize = 10_000;
/// The sizes of a read, and of a write to a slow socket.
const READ: usize = 1500;
const WRITE: usize = 100;

/// More than all buffers of the kernel.
const MAX_ACCEPTED: usize = 64 << 20;
/// A server that reads nothing for this time is assumed to have stopped. If it was only busy, the test checks less and
/// does not fail.
const STALL: Duration = Duration::from_secs(1);
/// The limit for the server: a message, its echo, the start of the next message, and twice that while buffers grow.
const MAX_MEMORY: u64 = 1024 * KIB;

#[test]
fn unsent_output_stays_at_the_callers_high_water_mark() {
    let (mut client, mut server) = open(Config::new());
    let mut wire = BytesMut::new();
    let messages: Vec<Message> = (1000..2000).map(|length| format!("{length:0>length$}").into()).collect();
    messages.iter().for_each(|message| client.send(message, &mut wire).unwrap());

    let (mut input, mut output, mut sent) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
    while !(wire.is_empty() && output.is_empty()) {
        while output.len() <= HIGH_WATER_MARK && !wire.is_empty() {
            input.extend_from_slice(&wire.split_to(READ.min(wire.len())));
            while let Some(event) = server.receive(&mut input, &mut output).unwrap() {
                if let Event::Message(message) = event {
                    server.send(message, &mut output).unwrap();
                }
            }
        }
        // A message of 2,000 bytes may end with the last read.
        assert!(output.len() <= HIGH_WATER_MARK + 2000 + READ, "{} bytes", output.len());
        sent.extend_from_slice(&output.split_to(WRITE.min(output.len())));
    }
    for message in messages {
        let echo = client.receive(&mut sent, &mut output);
        assert!(matches!(echo, Ok(Some(Event::Message(echo))) if echo == message));
    }
}

#[test]
fn pongs_stop_at_the_high_water_mark() {
    let (mut client, mut server) = open(Config::new().high_water_mark(HIGH_WATER_MARK));
    let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    for n in 0..10_000 {
        client.ping(format!("{n:0>125}"), &mut wire).unwrap();
        assert!(matches!(server.receive(&mut wire, &mut output), Ok(Some(Event::Ping(_)))));
        assert!(output.len() <= HIGH_WATER_MARK + 2 + 125, "{} bytes", output.len());
    }
    output.clear();
    server.flush(&mut output);
    // Of the pongs above the mark, only the latest is kept.
    let pong = client.receive(&mut output, &mut wire);
    assert!(matches!(pong, Ok(Some(Event::Pong(pong))) if pong == format!("{:0>125}", 9_999)));
    assert!(output.is_empty());
}

#[tokio::test]
async fn serve_applies_backpressure() {
    applies_backpressure("serve", &["--port", "0"], true).await;
}

#[tokio::test]
async fn tokio_echo_applies_backpressure() {
    // A session reads pings over the high-water mark, because only the latest pong is kept.
    applies_backpressure("tokio_echo", &["0"], false).await;
}

async fn applies_backpressure(example: &str, arguments: &[&str], stops_at_pings: bool) {
    let _guard = ONE_SERVER.lock().await;
    for kind in ["messages", "pings"] {
        let (server, process) = process::start(example, arguments);
        let mut peer = Peer::open(server.port, 0, Buffers::Small).await.unwrap();
        peer.echo(SLOW_MESSAGE).await.unwrap();
        let before = process.usage();
        process.reset_peak();

        let mut accepted = 0;
        let reads_all = kind == "pings" && !stops_at_pings;
        while !reads_all || accepted < MAX_ACCEPTED {
            match kind {
                "messages" => peer.send(SLOW_MESSAGE),
                _ => (0..500).for_each(|_| peer.ping(Bytes::from_static(&[b'.'; 125]))),
            }
            let offered = peer.output.len();
            let written = timeout(STALL, peer.write()).await;
            accepted += offered - peer.output.len();
            match written {
                Ok(written) => written.unwrap(),
                Err(_) => break,
            }
            assert!(reads_all || accepted < MAX_ACCEPTED, "{example} read all {kind} although its output was not read");
        }
        let memory = process.usage().peak.saturating_sub(before.resident);
        println!(
            "{example}: {accepted} bytes of {kind} accepted from a client that does not read, {memory} bytes of memory"
        );
        assert!(memory <= MAX_MEMORY);
        // The client reads again, and no echo is missing.
        peer.echo(1000).await.unwrap();
        assert_eq!(peer.sent, peer.echoed);
        assert_eq!(peer.pongs > 0, kind == "pings");
        peer.close().await.unwrap();
    }
}

/// Returns a client and a server that are open.
fn open(config: Config) -> (Client, Server) {
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let url = Url::parse("ws://localhost/").unwrap();
    let mut client = Client::connect(&url, &Offer::new(), Config::new(), OsRandom::new(), &mut to_server).unwrap();
    let mut server = Server::new(config);
    match server.receive(&mut to_server, &mut to_client) {
        Ok(Some(Event::Upgrade(upgrade))) => server.accept(upgrade, &Accept::new(), &mut to_client).unwrap(),
        other => panic!("{other:?}"),
    }
    for opened in [server.receive(&mut to_server, &mut BytesMut::new()), client.receive(&mut to_client, &mut to_server)]
    {
        assert!(matches!(opened, Ok(Some(Event::Open(_)))));
    }
    (client, server)
}
