//! Messages with extensions (RFC 6455 §9), and frames that are sent without them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use std::sync::{Arc, Mutex};

use bytes::{Buf, Bytes, BytesMut};
use common::{client, masked, receive_all, receive_valid, server, text_part, unmasked};
use proptest::prelude::*;
use protocol_websocket_connection::{
    CloseCode, Config, Connection, Delivery, Event, ExtensionDecoder, ExtensionEncoder, ExtensionPair, Frame, Limits,
    MessageKind, Part, Payload, Rsv, SendError,
};
use protocol_websocket_frame::{DecodeError, EncodeError, OpCode};
use test_extensions::{Flip, Runs};

/// Adds both test extensions, in this order.
fn extend(mut connection: Connection) -> Connection {
    connection.add_extension(Runs::new(200).pair(), Rsv::RSV2);
    connection.add_extension(Flip::pair(), Rsv::RSV3);
    connection
}

/// Returns a frame as [`Runs`] sends it.
fn runs(opcode: OpCode, pairs: &[u8]) -> Frame {
    Frame::new(opcode, Bytes::copy_from_slice(pairs)).with_rsv(Rsv::RSV2)
}

#[test]
fn applies_extensions_in_negotiated_order() {
    let (mut client, mut server) = (extend(client(&Config::new())), extend(server(&Config::new())));
    let mut wire = BytesMut::new();
    server.send("aab", &mut wire).unwrap();
    assert_eq!(wire[..], *b"\xB1\x04\xFD\x9E\xFE\x9D", "the runs are encoded first, then the bits");
    server.ping("Hello", &mut wire).unwrap();
    server.send_part(text_part("par", true, false), &mut wire).unwrap();
    server.send_part(text_part("ts", false, true), &mut wire).unwrap();
    let (events, _) = receive_valid(&mut client, &mut wire);
    let ping = Event::Ping(Bytes::from("Hello"));
    assert_eq!(events, vec![Event::Message("aab".into()), ping, Event::Message("parts".into())]);
}

/// Records the room of each frame.
struct Rooms(Arc<Mutex<Vec<usize>>>);

impl ExtensionDecoder for Rooms {
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        room: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
        self.0.lock().unwrap().push(room);
        Ok((frame, None))
    }
}

#[cfg(feature = "server")]
#[test]
fn extension_added_during_the_handshake_stays_in_force() {
    use protocol_websocket_connection::Accept;

    let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let mut server = extend(Connection::server(Config::new()));
    let (mut input, mut output) = (BytesMut::from(request), BytesMut::new());
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut input, &mut output) else { panic!("no request") };
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    assert!(matches!(server.receive(&mut input, &mut output), Ok(Some(Event::Open(_)))));
    let mut wire = masked(runs(OpCode::Binary, &[2, b'a']));
    assert_eq!(receive_valid(&mut server, &mut wire).0, [Event::Message(Bytes::from_static(b"aa").into())]);
}

#[test]
fn room_is_small_unless_frame_is_whole_message() {
    const KIB: usize = 1024;
    for (delivery, first) in [(Delivery::Whole, 256 * KIB), (Delivery::Parts, 64 * KIB)] {
        let rooms = Arc::<Mutex<Vec<usize>>>::default();
        let mut client = client(&Config::new().limits(Limits::new(256 * 1024)).delivery(delivery));
        client.add_extension(ExtensionPair::new(Rooms(Arc::clone(&rooms)), Flip::new()), Rsv::RSV1);
        let mut wire = BytesMut::from(&b"\x02\x03abc\x80\x03def\x82\x03ghi"[..]);
        let (events, end, _) = receive_all(&mut client, &mut wire);
        assert_eq!((events.len(), end), (if delivery == Delivery::Whole { 2 } else { 3 }, Ok(())));
        assert_eq!(*rooms.lock().unwrap(), [first, 64 * KIB, first], "{delivery:?}");
    }
}

