//! Text is read without a second check, so invalid UTF-8 must never become text.
//!
//! Each payload fills its block of the heap, and each text is read to its end. `.ci/unsafe` runs these tests under valgrind,
//! which reports a read after an incomplete character at the end of a block.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::str;

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{Assembler, Close, Decoder, Frame, Limits, Message, OpCode, Utf8Bytes};

use common::{KEY, client, drain, encode_unchecked, server};

const TEXTS: [&str; 6] = ["a", "é", "€", "😀", "\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}", "grüß 😀 dich"];
const BAD: [&[u8]; 6] =
    [b"\xC0\x80", b"\xE0\x80\x80", b"\xED\xA0\x80", b"\xF4\x90\x80\x80", b"\xF8\x80\x80\x80\x80", b"a\xFF"];

/// Calls `check` with every prefix of every text, and with invalid bytes.
fn each(check: impl Fn(&[u8])) {
    for text in TEXTS {
        for end in 0..=text.len() {
            check(&text.as_bytes()[..end]);
        }
    }
    BAD.into_iter().for_each(check);
}

/// Returns the bytes in a heap block of exactly their length.
fn block(bytes: &[u8]) -> Bytes {
    Bytes::from(bytes.to_vec().into_boxed_slice())
}

/// Checks that `text` is `bytes` if they are valid UTF-8, and `None` otherwise.
fn check_text(bytes: &[u8], text: Option<&Utf8Bytes>) {
    let read: Option<String> = text.map(|text| text.chars().collect());
    assert_eq!(read.as_deref(), str::from_utf8(bytes).ok(), "{bytes:02x?}");
}

fn check_message(bytes: &[u8], message: Option<Message>) {
    match message {
        Some(Message::Text(text)) => check_text(bytes, Some(&text)),
        other => {
            assert_eq!(other, None);
            check_text(bytes, None);
        }
    }
}

fn join(frames: impl IntoIterator<Item = Frame>) -> Option<Message> {
    let mut assembler = Assembler::new(Limits::default());
    frames.into_iter().find_map(|frame| assembler.push(frame).transpose()).and_then(Result::ok)
}

/// Returns the frames of a text message with these payloads.
fn frames(payloads: &[&[u8]]) -> Vec<Frame> {
    let frame = |(at, payload): (usize, &&[u8])| {
        let opcode = if at == 0 { OpCode::Text } else { OpCode::Continuation };
        Frame::new(opcode, block(payload)).with_fin(at + 1 == payloads.len())
    };
    payloads.iter().enumerate().map(frame).collect()
}

#[test]
fn converted_bytes_are_valid() {
    each(|bytes| check_text(bytes, Utf8Bytes::try_from(block(bytes)).ok().as_ref()));
}

#[test]
fn assembled_frames_are_valid() {
    each(|bytes| {
        check_message(bytes, join(frames(&[bytes])));
        for cut in 0..=bytes.len() {
            let (start, rest) = bytes.split_at(cut);
            check_message(bytes, join(frames(&[start, rest])));
        }
    });
}

#[test]
fn decoded_frames_are_valid() {
    each(|bytes| {
        for cut in 0..=bytes.len() {
            let (start, rest) = bytes.split_at(cut);
            for payloads in [&[bytes][..], &[start, rest]] {
                for (mut decoder, key) in [(client(), None), (server(), Some(KEY))] {
                    let wire: Vec<u8> =
                        frames(payloads).iter().flat_map(|frame| encode_unchecked(frame, key)).collect();
                    let (decoded, _) = drain(&mut decoder, &mut BytesMut::from(block(&wire)));
                    check_message(bytes, join(decoded));
                }
            }
        }
    });
}

#[test]
fn decoded_and_changed_frames_are_valid() {
    each(|bytes| {
        // The decoder accepts an incomplete character at the end, because FIN is not set. Then the test sets FIN.
        let wire = encode_unchecked(&Frame::new(OpCode::Text, block(bytes)).with_fin(false), None);
        let (decoded, _) = drain(&mut client(), &mut BytesMut::from(block(&wire)));
        check_message(bytes, join(decoded.into_iter().map(|frame| frame.with_fin(true))));
    });
}

/// The caller may change the input between two calls.
#[test]
fn text_is_valid_if_the_input_changes_between_calls() {
    let changes: [fn(&mut BytesMut); 4] = [
        BytesMut::clear,
        |input| input.truncate(1),
        |input| input.fill(0xA9),
        |input| input.iter_mut().rev().take(1).for_each(|last| *last = 0xC3),
    ];
    let end_of_a_character = [&b"\xA9"[..], &[b'y'; 200]].concat();
    let more: [[&[u8]; 5]; 3] = [
        [b"", b"", &end_of_a_character, &[b'z'; 40_000], &[b'z'; 40_000]],
        [b"", b"", b"\xA9", &[b'z'; 40_000], &[b'z'; 40_000]],
        [b"", b"", &[b'y'; 200], &[b'z'; 40_000], &[b'z'; 40_000]],
    ];
    let check_frame = |payload: &[u8], text: Option<&str>| assert_eq!(text, str::from_utf8(payload).ok());
    each(|bytes| {
        for (len, arrived) in [(200, 0), (200, 50), (70_000, 0), (70_000, 20_000), (70_000, 40_000)] {
            let wire = encode_unchecked(&Frame::text("x".repeat(len)), None);
            let first = [&wire[..wire.len() - len + arrived], bytes].concat();
            for (change, more) in changes.iter().flat_map(|change| more.map(|more| (change, more))) {
                let (mut decoder, mut lending) = (client(), client());
                let (mut input, mut lent) = (BytesMut::from(&first[..]), BytesMut::from(&first[..]));
                for more in more {
                    input.extend_from_slice(more);
                    lent.extend_from_slice(more);
                    if let Ok(Some(frame)) = decoder.decode(&mut input) {
                        check_frame(frame.payload(), frame.as_text());
                        check_message(&frame.payload().clone(), join([frame]));
                    }
                    let mut rest = &mut lent[..];
                    if let Ok(Some(frame)) = lending.decode_lent(&mut rest) {
                        check_frame(frame.payload(), frame.as_text());
                    }
                    lent = BytesMut::from(&*rest);
                    if more.is_empty() {
                        change(&mut input);
                        change(&mut lent);
                    }
                }
            }
        }
    });
}

/// In hybi-00, invalid UTF-8 is replaced, and `FF` is the end.
#[test]
fn hybi_00_text_is_valid() {
    each(|bytes| {
        let text = bytes.split(|&byte| byte == 0xFF).next().unwrap_or_default();
        let mut decoder = Decoder::new(Role::Client).version(Version::Hybi00);
        let (decoded, _) = drain(&mut decoder, &mut BytesMut::from(block(&[b"\0", text, b"\xFF"].concat())));
        check_message(String::from_utf8_lossy(text).as_bytes(), join(decoded));
    });
}

#[test]
fn close_reason_is_valid() {
    each(|bytes| {
        let close = Close::parse(&block(&[b"\x03\xE8", bytes].concat()));
        check_text(bytes, close.ok().flatten().map(|close| close.reason).as_ref());
    });
}
