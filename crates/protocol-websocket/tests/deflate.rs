//! permessage-deflate over whole connections: negotiation, messages, parts and limits.
//!
//! `cargo test -p protocol-websocket --all-features --test deflate -- --nocapture` prints the memory that a bomb takes.
#![cfg(all(feature = "client", feature = "permessage-deflate", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_wrap)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use protocol_websocket::frame::{MaskKey, Rsv};
use protocol_websocket::http::parse_extensions;
use protocol_websocket::{
    Accept, Client, Config, Connection, DecodeError, Deflater, Delivery, EncodeError, Error, Event, ExtensionDecoder,
    ExtensionEncoder, ExtensionPair, ExtensionParams, Frame, Limits, Message, MessageKind, Negotiate, Negotiated,
    Offer, OpCode, Part, Payload, PermessageDeflate, Prepared, Role, SendError, Server, Session, State, Url, Version,
};
use test_support::heap::{CountingAllocator, measure};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const LINE: &str = "repeated text, repeated text, and so on, ";

fn fixed(bytes: &mut [u8]) {
    bytes.fill(7);
}

/// Opens a connection and returns both ends and the negotiated values.
fn open(client: &Config, server: &Config) -> (Client, Server, Negotiated) {
    let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    let url = Url::parse("ws://example.com/").unwrap();
    let mut client = Client::connect(&url, &Offer::new(), client.clone(), fixed, &mut wire).unwrap();
    let mut server = Server::new(server.clone());
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut wire, &mut output) else { panic!() };
    server.accept(upgrade, &Accept::new(), &mut wire).unwrap();
    assert!(matches!(server.receive(&mut BytesMut::new(), &mut output), Ok(Some(Event::Open(_)))));
    match client.receive(&mut wire, &mut output) {
        Ok(Some(Event::Open(opened))) => (client, server, opened.into_negotiated()),
        other => panic!("{other:?}"),
    }
}

fn deflating() -> Config {
    Config::new().extension(PermessageDeflate::new())
}

/// Creates an open connection of a server that negotiated `parameters`.
fn server(config: &Config, parameters: &str) -> Connection {
    let negotiated =
        Negotiated::default().extension(parse_extensions(format!("permessage-deflate{parameters}")).unwrap().remove(0));
    Connection::open_server(&negotiated, config)
}

/// Encodes a frame as a client sends it.
fn masked(frame: &Frame) -> BytesMut {
    let mut wire = BytesMut::new();
    frame.encode(Version::Rfc6455, Some(MaskKey([7; 4])), &mut wire).unwrap();
    wire
}

/// Encodes a frame with a compressor.
fn deflate(deflater: &mut Deflater, frame: Frame) -> Frame {
    deflater.encode(frame.into()).unwrap().into_owned()
}

/// Compresses a gibibyte of zeros to less than a mebibyte.
fn bomb() -> Frame {
    let mut deflater = Deflater::new(15).level(9).mem_level(9);
    // Because the window holds only zeros, each piece after the first is compressed to the same bytes.
    let mut piece = |opcode| deflate(&mut deflater, Frame::new(opcode, vec![0; 16 << 20]).with_fin(false));
    let (first, again) = (piece(OpCode::Binary), piece(OpCode::Continuation));
    let all = [&first.payload()[..], &again.payload().repeat(63)].concat();
    assert!(all.len() < 1 << 20);
    Frame::binary(all).with_rsv(Rsv::RSV1)
}

#[test]
fn compressed_messages_roundtrip() {
    let (mut client, mut server, negotiated) = open(&deflating(), &deflating());
    assert_eq!(negotiated.extensions[0].to_string(), "permessage-deflate");
    let long = LINE.repeat(1000);
    for message in ["Hello".into(), Message::from(long.as_str()), long.as_str().into(), vec![7; 70_000].into()] {
        let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
        client.send(message.clone(), &mut wire).unwrap();
        assert!(wire.len() < 1000, "{}", wire.len());
        let Ok(Some(Event::Message(received))) = server.receive(&mut wire, &mut output) else { panic!() };
        assert!(received == message);
        server.send(received, &mut output).unwrap();
        assert!(output.len() < 1000, "{}", output.len());
        let Ok(Some(Event::Message(received))) = client.receive(&mut output, &mut wire) else { panic!() };
        assert!(received == message);
    }
}

