//! permessage-deflate with three other implementations: with and without context takeover, with wide and narrow windows.
//! The tests of the
//! other modules use the default parameters. Here an echo server negotiates others.

use std::process::Command;

use bytes::Bytes;
use protocol_websocket::{Config, Event, Limits, Message, MessageKind, Offer, Part, PermessageDeflate};

use super::client::TestClient;
use super::conversation::{assert_closed, echo};
use super::{program, server};

const LINE: &str = "repeated text, repeated text, and so on, ";
const NEW: PermessageDeflate = PermessageDeflate::new();

#[test]
fn python_client_compresses_to_our_server() {
    for (ours, offered, accepted) in [
        (NEW, "client_max_window_bits", ""),
        (NEW, "server_no_context_takeover", "; server_no_context_takeover"),
        (NEW, "client_no_context_takeover; client_max_window_bits", "; client_no_context_takeover"),
        (
            NEW,
            "server_max_window_bits=9; client_max_window_bits=9",
            "; server_max_window_bits=9; client_max_window_bits=9",
        ),
        (NEW.server_max_window_bits(10), "", "; server_max_window_bits=10"),
        (
            NEW.server_no_context_takeover().client_no_context_takeover().client_max_window_bits(9),
            "client_max_window_bits",
            "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=9",
        ),
    ] {
        test_compressing_client(ours, "python3", "deflate_client.py", &[offered], accepted);
    }
}

#[test]
fn node_client_compresses_to_our_server() {
    for (ours, offered, accepted) in [
        (NEW, "", ""),
        (NEW, "server_no_context_takeover", "; server_no_context_takeover"),
        (NEW, "client_no_context_takeover", "; client_no_context_takeover"),
        (
            NEW,
            "server_max_window_bits=9; client_max_window_bits=9",
            "; server_max_window_bits=9; client_max_window_bits=9",
        ),
        (
            NEW.server_no_context_takeover().client_no_context_takeover().client_max_window_bits(10),
            "",
            "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=10",
        ),
    ] {
        test_compressing_client(ours, "node", "deflate_client.mjs", &[offered], accepted);
    }
}

#[test]
fn chromium_client_compresses_to_our_server() {
    for (ours, accepted) in [
        (NEW, ""),
        (
            NEW.server_no_context_takeover().client_no_context_takeover(),
            "; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            NEW.server_max_window_bits(9).client_max_window_bits(9),
            "; server_max_window_bits=9; client_max_window_bits=9",
        ),
    ] {
        test_compressing_client(ours, "node", "deflate_chromium.mjs", &[], accepted);
    }
}

#[test]
fn our_client_compresses_to_python_server() {
    test_compressing_server(|offered| program::Server::peer("python3", "deflate_server.py", &[offered]));
}

#[test]
fn our_client_compresses_to_node_server() {
    test_compressing_server(|offered| program::Server::peer("node", "deflate_server.mjs", &[offered]));
}

/// Runs a client against our echo server with the parameters `ours`.
fn test_compressing_client(ours: PermessageDeflate, interpreter: &str, script: &str, offered: &[&str], accepted: &str) {
    let config = Config::new().limits(Limits::new(1 << 20)).extension(ours.threshold(0));
    let (url, server) = server::echo_once(config);
    let accepted = format!("permessage-deflate{accepted}");
    program::run(Command::new(interpreter).arg(program::script(script)).arg(url).args(offered).arg(accepted));
    server.join().unwrap();
}

/// Splits a long message into parts. A short one is one part.
pub(crate) fn parts(message: &Message) -> Vec<Part> {
    let (kind, bytes) = (message.kind(), message.as_bytes());
    let count = bytes.len().div_ceil(65_535).max(1);
    let part = |i| Bytes::copy_from_slice(&bytes[i * 65_535..bytes.len().min((i + 1) * 65_535)]);
    (0..count).map(|i| Part::new(kind, part(i)).with_first(i == 0).with_last(i + 1 == count)).collect()
}

/// Tests our client with a server that is started with its parameters.
fn test_compressing_server(start: impl Fn(&str) -> program::Server) {
    for (theirs, ours, accepted) in [
        ("", NEW, ""),
        ("server_no_context_takeover", NEW, "server_no_context_takeover"),
        ("client_no_context_takeover", NEW, "client_no_context_takeover"),
        (
            "server_max_window_bits=10; client_max_window_bits=9",
            NEW,
            "server_max_window_bits=10; client_max_window_bits=9",
        ),
        (
            "",
            NEW.server_no_context_takeover().client_no_context_takeover(),
            "server_no_context_takeover; client_no_context_takeover",
        ),
        (
            "",
            NEW.server_max_window_bits(9).client_max_window_bits(9),
            "server_max_window_bits=9; client_max_window_bits=9",
        ),
    ] {
        let server = start(theirs);
        let url = format!("ws://127.0.0.1:{}/", server.port);
        let config = Config::new().extension(ours.clone().threshold(0));
        let (mut client, negotiated) = TestClient::configured(&url, &Offer::new(), config);
        let [agreed] = &negotiated.extensions[..] else { panic!("{theirs} {ours:?}: {negotiated:?}") };
        let mut agreed: Vec<String> = agreed.to_string().split("; ").map(String::from).collect();
        agreed.retain(|parameter| parameter != "permessage-deflate" && parameter != "client_max_window_bits=15");
        let mut accepted: Vec<&str> = accepted.split("; ").filter(|parameter| !parameter.is_empty()).collect();
        agreed.sort();
        accepted.sort_unstable();
        assert_eq!(agreed, accepted, "{theirs} {ours:?}");

        let noise: Vec<u8> = (0..25_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let long = LINE.repeat(10_000);
        let (sent, received) = (client.sent(), client.received());
        for message in ["Hello", "Hello", "", &long, &long, &"é".repeat(1 << 19), "Hello"] {
            echo(&mut client, message.into());
        }
        echo(&mut client, Message::from(Vec::new()));
        let (sent, received) = (client.sent() - sent, client.received() - received);
        assert!(sent < 100_000 && received < 100_000, "2 MiB of repetitions took {sent} and {received} bytes");
        echo(&mut client, noise.into());

        let text = Bytes::from(long);
        let part =
            |range, first, last| Part::new(MessageKind::Text, text.slice(range)).with_first(first).with_last(last);
        client.send_part(part(0..10, true, false));
        client.ping("between");
        client.send_part(part(10..10, false, false));
        client.send_part(part(10..text.len(), false, false));
        client.send_part(part(0..0, false, true));
        assert!(matches!(client.next(), Some(Event::Pong(_))));
        assert!(matches!(client.next(), Some(Event::Message(message)) if *message.as_bytes() == text));
        assert_closed(&client.close(None), None);
    }
}
