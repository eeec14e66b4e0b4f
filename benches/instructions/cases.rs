//! The cases: what arrives before each round, and what is done with it.

use std::hint::black_box;

use bytes::BytesMut;
use protocol_websocket_benches::workloads::handshake::REQUEST;
use protocol_websocket_connection::{Config, Connection, Event};
use protocol_websocket_core::{OsRandom, Random, Role, Version};
use protocol_websocket_frame::{Assembler, Decoder, Extension, Frame, Limits, MaskKey, Message, mask};
use protocol_websocket_handshake_client::{ClientHandshake, Outcome};
use protocol_websocket_handshake_server::ServerHandshake;
use protocol_websocket_http::{Accept, Negotiated, Offer};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};
use protocol_websocket_url::Url;

/// How many bytes of payload a round has at most: what one read of a socket gives.
pub(crate) const READ: usize = 64 * 1024;

const KEY: MaskKey = MaskKey([0x37, 0xFA, 0x21, 0x3D]);
const SMALL: [usize; 3] = [16, 125, 1024];
const LENGTHS: [usize; 4] = [16, 125, 1024, 16 * 1024];

pub(crate) struct Case {
    /// How many messages a round has.
    pub(crate) messages: usize,
    /// What arrives before a round.
    pub(crate) wire: BytesMut,
    /// A round: all of the input is read.
    pub(crate) run: Box<dyn FnMut(&mut BytesMut)>,
}

impl Case {
    fn new(messages: usize, wire: BytesMut, run: impl FnMut(&mut BytesMut) + 'static) -> Self {
        Self { messages, wire, run: Box::new(run) }
    }
}

type Make = Box<dyn FnOnce() -> Case>;

/// All cases by name.
pub(crate) fn all() -> Vec<(String, Make)> {
    let mut cases: Vec<(String, Make)> = Vec::new();
    let mut case = |name: String, make: Make| cases.push((name, make));
    for len in LENGTHS {
        case(format!("decode-ascii/{len}"), Box::new(move || decode(Role::Server, &Frame::text(ascii(len)))));
        case(format!("decode-multibyte/{len}"), Box::new(move || decode(Role::Server, &Frame::text(multibyte(len)))));
        case(format!("receive-ascii/{len}"), Box::new(move || receive(Role::Server, &Frame::text(ascii(len)))));
        case(format!("receive-multibyte/{len}"), Box::new(move || receive(Role::Server, &Frame::text(multibyte(len)))));
    }
    for len in SMALL {
        case(format!("decode-binary/{len}"), Box::new(move || decode(Role::Client, &Frame::binary(vec![1; len]))));
        case(format!("receive-binary/{len}"), Box::new(move || receive(Role::Client, &Frame::binary(vec![1; len]))));
        case(format!("encode-server/{len}"), Box::new(move || encode(len, None)));
        case(format!("encode-client/{len}"), Box::new(move || encode(len, Some(KEY))));
        case(format!("send-server/{len}"), Box::new(move || send(len, server())));
        case(format!("send-client-fixed-key/{len}"), Box::new(move || send(len, client(fixed))));
        case(format!("send-client-os-random/{len}"), Box::new(move || send(len, client(OsRandom::new()))));
        case(format!("echo/{len}"), Box::new(move || echo(len)));
        case(format!("mask/{len}"), Box::new(move || masking(len)));
    }
    case("decode-sentinel/125".into(), Box::new(|| sentinel(125)));
    case("receive-byte-by-byte/1024".into(), Box::new(|| byte_by_byte(1024)));
    case("receive-ping/16".into(), Box::new(|| ping(16)));
    case("deflate-and-inflate/387".into(), Box::new(|| deflate(387)));
    case("handshake-server".into(), Box::new(server_handshake));
    case("handshake-subprotocols/64".into(), Box::new(server_subprotocols));
    case("handshake-client".into(), Box::new(client_handshake));
    cases
}

fn decode(role: Role, frame: &Frame) -> Case {
    let (messages, wire) = read_of(role, frame);
    let mut decoder = Decoder::new(role);
    let mut assembler = Assembler::new(Limits::default());
    Case::new(messages, wire, move |input| {
        while let Some(frame) = decoder.decode(input).unwrap() {
            black_box(assembler.push(frame).unwrap().unwrap());
        }
    })
}

