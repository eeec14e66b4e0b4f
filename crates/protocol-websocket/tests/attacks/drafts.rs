//! What the drafts add: O1 to O9.

use bytes::BytesMut;
use protocol_websocket::{
    CloseCode, Config, Connection, DecodeError, Error, Event, Limits, Negotiated, ParseError, State, Version,
};
use test_support::heap::measure;

use crate::ends::{End, Open, head, send};

const OLDEST: [Version; 2] = [Version::Hybi00, Version::Hixie75];

fn server(version: Version, limits: Limits) -> Connection {
    Connection::server(&Negotiated::default().version(version), &Config::new().limits(limits))
}

#[test]
fn key_numbers_neither_wrap_nor_take_long() {
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
        // Blanks at the ends of a value are none of it: they are put inside.
        let line = format!("Sec-WebSocket-Key1: x{bad}x\r\n");
        let (told, heap) = measure(|| {
            send(&mut Open::new(Config::new()), head(Version::Hybi00, "Sec-WebSocket-Key1", &line).as_bytes(), 1000)
        });
        assert_eq!(told.end, Err(Error::Request(ParseError::Key)), "{bad:.30}");
        assert!(heap.peak < 32 * 1024);
    }
    let twice = head(Version::Hybi00, "", "Sec-WebSocket-Key1: x1 1x\r\n");
    assert_eq!(send(&mut Open::new(Config::new()), twice.as_bytes(), 1000).end, Err(Error::Request(ParseError::Key)));
}

#[test]
fn eight_bytes_are_awaited_and_the_ninth_is_a_frame() {
    let request = head(Version::Hybi00, "", "");
    for sent in 0..8 {
        let mut server = Open::new(Config::new());
        let told = send(&mut server, &[request.as_bytes(), &b"^n:ds[4U"[..sent]].concat(), 1);
        assert!(told.events.is_empty() && told.output.ends_with(b"\r\n\r\n"));
        assert_eq!(server.0.receive_eof(), Err(Error::UnexpectedEof));
    }
    for piece in [1, 1000] {
        let wire = [request.as_bytes(), b"^n:ds[4U\x00early\xFF"].concat();
        let told = send(&mut Open::new(Config::new()), &wire, piece);
        assert!(
            matches!(&told.events[..], [Event::Open(_), Event::Message(early)] if early.as_text() == Some("early"))
        );
        assert!(told.output.ends_with(b"8jKS'y:G*Co,Wxa-"));
    }
}

/// Lengths that never end, or that become small ones when their upper bits are lost.
#[test]
fn a_length_has_an_end_and_does_not_wrap() {
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
                let (told, heap) = measure(|| send(&mut server, wire, piece));
                assert_eq!(told.end, Err(Error::Decode(error)), "{wire:02x?}");
                assert_eq!((&told.output[..], told.events.len()), (&b"\xFF\x00"[..], 0));
                assert!(told.sent <= 11.max(piece) && heap.peak < 1024);
            }
        }
        // 2^63 - 1 bytes are passed over as they come, and none is kept.
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
fn a_text_without_its_end_is_refused_at_the_limit() {
    for version in OLDEST {
        for kind in [0x00, 0x01, 0x7F] {
            for piece in [1, 1000] {
                let wire = [&[kind][..], &[b'x'; 8 * 1024]].concat();
                let mut server = server(version, Limits::new(4096));
                let (told, heap) = measure(|| send(&mut server, &wire, piece));
                assert_eq!(told.end, Err(Error::Decode(DecodeError::FrameTooLong)), "{kind:#x}");
                assert!(told.sent <= 4096 + 1 + piece && heap.peak < 3 * 4096 + 2048, "{} bytes", heap.peak);
                assert_eq!((&told.output[..], server.state()), (&b"\xFF\x00"[..], State::Closed));
                assert_eq!(server.close_code(), Some(CloseCode::ABNORMAL));
            }
        }
    }
}

/// An end is written over each byte that was shown: who looked at one again would find it.
#[test]
fn no_byte_of_a_text_is_looked_at_twice() {
    for version in OLDEST {
        let mut server = server(version, Limits::default());
        let (mut input, mut output) = (BytesMut::with_capacity(20_000), BytesMut::new());
        input.extend_from_slice(b"\x00");
        let (_, heap) = measure(|| {
            for _ in 0..10_000 {
                assert!(matches!(End::receive(&mut server, &mut input, &mut output), Ok(None)));
                input.fill(0xFF);
                input.extend_from_slice(b"x");
            }
        });
        assert_eq!((input.len(), heap.allocations), (10_000, 0));
    }
}

#[test]
fn frames_without_a_meaning_are_passed_over_within_the_limit() {
    for version in OLDEST {
        let wire = b"\x01junk\x00\xFF\x7F\xFF\x80\x02\x00\xFF\xFE\x80\x01x\x00a\xC0\xFF\xFF\x00\x00late\xFF";
        for piece in [1, 1000] {
            let told = send(&mut server(version, Limits::default()), wire, piece);
            assert!(
                matches!(&told.events[..], [Event::Message(text), Event::Close(None)] if text.as_text() == Some("a\u{FFFD}"))
            );
            assert_eq!((told.end, &told.output[..], told.left.len()), (Ok(()), &b"\xFF\x00"[..], 0));
        }
    }
}
