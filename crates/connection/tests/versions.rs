//! A `Client` and a `Server` in memory, in each version of the protocol.
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use core::time::Duration;

use bytes::BytesMut;
use common::echo;
use proptest::prelude::*;
use protocol_websocket_connection::{
    Accept, Client, Config, Connection, Error, Event, Message, Offer, Reject, SendError, Server, State, Timeouts,
    Upgrade, Url, Version, Versions,
};
use protocol_websocket_handshake_client::HandshakeError;
use protocol_websocket_http::{ParseError, ResponseError};

const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

fn connect(url: &str, offer: &Offer, output: &mut BytesMut) -> Client {
    let mut count = 0_u8;
    let random = move |bytes: &mut [u8]| {
        count = count.wrapping_mul(5).wrapping_add(113);
        bytes.fill(count);
    };
    Client::connect(&Url::parse(url).unwrap(), offer, Config::new(), random, output).unwrap()
}

fn requested(server: &mut Server, input: &mut BytesMut) -> Upgrade {
    match server.receive(input, &mut BytesMut::new()).unwrap() {
        Some(Event::Upgrade(upgrade)) => upgrade,
        other => panic!("{other:?}"),
    }
}

/// Returns a server that has accepted a client of hybi-00, the head of its response, and the eight bytes that it awaits.
fn awaiting_key3(config: Config) -> (Server, BytesMut, BytesMut) {
    let (mut server, mut wire, mut output) = (Server::new(config), BytesMut::new(), BytesMut::new());
    connect("ws://example.com/", &Offer::new().version(Version::Hybi00), &mut wire);
    let upgrade = requested(&mut server, &mut wire);
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    assert_eq!(wire.len(), 8);
    (server, output, wire)
}

#[test]
fn both_ends_exchange_messages_in_each_version() {
    for version in VERSIONS {
        for url in ["ws://example.com/chat?a=b", "wss://[::1]:8443/"] {
            for perl in [false, true] {
                let (mut offer, mut accept) = (Offer::new().version(version).subprotocol("chat"), Accept::new());
                if perl {
                    (offer, accept) = (offer.perl_compat(), accept.perl_compat());
                }
                // The connection has no access to the transport, so the caller sets whether it is encrypted.
                accept = accept.secure(url.starts_with("wss:")).subprotocol("chat");
                let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
                let mut client = connect(url, &offer, &mut to_server);
                let mut server = Server::new(Config::new());
                let upgrade = requested(&mut server, &mut to_server);
                assert_eq!(upgrade.request().version(), version);
                server.accept(upgrade, &accept, &mut to_client).unwrap();
                let Some(Event::Open(at_server)) = server.receive(&mut to_server, &mut to_client).unwrap() else {
                    panic!()
                };
                let Some(Event::Open(at_client)) = client.receive(&mut to_client, &mut to_server).unwrap() else {
                    panic!()
                };
                let at_client = at_client.into_negotiated();
                assert_eq!(at_client, at_server.into_negotiated());
                assert_eq!((at_client.version, at_client.subprotocol.as_deref()), (version, Some("chat")));

                client.send("Größe", &mut to_server).unwrap();
                let echoed = server.receive(&mut to_server, &mut to_client).unwrap();
                assert_eq!(echoed, Some(Event::Message("Größe".into())));
                let sent = client.send(Message::Binary("x".into()), &mut to_server);
                assert_eq!(sent.is_ok(), version.has_length_framing());
                to_server.clear();

                server.close(None, &mut to_client).unwrap();
                assert!(matches!(client.receive(&mut to_client, &mut to_server), Ok(Some(Event::Close(None)))));
                assert!(matches!(server.receive(&mut to_server, &mut to_client), Ok(Some(Event::Close(None)))));
                assert_eq!((client.state(), server.state()), (State::Closed, State::Closed));
            }
        }
    }
}

#[test]
fn rejects_sending_before_key3() {
    let (mut server, mut output, mut wire) = awaiting_key3(Config::new());
    assert!(output.ends_with(b"\r\n\r\n"), "the head is written, for a proxy that awaits it before it sends the rest");
    output.clear();
    for result in [server.send("x", &mut output), server.close(None, &mut output), server.ping("", &mut output)] {
        assert_eq!(result, Err(SendError::NotOpen));
    }
    let mut rest = wire.split_off(7);
    assert!(server.receive(&mut wire, &mut output).unwrap().is_none());
    assert_eq!((server.state(), output.len(), wire.len()), (State::Connecting, 0, 7));
    wire.unsplit(rest.split());
    wire.extend_from_slice(b"\0first\xFF");
    let opened = server.receive(&mut wire, &mut output).unwrap();
    assert!(matches!(opened, Some(Event::Open(opened)) if opened.negotiated().version == Version::Hybi00));
    assert_eq!((server.state(), output.len()), (State::Open, 16));
    server.send("second", &mut output).unwrap();
    assert_eq!(output[16..], *b"\0second\xFF");
    let first = server.receive(&mut wire, &mut output).unwrap();
    assert!(matches!(first, Some(Event::Message(Message::Text(text))) if *text == *"first"));
}