#[test]
fn extension_keeps_perl_compat() {
    let mut client = client(&Config::new().perl_compat());
    client.add_extension(Runs::new(9).pair(), Rsv::RSV2);
    let (events, end, _) = receive_all(&mut client, &mut BytesMut::from(&b"\xB1\x02\x01h"[..]));
    assert_eq!((events, end), (vec![Event::Message("h".into())], Ok(())));
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
//# An endpoint receiving such a frame MUST _Fail the WebSocket Connection_.
#[test]
fn rejects_reserved_bits_after_first_frame() {
    for wire in [&b"\xA0\x00"[..], b"\x22\x02\x01a\xA0\x00", b"\xA9\x00", b"\xC2\x00"] {
        let (_, end, _) = receive_all(&mut extend(client(&Config::new())), &mut BytesMut::from(wire));
        assert_eq!(end.unwrap_err(), DecodeError::ReservedBits.into(), "{wire:x?}");
    }
}

#[test]
fn text_is_validated_after_extensions() {
    let mut client = client(&Config::new());
    client.add_extension(Runs::new(9).pair(), Rsv::RSV2);
    let (events, end, _) = receive_all(&mut client, &mut BytesMut::from(&b"\xA1\x04\x01\xC3\x01\xA9"[..]));
    assert_eq!((events, end), (vec![Event::Message("é".into())], Ok(())));
    let (events, end, output) = receive_all(&mut client, &mut BytesMut::from(&b"\xA1\x04\x01\xA9\x01\xC3"[..]));
    assert_eq!((events.len(), end), (0, Err(DecodeError::InvalidUtf8.into())));
    assert_eq!(output[..4], *b"\x88\x82\x07\x07");
}

#[test]
fn invalid_extension_payload_ends_connection() {
    let (events, end, output) =
        receive_all(&mut extend(client(&Config::new())), &mut unmasked(runs(OpCode::Binary, &[201, b'a'])));
    assert_eq!((events.len(), end), (0, Err(DecodeError::Extension.into())));
    assert_eq!(output[..], masked(Frame::close(CloseCode::INVALID_PAYLOAD_DATA).unwrap())[..]);
}

#[test]
fn decoded_message_is_limited() {
    let limits = Limits::new(400);
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let config = Config::new().limits(limits).delivery(delivery);
        let receive =
            |pairs: &[u8]| receive_all(&mut extend(server(&config)), &mut masked(runs(OpCode::Binary, pairs)));
        let (events, end, _) = receive(&[200, b'a', 200, b'b']);
        assert_eq!((events.len(), end), (1, Ok(())), "{delivery:?}: the longest message");
        let (_, end, output) = receive(&[200, b'a', 200, b'b', 1, b'c']);
        assert_eq!(end, Err(DecodeError::MessageTooLong.into()), "{delivery:?}");
        assert_eq!(output[..], unmasked(Frame::close(CloseCode::MESSAGE_TOO_BIG).unwrap())[..]);
    }
}

#[test]
fn rejects_too_long_message_at_its_first_excess_byte() {
    let pairs = [&[200, b'a', 200, b'b', 1, b'c'][..], &[b'x'; 1000]].concat();
    let wire = masked(runs(OpCode::Binary, &pairs));
    let bytes_until_error = |config: Config| {
        let mut server = server(&config.limits(Limits::new(1500).max_frame(2000)));
        server.add_extension(Runs::new(200).pair(), Rsv::RSV2);
        let (mut input, mut sent) = (BytesMut::new(), 0);
        let end = wire.chunks(1).find_map(|byte| {
            input.extend_from_slice(byte);
            sent += 1;
            receive_all(&mut server, &mut input).1.err()
        });
        (end, sent)
    };
    // A whole message is decoded as it arrives. The tenth pair of 120 times 'x' exceeds the limit.
    let (end, sent) = bytes_until_error(Config::new());
    let header = 8;
    assert_eq!((end, sent), (Some(DecodeError::MessageTooLong.into()), header + 6 + 2 * 10));
    // In parts, fewer bytes than `min_part` are kept.
    let (end, at_once) = bytes_until_error(Config::new().delivery(Delivery::Parts).min_part(1));
    assert_eq!((end, at_once), (Some(DecodeError::MessageTooLong.into()), sent));
    let (end, later) = bytes_until_error(Config::new().delivery(Delivery::Parts).min_part(100));
    assert_eq!(end, Some(DecodeError::MessageTooLong.into()));
    assert!((sent..sent + 100).contains(&later), "{later}");
}

#[test]
fn limit_counts_all_fragments_of_message() {
    let config = Config::new().limits(Limits::new(400));
    let mut wire = masked(runs(OpCode::Binary, &[200, b'a']).with_fin(false));
    wire.unsplit(masked(Frame::continuation(&[200, b'b'][..]).with_fin(false)));
    let (_, end, _) = receive_all(&mut extend(server(&config)), &mut wire.clone());
    assert_eq!(end, Ok(()));
    wire.unsplit(masked(Frame::continuation(&[1, b'c'][..])));
    let (_, end, _) = receive_all(&mut extend(server(&config)), &mut wire);
    assert_eq!(end, Err(DecodeError::MessageTooLong.into()));
}

#[test]
fn decoded_parts_have_64_kib_and_precede_next_frame() {
    let config = Config::new().delivery(Delivery::Parts);
    let pairs = [200, b'a'].repeat(1000);
    let mut wire = masked(runs(OpCode::Binary, &pairs));
    wire.unsplit(masked(Frame::ping("next")));
    let (mut events, _) = receive_valid(&mut extend(server(&config)), &mut wire);
    assert!(matches!(events.pop(), Some(Event::Ping(_))));
    let parts = events.into_iter().map(|event| if let Event::Part(part) = event { part } else { panic!() });
    let parts: Vec<Part> = parts.collect();
    let lens: Vec<usize> = parts.iter().map(|part| part.bytes.len()).collect();
    assert_eq!(lens, [65_536, 65_536, 65_536, 200_000 - 3 * 65_536]);
    let ends: Vec<_> = parts.iter().map(|part| (part.first, part.last)).collect();
    assert_eq!(ends, [(true, false), (false, false), (false, false), (false, true)]);
}

