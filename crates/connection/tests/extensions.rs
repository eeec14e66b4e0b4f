//! Extensions of any kind: what they do to messages (RFC 6455 §9), and frames that go past them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use common::{client, drain, masked, server, take, told, unmasked};
use proptest::prelude::*;
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Delivery, Event, Extension, Frame, Limits, MessageKind, Part, SendError,
};
use protocol_websocket_frame::{DecodeError, EncodeError, OpCode, Rsv};
use test_extensions::{Flip, Runs};

/// Both test_extensions, in this order.
fn extend(mut connection: Connection) -> Connection {
    connection.extend(Runs::new(200), Runs::new(200));
    connection.extend(Flip::new(), Flip::new());
    connection
}

fn part(bytes: &'static str, first: bool, last: bool) -> Part {
    Part { kind: MessageKind::Text, bytes: Bytes::from(bytes), first, last }
}

/// A frame as the extension for runs would send it.
fn runs(opcode: OpCode, pairs: &[u8]) -> Frame {
    Frame::new(opcode, Bytes::copy_from_slice(pairs)).with_rsv(Rsv::RSV2)
}

#[test]
fn they_work_in_the_order_in_which_they_were_negotiated() {
    let (mut client, mut server) = (extend(client(&Config::new())), extend(server(&Config::new())));
    let mut wire = BytesMut::new();
    server.send("aab", &mut wire).unwrap();
    assert_eq!(wire[..], *b"\xB1\x04\xFD\x9E\xFE\x9D", "first the runs, then the bits");
    server.ping("Hello", &mut wire).unwrap();
    server.send_part(part("par", true, false), &mut wire).unwrap();
    server.send_part(part("ts", false, true), &mut wire).unwrap();
    let (events, _) = take(&mut client, &mut wire);
    let ping = Event::Ping(Bytes::from("Hello"));
    assert_eq!(told(&events), told(&[Event::Message("aab".into()), ping, Event::Message("parts".into())]));
}

/// Notes how much it may give at once.
struct Rooms(Arc<Mutex<Vec<usize>>>);

impl Extension for Rooms {
    fn rsv(&self) -> Rsv {
        Rsv::RSV1
    }

    fn decode(&mut self, frame: Frame, room: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        self.0.lock().unwrap().push(room);
        Ok((frame, None))
    }

    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        Ok(frame)
    }
}

#[test]
fn what_is_not_the_message_yet_comes_in_small_parts() {
    const KIB: usize = 1024;
    for (delivery, first) in [(Delivery::Whole, 256 * KIB), (Delivery::Parts, 64 * KIB)] {
        let rooms = Arc::<Mutex<Vec<usize>>>::default();
        let mut client = client(&Config::new().limits(Limits::new(256 * 1024)).delivery(delivery));
        client.extend(Rooms(Arc::clone(&rooms)), Flip::new());
        let mut wire = BytesMut::from(&b"\x02\x03abc\x80\x03def\x82\x03ghi"[..]);
        let (events, end, _) = drain(&mut client, &mut wire);
        assert_eq!((events.len(), end), (if delivery == Delivery::Whole { 2 } else { 3 }, Ok(())));
        assert_eq!(*rooms.lock().unwrap(), [first, 64 * KIB, first], "{delivery:?}");
    }
}

