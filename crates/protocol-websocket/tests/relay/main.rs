//! The relay of `docs/integrating.md` between a client and a backend: messages, Closes, errors, and slow peers.
//!
//! `cargo test -p protocol-websocket --test relay`
#![cfg(all(feature = "client", feature = "getrandom", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use protocol_websocket::{
    Accept, Client, DecodeError, Error, Message, MessageKind, Negotiated, Offer, Part, Reject, Server, Timeout,
    Timeouts, Url,
};
use test_support::heap::{CountingAllocator, measure};
use test_support::noise::noise;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

include!("relay.rs");

const PAGE: &str = include_str!("../../../../docs/integrating.md");

#[test]
fn page_shows_this_relay() {
    assert!(PAGE.contains(include_str!("relay.rs")));
}

/// A peer of the relay. It records what it receives.
struct Peer {
    connection: Connection,
    input: BytesMut,
    output: BytesMut,
    messages: Vec<Message>,
    pongs: usize,
    close: Option<Option<Close>>,
    error: Option<Error>,
    is_reading: bool,
}

impl Peer {
    fn new(connection: Connection) -> Self {
        let (input, output) = (BytesMut::new(), BytesMut::new());
        Self { connection, input, output, messages: vec![], pongs: 0, close: None, error: None, is_reading: true }
    }

    fn send(&mut self, message: &Message) {
        self.connection.send(message, &mut self.output).unwrap();
    }

    fn close(&mut self, close: impl Into<Option<Close>>) {
        self.connection.close(close, &mut self.output).unwrap();
    }

    fn receive(&mut self) {
        loop {
            match self.connection.receive(&mut self.input, &mut self.output) {
                Ok(None) => return,
                Ok(Some(Event::Message(message))) => self.messages.push(message),
                Ok(Some(Event::Pong(_))) => self.pongs += 1,
                Ok(Some(Event::Close(close))) => self.close = Some(close),
                Ok(Some(_)) => {}
                Err(error) => return self.error = Some(error),
            }
        }
    }
}

/// A client, the two sides of the relay, and a backend.
struct Setup {
    client: Peer,
    front: Side,
    back: Side,
    backend: Peer,
}

fn keys(key: &mut [u8]) {
    key.fill(7);
}

impl Setup {
    fn new() -> Self {
        Self::with(&Negotiated::default(), &config(), &Config::new())
    }

    fn with(negotiated: &Negotiated, relay: &Config, peers: &Config) -> Self {
        let side = |connection, other_failed| {
            let (input, output) = (BytesMut::new(), BytesMut::new());
            Side { connection, input, output, other_failed }
        };
        Self {
            client: Peer::new(Connection::open_client(negotiated, peers, keys)),
            front: side(Connection::open_server(negotiated, relay), CloseCode::BAD_GATEWAY),
            back: side(Connection::open_client(negotiated, relay, keys), CloseCode::GOING_AWAY),
            backend: Peer::new(Connection::open_server(negotiated, peers)),
        }
    }

    /// Transfers bytes in reads and writes of these lengths until nothing moves.
    fn run(&mut self, lens: &[usize]) {
        let Self { client, front, back, backend } = self;
        let mut lens = lens.iter().copied().cycle();
        let mut transfer = |output: &mut BytesMut, input: &mut BytesMut| {
            let bytes = output.split_to(lens.next().unwrap_or(1).min(output.len()));
            input.extend_from_slice(&bytes);
            !bytes.is_empty()
        };
        loop {
            let mut is_moving = false;
            if wants_read(front, back) {
                is_moving |= transfer(&mut client.output, &mut front.input);
            }
            relay(front, back);
            if backend.is_reading {
                is_moving |= transfer(&mut back.output, &mut backend.input);
                back.connection.flush(&mut back.output);
                backend.receive();
            }
            if wants_read(back, front) {
                is_moving |= transfer(&mut backend.output, &mut back.input);
            }
            relay(back, front);
            if client.is_reading {
                is_moving |= transfer(&mut front.output, &mut client.input);
                front.connection.flush(&mut front.output);
                client.receive();
            }
            relay(front, back);
            if !is_moving {
                return;
            }
        }
    }

