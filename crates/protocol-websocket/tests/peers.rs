//! Over real sockets, against programs that we did not write: `websockets` of Python, `ws` of node, and Chromium; in
//! [`deflate`], the same ones with compression, in [`old`], those that speak older versions, and in [`odd`], those of them
//! that break their document in a way that we accept.
//!
//! `peers/install.sh` brings them to `target/peers`, once. Our side is the `serve` example, which `cargo test` builds,
//! and a client of a few lines on a blocking socket.
#![cfg(all(unix, feature = "client", feature = "getrandom", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "peers/client.rs"]
mod client;
#[path = "peers/deflate.rs"]
mod deflate;
#[path = "peers/odd.rs"]
mod odd;
#[path = "peers/old.rs"]
mod old;
#[path = "peers/program.rs"]
mod program;

use std::process::Command;
use std::thread;

use bytes::Bytes;
use client::BlockingClient;
use program::Server;
use protocol_websocket::{Close, CloseCode, Event, Message, MessageKind, Offer, Part};

const MIB: usize = 1 << 20;

#[test]
fn python_talks_to_us() {
    talks_to_us("python3", "python_client.py", "ws", &[]);
}

#[test]
fn node_talks_to_us() {
    talks_to_us("node", "node_client.mjs", "ws", &[]);
}

#[test]
fn chromium_talks_to_us() {
    talks_to_us("node", "chromium.mjs", "http", &[]);
}

#[test]
fn we_talk_to_python() {
    we_talk_to(Server::peer("python3", "python_server.py", &["other", "chat"]));
}

#[test]
fn we_talk_to_node() {
    we_talk_to(Server::peer("node", "node_server.mjs", &["other", "chat"]));
}

#[test]
fn every_event_loop_echoes() {
    for (example, stop) in [
        ("poll_server", "TERM"),
        ("poll_server", "INT"),
        ("tokio_echo", "INT"),
        ("hyper_echo", "INT"),
        ("smol_echo", "TERM"),
    ] {
        let server = Server::ours(example, &["0"]);
        let url = format!("ws://127.0.0.1:{}/", server.port);
        let (mut client, _) = BlockingClient::connect(&url, &Offer::new());
        for message in [Message::from("Größe"), Message::from(""), pattern(MIB).into()] {
            echo(&mut client, message);
        }
        client.ping("between");
        assert!(matches!(client.next(), Some(Event::Pong(payload)) if payload == "between"), "{example}");
        // The pong has to wait until the peer has read the echo, and must not wait for more to come.
        for length in [100_000, 1_000_000] {
            client.send(pattern(length).into());
            client.ping("behind");
            let (mut echoed, mut answered) = (false, false);
            while !(echoed && answered) {
                match client.next() {
                    Some(Event::Message(message)) => echoed = message.as_bytes().len() == length,
                    Some(Event::Pong(payload)) => answered = payload == "behind",
                    other => panic!("{example}: {other:?}"),
                }
            }
        }
        let close = Some(Close::new(4000, "enough"));
        client.close(close.clone());
        assert_closed(client, close);
        server.signal(stop);
        assert!(server.status().success(), "{example}");
    }
}

#[test]
fn the_client_example_gets_its_answer() {
    let server = Server::ours("serve", &["--port", "0"]);
    let url = format!("ws://127.0.0.1:{}/", server.port);
    program::run(Command::new(program::example("client")).args([&url, "Größe"]));
}