#[test]
fn an_extension_takes_no_leniency_away() {
    let mut client = client(&Config::new().perl_compat());
    client.extend(Runs::new(9), Runs::new(9));
    let (events, end, _) = drain(&mut client, &mut BytesMut::from(&b"\xB1\x02\x01h"[..]));
    assert_eq!((told(&events), end), (told(&[Event::Message("h".into())]), Ok(())));
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
//# An endpoint receiving such a frame MUST _Fail the WebSocket Connection_.
#[test]
fn their_bits_are_refused_on_anything_but_the_first_frame_of_a_message() {
    for wire in [&b"\xA0\x00"[..], b"\x22\x02\x01a\xA0\x00", b"\xA9\x00", b"\xC2\x00"] {
        let (_, end, _) = drain(&mut extend(client(&Config::new())), &mut BytesMut::from(wire));
        assert_eq!(end.unwrap_err(), DecodeError::ReservedBits.into(), "{wire:x?}");
    }
}

#[test]
fn text_is_checked_behind_them() {
    let mut client = client(&Config::new());
    client.extend(Runs::new(9), Runs::new(9));
    let (events, end, _) = drain(&mut client, &mut BytesMut::from(&b"\xA1\x04\x01\xC3\x01\xA9"[..]));
    assert_eq!((told(&events), end), (told(&[Event::Message("é".into())]), Ok(())));
    let (events, end, output) = drain(&mut client, &mut BytesMut::from(&b"\xA1\x04\x01\xA9\x01\xC3"[..]));
    assert_eq!((events.len(), end), (0, Err(DecodeError::InvalidUtf8.into())));
    assert_eq!(output[..4], *b"\x88\x82\x07\x07");
}

#[test]
fn what_makes_no_sense_to_them_ends_the_connection() {
    let (events, end, output) =
        drain(&mut extend(client(&Config::new())), &mut unmasked(runs(OpCode::Binary, &[201, b'a'])));
    assert_eq!((events.len(), end), (0, Err(DecodeError::Extension.into())));
    assert_eq!(output[..], masked(Frame::close(Some(&Close::from(CloseCode::INVALID_PAYLOAD_DATA))).unwrap())[..]);
}

#[test]
fn what_they_make_of_a_message_has_its_limit() {
    let limits = Limits::new(400);
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let config = Config::new().limits(limits).delivery(delivery);
        let receive = |pairs: &[u8]| drain(&mut extend(server(&config)), &mut masked(runs(OpCode::Binary, pairs)));
        let (events, end, _) = receive(&[200, b'a', 200, b'b']);
        assert_eq!((events.len(), end), (1, Ok(())), "{delivery:?}: as long as it may be");
        let (_, end, output) = receive(&[200, b'a', 200, b'b', 1, b'c']);
        assert_eq!(end, Err(DecodeError::MessageTooLong.into()), "{delivery:?}");
        assert_eq!(output[..], unmasked(Frame::close(Some(&Close::from(CloseCode::MESSAGE_TOO_BIG))).unwrap())[..]);
    }
}

#[test]
fn what_is_too_much_is_found_at_its_first_byte() {
    let pairs = [&[200, b'a', 200, b'b', 1, b'c'][..], &[b'x'; 1000]].concat();
    let wire = masked(runs(OpCode::Binary, &pairs));
    let sent_until = |config: Config| {
        let mut server = server(&config.limits(Limits::new(1500).max_frame(2000)));
        server.extend(Runs::new(200), Runs::new(200));
        let (mut input, mut sent) = (BytesMut::new(), 0);
        let end = wire.chunks(1).find_map(|byte| {
            input.extend_from_slice(byte);
            sent += 1;
            drain(&mut server, &mut input).1.err()
        });
        (end, sent)
    };
    // A whole message does not wait for a part: 'x' times 120 is too much after the first nine pairs of them.
    let (end, sent) = sent_until(Config::new());
    let header = 8;
    assert_eq!((end, sent), (Some(DecodeError::MessageTooLong.into()), header + 6 + 2 * 10));
    // In parts no more bytes wait than one has.
    let (end, at_once) = sent_until(Config::new().delivery(Delivery::Parts).min_part(1));
    assert_eq!((end, at_once), (Some(DecodeError::MessageTooLong.into()), sent));
    let (end, later) = sent_until(Config::new().delivery(Delivery::Parts).min_part(100));
    assert_eq!(end, Some(DecodeError::MessageTooLong.into()));
    assert!((sent..sent + 100).contains(&later), "{later}");
}

#[test]
fn the_limit_counts_all_fragments_together() {
    let config = Config::new().limits(Limits::new(400));
    let mut wire = masked(runs(OpCode::Binary, &[200, b'a']).with_fin(false));
    wire.unsplit(masked(Frame::continuation(&[200, b'b'][..]).with_fin(false)));
    let (_, end, _) = drain(&mut extend(server(&config)), &mut wire.clone());
    assert_eq!(end, Ok(()));
    wire.unsplit(masked(Frame::continuation(&[1, b'c'][..])));
    let (_, end, _) = drain(&mut extend(server(&config)), &mut wire);
    assert_eq!(end, Err(DecodeError::MessageTooLong.into()));
}

#[test]
fn in_parts_they_give_no_more_than_64_kib_at_once_and_all_of_it_before_what_follows() {
    let config = Config::new().delivery(Delivery::Parts);
    let pairs = [200, b'a'].repeat(1000);
    let mut wire = masked(runs(OpCode::Binary, &pairs));
    wire.unsplit(masked(Frame::ping("behind")));
    let (mut events, _) = take(&mut extend(server(&config)), &mut wire);
    assert!(matches!(events.pop(), Some(Event::Ping(_))));
    let parts = events.into_iter().map(|event| if let Event::Part(part) = event { part } else { panic!() });
    let parts: Vec<Part> = parts.collect();
    let lens: Vec<usize> = parts.iter().map(|part| part.bytes.len()).collect();
    assert_eq!(lens, [65_536, 65_536, 65_536, 200_000 - 3 * 65_536]);
    let ends: Vec<_> = parts.iter().map(|part| (part.first, part.last)).collect();
    assert_eq!(ends, [(true, false), (false, false), (false, false), (false, true)]);
}

