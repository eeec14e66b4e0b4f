//! A transport that reads into the payload's memory gives the same frames as one that reads into the input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::{BufMut, BytesMut};
use protocol_websocket_core::Version;
use protocol_websocket_frame::{DecodeError, Decoder, Delivery, Frame, MaskKey};

use common::{KEY, Outcome, client, decode, encode, server};

/// Decodes `wire` with reads of at most `len` bytes after the first `start` bytes. Reads into the payload's memory where the
/// decoder returns it. Also returns the number of bytes that were read into it.
fn read(mut decoder: Decoder, start: usize, wire: &[u8], len: usize) -> (Outcome, usize) {
    let (mut input, mut rest, mut frames, mut direct) = (BytesMut::from(&wire[..start]), &wire[start..], Vec::new(), 0);
    loop {
        match decoder.decode(&mut input) {
            Ok(Some(frame)) => {
                frames.push(frame);
                continue;
            }
            Ok(None) if rest.is_empty() => return ((frames, Ok(())), direct),
            Ok(None) => {}
            Err(error) => return ((frames, Err(error)), direct),
        }
        let len = len.min(rest.len());
        match decoder.payload_buffer() {
            Some(mut buffer) => {
                let len = len.min(buffer.remaining_mut());
                assert!(len > 0);
                buffer.put_slice(&rest[..len]);
                rest = &rest[len..];
                direct += len;
            }
            None => {
                input.extend_from_slice(&rest[..len]);
                rest = &rest[len..];
            }
        }
    }
}

fn cases() -> [(Decoder, Option<MaskKey>); 2] {
    [(client(), None), (server(), Some(KEY))]
}

#[test]
fn frames_are_the_same_at_every_cut() {
    let frames = [Frame::text("grüß dich ".repeat(9_000)), Frame::ping("next")];
    for (decoder, key) in cases() {
        let wire = encode(&frames, key);
        let header = if key.is_some() { 14 } else { 10 };
        let cuts = (0..30).chain([1000, 4096, 10_001, 33_333, 34_000, 40_000, wire.len() - 1, wire.len()]);
        for start in cuts {
            for len in [1999, 65_536] {
                let (outcome, direct) = read(decoder.clone(), start, &wire, len);
                assert_eq!(outcome, (frames.to_vec(), Ok(())), "{start} bytes, then reads of {len}");
                // The last 64 KiB go through the input.
                assert_eq!(
                    direct > 0,
                    start < 42_000 && (start >= header || len == 1999),
                    "{start} bytes, then reads of {len}"
                );
                assert_eq!(outcome.0[0].as_text(), frames[0].as_text());
            }
        }
    }
}

#[test]
fn invalid_text_is_rejected_at_its_first_byte() {
    for (decoder, key) in cases() {
        for at in [5, 20_000, 99_999] {
            let mut payload = vec![b'x'; 100_000];
            payload[at] = 0xFF;
            let wire = encode(&[Frame::text("").with_payload(payload)], key);
            let (outcome, _) = read(decoder.clone(), 20, &wire, 10_000);
            assert_eq!(outcome, (vec![], Err(DecodeError::InvalidUtf8)));
        }
    }
}

#[test]
fn payload_buffer_is_none_without_a_long_payload_in_progress() {
    let long = encode(&[Frame::binary(vec![7; 100_000])], None);
    let mut decoder = client();
    assert!(decoder.payload_buffer().is_none(), "between two frames");
    assert_eq!(decoder.decode(&mut BytesMut::from(&long[..5])), Ok(None));
    assert!(decoder.payload_buffer().is_none(), "inside a header");
    assert_eq!(decoder.decode(&mut BytesMut::from(&long[5..11])), Ok(None));
    assert!(decoder.payload_buffer().is_some());
    assert_eq!(decoder.decode(&mut BytesMut::from(&long[11..40_000])), Ok(None));
    assert!(decoder.payload_buffer().is_none(), "less than 64 KiB are missing");

    let mut in_parts = client().delivery(Delivery::Parts);
    assert_eq!(in_parts.decode(&mut BytesMut::from(&long[..100])), Ok(None));
    assert!(in_parts.payload_buffer().is_none(), "parts are returned as they arrive");
    let mut hybi_00 = client().version(Version::Hybi00);
    assert_eq!(hybi_00.decode(&mut BytesMut::from(&b"\x00text"[..])), Ok(None));
    assert!(hybi_00.payload_buffer().is_none(), "the length is not known");
    let mut failed = client();
    assert!(failed.decode(&mut BytesMut::from(&b"\x83\x00"[..])).is_err());
    assert!(failed.payload_buffer().is_none());
}

#[test]
fn payload_buffer_is_bounded_by_arrived_and_missing_bytes() {
    let wire = encode(&[Frame::binary(vec![7; 200_000])], None);
    for (arrived, times) in [(1, 1), (4000, 1), (5000, 1), (32_767, 1), (32_768, 3), (50_000, 3), (120_000, 3)] {
        let mut decoder = client();
        assert_eq!(decoder.decode(&mut BytesMut::from(&wire[..10 + arrived])), Ok(None));
        let room = decoder.payload_buffer().unwrap().remaining_mut();
        let most = (times * arrived).max(4096).min(200_000 - arrived);
        assert!((4096..=most).contains(&room), "{room} bytes of room after {arrived}");
    }
}

#[test]
fn reads_into_input_and_into_the_payload_can_be_mixed() {
    let frame = Frame::text("grüß dich ".repeat(20_000));
    let wire = encode(std::slice::from_ref(&frame), Some(KEY));
    let (mut decoder, mut input, mut rest, mut nth) = (server(), BytesMut::new(), &wire[..], 0);
    let decoded = loop {
        let (next, after) = rest.split_at(rest.len().min(3001));
        match decoder.payload_buffer() {
            Some(mut buffer) if nth % 3 == 0 => buffer.put_slice(next),
            _ => input.extend_from_slice(next),
        }
        (rest, nth) = (after, nth + 1);
        if let Some(frame) = decoder.decode(&mut input).unwrap() {
            break frame;
        }
    };
    assert_eq!((&decoded, rest.len()), (&frame, 0));
    assert_eq!(decode(server(), [&wire]).0, [decoded]);
}
