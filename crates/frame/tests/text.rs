//! Text (RFC 6455 §8.1) and the reason of a Close (§5.5.1) are rejected at their first invalid byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::slice;

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_frame::{CloseCode, DecodeError, Decoder, Delivery, Frame, MaskKey, OpCode};

use common::{KEY, client, decode, encode, encode_unchecked, server};

/// Invalid UTF-8, and the offset of its first invalid byte.
const BAD: &[(&[u8], usize)] = &[
    (b"\x80", 0),
    (b"ab\xFFcd", 2),
    (b"\xC0\x80", 0),
    (b"\xC3\x28", 1),
    (b"\xE0\x80\x80", 1),
    (b"\xE2\x82\x28", 2),
    (b"\xED\xA0\x80", 1),
    (b"\xF0\x80\x80\x80", 1),
    (b"\xF0\x9F\x98\x28", 3),
    (b"\xF4\x90\x80\x80", 1),
    (b"\xF5\x80\x80\x80", 0),
];

fn text(payload: &[u8]) -> Frame {
    Frame::new(OpCode::Text, payload.to_vec())
}

fn close(payload: &[u8]) -> Frame {
    Frame::new(OpCode::Close, payload.to_vec())
}

/// Decodes `wire` byte by byte. Returns the offset of the byte that is rejected as invalid UTF-8.
fn rejected_after(mut decoder: Decoder, wire: &[u8]) -> Option<usize> {
    let mut input = BytesMut::new();
    for (at, &byte) in wire.iter().enumerate() {
        input.extend_from_slice(&[byte]);
        match decoder.decode(&mut input) {
            Ok(_) => {}
            Err(DecodeError::InvalidUtf8) => return Some(at),
            Err(error) => unreachable!("{error}"),
        }
    }
    None
}