fn receive(role: Role, frame: &Frame) -> Case {
    let (messages, wire) = read_of(role, frame);
    let mut connection = if role == Role::Server { server() } else { client(fixed) };
    let mut output = BytesMut::new();
    Case::new(messages, wire, move |input| {
        while let Some(event) = connection.receive(input, &mut output).unwrap() {
            black_box(event);
        }
    })
}

/// Behind what is already in the output, as the answers to one read are.
fn encode(len: usize, key: Option<MaskKey>) -> Case {
    let frame = Frame::text(ascii(len));
    let mut output = BytesMut::with_capacity(2 * READ);
    Case::new(per_read(len), BytesMut::new(), move |_| {
        output.clear();
        for _ in 0..per_read(len) {
            frame.encode(Version::Rfc6455, key, &mut output).unwrap();
        }
    })
}

fn send(len: usize, mut connection: Connection) -> Case {
    let message = Message::from(ascii(len));
    let mut output = BytesMut::with_capacity(2 * READ);
    Case::new(per_read(len), BytesMut::new(), move |_| {
        output.clear();
        for _ in 0..per_read(len) {
            connection.send(message.clone(), &mut output).unwrap();
        }
    })
}

/// What came in a read, all of it answered in one output.
fn echo(len: usize) -> Case {
    let (messages, wire) = read_of(Role::Server, &Frame::text(ascii(len)));
    let (mut connection, mut output) = (server(), BytesMut::with_capacity(2 * READ));
    Case::new(messages, wire, move |input| {
        output.clear();
        while let Some(event) = connection.receive(input, &mut output).unwrap() {
            if let Event::Message(message) = event {
                connection.send(message, &mut output).unwrap();
            }
        }
    })
}

fn masking(len: usize) -> Case {
    let mut payload = vec![b'x'; len];
    Case::new(64, BytesMut::new(), move |_| {
        for _ in 0..64 {
            mask(black_box(&mut payload), KEY, 0);
        }
    })
}

fn sentinel(len: usize) -> Case {
    let wire = repeat(per_read(len), |wire| Frame::text(ascii(len)).encode(Version::Hybi00, None, wire).unwrap());
    let mut decoder = Decoder::new(Role::Server).version(Version::Hybi00);
    Case::new(per_read(len), wire, move |input| {
        while let Some(frame) = decoder.decode(input).unwrap() {
            black_box(frame);
        }
    })
}

fn byte_by_byte(len: usize) -> Case {
    let (messages, wire) = read_of(Role::Server, &Frame::text(ascii(len)));
    let (mut connection, mut read, mut output) = (server(), BytesMut::with_capacity(2 * len), BytesMut::new());
    Case::new(messages, wire, move |input| {
        for byte in input.split() {
            read.extend_from_slice(&[byte]);
            black_box(connection.receive(&mut read, &mut output).unwrap());
        }
    })
}

/// Ping in, pong out.
fn ping(len: usize) -> Case {
    let (messages, wire) = read_of(Role::Server, &Frame::ping(ascii(len).into_bytes()));
    let (mut connection, mut output) = (server(), BytesMut::with_capacity(2 * len));
    Case::new(messages, wire, move |input| {
        while let Some(event) = connection.receive(input, &mut output).unwrap() {
            black_box(event);
            assert_eq!(output.len(), 2 + len);
            output.clear();
        }
    })
}

