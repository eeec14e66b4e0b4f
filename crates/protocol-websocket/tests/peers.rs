//! Connections over sockets with programs of other projects, and with the examples. [`newest`] has RFC 6455, [`deflate`] uses
//! the same programs with compression, [`older_versions`] uses programs that support older versions, and [`nonconforming`]
//! uses programs that break their draft in a way that this library accepts.
//!
//! `peers/install.sh` installs them in `target/peers`, once. Our side is here the `serve` example, which `cargo test` builds,
//! and a [client](client) on a blocking socket. `crates/tokio/tests/peers.rs` runs the same modules with the server and the
//! client of the crate for tokio.
#![cfg(all(
    unix,
    feature = "client",
    feature = "getrandom",
    feature = "permessage-deflate",
    feature = "server",
    feature = "url"
))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "peers/client.rs"]
mod client;
#[path = "peers/conversation.rs"]
mod conversation;
#[path = "peers/deflate.rs"]
mod deflate;
#[path = "peers/newest.rs"]
mod newest;
#[path = "peers/nonconforming.rs"]
mod nonconforming;
#[path = "peers/older_versions.rs"]
mod older_versions;
#[path = "peers/program.rs"]
mod program;
#[path = "peers/server.rs"]
mod server;

use std::io::{Read, Write};
use std::process::Command;

use client::TestClient;
use conversation::{MIB, assert_closed, connect, echo, opened, pattern};
use program::Server;
use protocol_websocket::{Close, CloseCode, Event, Message, Offer, Version};

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
        let (mut client, _) = TestClient::connect(&url, &Offer::new());
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
        assert_closed(&client.close(close.clone()), close);
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
fn serve_closes_connections_on_sigterm() {
    test_shutdown("TERM");
}

#[test]
fn serve_closes_connections_on_sigint() {
    test_shutdown("INT");
}

#[test]
fn serve_logs_and_lists_connections() {
    let server = Server::ours("serve", &["--port", "0", "--host", "h", "--subprotocol", "chat"]);
    for version in older_versions::ALL {
        let (client, _) = connect(&server, version, &Offer::new().subprotocol("chat"));
        // A query may contain secrets.
        let line = server.logged(&opened(version, "/path?…"));
        let (address, _) = line.split_once(' ').unwrap();
        client.close(Some(Close::new(4000, "")));
        let code = if version.has_length_framing() { 4000 } else { 1005 };
        server.logged(&format!("{address} closed with {code}"));
    }
    let (client, _) = connect(&server, Version::Rfc6455, &Offer::new());
    drop(client);
    server.logged("closed with 1006");

    // The page escapes the values of a client.
    let mut stream = older_versions::open(server.port);
    stream.write_all(b"GET /<b>&'\"x HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nOrigin: http://h\r\n\r\n").unwrap();
    older_versions::read_head(&mut stream);
    server.logged(&opened(Version::Hixie75, "/<b>&'\"x"));
    let mut page = older_versions::open(server.port);
    page.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut text = String::new();
    page.read_to_string(&mut text).unwrap();
    assert!(
        text.contains("<td>draft-hixie-75</td><td>/&lt;b&gt;&amp;&#39;&quot;x</td><td></td><td></td></tr>"),
        "{text}"
    );
    for version in older_versions::ALL {
        let row = format!("<td>{version}</td><td>/path?…</td><td>chat</td><td></td></tr>");
        assert!(text.contains(&row) && !text.contains("of="), "{text}");
    }
}

#[test]
fn chromium_shows_connections_of_other_clients() {
    let server = Server::ours("serve", &["--port", "0"]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    program::run(Command::new("node").arg(program::script("live.mjs")).arg(url));
}

fn test_shutdown(signal: &str) {
    let server = Server::ours("serve", &["--port", "0"]);
    let url = format!("ws://127.0.0.1:{}/", server.port);
    let mut clients: Vec<_> = (0..8).map(|_| TestClient::connect(&url, &Offer::new()).0).collect();
    for client in &mut clients {
        echo(client, "Hello".into());
    }
    server.signal(signal);
    for client in clients {
        assert_closed(&client.ended(), Some(Close::from(CloseCode::GOING_AWAY)));
    }
    assert!(server.status().success());
}
