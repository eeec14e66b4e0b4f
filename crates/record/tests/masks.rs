//! Secrets are masked, unless the recorder keeps them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use bytes::BytesMut;
use common::{Buffer, Pair, VERSIONS, observed, open_server};
use protocol_websocket_connection::{Accept, Config, Connection, Event, ExtensionParams, Offer, Request, Role};
use protocol_websocket_record::{Recorder, Value};

/// Each header field that may have a secret, at the client and at the server.
const REQUEST: [&str; 5] =
    ["Cookie", "Proxy-Authorization", "X-Api-Key", "X-Amz-Security-Token", "Sec-WebSocket-Protocol"];
const RESPONSE: [&str; 2] = ["Set-Cookie", "X-Session"];

/// Makes a handshake with a secret in each place. Returns the logs of both ends.
fn handshake(recorder: impl Fn(Buffer) -> Recorder) -> [Buffer; 2] {
    let offer = REQUEST.iter().enumerate().fold(Offer::new(), |offer, (number, name)| match *name {
        "Sec-WebSocket-Protocol" => offer.subprotocol("SECRET-PROTOCOL"),
        name => offer.header(name, format!("a=SECRET-{number}")),
    });
    let offer = offer.basic_auth("user", "password").origin("https://example.com");
    let accept = RESPONSE
        .iter()
        .enumerate()
        .fold(Accept::new(), |accept, (number, name)| accept.header(name, format!("a=SECRET-{number}")));
    let extension = || ExtensionParams::new("x-auth").param("token", "SECRET-EXTENSION");
    let deflate = ExtensionParams::new("permessage-deflate").param("server_max_window_bits", "12");
    let offer = offer.extension(extension()).extension(deflate);
    let accept = accept.subprotocol("SECRET-PROTOCOL").extension(extension());
    let buffers = [Buffer::default(), Buffer::default()];
    let [client, server] = [&buffers[0], &buffers[1]].map(|buffer| observed(Config::new(), &recorder(buffer.clone())));
    let mut pair = Pair::open(client, server, &offer, &accept);
    pair.client.send("after", &mut pair.to_server).unwrap();
    pair.server.send("after", &mut pair.to_client).unwrap();
    pair.deliver();
    buffers
}

/// The base64 of `user:password`.
const CREDENTIALS: &str = "dXNlcjpwYXNzd29yZA==";