/// Compression would make it longer than the limit of a frame.
#[test]
fn incompressible_message_of_the_default_limit_is_received() {
    for deflate in [PermessageDeflate::new(), PermessageDeflate::new().client_no_context_takeover()] {
        let config = Config::new().extension(deflate);
        let (mut client, mut server, _) = open(&config, &config);
        let len = usize::try_from(Limits::default().max_message).unwrap();
        let incompressible = Bytes::from_iter(test_support::noise::noise(1).take(len));
        for message in [LINE.repeat(1000).into(), Message::from(incompressible), LINE.repeat(1000).into()] {
            let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
            client.send(message.clone(), &mut wire).unwrap();
            let Ok(Some(Event::Message(received))) = server.receive(&mut wire, &mut output) else { panic!() };
            assert!(received == message);
            server.send(received, &mut output).unwrap();
            let Ok(Some(Event::Message(received))) = client.receive(&mut output, &mut wire) else { panic!() };
            assert!(received == message);
        }
    }
}

#[test]
fn compression_needs_both_endpoints() {
    let (mut client, _, negotiated) = open(&deflating(), &Config::new());
    assert!(negotiated.extensions.is_empty());
    let mut wire = BytesMut::new();
    client.send(LINE.repeat(100), &mut wire).unwrap();
    assert!(wire.len() > 3000);
    // Without negotiation RSV1 is a reserved bit.
    let (_, mut server, _) = open(&Config::new(), &deflating());
    let compressed = deflate(&mut Deflater::new(15), Frame::text(LINE.repeat(10)));
    let refused = server.receive(&mut masked(&compressed), &mut BytesMut::new());
    assert_eq!(refused.unwrap_err(), Error::Decode(DecodeError::ReservedBits));
}

#[test]
fn rejects_invalid_utf8_after_decompression() {
    let bad = deflate(&mut Deflater::new(15).threshold(0), Frame::text("").with_payload(&b"\xC3\x28"[..]));
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let refused = server(&deflating().delivery(delivery), "").receive(&mut masked(&bad), &mut BytesMut::new());
        assert_eq!(refused.unwrap_err(), Error::Decode(DecodeError::InvalidUtf8));
    }
}

#[test]
fn bomb_costs_no_more_than_the_message_limit() {
    let bomb = masked(&bomb());
    println!("a GiB of zeros is compressed to {} bytes", bomb.len());
    // One read decompresses to a small or a large part of the limit, or to more than it.
    for (limit, read) in
        [1_i64 << 20, 16 << 20].into_iter().flat_map(|limit| [16_384, 1024, 700].map(|read| (limit, read)))
    {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            let config = deflating().limits(Limits::new(limit.try_into().unwrap())).delivery(delivery);
            let mut server = server(&config, "");
            let ((end, output), used) = measure(|| {
                let (mut input, mut output, mut end) = (BytesMut::new(), BytesMut::new(), Ok(None));
                for bytes in bomb.chunks(read) {
                    input.extend_from_slice(bytes);
                    end = server.receive(&mut input, &mut output);
                    while matches!(end, Ok(Some(_))) {
                        end = server.receive(&mut input, &mut output);
                    }
                    if end.is_err() {
                        break;
                    }
                }
                (end, output)
            });
            let peak = used.peak;
            println!("limit {limit}, {delivery:?}, reads of {read}: at most {peak} bytes of heap");
            assert_eq!(end.unwrap_err(), Error::Decode(DecodeError::MessageTooLong));
            assert_eq!((&output[..], server.state()), (&b"\x88\x02\x03\xF1"[..], State::Closed));
            let most = if delivery == Delivery::Whole { limit + 128 * 1024 } else { 200 * 1024 };
            assert!(peak < most, "{peak}");
        }
    }
}

#[test]
fn parts_arrive_before_the_message_ends() {
    let config = deflating().delivery(Delivery::Parts).min_part(1).limits(Limits::NONE);
    let mut server = server(&config, "");
    let long = LINE.repeat(100_000);
    let wire = masked(&deflate(&mut Deflater::new(15), Frame::text(long.as_str())));
    let (mut input, mut output, mut received, mut lasts) = (BytesMut::new(), BytesMut::new(), Vec::new(), 0);
    for read in wire.chunks(100) {
        input.extend_from_slice(read);
        while let Some(event) = server.receive(&mut input, &mut output).unwrap() {
            let Event::Part(Part { kind: MessageKind::Text, bytes, first, last, .. }) = event else {
                panic!("{event:?}")
            };
            assert!(first == received.is_empty() && bytes.len() <= 65_536);
            received.extend_from_slice(&bytes);
            lasts += usize::from(last);
        }
        assert!(input.is_empty(), "all compressed bytes are consumed");
    }
    assert!(received == long.as_bytes());
    assert_eq!(lasts, 1);
}