    fn states(&self) -> [State; 4] {
        let Self { client, front, back, backend } = self;
        [&client.connection, &front.connection, &back.connection, &backend.connection].map(Connection::state)
    }
}

#[test]
fn long_frame_in_short_reads_stays_within_the_backend_limits() {
    // If each read became a fragment, the first two cases would exceed the backend's limit of fragments.
    for (read, len) in [(1, 100_000), (200, 1_000_000), (1460, 1_000_000), (4096, 1_000_000), (65_536, 1_000_000)] {
        let message = Message::from(vec![7; len]);
        let mut setup = Setup::new();
        setup.client.send(&message);
        setup.run(&[read]);
        assert_eq!(
            (setup.backend.error, &setup.backend.messages[..]),
            (None, &[message.clone()][..]),
            "reads of {read}"
        );
    }
}

#[test]
fn relays_the_start_of_an_incomplete_message() {
    let mut setup = Setup::new();
    setup.client.send(&Message::from(vec![7; 100_000]));
    let rest = setup.client.output.split_off(50_000);
    setup.run(&[1000]);
    assert!(setup.backend.messages.is_empty());
    assert_eq!(setup.backend.input.len(), 0, "the backend must have consumed its input");
    setup.client.output.unsplit(rest);
    setup.run(&[1000]);
    assert_eq!(setup.backend.messages.len(), 1);
}

#[cfg(feature = "permessage-deflate")]
fn deflating_setup() -> Setup {
    use protocol_websocket::PermessageDeflate;
    use protocol_websocket::frame::Negotiate;

    let deflate = PermessageDeflate::new();
    let response = deflate.respond(&deflate.offers()[0]).unwrap();
    let mut negotiated = Negotiated::default();
    negotiated.extensions = vec![response];
    // Recompression may make each part some bytes longer.
    let limits = Limits::new(Limits::default().max_message - 64 * 1024).max_fragments(MAX_FRAMES);
    Setup::with(&negotiated, &config().limits(limits).extension(deflate.clone()), &Config::new().extension(deflate))
}

#[cfg(feature = "permessage-deflate")]
#[test]
fn relays_compressed_messages() {
    // Text that compresses well, and noise that does not compress. Each is longer than a decompressed part, which has
    // at most 64 KiB.
    let text = Message::from("It is relayed, and compressed on both sides. ".repeat(2000));
    let noise = Message::from(noise(1).take(90_000).collect::<Vec<u8>>());
    for read in [1, 200, 65_536] {
        let mut setup = deflating_setup();
        for message in [&text, &noise] {
            setup.client.send(message);
            setup.backend.send(message);
        }
        setup.run(&[read]);
        for peer in [&setup.client, &setup.backend] {
            assert_eq!((peer.error, peer.messages.len()), (None, 2), "reads of {read}");
            assert!(peer.messages == [text.clone(), noise.clone()]);
        }
    }
}

/// Sends a message of `short` frames of one byte and `long` frames of `len` bytes.
fn send_frames(peer: &mut Peer, short: usize, long: usize, len: usize) -> Message {
    let (mut noise, mut whole) = (noise(1), Vec::new());
    for at in 0..short + long {
        let bytes: Vec<u8> = noise.by_ref().take(if at < short { 1 } else { len }).collect();
        whole.extend_from_slice(&bytes);
        let part = Part::new(MessageKind::Binary, bytes.into()).with_first(at == 0).with_last(at + 1 == short + long);
        peer.connection.send_part(part, &mut peer.output).unwrap();
    }
    whole.into()
}

