//! Frames that must not pass: L1, L2, L6 to L8, L11, L12, F4 to F7, F11 and F12.

use bytes::BytesMut;
use protocol_websocket::{
    Close, CloseCode, Config, DecodeError, Delivery, Error, Event, Frame, Limits, Offer, OpCode, State, Version,
};
use test_support::heap::measure;

use crate::ends::{Open, asking, client, close, head, masked, send, server, unmasked};

/// What a client sends, up to the byte at which it is refused, and the close code.
pub(crate) const REFUSED: &[(&[u8], DecodeError, u16)] = &[
    // Lengths of 2^63, 2^64 - 1, 2^64 - 4 and 2^64 - 14, and of 2^63 - 1.
    (b"\x82\xFF\x80\0\0\0\0\0\0\0", DecodeError::LengthTopBit, 1002),
    (b"\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", DecodeError::LengthTopBit, 1002),
    (b"\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFC", DecodeError::LengthTopBit, 1002),
    (b"\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xF2", DecodeError::LengthTopBit, 1002),
    (b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", DecodeError::FrameTooLong, 1009),
    (b"\x82\xFF\0\0\0\0\0\x10\0\x01", DecodeError::FrameTooLong, 1009),
    // The same in fragments.
    (b"\x02\xFF\0\0\0\0\0\x10\0\x01", DecodeError::FrameTooLong, 1009),
    (b"\x02\x81\0\0\0\0x\x80\xFF\0\0\0\0\0\x10\0\0", DecodeError::MessageTooLong, 1009),
    // More than 32 bits, that are few if the upper ones are lost.
    (b"\x82\xFF\0\0\0\x01\0\0\0\x05", DecodeError::FrameTooLong, 1009),
    // Not the shortest form.
    (b"\x82\xFE\0\x05", DecodeError::LengthNotMinimal, 1002),
    (b"\x82\xFE\0\x7D", DecodeError::LengthNotMinimal, 1002),
    (b"\x82\xFF\0\0\0\0\0\0\xFF\xFF", DecodeError::LengthNotMinimal, 1002),
    // Control frames.
    (b"\x89\xFE", DecodeError::ControlTooLong, 1002),
    (b"\x8A\xFF", DecodeError::ControlTooLong, 1002),
    (b"\x88\xFE", DecodeError::ControlTooLong, 1002),
    (b"\x09\x80", DecodeError::ControlFragmented, 1002),
    (b"\x88\x81", DecodeError::CloseTooShort, 1002),
    (b"\x88\x82\0\0\0\0\0\0", DecodeError::CloseCode(0), 1002),
    (b"\x88\x82\0\0\0\0\x03\xE7", DecodeError::CloseCode(999), 1002),
    (b"\x88\x82\0\0\0\0\x03\xED", DecodeError::CloseCode(1005), 1002),
    (b"\x88\x82\0\0\0\0\x03\xF7", DecodeError::CloseCode(1015), 1002),
    (b"\x88\x82\0\0\0\0\x13\x88", DecodeError::CloseCode(5000), 1002),
    (b"\x88\x84\0\0\0\0\x03\xE8a\xFF", DecodeError::InvalidUtf8, 1007),
    // Masks, reserved bits and opcodes, and the order of fragments.
    (b"\x82\x05", DecodeError::MaskMissing, 1002),
    (b"\x82\x7F\0\0\0\0\0\0\xFF\xFF", DecodeError::LengthNotMinimal, 1002),
    (b"\xC1\x80", DecodeError::ReservedBits, 1002),
    (b"\xA2\x80", DecodeError::ReservedBits, 1002),
    (b"\x99\x80", DecodeError::ReservedBits, 1002),
    (b"\x83\xFF", DecodeError::ReservedOpCode(3), 1002),
    (b"\x8F\xFF", DecodeError::ReservedOpCode(15), 1002),
    (b"\x80\x80", DecodeError::OrphanContinuation, 1002),
    (b"\x02\x80\0\0\0\0\x81\x80", DecodeError::DataInsideMessage, 1002),
    (b"\x01\x81\0\0\0\0x\x81\x80", DecodeError::DataInsideMessage, 1002),
];

#[test]
fn each_is_refused_at_the_byte_that_says_so() {
    for &(wire, error, code) in REFUSED {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            for piece in [1, wire.len()] {
                let mut server = server(&Config::new().delivery(delivery));
                let (told, heap) = measure(|| send(&mut server, wire, piece));
                assert_eq!((told.end, told.sent), (Err(Error::Decode(error)), wire.len()), "{wire:02x?}");
                assert_eq!(told.output[..], close(code), "{wire:02x?}");
                assert!(heap.peak < 1024, "{wire:02x?}: {} bytes of heap", heap.peak);
                // It is told again, nothing more is said, and nothing is read.
                let again = send(&mut server, &masked(&[Frame::text("x"), Frame::close(None).unwrap()]), 100);
                assert_eq!((again.end, again.events.len(), again.output.len(), again.left.len()), (told.end, 0, 0, 0));
                assert_eq!(server.state(), State::Closed);
            }
        }
    }
}