#[test]
fn what_one_holds_back_comes_before_what_the_other_does() {
    let config = Config::new().delivery(Delivery::Parts).limits(Limits::NONE);
    let twice = |mut connection: Connection| {
        for rsv in [Rsv::RSV2, Rsv::RSV3] {
            connection.extend(Runs::new(9).rsv(rsv), Runs::new(9).rsv(rsv));
        }
        connection
    };
    // Pairs of pairs: what the one undoes is more than 64 KiB, and what the other makes of that is more again.
    let message: Vec<u8> = (0..150_000_u32).flat_map(|n| [n.to_le_bytes()[0], n.to_le_bytes()[1]]).collect();
    let (mut client, mut server, mut wire) = (twice(client(&config)), twice(self::server(&config)), BytesMut::new());
    client.send([message.clone(), vec![7; 600_000]].concat(), &mut wire).unwrap();
    client.send(message.clone(), &mut wire).unwrap();
    let (events, _) = take(&mut server, &mut wire);
    let parts = events.iter().map(|event| if let Event::Part(part) = event { part } else { panic!() });
    let came: Vec<u8> = parts.flat_map(|part| part.bytes.to_vec()).collect();
    assert!(came == [message.clone(), vec![7; 600_000], message].concat());
}

#[test]
fn a_frame_of_ones_own_goes_past_them() {
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
    let (events, _) = take(&mut client, &mut wire);
    let message = |text: &str| Event::Message(text.into());
    let (ping, pong) = (Event::Ping("p".into()), Event::Pong("q".into()));
    let expected = [message("plain"), message("xxx"), ping, pong, message("in two"), message("again")];
    assert_eq!(told(&events), told(&expected));
}

#[test]
fn frames_of_ones_own_keep_the_order() {
    let (mut server, mut wire) = (extend(server(&Config::new())), BytesMut::new());
    let out_of_order = SendError::Encode(EncodeError::PartOutOfOrder);
    assert_eq!(server.send_frame(&Frame::continuation("x"), &mut wire), Err(out_of_order));
    let bad = Frame::new(OpCode::Text, &b"\xFF"[..]);
    assert_eq!(server.send_frame(&bad, &mut wire), Err(EncodeError::InvalidUtf8.into()));
    assert!(wire.is_empty());

    server.send_frame(&Frame::text("a").with_fin(false), &mut wire).unwrap();
    assert_eq!(server.send("x", &mut wire), Err(SendError::MessageUnfinished));
    assert_eq!(server.send_part(part("x", true, true), &mut wire), Err(SendError::MessageUnfinished));
    assert_eq!(server.send_frame(&Frame::text("x"), &mut wire), Err(out_of_order));
    server.send_frame(&Frame::continuation("b"), &mut wire).unwrap();

    server.send_part(part("c", true, false), &mut wire).unwrap();
    assert_eq!(server.send_frame(&Frame::text("x"), &mut wire), Err(SendError::MessageUnfinished));
    server.send_part(part("d", false, true), &mut wire).unwrap();

    server.send_frame(&Frame::close(None).unwrap(), &mut wire).unwrap();
    assert_eq!(server.send_frame(&Frame::text("x"), &mut wire), Err(SendError::Closed));
    assert_eq!(server.send_frame(&Frame::close(None).unwrap(), &mut wire), Err(SendError::Closed));
    let (events, _) = take(&mut extend(client(&Config::new())), &mut wire);
    let close = Event::Close(None);
    assert_eq!(told(&events), told(&[Event::Message("ab".into()), Event::Message("cd".into()), close]));
}