/// Messages that have words in common, and a window that both ends keep.
fn deflate(len: usize) -> Case {
    let words = ["the", "message", "and", "what", "is", "in", "it", "once", "more", "for", "every", "guest"];
    let message = |number: usize| {
        let mut text = format!(r#"{{"id":{number},"name":"guest {}","text":""#, number * 7919 % 1000);
        for word in words.iter().cycle().skip(number).step_by(1 + number % 5) {
            if text.len() >= len {
                break;
            }
            text = text + word + " ";
        }
        text.truncate(len);
        text
    };
    let frames: Vec<Frame> = (0..64).map(|number| Frame::text(message(number))).collect();
    let (mut deflater, mut inflater) = (Deflater::new(15), Inflater::new());
    Case::new(frames.len(), BytesMut::new(), move |_| {
        for frame in &frames {
            let (inflated, rest) = inflater.decode(deflater.encode(frame.clone()).unwrap(), READ).unwrap();
            assert_eq!((inflated.payload().len(), rest), (len, None));
        }
    })
}

fn server_handshake() -> Case {
    let wire = repeat(64, |wire| wire.extend_from_slice(REQUEST));
    let mut output = BytesMut::with_capacity(512);
    Case::new(64, wire, move |input| {
        while !input.is_empty() {
            output.clear();
            let upgrade = ServerHandshake::new().parse(input).unwrap().unwrap();
            let _ = black_box(upgrade.accept(&Accept::new(), &mut output).unwrap());
        }
    })
}

/// As many subprotocols as a request may have, after as many commas as fit: a list that is read once costs a few
/// instructions a byte.
fn server_subprotocols() -> Case {
    let names: Vec<_> = (0..64).map(|number| number.to_string()).collect();
    let list = format!("Sec-WebSocket-Protocol: {}{}\r\n\r\n", ",".repeat(15_000), names.join(","));
    let wire = repeat(4, |wire| {
        wire.extend_from_slice(REQUEST.strip_suffix(b"\r\n").unwrap());
        wire.extend_from_slice(list.as_bytes());
    });
    Case::new(4, wire, move |input| {
        while !input.is_empty() {
            let upgrade = ServerHandshake::new().parse(input).unwrap().unwrap();
            assert_eq!(black_box(upgrade).request().subprotocols().count(), 64);
        }
    })
}

/// The request out, the answer to it in.
fn client_handshake() -> Case {
    let url = Url::parse("ws://server.example.com/chat").unwrap();
    let mut output = BytesMut::with_capacity(512);
    ClientHandshake::new(&url, &Offer::new(), &mut fixed, &mut output).unwrap();
    let wire = repeat(64, |wire| {
        let upgrade = ServerHandshake::new().parse(&mut output.clone()).unwrap().unwrap();
        let _ = upgrade.accept(&Accept::new(), wire).unwrap();
    });
    Case::new(64, wire, move |input| {
        while !input.is_empty() {
            output.clear();
            let mut handshake = ClientHandshake::new(&url, &Offer::new(), &mut fixed, &mut output).unwrap();
            assert!(matches!(black_box(handshake.parse(input)), Ok(Some(Outcome::Open(_)))));
        }
    })
}

/// Whole dozens of keys of the operating system's, drawn by the block, fit a round.
fn per_read(len: usize) -> usize {
    (READ / len).next_multiple_of(64)
}

/// What a read gives of `frame` sent again and again to `role`, and how many it holds.
fn read_of(role: Role, frame: &Frame) -> (usize, BytesMut) {
    let key = (role == Role::Server).then_some(KEY);
    let messages = READ / frame.payload().len();
    (messages, repeat(messages, |wire| frame.encode(Version::Rfc6455, key, wire).unwrap()))
}

fn repeat(times: usize, mut write: impl FnMut(&mut BytesMut)) -> BytesMut {
    let mut wire = BytesMut::new();
    (0..times).for_each(|_| write(&mut wire));
    wire
}

fn ascii(len: usize) -> String {
    "The quick brown fox. ".chars().cycle().take(len).collect()
}

/// Characters of one to four bytes, `len` bytes in all.
fn multibyte(len: usize) -> String {
    let mut text = String::new();
    for next in "Größe, 大きさ, 🦊! ".chars().cycle() {
        if text.len() + next.len_utf8() > len {
            break;
        }
        text.push(next);
    }
    let rest = len - text.len();
    text + &"x".repeat(rest)
}

fn server() -> Connection {
    Connection::server(&Negotiated::default(), &Config::new())
}

fn client(random: impl Random + Send + 'static) -> Connection {
    Connection::client(&Negotiated::default(), &Config::new(), random)
}

fn fixed(key: &mut [u8]) {
    key.fill(7);
}