#[test]
fn message_with_too_many_frames_is_rejected_by_the_relay_and_not_by_the_backend() {
    let mut setup = Setup::new();
    send_frames(&mut setup.client, 4000, 90, 11_000);
    setup.run(&[200]);
    assert_eq!((setup.backend.error, setup.backend.messages.len()), (None, 0));
    assert_eq!(setup.backend.close, Some(Some(Close::from(CloseCode::GOING_AWAY))));
    assert_eq!(setup.client.close, Some(Some(Close::from(CloseCode::POLICY_VIOLATION))));
}

/// The limit of frames in a message by [`config`].
const MAX_FRAMES: u32 = 4096 - 256 - 16;

/// Sends as many frames as the relay accepts, in a message that gains the most fragments.
fn relay_max_fragments(mut setup: Setup, read: usize, len: usize) {
    let message = send_frames(&mut setup.client, MAX_FRAMES as usize - 1, 1, len);
    setup.run(&[read]);
    assert_eq!(setup.backend.error, None, "reads of {read}");
    assert!(setup.backend.messages == [message], "reads of {read}");
}

#[test]
fn message_with_the_most_frames_stays_within_the_backend_limits() {
    for read in [64, 200, 4096] {
        relay_max_fragments(Setup::new(), read, 1_040_000);
    }
}

#[cfg(feature = "permessage-deflate")]
#[test]
fn compressed_message_with_the_most_frames_stays_within_the_backend_limits() {
    for read in [64, 4096] {
        relay_max_fragments(deflating_setup(), read, 950_000);
    }
}

fn message() -> impl Strategy<Value = Message> {
    let bytes = prop_oneof![3 => vec(any::<u8>(), 0..300), 1 => (0_usize..20_000).prop_map(|len| vec![7; len])];
    prop_oneof!["\\PC{0,200}".prop_map(Message::from), bytes.prop_map(Message::from)]
}

/// Sends the message in one frame, or in fragments of `len` bytes with a ping after each. Returns the number of pings.
fn send_in_fragments(peer: &mut Peer, message: &Message, len: usize) -> usize {
    if len == 0 || message.as_bytes().is_empty() {
        peer.send(message);
        return 0;
    }
    let (bytes, mut from, mut pings) = (message.as_bytes(), 0, 0);
    while from < bytes.len() {
        let to = bytes.len().min(from + len);
        let part = Part::new(message.kind(), bytes.slice(from..to)).with_first(from == 0).with_last(to == bytes.len());
        peer.connection.send_part(part, &mut peer.output).unwrap();
        peer.connection.ping("?", &mut peer.output).unwrap();
        (from, pings) = (to, pings + 1);
    }
    pings
}

proptest! {
    #[test]
    fn relays_messages_in_order_for_any_slicing(
        to_backend in vec((message(), 0_usize..5000), 0..5),
        to_client in vec((message(), 0_usize..5000), 0..5),
        lens in vec(prop_oneof![1_usize..10, 1_usize..2000, 1_usize..70_000], 1..5),
        min_part in prop_oneof![Just(1), Just(Config::MIN_PART), any::<u16>()],
    ) {
        let any_fragments = Limits::default().max_fragments(u32::MAX);
        let relay = config().min_part(min_part).limits(any_fragments);
        let mut setup = Setup::with(&Negotiated::default(), &relay, &Config::new().limits(any_fragments));
        let [client_pings, backend_pings] = [(&mut setup.client, &to_backend), (&mut setup.backend, &to_client)].map(|(peer, messages)| {
            messages.iter().map(|(message, len)| send_in_fragments(peer, message, *len)).sum::<usize>()
        });
        setup.run(&lens);
        for (peer, messages, pings) in [(&setup.backend, &to_backend, backend_pings), (&setup.client, &to_client, client_pings)] {
            prop_assert_eq!(peer.error, None);
            prop_assert!(peer.messages.iter().eq(messages.iter().map(|(message, _)| message)));
            // Not every ping needs a pong of its own (RFC 6455 §5.5.3).
            prop_assert!(peer.pongs <= pings && (pings == 0 || peer.pongs > 0));
        }
        prop_assert_eq!(setup.states(), [State::Open; 4]);
    }
}

