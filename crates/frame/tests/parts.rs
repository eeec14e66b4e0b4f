//! `Delivery::Parts`: the parts of a message are its bytes, and every rule is checked.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::slice;

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{
    Assembler, DecodeError, Decoder, Delivery, Frame, FrameHeader, Limits, MessageKind, OpCode, Part, Rsv, mask,
};

use common::{KEY, client, decode, encode, server};

fn in_parts(decoder: Decoder) -> Decoder {
    decoder.delivery(Delivery::Parts).min_part(1)
}

/// Decodes `pieces` and returns the parts of the messages in them.
fn parts<'a>(decoder: Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Part> {
    let mut assembler = Assembler::new(Limits::NONE);
    let (frames, end) = decode(in_parts(decoder), pieces);
    assert_eq!(end, Ok(()));
    frames.into_iter().filter_map(|frame| assembler.push_part(frame).unwrap()).collect()
}

fn joined(parts: &[Part]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.bytes.to_vec()).collect()
}

#[test]
fn parts_are_the_bytes_of_each_read() {
    let wire = encode(&[Frame::text("Hello, wörld")], Some(KEY));
    let pieces = [&wire[..6], &wire[6..7], &wire[7..13], &wire[13..15], &wire[15..]];
    let parts = parts(server(), pieces);
    let lens: Vec<usize> = parts.iter().map(|part| part.bytes.len()).collect();
    assert_eq!(lens, [1, 6, 2, 4]);
    assert_eq!(joined(&parts), "Hello, wörld".as_bytes());
}

#[test]
fn rest_of_a_payload_can_be_returned_whole() {
    for len in [100, 100_000] {
        let wire = encode(&[Frame::text("x".repeat(len))], None);
        let (start, rest) = wire.split_at(20);
        let (mut decoder, mut input) = (in_parts(client()), BytesMut::from(start));
        let first = decoder.decode(&mut input).unwrap().unwrap();
        assert_eq!((first.opcode(), first.fin()), (OpCode::Text, false));
        decoder = decoder.delivery(Delivery::Whole);
        input.extend_from_slice(&rest[..rest.len() / 2]);
        assert_eq!(decoder.decode(&mut input), Ok(None));
        input.extend_from_slice(&rest[rest.len() / 2..]);
        let left = "x".repeat(len - first.payload().len());
        assert_eq!(decoder.decode(&mut input), Ok(Some(Frame::continuation(left))));
    }
}

#[test]
fn first_and_last_part_are_marked() {
    for frames in [vec![Frame::text("abcd")], vec![Frame::text("ab").with_fin(false), Frame::continuation("cd")]] {
        let wire = encode(&frames, None);
        let parts = parts(client(), wire.chunks(1));
        let flags: Vec<_> = parts.iter().map(|part| (part.kind, part.first, part.last)).collect();
        let middle = (MessageKind::Text, false, false);
        assert_eq!(flags, [(MessageKind::Text, true, false), middle, middle, (MessageKind::Text, false, true)]);
        assert_eq!(joined(&parts), b"abcd");
    }
}

#[test]
fn complete_message_is_one_part() {
    for frame in [Frame::text("Hello"), Frame::binary("")] {
        let (frames, _) = decode(in_parts(server()), [encode(slice::from_ref(&frame), Some(KEY))]);
        assert_eq!(frames, [frame]);
    }
    let whole = parts(client(), [&b"\x82\x00"[..]]);
    assert_eq!(whole, [Part::new(MessageKind::Binary, "".into())]);
}

#[test]
fn header_alone_is_not_a_part() {
    assert_eq!(decode(in_parts(client()), [b"\x82\x05"]), (vec![], Ok(())));
}

