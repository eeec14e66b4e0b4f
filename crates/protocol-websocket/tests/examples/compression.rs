//! The example `hyper_echo` compresses if the client offers it, although hyper makes the handshake.

use std::io::{Read, Write};

use bytes::BytesMut;
use protocol_websocket::{Client, Close, CloseCode, Config, Event, Offer, OsRandom, State, Url};
use protocol_websocket_permessage_deflate::PermessageDeflate;

use crate::connect;
use crate::program::Server;

#[test]
fn hyper_echo_negotiates_permessage_deflate() {
    let (extensions, received) = echo(Config::new().extension(PermessageDeflate::new()));
    assert_eq!(extensions, ["permessage-deflate"]);
    assert!(received < 1000, "{received} bytes");
    let (extensions, received) = echo(Config::new());
    assert_eq!(extensions, [""; 0]);
    assert!(received > 10_000, "{received} bytes");
}

/// Sends 10,000 letters and waits for the echo. Returns the names of the negotiated extensions and the number of bytes
/// received.
fn echo(config: Config) -> (Vec<String>, usize) {
    let server = Server::ours("hyper_echo", &["0"]);
    let mut stream = connect(&server);
    let url = Url::parse(&format!("ws://127.0.0.1:{}/", server.port)).unwrap();
    let (mut input, mut output, mut buffer) = (BytesMut::new(), BytesMut::new(), [0; 4096]);
    let mut client = Client::connect(&url, &Offer::new(), config, OsRandom::new(), &mut output).unwrap();
    let (mut extensions, mut received) = (Vec::new(), 0);
    let text = "a".repeat(10_000);
    while client.state() != State::Closed {
        stream.write_all(&output).unwrap();
        output.clear();
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0);
        received += n;
        input.extend_from_slice(&buffer[..n]);
        while let Some(event) = client.receive(&mut input, &mut output).unwrap() {
            match event {
                Event::Open(opened) => {
                    let agreed = opened.into_negotiated().extensions;
                    extensions = agreed.iter().map(|extension| extension.name().to_owned()).collect();
                    client.send(text.as_str(), &mut output).unwrap();
                }
                Event::Message(message) => {
                    assert_eq!(message.as_text(), Some(text.as_str()));
                    client.close(Close::from(CloseCode::NORMAL), &mut output).unwrap();
                }
                _ => {}
            }
        }
    }
    (extensions, received)
}
