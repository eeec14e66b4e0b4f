//! The negotiation of extensions in the handshake (RFC 6455 §9.1).
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use bytes::BytesMut;
use common::{receive_all, receive_valid};
use protocol_websocket_connection::{
    Accept, Client, Config, Connection, Error, Event, ExtensionPair, ExtensionParams, Negotiate, Negotiated, Offer,
    Role, Rsv, Server, State, Url, Version,
};
use protocol_websocket_frame::DecodeError;
use protocol_websocket_handshake_client::HandshakeError;
use protocol_websocket_http::{RequestHead, Response, ResponseError};
use test_extensions::{Flip, Runs};

fn connect(offer: &Offer, config: &Config, output: &mut BytesMut) -> Client {
    let url = Url::parse("ws://example.com/").unwrap();
    Client::connect(&url, offer, config.clone(), |bytes: &mut [u8]| bytes.fill(7), output).unwrap()
}

/// Returns both ends after their handshake, and the extensions that they agreed on.
fn opened(offer: &Offer, client: &Config, server: &Config) -> (Client, Server, Vec<String>) {
    let (mut wire, mut server) = (BytesMut::new(), Server::new(server.clone()));
    let mut client = connect(offer, client, &mut wire);
    let Some(Event::Upgrade(upgrade)) = server.receive(&mut wire, &mut BytesMut::new()).unwrap() else { panic!() };
    let mut response = BytesMut::new();
    server.accept(upgrade, &Accept::new(), &mut response).unwrap();
    let negotiated =
        |event| if let Ok(Some(Event::Open(opened))) = event { opened.into_negotiated() } else { panic!() };
    let at_server = negotiated(server.receive(&mut wire, &mut BytesMut::new()));
    let at_client = negotiated(client.receive(&mut response, &mut BytesMut::new()));
    assert_eq!(at_client, at_server);
    (client, server, at_client.extensions.iter().map(ToString::to_string).collect())
}

