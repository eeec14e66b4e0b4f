//! The cases: the input of each round, and the work on it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket_benches::handshake_io::REQUEST;
use protocol_websocket_connection::{Config, Connection, Event, Session};
use protocol_websocket_core::{OsRandom, Random, Role, Version};
use protocol_websocket_frame::{
    AsMessage, Assembler, Decoder, ExtensionDecoder as _, ExtensionEncoder as _, Frame, Limits, MaskKey, Message, mask,
};
use protocol_websocket_handshake_client::{ClientHandshake, Outcome};
use protocol_websocket_handshake_server::ServerHandshake;
use protocol_websocket_http::{Accept, Negotiated, Offer};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};
use protocol_websocket_tokio::WebSocket;
use protocol_websocket_url::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Size of the read buffer in bytes, which limits the payload of a round.
pub(crate) const READ_BUFFER_SIZE: usize = 64 * 1024;

const KEY: MaskKey = MaskKey([0x37, 0xFA, 0x21, 0x3D]);
const SMALL: [usize; 3] = [16, 125, 1024];
const LENGTHS: [usize; 4] = [16, 125, 1024, 16 * 1024];

pub(crate) struct Case {
    /// Messages per round.
    pub(crate) messages: usize,
    /// The input of a round.
    pub(crate) wire: BytesMut,
    /// Runs a round, which reads all of the input.
    pub(crate) run: Box<dyn FnMut(&mut BytesMut)>,
}

impl Case {
    fn new(messages: usize, wire: BytesMut, run: impl FnMut(&mut BytesMut) + 'static) -> Self {
        Self { messages, wire, run: Box::new(run) }
    }
}

type MakeCase = Box<dyn FnOnce() -> Case>;

