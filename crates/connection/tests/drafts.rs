//! Connections of hybi-00 and hixie-75, whose frames end with a sentinel byte and have no length.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use common::{close_code, receive_all, receive_valid, text_part};
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Delivery, Error, Event, Frame, Limits, Message, Negotiated, SendError, State,
    Timeouts, Version,
};
use protocol_websocket_frame::{DecodeError, EncodeError};

fn server(version: Version, config: &Config) -> Connection {
    Connection::open_server(&Negotiated::default().version(version), config)
}

fn client(version: Version) -> Connection {
    Connection::open_client(&Negotiated::default().version(version), Config::new(), |key: &mut [u8]| key.fill(7))
}

#[test]
fn text_is_sent_unmasked_in_both_directions() {
    for version in [Version::Hixie75, Version::Hybi00] {
        let (mut client, mut server) = (client(version), server(version, &Config::new()));
        let mut wire = BytesMut::new();
        client.send("Größe", &mut wire).unwrap();
        assert_eq!(wire[..], *b"\x00Gr\xC3\xB6\xC3\x9Fe\xFF");
        let (events, mut output) = receive_valid(&mut server, &mut wire);
        assert_eq!(events, [Event::Message("Größe".into())]);
        assert_eq!(server.send_shared("back", &mut output), Ok(None));
        assert_eq!(output[..], *b"\x00back\xFF");
    }
}

#[test]
fn rejects_frames_that_version_lacks() {
    let mut server = server(Version::Hybi00, &Config::new());
    let mut output = BytesMut::new();
    let unsupported = Err(SendError::Encode(EncodeError::Unsupported));
    assert_eq!(server.send(Message::Binary(Bytes::new()), &mut output), unsupported);
    assert_eq!(server.ping("x", &mut output), unsupported);
    let part = |first, last| text_part("x", first, last);
    assert_eq!(server.send_part(part(true, false), &mut output), unsupported);
    assert_eq!(server.send_frame(&Frame::text("x").with_fin(false), &mut output), unsupported);
    assert_eq!((server.state(), output.len()), (State::Open, 0));
    server.send_frame(&Frame::text("x"), &mut output).unwrap();
    server.send("x", &mut output).unwrap();
    server.send_part(part(true, true), &mut output).unwrap();
    assert_eq!(output[..], *b"\x00x\xFF\x00x\xFF\x00x\xFF", "a rejected frame changes nothing");
}

#[test]
fn close_is_sent_without_code() {
    let (mut client, mut server) = (client(Version::Hybi00), server(Version::Hybi00, &Config::new()));
    let mut wire = BytesMut::new();
    client.close(Close::new(1000, "bye"), &mut wire).unwrap();
    assert_eq!(wire[..], [0xFF, 0x00]);
    wire.extend_from_slice(b"\x00after\xFF");
    let (events, mut output) = receive_valid(&mut server, &mut wire);
    assert_eq!((&events[..], &output[..]), (&[Event::Close(None)][..], &[0xFF, 0x00][..]));
    receive_valid(&mut client, &mut output);
    assert_eq!((client.state(), server.state()), (State::Closed, State::Closed));
}

#[test]
fn failure_is_reported_by_close_without_code() {
    let mut server = server(Version::Hybi00, &Config::new().limits(Limits::new(3)));
    let (_, end, output) = receive_all(&mut server, &mut BytesMut::from(&b"\x00four"[..]));
    assert_eq!((end, &output[..]), (Err(Error::Decode(DecodeError::FrameTooLong)), &[0xFF, 0x00][..]));
}

#[test]
fn part_of_text_ends_at_the_end_of_a_character() {
    let mut server = server(Version::Hybi00, &Config::new().delivery(Delivery::Parts).min_part(1));
    let (events, _) = receive_valid(&mut server, &mut BytesMut::from(&b"\x00a\xC3"[..]));
    assert_eq!(events, [Event::Part(text_part("a", true, false))]);
}

#[test]
fn sends_no_pings_and_expects_no_pongs() {
    let mut server = server(Version::Hybi00, &Config::new().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    for second in 0..100 {
        server.handle_timeout(Duration::from_secs(second), &mut output).unwrap();
    }
    assert!(output.is_empty() && server.poll_timeout().is_none());
}

/// Servers of 2010 close the transport instead of sending a Close.
#[test]
fn end_of_stream_after_our_close_is_clean_in_the_oldest_versions() {
    for version in [Version::Hixie75, Version::Hybi00] {
        for mut end in [client(version), server(version, &Config::new())] {
            end.close(None, &mut BytesMut::new()).unwrap();
            assert_eq!(end.receive_eof(), Ok(()));
            assert_eq!((end.state(), close_code(&end)), (State::Closed, Some(CloseCode::NO_STATUS)));
            let (events, output) = receive_valid(&mut end, &mut BytesMut::from(&b"\x00after the end\xFF"[..]));
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
            assert_eq!((client.state(), close_code(&client)), (State::Closed, Some(CloseCode::ABNORMAL)));
        }
    }
}

#[test]
fn end_of_stream_does_not_clear_failure() {
    let mut server = server(Version::Hybi00, &Config::new().limits(Limits::new(3)));
    server.close(None, &mut BytesMut::new()).unwrap();
    assert!(receive_all(&mut server, &mut BytesMut::from(&b"\x00four"[..])).1.is_err());
    assert_eq!(server.receive_eof(), Ok(()), "the failure was returned before");
    assert_eq!(close_code(&server), Some(CloseCode::ABNORMAL));
}
