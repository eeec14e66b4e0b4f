//! The fast path returns complete, unfragmented messages. The slow path decodes all other frames and finds all errors.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::BytesMut;
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{DecodeError, Decoder, Frame, Limits, Message, Rsv};

use common::{KEY, client, decode, drain, encode, encode_unchecked, server};

/// Checks that the fast path returns `None` for `wire` and does not change it. Returns the result of the slow path.
fn left_to_the_slow_path(mut decoder: Decoder, wire: &[u8]) -> Result<Option<Frame>, DecodeError> {
    let mut input = BytesMut::from(wire);
    assert_eq!((decoder.decode_message(&mut input), &input[..]), (None, wire));
    decoder.decode(&mut input)
}

#[test]
fn finds_complete_messages() {
    for (mut decoder, key) in [(client(), None), (server(), Some(KEY)), (client().allow_any_mask(), Some(KEY))] {
        for len in [6, 7, 100, 124, 125, 126, 127, 128, 255, 256, 1000, 65_535] {
            for message in [Message::from("x".repeat(len)), Message::from(vec![0xFF; len])] {
                let mut input = encode(&[message.clone().into(), Frame::ping("next")], key);
                assert_eq!(decoder.decode_message(&mut input), Some(message.clone()));
                assert_eq!(input, encode(&[Frame::ping("next")], key));
                let mut input = encode(&[message.clone().into()], key);
                assert_eq!((decoder.decode_message(&mut input), input.len()), (Some(message), 0));
            }
        }
    }
}

#[test]
fn finds_text_if_it_is_valid() {
    for key in [None, Some(KEY)] {
        let decoder = client().allow_any_mask();
        let mut input = encode(&[Frame::text("grüß dich")], key);
        assert_eq!(decoder.clone().decode_message(&mut input), Some(Message::from("grüß dich")));
        let bad = Frame::binary(&b"gr\xFC\xDF dich"[..]);
        let mut wire = encode(std::slice::from_ref(&bad), key);
        assert_eq!(decoder.clone().decode_message(&mut wire.clone()), Some(Message::from(bad.into_payload())));
        wire[0] = 0x81;
        assert_eq!(decode(decoder.clone(), [&wire]).1, Err(DecodeError::InvalidUtf8));
        let mut short = decoder.clone();
        assert_eq!(short.decode_message(&mut wire), None);
        assert_eq!(short.decode(&mut wire), Err(DecodeError::InvalidUtf8));
    }
}

#[test]
fn leaves_incomplete_messages_to_the_slow_path() {
    for len in [6, 100, 125, 126, 1000] {
        let wire = encode(&[Frame::text("x".repeat(len))], Some(KEY));
        for end in 0..wire.len() {
            assert_eq!(left_to_the_slow_path(server(), &wire[..end]), Ok(None), "{end} bytes of a frame with {len}");
        }
    }
}

#[test]
fn leaves_other_frames_to_the_slow_path() {
    let long = Frame::binary(vec![7; 65_536]);
    for frame in [Frame::ping("ping-ping"), Frame::text("part of it").with_fin(false), long] {
        let wire = encode(std::slice::from_ref(&frame), None);
        assert_eq!(left_to_the_slow_path(client(), &wire), Ok(Some(frame)));
    }
    let compressed = Frame::text("compressed").with_rsv(Rsv::RSV1);
    let wire = encode_unchecked(&compressed, None);
    assert_eq!(left_to_the_slow_path(client().allow_rsv(Rsv::RSV1), &wire), Ok(Some(compressed)));
    let hybi_00 = client().version(Version::Hybi00);
    assert_eq!(left_to_the_slow_path(hybi_00, b"\x00Hello!!\xFF"), Ok(Some(Frame::text("Hello!!"))));
}

#[test]
fn leaves_errors_to_the_slow_path() {
    let wire = encode(&[Frame::text("x".repeat(50))], None);
    let masked = encode(&[Frame::text("x".repeat(50))], Some(KEY));
    let long = [b"\x82\x7E\x00\x7D", &[7; 125][..]].concat();
    for (decoder, wire, error) in [
        (server(), &wire[..], DecodeError::MaskMissing),
        (client(), &masked[..], DecodeError::MaskUnexpected),
        (client(), &long[..], DecodeError::LengthNotMinimal),
        (client().limits(Limits::NONE.max_frame(49)), &wire[..], DecodeError::FrameTooLong),
        (client().limits(Limits::new(49)), &wire[..], DecodeError::FrameTooLong),
        (client().limits(Limits::new(49).max_frame(50)), &wire[..], DecodeError::MessageTooLong),
        (client().limits(Limits::NONE.max_fragments(0)), &wire[..], DecodeError::TooManyFragments),
    ] {
        assert_eq!(left_to_the_slow_path(decoder, wire), Err(error));
    }
    let mut at_limit = client().limits(Limits::new(50).max_fragments(1));
    assert_eq!(at_limit.decode_message(&mut BytesMut::from(&wire[..])), Some(Message::from("x".repeat(50))));
}

#[test]
fn rejects_message_inside_fragmented_message_on_both_paths() {
    let wire = encode(&[Frame::text("the first").with_fin(false), Frame::text("the second")], None);
    assert_eq!(decode(client(), [&wire]).1, Err(DecodeError::DataInsideMessage));
    let (mut decoder, mut input) = (client(), wire);
    assert!(decoder.decode(&mut input).unwrap().is_some());
    assert_eq!(decoder.decode_message(&mut input), None);
    assert_eq!(decoder.decode(&mut input), Err(DecodeError::DataInsideMessage));
}

#[test]
fn does_not_find_messages_inside_payloads() {
    let inner = encode(&[Frame::text("a message")], None);
    let frame = Frame::ping([&inner[..], b"."].concat());
    let wire = encode(std::slice::from_ref(&frame), None);
    let (mut decoder, mut input) = (client(), BytesMut::from(&wire[..wire.len() - 1]));
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert_eq!(decoder.decode_message(&mut input), None);
    assert_eq!(drain(&mut decoder, &mut input), (vec![], Ok(())));
    input.extend_from_slice(b".");
    assert_eq!(drain(&mut decoder, &mut input), (vec![frame], Ok(())));
}

#[test]
fn finds_no_message_after_an_error() {
    let wire = encode(&[Frame::text("a message")], None);
    for bad in [&b"\x83\x00"[..], b"\x81\x08grues\xFC\xDF!"] {
        let (mut decoder, mut input) = (Decoder::new(Role::Client), BytesMut::from(bad));
        let error = decoder.decode(&mut input).unwrap_err();
        let mut input = BytesMut::from(&wire[..]);
        assert_eq!(decoder.decode_message(&mut input), None);
        assert_eq!(decoder.decode(&mut input), Err(error));
    }
}

#[test]
fn as_text_checks_binary_frames() {
    for key in [None, Some(KEY)] {
        let wire = encode(&[Frame::binary(vec![0xFF; 10]), Frame::binary("also text")], key);
        let (frames, _) = decode(client().allow_any_mask(), [wire]);
        assert_eq!(frames.iter().map(Frame::as_text).collect::<Vec<_>>(), [None, Some("also text")]);
    }
}