proptest! {
    /// However the wire is cut, and however it is delivered.
    #[test]
    fn what_they_did_is_undone(
        messages in prop::collection::vec(prop::collection::vec(0_u8..3, 0..600), 1..5),
        sizes in prop::collection::vec(1_usize..40, 1..20),
        parts: bool,
    ) {
        let delivery = if parts { Delivery::Parts } else { Delivery::Whole };
        let (mut client, mut wire) = (extend(client(&Config::new())), BytesMut::new());
        for message in &messages {
            let (half, rest) = message.split_at(message.len() / 2);
            let piece = |bytes, first| Part { kind: MessageKind::Binary, bytes: Bytes::copy_from_slice(bytes), first, last: !first };
            client.send(message.clone(), &mut wire).unwrap();
            client.send_part(piece(half, true), &mut wire).unwrap();
            client.send_part(piece(rest, false), &mut wire).unwrap();
        }
        let mut server = extend(server(&Config::new().delivery(delivery)));
        let (mut input, mut came, mut sizes) = (BytesMut::new(), vec![Vec::new()], sizes.iter().cycle());
        while !wire.is_empty() {
            let size = *sizes.next().unwrap();
            input.unsplit(wire.split_to(size.min(wire.len())));
            for event in take(&mut server, &mut input).0 {
                let last = match event {
                    Event::Message(message) => {
                        came.last_mut().unwrap().extend_from_slice(message.as_bytes());
                        true
                    }
                    Event::Part(part) => {
                        came.last_mut().unwrap().extend_from_slice(&part.bytes);
                        part.last
                    }
                    other => panic!("{other:?}"),
                };
                if last {
                    came.push(Vec::new());
                }
            }
        }
        let twice: Vec<_> = messages.iter().flat_map(|message| [message.clone(), message.clone()]).collect();
        prop_assert_eq!(came.pop(), Some(Vec::new()));
        prop_assert_eq!(came, twice);
    }
}

/// Hands out a byte at a time, whatever the room.
struct Crumbs;

impl Extension for Crumbs {
    fn rsv(&self) -> Rsv {
        Rsv::RSV3
    }

    fn decode(&mut self, frame: Frame, _: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        let (payload, fin) = (frame.payload().clone(), frame.fin());
        if payload.len() < 2 {
            return Ok((frame.with_rsv(Rsv::NONE), None));
        }
        let rest = Frame::continuation(payload.slice(1..)).with_fin(fin);
        Ok((frame.with_payload(payload.slice(..1)).with_rsv(Rsv::NONE).with_fin(false), Some(rest)))
    }

    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        Ok(frame)
    }
}

#[test]
fn a_message_may_come_out_of_one_in_many_pieces() {
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let mut client = client(&Config::new().delivery(delivery));
        client.extend(Crumbs, Crumbs);
        let mut wire = unmasked(Frame::text("crumbs"));
        wire.unsplit(unmasked(Frame::ping("p")));
        wire.unsplit(unmasked(Frame::text("after")));
        let (events, _) = take(&mut client, &mut wire);
        let ping = Event::Ping(Bytes::from("p"));
        match delivery {
            Delivery::Whole => {
                let expected = [Event::Message("crumbs".into()), ping, Event::Message("after".into())];
                assert_eq!(told(&events), told(&expected));
            }
            Delivery::Parts => assert_eq!(events.len(), "crumbs".len() + 1 + "after".len(), "{events:?}"),
        }
    }
}

/// Counts how often it restarts.
struct Restarts(Arc<Mutex<usize>>);

impl Extension for Restarts {
    fn rsv(&self) -> Rsv {
        Rsv::RSV1
    }

    fn decode(&mut self, frame: Frame, _: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        Ok((frame, None))
    }

    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        Ok(frame)
    }

    fn restart(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

#[test]
fn a_frame_of_ones_own_with_reserved_bits_restarts_them() {
    let (receiving, sending) = (Arc::<Mutex<usize>>::default(), Arc::<Mutex<usize>>::default());
    let mut server = server(&Config::new());
    server.extend(Restarts(Arc::clone(&receiving)), Restarts(Arc::clone(&sending)));
    let mut wire = BytesMut::new();
    server.send("text", &mut wire).unwrap();
    server.send_part(part("pa", true, false), &mut wire).unwrap();
    server.send_part(part("rt", false, true), &mut wire).unwrap();
    server.send_frame(&Frame::text("plain"), &mut wire).unwrap();
    server.send_frame(&Frame::ping(""), &mut wire).unwrap();
    assert_eq!(*sending.lock().unwrap(), 0);
    let first = Frame::text("made elsewhere").with_rsv(Rsv::RSV1);
    server.send_frame(&first.clone().with_fin(false), &mut wire).unwrap();
    server.send_frame(&Frame::continuation(""), &mut wire).unwrap();
    assert_eq!(*sending.lock().unwrap(), 1);
    server.close(None, &mut wire).unwrap();
    assert_eq!(server.send_frame(&first, &mut wire), Err(SendError::Closed));
    assert_eq!((*receiving.lock().unwrap(), *sending.lock().unwrap()), (0, 1));
}
