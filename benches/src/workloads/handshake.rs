//! The opening handshake of both roles, from bytes to bytes.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};

use bytes::BytesMut;
use protocol_websocket_connection::{Config, Connection, Event, Server};
use protocol_websocket_core::{OsRandom, Random as _};
use protocol_websocket_handshake_client::{ClientHandshake, Outcome};
use protocol_websocket_handshake_server::{Accepted, ServerHandshake};
use protocol_websocket_http::{Accept, Offer};
use protocol_websocket_url::Url;

use crate::baseline::handshake as baseline;
use crate::contender::{Cell, Contender, Kind, MakeCell, Summary};
use crate::handshake_io::{ClientStream, REQUEST, ServerStream};

/// Handshakes per pass.
const UNITS: usize = 16;

/// The URL of the server.
const URL: &str = "ws://server.example.com/chat";

/// The configuration that all connections share.
static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(Config::new()));

/// Returns the cells of this family.
#[must_use]
pub fn cells() -> Vec<MakeCell> {
    vec![Box::new(server), Box::new(client_with_prepared_response), Box::new(client)]
}

/// Makes the cell of the server: from a request to the bytes of the response 101.
#[must_use]
pub fn server() -> Cell {
    let mut cell = Cell::new("server handshake", "a browser's request", UNITS, 0);
    cell.contenders = vec![
        server_row("httparse", Kind::Bound, "all but parsing", |stream| {
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut request = httparse::Request::new(&mut headers);
            black_box(request.parse(black_box(REQUEST)).expect("the request is valid"));
            stream.written.clear();
        }),
        server_row("sha1 + base64", Kind::Bound, "parsing", |stream| {
            stream.written.clear();
            stream.written.extend_from_slice(&baseline::accept_of(black_box(b"dGhlIHNhbXBsZSBub25jZQ==")));
        }),
        server_row("baseline: hand-written", Kind::Baseline, "", |stream| {
            baseline::respond(stream.request(), &mut stream.written)
        }),
        server_row("handshake-server", Kind::Ours, "", |stream| {
            stream.receive();
            let upgrade = ServerHandshake::new().parse(&mut stream.input).unwrap().unwrap();
            let accepted = upgrade.accept(&Accept::new(), &mut stream.output).unwrap();
            assert!(matches!(accepted, Accepted::Open(_)));
        }),
        server_row("connection", Kind::Ours, "", |stream| {
            stream.receive();
            let mut server = Server::new(Arc::clone(&CONFIG));
            let Some(Event::Upgrade(upgrade)) = server.receive(&mut stream.input, &mut stream.output).unwrap() else {
                panic!("the request is incomplete")
            };
            server.accept(upgrade, &Accept::new(), &mut stream.output).unwrap();
            assert!(matches!(server.receive(&mut stream.input, &mut stream.output), Ok(Some(Event::Open(_)))));
        }),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.extend(server_peers());
    cell
}

/// Makes the rows of the other libraries, except three that have no handshake of their own: fastwebsockets and yawc use
/// hyper's, and a user of web-socket writes it.
#[cfg(feature = "peers")]
fn server_peers() -> Vec<Contender> {
    use crate::peers::*;
    let peer = Kind::Peer;
    vec![
        server_row("tungstenite", peer, "", tungstenite::accept),
        server_row("tokio-websockets", peer, "", tokio_websockets::accept),
        server_row("soketto", peer, "", soketto::accept),
        server_row("sockudo-ws", peer, "", sockudo::accept),
    ]
}

/// Makes a row of the server. `accept` reads the request and writes the response.
fn server_row(name: &'static str, kind: Kind, skips: &'static str, accept: fn(&mut ServerStream)) -> Contender {
    let pass = move |stream: &mut ServerStream| (0..UNITS).for_each(|_| accept(stream));
    let check = move |stream: &mut ServerStream| {
        accept(stream);
        stream.summary()
    };
    Contender::new(name, kind, skips, ServerStream::new, pass, check)
}

/// The output and the input of a connection.
type Buffers = (BytesMut, BytesMut);

/// Makes the cell of the client with a prepared response. The nonce is fixed, after each contender has drawn one.
#[must_use]
pub fn client_with_prepared_response() -> Cell {
    const NONCE: [u8; 16] = *b"the sample nonce";
    let mut cell = Cell::new("client handshake, prepared response", "a response", UNITS, 0);
    let mut response = Vec::new();
    baseline::respond(REQUEST, &mut response);
    let response = &*response.leak();
    let url = Url::parse(URL).expect("the URL is valid");
    let offer = Offer::new();
    let summary = Summary { messages: 1, ..Summary::default() };
    let hand_written = |client: &mut baseline::Client| {
        black_box(client.request_with(black_box(NONCE)));
        client.receive(black_box(response));
    };
    let ours = |state: &mut (Url, Offer, OsRandom, BytesMut, BytesMut)| {
        let (url, offer, random, output, input) = state;
        let mut drawn = |nonce: &mut [u8]| {
            random.fill(nonce);
            black_box(&nonce);
            nonce.copy_from_slice(&black_box(NONCE));
        };
        output.clear();
        let mut handshake = ClientHandshake::new(&*url, offer, &mut drawn, output).unwrap();
        black_box(&output);
        input.clear();
        input.extend_from_slice(black_box(response));
        assert!(matches!(handshake.parse(input).unwrap(), Some(Outcome::Open(_))));
    };
    let connect = move |client: Connection, (output, input): &mut Buffers| {
        let mut client = client;
        black_box(&output);
        input.clear();
        input.extend_from_slice(black_box(response));
        assert!(matches!(client.receive(input, output), Ok(Some(Event::Open(_)))));
    };
    let random = || {
        let mut random = OsRandom::new();
        move |nonce: &mut [u8]| {
            random.fill(nonce);
            black_box(&nonce);
            nonce.copy_from_slice(&black_box(NONCE));
        }
    };
    let from_url = move |(url, buffers): &mut (Url, Buffers)| {
        buffers.0.clear();
        connect(
            Connection::client(&*url, &Offer::new(), Arc::clone(&CONFIG), random(), &mut buffers.0).unwrap(),
            buffers,
        );
    };
    let from_text = move |buffers: &mut Buffers| {
        let url = Url::parse(black_box(URL)).unwrap();
        buffers.0.clear();
        connect(
            Connection::client(&url, &Offer::new(), Arc::clone(&CONFIG), random(), &mut buffers.0).unwrap(),
            buffers,
        );
    };
    let parsed = url.clone();
    cell.contenders = vec![
        Contender::new(
            "baseline: hand-written",
            Kind::Baseline,
            "unpredictable keys",
            baseline::Client::default,
            move |client| (0..UNITS).for_each(|_| hand_written(client)),
            move |client| {
                hand_written(client);
                summary
            },
        ),
        Contender::new(
            "handshake-client",
            Kind::Ours,
            "",
            move || (url.clone(), offer.clone(), OsRandom::new(), BytesMut::new(), BytesMut::new()),
            move |state| (0..UNITS).for_each(|_| ours(state)),
            move |state| {
                ours(state);
                summary
            },
        ),
        Contender::new(
            "connection",
            Kind::Ours,
            "",
            move || (parsed.clone(), Buffers::default()),
            move |state| (0..UNITS).for_each(|_| from_url(state)),
            move |state| {
                from_url(state);
                summary
            },
        ),
        Contender::new(
            "connection, URL as text",
            Kind::Ours,
            "",
            Buffers::default,
            move |state| (0..UNITS).for_each(|_| from_text(state)),
            move |state| {
                from_text(state);
                summary
            },
        ),
    ];
    cell
}

/// Makes the cell of the client with a live response. The time to respond is subtracted.
#[must_use]
pub fn client() -> Cell {
    let mut cell = Cell::new("client handshake", "a response", UNITS, 0);
    cell.overhead = Some("the response itself");
    let url = Url::parse(URL).expect("the URL is valid");
    let offer = Offer::new();
    cell.contenders = vec![
        client_row(
            "the response itself",
            Kind::Bound,
            "the client",
            || (),
            |(), stream| {
                stream.send(REQUEST);
                stream.receive().clear();
            },
        ),
        client_row(
            "baseline: hand-written",
            Kind::Baseline,
            "unpredictable keys",
            baseline::Client::default,
            |client, stream| {
                stream.send(client.request());
                let response = stream.receive();
                client.check(response);
                response.clear();
            },
        ),
        client_row(
            "handshake-client",
            Kind::Ours,
            "",
            move || (url.clone(), offer.clone(), OsRandom::new(), BytesMut::new()),
            |state, stream| {
                let (url, offer, random, output) = state;
                output.clear();
                let mut handshake = ClientHandshake::new(&*url, offer, random, output).unwrap();
                stream.send(output);
                let outcome = handshake.parse(stream.receive()).unwrap();
                assert!(matches!(outcome, Some(Outcome::Open(_))));
            },
        ),
        client_row(
            "connection",
            Kind::Ours,
            "",
            || (Url::parse(URL).expect("the URL is valid"), BytesMut::new()),
            |(url, output), stream| connect(url, output, stream),
        ),
        client_row("connection, URL as text", Kind::Ours, "", BytesMut::new, |output, stream| {
            connect(&Url::parse(black_box(URL)).unwrap(), output, stream);
        }),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.extend(client_peers());
    cell
}

/// Opens a connection, whose random source is its own.
fn connect(url: &Url, output: &mut BytesMut, stream: &mut ClientStream) {
    output.clear();
    let client = Connection::client(url, &Offer::new(), Arc::clone(&CONFIG), OsRandom::new(), output);
    stream.send(output);
    let opened = client.unwrap().receive(stream.receive(), output);
    assert!(matches!(opened, Ok(Some(Event::Open(_)))));
}

/// Makes the rows of the other libraries.
#[cfg(feature = "peers")]
fn client_peers() -> Vec<Contender> {
    use crate::peers::*;
    let (peer, predictable) = (Kind::Peer, "unpredictable keys");
    vec![
        client_row("tungstenite", peer, "", tungstenite::uri, tungstenite::connect),
        client_row("tokio-websockets", peer, predictable, tokio_websockets::builder, tokio_websockets::connect),
        client_row("soketto", peer, "", || (), soketto::connect),
        client_row("sockudo-ws", peer, predictable, || (), sockudo::connect),
    ]
}

/// Makes a row of the client. `connect` sends a request and checks the response.
fn client_row<S: 'static>(
    name: &'static str,
    kind: Kind,
    skips: &'static str,
    make: impl Fn() -> S,
    connect: fn(&mut S, &mut ClientStream),
) -> Contender {
    let pass = move |state: &mut (S, ClientStream)| (0..UNITS).for_each(|_| connect(&mut state.0, &mut state.1));
    let check = move |state: &mut (S, ClientStream)| {
        connect(&mut state.0, &mut state.1);
        Summary { messages: 1, ..Summary::default() }
    };
    Contender::new(name, kind, skips, move || (make(), ClientStream::default()), pass, check)
}