#[test]
fn frame_in_pieces_is_returned_as_fragments() {
    let frame = Frame::binary("abc").with_rsv(Rsv::RSV1);
    let decoder = in_parts(client()).allow_rsv(Rsv::RSV1);
    let (frames, end) = decode(decoder, encode(&[frame], None).chunks(1));
    let first = Frame::binary("a").with_rsv(Rsv::RSV1).with_fin(false);
    assert_eq!(
        (frames, end),
        (vec![first, Frame::continuation("b").with_fin(false), Frame::continuation("c")], Ok(()))
    );
}

#[test]
fn control_frames_are_complete_between_parts() {
    let sent = [Frame::binary("ab").with_fin(false), Frame::ping("ping"), Frame::continuation("c")];
    let (frames, end) = decode(in_parts(client()), encode(&sent, None).chunks(1));
    let binary = Frame::binary("a").with_fin(false);
    let expected =
        vec![binary, Frame::continuation("b").with_fin(false), Frame::ping("ping"), Frame::continuation("c")];
    assert_eq!((frames, end), (expected, Ok(())));
}

#[test]
fn text_is_checked_before_a_part_is_returned() {
    let bad = Frame::new(OpCode::Text, &b"good\xC3\x28"[..]);
    let wire = encode(&[bad], Some(KEY));
    let (frames, end) = decode(in_parts(server()), [&wire[..10], &wire[10..]]);
    assert_eq!((frames, end), (vec![Frame::text("good").with_fin(false)], Err(DecodeError::InvalidUtf8)));
    // A part may end inside a character. The message must not.
    let (frames, end) = decode(in_parts(server()), [&wire[..11], &wire[11..]]);
    assert_eq!((frames.len(), end), (1, Err(DecodeError::InvalidUtf8)));
}

#[test]
fn short_reads_do_not_make_short_parts() {
    let frame = Frame::binary(vec![7; 100_000]);
    let mut decoder = client().delivery(Delivery::Parts);
    let mut input = BytesMut::new();
    let mut lens = Vec::new();
    for read in encode(&[frame], None).chunks(200) {
        input.extend_from_slice(read);
        while let Some(part) = decoder.decode(&mut input).unwrap() {
            lens.push(part.payload().len());
        }
        assert!(input.is_empty());
    }
    let (last, others) = lens.split_last().unwrap();
    let least = usize::from(Decoder::MIN_PART);
    assert!(others.iter().all(|len| (least..least + 200).contains(len)), "{others:?}");
    assert_eq!(last + others.iter().sum::<usize>(), 100_000);
}

#[test]
fn end_of_a_frame_is_returned_below_min_part() {
    let frames = [Frame::text("short").with_fin(false), Frame::ping("?"), Frame::continuation("and short")];
    for cut in [1, 3, 100] {
        let (received, end) = decode(client().delivery(Delivery::Parts), encode(&frames, None).chunks(cut));
        assert_eq!((&received[..], end), (&frames[..], Ok(())));
    }
}

#[test]
fn bytes_below_min_part_are_checked() {
    let wire = encode(&[Frame::new(OpCode::Text, [&b"good\xFF"[..], &[b'x'; 9000]].concat())], Some(KEY));
    // The masking key follows a length of 16 bits.
    let (start, bad) = (8, 8 + 5);
    let mut decoder = server().delivery(Delivery::Parts);
    let mut input = BytesMut::new();
    for &byte in &wire[..bad - 1] {
        input.extend_from_slice(&[byte]);
        assert_eq!(decoder.decode(&mut input), Ok(None));
    }
    input.extend_from_slice(&wire[bad - 1..bad]);
    assert_eq!(decoder.decode(&mut input), Err(DecodeError::InvalidUtf8), "at byte {bad}, after a header of {start}");
}

