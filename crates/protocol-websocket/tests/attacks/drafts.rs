//! Attacks by the drafts: O1 to O9.

use bytes::BytesMut;
use protocol_websocket::{
    CloseCode, Config, Connection, DecodeError, Error, Event, Limits, Negotiated, ParseError, State, Version,
};

use crate::endpoint::{AcceptingServer, head, send};
use test_support::heap::measure;

const OLDEST: [Version; 2] = [Version::Hybi00, Version::Hixie75];

fn server(version: Version, limits: Limits) -> Connection {
    Connection::open_server(&Negotiated::default().version(version), Config::new().limits(limits))
}

#[test]
fn rejects_key_numbers_that_overflow() {
    for bad in [
        "no digits at all",
        "12345",
        "1 0 1",
        "42949672960 ",
        "4294967296 1",
        "18446744073709551616 ",
        "18446744073709551621 0",
        &"9".repeat(4000),
        &format!("{} 1", "9".repeat(4000)),
        &" ".repeat(4000),
    ] {
        // Spaces at the ends of a header value are trimmed, so other characters enclose them.
        let line = format!("Sec-WebSocket-Key1: x{bad}x\r\n");
        let (received, heap) = measure(|| {
            send(
                &mut AcceptingServer::new(Config::new()),
                head(Version::Hybi00, "Sec-WebSocket-Key1", &line).as_bytes(),
                1000,
            )
        });
        assert_eq!(received.result, Err(Error::Request(ParseError::Key)), "{bad:.30}");
        assert!(heap.peak < 32 * 1024);
    }
    let twice = head(Version::Hybi00, "", "Sec-WebSocket-Key1: x1 1x\r\n");
    assert_eq!(
        send(&mut AcceptingServer::new(Config::new()), twice.as_bytes(), 1000).result,
        Err(Error::Request(ParseError::Key))
    );
}

#[test]
fn waits_for_eight_key_bytes_and_reads_the_ninth_as_a_frame() {
    let request = head(Version::Hybi00, "", "");
    for sent in 0..8 {
        let mut server = AcceptingServer::new(Config::new());
        let received = send(&mut server, &[request.as_bytes(), &b"^n:ds[4U"[..sent]].concat(), 1);
        assert!(received.events.is_empty() && received.output.ends_with(b"\r\n\r\n"));
        assert_eq!(server.0.receive_eof(), Err(Error::UnexpectedEof));
    }
    for piece in [1, 1000] {
        let wire = [request.as_bytes(), b"^n:ds[4U\x00early\xFF"].concat();
        let received = send(&mut AcceptingServer::new(Config::new()), &wire, piece);
        assert!(
            matches!(&received.events[..], [Event::Open(_), Event::Message(early)] if early.as_text() == Some("early"))
        );
        assert!(received.output.ends_with(b"8jKS'y:G*Co,Wxa-"));
    }
}