#[test]
fn send_frame_leaves_a_message_uncompressed() {
    let (mut client, mut server, _) = open(&deflating(), &deflating());
    let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    let secret = "secret, and text of an attacker".repeat(10);
    server.send_frame(&Frame::text(secret.as_str()), &mut wire).unwrap();
    assert!(wire.windows(6).any(|window| window == b"secret"));
    server.send(LINE.repeat(10), &mut wire).unwrap();
    for expected in [secret, LINE.repeat(10)] {
        let Ok(Some(Event::Message(received))) = client.receive(&mut wire, &mut output) else { panic!() };
        assert_eq!(received.as_text(), Some(expected.as_str()));
    }
}

/// Compresses a message outside of a connection, in one frame or in three.
fn compress(bits: u8, message: &str, fragments: bool) -> Vec<Frame> {
    let mut deflater = Deflater::new(bits).context_takeover(false).threshold(0);
    let (start, rest) = message.split_at(message.len() / 2);
    let frames = match fragments {
        false => vec![Frame::text(message)],
        true => {
            vec![
                Frame::text(start).with_fin(false),
                Frame::continuation("").with_fin(false),
                Frame::continuation(rest.to_owned()),
            ]
        }
    };
    frames.into_iter().map(|frame| deflate(&mut deflater, frame)).collect()
}

/// The peer's window moves with each compressed message, also with one of another compressor.
#[test]
fn frame_compressed_elsewhere_does_not_corrupt_the_next_message() {
    for (fragments, parts) in [(false, false), (false, true), (true, false), (true, true)] {
        let (mut client, mut server, _) = open(&deflating(), &deflating());
        for round in 0..3 {
            let own = format!("own message {round}, {}", LINE.repeat(5));
            let foreign =
                format!("a broadcast {round} that was compressed once for ten thousand peers, {}", LINE.repeat(3));
            let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
            for frame in compress(15, &foreign, fragments) {
                server.send_frame(&frame, &mut wire).unwrap();
            }
            if parts {
                let (start, rest) = own.split_at(20);
                for (text, first) in [(start, true), (rest, false)] {
                    let bytes = Bytes::copy_from_slice(text.as_bytes());
                    let part = Part::new(MessageKind::Text, bytes).with_first(first).with_last(!first);
                    server.send_part(part, &mut wire).unwrap();
                }
            } else {
                server.send(own.as_str(), &mut wire).unwrap();
            }
            server.send(own.as_str(), &mut wire).unwrap();
            for expected in [&foreign, &own, &own] {
                let Ok(Some(Event::Message(received))) = client.receive(&mut wire, &mut output) else { panic!() };
                assert_eq!(received.as_text(), Some(expected.as_str()), "round {round}, {fragments} {parts}");
            }
        }
    }
}

#[test]
fn one_compressed_frame_serves_many_peers() {
    let ours = PermessageDeflate::new();
    let theirs = [
        ours.clone(),
        ours.clone().server_max_window_bits(9),
        ours.clone().server_max_window_bits(9).server_no_context_takeover(),
        ours.clone().server_no_context_takeover(),
    ];
    let ours = Config::new().extension(ours);
    let mut peers: Vec<_> = theirs.into_iter().map(|theirs| open(&Config::new().extension(theirs), &ours)).collect();
    peers.push(open(&Config::new(), &ours));
    // The repetition is farther back than 512 bytes.
    let numbers: String = (0..300).map(|number| format!("{} ", number * number * 7919 % 100_003)).collect();
    for news in ["the same for all, ".repeat(10), numbers.repeat(2), "and once more the same for all, ".repeat(10)] {
        let (mut frames, mut lengths) = (BTreeMap::new(), Vec::new());
        for (client, server, negotiated) in &mut peers {
            let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
            let window = |agreed| PermessageDeflate::window_bits(Role::Server, agreed);
            match negotiated.extensions.iter().find_map(window) {
                Some(bits) => {
                    let frame = frames.entry(bits).or_insert_with(|| compress(bits, &news, false).remove(0));
                    server.send_frame(frame, &mut wire).unwrap();
                }
                None => server.send(news.as_str(), &mut wire).unwrap(),
            }
            lengths.push(wire.len());
            server.send(LINE.repeat(5), &mut wire).unwrap();
            for expected in [&news, &LINE.repeat(5)] {
                let Ok(Some(Event::Message(received))) = client.receive(&mut wire, &mut output) else { panic!() };
                assert_eq!(received.as_text(), Some(expected.as_str()));
            }
        }
        assert_eq!(frames.keys().copied().collect::<Vec<_>>(), [9, 15]);
        assert!(lengths[0] == lengths[3] && lengths[1] == lengths[2], "{lengths:?}");
        assert!(lengths.iter().all(|length| *length <= lengths[4]), "{lengths:?}");
        // The narrow window does not reach the repetition that the wide one finds.
        assert_eq!(lengths[1] > lengths[0] + 100, news.len() > 1000, "{lengths:?}");
    }
}