#[test]
fn writes_no_second_response_after_101() {
    let config = Config::new().timeouts(Timeouts::NONE.handshake(Some(Duration::from_secs(10))));
    let (mut server, mut output, _) = awaiting_key3(config);
    output.clear();
    let mut another = BytesMut::new();
    connect("ws://example.com/", &Offer::new(), &mut another);
    let upgrade = requested(&mut Server::new(Config::new()), &mut another.clone());
    assert_eq!(server.accept(upgrade, &Accept::new(), &mut output), Err(SendError::AlreadyOpen));
    let upgrade = requested(&mut Server::new(Config::new()), &mut another);
    assert_eq!(server.reject(upgrade, &Reject::new(500), &mut output), Err(SendError::AlreadyOpen));
    server.handle_timeout(Duration::ZERO, &mut output).unwrap();
    assert!(matches!(server.handle_timeout(Duration::from_secs(10), &mut output), Err(Error::Timeout(_))));
    assert!(output.is_empty(), "{output:?}");
    assert_eq!(server.state(), State::Closed);
}

#[test]
fn end_of_stream_before_key3_is_unexpected() {
    let (mut server, ..) = awaiting_key3(Config::new());
    assert_eq!(server.receive_eof(), Err(Error::UnexpectedEof));
}

#[test]
fn server_supports_configured_versions() {
    for supported in [Versions::ALL, Versions::RFC6455, Version::Hixie75.into()] {
        for version in VERSIONS {
            let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
            connect("ws://example.com/", &Offer::new().version(version), &mut wire);
            let result = Server::new(Config::new().versions(supported)).receive(&mut wire, &mut output);
            match supported.contains(version) {
                true => assert!(matches!(result, Ok(Some(Event::Upgrade(_))))),
                false => {
                    assert_eq!(result.unwrap_err(), Error::Request(ParseError::Version(supported)));
                    assert!(output.starts_with(b"HTTP/1.1 426 "));
                }
            }
        }
    }
}

#[test]
fn wrong_checksum_ends_client() {
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let mut client = connect("ws://example.com/", &Offer::new().version(Version::Hybi00), &mut to_server);
    let mut server = Server::new(Config::new());
    let upgrade = requested(&mut server, &mut to_server);
    server.accept(upgrade, &Accept::new(), &mut to_client).unwrap();
    to_server[0] ^= 1;
    assert!(matches!(server.receive(&mut to_server, &mut to_client), Ok(Some(Event::Open(_)))));
    let error = client.receive(&mut to_client, &mut to_server).unwrap_err();
    assert_eq!(error, Error::Response(HandshakeError::Response(ResponseError::Checksum)));
    assert_eq!(client.state(), State::Closed);
}

proptest! {
    #[test]
    fn draft_conversation_does_not_depend_on_reads(
        newer in any::<bool>(),
        sizes in prop::collection::vec(1_usize..60, 1..30),
    ) {
        let version = if newer { Version::Hybi00 } else { Version::Hixie75 };
        let mut wire = BytesMut::new();
        connect("ws://example.com/", &Offer::new().version(version), &mut wire);
        wire.extend_from_slice(b"\0Hello\xFF\x80\x02xx\0there\xFF\xFF\0");
        let (mut whole_events, mut whole_output) = (Vec::new(), BytesMut::new());
        echo(&mut Server::new(Config::new()), &mut wire.clone(), &mut whole_output, &mut whole_events);
        prop_assert_eq!(whole_events.len(), 5);

        let (mut server, mut input) = (Server::new(Config::new()), BytesMut::new());
        let (mut events, mut output) = (Vec::new(), BytesMut::new());
        for size in sizes.iter().cycle() {
            if wire.is_empty() {
                break;
            }
            input.unsplit(wire.split_to((*size).min(wire.len())));
            echo(&mut server, &mut input, &mut output, &mut events);
        }
        prop_assert_eq!((events, output), (whole_events, whole_output));
    }
}

#[test]
fn version_is_known_when_a_parsed_request_was_answered() {
    for version in VERSIONS {
        let (mut wire, offer) = (BytesMut::new(), Offer::new().version(version));
        connect("ws://example.com/", &offer, &mut wire);
        let upgrade = requested(&mut Server::new(Config::new()), &mut wire);
        let (_, connection) = Connection::respond(upgrade.request(), Accept::new(), Config::new()).unwrap();
        assert_eq!(connection.version(), version);
    }
}
