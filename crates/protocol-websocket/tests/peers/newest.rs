//! RFC 6455 with programs of other projects: `websockets` of Python, `ws` of node, and Chromium.

use std::thread;

use bytes::Bytes;
use protocol_websocket::{Close, CloseCode, Event, Message, MessageKind, Offer, Part};

use super::client::TestClient;
use super::conversation::{MIB, assert_closed, echo, pattern, test_client};
use super::program::Server;
use super::server::OurServer;

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
fn our_server_closes_busy_connections_on_shutdown() {
    let server = OurServer::start();
    let url = format!("ws://127.0.0.1:{}/", server.port());
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (mut client, _) = TestClient::connect(&url, &Offer::new());
            echo(&mut client, "Hello".into());
            thread::spawn(move || {
                loop {
                    client.send(pattern(MIB));
                    match client.next() {
                        Some(Event::Message(_)) => {}
                        Some(Event::Close(_)) => return client.ended(),
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    server.shutdown();
    for client in clients {
        assert_closed(&client.join().unwrap(), Some(Close::from(CloseCode::GOING_AWAY)));
    }
}

fn test_server(server: Server) {
    let url = format!("ws://127.0.0.1:{}/some/path?query=1", server.port);

    for (offered, chosen) in [(&[][..], None), (&["no-such"], None), (&["no-such", "chat"], Some("chat"))] {
        let offer = offered.iter().fold(Offer::new(), |offer, name| offer.subprotocol(name));
        let (_, negotiated) = TestClient::connect(&url, &offer);
        assert_eq!(negotiated.subprotocol.as_deref(), chosen, "{offered:?}");
        assert_eq!(negotiated.extensions, [], "{offered:?}");
    }

    let (mut client, _) = TestClient::connect(&url, &Offer::new());
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
        let (client, _) = TestClient::connect(&url, &Offer::new());
        assert_closed(&client.close(close.clone()), close);
    }

    for (code, reason) in [(1000, "done"), (1001, "going away"), (3000, "Größe"), (4999, "")] {
        let (mut client, _) = TestClient::connect(&url, &Offer::new());
        client.send(format!("close {code} {reason}"));
        assert_closed(&client.ended(), Some(Close::new(code, reason)));
    }
}