fn every_decoder() -> [(Decoder, Option<MaskKey>); 4] {
    let parts = |decoder: Decoder| decoder.delivery(Delivery::Parts).min_part(1);
    [(client(), None), (server(), Some(KEY)), (parts(client()), None), (parts(server()), Some(KEY))]
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-8.1
//# When an endpoint is to interpret a byte stream as UTF-8
#[test]
fn rejects_text_at_its_first_invalid_byte() {
    for (decoder, mask) in every_decoder() {
        let header_len = if mask.is_some() { 6 } else { 2 };
        for &(bad, at) in BAD {
            let wire = encode(&[text(&[b"text", bad, b"more"].concat())], mask);
            assert_eq!(rejected_after(decoder.clone(), &wire), Some(header_len + 4 + at), "{bad:02x?}");
            assert_eq!(decode(decoder.clone(), [wire]), (vec![], Err(DecodeError::InvalidUtf8)));
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.6
//# the whole message MUST contain valid UTF-8.
#[test]
fn text_is_checked_across_fragments_and_control_frames() {
    for (decoder, mask) in every_decoder() {
        let header_len = if mask.is_some() { 6 } else { 2 };
        for &(bad, at) in BAD.iter().filter(|(_, at)| *at > 0) {
            // Split before the invalid byte: each half alone can be text.
            let (start, rest) = bad.split_at(at);
            let before = [text(start).with_fin(false), Frame::ping("?"), Frame::continuation("").with_fin(false)];
            let sent = encode(&before, mask);
            let wire = [&sent[..], &encode(&[Frame::continuation(rest.to_vec())], mask)].concat();
            assert_eq!(rejected_after(decoder.clone(), &wire), Some(sent.len() + header_len), "{bad:02x?}");
        }
    }
}

#[test]
fn character_may_be_split_at_any_byte() {
    let smile = "a😀é".as_bytes();
    for (decoder, mask) in every_decoder() {
        for at in 0..=smile.len() {
            let (start, rest) = smile.split_at(at);
            let frames = [text(start).with_fin(false), Frame::ping("?"), Frame::continuation(rest.to_vec())];
            assert_eq!(rejected_after(decoder.clone(), &encode(&frames, mask)), None);
        }
    }
}

#[test]
fn rejects_text_that_ends_inside_a_character() {
    for (decoder, mask) in every_decoder() {
        for cut in ["é", "€", "😀"].map(|whole| &whole.as_bytes()[..whole.len() - 1]) {
            let end = Err(DecodeError::InvalidUtf8);
            assert_eq!(decode(decoder.clone(), [encode(&[text(cut)], mask)]), (vec![], end));
            let frames = [text(cut).with_fin(false), Frame::continuation("")];
            assert_eq!(decode(decoder.clone(), [encode(&frames, mask)]), (vec![frames[0].clone()], end));
        }
    }
}

/// Checked bytes are not in the input, so the caller cannot change them.
#[test]
fn incomplete_text_is_out_of_reach_of_the_caller() {
    for (decoder, mask) in every_decoder() {
        let mut decoder = decoder.min_part(u16::MAX);
        let (mut input, mut frames, payload) = (BytesMut::new(), Vec::new(), "grüß dich".as_bytes());
        for &byte in &encode(&[text(payload)], mask)[..] {
            input.extend_from_slice(&[byte]);
            frames.extend(decoder.decode(&mut input).unwrap());
            assert!(input.len() < 6, "only a header may be left in the input");
        }
        assert_eq!(frames, [text(payload)]);
        assert_eq!(frames[0].as_text(), Some("grüß dich"));
    }
}

#[test]
fn each_text_message_is_checked_alone() {
    let frames = [text(b"\xC3").with_fin(false), Frame::continuation(&b"\xA9"[..]), text(b"x"), text("é".as_bytes())];
    assert_eq!(decode(client(), [encode(&frames, None)]), (frames.to_vec(), Ok(())));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
//# the endpoint MUST note the /type/ of the data as defined by the opcode
#[test]
fn binary_and_control_payloads_may_be_invalid_utf8() {
    let invalid = &b"\xFF\xFE\xC3"[..];
    let frames = [
        Frame::binary(invalid),
        Frame::binary(invalid).with_fin(false),
        Frame::ping(invalid),
        Frame::pong(invalid),
        Frame::continuation(invalid),
        Frame::text("é"),
    ];
    assert_eq!(decode(client(), [encode(&frames, None)]), (frames.to_vec(), Ok(())));
}

#[test]
fn control_frame_does_not_interrupt_a_character() {
    let frames = [text(b"\xC3").with_fin(false), close(b"\x03\xE8\xC3\xA9"), Frame::continuation(&b"\xA9"[..])];
    assert_eq!(decode(client(), [encode(&frames, None)]), (frames.to_vec(), Ok(())));
}

#[test]
fn rejects_close_of_one_byte_from_its_header() {
    assert_eq!(decode(client(), [b"\x88\x01"]).1, Err(DecodeError::CloseTooShort));
    assert_eq!(decode(server(), [b"\x88\x81\x01\x02\x03\x04"]).1, Err(DecodeError::CloseTooShort));
    for good in [close(b""), close(b"\x03\xE8"), close(b"\x03\xE8bye")] {
        assert_eq!(decode(client(), [encode(slice::from_ref(&good), None)]), (vec![good], Ok(())));
    }
}

#[test]
fn rejects_invalid_close_code_before_the_reason() {
    for code in 0..=u16::MAX {
        let wire = encode_unchecked(&close(&[&code.to_be_bytes()[..], b"reason"].concat()), None);
        let good = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let expected = if good { Ok(()) } else { Err(DecodeError::CloseCode(code)) };
        assert_eq!(decode(client(), [&wire[..4]]).1, expected);
    }
    let wire = encode_unchecked(&close(b"\x00\x00reason"), Some(KEY));
    assert_eq!(decode(server(), [&wire[..8]]).1, Err(DecodeError::CloseCode(0)));
}

#[test]
fn rejects_close_reason_at_its_first_invalid_byte() {
    for (decoder, mask) in every_decoder() {
        let header_len = if mask.is_some() { 6 } else { 2 };
        for &(bad, at) in BAD {
            let wire = encode_unchecked(&close(&[b"\x03\xE8why", bad, b"more"].concat()), mask);
            assert_eq!(rejected_after(decoder.clone(), &wire), Some(header_len + 5 + at), "{bad:02x?}");
        }
        let cut = encode_unchecked(&close(b"\x03\xE8\xE2\x82"), mask);
        assert_eq!(rejected_after(decoder, &cut), Some(header_len + 3));
    }
}

/// Overwrites the input after each call. A decoder that read it again would find other bytes.
#[test]
fn incomplete_close_is_out_of_reach_of_the_caller() {
    for (mut decoder, mask) in every_decoder() {
        let wire = encode(&[close(&[b"\x03\xE8", "grüß dich, auf Wiedersehen".as_bytes()].concat())], mask);
        let mut input = BytesMut::new();
        let (code_ends, last) = (if mask.is_some() { 8 } else { 4 }, wire.len() - 1);
        for (at, &byte) in wire[..last].iter().enumerate() {
            input.extend_from_slice(&[byte]);
            assert_eq!(decoder.decode(&mut input), Ok(None), "byte {at}");
            if at + 1 >= code_ends {
                input.fill(0xFF);
            }
        }
        input.extend_from_slice(&wire[last..]);
        assert!(decoder.decode(&mut input).unwrap().is_some());
    }
}

#[test]
fn close_code_depends_on_the_error() {
    for (wire, code) in [
        (&b"\x81\x01\xFF"[..], CloseCode::INVALID_PAYLOAD_DATA),
        (b"\x88\x03\x03\xE8\xFF", CloseCode::INVALID_PAYLOAD_DATA),
        (b"\x88\x02\x03\xED", CloseCode::PROTOCOL_ERROR),
        (b"\x83\x00", CloseCode::PROTOCOL_ERROR),
        (b"\x82\x7F\x7F\0\0\0\0\0\0\0", CloseCode::MESSAGE_TOO_BIG),
    ] {
        assert_eq!(decode(client(), [wire]).1.unwrap_err().close_code(), code);
    }
}

proptest! {
    #[test]
    fn rejects_any_bytes_where_the_standard_library_does(start: String, random: Vec<u8>, masked: bool) {
        let payload = [start.as_bytes(), &random].concat();
        let mask = masked.then_some(KEY);
        let wire = encode(&[text(&payload)], mask);
        let header_len = wire.len() - payload.len();
        let expected = std::str::from_utf8(&payload).err().map(|error| {
            // The first byte after the longest valid beginning.
            let good = error.valid_up_to();
            (good..payload.len()).find(|&at| {
                std::str::from_utf8(&payload[good..=at]).is_err_and(|error| error.error_len().is_some())
            }).unwrap_or(payload.len() - 1)
        });
        let decoder = if masked { server() } else { client() };
        prop_assert_eq!(rejected_after(decoder, &wire), expected.map(|at| header_len + at));
    }
}
