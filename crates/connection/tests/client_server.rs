//! A `Client` and a `Server` in memory, from the handshake to the end of the connection.
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::BytesMut;
use common::{close_code, echo};
use proptest::prelude::*;
use protocol_websocket_connection::{
    Accept, Client, Close, CloseCode, Config, Error, Event, HeadLimits, Limits, Negotiated, Offer, Reject, SendError,
    Server, State, Upgrade, Url,
};
use protocol_websocket_frame::DecodeError;
use protocol_websocket_handshake_client::HandshakeError;
use protocol_websocket_http::ParseError;

fn connect(offer: &Offer, output: &mut BytesMut) -> Client {
    let url = Url::parse("ws://example.com/chat").unwrap();
    Client::connect(&url, offer, Config::new(), |bytes: &mut [u8]| bytes.fill(7), output).unwrap()
}

fn server() -> Server {
    Server::new(Config::new())
}

/// Returns a client, a server that has received its request, and the request.
fn requested(offer: &Offer) -> (Client, Server, Upgrade) {
    let (mut wire, mut server) = (BytesMut::new(), server());
    let client = connect(offer, &mut wire);
    let Some(Event::Upgrade(upgrade)) = server.receive(&mut wire, &mut BytesMut::new()).unwrap() else { panic!() };
    (client, server, upgrade)
}

