//! Frames lent from a slice are those that share a buffer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{Decoder, Delivery, Frame, LendingDecoder, OpCode};

use common::{KEY, Outcome, client, decode, encode, server};

/// The outcome of `pieces`, each behind what is left of those before it.
fn lent<P: AsRef<[u8]>>(decoder: &Decoder, pieces: impl IntoIterator<Item = P>) -> Outcome {
    let (mut decoder, mut left, mut frames) = (decoder.lending(), Vec::new(), Vec::new());
    for piece in pieces {
        left.extend_from_slice(piece.as_ref());
        let mut input = &mut left[..];
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(frame)) => frames.push(Frame::from(frame)),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
        left = input.to_vec();
    }
    (frames, Ok(()))
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        any::<String>().prop_map(Frame::text),
        vec(any::<u8>(), 0..300).prop_map(Frame::binary),
        "\\PC{0,99}".prop_map(|text| Frame::text(text).with_fin(false)),
        (vec(any::<u8>(), 0..40), any::<bool>()).prop_map(|(bytes, fin)| Frame::continuation(bytes).with_fin(fin)),
        Just(Frame::ping("ping")),
    ];
    (vec(frame, 0..6), vec(any::<u8>(), 0..6)).prop_map(|(frames, noise)| {
        let mut wire = encode(&frames, Some(KEY));
        wire.extend_from_slice(&noise);
        wire.to_vec()
    })
}

proptest! {
    #[test]
    fn lent_frames_are_those_that_are_shared(wire in stream(), cuts in vec(any::<Index>(), 0..5), parts: bool) {
        let decoder = server().delivery(if parts { Delivery::Parts } else { Delivery::Whole });
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
        places.extend([0, wire.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect();
        prop_assert_eq!(lent(&decoder, &pieces), decode(decoder.clone(), &pieces));
        prop_assert_eq!(lent(&decoder, wire.chunks(1)), decode(decoder, wire.chunks(1)));
    }

    #[test]
    fn a_message_in_one_frame_is_read_as_text_however_it_came(text: String, cut: Index) {
        let wire = encode(&[Frame::text(text.clone())], Some(KEY));
        let (start, end) = wire.split_at(cut.index(wire.len() + 1));
        let mut decoder = server().lending();
        let mut left = start.to_vec();
        let mut input = &mut left[..];
        if let Some(frame) = decoder.decode(&mut input).unwrap() {
            prop_assert_eq!(frame.as_text(), Some(&text[..]));
        } else {
            let mut left = [input, end].concat();
            let mut input = &mut left[..];
            let frame = decoder.decode(&mut input).unwrap().unwrap();
            prop_assert_eq!(frame.as_text(), Some(&text[..]));
        }
        let shared = decode(server(), [start, end]).0;
        prop_assert_eq!(shared[0].as_text(), Some(&text[..]));
    }
}

fn one<'a>(decoder: &mut LendingDecoder, input: &mut &'a mut [u8]) -> Frame<&'a mut [u8]> {
    decoder.decode(input).unwrap().unwrap()
}

#[test]
fn a_payload_is_a_slice_of_the_callers() {
    let mut wire = encode(&[Frame::binary("Hello"), Frame::binary("there")], Some(KEY));
    let place = wire[6..].as_ptr();
    let (mut decoder, mut input) = (server().lending(), &mut wire[..]);
    let first = one(&mut decoder, &mut input);
    // Both are held at once, and one is written to.
    let second = one(&mut decoder, &mut input);
    assert!(std::ptr::eq(first.payload().as_ptr(), place));
    first.into_payload().fill(0);
    assert_eq!((&second.payload()[..], input.len()), (&b"there"[..], 0));
}

