//! Connections over sockets with programs of other projects: `websockets` of Python, `ws` of node, and Chromium.
//! [`deflate`] uses the same programs with compression, [`older_versions`] uses programs that support older versions,
//! and [`nonconforming`] uses programs that break their draft in a way that this library accepts.
//!
//! `peers/install.sh` installs them in `target/peers`, once. Our side is the `serve` example, which `cargo test` builds, and
//! a small client on a blocking socket.
#![cfg(all(unix, feature = "client", feature = "getrandom", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "peers/client.rs"]
mod client;
#[path = "peers/deflate.rs"]
mod deflate;
#[path = "peers/nonconforming.rs"]
mod nonconforming;
#[path = "peers/older_versions.rs"]
mod older_versions;
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
fn python_client_to_our_server() {
    test_client("python3", "python_client.py", "ws", &[]);
}

#[test]
fn node_client_to_our_server() {
    test_client("node", "node_client.mjs", "ws", &[]);
}

#[test]
fn chromium_client_to_our_server() {
    test_client("node", "chromium.mjs", "http", &[]);
}

#[test]
fn our_client_to_python_server() {
    test_server(Server::peer("python3", "python_server.py", &["other", "chat"]));
}

#[test]
fn our_client_to_node_server() {
    test_server(Server::peer("node", "node_server.mjs", &["other", "chat"]));
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
        // The server sends the pong when the client has read the echo, without further input.
        for length in [100_000, 1_000_000] {
            client.send(pattern(length));
            client.ping("after");
            let (mut echoed, mut answered) = (false, false);
            while !(echoed && answered) {
                match client.next() {
                    Some(Event::Message(message)) => echoed = message.as_bytes().len() == length,
                    Some(Event::Pong(payload)) => answered = payload == "after",
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
fn client_example_receives_its_echo() {
    let server = Server::ours("serve", &["--port", "0"]);
    let url = format!("ws://127.0.0.1:{}/", server.port);
    program::run(Command::new(program::example("client")).args([&url, "Größe"]));
}

#[test]
fn serve_closes_busy_connections_on_shutdown() {
    let server = Server::ours("serve", &["--port", "0"]);
    let url = format!("ws://127.0.0.1:{}/", server.port);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (mut client, _) = BlockingClient::connect(&url, &Offer::new());
            echo(&mut client, "Hello".into());
            thread::spawn(move || {
                loop {
                    client.send(pattern(MIB));
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
fn serve_closes_connections_on_sigterm() {
    test_shutdown("TERM");
}

#[test]
fn serve_closes_connections_on_sigint() {
    test_shutdown("INT");
}

/// Runs a client against our server. Its arguments are the server's URL, a subprotocol and `more`.
fn test_client(interpreter: &str, script: &str, scheme: &str, more: &[&str]) -> Server {
    let server = Server::ours("serve", &["--port", "0", "--subprotocol", "other", "--subprotocol", "chat"]);
    let url = format!("{scheme}://127.0.0.1:{}/", server.port);
    program::run(Command::new(interpreter).arg(program::script(script)).args([&url, "chat"]).args(more));
    server
}

fn test_server(server: Server) {
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

    // The parts split a character, and a ping goes between them.
    let text = Bytes::from("Größe 🦀");
    let part = |range, first, last| Part::new(MessageKind::Text, text.slice(range)).with_first(first).with_last(last);
    client.send_part(part(0..3, true, false));
    client.ping("between");
    client.send_part(part(3..text.len(), false, true));
    assert!(matches!(client.next(), Some(Event::Pong(payload)) if payload == "between"));
    assert!(matches!(client.next(), Some(Event::Message(message)) if message == Message::from("Größe 🦀")));

    client.send("fragments Gr ö ß e");
    assert!(matches!(client.next(), Some(Event::Message(message)) if message == Message::from("Größe")));

    client.send("ping are you there");
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
        client.send(format!("close {code} {reason}"));
        assert_closed(client, Some(Close::new(code, reason)));
    }
}

fn test_shutdown(signal: &str) {
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
    client.send(&message);
    let (kind, length) = (message.kind(), message.as_bytes().len());
    match client.next() {
        Some(Event::Message(echo)) => assert!(echo == message, "{kind:?} of {length} bytes came back changed"),
        other => panic!("{other:?} instead of the echo of {kind:?} of {length} bytes"),
    }
}

/// Checks that the peer sends this Close and then ends the transport.
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
