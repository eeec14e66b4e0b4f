//! Which extensions are in force: RFC 6455 §9.1.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use bytes::BytesMut;
use common::{drain, take, told};
use protocol_websocket_connection::{
    Accept, Client, Config, Connection, Error, Event, Negotiate, Negotiated, Offer, Role, Server, State, Url, Version,
};
use protocol_websocket_frame::{DecodeError, Rsv};
use protocol_websocket_handshake_client::HandshakeError;
use protocol_websocket_http::{Extension, RequestHead, Response, ResponseError};
use test_extensions::{Flip, Runs};

fn connect(offer: &Offer, config: &Config, output: &mut BytesMut) -> Client {
    let url = Url::parse("ws://example.com/").unwrap();
    Client::connect(&url, offer, config.clone(), |bytes: &mut [u8]| bytes.fill(7), output).unwrap()
}

/// Both ends, and the extensions that they agreed on.
fn opened(offer: &Offer, client: &Config, server: &Config) -> (Client, Server, Vec<String>) {
    let (mut wire, mut server) = (BytesMut::new(), Server::new(server.clone()));
    let mut client = connect(offer, client, &mut wire);
    let Some(Event::Upgrade(upgrade)) = server.receive(&mut wire, &mut BytesMut::new()).unwrap() else { panic!() };
    let mut answer = BytesMut::new();
    server.accept(upgrade, &Accept::new(), &mut answer).unwrap();
    let negotiated = |event| if let Ok(Some(Event::Open(negotiated))) = event { negotiated } else { panic!() };
    let at_server = negotiated(server.receive(&mut wire, &mut BytesMut::new()));
    let at_client = negotiated(client.receive(&mut answer, &mut BytesMut::new()));
    assert_eq!(at_client, at_server);
    (client, server, at_client.extensions.iter().map(ToString::to_string).collect())
}

