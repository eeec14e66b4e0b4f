//! `decode_lent` returns the same frames as `decode`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{Assembler, Decoder, Delivery, Frame, Limits, Message, OpCode, Payload};

use common::{KEY, Outcome, client, decode, encode, server};

/// Decodes each piece as a separate input, and checks that all of it is consumed.
fn lent<P: AsRef<[u8]>>(decoder: &Decoder, pieces: impl IntoIterator<Item = P>) -> Outcome {
    let (mut decoder, mut frames) = (decoder.clone(), Vec::new());
    for piece in pieces {
        let mut piece = piece.as_ref().to_vec();
        let mut input = &mut piece[..];
        loop {
            match decoder.decode_lent(&mut input) {
                Ok(Some(frame)) => frames.push(frame.into_owned()),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
        assert!(input.is_empty());
    }
    (frames, Ok(()))
}

fn length_prefixed() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        any::<String>().prop_map(Frame::text),
        vec(any::<u8>(), 0..300).prop_map(Frame::binary),
        "\\PC{0,99}".prop_map(|text| Frame::text(text).with_fin(false)),
        (vec(any::<u8>(), 0..40), any::<bool>()).prop_map(|(bytes, fin)| Frame::continuation(bytes).with_fin(fin)),
        Just(Frame::ping("ping")),
        Just(Frame::new(OpCode::Close, &b"\x03\xE8bye"[..])),
    ];
    (vec(frame, 0..6), vec(any::<u8>(), 0..6)).prop_map(|(frames, noise)| {
        let mut wire = encode(&frames, Some(KEY));
        wire.extend_from_slice(&noise);
        wire.to_vec()
    })
}

fn sentinel() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        "\\PC{0,99}".prop_map(|text| [b"\x00", text.as_bytes(), b"\xFF"].concat()),
        vec(any::<u8>(), 0..40),
        Just(b"\xFF\x00".to_vec()),
        Just(b"\x00a\xC3\xFF".to_vec()),
    ];
    vec(frame, 0..6).prop_map(|frames| frames.concat())
}

fn stream() -> impl Strategy<Value = (Version, Vec<u8>)> {
    prop_oneof![
        length_prefixed().prop_map(|wire| (Version::Rfc6455, wire)),
        length_prefixed().prop_map(|wire| (Version::Hybi10, wire)),
        sentinel().prop_map(|wire| (Version::Hybi00, wire)),
        sentinel().prop_map(|wire| (Version::Hixie75, wire)),
    ]
}

