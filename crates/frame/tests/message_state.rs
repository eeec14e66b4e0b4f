//! The order of frames (RFC 6455 §5.4), and the limits of a message.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::slice;

use protocol_websocket_frame::{DecodeError, Delivery, Frame, Limits, OpCode};

use common::{client, decode, encode, result_of, server};

fn first(payload: &'static str) -> Frame {
    Frame::binary(payload).with_fin(false)
}

fn middle(payload: &'static str) -> Frame {
    Frame::continuation(payload).with_fin(false)
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
//# the type for all fragments in a message MUST be either text, binary, or one of the reserved
//# opcodes.
#[test]
fn rejects_continuation_without_message() {
    for fin in [false, true] {
        let orphan = Frame::continuation("").with_fin(fin);
        let wire = encode(slice::from_ref(&orphan), None);
        assert_eq!(result_of(&client(), &wire), Err(DecodeError::OrphanContinuation));
        for before in [vec![Frame::binary("x")], vec![first("x"), Frame::continuation("y")], vec![Frame::ping("")]] {
            let wire = [&encode(&before, None)[..], &wire].concat();
            assert_eq!(decode(client(), [wire]), (before, Err(DecodeError::OrphanContinuation)));
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
//# The fragments of one message MUST NOT be interleaved
#[test]
fn rejects_message_inside_fragmented_message() {
    for inner in [Frame::text(""), Frame::binary(""), Frame::text("").with_fin(false)] {
        for start in [Frame::text("a").with_fin(false), first("a"), first("")] {
            for before in [vec![start.clone()], vec![start, middle("b"), Frame::ping("")]] {
                let wire = [before.clone(), vec![inner.clone()]].concat();
                let outcome = decode(client(), [encode(&wire, None)]);
                assert_eq!(outcome, (before, Err(DecodeError::DataInsideMessage)));
            }
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
//# An endpoint MUST be capable of handling control frames in the middle of a fragmented message.
#[test]
fn control_frames_are_allowed_between_fragments() {
    let close = Frame::new(OpCode::Close, &b"\x03\xE8bye"[..]);
    let frames = [first("a"), Frame::ping("1"), middle("b"), Frame::pong("2"), close, Frame::continuation("c")];
    assert_eq!(decode(client(), [encode(&frames, None)]), (frames.to_vec(), Ok(())));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-10.4
//# MUST protect themselves against exceeding those limits.
#[test]
fn rejects_too_long_message_from_the_header() {
    let limits = Limits::new(10).max_frame(u64::MAX);
    let decoder = client().limits(limits);
    assert_eq!(result_of(&decoder, b"\x82\x0A"), Ok(()));
    assert_eq!(result_of(&decoder, b"\x82\x0B"), Err(DecodeError::MessageTooLong));
    let sent = encode(&[first("12345"), middle("678")], None);
    assert_eq!(result_of(&decoder, &[&sent[..], b"\x80\x02"].concat()), Ok(()));
    assert_eq!(result_of(&decoder, &[&sent[..], b"\x80\x03"].concat()), Err(DecodeError::MessageTooLong));
    assert_eq!(result_of(&decoder, &[&sent[..], b"\x00\x03"].concat()), Err(DecodeError::MessageTooLong));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
//# Subsequent data frames MUST be interpreted as belonging to a new WebSocket message.
#[test]
fn limits_count_each_message_alone() {
    let decoder = client().limits(Limits::new(4).max_fragments(2));
    let text = Frame::text("1").with_fin(false);
    let frames =
        [first("12"), Frame::continuation("34"), Frame::text("1234"), text, Frame::continuation("234"), first("1234")];
    assert_eq!(decode(decoder, [encode(&frames, None)]), (frames.to_vec(), Ok(())));
}

#[test]
fn rejects_too_many_fragments_from_the_header() {
    let decoder = client().limits(Limits::NONE.max_fragments(3));
    let sent = encode(&[first("a"), middle("b")], None);
    assert_eq!(result_of(&decoder, &[&sent[..], b"\x80\x01"].concat()), Ok(()));
    // The third fragment must be the last one.
    assert_eq!(result_of(&decoder, &[&sent[..], b"\x00\x01"].concat()), Err(DecodeError::TooManyFragments));
    let masked = server().limits(Limits::NONE.max_fragments(1));
    assert_eq!(result_of(&masked, b"\x01\x81"), Err(DecodeError::TooManyFragments));
}

#[test]
fn empty_fragments_are_counted() {
    let decoder = client().limits(Limits::new(1 << 20));
    let mut frames = vec![first("")];
    frames.resize(4095, middle(""));
    frames.push(Frame::continuation(""));
    assert_eq!(result_of(&decoder, &encode(&frames, None)), Ok(()));
    frames.insert(1, middle(""));
    let (received, end) = decode(decoder, [encode(&frames, None)]);
    assert_eq!((received.len(), end), (4095, Err(DecodeError::TooManyFragments)));
}

#[test]
fn control_frames_do_not_change_the_fragment_count() {
    let decoder = client().limits(Limits::NONE.max_fragments(3));
    let mut frames = Vec::new();
    for fragment in [first("a"), middle("b")] {
        frames.extend([fragment, Frame::ping("p"), Frame::pong("p")]);
    }
    frames.push(Frame::continuation("c"));
    assert_eq!(result_of(&decoder, &encode(&frames, None)), Ok(()));
    frames.insert(3, middle("d"));
    assert_eq!(result_of(&decoder, &encode(&frames, None)), Err(DecodeError::TooManyFragments));
}

#[test]
fn control_frames_do_not_change_the_message_length() {
    let decoder = client().limits(Limits::new(10).max_frame(u64::MAX));
    let longest = "x".repeat(125);
    let mut frames = Vec::new();
    for fragment in [first("12345"), middle("67890")] {
        frames.extend([fragment, Frame::ping(longest.clone()), Frame::pong(longest.clone())]);
    }
    assert_eq!(result_of(&decoder, &encode(&frames, None)), Ok(()));
    frames.push(Frame::continuation("1"));
    assert_eq!(result_of(&decoder, &encode(&frames, None)), Err(DecodeError::MessageTooLong));
}

#[test]
fn parts_are_not_counted_as_fragments() {
    let decoder = client().delivery(Delivery::Parts).min_part(1).limits(Limits::new(8).max_fragments(1));
    let (frames, end) = decode(decoder, encode(&[Frame::binary("12345678")], None).chunks(1));
    assert_eq!((frames.len(), end), (8, Ok(())));
}

#[test]
fn limits_none_accepts_long_frames() {
    let decoder = client().delivery(Delivery::Parts).min_part(5).limits(Limits::NONE);
    let huge = b"\x02\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFFstart";
    assert_eq!(decode(decoder, [huge]), (vec![first("start")], Ok(())));
}
