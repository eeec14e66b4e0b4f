//! What is held back for somebody who does not read is bounded, and the caller sees it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use protocol_websocket::{Accept, Client, Config, Event, Message, Offer, OsRandom, Server, Url};
use tokio::time::timeout;

use crate::ALONE;
use crate::faults::SLOW_MESSAGE;
use crate::peer::{Buffers, Peer};
use crate::process::{self, KIB};

/// Beyond this many unsent bytes the caller does not read.
const MARK: usize = 10_000;
/// One read, and one write of a slow socket.
const READ: usize = 1500;
const WRITE: usize = 100;

/// More than all the kernel's buffers.
const OFFERED: usize = 64 << 20;
/// A server that takes nothing for so long has stopped reading; if it was only busy, less is shown and nothing fails.
const STALL: Duration = Duration::from_secs(1);
/// What it may hold: the message that came, its echo, what there is of the next, and all of it twice while it grows.
const HELD: u64 = 1024 * KIB;

#[test]
fn unsent_output_stays_at_the_callers_mark() {
    let (mut client, mut server) = open(Config::new());
    let mut wire = BytesMut::new();
    let messages: Vec<Message> = (1000..2000).map(|length| format!("{length:0>length$}").into()).collect();
    messages.iter().for_each(|message| client.send(message.clone(), &mut wire).unwrap());

    let (mut input, mut output, mut sent) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
    while !(wire.is_empty() && output.is_empty()) {
        while output.len() <= MARK && !wire.is_empty() {
            input.extend_from_slice(&wire.split_to(READ.min(wire.len())));
            while let Some(event) = server.receive(&mut input, &mut output).unwrap() {
                if let Event::Message(message) = event {
                    server.send(message, &mut output).unwrap();
                }
            }
        }
        // A message of 2,000 bytes may end with the last read.
        assert!(output.len() <= MARK + 2000 + READ, "{} bytes", output.len());
        sent.extend_from_slice(&output.split_to(WRITE.min(output.len())));
    }
    for message in messages {
        let echo = client.receive(&mut sent, &mut output);
        assert!(matches!(echo, Ok(Some(Event::Message(echo))) if echo == message));
    }
}

#[test]
fn pings_fill_the_output_to_high_water_and_no_further() {
    let (mut client, mut server) = open(Config::new().high_water_mark(MARK));
    let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    for n in 0..10_000 {
        client.ping(format!("{n:0>125}"), &mut wire).unwrap();
        assert!(matches!(server.receive(&mut wire, &mut output), Ok(Some(Event::Ping(_)))));
        assert!(output.len() <= MARK + 2 + 125, "{} bytes", output.len());
    }
    output.clear();
    server.flush(&mut output);
    // Of all that had no room, the latest.
    let pong = client.receive(&mut output, &mut wire);
    assert!(matches!(pong, Ok(Some(Event::Pong(pong))) if pong == format!("{:0>125}", 9_999)));
    assert!(output.is_empty());
}

#[tokio::test]
async fn serve_pushes_back() {
    pushes_back("serve", &["--port", "0"]).await;
}

#[tokio::test]
async fn tokio_echo_pushes_back() {
    pushes_back("tokio_echo", &["0"]).await;
}

async fn pushes_back(example: &str, arguments: &[&str]) {
    let _alone = ALONE.lock().await;
    for what in ["messages", "pings"] {
        let (server, process) = process::start(example, arguments);
        let mut peer = Peer::open(server.port, 0, Buffers::Small).await.unwrap();
        peer.echo(SLOW_MESSAGE).await.unwrap();
        let before = process.usage();
        process.forget_peak();

        let mut taken = 0;
        loop {
            match what {
                "messages" => peer.say(SLOW_MESSAGE),
                _ => (0..500).for_each(|_| peer.ping(Bytes::from_static(&[b'.'; 125]))),
            }
            let offered = peer.output.len();
            let pushed = timeout(STALL, peer.push()).await;
            taken += offered - peer.output.len();
            match pushed {
                Ok(pushed) => pushed.unwrap(),
                Err(_) => break,
            }
            assert!(taken < OFFERED, "{example} took all of the {what}, and nobody read what it answered");
        }
        let held = process.usage().peak.saturating_sub(before.resident);
        println!("{example}: {taken} bytes of {what} taken from one who does not read, {held} of memory");
        assert!(held <= HELD);
        // The reader comes back, and nothing is lost.
        peer.echo(1000).await.unwrap();
        assert_eq!(peer.said, peer.echoed);
        assert_eq!(peer.pongs > 0, what == "pings");
        peer.close().await.unwrap();
    }
}

/// Two ends, open.
fn open(config: Config) -> (Client, Server) {
    let (mut there, mut back) = (BytesMut::new(), BytesMut::new());
    let url = Url::parse("ws://localhost/").unwrap();
    let mut client = Client::connect(&url, &Offer::new(), Config::new(), OsRandom::new(), &mut there).unwrap();
    let mut server = Server::new(config);
    match server.receive(&mut there, &mut back) {
        Ok(Some(Event::Upgrade(upgrade))) => server.accept(upgrade, &Accept::new(), &mut back).unwrap(),
        other => panic!("{other:?}"),
    }
    for opened in [server.receive(&mut there, &mut BytesMut::new()), client.receive(&mut back, &mut there)] {
        assert!(matches!(opened, Ok(Some(Event::Open(_)))));
    }
    (client, server)
}