proptest! {
    #[test]
    fn lent_frames_equal_owned_frames((version, wire) in stream(), cuts in vec(any::<Index>(), 0..5), parts: bool) {
        let decoder = server().version(version).min_part(7);
        let decoder = decoder.delivery(if parts { Delivery::Parts } else { Delivery::Whole });
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
        places.extend([0, wire.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect();
        prop_assert_eq!(lent(&decoder, &pieces), decode(decoder.clone(), &pieces));
        prop_assert_eq!(lent(&decoder, wire.chunks(1)), decode(decoder, wire.chunks(1)));
    }

    #[test]
    fn text_in_one_frame_is_text_at_any_cut(text: String, cut: Index) {
        let wire = encode(&[Frame::text(text.clone())], Some(KEY));
        let (start, end) = wire.split_at(cut.index(wire.len() + 1));
        for frame in [&lent(&server(), [start, end]).0[0], &decode(server(), [start, end]).0[0]] {
            prop_assert_eq!(frame.as_text(), Some(&text[..]));
        }
    }
}

/// A stream of each version, with a frame of each kind.
fn streams() -> [(Decoder, Vec<u8>); 4] {
    let frames = [
        Frame::text("grüß dich"),
        Frame::binary("b").with_fin(false),
        Frame::ping("ping"),
        Frame::continuation(vec![7; 130]),
        Frame::new(OpCode::Close, &b"\x03\xE8bye"[..]),
    ];
    let masked = encode(&frames, Some(KEY)).to_vec();
    let text = "\0grüß dich\u{FF}\0b".replace('\u{FF}', "?").into_bytes();
    let old = [&text[..], b"\xC3\xFF\x80\x02xx\x01skipped\xFF\xFF\x00"].concat();
    [
        (server(), masked.clone()),
        (server().version(Version::Hybi10), masked),
        (server().version(Version::Hybi00), old.clone()),
        (server().version(Version::Hixie75), old),
    ]
}

#[test]
fn every_cut_consumes_all_input() {
    for (decoder, wire) in streams() {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            let decoder = decoder.clone().delivery(delivery);
            let whole = decode(decoder.clone(), [&wire]);
            assert_eq!((whole.0.is_empty(), whole.1), (false, Ok(())));
            for cut in 0..=wire.len() {
                let pieces = [&wire[..cut], &wire[cut..]];
                let (mut owned, mut frames) = (decoder.clone(), Vec::new());
                for piece in pieces {
                    let mut input = BytesMut::from(piece);
                    while let Some(frame) = owned.decode(&mut input).unwrap() {
                        frames.push(frame);
                    }
                    assert!(input.is_empty(), "cut at {cut}");
                }
                assert_eq!(frames, whole.0, "cut at {cut}");
                assert_eq!(lent(&decoder, pieces), whole, "cut at {cut}");
            }
        }
    }
}

#[test]
fn complete_payloads_are_slices_of_the_input() {
    let mut wire = encode(&[Frame::binary("Hello"), Frame::text("there")], Some(KEY));
    let range = wire.as_ptr_range();
    let (mut decoder, mut input) = (server(), &mut wire[..]);
    let frames = [(); 2].map(|()| decoder.decode_lent(&mut input).unwrap().unwrap());
    for (frame, expected) in frames.iter().zip([b"Hello", b"there"]) {
        assert!(matches!(frame.payload(), Payload::Borrowed(bytes) if range.contains(&bytes.as_ptr())));
        assert_eq!(frame.payload().as_bytes(), expected);
    }
}

#[test]
fn incomplete_payloads_are_owned() {
    let wire = encode(&[Frame::binary("Hello")], Some(KEY));
    let (mut decoder, mut start, mut end) = (server(), wire[..8].to_vec(), wire[8..].to_vec());
    assert_eq!(decoder.decode_lent(&mut &mut start[..]), Ok(None));
    let frame = decoder.decode_lent(&mut &mut end[..]).unwrap().unwrap();
    assert!(matches!(frame.payload(), Payload::Shared(bytes) if bytes == "Hello"));
}

#[test]
fn owned_and_lent_calls_can_be_mixed() {
    let wire = encode(&[Frame::text("Hello"), Frame::text("there")], Some(KEY));
    for cut in 0..=wire.len() {
        let (mut decoder, mut frames) = (server(), Vec::new());
        let (mut start, mut end) = (wire[..cut].to_vec(), BytesMut::from(&wire[cut..]));
        let mut input = &mut start[..];
        while let Some(frame) = decoder.decode_lent(&mut input).unwrap() {
            frames.push(frame.into_owned());
        }
        while let Some(frame) = decoder.decode(&mut end).unwrap() {
            frames.push(frame);
        }
        assert_eq!(frames, [Frame::text("Hello"), Frame::text("there")]);
    }
}

#[test]
fn text_that_is_not_valid_on_its_own_is_not_text() {
    let mut wire = *b"\x01\x01a\x00\x03b\xC3\xA9\x00\x01\xC3\x80\x01\xA9\x82\x01a\x89\x01\xC3";
    let (mut decoder, mut input) = (client(), &mut wire[..]);
    let mut texts = Vec::new();
    while let Some(frame) = decoder.decode_lent(&mut input).unwrap() {
        texts.push(frame.as_text().map(str::to_owned));
    }
    assert_eq!(
        texts.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [Some("a"), Some("bé"), None, None, Some("a"), None]
    );
    assert_eq!((Frame::text("a").as_text(), Frame::binary(b"\xFF".to_vec()).as_text()), (Some("a"), None));
}

#[test]
fn invalid_hybi_00_text_is_replaced() {
    for role in [Role::Client, Role::Server] {
        let mut decoder = Decoder::new(role).version(Version::Hybi00);
        let mut wire = *b"\x00caf\xC3\xA9\xFF\x00caf\xC3\xFF\x80\x01x\xFF\x00\x00";
        let mut input = &mut wire[..];
        let valid = decoder.decode_lent(&mut input).unwrap().unwrap();
        assert!(matches!(valid.payload(), Payload::Borrowed(_)));
        let replaced = decoder.decode_lent(&mut input).unwrap().unwrap();
        assert_eq!((valid.as_text(), replaced.as_text()), (Some("café"), Some("caf\u{FFFD}")));
        assert_eq!(decoder.decode_lent(&mut input).unwrap().unwrap().opcode(), OpCode::Close);
        assert_eq!(decoder.decode_lent(&mut input), Ok(None));
    }
}

#[test]
fn lent_frame_is_encoded_as_it_arrived() {
    let wire = encode(&[Frame::text("Hello").with_fin(false), Frame::ping("p")], Some(KEY));
    let (mut buffer, mut output) = (wire.to_vec(), BytesMut::new());
    let (mut decoder, mut input) = (server(), &mut buffer[..]);
    while let Some(frame) = decoder.decode_lent(&mut input).unwrap() {
        frame.encode(Version::Rfc6455, Some(KEY), &mut output).unwrap();
    }
    assert_eq!(output, wire);
}

#[test]
fn long_payload_in_pieces_is_joined() {
    let frame = Frame::text("grüß dich ".repeat(10_000));
    let wire = encode(std::slice::from_ref(&frame), Some(KEY));
    assert_eq!(lent(&server(), wire.chunks(50_000)), (vec![frame], Ok(())));
}

#[test]
fn complete_messages_are_lent() {
    let (text, binary) = (Frame::text("grüß dich"), Frame::binary(vec![0xFF; 2000]));
    let mut wire = encode(&[text, binary, Frame::ping("not a message")], Some(KEY)).to_vec();
    let (mut decoder, mut input) = (server(), &mut wire[..]);
    let text = decoder.decode_message_lent(&mut input).unwrap();
    assert_eq!(text.as_text(), Some("grüß dich"));
    let binary = decoder.decode_message_lent(&mut input).unwrap();
    assert_eq!((binary.as_text(), binary.as_bytes()), (None, &[0xFF; 2000][..]));
    assert_eq!(decoder.decode_message_lent(&mut input), None);
    assert_eq!(decoder.decode_lent(&mut input).unwrap().unwrap().opcode(), OpCode::Ping);
    let mut wire = encode(&[Frame::text("a text")], Some(KEY)).to_vec();
    wire[8] ^= 0x80;
    let mut input = &mut wire[..];
    assert_eq!(decoder.decode_message_lent(&mut input), None);
    assert!(decoder.decode_lent(&mut input).is_err());
}

#[test]
fn messages_of_the_oldest_versions_are_left_to_decode_lent() {
    for version in [Version::Hybi00, Version::Hixie75] {
        let (mut decoder, mut wire) = (server().version(version), *b"\0Hello!!\xFF");
        let mut input = &mut wire[..];
        assert_eq!((decoder.decode_message_lent(&mut input), input.len()), (None, 9));
        assert_eq!(decoder.decode_lent(&mut input).unwrap().unwrap().as_text(), Some("Hello!!"));
    }
}

#[test]
fn assembled_messages_borrow_unfragmented_payloads() {
    let frames = [Frame::text("Hello"), Frame::text("é").with_fin(false), Frame::continuation("there")];
    let mut wire = encode(&frames, Some(KEY)).to_vec();
    let (mut decoder, mut assembler, mut messages) = (server(), Assembler::new(Limits::default()), Vec::new());
    let mut input = &mut wire[..];
    while let Some(frame) = decoder.decode_lent(&mut input).unwrap() {
        messages.extend(assembler.push_lent(frame).unwrap());
    }
    let is_borrowed = messages.iter().cloned().map(|message| matches!(message.into_payload(), Payload::Borrowed(_)));
    assert_eq!(is_borrowed.collect::<Vec<_>>(), [true, false]);
    let owned: Vec<_> = messages.into_iter().map(|message| message.into_owned()).collect();
    assert_eq!(owned, [Message::from("Hello"), Message::from("éthere")]);
}
