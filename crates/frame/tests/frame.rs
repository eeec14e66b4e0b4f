//! Encoding of frames into one buffer, and into a buffer and a shared payload for vectored writes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::slice;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use protocol_websocket_core::Version;
use protocol_websocket_frame::{Close, CloseCode, EncodeError, Frame, MaskKey, Message, OpCode, Rsv, mask};

use common::{KEY, encode};

/// Returns the bytes of a frame from `encode_shared`, and whether its payload was returned instead of copied.
fn encode_shared(mut frame: Frame, version: Version, mask: Option<MaskKey>) -> Result<(Vec<u8>, bool), EncodeError> {
    let mut output = BytesMut::from(&b"before"[..]);
    let payload = frame.encode_shared(version, mask, &mut output)?;
    assert!(output.starts_with(b"before"));
    let is_returned = payload.is_some();
    Ok(([&output[6..], &payload.unwrap_or_default()].concat(), is_returned))
}

#[test]
fn encode_shared_has_the_bytes_of_encode() {
    let min = Frame::MIN_SHARED;
    for len in [0, 1, 3, 4, 5, 125, 126, min - 1, min, min + 1, 0xFFFF, 0x1_0000] {
        for mask in [None, Some(KEY)] {
            for is_shared in [false, true] {
                let payload = Bytes::from(vec![0xA5; len]);
                let sharer = is_shared.then(|| payload.clone());
                let frame = Frame::binary(payload).with_fin(false).with_rsv(Rsv::RSV1);
                let wire = encode(&[frame.clone().with_payload(vec![0xA5; len])], mask);
                let (bytes, is_returned) = encode_shared(frame, Version::Rfc6455, mask).unwrap();
                assert!(bytes == wire[..], "length {len}, {mask:?}, {sharer:?}");
                assert_eq!(is_returned, len >= min && (mask.is_none() || !is_shared), "length {len}, {mask:?}");
                assert!(sharer.is_none_or(|bytes| bytes == vec![0xA5; len]));
            }
        }
    }
}

#[test]
fn long_payload_is_returned_without_a_copy() {
    for mask in [None, Some(KEY)] {
        let payload = Bytes::from(vec![1; Frame::MIN_SHARED]);
        let at = payload.as_ptr();
        let returned = Frame::binary(payload).encode_shared(Version::Rfc6455, mask, &mut BytesMut::new()).unwrap();
        assert_eq!(returned.unwrap().as_ptr(), at, "{mask:?}");
    }
}

#[test]
fn short_payload_is_not_kept() {
    let payload = Bytes::from(vec![1; Frame::MIN_SHARED - 1]);
    let mut frame = Frame::binary(payload.clone());
    assert_eq!(frame.encode_shared(Version::Rfc6455, None, &mut BytesMut::new()), Ok(None));
    assert_eq!(frame.payload(), &payload, "the frame keeps its payload");
    drop(frame);
    assert!(payload.is_unique());
}

#[test]
fn drafts_with_sentinels_share_nothing() {
    let text = "x".repeat(Frame::MIN_SHARED);
    let (bytes, is_returned) = encode_shared(Frame::text(text.clone()), Version::Hybi00, None).unwrap();
    assert_eq!((&bytes[..], is_returned), ([&b"\x00"[..], text.as_bytes(), b"\xFF"].concat().as_slice(), false));
}

#[test]
fn encode_appends_and_masks_only_the_payload() {
    let mut output = BytesMut::from(&b"before"[..]);
    Frame::text("Hello").encode(Version::Rfc6455, Some(KEY), &mut output).unwrap();
    assert_eq!(output[..12], *b"before\x81\x85\x37\xFA\x21\x3D");
    let mut payload = output[12..].to_vec();
    mask(&mut payload, KEY, 0);
    assert_eq!(payload, b"Hello");
}