/// A server's mistakes cost a client as little.
#[test]
fn a_client_refuses_what_a_server_must_not_send() {
    for (wire, error) in [
        (&b"\x82\x7F\x80\0\0\0\0\0\0\0"[..], DecodeError::LengthTopBit),
        (b"\x82\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xF2", DecodeError::LengthTopBit),
        (b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", DecodeError::FrameTooLong),
        (b"\x82\x80", DecodeError::MaskUnexpected),
        (b"\x82\xFE\x01\0", DecodeError::MaskUnexpected),
    ] {
        let mut client = client(&Config::new());
        let told = send(&mut client, wire, 1);
        assert_eq!((told.end, told.sent), (Err(Error::Decode(error)), wire.len()), "{wire:02x?}");
        let mut sent = told.output;
        let close = server(&Config::new()).receive(&mut sent, &mut BytesMut::new()).unwrap();
        assert!(matches!(close, Some(Event::Close(Some(close))) if close.code == error.close_code()));
    }
}

#[test]
fn a_length_that_is_only_announced_costs_nothing() {
    for wire in [&b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0"[..], b"\x82\xFF\0\0\0\0\x40\0\0\0\0\0\0\0"] {
        let mut ends: Vec<_> =
            (0..1000).map(|_| (server(&Config::new().limits(Limits::NONE)), BytesMut::from(wire))).collect();
        let (_, heap) = measure(|| {
            for (server, input) in &mut ends {
                assert!(matches!(server.receive(input, &mut BytesMut::new()), Ok(None)));
                // There is room for one byte where the head was.
                input.extend_from_slice(b"x");
                assert!(matches!(server.receive(input, &mut BytesMut::new()), Ok(None)));
            }
        });
        assert!(heap.peak < 100 * 1000, "{} bytes for 1000 connections", heap.peak);
    }
}

/// What was shown is out of the input, or other bytes are written over it: an end that looked at it again would unmask or
/// judge those.
#[test]
fn no_byte_of_a_payload_is_looked_at_twice_before_the_last() {
    // A header takes `start` bytes, with the code of a Close.
    let shown = |frame: Frame, start: usize, other: u8| {
        let (wire, mut server) = (masked(&[frame]), server(&Config::new()));
        let (mut input, mut output) = (BytesMut::with_capacity(wire.len()), BytesMut::new());
        let (last, wire) = wire.split_last().unwrap();
        for (at, &byte) in wire.iter().enumerate() {
            input.extend_from_slice(&[byte]);
            assert!(matches!(server.receive(&mut input, &mut output), Ok(None)), "byte {at}");
            if at + 1 >= start {
                input.fill(other);
            }
        }
        let left = input.len();
        input.extend_from_slice(&[*last]);
        (server.receive(&mut input, &mut output), left)
    };
    // Nothing of a message can be changed.
    let (event, left) = shown(Frame::binary(vec![1; 10_000]), 8, 0xEE);
    assert!(matches!(event, Ok(Some(Event::Message(message))) if message.as_bytes()[..] == [1; 10_000]));
    let text = "grüß dich".repeat(1000);
    let (event, left_of_text) = shown(Frame::text(text.clone()), 8, 0xFF);
    assert!(matches!(event, Ok(Some(Event::Message(message))) if message.as_text() == Some(&text)));
    assert_eq!((left, left_of_text), (0, 0));
    let (event, _) = shown(Frame::ping(vec![1; 125]), 6, 0xEE);
    assert!(matches!(event, Ok(Some(Event::Ping(payload))) if payload[..] == [[0xEE; 124].as_slice(), &[1]].concat()));
    // Of a Close neither the code nor the reason is judged before the last byte, and then all of it, since that becomes a
    // code and a `str`.
    let close = Frame::close(Some(&Close::new(1000, "grüß dich ".repeat(10)))).unwrap();
    let (event, _) = shown(close, 8, 0xFF);
    assert_eq!(event.unwrap_err(), Error::Decode(DecodeError::CloseCode(0xFFFF)));
}

#[test]
fn the_pieces_of_a_payload_cost_no_allocation_each() {
    let cost = |len: usize, piece: usize| {
        let wire = masked(&[Frame::text("x".repeat(len))]);
        let (mut server, mut input, mut output) =
            (server(&Config::new()), BytesMut::with_capacity(100), BytesMut::new());
        let (messages, heap) = measure(|| {
            let receive = |bytes: &[u8]| {
                input.extend_from_slice(bytes);
                server.receive(&mut input, &mut output).unwrap().is_some()
            };
            wire.chunks(piece).map(receive).filter(|&is_message| is_message).count()
        });
        assert_eq!(messages, 1);
        heap.allocations
    };
    for len in [1000_usize, 1_000_000] {
        // Its memory doubles, and the input is a new one as often.
        let doublings = u64::from(len.ilog2());
        for piece in [1, 7, 100] {
            let calls = cost(len, piece);
            assert!(calls <= 4 * doublings, "{calls} calls for {len} bytes in pieces of {piece}");
        }
    }
}

#[test]
fn frames_ask_for_memory_as_often_as_there_are_frames_however_they_are_cut() {
    let cost = |count: usize, piece: usize| {
        let fragments = [Frame::text("Größe").with_fin(false), Frame::ping("?"), Frame::continuation("x")];
        let wire = masked(&fragments).repeat(count);
        let (mut server, mut input, mut output) =
            (server(&Config::new()), BytesMut::with_capacity(wire.len()), BytesMut::with_capacity(64));
        let (events, heap) = measure(|| {
            let mut events = 0;
            for bytes in wire.chunks(piece) {
                input.extend_from_slice(bytes);
                while server.receive(&mut input, &mut output).unwrap().is_some() {
                    events += 1;
                    output.clear();
                }
            }
            events
        });
        assert_eq!(events, 2 * count);
        heap.allocations
    };
    for piece in [1, 2, 10, usize::MAX] {
        let (some, many) = (cost(1000, piece), cost(4000, piece));
        assert!(some <= 1000 * 10 && many <= 4 * some, "{some} and {many} in pieces of {piece}");
    }
}

#[test]
fn text_is_refused_at_its_first_bad_byte_however_it_is_cut() {
    for (bad, at) in [
        (&b"\x80"[..], 0),
        (b"\xC0\x80", 0),
        (b"\xC3\x28", 1),
        (b"\xE0\x9F\x80", 1),
        (b"\xED\xA0\x80", 1),
        (b"\xE2\x82\x28", 2),
        (b"\xF0\x8F\xBF\xBF", 1),
        (b"\xF4\x90\x80\x80", 1),
        (b"\xF5\x80\x80\x80", 0),
        (b"\xF0\x9F\x98\x28", 3),
    ] {
        let text = [b"caf\xC3\xA9 ", bad].concat();
        let bad_at = text.len() - bad.len() + at;
        let whole = masked(&[Frame::new(OpCode::Text, [&text[..], b"..."].concat())]);
        let fragments: Vec<_> = std::iter::once(Frame::text("").with_fin(false))
            .chain(text.iter().map(|&byte| Frame::continuation(vec![byte]).with_fin(false)))
            .collect();
        // A fragment of one byte has seven on the wire, the empty one six.
        for (wire, expected) in [(whole, 6 + bad_at + 1), (masked(&fragments), 6 + 7 * (bad_at + 1))] {
            let told = send(&mut server(&Config::new()), &wire, 1);
            assert_eq!(told.end, Err(Error::Decode(DecodeError::InvalidUtf8)), "{bad:02x?}");
            assert_eq!((told.sent, &told.output[..]), (expected, &close(1007)[..]), "{bad:02x?}");
        }
    }
}

/// Cut short at any byte, a handshake and what follows are never taken for whole.
#[test]
fn an_end_at_every_byte_is_no_clean_end() {
    let frames = [
        Frame::text("Hello"),
        Frame::binary("a").with_fin(false),
        Frame::ping("?"),
        Frame::continuation("b"),
        Frame::close(Some(&Close::new(1000, "bye"))).unwrap(),
    ];
    let ask = head(Version::Rfc6455, "", "");
    let told_by = |server: bool, wire: &[u8]| {
        let (events, eof, code) = if server {
            let mut end = Open::new(Config::new());
            (send(&mut end, wire, 3).events, end.0.receive_eof(), end.0.close_code())
        } else {
            let mut end = asking(&Offer::new()).0;
            (send(&mut end, wire, 3).events, end.receive_eof(), end.close_code())
        };
        (events.iter().filter(|event| matches!(event, Event::Message(_))).count(), eof, code)
    };
    let (_, request) = asking(&Offer::new());
    let answer = send(&mut Open::new(Config::new()), &request, 1000).output;
    type Encode = fn(&[Frame]) -> BytesMut;
    for (is_server, head, encode) in [(true, ask.as_bytes(), masked as Encode), (false, &answer, unmasked)] {
        let wire = [head, &encode(&frames)].concat();
        let ends = [1, 4].map(|count| head.len() + encode(&frames[..count]).len());
        for cut in 0..wire.len() {
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            let expected = (whole, Err(Error::UnexpectedEof), Some(CloseCode::ABNORMAL));
            assert_eq!(told_by(is_server, &wire[..cut]), expected, "{cut}");
        }
        assert_eq!(told_by(is_server, &wire), (2, Ok(()), Some(CloseCode::NORMAL)));
    }
}