fn opened(event: Option<Event>) -> Negotiated {
    match event {
        Some(Event::Open(opened)) => opened.into_negotiated(),
        other => panic!("not open: {other:?}"),
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# the client MUST send an opening handshake to the server.
#[test]
fn conversation_runs_from_handshake_to_close() {
    let offer = Offer::new().subprotocol("chat").subprotocol("superchat");
    let (mut client, mut server, upgrade) = requested(&offer);
    assert_eq!(upgrade.request().resource_name(), "/chat");
    assert_eq!((client.state(), server.state()), (State::Connecting, State::Connecting));

    let mut to_client = BytesMut::new();
    server.accept(upgrade, &Accept::new().subprotocol("superchat"), &mut to_client).unwrap();
    assert_eq!(server.state(), State::Open);
    server.send("welcome", &mut to_client).unwrap();
    let at_server = opened(server.receive(&mut BytesMut::new(), &mut to_client).unwrap());

    // The response and the first message arrive in one read.
    let mut to_server = BytesMut::new();
    let at_client = opened(client.receive(&mut to_client, &mut to_server).unwrap());
    assert_eq!(at_client.subprotocol.as_deref(), Some("superchat"));
    assert_eq!(at_client, at_server);
    let welcome = client.receive(&mut to_client, &mut to_server).unwrap();
    assert_eq!(welcome, Some(Event::Message("welcome".into())));

    client.close(Close::new(CloseCode::NORMAL, "bye"), &mut to_server).unwrap();
    assert!(matches!(server.receive(&mut to_server, &mut to_client), Ok(Some(Event::Close(Some(_))))));
    assert!(matches!(client.receive(&mut to_client, &mut to_server), Ok(Some(Event::Close(Some(_))))));
    assert_eq!((client.state(), server.state()), (State::Closed, State::Closed));
    assert_eq!((client.receive_eof(), server.receive_eof()), (Ok(()), Ok(())));
}

#[test]
fn open_event_of_client_has_the_response() {
    for lent in [false, true] {
        let (mut client, mut server, upgrade) = requested(&Offer::new());
        let mut to_client = BytesMut::new();
        server.accept(upgrade, &Accept::new().header("X-Node", "7"), &mut to_client).unwrap();
        let Some(Event::Open(at_server)) = server.receive(&mut BytesMut::new(), &mut to_client).unwrap() else {
            panic!()
        };
        assert!(at_server.response().is_none() && at_server.clone().into_response().is_none());
        let received = if lent {
            client.receive_lent(&mut &mut to_client[..], &mut BytesMut::new()).unwrap().map(Event::from)
        } else {
            client.receive(&mut to_client, &mut BytesMut::new()).unwrap()
        };
        let Some(Event::Open(at_client)) = received else { panic!("{received:?}") };
        assert_eq!(at_client.negotiated(), at_server.negotiated());
        assert_eq!(at_client.response().unwrap().headers().get_str("x-node"), Some("7"));
        let response = at_client.into_response().unwrap();
        assert_eq!((response.status(), response.negotiated()), (101, at_server.negotiated()));
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# the client MUST wait for a response from the server before sending any further data.
//= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
//# The endpoint MUST ensure the WebSocket connection is in the OPEN state
#[test]
fn rejects_sending_during_handshake() {
    let (mut client, mut server, _upgrade) = requested(&Offer::new());
    let mut output = BytesMut::new();
    for result in [
        client.send("x", &mut output),
        client.ping("x", &mut output),
        client.pong("x", &mut output),
        client.close(None, &mut output),
        server.send("x", &mut output),
        server.pong("x", &mut output),
    ] {
        assert_eq!(result, Err(SendError::NotOpen));
    }
    assert!(output.is_empty());
    assert_eq!(close_code(&client), None);
}

#[test]
fn reads_nothing_before_response_to_upgrade() {
    let mut wire = BytesMut::new();
    let (mut server, mut output) = (server(), BytesMut::new());
    connect(&Offer::new(), &mut wire);
    wire.extend_from_slice(b"\x81\x82\0\0\0\0hi");
    let Some(Event::Upgrade(upgrade)) = server.receive(&mut wire, &mut output).unwrap() else { panic!() };
    assert!(server.receive(&mut wire, &mut output).unwrap().is_none());
    assert_eq!(wire.len(), 8);
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    opened(server.receive(&mut wire, &mut output).unwrap());
    assert!(matches!(server.receive(&mut wire, &mut output), Ok(Some(Event::Message(_)))));
}

#[test]
fn rejection_reaches_client_and_leaves_body_in_input() {
    let (mut client, mut server, upgrade) = requested(&Offer::new());
    let mut wire = BytesMut::new();
    server.reject(upgrade, &Reject::new(403).body("not you"), &mut wire).unwrap();
    assert_eq!(server.state(), State::Closed);

    let Some(Event::Rejected(response)) = client.receive(&mut wire, &mut BytesMut::new()).unwrap() else { panic!() };
    assert_eq!((response.status(), &wire[..]), (403, &b"not you"[..]));
    assert_eq!((client.state(), close_code(&client)), (State::Closed, Some(CloseCode::ABNORMAL)));
    assert!(client.receive(&mut wire, &mut BytesMut::new()).unwrap().is_none());
    assert_eq!(client.send("x", &mut BytesMut::new()), Err(SendError::Closed));
    assert_eq!(wire[..], *b"not you", "the body stays in the input");
}

#[test]
fn redirect_returns_the_new_url() {
    let (mut client, mut server, upgrade) = requested(&Offer::new());
    let mut wire = BytesMut::new();
    server.reject(upgrade, &Reject::new(302).header("Location", "/elsewhere"), &mut wire).unwrap();
    let Some(Event::Redirect(redirect)) = client.receive(&mut wire, &mut BytesMut::new()).unwrap() else { panic!() };
    assert_eq!(redirect.url().unwrap().to_string(), "ws://example.com/elsewhere");
}

#[test]
fn debug_of_redirect_hides_credentials_and_queries() {
    let url = Url::parse("wss://u:s3cret@example.com/a?token=s3cret").unwrap();
    let random = |bytes: &mut [u8]| bytes.fill(7);
    let mut client = Client::connect(&url, &Offer::new(), Config::new(), random, &mut BytesMut::new()).unwrap();
    let mut wire =
        BytesMut::from("HTTP/1.1 307 x\r\nLocation: https://v:s3cret@h/b?token=s3cret\r\nX-Token: s3cret\r\n\r\n");
    let event = client.receive(&mut wire, &mut BytesMut::new()).unwrap().unwrap();
    let shown = format!("{event:?} {client:?}");
    assert!(shown.contains("307") && shown.contains("wss://h/b") && !shown.contains("s3cret"), "{shown}");
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
//# the server MUST stop processing the client's handshake and return an HTTP response with an
//# appropriate error code
#[test]
fn invalid_request_is_refused_once_and_error_repeats() {
    let mut server = server();
    let (mut wire, mut output) = (BytesMut::from("BREW / HTTP/1.1\r\nHost: h\r\n\r\nmore"), BytesMut::new());
    let error = server.receive(&mut wire, &mut output).unwrap_err();
    assert!(matches!(error, Error::Request(_)) && output.starts_with(b"HTTP/1.1 4"), "{error:?}");
    assert!(wire.is_empty() && server.state() == State::Closed);
    output.clear();
    assert_eq!(server.receive(&mut wire, &mut output).unwrap_err(), error, "the error repeats");
    assert!(output.is_empty(), "the refusal is written once");
}

#[test]
fn request_head_is_limited() {
    let config = Config::new().head_limits(HeadLimits::default().max_len(100));
    let mut output = BytesMut::new();
    let error = Server::new(config).receive(&mut BytesMut::from(&[b'x'; 101][..]), &mut output).unwrap_err();
    assert_eq!(error, Error::Request(ParseError::TooLong));
    assert!(output.starts_with(b"HTTP/1.1 431 "));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# If the server's response does not conform to the requirements for the server's handshake as
//# defined in this section and in Section 4.2.2
#[test]
fn wrong_accept_key_ends_client() {
    let mut client = connect(&Offer::new(), &mut BytesMut::new());
    let mut wire = BytesMut::from(concat!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ));
    let error = client.receive(&mut wire, &mut BytesMut::new()).unwrap_err();
    assert!(matches!(error, Error::Response(_)), "{error:?}");
    assert_eq!(client.receive(&mut wire, &mut BytesMut::new()).unwrap_err(), error);
    assert_eq!(client.state(), State::Closed);
}

#[test]
fn end_of_stream_during_handshake_is_unexpected() {
    let mut client = connect(&Offer::new(), &mut BytesMut::new());
    assert_eq!(client.receive_eof(), Err(Error::UnexpectedEof));
    assert_eq!(client.receive_eof(), Ok(()));
    assert_eq!(server().receive_eof(), Err(Error::UnexpectedEof));
}

#[test]
fn responds_to_upgrade_once() {
    let (_, mut server, upgrade) = requested(&Offer::new());
    let (_, _, another) = requested(&Offer::new());
    let (_, _, third) = requested(&Offer::new());
    let mut output = BytesMut::new();
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    let written = output.len();
    assert_eq!(server.accept(another, &Accept::new(), &mut output), Err(SendError::AlreadyOpen));
    assert_eq!(server.reject(third, &Reject::new(500), &mut output), Err(SendError::AlreadyOpen));
    // Also once the event `Open` was received.
    opened(server.receive(&mut BytesMut::new(), &mut output).unwrap());
    let (_, _, fourth) = requested(&Offer::new());
    assert_eq!(server.accept(fourth, &Accept::new(), &mut output), Err(SendError::AlreadyOpen));
    assert_eq!((output.len(), server.state()), (written, State::Open));
}

#[test]
fn invalid_response_is_replaced_by_500() {
    for reject in [false, true] {
        let (_, mut server, upgrade) = requested(&Offer::new());
        let mut output = BytesMut::new();
        let result = match reject {
            true => server.reject(upgrade, &Reject::new(403).header("X", "a\r\nb"), &mut output),
            false => server.accept(upgrade, &Accept::new().subprotocol("never-offered"), &mut output),
        };
        assert!(matches!(result, Err(SendError::Build(_))), "{result:?}");
        assert!(output.starts_with(b"HTTP/1.1 500 ") && server.state() == State::Closed);
    }
}

#[test]
fn rejects_response_before_request() {
    let (_, _, upgrade) = requested(&Offer::new());
    let (mut server, mut output) = (server(), BytesMut::new());
    assert_eq!(server.accept(upgrade, &Accept::new(), &mut output), Err(SendError::NotOpen));
    assert!(output.is_empty() && server.state() == State::Connecting);
}

#[test]
fn discards_input_after_rejection() {
    let (_, mut server, upgrade) = requested(&Offer::new());
    server.reject(upgrade, &Reject::new(403), &mut BytesMut::new()).unwrap();
    let mut input = BytesMut::from(&[b'x'; 1000][..]);
    assert!(server.receive(&mut input, &mut BytesMut::new()).unwrap().is_none());
    assert!(input.is_empty());
}

#[test]
fn configuration_applies_after_handshake() {
    let config = Config::new().limits(Limits::new(3));
    let url = Url::parse("ws://example.com/").unwrap();
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let random = |bytes: &mut [u8]| bytes.fill(7);
    let mut client = Client::connect(&url, &Offer::new(), config.clone(), random, &mut to_server).unwrap();
    let mut server = Server::new(config);
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut to_server, &mut to_client) else { panic!() };
    server.accept(upgrade, &Accept::new(), &mut to_client).unwrap();
    opened(server.receive(&mut to_server, &mut to_client).unwrap());
    opened(client.receive(&mut to_client, &mut to_server).unwrap());
    client.send("four", &mut to_server).unwrap();
    server.send("four", &mut to_client).unwrap();
    let too_long = Error::Decode(DecodeError::FrameTooLong);
    assert_eq!(server.receive(&mut to_server, &mut BytesMut::new()).unwrap_err(), too_long);
    assert_eq!(client.receive(&mut to_client, &mut BytesMut::new()).unwrap_err(), too_long);
}

#[test]
fn response_head_is_limited() {
    let url = Url::parse("ws://example.com/").unwrap();
    let config = Config::new().head_limits(HeadLimits::default().max_len(100));
    let random = |bytes: &mut [u8]| bytes.fill(7);
    let mut client = Client::connect(&url, &Offer::new(), config, random, &mut BytesMut::new()).unwrap();
    let mut response = BytesMut::from(&[&b"HTTP/1.1 101 "[..], &[b'x'; 100]].concat()[..]);
    assert_eq!(
        client.receive(&mut response, &mut BytesMut::new()).unwrap_err(),
        Error::Response(HandshakeError::Head(ParseError::TooLong))
    );
}

#[test]
fn helpers_convert_into_connection() {
    let (_, mut server, upgrade) = requested(&Offer::new());
    server.accept(upgrade, &Accept::new(), &mut BytesMut::new()).unwrap();
    assert_eq!(server.into_connection().state(), State::Open);
    let client = connect(&Offer::new(), &mut BytesMut::new());
    assert_eq!(client.into_connection().state(), State::Connecting);
}

proptest! {
    #[test]
    fn conversation_does_not_depend_on_reads(sizes in prop::collection::vec(1_usize..60, 1..30)) {
        let mut wire = BytesMut::new();
        connect(&Offer::new(), &mut wire);
        wire.extend_from_slice(b"\x81\x85\0\0\0\0Hello\x89\x80\0\0\0\0\x02\x81\0\0\0\0a\x80\x81\0\0\0\0b\x88\x80\0\0\0\0");
        let (mut whole_events, mut whole_output) = (Vec::new(), BytesMut::new());
        echo(&mut server(), &mut wire.clone(), &mut whole_output, &mut whole_events);
        prop_assert_eq!(whole_events.len(), 6);

        let (mut server, mut input) = (server(), BytesMut::new());
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