#[test]
fn serve_takes_leave_of_busy_peers() {
    let server = Server::ours("serve", &["--port", "0"]);
    let url = format!("ws://127.0.0.1:{}/", server.port);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (mut client, _) = BlockingClient::connect(&url, &Offer::new());
            echo(&mut client, "Hello".into());
            thread::spawn(move || {
                loop {
                    client.send(pattern(MIB).into());
                    match client.next() {
                        Some(Event::Message(_)) => {}
                        Some(Event::Close(close)) => return close,
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    server.signal("TERM");
    for client in clients {
        assert_eq!(client.join().unwrap(), Some(Close::from(CloseCode::GOING_AWAY)));
    }
    assert!(server.status().success());
}

#[test]
fn serve_takes_leave_on_sigterm() {
    takes_leave("TERM");
}

#[test]
fn serve_takes_leave_on_sigint() {
    takes_leave("INT");
}

/// Runs a client against our server. It takes the server's URL and a subprotocol, and what else is said here.
fn talks_to_us(interpreter: &str, script: &str, scheme: &str, more: &[&str]) -> Server {
    let server = Server::ours("serve", &["--port", "0", "--subprotocol", "other", "--subprotocol", "chat"]);
    let url = format!("{scheme}://127.0.0.1:{}/", server.port);
    program::run(Command::new(interpreter).arg(program::script(script)).args([&url, "chat"]).args(more));
    server
}

fn we_talk_to(server: Server) {
    let url = format!("ws://127.0.0.1:{}/some/path?query=1", server.port);

    for (offered, chosen) in [(&[][..], None), (&["no-such"], None), (&["no-such", "chat"], Some("chat"))] {
        let offer = offered.iter().fold(Offer::new(), |offer, name| offer.subprotocol(name));
        let (_, negotiated) = BlockingClient::connect(&url, &offer);
        assert_eq!(negotiated.subprotocol.as_deref(), chosen, "{offered:?}");
        assert_eq!(negotiated.extensions, [], "{offered:?}");
    }

    let (mut client, _) = BlockingClient::connect(&url, &Offer::new());
    for text in ["Hello", "Größe κόσμε 世界 🦀 \0 end", "", &"é".repeat(MIB / 2)] {
        echo(&mut client, text.into());
    }
    for length in [0, 125, 126, 65_535, 65_536, MIB] {
        echo(&mut client, pattern(length).into());
    }

    // The cut is inside a character, and a ping goes between the parts.
    let text = Bytes::from("Größe 🦀");
    let part = |range, first, last| Part { kind: MessageKind::Text, bytes: text.slice(range), first, last };
    client.send_part(part(0..3, true, false));
    client.ping("between");
    client.send_part(part(3..text.len(), false, true));
    assert!(matches!(client.next(), Some(Event::Pong(payload)) if payload == "between"));
    assert!(matches!(client.next(), Some(Event::Message(message)) if message == Message::from("Größe 🦀")));

    client.send("fragments Gr ö ß e".into());
    assert!(matches!(client.next(), Some(Event::Message(message)) if message == Message::from("Größe")));

    client.send("ping are you there".into());
    assert!(matches!(client.next(), Some(Event::Ping(payload)) if payload == "are you there"));
    assert!(matches!(client.next(), Some(Event::Message(message)) if message == Message::from("pong are you there")));

    for close in [
        None,
        Some(Close::from(CloseCode::NORMAL)),
        Some(Close::new(1000, "done")),
        Some(Close::new(1001, "going away")),
        Some(Close::new(3000, "Größe")),
        Some(Close::new(4999, "r".repeat(Close::MAX_REASON))),
    ] {
        let (mut client, _) = BlockingClient::connect(&url, &Offer::new());
        client.close(close.clone());
        assert_closed(client, close);
    }

    for (code, reason) in [(1000, "done"), (1001, "going away"), (3000, "Größe"), (4999, "")] {
        let (mut client, _) = BlockingClient::connect(&url, &Offer::new());
        client.send(format!("close {code} {reason}").into());
        assert_closed(client, Some(Close::new(code, reason)));
    }
}

fn takes_leave(signal: &str) {
    let server = Server::ours("serve", &["--port", "0"]);
    let url = format!("ws://127.0.0.1:{}/", server.port);
    let mut clients: Vec<_> = (0..8).map(|_| BlockingClient::connect(&url, &Offer::new()).0).collect();
    for client in &mut clients {
        echo(client, "Hello".into());
    }
    server.signal(signal);
    for client in clients {
        assert_closed(client, Some(Close::from(CloseCode::GOING_AWAY)));
    }
    assert!(server.status().success());
}

fn echo(client: &mut BlockingClient, message: Message) {
    client.send(message.clone());
    let (kind, length) = (message.kind(), message.as_bytes().len());
    match client.next() {
        Some(Event::Message(answer)) => assert!(answer == message, "{kind:?} of {length} bytes came back changed"),
        other => panic!("{kind:?} of {length} bytes answered by {other:?}"),
    }
}

/// The peer's Close says this, and then it ends the transport.
fn assert_closed(mut client: BlockingClient, wanted: Option<Close>) {
    match client.next() {
        Some(Event::Close(close)) => assert_eq!(close, wanted),
        other => panic!("{other:?} instead of {wanted:?}"),
    }
    assert!(client.next().is_none());
}

fn pattern(length: usize) -> Bytes {
    (0..length).map(|i| (i * 31 + (i >> 8)).to_le_bytes()[0]).collect()
}
