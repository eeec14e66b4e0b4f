//! The examples of RFC 6455 §5.7, in both directions.
#![allow(clippy::unwrap_used)]

mod common;

use bytes::Bytes;
use protocol_websocket_frame::{Frame, MaskKey};

use common::{client, decode, encode, server};

struct Example {
    frames: Vec<Frame>,
    /// The key of a client. A server has none.
    mask: Option<MaskKey>,
    wire: Vec<u8>,
}

fn examples() -> Vec<Example> {
    let key = Some(MaskKey([0x37, 0xfa, 0x21, 0x3d]));
    let bytes: Vec<u8> = (0..=255).collect();
    let many = bytes.repeat(256);
    vec![
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.7
        //= type=test
        //# A single-frame unmasked text message
        Example {
            frames: vec![Frame::text("Hello")],
            mask: None,
            wire: vec![0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f],
        },
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.7
        //= type=test
        //# A single-frame masked text message
        Example {
            frames: vec![Frame::text("Hello")],
            mask: key,
            wire: vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
        },
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.7
        //= type=test
        //# A fragmented unmasked text message
        Example {
            frames: vec![Frame::text("Hel").with_fin(false), Frame::continuation("lo")],
            mask: None,
            wire: vec![0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f],
        },
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.7
        //= type=test
        //# Unmasked Ping request and masked Ping response
        Example {
            frames: vec![Frame::ping("Hello")],
            mask: None,
            wire: vec![0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f],
        },
        Example {
            frames: vec![Frame::pong("Hello")],
            mask: key,
            wire: vec![0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58],
        },
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.7
        //= type=test
        //# 256 bytes binary message in a single unmasked frame
        Example {
            frames: vec![Frame::binary(bytes.clone())],
            mask: None,
            wire: [&[0x82, 0x7E, 0x01, 0x00], &bytes[..]].concat(),
        },
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.7
        //= type=test
        //# 64KiB binary message in a single unmasked frame
        Example {
            frames: vec![Frame::binary(Bytes::from(many.clone()))],
            mask: None,
            wire: [&[0x82, 0x7F, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00], &many[..]].concat(),
        },
    ]
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
//# MUST be 0 unless an extension is negotiated that defines meanings for non-zero values.
//= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
//# 1 bit in length, MUST be 0 unless negotiated otherwise
//= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
//# A masked frame MUST have the field frame-masked set to 1
#[test]
fn encodes_the_examples() {
    for Example { frames, mask, wire } in examples() {
        assert_eq!(encode(&frames, mask)[..], wire[..]);
    }
}

#[test]
fn decodes_the_examples() {
    for Example { frames, mask, wire } in examples() {
        let decoder = if mask.is_some() { server() } else { client() };
        assert_eq!(decode(decoder.clone(), [&wire]), (frames.clone(), Ok(())));
        assert_eq!(decode(decoder, wire.chunks(1)), (frames, Ok(())));
    }
}