#[test]
fn first_part_shows_that_a_compressed_message_began() {
    let mut server = server(&deflating().delivery(Delivery::Parts), "");
    let first = Frame::text("").with_payload(&b"\xf2"[..]).with_rsv(Rsv::RSV1).with_fin(false);
    let event = server.receive(&mut masked(&first), &mut BytesMut::new());
    assert!(matches!(event, Ok(Some(Event::Part(Part { first: true, last: false, .. })))), "{event:?}");
}

#[test]
fn header_of_a_compressed_message_allocates_no_decompressor() {
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let config = deflating().delivery(delivery);
        for parameters in ["", "; client_no_context_takeover"] {
            let mut server = server(&config, parameters);
            let first = Frame::text("").with_rsv(Rsv::RSV1).with_fin(false);
            let (mut wire, mut output) = (masked(&first), BytesMut::new());
            let ((), used) = measure(|| while server.receive(&mut wire, &mut output).unwrap().is_some() {});
            println!("a header without a payload, {delivery:?}{parameters}: {} bytes of heap", used.live);
            assert!(used.live < 1024, "{}", used.live);
        }
    }
}

/// Seven bytes allocate a decompressor, which stays until the message ends.
#[test]
fn incomplete_compressed_message_keeps_one_decompressor() {
    let config = deflating();
    for (parameters, after) in [("", 1024), ("; client_no_context_takeover", 512)] {
        let mut server = server(&config, parameters);
        let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
        let first = Frame::text("").with_payload(&b"\xf2"[..]).with_rsv(Rsv::RSV1).with_fin(false);
        let rest = Frame::continuation(&b"\x48\xcd\xc9\xc9\x07\x00"[..]);
        let mut kept = 0;
        for (frame, most) in [(first, 48 * 1024), (rest, after)] {
            let ((), used) = measure(|| {
                wire.unsplit(masked(&frame));
                while server.receive(&mut wire, &mut output).unwrap().is_some() {}
                wire = BytesMut::new();
                server.release_memory();
            });
            kept += used.live;
            println!("{frame:?}{parameters}: {kept} bytes of heap");
            assert!(kept < most, "{kept}");
        }
    }
}

#[test]
fn release_memory_frees_idle_contexts() {
    let (mut client, mut server, _) = open(&deflating(), &deflating());
    let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    let ((), used) = measure(|| client.send(LINE.repeat(100), &mut wire).unwrap());
    assert!(used.live > 200_000);
    let ((), freed) = measure(|| client.release_memory());
    assert!(used.live + freed.live < 10_000);
    client.send(LINE.repeat(100), &mut wire).unwrap();
    for _ in 0..2 {
        let ((), used) = measure(|| {
            let Ok(Some(Event::Message(received))) = server.receive(&mut wire, &mut output) else { panic!() };
            assert_eq!(received.as_bytes()[..], *Bytes::from(LINE.repeat(100)));
            server.release_memory();
        });
        // Only the window remains, to which the peer may refer.
        assert!(used.live < 4500, "{}", used.live);
    }
}

/// Rejects payloads of more than 20,000 bytes, after the deflater has compressed them.
struct Rejecting;

impl ExtensionEncoder for Rejecting {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        if frame.payload().len() > 20_000 { Err(EncodeError::Extension) } else { Ok(frame) }
    }

    fn restart(&mut self) {}
}

struct Passing;