#[test]
fn rejects_invalid_control_frames_without_output() {
    for opcode in [OpCode::Close, OpCode::Ping, OpCode::Pong] {
        for (mut frame, error) in [
            (Frame::new(opcode, vec![0; 126]), EncodeError::ControlTooLong),
            (Frame::new(opcode, vec![0; Frame::MIN_SHARED]), EncodeError::ControlTooLong),
            (Frame::new(opcode, "").with_fin(false), EncodeError::ControlFragmented),
        ] {
            let mut output = BytesMut::new();
            assert_eq!(frame.encode(Version::Rfc6455, None, &mut output), Err(error));
            assert_eq!(frame.encode_shared(Version::Rfc6455, None, &mut output), Err(error));
            assert!(output.is_empty());
        }
    }
}

#[test]
fn rejects_invalid_close_in_constructor() {
    assert_eq!(Frame::close(None).unwrap().payload()[..], b""[..]);
    let close = Close::new(CloseCode::NORMAL, "x".repeat(123));
    assert_eq!(Frame::close(&close).unwrap().payload().len(), 125);
    let long = Close::new(CloseCode::NORMAL, "x".repeat(124));
    assert_eq!(Frame::close(&long), Err(EncodeError::CloseReasonTooLong));
    let reserved = Close::from(CloseCode::ABNORMAL);
    assert_eq!(Frame::close(&reserved), Err(EncodeError::CloseCode(1006)));
}

#[test]
fn rejects_frames_that_the_version_cannot_carry() {
    for version in [Version::Hixie75, Version::Hybi00] {
        let mut output = BytesMut::new();
        assert_eq!(Frame::binary("x").encode(version, None, &mut output), Err(EncodeError::Unsupported));
        assert!(output.is_empty());
    }
    assert!(Frame::binary("x").encode(Version::Hybi10, None, &mut BytesMut::new()).is_ok());
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
//# The opcode (frame-opcode) of the first frame containing the data MUST be set to the appropriate
//# value
#[test]
fn message_becomes_one_frame() {
    assert_eq!(Frame::from(Message::from("Hello")), Frame::text("Hello"));
    assert_eq!(Frame::from(Message::Binary("Hello".into())), Frame::binary("Hello"));
}

#[test]
fn debug_shows_length_and_not_payload() {
    let shown = format!("{:?}", Frame::text("secret"));
    assert!(shown.contains("len: 6") && !shown.contains("secret"));
}

proptest! {
    #[test]
    fn encode_shared_equals_encode(payload: Vec<u8>, key: Option<[u8; 4]>, is_shared: bool) {
        let key = key.map(MaskKey);
        let frame = Frame::binary(payload);
        let wire = encode(slice::from_ref(&frame), key);
        let sharer = is_shared.then(|| frame.clone());
        let (bytes, _) = encode_shared(frame, Version::Rfc6455, key)?;
        prop_assert_eq!(bytes, &wire[..]);
        drop(sharer);
    }
}

#[test]
fn rejects_close_with_invalid_payload() {
    let mut output = BytesMut::new();
    for (payload, error) in [
        (&b"\x03"[..], EncodeError::CloseTooShort),
        (b"\x03\xED", EncodeError::CloseCode(1005)),
        (b"\x03\xE8\xFF", EncodeError::InvalidUtf8),
    ] {
        let mut close = Frame::new(OpCode::Close, payload);
        assert_eq!(close.encode(Version::Rfc6455, None, &mut output), Err(error));
        assert_eq!(close.encode_shared(Version::Rfc6455, None, &mut output), Err(error));
    }
    assert!(output.is_empty());
}

#[test]
fn equality_compares_all_of_a_frame() {
    let frame = Frame::text("x");
    assert_eq!(frame, Frame::text("x"));
    for other in [
        Frame::binary("x"),
        Frame::text("y"),
        Frame::text("x").with_fin(false),
        Frame::text("x").with_rsv(Rsv::RSV1),
        Frame::binary("y"),
    ] {
        assert_ne!(frame, other);
    }
}
