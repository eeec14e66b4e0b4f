//! What the tests of all modules share: connections of our client, messages, and the checks of a Close.

use std::process::Command;

use bytes::Bytes;
use protocol_websocket::{Close, CloseCode, Ended, Event, Message, Negotiated, Offer, Version};

use super::client::TestClient;
use super::program::{self, Server};
use super::server::OurServer;

pub(crate) const MIB: usize = 1 << 20;

/// Runs a client against our server. Its arguments are the server's URL, a subprotocol and `more`.
pub(crate) fn test_client(interpreter: &str, script: &str, scheme: &str, more: &[&str]) -> OurServer {
    let server = OurServer::start();
    let url = format!("{scheme}://127.0.0.1:{}/", server.port());
    program::run(Command::new(interpreter).arg(program::script(script)).args([&url, "chat"]).args(more));
    server
}

/// Opens a connection of our client in a version.
pub(crate) fn connect(server: &Server, version: Version, offer: &Offer) -> (TestClient, Negotiated) {
    let url = format!("ws://127.0.0.1:{}{}", server.port, path(version));
    let (client, negotiated) = TestClient::connect(&url, &offer.clone().version(version));
    assert_eq!(negotiated.version, version);
    (client, negotiated)
}

/// Returns the path that a test requests in a version.
pub(crate) fn path(version: Version) -> String {
    format!("/path?of={version:?}&more")
}

/// Returns the part of a line that our server logs when a connection of this version opens.
pub(crate) fn opened(version: Version, path: &str) -> String {
    format!("open: {version} at {path}")
}

/// Exchanges all kinds of messages that the version has.
pub(crate) fn messages(client: &mut TestClient, version: Version) {
    for text in ["Hello", "Größe κόσμε 世界 🦀", "", &"a".repeat(126), &"é".repeat(32 * 1024)] {
        echo(client, text.into());
    }
    if version.has_length_framing() {
        for length in [0, 125, 126, 65_535, 65_536] {
            echo(client, pattern(length).into());
        }
        client.ping("are you there");
        assert!(matches!(client.next(), Some(Event::Pong(payload)) if payload == "are you there"), "{version}");
    }
    for number in 0..100 {
        client.send(number.to_string());
    }
    for number in 0..100 {
        let wanted = Message::from(number.to_string());
        assert!(matches!(client.next(), Some(Event::Message(message)) if message == wanted), "{version}: {number}");
    }
}

pub(crate) fn echo(client: &mut TestClient, message: Message) {
    client.send(&message);
    let (kind, length) = (message.kind(), message.as_bytes().len());
    match client.next() {
        Some(Event::Message(echo)) => assert!(echo == message, "{kind:?} of {length} bytes came back changed"),
        other => panic!("{other:?} instead of the echo of {kind:?} of {length} bytes"),
    }
}

/// Checks that both ends closed the connection, and that the peer's Close was this one.
pub(crate) fn assert_closed(ended: &Ended, wanted: Option<Close>) {
    let wanted = wanted.unwrap_or_else(|| Close::from(CloseCode::NO_STATUS));
    assert!(ended.clean, "{ended:?}");
    assert_eq!((ended.code, &ended.reason), (wanted.code, &wanted.reason));
}

/// Returns the Close that arrives when a peer sends this code.
pub(crate) fn received_close(version: Version, code: u16) -> Option<Close> {
    version.has_length_framing().then(|| Close::new(code, ""))
}

pub(crate) fn pattern(length: usize) -> Bytes {
    (0..length).map(|i| (i * 31 + (i >> 8)).to_le_bytes()[0]).collect()
}
