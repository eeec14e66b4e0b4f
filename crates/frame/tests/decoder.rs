//! The checks of the decoder that do not depend on earlier frames, its errors, and its use of the input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::slice;

use bytes::BytesMut;
use protocol_websocket_frame::{Close, DecodeError, Delivery, Frame, Limits, Rsv};

use common::{KEY, client, decode, drain, encode, result_of, server};

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
//# The server MUST close the connection upon receiving a frame that is not masked.
#[test]
fn server_rejects_unmasked_frames() {
    let masked = encode(&[Frame::text("Hello")], Some(KEY));
    assert_eq!(result_of(&server(), &masked), Ok(()));
    assert_eq!(result_of(&server(), b"\x81\x05"), Err(DecodeError::MaskMissing));
    assert_eq!(result_of(&server(), b"\x89\x00"), Err(DecodeError::MaskMissing));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
//# A client MUST close a connection if it detects a masked frame.
#[test]
fn client_rejects_masked_frames() {
    assert_eq!(result_of(&client(), b"\x81\x05Hello"), Ok(()));
    let header = &encode(&[Frame::text("Hello")], Some(KEY))[..6];
    assert_eq!(result_of(&client(), header), Err(DecodeError::MaskUnexpected));
    let ping = encode(&[Frame::ping("")], Some(KEY));
    assert_eq!(result_of(&client(), &ping), Err(DecodeError::MaskUnexpected));
}

#[test]
fn allow_any_mask_accepts_both() {
    let frames = [Frame::text("Hello"), Frame::ping("x")];
    for decoder in [client(), server()] {
        for mask in [None, Some(KEY)] {
            let outcome = decode(decoder.clone().allow_any_mask(), [encode(&frames, mask)]);
            assert_eq!(outcome, (frames.to_vec(), Ok(())));
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
//# If a nonzero value is received and none of the negotiated extensions defines the meaning of such
//# a nonzero value
#[test]
fn rejects_reserved_bits_without_extension() {
    for rsv in [Rsv::RSV1, Rsv::RSV2, Rsv::RSV3] {
        for frame in [Frame::text(""), Frame::binary(""), Frame::ping(""), Frame::pong(""), Frame::close(None).unwrap()]
        {
            let wire = encode(&[frame.with_rsv(rsv)], None);
            assert_eq!(result_of(&client(), &wire), Err(DecodeError::ReservedBits));
        }
    }
}

#[test]
fn allow_rsv_accepts_only_these_bits() {
    let decoder = client().allow_rsv(Rsv::RSV1 | Rsv::RSV3);
    for rsv in [Rsv::RSV1, Rsv::RSV3, Rsv::RSV1 | Rsv::RSV3] {
        for frame in [Frame::text("a").with_rsv(rsv), Frame::binary("a").with_rsv(rsv).with_fin(false)] {
            assert_eq!(decode(decoder.clone(), [encode(slice::from_ref(&frame), None)]), (vec![frame], Ok(())));
        }
    }
    for rsv in [Rsv::RSV2, Rsv::RSV1 | Rsv::RSV2] {
        let wire = encode(&[Frame::text("a").with_rsv(rsv)], None);
        assert_eq!(result_of(&decoder, &wire), Err(DecodeError::ReservedBits));
    }
}

#[test]
fn rejects_allowed_bits_on_control_frames_and_continuations() {
    let decoder = client().allow_rsv(Rsv::RSV1);
    for frame in [Frame::ping(""), Frame::pong(""), Frame::close(None).unwrap()] {
        let wire = encode(&[frame.with_rsv(Rsv::RSV1)], None);
        assert_eq!(result_of(&decoder, &wire), Err(DecodeError::ReservedBits));
    }
    let first = Frame::text("a").with_rsv(Rsv::RSV1).with_fin(false);
    let wire = encode(&[first, Frame::continuation("b").with_rsv(Rsv::RSV1)], None);
    assert_eq!(result_of(&decoder, &wire), Err(DecodeError::ReservedBits));
}

#[test]
fn rejects_too_long_frame_from_its_header() {
    for (max, over) in [(4, &b"\x82\x05"[..]), (125, b"\x82\x7E\x00\x7E"), (0xFFFF, b"\x82\x7F\0\0\0\0\0\x01\0\0")] {
        let limits = Limits::NONE.max_frame(max);
        assert_eq!(result_of(&client().limits(limits), over), Err(DecodeError::FrameTooLong));
        let limits = Limits::NONE.max_frame(max + 1);
        assert_eq!(result_of(&client().limits(limits), over), Ok(()));
    }
    let masked = b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x02\x03\x04";
    assert_eq!(result_of(&server(), masked), Err(DecodeError::FrameTooLong));
}

#[test]
fn max_frame_does_not_limit_control_frames() {
    let frames = [Frame::ping(vec![7; 125]), Frame::close(Close::new(1000, "enough")).unwrap()];
    let (received, end) = decode(client().limits(Limits::new(0)), [encode(&frames, None)]);
    assert_eq!((received, end), (frames.to_vec(), Ok(())));
}

#[test]
fn frames_before_an_invalid_frame_are_returned() {
    let before = [Frame::text("Hello"), Frame::ping("x")];
    for (bad, error) in [
        (&b"\x83\x02xx"[..], DecodeError::ReservedOpCode(3)),
        (b"\x81\x04xxx\xFF", DecodeError::InvalidUtf8),
        (b"\x88\x02\x00\x00", DecodeError::CloseCode(0)),
        (b"\x80\x01x", DecodeError::OrphanContinuation),
        (b"\xA2\x01x", DecodeError::ReservedBits),
    ] {
        let wire = [&encode(&before, None)[..], bad].concat();
        assert_eq!(decode(client(), [&wire]), (before.to_vec(), Err(error)));
        assert_eq!(decode(client(), wire.chunks(1)), (before.to_vec(), Err(error)));
        // With parts, bytes that arrive together with an invalid byte are not returned.
        assert_eq!(decode(client().delivery(Delivery::Parts), [&wire]), (before.to_vec(), Err(error)));
    }
}

#[test]
fn error_is_final() {
    for bad in [&b"\x83\x00"[..], b"\x81\x01\xFF", b"\x88\x02\x00\x00", b"\x80\x00", b"\x81\x80\x01\x02\x03\x04"] {
        let (mut decoder, mut input) = (client(), BytesMut::from(bad));
        let error = decoder.decode(&mut input).unwrap_err();
        let mut good = BytesMut::from(&b"\x81\x05Hello"[..]);
        assert_eq!(decoder.decode(&mut good), Err(error));
        assert_eq!(decoder.decode(&mut BytesMut::new()), Err(error));
        assert_eq!(good[..], b"\x81\x05Hello"[..]);
    }
}

#[test]
fn input_after_a_frame_is_unchanged() {
    let frame = Frame::binary("Hello");
    for (decoder, mask) in [(client(), None), (server(), Some(KEY))] {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            let mut input = encode(slice::from_ref(&frame), mask);
            input.extend_from_slice(b"\x01what follows");
            let decoded = decoder.clone().delivery(delivery).decode(&mut input);
            assert_eq!(decoded, Ok(Some(frame.clone())));
            assert_eq!(input[..], b"\x01what follows"[..]);
        }
    }
}

#[test]
fn input_after_an_invalid_frame_is_unchanged() {
    let bad = Frame::text("xxxx").with_payload(&b"ab\xFFd"[..]);
    let mut input = encode(&[bad], Some(KEY));
    input.extend_from_slice(b"what follows");
    assert_eq!(drain(&mut server(), &mut input), (vec![], Err(DecodeError::InvalidUtf8)));
    assert!(input.ends_with(b"what follows"));
    let mut input = BytesMut::from(&b"\x83\x00what follows"[..]);
    assert_eq!(drain(&mut client(), &mut input), (vec![], Err(DecodeError::ReservedOpCode(3))));
    assert!(input.ends_with(b"what follows"));
}

#[test]
fn complete_payloads_share_the_input() {
    for len in [1, 1000, 70_000] {
        let mut input = encode(&[Frame::binary(vec![7; len]), Frame::binary("more")], None);
        let range = input.as_ptr_range();
        let frame = client().decode(&mut input).unwrap().unwrap();
        assert!(range.contains(&frame.payload().as_ptr()), "{len} bytes");
    }
}

#[test]
fn incomplete_payload_is_removed_from_the_input() {
    for len in [2, 1000, 65_536, 1_000_000] {
        let frame = Frame::binary(vec![7; len]);
        let wire = encode(slice::from_ref(&frame), Some(KEY));
        let (mut decoder, mut input) = (server(), BytesMut::from(&wire[..wire.len() - 1]));
        assert_eq!(decoder.decode(&mut input), Ok(None));
        assert!(input.is_empty());
        input.extend_from_slice(&wire[wire.len() - 1..]);
        input.extend_from_slice(&encode(&[Frame::text("next")], Some(KEY)));
        assert_eq!(decoder.decode(&mut input), Ok(Some(frame)));
        assert_eq!(decoder.decode(&mut input), Ok(Some(Frame::text("next"))));
    }
}

#[test]
fn long_payload_may_begin_byte_by_byte() {
    let frame = Frame::text("grüß dich ".repeat(7_000));
    let wire = encode(slice::from_ref(&frame), Some(KEY));
    let (start, rest) = wire.split_at(100);
    assert_eq!(decode(server(), start.chunks(1).chain([rest])), (vec![frame], Ok(())));
}

/// The caller changes or replaces its buffer between two calls.
#[test]
fn payload_does_not_depend_on_the_input_buffer() {
    let frame = Frame::text("grüß dich ".repeat(20_000));
    let wire = encode(&[frame.clone(), Frame::ping("?")], Some(KEY));
    let (mut decoder, mut input, mut kept, mut frames) = (server(), BytesMut::new(), Vec::new(), Vec::new());
    for (nth, read) in wire.chunks(10_000).enumerate() {
        match nth % 4 {
            0 => {}
            // The caller keeps the buffer and starts with a new one, or overwrites its memory, or copies it.
            1 => kept.push(std::mem::take(&mut input)),
            2 => {
                input.extend_from_slice(&[0xFF; 100]);
                input.truncate(0);
            }
            _ => input = BytesMut::from(&input[..]),
        }
        input.extend_from_slice(read);
        while let Some(decoded) = decoder.decode(&mut input).unwrap() {
            frames.push(decoded);
        }
    }
    assert_eq!(frames[0].as_text(), frame.as_text());
    assert_eq!(frames, [frame, Frame::ping("?")]);
}

#[test]
fn long_fragment_may_begin_inside_a_character() {
    let start = encode(&[Frame::text("").with_fin(false)], None);
    let text = "ü".repeat(40_000);
    let (mut decoder, mut input) = (client(), BytesMut::from(&start[..]));
    assert!(decoder.decode(&mut input).unwrap().is_some());
    input.extend_from_slice(b"\x00\x01\xC3");
    assert!(decoder.decode(&mut input).unwrap().is_some());
    let rest = Frame::continuation(text.as_bytes()[1..].to_vec());
    for piece in encode(slice::from_ref(&rest), None).chunks(20_000) {
        input.extend_from_slice(piece);
        if let Some(frame) = decoder.decode(&mut input).unwrap() {
            assert_eq!(frame, rest);
            return;
        }
    }
    unreachable!("the last piece ends the frame");
}