#[test]
fn rests_of_two_extensions_keep_their_order() {
    let config = Config::new().delivery(Delivery::Parts).limits(Limits::NONE);
    let twice = |mut connection: Connection| {
        for rsv in [Rsv::RSV2, Rsv::RSV3] {
            connection.add_extension(Runs::new(9).with_rsv(rsv).pair(), rsv);
        }
        connection
    };
    // The payload is encoded twice. Each of the two decoders returns more than 64 KiB for one frame.
    let message: Vec<u8> = (0..150_000_u32).flat_map(|n| [n.to_le_bytes()[0], n.to_le_bytes()[1]]).collect();
    let (mut client, mut server, mut wire) = (twice(client(&config)), twice(self::server(&config)), BytesMut::new());
    client.send([message.clone(), vec![7; 600_000]].concat(), &mut wire).unwrap();
    client.send(message.clone(), &mut wire).unwrap();
    let (events, _) = receive_valid(&mut server, &mut wire);
    let parts = events.iter().map(|event| if let Event::Part(part) = event { part } else { panic!() });
    let received: Vec<u8> = parts.flat_map(|part| part.bytes.to_vec()).collect();
    assert!(received == [message.clone(), vec![7; 600_000], message].concat());
}

#[test]
fn send_frame_bypasses_extensions() {
    let (mut client, mut server) = (extend(client(&Config::new())), extend(server(&Config::new())));
    let mut wire = BytesMut::new();
    server.send_frame(&Frame::text("plain"), &mut wire).unwrap();
    assert_eq!(wire[..], *b"\x81\x05plain");
    server.send_frame(&runs(OpCode::Text, &[3, b'x']), &mut wire).unwrap();
    server.send_frame(&Frame::ping("p"), &mut wire).unwrap();
    server.send_frame(&Frame::text("in ").with_fin(false), &mut wire).unwrap();
    server.send_frame(&Frame::pong("q"), &mut wire).unwrap();
    server.send_frame(&Frame::continuation("two"), &mut wire).unwrap();
    server.send("again", &mut wire).unwrap();
    let (events, _) = receive_valid(&mut client, &mut wire);
    let message = |text: &str| Event::Message(text.into());
    let (ping, pong) = (Event::Ping("p".into()), Event::Pong("q".into()));
    let expected = [message("plain"), message("xxx"), ping, pong, message("in two"), message("again")];
    assert_eq!(events, expected);
}

#[test]
fn send_frame_checks_order() {
    let (mut server, mut wire) = (extend(server(&Config::new())), BytesMut::new());
    let out_of_order = SendError::Encode(EncodeError::PartOutOfOrder);
    assert_eq!(server.send_frame(&Frame::continuation("x"), &mut wire), Err(out_of_order));
    let bad = Frame::new(OpCode::Text, &b"\xFF"[..]);
    assert_eq!(server.send_frame(&bad, &mut wire), Err(EncodeError::InvalidUtf8.into()));
    assert!(wire.is_empty());

    server.send_frame(&Frame::text("a").with_fin(false), &mut wire).unwrap();
    assert_eq!(server.send("x", &mut wire), Err(SendError::MessageUnfinished));
    assert_eq!(server.send_part(text_part("x", true, true), &mut wire), Err(SendError::MessageUnfinished));
    assert_eq!(server.send_frame(&Frame::text("x"), &mut wire), Err(out_of_order));
    server.send_frame(&Frame::continuation("b"), &mut wire).unwrap();

    server.send_part(text_part("c", true, false), &mut wire).unwrap();
    assert_eq!(server.send_frame(&Frame::text("x"), &mut wire), Err(SendError::MessageUnfinished));
    server.send_part(text_part("d", false, true), &mut wire).unwrap();

    server.send_frame(&Frame::close(None).unwrap(), &mut wire).unwrap();
    assert_eq!(server.send_frame(&Frame::text("x"), &mut wire), Err(SendError::Closed));
    assert_eq!(server.send_frame(&Frame::close(None).unwrap(), &mut wire), Err(SendError::Closed));
    let (events, _) = receive_valid(&mut extend(client(&Config::new())), &mut wire);
    let close = Event::Close(None);
    assert_eq!(events, vec![Event::Message("ab".into()), Event::Message("cd".into()), close]);
}