#[test]
fn relayed_close_keeps_its_code_and_reason_and_completes_both_handshakes() {
    for close in [None, Some(Close::new(4001, "bye")), Some(Close::from(CloseCode::GOING_AWAY))] {
        for read in [1, 1000] {
            for by_client in [true, false] {
                let mut setup = Setup::new();
                let (closing, other) = match by_client {
                    true => (&mut setup.client, &mut setup.backend),
                    false => (&mut setup.backend, &mut setup.client),
                };
                closing.send(&"last words".into());
                closing.close(close.clone());
                other.send(&"still on its way".into());
                setup.run(&[read]);
                let (closing, other) = match by_client {
                    true => (&setup.client, &setup.backend),
                    false => (&setup.backend, &setup.client),
                };
                assert_eq!((&other.messages[..], &other.close), (&["last words".into()][..], &Some(close.clone())));
                assert_eq!(closing.close, Some(close.clone()), "the response");
                assert_eq!(setup.states(), [State::Closed; 4]);
            }
        }
    }
}

#[test]
fn close_during_fragmented_message_is_relayed() {
    let mut setup = Setup::new();
    let part = Part::new(MessageKind::Text, "half of ".into()).with_last(false);
    setup.client.connection.send_part(part, &mut setup.client.output).unwrap();
    setup.client.close(Close::new(4001, ""));
    setup.run(&[3]);
    assert_eq!((&setup.backend.close, setup.backend.messages.len()), (&Some(Some(Close::new(4001, ""))), 0));
    assert_eq!(setup.states(), [State::Closed; 4]);
}

#[test]
fn simultaneous_closes_complete() {
    let mut setup = Setup::new();
    setup.client.close(Close::new(4001, ""));
    setup.backend.close(Close::new(4002, ""));
    setup.run(&[1000]);
    assert_eq!(setup.states(), [State::Closed; 4]);
    let Peer { close: Some(Some(client_close)), .. } = &setup.client else { panic!() };
    let Peer { close: Some(Some(backend_close)), .. } = &setup.backend else { panic!() };
    // Each receives its own code in the response, or the other's code.
    assert!([4001, 4002].contains(&client_close.code.0) && [4001, 4002].contains(&backend_close.code.0));
}

#[test]
fn protocol_error_of_one_peer_closes_both_sides() {
    for bad_at in [0, 70_000] {
        let mut setup = Setup::new();
        setup.client.send(&Message::from(vec![7; 70_000]));
        setup.client.output.truncate(if bad_at == 0 { 0 } else { setup.client.output.len() });
        setup.client.output.extend_from_slice(b"\x83\x80\0\0\0\0");
        setup.run(&[777]);
        assert_eq!(setup.client.close, Some(Some(Close::from(CloseCode::PROTOCOL_ERROR))));
        assert_eq!(setup.backend.close, Some(Some(Close::from(CloseCode::GOING_AWAY))));
        assert_eq!(setup.front.connection.state(), State::Closed);
        assert_eq!(setup.back.connection.state(), State::Closed);
    }
    let mut setup = Setup::new();
    // A server must not mask.
    setup.backend.output.extend_from_slice(b"\x81\x80\0\0\0\0");
    setup.run(&[1]);
    assert_eq!(setup.backend.close, Some(Some(Close::from(CloseCode::PROTOCOL_ERROR))));
    assert_eq!(setup.client.close, Some(Some(Close::from(CloseCode::BAD_GATEWAY))));
}

#[test]
fn rejects_message_over_the_limit_from_its_header() {
    let mut setup = Setup::new();
    setup.client.output.extend_from_slice(b"\x82\xFF\0\0\0\0\0\x10\0\x01\0\0\0\0");
    setup.run(&[1]);
    assert_eq!(setup.client.close, Some(Some(Close::from(CloseCode::MESSAGE_TOO_BIG))));
    assert_eq!(setup.backend.close, Some(Some(Close::from(CloseCode::GOING_AWAY))));
    let again = setup.front.connection.receive(&mut setup.front.input, &mut setup.front.output);
    assert_eq!(again.unwrap_err(), Error::Decode(DecodeError::FrameTooLong));
}