#[test]
fn every_secret_is_masked_by_default() {
    for buffer in handshake(|buffer| Recorder::new(buffer).input(true)) {
        let log = buffer.text();
        assert!(!log.contains("SECRET") && !log.contains(CREDENTIALS), "{log}");
        let [connection] = &buffer.recording().connections[..] else { panic!() };
        let value = |head: usize, name: &str| -> Value {
            let mut headers = connection.heads[head].headers.iter();
            headers
                .find(|(other, _)| other.eq_ignore_ascii_case(name))
                .unwrap_or_else(|| panic!("{name}: {log}"))
                .1
                .clone()
        };
        for name in REQUEST.into_iter().chain(["Authorization", "Sec-WebSocket-Key"]) {
            assert_eq!(value(0, name), Value::Masked, "{name}");
        }
        for name in RESPONSE.into_iter().chain(["Sec-WebSocket-Accept", "Sec-WebSocket-Protocol"]) {
            assert_eq!(value(1, name), Value::Masked, "{name}");
        }
        assert_eq!(value(0, "Origin"), Value::Shown("https://example.com".into()));
        assert_eq!(value(0, "Host"), Value::Shown("example.com".into()));
        assert!(log.contains(r#""target":"/chat?(hidden)""#), "{log}");
        let offered = "x-auth; (hidden), permessage-deflate; server_max_window_bits=12";
        assert_eq!(value(0, "Sec-WebSocket-Extensions"), Value::Shown(offered.into()));
        assert_eq!(value(1, "Sec-WebSocket-Extensions"), Value::Shown("x-auth; (hidden)".into()));
        let open = connection.open.as_ref().unwrap();
        assert_eq!((&open.subprotocol, &open.extensions[..]), (&Some(Value::Masked), &["x-auth; (hidden)".into()][..]));
        // The input has the frames after the handshake, and nothing of the handshake.
        assert!(connection.input.starts_with(b"\x81") && connection.input.len() <= 11, "{:?}", connection.input);
    }
}

#[test]
fn secrets_are_kept_on_request() {
    for buffer in handshake(|buffer| Recorder::new(buffer).input(true).keep_secrets(true)) {
        let log = buffer.text();
        for secret in ["SECRET-0", "SECRET-1", "SECRET-PROTOCOL", "/chat?token=SECRET-QUERY", CREDENTIALS] {
            assert!(log.contains(secret), "{secret}: {log}");
        }
        // In both heads and in `open`.
        assert_eq!(log.matches("x-auth; token=SECRET-EXTENSION").count(), 3, "{log}");
        assert!(!log.contains("null"), "{log}");
        let [connection] = &buffer.recording().connections[..] else { panic!() };
        let start = if connection.role == Some(Role::Client) { &b"HTTP/1.1 101"[..] } else { b"GET /chat?" };
        assert!(connection.input.starts_with(start) && connection.input.ends_with(b"after") == (start[0] == b'H'));
    }
}

#[test]
fn userinfo_of_a_target_is_masked() {
    let buffer = Buffer::default();
    let mut server = Connection::server(observed(Config::new(), &Recorder::new(buffer.clone())));
    let mut input = BytesMut::from(
        "GET http://user:SECRET@example.com/a?SECRET HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let event = server.receive(&mut input, &mut BytesMut::new());
    let log = buffer.text();
    assert!(!log.contains("SECRET") && !log.contains("dGhlIHNhbXBsZSBub25jZQ"), "{event:?}: {log}");
}

#[test]
fn input_of_a_failed_handshake_is_recorded_with_secrets_alone() {
    for keep in [false, true] {
        let buffer = Buffer::default();
        let recorder = Recorder::new(buffer.clone()).input(true).keep_secrets(keep);
        let mut server = Connection::server(observed(Config::new(), &recorder));
        let request = "GET / HTTP/1.1\r\nCookie: SECRET\r\nHost: a\r\nHost: b\r\n\r\n";
        server.receive(&mut BytesMut::from(request), &mut BytesMut::new()).unwrap_err();
        let [connection] = &buffer.recording().connections[..] else { panic!() };
        assert_eq!(connection.input, if keep { request.as_bytes() } else { b"" });
    }
}

#[test]
fn masked_input_begins_after_the_handshake_in_every_version() {
    for version in VERSIONS {
        for split in [1, 7, 1000] {
            let [client_log, server_log] = [Buffer::default(), Buffer::default()];
            let config = |buffer: &Buffer| observed(Config::new(), &Recorder::new(buffer.clone()).input(true));
            let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
            let random = |bytes: &mut [u8]| bytes.fill(7);
            let destination = protocol_websocket_connection::Destination::new("example.com", "/?SECRET");
            let offer = Offer::new().version(version);
            let mut client =
                Connection::client(destination, &offer, config(&client_log), random, &mut to_server).unwrap();
            let mut server = Connection::server(config(&server_log));
            let frame = if version.has_length_framing() { &b"\x81\x82\0\0\0\0hi"[..] } else { b"\0hi\xFF" };
            to_server.extend_from_slice(frame);
            receive(&mut server, &mut to_server, &mut to_client, split);
            let reply = if version.has_length_framing() { &b"\x81\x02hi"[..] } else { b"\0hi\xFF" };
            to_client.extend_from_slice(reply);
            receive(&mut client, &mut to_client, &mut BytesMut::new(), split);
            for (log, frame) in [(server_log, frame), (client_log, reply)] {
                let [connection] = &log.recording().connections[..] else { panic!() };
                assert_eq!(connection.input, frame, "{version}, {split}");
                assert!(!log.text().contains("SECRET"));
            }
        }
    }
}

/// Receives the input in pieces, and accepts the request.
fn receive(connection: &mut Connection, input: &mut BytesMut, output: &mut BytesMut, split: usize) {
    let bytes = std::mem::take(input);
    for piece in bytes.chunks(split) {
        input.extend_from_slice(piece);
        while let Some(event) = connection.receive(input, output).unwrap() {
            if let Event::Upgrade(upgrade) = event {
                connection.accept(upgrade, &Accept::new(), output).unwrap();
            }
        }
    }
}

#[test]
fn input_of_a_connection_that_is_created_open_is_recorded() {
    let buffer = Buffer::default();
    let mut server = open_server(&Recorder::new(buffer.clone()).input(true));
    server.receive(&mut BytesMut::from(&b"\x81\x82\0\0\0\0hi"[..]), &mut BytesMut::new()).unwrap();
    let [connection] = &buffer.recording().connections[..] else { panic!() };
    assert_eq!((&connection.input[..], connection.heads.len()), (&b"\x81\x82\0\0\0\0hi"[..], 0));
}

/// The caller has read the head, so it is not in the input. The opening handshake of hybi-00 continues after it.
#[test]
fn input_after_a_request_that_the_caller_read_is_recorded() {
    for version in VERSIONS {
        for split in [1, 3, 1000] {
            let buffer = Buffer::default();
            let config = observed(Config::new(), &Recorder::new(buffer.clone()).input(true));
            let mut wire = BytesMut::new();
            let mut key = |bytes: &mut [u8]| bytes.fill(7);
            let destination = protocol_websocket_connection::Destination::new("example.com", "/");
            Request::offer(destination, &Offer::new().version(version), &mut key).unwrap().encode(&mut wire);
            let limits = protocol_websocket_connection::HeadLimits::default();
            let request = Request::parse(&mut wire, limits).unwrap().unwrap();
            let (_, mut server) = Connection::respond(&request, Accept::new(), config).unwrap();
            let frame = if version.has_length_framing() { &b"\x81\x82\0\0\0\0hi"[..] } else { b"\0hi\xFF" };
            wire.extend_from_slice(frame);
            receive(&mut server, &mut wire, &mut BytesMut::new(), split);
            let [connection] = &buffer.recording().connections[..] else { panic!() };
            assert_eq!((&connection.input[..], connection.heads.len()), (frame, 2), "{version}, {split}");
        }
    }
}

#[test]
fn long_input_of_a_handshake_is_omitted() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone()).input(true);
    let mut server = Connection::server(observed(Config::new(), &recorder));
    let mut input = BytesMut::from(
        "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    input.extend_from_slice(b"\x82\xFE\xFF\xFF\0\0\0\0");
    input.extend_from_slice(&[0; 0xFFFF]);
    receive(&mut server, &mut input, &mut BytesMut::new(), 100_000);
    let mut next = BytesMut::from(&b"\x81\x82\0\0\0\0hi"[..]);
    receive(&mut server, &mut next, &mut BytesMut::new(), 100);
    let [connection] = &buffer.recording().connections[..] else { panic!() };
    assert_eq!((connection.messages.len(), &connection.input[..]), (2, &b"\x81\x82\0\0\0\0hi"[..]));
}
