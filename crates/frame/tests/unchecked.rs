//! Text is read without being checked again, so nothing may become text that is none, however it came to be.
//!
//! Each payload here fills a block of the heap to its last byte, and each text is read to its end: under valgrind, where
//! `.ci/unsafe` runs this, half a character at the end is seen to be read beyond it.
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

/// Every text with every place where it may be broken off, and bytes that never were one.
fn each(check: impl Fn(&[u8])) {
    for text in TEXTS {
        for end in 0..=text.len() {
            check(&text.as_bytes()[..end]);
        }
    }
    BAD.into_iter().for_each(check);
}

/// The bytes, at the end of their block.
fn block(bytes: &[u8]) -> Bytes {
    Bytes::from(bytes.to_vec().into_boxed_slice())
}

/// What is read where text was made of `bytes`: themselves if they are text, and nothing was made otherwise.
fn judge(bytes: &[u8], made: Option<&Utf8Bytes>) {
    let read: Option<String> = made.map(|text| text.chars().collect());
    assert_eq!(read.as_deref(), str::from_utf8(bytes).ok(), "{bytes:02x?}");
}

fn judge_message(bytes: &[u8], message: Option<Message>) {
    match message {
        Some(Message::Text(text)) => judge(bytes, Some(&text)),
        other => {
            assert_eq!(other, None);
            judge(bytes, None);
        }
    }
}

fn join(frames: impl IntoIterator<Item = Frame>) -> Option<Message> {
    let mut assembler = Assembler::new(Limits::default());
    frames.into_iter().find_map(|frame| assembler.push(frame).transpose()).and_then(Result::ok)
}

/// The frames of a message of these payloads.
fn frames(payloads: &[&[u8]]) -> Vec<Frame> {
    let frame = |(at, payload): (usize, &&[u8])| {
        let opcode = if at == 0 { OpCode::Text } else { OpCode::Continuation };
        Frame::new(opcode, block(payload)).with_fin(at + 1 == payloads.len())
    };
    payloads.iter().enumerate().map(frame).collect()
}

#[test]
fn bytes_that_are_taken_as_text() {
    each(|bytes| judge(bytes, Utf8Bytes::try_from(block(bytes)).ok().as_ref()));
}

#[test]
fn frames_of_no_decoder() {
    each(|bytes| {
        judge_message(bytes, join(frames(&[bytes])));
        for cut in 0..=bytes.len() {
            let (head, rest) = bytes.split_at(cut);
            judge_message(bytes, join(frames(&[head, rest])));
        }
    });
}

#[test]
fn frames_that_were_decoded() {
    each(|bytes| {
        for cut in 0..=bytes.len() {
            let (head, rest) = bytes.split_at(cut);
            for payloads in [&[bytes][..], &[head, rest]] {
                for (mut decoder, key) in [(client(), None), (server(), Some(KEY))] {
                    let wire: Vec<u8> =
                        frames(payloads).iter().flat_map(|frame| encode_unchecked(frame, key)).collect();
                    let (decoded, _) = drain(&mut decoder, &mut BytesMut::from(block(&wire)));
                    judge_message(bytes, join(decoded));
                }
            }
        }
    });
}

#[test]
fn frames_that_were_decoded_and_changed() {
    each(|bytes| {
        // The decoder passes the beginning of a character where more is to come, and then no more comes.
        let wire = encode_unchecked(&Frame::new(OpCode::Text, block(bytes)).with_fin(false), None);
        let (decoded, _) = drain(&mut client(), &mut BytesMut::from(block(&wire)));
        judge_message(bytes, join(decoded.into_iter().map(|frame| frame.with_fin(true))));
    });
}

/// What waits in the input is the caller's, who has no business with it and may do anything.
#[test]
fn frames_that_were_changed_while_they_waited() {
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
    let judge_frame = |payload: &[u8], text: Option<&str>| assert_eq!(text, str::from_utf8(payload).ok());
    each(|bytes| {
        for (len, waiting) in [(200, 0), (200, 50), (70_000, 0), (70_000, 20_000), (70_000, 40_000)] {
            let wire = encode_unchecked(&Frame::text("x".repeat(len)), None);
            let first = [&wire[..wire.len() - len + waiting], bytes].concat();
            for (change, more) in changes.iter().flat_map(|change| more.map(|more| (change, more))) {
                let (mut decoder, mut lending) = (client(), client().lending());
                let (mut input, mut lent) = (BytesMut::from(&first[..]), BytesMut::from(&first[..]));
                for more in more {
                    input.extend_from_slice(more);
                    lent.extend_from_slice(more);
                    if let Ok(Some(frame)) = decoder.decode(&mut input) {
                        judge_frame(frame.payload(), frame.as_text());
                        judge_message(&frame.payload().clone(), join([frame]));
                    }
                    let mut rest = &mut lent[..];
                    if let Ok(Some(frame)) = lending.decode(&mut rest) {
                        judge_frame(frame.payload(), frame.as_text());
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

/// There, what is no text is replaced, and `FF` is the end.
#[test]
fn text_of_a_draft() {
    each(|bytes| {
        let text = bytes.split(|&byte| byte == 0xFF).next().unwrap_or_default();
        let mut decoder = Decoder::new(Role::Client).version(Version::Hybi00);
        let (decoded, _) = drain(&mut decoder, &mut BytesMut::from(block(&[b"\0", text, b"\xFF"].concat())));
        judge_message(String::from_utf8_lossy(text).as_bytes(), join(decoded));
    });
}

#[test]
fn the_reason_of_a_close() {
    each(|bytes| {
        let close = Close::parse(&block(&[b"\x03\xE8", bytes].concat()));
        judge(bytes, close.ok().flatten().map(|close| close.reason).as_ref());
    });
}