#[test]
fn end_of_one_transport_closes_the_other_side() {
    let mut setup = Setup::new();
    setup.client.send(&"half of this message is missing".into());
    let half = setup.client.output.len() / 2;
    setup.client.output.truncate(half);
    setup.run(&[5]);
    end_of_input(&mut setup.front, &mut setup.back);
    setup.run(&[5]);
    assert_eq!(setup.backend.close, Some(Some(Close::from(CloseCode::GOING_AWAY))));

    let mut setup = Setup::new();
    end_of_input(&mut setup.back, &mut setup.front);
    setup.run(&[5]);
    assert_eq!(setup.client.close, Some(Some(Close::from(CloseCode::BAD_GATEWAY))));
    // After a Close, the end of the transport is a clean end.
    let mut setup = Setup::new();
    setup.client.close(Close::new(4001, ""));
    setup.run(&[5]);
    end_of_input(&mut setup.front, &mut setup.back);
    assert_eq!(setup.backend.close, Some(Some(Close::new(4001, ""))));
}

/// A setup whose backend does not read, so that its side of the relay is above the high-water mark.
fn setup_with_slow_backend(relay: &Config) -> Setup {
    let mut setup = Setup::with(&Negotiated::default(), relay, &Config::new());
    (0..5).for_each(|_| setup.client.send(&Message::from(vec![7; 100_000])));
    setup.backend.is_reading = false;
    setup.run(&[10_000]);
    assert!(setup.back.output.len() > HIGH_WATER_MARK && !setup.client.output.is_empty());
    setup
}

/// Checks that the client receives the Close, and that all other states are closed.
fn assert_both_sides_end(setup: &mut Setup) {
    setup.run(&[10_000]);
    assert_eq!(setup.client.close, Some(Some(Close::from(CloseCode::BAD_GATEWAY))));
    let [client, front, back, _] = setup.states();
    assert_eq!([client, front, back], [State::Closed; 3]);
    assert!(setup.front.output.is_empty());
}

#[test]
fn end_of_slow_backend_does_not_block_the_client() {
    let mut setup = setup_with_slow_backend(&config());
    end_of_input(&mut setup.back, &mut setup.front);
    assert_both_sides_end(&mut setup);
    // After that, a write to the backend fails.
    end_of_output(&mut setup.back, &mut setup.front);
    assert!(setup.back.output.is_empty());
}

#[test]
fn failed_write_to_slow_backend_ends_both_sides() {
    let mut setup = setup_with_slow_backend(&config());
    end_of_output(&mut setup.back, &mut setup.front);
    assert_both_sides_end(&mut setup);
    assert!(setup.back.output.is_empty());
}

#[test]
fn idle_timeout_of_slow_backend_ends_both_sides() {
    let idle = Timeouts::NONE.idle(Some(Duration::from_secs(1)));
    let mut setup = setup_with_slow_backend(&config().timeouts(idle));
    let Side { connection, output, .. } = &mut setup.back;
    connection.handle_timeout(Duration::ZERO, output).unwrap();
    let timeout = connection.handle_timeout(Duration::from_secs(1), output);
    assert_eq!(timeout, Err(Error::Timeout(Timeout::Idle)));
    fail(&mut setup.front);
    assert_both_sides_end(&mut setup);
}