/// Returns all cases with their names.
pub(crate) fn all() -> Vec<(String, MakeCase)> {
    let mut cases: Vec<(String, MakeCase)> = Vec::new();
    let mut case = |name: String, make: MakeCase| cases.push((name, make));
    for len in LENGTHS {
        case(format!("decode-ascii/{len}"), Box::new(move || decode(Role::Server, &Frame::text(ascii(len)))));
        case(format!("decode-multibyte/{len}"), Box::new(move || decode(Role::Server, &Frame::text(multibyte(len)))));
        case(format!("receive-ascii/{len}"), Box::new(move || receive(Role::Server, &Frame::text(ascii(len)))));
        case(format!("receive-multibyte/{len}"), Box::new(move || receive(Role::Server, &Frame::text(multibyte(len)))));
    }
    for len in SMALL {
        case(format!("decode-lent-ascii/{len}"), Box::new(move || decode_lent(Role::Server, &Frame::text(ascii(len)))));
        case(
            format!("receive-lent-ascii/{len}"),
            Box::new(move || receive_lent(Role::Server, &Frame::text(ascii(len)))),
        );
        case(
            format!("decode-unmasked-ascii/{len}"),
            Box::new(move || decode_lent(Role::Client, &Frame::text(ascii(len)))),
        );
        case(format!("decode-binary/{len}"), Box::new(move || decode(Role::Client, &Frame::binary(vec![1; len]))));
        case(format!("receive-binary/{len}"), Box::new(move || receive(Role::Client, &Frame::binary(vec![1; len]))));
        case(format!("encode-server/{len}"), Box::new(move || encode(len, None)));
        case(format!("encode-client/{len}"), Box::new(move || encode(len, Some(KEY))));
        case(format!("encode-shared/{len}"), Box::new(move || encode_shared(len)));
        case(format!("send-server/{len}"), Box::new(move || send(Message::from(ascii(len)), server())));
        case(format!("send-str-server/{len}"), Box::new(move || send(ascii(len).leak() as &'static str, server())));
        case(format!("send-client-fixed-key/{len}"), Box::new(move || send(Message::from(ascii(len)), client(fixed))));
        case(
            format!("send-client-os-random/{len}"),
            Box::new(move || send(Message::from(ascii(len)), client(OsRandom::new()))),
        );
        case(format!("echo/{len}"), Box::new(move || echo(len)));
        case(format!("mask/{len}"), Box::new(move || masking(len)));
    }
    case("session-poll-ascii/16".into(), Box::new(|| session_poll(16)));
    case("session-poll-lent-ascii/16".into(), Box::new(|| session_poll_lent(16)));
    case("session-send-server/16".into(), Box::new(|| session_send(Message::from(ascii(16)))));
    case("session-send-str-server/16".into(), Box::new(|| session_send(ascii(16).leak() as &'static str)));
    case("tokio-echo/16".into(), Box::new(|| tokio_echo(16)));
    case("tokio-recv/16384".into(), Box::new(|| tokio_recv(16 * 1024)));
    case("first-send-os-random/16".into(), Box::new(|| first_send(16)));
    case("decode-sentinel/125".into(), Box::new(|| sentinel(125)));
    case("receive-byte-by-byte/1024".into(), Box::new(|| byte_by_byte(1024)));
    case("receive-ping/16".into(), Box::new(|| ping(16)));
    case("deflate-and-inflate/387".into(), Box::new(|| deflate(387)));
    case("handshake-server".into(), Box::new(server_handshake));
    case("handshake-subprotocols/64".into(), Box::new(server_subprotocols));
    case("handshake-client".into(), Box::new(client_handshake));
    case("open-server".into(), Box::new(open_server));
    case("open-client".into(), Box::new(open_client));
    case("open-client-str".into(), Box::new(open_client_from_str));
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

/// Decodes messages that borrow from the input.
fn decode_lent(role: Role, frame: &Frame) -> Case {
    let (messages, wire) = read_of(role, frame);
    let mut decoder = Decoder::new(role);
    let mut assembler = Assembler::new(Limits::default());
    Case::new(messages, wire, move |input| {
        let mut rest = &mut input[..];
        while let Some(frame) = decoder.decode_lent(&mut rest).unwrap() {
            black_box(assembler.push_lent(frame).unwrap().unwrap());
        }
        input.clear();
    })
}

/// Receives events that borrow from the input.
fn receive_lent(role: Role, frame: &Frame) -> Case {
    let (messages, wire) = read_of(role, frame);
    let mut connection = if role == Role::Server { server() } else { client(fixed) };
    let mut output = BytesMut::new();
    Case::new(messages, wire, move |input| {
        let mut rest = &mut input[..];
        while let Some(event) = connection.receive_lent(&mut rest, &mut output).unwrap() {
            black_box(event);
        }
        input.clear();
    })
}

/// Encodes all messages of a round into one output, like the responses to one read.
fn encode(len: usize, key: Option<MaskKey>) -> Case {
    let frame = Frame::text(ascii(len));
    let mut output = BytesMut::with_capacity(2 * READ_BUFFER_SIZE);
    Case::new(per_read(len), BytesMut::new(), move |_| {
        output.clear();
        for _ in 0..per_read(len) {
            frame.encode(Version::Rfc6455, key, &mut output).unwrap();
        }
    })
}

/// Encodes messages of a server that are shorter than `Frame::MIN_SHARED`, so they are copied.
fn encode_shared(len: usize) -> Case {
    let mut frame = Frame::text(ascii(len));
    let mut output = BytesMut::with_capacity(2 * READ_BUFFER_SIZE);
    Case::new(per_read(len), BytesMut::new(), move |_| {
        output.clear();
        for _ in 0..per_read(len) {
            black_box(frame.encode_shared(Version::Rfc6455, None, &mut output).unwrap());
        }
    })
}

fn send(message: impl AsMessage + 'static, mut connection: Connection) -> Case {
    let len = message.as_message().as_bytes().len();
    let mut output = BytesMut::with_capacity(2 * READ_BUFFER_SIZE);
    Case::new(per_read(len), BytesMut::new(), move |_| {
        output.clear();
        for _ in 0..per_read(len) {
            connection.send(black_box(&message), &mut output).unwrap();
        }
    })
}

/// Polls the events of a session, which has the input.
fn session_poll(len: usize) -> Case {
    let (messages, wire) = read_of(Role::Server, &Frame::text(ascii(len)));
    let mut session = Session::new(server());
    Case::new(messages, wire, move |input| {
        std::mem::swap(session.read_buffer(), input);
        session.received(Duration::ZERO);
        while let Some(event) = session.poll_event() {
            black_box(event);
        }
    })
}

/// Polls events that borrow from the input of a session.
fn session_poll_lent(len: usize) -> Case {
    let (messages, wire) = read_of(Role::Server, &Frame::text(ascii(len)));
    let mut session = Session::new(server());
    Case::new(messages, wire, move |input| {
        std::mem::swap(session.read_buffer(), input);
        session.received(Duration::ZERO);
        while let Some(()) = session.poll_event_with(|event, _| drop(black_box(event))) {}
    })
}

/// Queues all messages of a round in a session, which frees its buffer when they were written.
fn session_send(message: impl AsMessage + 'static) -> Case {
    let messages = per_read(message.as_message().as_bytes().len());
    let mut session = Session::new(server());
    Case::new(messages, BytesMut::new(), move |_| {
        for _ in 0..messages {
            session.send(black_box(&message)).unwrap();
        }
        session.written(session.unsent(), Duration::ZERO);
    })
}

/// Echoes messages one by one through tokio's in-memory stream.
fn tokio_echo(len: usize) -> Case {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut peer, io) = tokio::io::duplex(READ_BUFFER_SIZE);
    let mut websocket = WebSocket::new(io, Session::new(server()));
    let (mut request, mut response) = (BytesMut::new(), vec![0; 2 + len]);
    Frame::text(ascii(len)).encode(Version::Rfc6455, Some(KEY), &mut request).unwrap();
    Case::new(64, BytesMut::new(), move |_| {
        runtime.block_on(async {
            for _ in 0..64 {
                peer.write_all(&request).await.unwrap();
                let message = websocket.recv().await.unwrap().unwrap();
                websocket.send(message).await.unwrap();
                peer.read_exact(&mut response).await.unwrap();
            }
        });
    })
}

/// Receives messages through tokio's in-memory stream, of which a read has several.
fn tokio_recv(len: usize) -> Case {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut wire = BytesMut::new();
    for _ in 0..64 {
        Frame::text(ascii(len)).encode(Version::Rfc6455, Some(KEY), &mut wire).unwrap();
    }
    let (mut peer, io) = tokio::io::duplex(wire.len());
    let mut websocket = WebSocket::new(io, Session::new(server()));
    Case::new(64, BytesMut::new(), move |_| {
        runtime.block_on(async {
            peer.write_all(&wire).await.unwrap();
            for _ in 0..64 {
                black_box(websocket.recv().await.unwrap().unwrap());
            }
        });
    })
}

/// Creates a connection with a random source, and sends a message.
fn first_send(len: usize) -> Case {
    let (config, message) = (Arc::new(Config::new()), Message::from(ascii(len)));
    let mut output = BytesMut::with_capacity(READ_BUFFER_SIZE);
    Case::new(64, BytesMut::new(), move |_| {
        output.clear();
        for _ in 0..64 {
            let mut client = Connection::open_client(&Negotiated::default(), Arc::clone(&config), OsRandom::new());
            client.send(&message, &mut output).unwrap();
        }
    })
}

/// Sends all messages of a read back in one output.
fn echo(len: usize) -> Case {
    let (messages, wire) = read_of(Role::Server, &Frame::text(ascii(len)));
    let (mut connection, mut output) = (server(), BytesMut::with_capacity(2 * READ_BUFFER_SIZE));
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

/// Receives pings and sends pongs.
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

/// Compresses and decompresses similar messages with context takeover.
fn deflate(len: usize) -> Case {
    let words = ["the", "message", "and", "text", "is", "in", "it", "once", "more", "for", "every", "user"];
    let message = |number: usize| {
        let mut text = format!(r#"{{"id":{number},"name":"user {}","text":""#, number * 7919 % 1000);
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
            let deflated = deflater.encode(Frame::lent(frame.opcode(), &frame.payload()[..])).unwrap();
            let (inflated, rest) = inflater.decode(deflated, READ_BUFFER_SIZE).unwrap();
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

/// Parses a request with the greatest number of subprotocols after as many commas as fit. A list that is read once
/// costs a few instructions per byte.
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

/// Sends a request and checks the response.
fn client_handshake() -> Case {
    let url = Url::parse(URL).unwrap();
    let mut output = BytesMut::with_capacity(512);
    Case::new(64, responses(64), move |input| {
        while !input.is_empty() {
            output.clear();
            let mut handshake = ClientHandshake::new(&url, &Offer::new(), &mut fixed, &mut output).unwrap();
            assert!(matches!(black_box(handshake.parse(input)), Ok(Some(Outcome::Open(_)))));
        }
    })
}

const URL: &str = "ws://server.example.com/chat";

/// Returns the responses to this number of requests for [`URL`] with the nonce of [`fixed`].
fn responses(count: usize) -> BytesMut {
    let mut request = BytesMut::new();
    ClientHandshake::new(&Url::parse(URL).unwrap(), &Offer::new(), &mut fixed, &mut request).unwrap();
    repeat(count, |wire| {
        let upgrade = ServerHandshake::new().parse(&mut request.clone()).unwrap().unwrap();
        let _ = upgrade.accept(&Accept::new(), wire).unwrap();
    })
}

/// Opens a server's connection from a request.
fn open_server() -> Case {
    let wire = repeat(64, |wire| wire.extend_from_slice(REQUEST));
    let (config, mut output) = (Arc::new(Config::new()), BytesMut::with_capacity(512));
    Case::new(64, wire, move |input| {
        while !input.is_empty() {
            output.clear();
            let mut server = Connection::server(Arc::clone(&config));
            let Ok(Some(Event::Upgrade(upgrade))) = server.receive(input, &mut output) else { panic!("no upgrade") };
            server.accept(upgrade, &Accept::new(), &mut output).unwrap();
            assert!(matches!(black_box(server.receive(input, &mut output)), Ok(Some(Event::Open(_)))));
        }
    })
}

/// Opens a client's connection to a parsed URL.
fn open_client() -> Case {
    let url = Url::parse(URL).unwrap();
    connect_to(move |config, output| Connection::client(&url, &Offer::new(), config, fixed, output).unwrap())
}

/// Opens a client's connection to a URL that is parsed for each connection.
fn open_client_from_str() -> Case {
    connect_to(|config, output| {
        let url = Url::parse(black_box(URL)).unwrap();
        Connection::client(&url, &Offer::new(), config, fixed, output).unwrap()
    })
}

fn connect_to(connect: impl Fn(Arc<Config>, &mut BytesMut) -> Connection + 'static) -> Case {
    let (config, mut output) = (Arc::new(Config::new()), BytesMut::with_capacity(512));
    Case::new(64, responses(64), move |input| {
        while !input.is_empty() {
            output.clear();
            let mut client = connect(Arc::clone(&config), &mut output);
            assert!(matches!(black_box(client.receive(input, &mut output)), Ok(Some(Event::Open(_)))));
        }
    })
}

/// Returns the number of messages of `len` bytes in a read, rounded up so that a round uses whole blocks of mask keys.
fn per_read(len: usize) -> usize {
    (READ_BUFFER_SIZE / len).next_multiple_of(64)
}

/// Returns the number of copies of `frame` in a read, and the bytes of the read as `role` receives them.
fn read_of(role: Role, frame: &Frame) -> (usize, BytesMut) {
    let key = (role == Role::Server).then_some(KEY);
    let messages = READ_BUFFER_SIZE / frame.payload().len();
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

/// Returns `len` bytes of text with characters of one to four bytes.
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
    Connection::open_server(&Negotiated::default(), Config::new())
}

fn client(random: impl Random + 'static) -> Connection {
    Connection::open_client(&Negotiated::default(), Config::new(), random)
}

fn fixed(key: &mut [u8]) {
    key.fill(7);
}