/// What the two ends agree on.
fn agreed(client: &Config, server: &Config) -> Vec<String> {
    opened(&Offer::new(), client, server).2
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.8
//# The endpoints of a connection MUST negotiate the use of any extensions during the opening
//# handshake.
#[test]
fn both_ends_use_what_both_want() {
    let config = Config::new().extension(Runs::new(7)).extension(Flip::new());
    let (mut client, mut server, agreed) = opened(&Offer::new(), &config, &config);
    assert_eq!(agreed, ["runs; max=7", "flip"]);
    let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    client.send("aaab", &mut wire).unwrap();
    assert_eq!(wire[..6], *b"\xB1\x84\x07\x07\x07\x07", "RSV2 and RSV3");
    let event = server.receive(&mut wire, &mut output).unwrap();
    assert_eq!(told(&event.into_iter().collect::<Vec<_>>()), told(&[Event::Message("aaab".into())]));
    server.send("baaa", &mut wire).unwrap();
    let event = client.receive(&mut wire, &mut output).unwrap();
    assert_eq!(told(&event.into_iter().collect::<Vec<_>>()), told(&[Event::Message("baaa".into())]));
}

#[test]
fn the_order_is_the_clients() {
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
fn what_one_end_does_not_want_is_not_used() {
    let (both, runs) = (Config::new().extension(Runs::new(7)).extension(Flip::new()), Runs::new(7));
    let (runs, none) = (Config::new().extension(runs), Config::new());
    assert_eq!(agreed(&both, &runs), ["runs; max=7"]);
    assert_eq!(agreed(&runs, &both), ["runs; max=7"]);
    assert!(agreed(&none, &both).is_empty() && agreed(&both, &none).is_empty());
}

#[test]
fn of_several_offers_the_first_that_is_granted_counts() {
    let client = Config::new().extension(Runs::new(7)).extension(Runs::new(5));
    assert_eq!(agreed(&client, &Config::new().extension(Runs::new(9))), ["runs; max=7"]);
    let quiet = |max| Runs::new(max).rsv(Rsv::NONE);
    let client = client.extension(quiet(3));
    assert_eq!(agreed(&client, &Config::new().extension(quiet(9))), ["runs; max=7"], "once, though no bit is taken");
    let offer = Offer::new()
        .extension(Extension::new("runs").param("max", "many"))
        .extension(Extension::new("unknown").flag("x"))
        .extension(Extension::new("flip").flag("unknown"));
    let (_, _, agreed) = opened(&offer, &client, &Config::new().extension(Flip::new()).extension(Runs::new(6)));
    assert_eq!(agreed, ["runs; max=6"], "what cannot be granted is declined, and the next offer looked at");
}

#[test]
fn of_several_wishes_the_first_that_fits_counts() {
    /// Grants nothing but its own offer.
    struct Only(Runs);
    impl Negotiate for Only {
        type Agreed = (Runs, Runs);
        fn name(&self) -> &str {
            "runs"
        }
        fn offers(&self) -> Vec<Extension> {
            self.0.offers()
        }
        fn answer(&self, offer: &Extension) -> Option<Extension> {
            self.0.answer(offer).filter(|answer| answer == &self.offers()[0])
        }
        fn agree(&self, role: Role, answer: &Extension) -> Option<(Runs, Runs)> {
            self.0.agree(role, answer)
        }
    }
    let server = Config::new().extension(Only(Runs::new(9))).extension(Only(Runs::new(3)));
    assert_eq!(agreed(&Config::new().extension(Runs::new(8)), &server), ["runs; max=3"]);
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
//# if the PMCE will conflict with the extension on their use of the RSV1 bit.
#[test]
fn two_that_want_the_same_bit_are_not_used_together() {
    let greedy = Runs::new(7).rsv(Rsv::RSV3);
    let both = Config::new().extension(Flip::new()).extension(greedy);
    assert_eq!(agreed(&both, &both), ["flip"]);
}

#[test]
fn what_the_application_has_granted_is_not_granted_again() {
    let config = Config::new().extension(Runs::new(7)).extension(Flip::new());
    let mut wire = BytesMut::new();
    let mut server = Server::new(config.clone());
    let _client = connect(&Offer::new(), &config, &mut wire);
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut wire, &mut BytesMut::new()) else { panic!() };
    let mut answer = BytesMut::new();
    server.accept(upgrade, &Accept::new().extension(Extension::new("runs").param("max", "3")), &mut answer).unwrap();
    let answer = String::from_utf8(answer.to_vec()).unwrap();
    assert!(answer.contains("Sec-WebSocket-Extensions: runs; max=3, flip\r\n"), "{answer}");
}

/// A client's end of a handshake that the server answered with these extensions.
fn answered(config: &Config, extensions: &[Extension]) -> Result<Option<Event>, Error> {
    let mut request = BytesMut::new();
    let mut client = connect(&Offer::new(), config, &mut request);
    let request = protocol_websocket_http::HeadReader::new(Default::default()).request(&mut request).unwrap().unwrap();
    let request = protocol_websocket_http::Request::from_head(request).unwrap();
    let accept = extensions.iter().cloned().fold(Accept::new(), Accept::extension);
    let (mut answer, mut output) = (BytesMut::new(), BytesMut::new());
    Response::accept(&request, &accept).unwrap().encode(&mut answer);
    let event = client.receive(&mut answer, &mut output);
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
fn a_client_checks_the_servers_answer() {
    let config = Config::new().extension(Runs::new(7)).extension(Flip::new());
    let (runs, flip) = (|max: &str| Extension::new("runs").param("max", max), Extension::new("flip"));
    for right in [vec![], vec![runs("7")], vec![runs("1"), flip.clone()], vec![flip.clone(), runs("3")]] {
        assert!(matches!(answered(&config, &right), Ok(Some(Event::Open(_)))), "{right:?}");
    }
    let greedy = config.clone().extension(Runs::new(9).rsv(Rsv::RSV3));
    let wrong = Error::Answer(HandshakeError::Answer(ResponseError::ExtensionParameters));
    for (config, answer) in [
        (&config, vec![runs("8")]),
        (&config, vec![Extension::new("runs")]),
        (&config, vec![flip.clone().flag("x")]),
        (&config, vec![flip.clone(), flip.clone()]),
        (&greedy, vec![flip.clone(), runs("9")]),
        (&Config::new().extension(Runs::new(7).rsv(Rsv::NONE)), vec![runs("7"), runs("7")]),
    ] {
        assert_eq!(answered(config, &answer).unwrap_err(), wrong, "{answer:?}");
    }
}

#[test]
fn the_oldest_versions_have_none() {
    let config = Config::new().extension(Flip::new());
    for version in [Version::Hybi00, Version::Hixie75] {
        let mut request = BytesMut::new();
        connect(&Offer::new().version(version), &config, &mut request);
        assert!(!request.windows(10).any(|window| window == b"Extensions"));
    }
}

#[test]
fn a_handshake_made_elsewhere_agrees_on_them_too() {
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

    let (mut server, mut wire) = (Connection::server(response.negotiated(), &config), BytesMut::new());
    server.send("aaa", &mut wire).unwrap();
    assert_eq!(wire[..], *b"\xA1\x02\x03a");
    let mut client = Connection::client(response.negotiated(), &config, |key: &mut [u8]| key.fill(7));
    assert_eq!(told(&take(&mut client, &mut wire).0), told(&[Event::Message("aaa".into())]));
}

#[test]
fn a_connection_with_parameters_that_make_no_sense_has_failed_from_the_start() {
    let config = Config::new().extension(Runs::new(7));
    let negotiated = Negotiated::default().extension(Extension::new("runs").param("max", "8"));
    let mut client = Connection::client(&negotiated, &config, |key: &mut [u8]| key.fill(7));
    let (events, end, output) = drain(&mut client, &mut BytesMut::from(&b"\x81\x01a"[..]));
    assert_eq!((events.len(), end), (0, Err(DecodeError::Extension.into())));
    assert_eq!((output[0], client.state()), (0x88, State::Closed));

    let unknown = Negotiated::default().extension(Extension::new("of the application's own"));
    let mut client = Connection::client(&unknown, &config, |key: &mut [u8]| key.fill(7));
    assert_eq!(take(&mut client, &mut BytesMut::from(&b"\x81\x01a"[..])).0.len(), 1);
}
