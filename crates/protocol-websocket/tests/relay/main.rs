//! The relay of `docs/integrating.md` between a client and a backend, with all that can happen to either.
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
fn the_page_shows_this_very_relay() {
    assert!(PAGE.contains(include_str!("relay.rs")));
}

/// A peer of the relay, which takes messages whole and keeps what it received.
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
        self.connection.send(message.clone(), &mut self.output).unwrap();
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

/// A client, the relay's two sides, and a backend.
struct World {
    client: Peer,
    front: Side,
    back: Side,
    backend: Peer,
}

fn keys(key: &mut [u8]) {
    key.fill(7);
}

impl World {
    fn new() -> Self {
        Self::with(&Negotiated::default(), &config(), &Config::new())
    }

    fn with(negotiated: &Negotiated, relay: &Config, peers: &Config) -> Self {
        let side = |connection, other_failed| {
            let (input, output) = (BytesMut::new(), BytesMut::new());
            Side { connection, input, output, other_failed }
        };
        Self {
            client: Peer::new(Connection::client(negotiated, peers, keys)),
            front: side(Connection::server(negotiated, relay), CloseCode::BAD_GATEWAY),
            back: side(Connection::client(negotiated, relay, keys), CloseCode::GOING_AWAY),
            backend: Peer::new(Connection::server(negotiated, peers)),
        }
    }