impl ExtensionDecoder for Passing {
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        _room: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
        Ok((frame, None))
    }
}

#[test]
fn message_after_a_frame_that_was_not_sent_is_right() {
    let accounts: Vec<String> =
        (0..1500).map(|n| format!("account {n:05} has balance {:05};", n * 7919 % 99_991)).collect();
    // It is longer than 20,000 bytes after compression, too.
    let noise: String = test_support::noise::noise(7).take(30_000).map(|byte| format!("{byte:02x}")).collect();
    let text = |bytes: &str, first, last| {
        Part::new(MessageKind::Text, Bytes::copy_from_slice(bytes.as_bytes())).with_first(first).with_last(last)
    };
    for rejected_in_parts in [false, true] {
        let mut server = server(&deflating(), "");
        server.add_extension(ExtensionPair::new(Passing, Rejecting), Rsv::RSV2);
        let negotiated = server.negotiated().clone();
        let mut client = Connection::open_client(&negotiated, deflating(), fixed);
        let mut wire = BytesMut::new();
        server.send(accounts.concat(), &mut wire).unwrap();
        let end = [&accounts[1499][..], &accounts[1400], &accounts[1450]].concat();
        if rejected_in_parts {
            server.send_part(text(&end, true, false), &mut wire).unwrap();
            for last in [false, true] {
                server.send_part(text("x", false, false), &mut wire).unwrap();
                let rejected = server.send_part(text(&noise, false, last), &mut wire);
                assert_eq!(rejected, Err(SendError::Encode(EncodeError::Extension)));
            }
            server.send_part(text(&end, false, true), &mut wire).unwrap();
        } else {
            assert!(server.send(&noise, &mut wire).is_err());
            assert!(server.send_shared(noise.clone(), &mut wire).is_err());
        }
        server.send(&end, &mut wire).unwrap();
        let mut received = Vec::new();
        while let Some(Event::Message(message)) = client.receive(&mut wire, &mut BytesMut::new()).unwrap() {
            received.push(message);
        }
        let joined = format!("{end}xx{end}");
        let expected = [&accounts.concat(), &joined, &end];
        let expected = expected.into_iter().filter(|&message| rejected_in_parts || *message != joined);
        assert_eq!(received, expected.map(|text| Message::from(text.as_str())).collect::<Vec<_>>());
    }
}

/// permessage-deflate, whose compressors are counted when they compress for the first time.
#[derive(Default)]
struct Counted {
    deflate: PermessageDeflate,
    count: Arc<AtomicUsize>,
}

struct CountedEncoder {
    encoder: Box<dyn ExtensionEncoder>,
    is_counted: bool,
    count: Arc<AtomicUsize>,
}

impl Negotiate for Counted {
    fn name(&self) -> &str {
        self.deflate.name()
    }

    fn rsv(&self) -> Rsv {
        self.deflate.rsv()
    }

    fn offers(&self) -> Vec<ExtensionParams> {
        self.deflate.offers()
    }

    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
        self.deflate.respond(offer)
    }

    fn agree(&self, role: Role, response: &ExtensionParams) -> Option<ExtensionPair> {
        let ExtensionPair { encoder, decoder } = self.deflate.agree(role, response)?;
        let encoder = CountedEncoder { encoder, is_counted: false, count: Arc::clone(&self.count) };
        Some(ExtensionPair { encoder: Box::new(encoder), decoder })
    }
}

impl ExtensionEncoder for CountedEncoder {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        if !std::mem::replace(&mut self.is_counted, true) {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        self.encoder.encode(frame)
    }

    fn restart(&mut self) {
        self.encoder.restart();
    }

    fn encoding_key(&self) -> Option<u64> {
        self.encoder.encoding_key()
    }
}