#[test]
fn what_is_no_text_by_itself_is_not_read_as_text() {
    let mut wire = *b"\x01\x01a\x00\x03b\xC3\xA9\x00\x01\xC3\x80\x01\xA9\x82\x01a\x89\x01\xC3";
    let (mut decoder, mut input) = (client().lending(), &mut wire[..]);
    let mut texts = Vec::new();
    while let Some(frame) = decoder.decode(&mut input).unwrap() {
        texts.push(frame.as_text().map(str::to_owned));
    }
    assert_eq!(
        texts.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [Some("a"), Some("bé"), None, None, Some("a"), None]
    );
    assert_eq!((Frame::text("a").as_text(), Frame::binary(b"\xFF".to_vec()).as_text()), (Some("a"), None));
}

#[test]
fn what_was_changed_between_two_calls_is_no_text() {
    let mut wire = encode(&[Frame::text("é text")], Some(KEY));
    let (mut decoder, at) = (server().lending(), wire.len() - 1);
    let mut input = &mut wire[..at];
    assert_eq!(decoder.decode(&mut input), Ok(None));
    input[1] = b'x';
    let mut input = &mut wire[6..];
    assert_eq!(one(&mut decoder, &mut input).as_text(), None);
}

#[test]
fn what_is_taken_away_between_two_calls_is_missed_and_makes_no_text() {
    // Half of a character, whose other half alone is none.
    let wire = b"\x81\x03\xC3\xA9a";
    let rest = &mut wire[3..].to_vec()[..];
    let mut lending = client().lending();
    assert_eq!(lending.decode(&mut &mut wire[..3].to_vec()[..]), Ok(None));
    let frame = lending.decode(&mut { rest });
    assert!(!frame.is_ok_and(|frame| frame.is_some_and(|frame| frame.as_text().is_some())));
    // A decoder that is given a buffer has taken the first half out of it.
    let mut shared = client();
    assert_eq!(shared.decode(&mut BytesMut::from(&wire[..3])), Ok(None));
    assert_eq!(shared.decode(&mut BytesMut::new()), Ok(None));
    assert_eq!(shared.decode(&mut BytesMut::from(&wire[3..])), Ok(Some(Frame::text("éa"))));
}

#[test]
fn old_text_is_lent_as_it_came() {
    for role in [Role::Client, Role::Server] {
        let mut decoder = Decoder::new(role).version(Version::Hybi00).lending();
        let mut wire = *b"\x00caf\xC3\xA9\xFF\x00caf\xC3\xFF\x80\x01x\xFF\x00\x00";
        let mut input = &mut wire[..];
        assert_eq!(one(&mut decoder, &mut input).as_text(), Some("café"));
        let bad = one(&mut decoder, &mut input);
        assert_eq!((&bad.payload()[..], bad.as_text()), (&b"caf\xC3"[..], None));
        assert_eq!(one(&mut decoder, &mut input).opcode(), OpCode::Close);
        assert_eq!(decoder.decode(&mut input), Ok(None));
    }
}

#[test]
fn a_lent_frame_is_passed_on_as_it_is() {
    let wire = encode(&[Frame::text("Hello").with_fin(false), Frame::ping("p")], Some(KEY));
    let (mut buffer, mut output) = (wire.to_vec(), BytesMut::new());
    let (mut decoder, mut input) = (server().lending(), &mut buffer[..]);
    while let Some(frame) = decoder.decode(&mut input).unwrap() {
        frame.encode(Version::Rfc6455, Some(KEY), &mut output).unwrap();
    }
    assert_eq!(output, wire);
}

#[test]
fn a_lending_decoder_begins_anew() {
    let mut decoder = client();
    assert_eq!(decoder.decode(&mut BytesMut::from(&b"\x81\x05He"[..])), Ok(None));
    let mut wire = *b"\x81\x01a";
    assert_eq!(one(&mut decoder.lending(), &mut &mut wire[..]).as_text(), Some("a"));
}

#[test]
fn a_long_payload_stays_with_the_caller_until_it_has_come() {
    let frame = Frame::text("grüß dich ".repeat(10_000));
    let wire = encode(std::slice::from_ref(&frame), Some(KEY));
    let pieces = wire.chunks(50_000);
    assert_eq!(lent(&server(), pieces), (vec![frame], Ok(())));
}