/// Lengths that do not end, or that become small if their upper bits are lost.
#[test]
fn rejects_endless_and_overflowing_lengths() {
    for version in OLDEST {
        for (wire, limits, error) in [
            (&[0x80; 100][..], Limits::default(), DecodeError::LengthNotMinimal),
            (&[&[0xFF][..], &[0x80; 100]].concat(), Limits::NONE, DecodeError::LengthNotMinimal),
            (&[&[0x80][..], &[0xFF; 100]].concat(), Limits::default(), DecodeError::FrameTooLong),
            (&[&[0x80][..], &[0xFF; 100]].concat(), Limits::NONE, DecodeError::LengthNotMinimal),
            // 2^20 + 1, 2^53, and 2^64 + 5.
            (b"\x80\xC0\x80\x01", Limits::default(), DecodeError::FrameTooLong),
            (b"\x80\x90\x80\x80\x80\x80\x80\x80\x00", Limits::default(), DecodeError::FrameTooLong),
            (
                b"\x80\x82\x80\x80\x80\x80\x80\x80\x80\x80\x05AAAAA\x00smuggled\xFF",
                Limits::NONE,
                DecodeError::LengthNotMinimal,
            ),
        ] {
            for piece in [1, 1000] {
                let mut server = server(version, limits);
                let (received, heap) = measure(|| send(&mut server, wire, piece));
                assert_eq!(received.result, Err(Error::Decode(error)), "{wire:02x?}");
                assert_eq!((&received.output[..], received.events.len()), (&b"\xFF\x00"[..], 0));
                assert!(received.sent <= 11.max(piece) && heap.peak < 1024);
            }
        }
        // A frame of 2^63 - 1 bytes is skipped as it arrives, and nothing of it is kept.
        let mut server = server(version, Limits::NONE);
        let (mut input, mut output) = (BytesMut::with_capacity(4096), BytesMut::new());
        input.extend_from_slice(b"\x80\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F");
        let (_, heap) = measure(|| {
            for _ in 0..10_000 {
                assert!(matches!(server.receive(&mut input, &mut output), Ok(None)));
                assert!(input.is_empty());
                input.extend_from_slice(&[0xFF; 1000]);
            }
        });
        assert!(heap.peak < 8192, "{} bytes of heap", heap.peak);
    }
}

#[test]
fn rejects_endless_text_at_the_limit() {
    for version in OLDEST {
        for kind in [0x00, 0x01, 0x7F] {
            for piece in [1, 1000] {
                let wire = [&[kind][..], &[b'x'; 8 * 1024]].concat();
                let mut server = server(version, Limits::new(4096));
                let (received, heap) = measure(|| send(&mut server, &wire, piece));
                assert_eq!(received.result, Err(Error::Decode(DecodeError::FrameTooLong)), "{kind:#x}");
                assert!(received.sent <= 4096 + 1 + piece && heap.peak < 3 * 4096 + 2048, "{} bytes", heap.peak);
                assert_eq!((&received.output[..], server.state()), (&b"\xFF\x00"[..], State::Closed));
                assert_eq!(server.ended().map(|ended| ended.code), Some(CloseCode::ABNORMAL));
            }
        }
    }
}

/// Each byte moves to the decoder when it arrives, and the text ends at its own end marker.
#[test]
fn reads_each_byte_of_sentinel_text_once() {
    for version in OLDEST {
        let mut server = server(version, Limits::default());
        let (mut input, mut output) = (BytesMut::with_capacity(100), BytesMut::new());
        let mut receive = |byte: u8| {
            input.extend_from_slice(&[byte]);
            let event = server.receive(&mut input, &mut output).unwrap();
            assert!(input.is_empty());
            event
        };
        assert!(receive(0x00).is_none());
        let (_, heap) = measure(|| (0..10_000).for_each(|_| assert!(receive(b'x').is_none())));
        // The payload buffer doubles its capacity, and the input is replaced as often.
        assert!(heap.allocations <= 4 * 14, "{} allocations", heap.allocations);
        assert!(matches!(receive(0xFF), Some(Event::Message(text)) if text.as_bytes()[..] == [b'x'; 10_000]));
    }
}

#[test]
fn skips_unknown_frames_within_the_limit() {
    for version in OLDEST {
        let wire = b"\x01junk\x00\xFF\x7F\xFF\x80\x02\x00\xFF\xFE\x80\x01x\x00a\xC0\xFF\xFF\x00\x00late\xFF";
        for piece in [1, 1000] {
            let received = send(&mut server(version, Limits::default()), wire, piece);
            assert!(
                matches!(&received.events[..], [Event::Message(text), Event::Close(None)] if text.as_text() == Some("a\u{FFFD}"))
            );
            assert_eq!(
                (received.result, &received.output[..], received.remaining.len()),
                (Ok(()), &b"\xFF\x00"[..], 0)
            );
        }
    }
}
