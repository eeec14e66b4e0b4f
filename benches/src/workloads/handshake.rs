//! The opening handshake on both sides, from bytes to bytes.

use std::hint::black_box;

use bytes::BytesMut;
use protocol_websocket_connection::{Config, Event, Server};
use protocol_websocket_core::{OsRandom, Random as _};
use protocol_websocket_handshake_client::{ClientHandshake, Outcome};
use protocol_websocket_handshake_server::{Accepted, ServerHandshake};
use protocol_websocket_http::{Accept, Offer};
use protocol_websocket_url::Url;

use crate::contender::{Answer, Cell, Contender, Kind};
use crate::workloads::Make;

pub mod floor;
mod streams;

pub use streams::{Asked, Responder};

/// What Chromium sends, as to the number and the lengths of its fields.
pub const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://server.example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

/// What a pass does.
const UNITS: usize = 16;

/// The cells of this family.
#[must_use]
pub fn cells() -> Vec<Make> {
    vec![Box::new(server), Box::new(client_alone), Box::new(client)]
}

/// A request to the bytes of the answer 101.
#[must_use]
pub fn server() -> Cell {
    let mut cell = Cell::new("server handshake", "a browser's request", UNITS, 0);
    cell.contenders = vec![
        answering("httparse", Kind::Bound, "all but parsing", |asked| {
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut request = httparse::Request::new(&mut headers);
            black_box(request.parse(black_box(REQUEST)).expect("it is a request"));
            asked.written.clear();
        }),
        answering("sha1 + base64", Kind::Bound, "parsing", |asked| {
            asked.written.clear();
            asked.written.extend_from_slice(&floor::accept_of(black_box(b"dGhlIHNhbXBsZSBub25jZQ==")));
        }),
        answering("floor:hand", Kind::Floor, "", |asked| floor::answer(asked.read(), &mut asked.written)),
        answering("handshake-server", Kind::Ours, "", |asked| {
            asked.receive();
            let upgrade = ServerHandshake::new().parse(&mut asked.input).unwrap().unwrap();
            let accepted = upgrade.accept(&Accept::new(), &mut asked.output).unwrap();
            assert!(matches!(accepted, Accepted::Open(_)));
        }),
        answering("connection", Kind::Ours, "", |asked| {
            asked.receive();
            let mut server = Server::new(Config::new());
            let Some(Event::Upgrade(upgrade)) = server.receive(&mut asked.input, &mut asked.output).unwrap() else {
                panic!("no request")
            };
            server.accept(upgrade, &Accept::new(), &mut asked.output).unwrap();
            assert!(matches!(server.receive(&mut asked.input, &mut asked.output), Ok(Some(Event::Open(_)))));
        }),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.extend(crate::peers::servers());
    cell
}

/// A row of the server's: `answer` reads the request and writes the answer.
pub fn answering(name: &'static str, kind: Kind, skips: &'static str, answer: fn(&mut Asked)) -> Contender {
    let pass = move |asked: &mut Asked| (0..UNITS).for_each(|_| answer(asked));
    let check = move |asked: &mut Asked| {
        answer(asked);
        asked.answer()
    };
    Contender::new(name, kind, skips, Asked::new, pass, check)
}

/// A request is made, and an answer checked that was there before: the nonce is always the same, whatever was drawn.
#[must_use]
pub fn client_alone() -> Cell {
    const NONCE: [u8; 16] = *b"the sample nonce";
    let mut cell = Cell::new("client handshake, the answer at hand", "an answer", UNITS, 0);
    let mut answer = Vec::new();
    floor::answer(REQUEST, &mut answer);
    let answer = &*answer.leak();
    let url = Url::parse("ws://server.example.com/chat").expect("it is a URL");
    let offer = Offer::new();
    let row = Answer { messages: 1, ..Answer::default() };
    let hand = |client: &mut floor::Client| client.check(black_box(NONCE), black_box(answer));
    let ours = |state: &mut (Url, Offer, OsRandom, BytesMut, BytesMut)| {
        let (url, offer, random, output, input) = state;
        let mut drawn = |nonce: &mut [u8]| {
            random.fill(nonce);
            black_box(&nonce);
            nonce.copy_from_slice(&black_box(NONCE));
        };
        output.clear();
        let mut handshake = ClientHandshake::new(url, offer, &mut drawn, output).unwrap();
        black_box(&output);
        input.clear();
        input.extend_from_slice(black_box(answer));
        assert!(matches!(handshake.parse(input).unwrap(), Some(Outcome::Open(_))));
    };
    cell.contenders = vec![
        Contender::new(
            "floor:hand",
            Kind::Floor,
            "unpredictable keys",
            floor::Client::default,
            move |client| (0..UNITS).for_each(|_| hand(client)),
            move |client| {
                hand(client);
                row
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
                row
            },
        ),
    ];
    cell
}

/// A request is made, the answer is checked. What it takes to answer is taken off.
#[must_use]
pub fn client() -> Cell {
    let mut cell = Cell::new("client handshake", "an answer", UNITS, 0);
    cell.overhead = Some("the answer itself");
    let url = Url::parse("ws://server.example.com/chat").expect("it is a URL");
    let offer = Offer::new();
    cell.contenders = vec![
        asking(
            "the answer itself",
            Kind::Bound,
            "the client",
            || (),
            |(), responder| {
                responder.ask(REQUEST);
                responder.receive().clear();
            },
        ),
        asking("floor:hand", Kind::Floor, "unpredictable keys", floor::Client::default, floor::Client::connect),
        asking(
            "handshake-client",
            Kind::Ours,
            "",
            move || (url.clone(), offer.clone(), OsRandom::new(), BytesMut::new()),
            |state, responder| {
                let (url, offer, random, output) = state;
                output.clear();
                let mut handshake = ClientHandshake::new(url, offer, random, output).unwrap();
                responder.ask(output);
                let outcome = handshake.parse(responder.receive()).unwrap();
                assert!(matches!(outcome, Some(Outcome::Open(_))));
            },
        ),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.extend(crate::peers::clients());
    cell
}

/// A row of the client's: `connect` asks a responder and checks the answer.
pub fn asking<S: 'static>(
    name: &'static str,
    kind: Kind,
    skips: &'static str,
    make: impl Fn() -> S,
    connect: fn(&mut S, &mut Responder),
) -> Contender {
    let pass = move |state: &mut (S, Responder)| (0..UNITS).for_each(|_| connect(&mut state.0, &mut state.1));
    let check = move |state: &mut (S, Responder)| {
        connect(&mut state.0, &mut state.1);
        Answer { messages: 1, ..Answer::default() }
    };
    Contender::new(name, kind, skips, move || (make(), Responder::default()), pass, check)
}