proptest! {
    /// The result does not depend on the reads or on the delivery.
    #[test]
    fn extensions_roundtrip_with_any_reads(
        messages in prop::collection::vec(prop::collection::vec(0_u8..3, 0..600), 1..5),
        sizes in prop::collection::vec(1_usize..40, 1..20),
        parts: bool,
    ) {
        let delivery = if parts { Delivery::Parts } else { Delivery::Whole };
        let (mut client, mut wire) = (extend(client(&Config::new())), BytesMut::new());
        for message in &messages {
            let (half, rest) = message.split_at(message.len() / 2);
            let piece = |bytes, first| {
                Part::new(MessageKind::Binary, Bytes::copy_from_slice(bytes)).with_first(first).with_last(!first)
            };
            client.send(message.clone(), &mut wire).unwrap();
            client.send_part(piece(half, true), &mut wire).unwrap();
            client.send_part(piece(rest, false), &mut wire).unwrap();
        }
        let mut server = extend(server(&Config::new().delivery(delivery)));
        let (mut input, mut received, mut sizes) = (BytesMut::new(), vec![Vec::new()], sizes.iter().cycle());
        while !wire.is_empty() {
            let size = *sizes.next().unwrap();
            input.unsplit(wire.split_to(size.min(wire.len())));
            for event in receive_valid(&mut server, &mut input).0 {
                let last = match event {
                    Event::Message(message) => {
                        received.last_mut().unwrap().extend_from_slice(message.as_bytes());
                        true
                    }
                    Event::Part(part) => {
                        received.last_mut().unwrap().extend_from_slice(&part.bytes);
                        part.last
                    }
                    other => panic!("{other:?}"),
                };
                if last {
                    received.push(Vec::new());
                }
            }
        }
        let twice: Vec<_> = messages.iter().flat_map(|message| [message.clone(), message.clone()]).collect();
        prop_assert_eq!(received.pop(), Some(Vec::new()));
        prop_assert_eq!(received, twice);
    }
}

/// Returns one byte at a time, even if the room is larger.
struct ByteByByte;

impl ExtensionDecoder for ByteByByte {
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        _: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
        let (mut payload, fin) = (frame.payload().clone(), frame.fin());
        if payload.len() < 2 {
            return Ok((frame.with_rsv(Rsv::NONE), None));
        }
        let first = payload.copy_to_bytes(1);
        let rest = Frame::lent(OpCode::Continuation, payload).with_fin(fin);
        Ok((frame.with_payload(first).with_rsv(Rsv::NONE).with_fin(false), Some(rest)))
    }
}

#[test]
fn decodes_one_frame_in_many_pieces() {
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let mut client = client(&Config::new().delivery(delivery));
        client.add_extension(ExtensionPair::new(ByteByByte, Flip::new()), Rsv::RSV3);
        let mut wire = unmasked(Frame::text("pieces"));
        wire.unsplit(unmasked(Frame::ping("p")));
        wire.unsplit(unmasked(Frame::text("after")));
        let (events, _) = receive_valid(&mut client, &mut wire);
        let ping = Event::Ping(Bytes::from("p"));
        match delivery {
            Delivery::Whole => {
                let expected = [Event::Message("pieces".into()), ping, Event::Message("after".into())];
                assert_eq!(events, expected);
            }
            _ => assert_eq!(events.len(), "pieces".len() + 1 + "after".len(), "{events:?}"),
        }
    }
}

/// Counts the calls of `restart`.
struct Restarts(Arc<Mutex<usize>>);

impl ExtensionEncoder for Restarts {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        Ok(frame)
    }

    fn restart(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

#[test]
fn send_frame_with_reserved_bits_restarts_encoders() {
    let restarts = Arc::<Mutex<usize>>::default();
    let mut server = server(&Config::new());
    server.add_extension(ExtensionPair::new(Flip::new(), Restarts(Arc::clone(&restarts))), Rsv::RSV1);
    let mut wire = BytesMut::new();
    server.send("text", &mut wire).unwrap();
    server.send_part(text_part("pa", true, false), &mut wire).unwrap();
    server.send_part(text_part("rt", false, true), &mut wire).unwrap();
    server.send_frame(&Frame::text("plain"), &mut wire).unwrap();
    server.send_frame(&Frame::ping(""), &mut wire).unwrap();
    assert_eq!(*restarts.lock().unwrap(), 0);
    let first = Frame::text("made elsewhere").with_rsv(Rsv::RSV1);
    server.send_frame(&first.clone().with_fin(false), &mut wire).unwrap();
    server.send_frame(&Frame::continuation(""), &mut wire).unwrap();
    assert_eq!(*restarts.lock().unwrap(), 1);
    server.close(None, &mut wire).unwrap();
    assert_eq!(server.send_frame(&first, &mut wire), Err(SendError::Closed));
    assert_eq!(*restarts.lock().unwrap(), 1);
}
