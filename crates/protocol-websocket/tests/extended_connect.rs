//! Connections over HTTP/2 and HTTP/3, from the fields of an extended CONNECT (RFC 8441, RFC 9220) to compressed messages.
#![cfg(all(feature = "permessage-deflate", feature = "server"))]
#![allow(clippy::unwrap_used)]

use bytes::BytesMut;
use protocol_websocket::{
    Accept, BuildError, Config, Connection, Destination, Event, Offer, PermessageDeflate, Request, Response,
    ResponseHead, Role, State, Upgrade,
};

const TEXT: &str = "A text that is long enough to be compressed: repeated text, repeated text, repeated text, repeated text, and so on";

fn fixed(bytes: &mut [u8]) {
    bytes.fill(7);
}

/// Makes the handshake with these configurations. Returns both ends and the value of `sec-websocket-extensions`.
fn open(client: Config, server: Config) -> (Connection, Connection, Option<String>) {
    let destination = Destination::new("example.com", "/chat").secure(true);
    let offered = Request::offer_connect(destination, &client.offer(Offer::new().subprotocol("chat"))).unwrap();
    let received = Request::from_fields(&offered.to_fields().unwrap()).unwrap();
    let (response, server) = Connection::respond(&received, Accept::new().subprotocol("chat"), server).unwrap();
    let fields = response.to_fields().unwrap();
    let response = Response::from_head(ResponseHead::from_fields(&fields).unwrap(), &offered).unwrap();
    let client = Connection::open_client(response.negotiated(), client, fixed);
    assert_eq!(client.negotiated(), server.negotiated());
    (client, server, fields.get_str("sec-websocket-extensions").map(Into::into))
}

/// Sends a message and returns its length on the wire.
fn send(from: &mut Connection, to: &mut Connection) -> usize {
    let mut wire = BytesMut::new();
    from.send(TEXT, &mut wire).unwrap();
    let len = wire.len();
    assert_eq!(to.receive(&mut wire, &mut BytesMut::new()).unwrap(), Some(Event::Message(TEXT.into())));
    len
}

#[test]
fn respond_opens_both_ends() {
    let (mut client, mut server, extensions) = open(Config::new(), Config::new());
    assert_eq!((client.state(), server.state(), extensions), (State::Open, State::Open, None));
    assert_eq!((client.role(), server.role()), (Role::Client, Role::Server));
    assert_eq!(server.negotiated().subprotocol.as_deref(), Some("chat"));
    // Frames of a client are masked, as over HTTP/1.1.
    assert_eq!(send(&mut client, &mut server), TEXT.len() + 6);
    assert_eq!(send(&mut server, &mut client), TEXT.len() + 2);
}

#[test]
fn messages_are_compressed_with_the_negotiated_parameters() {
    let deflate = PermessageDeflate::new();
    let client = Config::new().extension(deflate.clone());
    let server = Config::new().extension(deflate.server_no_context_takeover().client_no_context_takeover());
    let (mut client, mut server, extensions) = open(client, server);
    let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    assert_eq!(extensions.as_deref(), Some(expected));
    for _ in 0..3 {
        assert!(send(&mut client, &mut server) < TEXT.len());
        assert!(send(&mut server, &mut client) < TEXT.len());
    }
}

#[test]
fn an_upgrade_of_http_1_1_cannot_accept_it() {
    let request = Request::offer_connect(Destination::new("example.com", "/"), &Offer::new()).unwrap();
    let mut output = BytesMut::new();
    assert_eq!(Upgrade::from(request).accept(&Accept::new(), &mut output).unwrap_err(), BuildError::Connect);
    assert!(output.is_empty());
}
