//! Malformed and incomplete frames: L1, L2, L6 to L8, L11, L12, F4 to F7, F11 and F12.

use bytes::BytesMut;
use protocol_websocket::{
    Close, CloseCode, Config, Connection, DecodeError, Delivery, Error, Event, Frame, Limits, Message, Offer, OpCode,
    State, Version,
};

use crate::endpoint::{AcceptingServer, client, connecting_client, head, masked, send, server, unmasked};
use test_support::attacks::{BAD_FRAMES, close_frame};
use test_support::heap::measure;

#[test]
fn server_rejects_each_bad_frame_at_the_earliest_byte() {
    for &(wire, error, code) in BAD_FRAMES {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            for piece in [1, wire.len()] {
                let mut server = server(&Config::new().delivery(delivery));
                let (received, heap) = measure(|| send(&mut server, wire, piece));
                let Err(Error::Decode(rejected)) = received.result else { panic!("{wire:02x?}") };
                assert_eq!((&*format!("{rejected:?}"), received.sent), (error, wire.len()), "{wire:02x?}");
                assert_eq!(received.output[..], close_frame(code), "{wire:02x?}");
                assert!(heap.peak < 1024, "{wire:02x?}: {} bytes of heap", heap.peak);
                // The error is returned again. Nothing more is written, and the input is discarded.
                let again = send(&mut server, &masked(&[Frame::text("x"), Frame::close(None).unwrap()]), 100);
                assert_eq!(
                    (again.result, again.events.len(), again.output.len(), again.remaining.len()),
                    (received.result, 0, 0, 0)
                );
                assert_eq!(server.state(), State::Closed);
            }
        }
    }
}

/// A client rejects each bad frame at the same byte as a server.
#[test]
fn client_rejects_bad_server_frames() {
    for (wire, error) in [
        (&b"\x82\x7F\x80\0\0\0\0\0\0\0"[..], DecodeError::LengthTopBit),
        (b"\x82\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xF2", DecodeError::LengthTopBit),
        (b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", DecodeError::FrameTooLong),
        (b"\x82\x80", DecodeError::MaskUnexpected),
        (b"\x82\xFE\x01\0", DecodeError::MaskUnexpected),
    ] {
        let mut client = client(&Config::new());
        let received = send(&mut client, wire, 1);
        assert_eq!((received.result, received.sent), (Err(Error::Decode(error)), wire.len()), "{wire:02x?}");
        let mut sent = received.output;
        let close = server(&Config::new()).receive(&mut sent, &mut BytesMut::new()).unwrap();
        assert!(matches!(close, Some(Event::Close(Some(close))) if close.code == error.close_code()));
    }
}

#[test]
fn announced_length_allocates_nothing() {
    for wire in [&b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0"[..], b"\x82\xFF\0\0\0\0\x40\0\0\0\0\0\0\0"] {
        let mut servers: Vec<_> =
            (0..1000).map(|_| (server(&Config::new().limits(Limits::NONE)), BytesMut::from(wire))).collect();
        let (_, heap) = measure(|| {
            for (server, input) in &mut servers {
                assert!(matches!(server.receive(input, &mut BytesMut::new()), Ok(None)));
                input.extend_from_slice(b"x");
                assert!(matches!(server.receive(input, &mut BytesMut::new()), Ok(None)));
            }
        });
        assert!(heap.peak < 200 * 1000, "{} bytes for 1000 connections", heap.peak);
    }
}

/// Each byte moves to the decoder when it arrives, so it cannot be read from the input again.
#[test]
fn reads_each_payload_byte_once() {
    let receive = |frame: Frame| {
        let (mut wire, mut server) = (masked(&[frame]), server(&Config::new()));
        let (mut input, mut output) = (BytesMut::with_capacity(100), BytesMut::new());
        let last = wire.split_off(wire.len() - 1);
        for byte in wire {
            input.extend_from_slice(&[byte]);
            assert!(matches!(server.receive(&mut input, &mut output), Ok(None)));
            assert!(input.is_empty());
        }
        input.extend_from_slice(&last);
        server.receive(&mut input, &mut output).unwrap().unwrap()
    };
    assert_eq!(receive(Frame::binary(vec![1; 10_000])), Event::Message(Message::from(vec![1; 10_000])));
    let text = "grüß dich".repeat(1000);
    assert_eq!(receive(Frame::text(text.clone())), Event::Message(Message::from(text)));
    assert_eq!(receive(Frame::ping(vec![1; 125])), Event::Ping(vec![1; 125].into()));
    let close = Close::new(1000, "grüß dich ".repeat(10));
    assert_eq!(receive(Frame::close(close.clone()).unwrap()), Event::Close(Some(close)));
}

#[test]
fn payload_pieces_cost_no_allocation_each() {
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
        // The payload buffer doubles its capacity, and the input is replaced as often.
        let doublings = u64::from(len.ilog2());
        for piece in [1, 7, 100] {
            let calls = cost(len, piece);
            assert!(calls <= 4 * doublings, "{calls} calls for {len} bytes in pieces of {piece}");
        }
    }
}

#[test]
fn allocations_grow_with_frames_and_not_with_reads() {
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
fn rejects_text_at_its_first_invalid_byte() {
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
        // A fragment of one byte takes seven bytes on the wire, an empty one takes six.
        for (wire, expected) in [(whole, 6 + bad_at + 1), (masked(&fragments), 6 + 7 * (bad_at + 1))] {
            let received = send(&mut server(&Config::new()), &wire, 1);
            assert_eq!(received.result, Err(Error::Decode(DecodeError::InvalidUtf8)), "{bad:02x?}");
            assert_eq!((received.sent, &received.output[..]), (expected, &close_frame(1007)[..]), "{bad:02x?}");
        }
    }
}

/// A handshake or a frame that ends early, at any byte, is never treated as complete.
#[test]
fn end_of_stream_at_any_byte_is_not_clean() {
    let frames = [
        Frame::text("Hello"),
        Frame::binary("a").with_fin(false),
        Frame::ping("?"),
        Frame::continuation("b"),
        Frame::close(Close::new(1000, "bye")).unwrap(),
    ];
    let request_head = head(Version::Rfc6455, "", "");
    let code = |connection: &Connection| connection.ended().map(|ended| ended.code);
    let outcome = |is_server: bool, wire: &[u8]| {
        let (events, eof, code) = if is_server {
            let mut server = AcceptingServer::new(Config::new());
            (send(&mut server, wire, 3).events, server.0.receive_eof(), code(&server.0))
        } else {
            let mut client = connecting_client(&Offer::new()).0;
            (send(&mut client, wire, 3).events, client.receive_eof(), code(&client))
        };
        (events.iter().filter(|event| matches!(event, Event::Message(_))).count(), eof, code)
    };
    let (_, request) = connecting_client(&Offer::new());
    let response = send(&mut AcceptingServer::new(Config::new()), &request, 1000).output;
    type Encode = fn(&[Frame]) -> BytesMut;
    for (is_server, head, encode) in [(true, request_head.as_bytes(), masked as Encode), (false, &response, unmasked)] {
        let wire = [head, &encode(&frames)].concat();
        let message_ends = [1, 4].map(|count| head.len() + encode(&frames[..count]).len());
        for len in 0..wire.len() {
            let messages = message_ends.iter().filter(|&&end| end <= len).count();
            let expected = (messages, Err(Error::UnexpectedEof), Some(CloseCode::ABNORMAL));
            assert_eq!(outcome(is_server, &wire[..len]), expected, "{len}");
        }
        assert_eq!(outcome(is_server, &wire), (2, Ok(()), Some(CloseCode::NORMAL)));
    }
}
