//! Connections of the drafts whose frames have sentinels instead of lengths.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use common::{drain, take, told};
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Delivery, Error, Event, Frame, Limits, Message, MessageKind, Negotiated,
    Part, SendError, State, Timeouts, Version,
};
use protocol_websocket_frame::{DecodeError, EncodeError};

fn server(version: Version, config: &Config) -> Connection {
    Connection::server(&Negotiated::default().version(version), config)
}

fn client(version: Version) -> Connection {
    Connection::client(&Negotiated::default().version(version), &Config::new(), |key: &mut [u8]| key.fill(7))
}

#[test]
fn text_goes_both_ways_unmasked() {
    for version in [Version::Hixie75, Version::Hybi00] {
        let (mut client, mut server) = (client(version), server(version, &Config::new()));
        let mut wire = BytesMut::new();
        client.send("Größe", &mut wire).unwrap();
        assert_eq!(wire[..], *b"\x00Gr\xC3\xB6\xC3\x9Fe\xFF");
        let (events, mut output) = take(&mut server, &mut wire);
        assert_eq!(told(&events), told(&[Event::Message("Größe".into())]));
        let payload = server.send_vectored("back", &mut output).unwrap();
        assert_eq!([&output[..], &payload].concat(), b"\x00back\xFF");
    }
}

#[test]
fn what_cannot_be_said_is_an_error_and_nothing_else() {
    let mut server = server(Version::Hybi00, &Config::new());
    let mut output = BytesMut::new();
    let unsupported = Err(SendError::Encode(EncodeError::Unsupported));
    assert_eq!(server.send(Message::Binary(Bytes::new()), &mut output), unsupported);
    assert_eq!(server.ping("x", &mut output), unsupported);
    let part = |first, last| Part { kind: MessageKind::Text, bytes: Bytes::from("x"), first, last };
    assert_eq!(server.send_part(part(true, false), &mut output), unsupported);
    assert_eq!(server.send_frame(&Frame::text("x").with_fin(false), &mut output), unsupported);
    assert_eq!((server.state(), output.len()), (State::Open, 0));
    server.send_frame(&Frame::text("x"), &mut output).unwrap();
    server.send("x", &mut output).unwrap();
    server.send_part(part(true, true), &mut output).unwrap();
    assert_eq!(output[..], *b"\x00x\xFF\x00x\xFF\x00x\xFF", "what was refused left nothing behind");
}

#[test]
fn a_close_goes_without_its_code() {
    let (mut client, mut server) = (client(Version::Hybi00), server(Version::Hybi00, &Config::new()));
    let mut wire = BytesMut::new();
    client.close(Close::new(1000, "bye"), &mut wire).unwrap();
    assert_eq!(wire[..], [0xFF, 0x00]);
    wire.extend_from_slice(b"\x00after\xFF");
    let (events, mut output) = take(&mut server, &mut wire);
    assert_eq!((told(&events), &output[..]), (told(&[Event::Close(None)]), &[0xFF, 0x00][..]));
    take(&mut client, &mut output);
    assert_eq!((client.state(), server.state()), (State::Closed, State::Closed));
}

#[test]
fn a_failure_says_what_can_be_said() {
    let mut server = server(Version::Hybi00, &Config::new().limits(Limits::new(3)));
    let (_, end, output) = drain(&mut server, &mut BytesMut::from(&b"\x00four"[..]));
    assert_eq!((end, &output[..]), (Err(Error::Decode(DecodeError::FrameTooLong)), &[0xFF, 0x00][..]));
}

#[test]
fn parts_come_between_characters() {
    let mut server = server(Version::Hybi00, &Config::new().delivery(Delivery::Parts).min_part(1));
    let (events, _) = take(&mut server, &mut BytesMut::from(&b"\x00a\xC3"[..]));
    let part =
        |bytes, first, last| Event::Part(Part { kind: MessageKind::Text, bytes: Bytes::from(bytes), first, last });
    assert_eq!(told(&events), told(&[part("a", true, false)]));
}

#[test]
fn nobody_is_pinged_or_expected_to_answer() {
    let mut server = server(Version::Hybi00, &Config::new().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    for second in 0..100 {
        server.handle_timeout(Duration::from_secs(second), &mut output).unwrap();
    }
    assert!(output.is_empty() && server.poll_timeout().is_none());
}

/// Servers of 2010 close the transport instead of a Close of their own.
#[test]
fn end_of_stream_after_our_close_is_clean_in_the_oldest_versions() {
    for version in [Version::Hixie75, Version::Hybi00] {
        for mut end in [client(version), server(version, &Config::new())] {
            end.close(None, &mut BytesMut::new()).unwrap();
            assert_eq!(end.receive_eof(), Ok(()));
            assert_eq!((end.state(), end.close_code()), (State::Closed, Some(CloseCode::NO_STATUS)));
            let (events, output) = take(&mut end, &mut BytesMut::from(&b"\x00after the end\xFF"[..]));
            assert!(events.is_empty() && output.is_empty());
        }
    }
}

#[test]
fn end_of_stream_is_abnormal_before_our_close_and_in_the_newer_versions() {
    for version in [Version::Hixie75, Version::Hybi00, Version::Hybi10, Version::Rfc6455] {
        for closes in [false, true] {
            if closes && !version.has_length_framing() {
                continue;
            }
            let mut client = client(version);
            if closes {
                client.close(None, &mut BytesMut::new()).unwrap();
            }
            assert_eq!(client.receive_eof(), Err(Error::UnexpectedEof), "{version}");
            assert_eq!((client.state(), client.close_code()), (State::Closed, Some(CloseCode::ABNORMAL)));
        }
    }
}

#[test]
fn end_of_stream_does_not_mend_a_failure() {
    let mut server = server(Version::Hybi00, &Config::new().limits(Limits::new(3)));
    server.close(None, &mut BytesMut::new()).unwrap();
    assert!(drain(&mut server, &mut BytesMut::from(&b"\x00four"[..])).1.is_err());
    assert_eq!(server.receive_eof(), Ok(()), "the failure was told");
    assert_eq!(server.close_code(), Some(CloseCode::ABNORMAL));
}