#[test]
fn prepared_message_is_compressed_once_for_each_window() {
    let compressors = Arc::<AtomicUsize>::default();
    let counted = Counted { count: Arc::clone(&compressors), ..Counted::default() };
    let config = Arc::new(Config::new().extension(counted));
    let parameters = ["", "; server_no_context_takeover", "; server_max_window_bits=10", "none"];
    let peers = (0..1000).map(|n| {
        let parameters = parameters[n % parameters.len()];
        if parameters == "none" {
            let client = Connection::open_client(&Negotiated::default(), Config::new(), fixed);
            return (Connection::open_server(&Negotiated::default(), Arc::clone(&config)), client);
        }
        let extension = parse_extensions(format!("permessage-deflate{parameters}")).unwrap().remove(0);
        let negotiated = Negotiated::default().extension(extension);
        let client = Connection::open_client(&negotiated, deflating(), fixed);
        (Connection::open_server(&negotiated, Arc::clone(&config)), client)
    });
    let own = LINE.repeat(5);
    for text in [LINE.repeat(3), LINE.repeat(300)] {
        compressors.store(0, Ordering::Relaxed);
        let mut prepared = Prepared::new(text.clone());
        for (mut server, mut client) in peers.clone() {
            let mut wire = BytesMut::new();
            server.send(&own, &mut wire).unwrap();
            let before = compressors.load(Ordering::Relaxed);
            server.send_prepared(&mut prepared, &mut wire).unwrap();
            server.send(&own, &mut wire).unwrap();
            let used = compressors.load(Ordering::Relaxed) - before;
            assert!(used <= 1, "the connection's own compressor is not used");
            for expected in [&own, &text, &own] {
                let event = client.receive(&mut wire, &mut BytesMut::new()).unwrap();
                assert_eq!(event, Some(Event::Message(expected.as_str().into())));
            }
        }
        // One for each of the 750 connections that compress, for their own messages, and two for the prepared one.
        assert_eq!(compressors.load(Ordering::Relaxed), 750 + 2);
    }
}

#[test]
fn long_prepared_message_is_shared_after_compression() {
    let noise: Vec<u8> = test_support::noise::noise(9).take(100_000).collect();
    let mut prepared = Prepared::new(noise.clone());
    let mut first = Session::new(server(&deflating(), ""));
    let mut second = Session::new(server(&deflating(), ""));
    first.send_prepared(&mut prepared).unwrap();
    second.send_prepared(&mut prepared).unwrap();
    let payload = |session: &Session| session.unsent_chunks().nth(1).unwrap().as_ptr();
    assert_eq!(payload(&first), payload(&second));
    let mut wire = BytesMut::from(&first.unsent_chunks().collect::<Vec<_>>().concat()[..]);
    let negotiated = first.connection().negotiated().clone();
    let mut client = Connection::open_client(&negotiated, deflating(), fixed);
    assert_eq!(client.receive(&mut wire, &mut BytesMut::new()).unwrap(), Some(Event::Message(noise.into())));
}

#[test]
fn parameters_of_the_other_direction_do_not_compress_a_prepared_message_again() {
    let count = Arc::<AtomicUsize>::default();
    let counted = Counted { count: Arc::clone(&count), ..Counted::default() };
    let config = Arc::new(Config::new().extension(counted));
    for role in [Role::Server, Role::Client] {
        count.store(0, Ordering::Relaxed);
        let mut prepared = Prepared::new(LINE.repeat(10));
        for parameters in parameter_sets() {
            let extension = parse_extensions(format!("permessage-deflate{parameters}")).unwrap().remove(0);
            let negotiated = Negotiated::default().extension(extension);
            let ends = |server: Arc<Config>, client: Arc<Config>| {
                let client = Connection::open_client(&negotiated, client, fixed);
                (Connection::open_server(&negotiated, server), client)
            };
            let (mut sender, mut receiver) = match role {
                Role::Server => ends(Arc::clone(&config), deflating().into()),
                Role::Client => {
                    let (server, client) = ends(deflating().into(), Arc::clone(&config));
                    (client, server)
                }
            };
            let mut wire = BytesMut::new();
            sender.send_prepared(&mut prepared, &mut wire).unwrap();
            let received = receiver.receive(&mut wire, &mut BytesMut::new());
            assert_eq!(received, Ok(Some(Event::Message(prepared.message().clone()))), "{parameters}");
        }
        // One for each window of the direction, of 8 to 15 bits.
        assert_eq!(count.load(Ordering::Relaxed), 8, "{role:?}");
    }
}

/// Returns every valid combination of the four parameters.
fn parameter_sets() -> Vec<String> {
    let flags = ["", "; server_no_context_takeover", "; client_no_context_takeover"];
    let both = flags[1..].concat();
    let mut sets = Vec::new();
    for flags in flags.iter().copied().chain([&*both]) {
        for server_bits in 8..=15 {
            for client_bits in 8..=15 {
                sets.push(format!(
                    "{flags}; server_max_window_bits={server_bits}; client_max_window_bits={client_bits}"
                ));
            }
        }
    }
    sets
}