    /// Lets bytes pass in reads and writes of these lengths, until no more can.
    fn run(&mut self, lens: &[usize]) {
        let Self { client, front, back, backend } = self;
        let mut lens = lens.iter().copied().cycle();
        let mut pass = |output: &mut BytesMut, input: &mut BytesMut| {
            let bytes = output.split_to(lens.next().unwrap_or(1).min(output.len()));
            input.extend_from_slice(&bytes);
            !bytes.is_empty()
        };
        loop {
            let mut is_moving = false;
            if wants_read(front, back) {
                is_moving |= pass(&mut client.output, &mut front.input);
            }
            relay(front, back);
            if backend.is_reading {
                is_moving |= pass(&mut back.output, &mut backend.input);
                back.connection.flush(&mut back.output);
                backend.receive();
            }
            if wants_read(back, front) {
                is_moving |= pass(&mut backend.output, &mut back.input);
            }
            relay(back, front);
            if client.is_reading {
                is_moving |= pass(&mut front.output, &mut client.input);
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
fn one_long_frame_in_short_reads_arrives_whole_at_a_backend_with_default_limits() {
    let message = Message::from(vec![7; 1_000_000]);
    for read in [1, 200, 1460, 4096, 65_536] {
        let mut world = World::new();
        world.client.send(&message);
        world.run(&[read]);
        assert_eq!(
            (world.backend.error, &world.backend.messages[..]),
            (None, &[message.clone()][..]),
            "reads of {read}"
        );
    }
}

#[test]
fn a_message_is_passed_on_before_it_has_come_whole() {
    let mut world = World::new();
    world.client.send(&Message::from(vec![7; 100_000]));
    let rest = world.client.output.split_off(50_000);
    world.run(&[1000]);
    assert!(world.backend.messages.is_empty());
    let passed = world.backend.input.len();
    assert_eq!(passed, 0, "the backend has taken what it was given");
    world.client.output.unsplit(rest);
    world.run(&[1000]);
    assert_eq!(world.backend.messages.len(), 1);
}

#[cfg(feature = "permessage-deflate")]
fn deflating_world() -> World {
    use protocol_websocket::PermessageDeflate;
    use protocol_websocket::http::Negotiate;

    let deflate = PermessageDeflate::new();
    let answer = deflate.answer(&deflate.offers()[0]).unwrap();
    let mut negotiated = Negotiated::default();
    negotiated.extensions = vec![answer];
    // Each part may become some bytes longer when it is compressed again.
    let limits = Limits::new(Limits::default().max_message - 64 * 1024).max_fragments(MOST_FRAMES);
    World::with(&negotiated, &config().limits(limits).extension(deflate.clone()), &Config::new().extension(deflate))
}

#[cfg(feature = "permessage-deflate")]
#[test]
fn compressed_messages_are_passed_on() {
    // Text that gets shorter by compression, and noise that does not.
    let text = Message::from("It is relayed, and compressed on both sides. ".repeat(20_000));
    let noise = Message::from(noise(1).take(900_000).collect::<Vec<u8>>());
    for read in [1, 200, 65_536] {
        let mut world = deflating_world();
        for message in [&text, &noise] {
            world.client.send(message);
            world.backend.send(message);
        }
        world.run(&[read]);
        for peer in [&world.client, &world.backend] {
            assert_eq!((peer.error, peer.messages.len()), (None, 2), "reads of {read}");
            assert!(peer.messages == [text.clone(), noise.clone()]);
        }
    }
}

/// Sends `short` frames of one byte, and then `long` ones of `len` bytes, as one message.
fn send_frames(peer: &mut Peer, short: usize, long: usize, len: usize) -> Message {
    let (mut noise, mut whole) = (noise(1), Vec::new());
    for at in 0..short + long {
        let bytes: Vec<u8> = noise.by_ref().take(if at < short { 1 } else { len }).collect();
        whole.extend_from_slice(&bytes);
        let part =
            Part { kind: MessageKind::Binary, bytes: bytes.into(), first: at == 0, last: at + 1 == short + long };
        peer.connection.send_part(part, &mut peer.output).unwrap();
    }
    whole.into()
}

#[test]
fn a_message_of_too_many_frames_is_refused_at_the_front_and_not_by_the_backend() {
    let mut world = World::new();
    send_frames(&mut world.client, 4000, 90, 11_000);
    world.run(&[200]);
    assert_eq!((world.backend.error, world.backend.messages.len()), (None, 0));
    assert_eq!(world.backend.close, Some(Some(Close::from(CloseCode::GOING_AWAY))));
    assert_eq!(world.client.close, Some(Some(Close::from(CloseCode::POLICY_VIOLATION))));
}

/// Of one message, with the limits of [`config`].
const MOST_FRAMES: u32 = 4096 - 256 - 16;

/// Sends as many frames as the relay takes, in a message that becomes as many more as it can.
fn relay_most_fragments(mut world: World, read: usize, len: usize) {
    let message = send_frames(&mut world.client, MOST_FRAMES as usize - 1, 1, len);
    world.run(&[read]);
    assert_eq!(world.backend.error, None, "reads of {read}");
    assert!(world.backend.messages == [message], "reads of {read}");
}

#[test]
fn a_message_of_the_most_frames_that_the_relay_takes_arrives_whole() {
    for read in [16, 200, 4096] {
        relay_most_fragments(World::new(), read, 1_040_000);
    }
}

#[cfg(feature = "permessage-deflate")]
#[test]
fn a_compressed_message_of_the_most_frames_that_the_relay_takes_arrives_whole() {
    for read in [16, 4096] {
        relay_most_fragments(deflating_world(), read, 955_500);
    }
}

fn message() -> impl Strategy<Value = Message> {
    let bytes = prop_oneof![3 => vec(any::<u8>(), 0..300), 1 => (0_usize..20_000).prop_map(|len| vec![7; len])];
    prop_oneof!["\\PC{0,200}".prop_map(Message::from), bytes.prop_map(Message::from)]
}

/// Sends the message in one frame, or in fragments with a ping after each.
fn send_in_fragments(peer: &mut Peer, message: &Message, len: usize) -> usize {
    if len == 0 || message.as_bytes().is_empty() {
        peer.send(message);
        return 0;
    }
    let (bytes, mut from, mut pings) = (message.as_bytes(), 0, 0);
    while from < bytes.len() {
        let to = bytes.len().min(from + len);
        let part =
            Part { kind: message.kind(), bytes: bytes.slice(from..to), first: from == 0, last: to == bytes.len() };
        peer.connection.send_part(part, &mut peer.output).unwrap();
        peer.connection.ping("?", &mut peer.output).unwrap();
        (from, pings) = (to, pings + 1);
    }
    pings
}

proptest! {
    #[test]
    fn messages_arrive_in_their_order_however_they_are_split(
        to_backend in vec((message(), 0_usize..5000), 0..5),
        to_client in vec((message(), 0_usize..5000), 0..5),
        lens in vec(prop_oneof![1_usize..10, 1_usize..2000, 1_usize..70_000], 1..5),
        min_part in prop_oneof![Just(1), Just(Config::MIN_PART), any::<u16>()],
    ) {
        let any_fragments = Limits::default().max_fragments(u32::MAX);
        let relay = config().min_part(min_part).limits(any_fragments);
        let mut world = World::with(&Negotiated::default(), &relay, &Config::new().limits(any_fragments));
        let [sent, answered] = [(&mut world.client, &to_backend), (&mut world.backend, &to_client)].map(|(peer, messages)| {
            messages.iter().map(|(message, len)| send_in_fragments(peer, message, *len)).sum::<usize>()
        });
        world.run(&lens);
        for (peer, messages, pings) in [(&world.backend, &to_backend, answered), (&world.client, &to_client, sent)] {
            prop_assert_eq!(peer.error, None);
            prop_assert!(peer.messages.iter().eq(messages.iter().map(|(message, _)| message)));
            // Some of many pongs may be left out (RFC 6455 §5.5.3).
            prop_assert!(peer.pongs <= pings && (pings == 0 || peer.pongs > 0));
        }
        prop_assert_eq!(world.states(), [State::Open; 4]);
    }
}

#[test]
fn a_close_is_passed_on_with_its_code_and_reason_and_answered_on_both_sides() {
    for close in [None, Some(Close::new(4001, "bye")), Some(Close::from(CloseCode::GOING_AWAY))] {
        for read in [1, 1000] {
            for by_client in [true, false] {
                let mut world = World::new();
                let (closing, told) = match by_client {
                    true => (&mut world.client, &mut world.backend),
                    false => (&mut world.backend, &mut world.client),
                };
                closing.send(&"last words".into());
                closing.close(close.clone());
                told.send(&"still on its way".into());
                world.run(&[read]);
                let (closing, told) = match by_client {
                    true => (&world.client, &world.backend),
                    false => (&world.backend, &world.client),
                };
                assert_eq!((&told.messages[..], &told.close), (&["last words".into()][..], &Some(close.clone())));
                assert_eq!(closing.close, Some(close.clone()), "the answer");
                assert_eq!(world.states(), [State::Closed; 4]);
            }
        }
    }
}

#[test]
fn a_close_in_the_middle_of_a_message_ends_it() {
    let mut world = World::new();
    let part = Part { kind: MessageKind::Text, bytes: "half of ".into(), first: true, last: false };
    world.client.connection.send_part(part, &mut world.client.output).unwrap();
    world.client.close(Close::new(4001, ""));
    world.run(&[3]);
    assert_eq!((&world.backend.close, world.backend.messages.len()), (&Some(Some(Close::new(4001, ""))), 0));
    assert_eq!(world.states(), [State::Closed; 4]);
}

#[test]
fn both_sides_may_close_at_once() {
    let mut world = World::new();
    world.client.close(Close::new(4001, ""));
    world.backend.close(Close::new(4002, ""));
    world.run(&[1000]);
    assert_eq!(world.states(), [State::Closed; 4]);
    let Peer { close: Some(Some(client_told)), .. } = &world.client else { panic!() };
    let Peer { close: Some(Some(backend_told)), .. } = &world.backend else { panic!() };
    // Each was answered with its own code, or was told the other's.
    assert!([4001, 4002].contains(&client_told.code.0) && [4001, 4002].contains(&backend_told.code.0));
}

#[test]
fn a_peer_that_breaks_a_rule_is_told_so_and_the_other_is_closed() {
    for bad_at in [0, 70_000] {
        let mut world = World::new();
        world.client.send(&Message::from(vec![7; 70_000]));
        world.client.output.truncate(if bad_at == 0 { 0 } else { world.client.output.len() });
        world.client.output.extend_from_slice(b"\x83\x80\0\0\0\0");
        world.run(&[777]);
        assert_eq!(world.client.close, Some(Some(Close::from(CloseCode::PROTOCOL_ERROR))));
        assert_eq!(world.backend.close, Some(Some(Close::from(CloseCode::GOING_AWAY))));
        assert_eq!(world.front.connection.state(), State::Closed);
        assert_eq!(world.back.connection.state(), State::Closed);
    }
    let mut world = World::new();
    // A server does not mask.
    world.backend.output.extend_from_slice(b"\x81\x80\0\0\0\0");
    world.run(&[1]);
    assert_eq!(world.backend.close, Some(Some(Close::from(CloseCode::PROTOCOL_ERROR))));
    assert_eq!(world.client.close, Some(Some(Close::from(CloseCode::BAD_GATEWAY))));
}

#[test]
fn a_message_over_the_limit_is_refused_by_the_relay_from_its_header() {
    let mut world = World::new();
    world.client.output.extend_from_slice(b"\x82\xFF\0\0\0\0\0\x10\0\x01\0\0\0\0");
    world.run(&[1]);
    assert_eq!(world.client.close, Some(Some(Close::from(CloseCode::MESSAGE_TOO_BIG))));
    assert_eq!(world.backend.close, Some(Some(Close::from(CloseCode::GOING_AWAY))));
    let again = world.front.connection.receive(&mut world.front.input, &mut world.front.output);
    assert_eq!(again.unwrap_err(), Error::Decode(DecodeError::FrameTooLong));
}

#[test]
fn a_transport_that_ends_closes_the_other_side() {
    let mut world = World::new();
    world.client.send(&"half a message is left out".into());
    let half = world.client.output.len() / 2;
    world.client.output.truncate(half);
    world.run(&[5]);
    end_of_input(&mut world.front, &mut world.back);
    world.run(&[5]);
    assert_eq!(world.backend.close, Some(Some(Close::from(CloseCode::GOING_AWAY))));

    let mut world = World::new();
    end_of_input(&mut world.back, &mut world.front);
    world.run(&[5]);
    assert_eq!(world.client.close, Some(Some(Close::from(CloseCode::BAD_GATEWAY))));
    // After a Close the end of the transport is a clean one.
    let mut world = World::new();
    world.client.close(Close::new(4001, ""));
    world.run(&[5]);
    end_of_input(&mut world.front, &mut world.back);
    assert_eq!(world.backend.close, Some(Some(Close::new(4001, ""))));
}

/// A backend that does not read, so that more is to be written to it than the high-water mark.
fn world_with_slow_backend(relay: &Config) -> World {
    let mut world = World::with(&Negotiated::default(), relay, &Config::new());
    (0..5).for_each(|_| world.client.send(&Message::from(vec![7; 100_000])));
    world.backend.is_reading = false;
    world.run(&[10_000]);
    assert!(world.back.output.len() > HIGH_WATER_MARK && !world.client.output.is_empty());
    world
}

/// The client was told, has answered, and is read to the end.
fn assert_both_sides_end(world: &mut World) {
    world.run(&[10_000]);
    assert_eq!(world.client.close, Some(Some(Close::from(CloseCode::BAD_GATEWAY))));
    let [client, front, back, _] = world.states();
    assert_eq!([client, front, back], [State::Closed; 3]);
    assert!(world.front.output.is_empty());
}

#[test]
fn a_backend_that_ends_while_much_is_to_be_written_to_it_does_not_hold_up_the_client() {
    let mut world = world_with_slow_backend(&config());
    end_of_input(&mut world.back, &mut world.front);
    assert_both_sides_end(&mut world);
    // The write fails now.
    end_of_output(&mut world.back, &mut world.front);
    assert!(world.back.output.is_empty());
}

#[test]
fn a_write_to_a_backend_that_fails_or_takes_too_long_ends_both_sides() {
    let mut world = world_with_slow_backend(&config());
    end_of_output(&mut world.back, &mut world.front);
    assert_both_sides_end(&mut world);
    assert!(world.back.output.is_empty());
}

#[test]
fn a_backend_that_is_silent_for_too_long_while_much_is_to_be_written_to_it_ends_both_sides() {
    let idle = Timeouts { idle: Some(Duration::from_secs(1)), ..Timeouts::NONE };
    let mut world = world_with_slow_backend(&config().timeouts(idle));
    let Side { connection, output, .. } = &mut world.back;
    connection.handle_timeout(Duration::ZERO, output).unwrap();
    let late = connection.handle_timeout(Duration::from_secs(1), output);
    assert_eq!(late, Err(Error::Timeout(Timeout::Idle)));
    fail(&mut world.front);
    assert_both_sides_end(&mut world);
}

#[test]
fn a_peer_that_does_not_read_stops_the_other_and_bounds_the_memory() {
    const READ: usize = 65_536;
    for backend_is_slow in [true, false] {
        let mut world = World::new();
        let message = Message::from(vec![7; 1_000_000]);
        let (sender, receiver) = match backend_is_slow {
            true => (&mut world.client, &mut world.backend),
            false => (&mut world.backend, &mut world.client),
        };
        (0..5).for_each(|_| sender.send(&message));
        receiver.is_reading = false;
        let before = world.client.output.len() + world.backend.output.len();
        let (_, heap) = measure(|| world.run(&[READ]));
        let read = before - (world.client.output.len() + world.backend.output.len());
        let most = HIGH_WATER_MARK + 2 * READ;
        assert!(read <= most, "{read} bytes were read");
        assert!(heap.peak <= 4 * most as i64, "{} bytes were held", heap.peak);
        // It is slow, and then it reads.
        world.client.is_reading = true;
        world.backend.is_reading = true;
        world.run(&[READ, 1000]);
        let receiver = if backend_is_slow { &world.backend } else { &world.client };
        assert!(receiver.messages == [message.clone(), message.clone(), message.clone(), message.clone(), message]);
        assert_eq!(world.states(), [State::Open; 4]);
    }
}

/// A client that asks for two subprotocols, with a message right after its request.
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
fn the_client_is_answered_after_the_backend_and_early_messages_are_passed_on() {
    for backend_accepts in [true, false] {
        let (mut front, mut front_input, mut front_output) = (Server::new(config()), request(), BytesMut::new());
        let Ok(Some(Event::Upgrade(upgrade))) = front.receive(&mut front_input, &mut front_output) else { panic!() };
        // Its path, and the subprotocols that it offers.
        let url = Url::parse(&format!("ws://backend{}", upgrade.request().resource_name())).unwrap();
        let offer = upgrade.request().subprotocols().fold(Offer::new(), Offer::subprotocol);
        let (mut back_input, mut back_output) = (BytesMut::new(), BytesMut::new());
        let mut back = Client::connect(&url, &offer, config(), keys, &mut back_output).unwrap();

        let mut backend = Server::new(Config::new());
        let Ok(Some(Event::Upgrade(asked))) = backend.receive(&mut back_output, &mut back_input) else { panic!() };
        assert!(asked.request().resource_name() == "/chat" && asked.request().subprotocols().eq(["soap", "wamp"]));
        if backend_accepts {
            backend.accept(asked, &Accept::new().subprotocol("wamp"), &mut back_input).unwrap();
            backend.send("Hello", &mut back_input).unwrap();
        } else {
            backend.reject(asked, &Reject::new(403), &mut back_input).unwrap();
        }

        assert!(front_output.is_empty());
        let Ok(Some(Event::Open(negotiated))) = back.receive(&mut back_input, &mut back_output) else {
            front.reject(upgrade, &Reject::new(502), &mut front_output).unwrap();
            assert!(front_output.starts_with(b"HTTP/1.1 502 "));
            continue;
        };
        let accept = negotiated.subprotocol.into_iter().fold(Accept::new(), Accept::subprotocol);
        front.accept(upgrade, &accept, &mut front_output).unwrap();
        let Ok(Some(Event::Open(negotiated))) = front.receive(&mut front_input, &mut front_output) else { panic!() };
        assert_eq!(negotiated.subprotocol.as_deref(), Some("wamp"));

        let side = |connection: Option<Connection>, input, output, other_failed| Side {
            connection: connection.unwrap(),
            input,
            output,
            other_failed,
        };
        let mut front = side(front.into_connection(), front_input, front_output, CloseCode::BAD_GATEWAY);
        let mut back = side(back.into_connection(), back_input, back_output, CloseCode::GOING_AWAY);
        relay(&mut front, &mut back);
        relay(&mut back, &mut front);
        assert!(front.output.ends_with(b"\r\n\r\n\x81\x05Hello"));
        assert_eq!(back.output[..2], *b"\x81\x82");
    }
}