#[test]
fn peer_that_does_not_read_stops_the_other_peer_and_bounds_memory() {
    const READ: usize = 65_536;
    for backend_is_slow in [true, false] {
        let mut setup = Setup::new();
        let message = Message::from(vec![7; 1_000_000]);
        let (sender, receiver) = match backend_is_slow {
            true => (&mut setup.client, &mut setup.backend),
            false => (&mut setup.backend, &mut setup.client),
        };
        (0..5).for_each(|_| sender.send(&message));
        receiver.is_reading = false;
        let before = setup.client.output.len() + setup.backend.output.len();
        let (_, heap) = measure(|| setup.run(&[READ]));
        let read = before - (setup.client.output.len() + setup.backend.output.len());
        let limit = HIGH_WATER_MARK + 2 * READ;
        assert!(read <= limit, "{read} bytes were read");
        assert!(heap.peak <= 4 * limit as i64, "{} bytes of heap", heap.peak);
        // The peer reads again, and receives all messages.
        setup.client.is_reading = true;
        setup.backend.is_reading = true;
        setup.run(&[READ, 1000]);
        let receiver = if backend_is_slow { &setup.backend } else { &setup.client };
        assert!(receiver.messages == [message.clone(), message.clone(), message.clone(), message.clone(), message]);
        assert_eq!(setup.states(), [State::Open; 4]);
    }
}

/// The request of a client that offers two subprotocols, and a message right after it.
fn request() -> BytesMut {
    let mut input = BytesMut::from(concat!(
        "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Protocol: soap, wamp\r\n\r\n",
    ));
    input.extend_from_slice(b"\x81\x82\0\0\0\0Hi");
    input
}

#[test]
fn accepts_the_client_after_the_backend_and_relays_early_messages() {
    for backend_accepts in [true, false] {
        let (mut front, mut front_input, mut front_output) = (Server::new(config()), request(), BytesMut::new());
        let Ok(Some(Event::Upgrade(upgrade))) = front.receive(&mut front_input, &mut front_output) else { panic!() };
        // The request to the backend has the same path and subprotocols.
        let url = Url::parse(&format!("ws://backend{}", upgrade.request().resource_name())).unwrap();
        let offer = upgrade.request().subprotocols().fold(Offer::new(), Offer::subprotocol);
        let (mut back_input, mut back_output) = (BytesMut::new(), BytesMut::new());
        let mut back = Client::connect(&url, &offer, config(), keys, &mut back_output).unwrap();

        let mut backend = Server::new(Config::new());
        let Ok(Some(Event::Upgrade(relayed))) = backend.receive(&mut back_output, &mut back_input) else { panic!() };
        assert!(relayed.request().resource_name() == "/chat" && relayed.request().subprotocols().eq(["soap", "wamp"]));
        if backend_accepts {
            backend.accept(relayed, &Accept::new().subprotocol("wamp"), &mut back_input).unwrap();
            backend.send("Hello", &mut back_input).unwrap();
        } else {
            backend.reject(relayed, &Reject::new(403), &mut back_input).unwrap();
        }

        assert!(front_output.is_empty());
        let Ok(Some(Event::Open(opened))) = back.receive(&mut back_input, &mut back_output) else {
            front.reject(upgrade, &Reject::new(502), &mut front_output).unwrap();
            assert!(front_output.starts_with(b"HTTP/1.1 502 "));
            continue;
        };
        let accept = opened.into_negotiated().subprotocol.into_iter().fold(Accept::new(), Accept::subprotocol);
        front.accept(upgrade, &accept, &mut front_output).unwrap();
        let Ok(Some(Event::Open(opened))) = front.receive(&mut front_input, &mut front_output) else { panic!() };
        assert_eq!(opened.negotiated().subprotocol.as_deref(), Some("wamp"));

        let side = |connection, input, output, other_failed| Side { connection, input, output, other_failed };
        let mut front = side(front.into_connection(), front_input, front_output, CloseCode::BAD_GATEWAY);
        let mut back = side(back.into_connection(), back_input, back_output, CloseCode::GOING_AWAY);
        relay(&mut front, &mut back);
        relay(&mut back, &mut front);
        assert!(front.output.ends_with(b"\r\n\r\n\x81\x05Hello"));
        assert_eq!(back.output[..2], *b"\x81\x82");
    }
}