/// Returns the extensions that two ends agree on.
fn agreed(client: &Config, server: &Config) -> Vec<String> {
    opened(&Offer::new(), client, server).2
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.8
//# The endpoints of a connection MUST negotiate the use of any extensions during the opening
//# handshake.
#[test]
fn uses_extensions_that_both_ends_support() {
    let config = Config::new().extension(Runs::new(7)).extension(Flip::new());
    let (mut client, mut server, agreed) = opened(&Offer::new(), &config, &config);
    assert_eq!(agreed, ["runs; max=7", "flip"]);
    let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    client.send("aaab", &mut wire).unwrap();
    assert_eq!(wire[..6], *b"\xB1\x84\x07\x07\x07\x07", "RSV2 and RSV3");
    let event = server.receive(&mut wire, &mut output).unwrap();
    assert_eq!(event, Some(Event::Message("aaab".into())));
    server.send("baaa", &mut wire).unwrap();
    let event = client.receive(&mut wire, &mut output).unwrap();
    assert_eq!(event, Some(Event::Message("baaa".into())));
}

#[test]
fn uses_the_order_of_the_client() {
    let client = Config::new().extension(Flip::new()).extension(Runs::new(7));
    let server = Config::new().extension(Runs::new(9)).extension(Flip::new());
    assert_eq!(agreed(&client, &server), ["flip", "runs; max=7"]);
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# then the value MUST be derived from the client's handshake, specifically by selecting one or
//# more of the values from the |Sec-WebSocket-Extensions| field.
//= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
//# MUST NOT use them unless the server indicates that it wishes to use the extension.
//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# A server declining all offered PMCEs MUST NOT include any element with PMCE names.
#[test]
fn does_not_use_extension_that_one_end_lacks() {
    let both = Config::new().extension(Runs::new(7)).extension(Flip::new());
    let (runs, none) = (Config::new().extension(Runs::new(7)), Config::new());
    assert_eq!(agreed(&both, &runs), ["runs; max=7"]);
    assert_eq!(agreed(&runs, &both), ["runs; max=7"]);
    assert!(agreed(&none, &both).is_empty() && agreed(&both, &none).is_empty());
}

#[test]
fn uses_first_offer_that_server_accepts() {
    let client = Config::new().extension(Runs::new(7)).extension(Runs::new(5));
    assert_eq!(agreed(&client, &Config::new().extension(Runs::new(9))), ["runs; max=7"]);
    let without_bits = |max| Runs::new(max).with_rsv(Rsv::NONE);
    let client = client.extension(without_bits(3));
    let server = Config::new().extension(without_bits(9));
    assert_eq!(agreed(&client, &server), ["runs; max=7"], "once, although no bit is in use");
    let offer = Offer::new()
        .extension(ExtensionParams::new("runs").param("max", "many"))
        .extension(ExtensionParams::new("unknown").flag("x"))
        .extension(ExtensionParams::new("flip").flag("unknown"));
    let (_, _, agreed) = opened(&offer, &client, &Config::new().extension(Flip::new()).extension(Runs::new(6)));
    assert_eq!(agreed, ["runs; max=6"], "invalid offers are declined, and the next is tried");
}

#[test]
fn uses_first_configuration_that_fits_offer() {
    /// Accepts only an offer that equals its own.
    struct ExactOffer(Runs);
    impl Negotiate for ExactOffer {
        fn name(&self) -> &str {
            "runs"
        }
        fn rsv(&self) -> Rsv {
            self.0.rsv()
        }
        fn offers(&self) -> Vec<ExtensionParams> {
            self.0.offers()
        }
        fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
            self.0.respond(offer).filter(|response| response == &self.offers()[0])
        }
        fn agree(&self, role: Role, response: &ExtensionParams) -> Option<ExtensionPair> {
            self.0.agree(role, response)
        }
    }
    let server = Config::new().extension(ExactOffer(Runs::new(9))).extension(ExactOffer(Runs::new(3)));
    assert_eq!(agreed(&Config::new().extension(Runs::new(8)), &server), ["runs; max=3"]);
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# if the PMCE will conflict with the extension on their use of the RSV1 bit.
#[test]
fn declines_second_extension_with_the_same_bit() {
    let conflicting = Runs::new(7).with_rsv(Rsv::RSV3);
    let both = Config::new().extension(Flip::new()).extension(conflicting);
    assert_eq!(agreed(&both, &both), ["flip"]);
}

#[test]
fn does_not_repeat_extension_that_the_application_accepted() {
    let config = Config::new().extension(Runs::new(7)).extension(Flip::new());
    let mut wire = BytesMut::new();
    let mut server = Server::new(config.clone());
    let _client = connect(&Offer::new(), &config, &mut wire);
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut wire, &mut BytesMut::new()) else { panic!() };
    let mut response = BytesMut::new();
    server
        .accept(upgrade, &Accept::new().extension(ExtensionParams::new("runs").param("max", "3")), &mut response)
        .unwrap();
    let response = String::from_utf8(response.to_vec()).unwrap();
    assert!(response.contains("Sec-WebSocket-Extensions: runs; max=3, flip\r\n"), "{response}");
}

/// Returns the result of a client's handshake with these extensions in the response.
fn responded(config: &Config, extensions: &[ExtensionParams]) -> Result<Option<Event>, Error> {
    let mut request = BytesMut::new();
    let mut client = connect(&Offer::new(), config, &mut request);
    let request = protocol_websocket_http::HeadReader::new(Default::default()).request(&mut request).unwrap().unwrap();
    let request = protocol_websocket_http::Request::from_head(request).unwrap();
    let accept = extensions.iter().cloned().fold(Accept::new(), Accept::extension);
    let (mut response, mut output) = (BytesMut::new(), BytesMut::new());
    Response::accept(&request, &accept).unwrap().encode(&mut response);
    let event = client.receive(&mut response, &mut output);
    let state = if event.is_ok() { State::Open } else { State::Closed };
    assert_eq!((client.state(), output.len()), (state, 0));
    event
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# A client that received a response accepting a PMCE extension negotiation offer together with
//# such an extension MUST
//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# If a server gives an invalid response, such as accepting a PMCE that the client did not offer
#[test]
fn client_checks_extensions_of_response() {
    let config = Config::new().extension(Runs::new(7)).extension(Flip::new());
    let (runs, flip) = (|max: &str| ExtensionParams::new("runs").param("max", max), ExtensionParams::new("flip"));
    for valid in [vec![], vec![runs("7")], vec![runs("1"), flip.clone()], vec![flip.clone(), runs("3")]] {
        assert!(matches!(responded(&config, &valid), Ok(Some(Event::Open(_)))), "{valid:?}");
    }
    let conflicting = config.clone().extension(Runs::new(9).with_rsv(Rsv::RSV3));
    let invalid = Error::Response(HandshakeError::Response(ResponseError::ExtensionParameters));
    for (config, response) in [
        (&config, vec![runs("8")]),
        (&config, vec![ExtensionParams::new("runs")]),
        (&config, vec![flip.clone().flag("x")]),
        (&config, vec![flip.clone(), flip.clone()]),
        (&conflicting, vec![flip.clone(), runs("9")]),
        (&Config::new().extension(Runs::new(7).with_rsv(Rsv::NONE)), vec![runs("7"), runs("7")]),
    ] {
        assert_eq!(responded(config, &response).unwrap_err(), invalid, "{response:?}");
    }
}

#[test]
fn oldest_versions_have_no_extensions() {
    let config = Config::new().extension(Flip::new());
    for version in [Version::Hybi00, Version::Hixie75] {
        let mut request = BytesMut::new();
        connect(&Offer::new().version(version), &config, &mut request);
        assert!(!request.windows(10).any(|window| window == b"Extensions"));
    }
}

#[test]
fn open_connections_use_negotiated_extensions() {
    let config = Config::new().extension(Runs::new(7));
    let head = RequestHead::from_parts(
        "GET",
        "/",
        [
            ("Host", "example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Extensions", "other, runs; max=9"),
        ],
    );
    let request = protocol_websocket_http::Request::from_head(head.unwrap()).unwrap();
    let accept = config.accept(&request, Accept::new());
    let response = Response::accept(&request, &accept).unwrap();
    assert_eq!(response.headers().get("sec-websocket-extensions"), Some(&b"runs; max=7"[..]));

    let (mut server, mut wire) = (Connection::open_server(response.negotiated(), &config), BytesMut::new());
    server.send("aaa", &mut wire).unwrap();
    assert_eq!(wire[..], *b"\xA1\x02\x03a");
    let mut client = Connection::open_client(response.negotiated(), &config, |key: &mut [u8]| key.fill(7));
    assert_eq!(receive_valid(&mut client, &mut wire).0, [Event::Message("aaa".into())]);
}

#[test]
fn open_connection_with_invalid_parameters_has_failed() {
    let config = Config::new().extension(Runs::new(7));
    let negotiated = Negotiated::default().extension(ExtensionParams::new("runs").param("max", "8"));
    let mut client = Connection::open_client(&negotiated, &config, |key: &mut [u8]| key.fill(7));
    let (events, end, output) = receive_all(&mut client, &mut BytesMut::from(&b"\x81\x01a"[..]));
    assert_eq!((events.len(), end), (0, Err(DecodeError::Extension.into())));
    assert_eq!((output[0], client.state()), (0x88, State::Closed));

    let unknown = Negotiated::default().extension(ExtensionParams::new("of-the-application"));
    let mut client = Connection::open_client(&unknown, &config, |key: &mut [u8]| key.fill(7));
    assert_eq!(receive_valid(&mut client, &mut BytesMut::from(&b"\x81\x01a"[..])).0.len(), 1);
}