#[test]
fn hybi_00_parts_have_min_part_and_end_between_characters() {
    let text = "grüß dich ".repeat(1000);
    let wire = [b"\0", text.as_bytes(), b"\xFF"].concat();
    let (frames, end) = decode(client().version(Version::Hybi00).delivery(Delivery::Parts), wire.chunks(7));
    assert_eq!(end, Ok(()));
    let (last, others) = frames.split_last().unwrap();
    assert!(!others.is_empty() && others.iter().all(|part| part.payload().len() >= 4096 && part.as_text().is_some()));
    assert!(last.fin() && last.as_text().is_some());
    assert_eq!(frames.iter().map(|part| part.as_text().unwrap()).collect::<String>(), text);
}

proptest! {
    #[test]
    fn number_of_parts_is_bounded_by_frames_and_length(
        lens in vec(prop_oneof![0_usize..10, 0_usize..20_000], 1..6),
        reads in vec(prop_oneof![1_usize..10, 1_usize..9000], 1..5),
        min_part in prop_oneof![Just(0), 1_u16..200, Just(Decoder::MIN_PART), any::<u16>()],
        is_masked: bool,
    ) {
        let frame = |(nth, &len): (usize, &usize)| {
            let text = "ü".repeat(len / 2);
            let frame = if nth == 0 { Frame::text(text) } else { Frame::continuation(text) };
            frame.with_fin(nth + 1 == lens.len())
        };
        let frames: Vec<_> = lens.iter().enumerate().map(frame).collect();
        let (decoder, key) = if is_masked { (server(), Some(KEY)) } else { (client(), None) };
        let mut decoder = decoder.delivery(Delivery::Parts).min_part(min_part);
        let (wire, mut input, mut parts, mut at) = (encode(&frames, key), BytesMut::new(), Vec::new(), 0);
        let mut assembler = Assembler::new(Limits::default());
        for read in reads.iter().cycle() {
            let end = wire.len().min(at + read);
            input.extend_from_slice(&wire[at..end]);
            at = end;
            while let Some(frame) = decoder.decode(&mut input).unwrap() {
                parts.push(assembler.push_part(frame).unwrap().unwrap());
            }
            if at == wire.len() {
                break;
            }
        }
        let total: usize = lens.iter().map(|len| len / 2 * 2).sum();
        prop_assert!(parts.len() <= frames.len() + total / usize::from(min_part.max(1)));
        prop_assert_eq!(joined(&parts), "ü".repeat(total / 2).into_bytes());
        prop_assert!(parts.first().unwrap().first && parts.last().unwrap().last);
    }
}

#[test]
fn limits_are_checked_from_the_header() {
    let decoder = in_parts(client()).limits(Limits::new(10).max_frame(8));
    assert_eq!(decode(decoder.clone(), [b"\x82\x09"]), (vec![], Err(DecodeError::FrameTooLong)));
    let (frames, end) = decode(decoder, [b"\x02\x0812345678\x80\x03"]);
    assert_eq!((frames.len(), end), (1, Err(DecodeError::MessageTooLong)));
}

#[test]
fn long_frame_passes_in_parts() {
    const LEN: usize = 5_000_001;
    let header = FrameHeader::new(OpCode::Text, LEN as u64).with_mask(Some(KEY));
    let mut decoder = in_parts(Decoder::new(Role::Server)).limits(Limits::NONE);
    let mut assembler = Assembler::new(Limits::NONE);
    let mut input = BytesMut::with_capacity(4096);
    input.extend_from_slice(&header.encode().unwrap());
    let (mut sent, mut received, mut ended) = (0, 0, false);
    while !ended {
        let mut piece = vec![b'x'; 4093.min(LEN - sent)];
        mask(&mut piece, KEY, sent);
        sent += piece.len();
        input.extend_from_slice(&piece);
        while let Some(frame) = decoder.decode(&mut input).unwrap() {
            let part = assembler.push_part(frame).unwrap().unwrap();
            assert_eq!(part.first, received == 0);
            assert!(part.bytes.iter().all(|&byte| byte == b'x'));
            received += part.bytes.len();
            ended = part.last;
        }
        assert!(input.is_empty());
    }
    assert_eq!(received, LEN);
}
