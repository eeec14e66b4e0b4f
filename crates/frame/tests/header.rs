//! Every rule of RFC 6455 §5.2 and §5.5 for headers, and all 65,536 values of their first two bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::BytesMut;
use protocol_websocket_core::Role;
use protocol_websocket_frame::{DecodeError, Decoder, EncodeError, FrameHeader, OpCode};

use common::{KEY, client, result_of};

fn parse(bytes: &[u8]) -> Result<Option<u64>, DecodeError> {
    FrameHeader::parse(bytes).map(|found| found.map(|(header, _)| header.len))
}

fn header(opcode: OpCode, len: u64) -> FrameHeader {
    FrameHeader::new(opcode, len)
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
//# If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.
#[test]
fn rejects_ten_reserved_opcodes() {
    for bits in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        assert_eq!(parse(&[0x80 | bits, 0]), Err(DecodeError::ReservedOpCode(bits)));
        assert_eq!(result_of(&client(), &[0x80 | bits, 0]), Err(DecodeError::ReservedOpCode(bits)));
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5
//# All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.
#[test]
fn rejects_long_or_fragmented_control_frame_from_two_bytes() {
    for opcode in [0x8, 0x9, 0xA] {
        for short in [126, 127] {
            assert_eq!(parse(&[0x80 | opcode, short]), Err(DecodeError::ControlTooLong));
            assert_eq!(parse(&[0x80 | opcode, 0x80 | short]), Err(DecodeError::ControlTooLong));
        }
        assert_eq!(parse(&[0x80 | opcode, 125]), Ok(Some(125)));
        assert_eq!(parse(&[opcode, 0]), Err(DecodeError::ControlFragmented));
        assert_eq!(parse(&[opcode, 0x80]), Err(DecodeError::ControlFragmented));
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
//# the minimal number of bytes MUST be used to encode the length
#[test]
fn rejects_non_minimal_length() {
    for len in [0, 1, 125_u16] {
        let [a, b] = len.to_be_bytes();
        assert_eq!(parse(&[0x82, 126, a, b]), Err(DecodeError::LengthNotMinimal));
    }
    assert_eq!(parse(&[0x82, 126, 0, 126]), Ok(Some(126)));
    assert_eq!(parse(&[0x82, 126, 0xFF, 0xFF]), Ok(Some(0xFFFF)));
    let long = |len: u64| [&[0x82, 127][..], &len.to_be_bytes()].concat();
    for len in [0, 125, 126, 0xFFFF] {
        assert_eq!(parse(&long(len)), Err(DecodeError::LengthNotMinimal));
    }
    assert_eq!(parse(&long(0x1_0000)), Ok(Some(0x1_0000)));
}

#[test]
fn accepts_non_minimal_length_if_allowed() {
    let decoder = client().allow_non_minimal_length();
    for (wire, len) in [(&b"\x82\x7E\0\x02hi"[..], 2), (b"\x82\x7F\0\0\0\0\0\0\0\x02hi", 2), (b"\x82\x7E\0\0\x82\0", 0)]
    {
        assert_eq!(result_of(&client(), wire), Err(DecodeError::LengthNotMinimal));
        assert_eq!(result_of(&decoder, wire), Ok(()));
        let frame = decoder.clone().decode(&mut BytesMut::from(wire)).unwrap().unwrap();
        assert_eq!(frame.payload()[..], b"hi"[..len]);
    }
    // Control frames, and the top bit, are checked as before.
    assert_eq!(result_of(&decoder, b"\x89\x7E\0\x02hi"), Err(DecodeError::ControlTooLong));
    assert_eq!(result_of(&decoder, b"\x82\x7F\x80\0\0\0\0\0\0\x02hi"), Err(DecodeError::LengthTopBit));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
//# the most significant bit MUST be 0
#[test]
fn rejects_length_with_top_bit() {
    let long = |len: u64| [&[0x82, 127][..], &len.to_be_bytes()].concat();
    assert_eq!(parse(&long(u64::MAX >> 1)), Ok(Some(u64::MAX >> 1)));
    for len in [1 << 63, u64::MAX, u64::MAX - 3, u64::MAX - 13] {
        assert_eq!(parse(&long(len)), Err(DecodeError::LengthTopBit));
    }
}

#[test]
fn rejects_invalid_length_before_the_key() {
    assert_eq!(parse(&[0x82, 0xFE, 0, 125]), Err(DecodeError::LengthNotMinimal));
    assert_eq!(parse(&[0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(DecodeError::LengthTopBit));
}

#[test]
fn encodes_the_shortest_length() {
    for (len, written) in [(0, 2), (125, 2), (126, 4), (0xFFFF, 4), (0x1_0000, 10), (u64::MAX >> 1, 10)] {
        let bytes = header(OpCode::Binary, len).encode().unwrap();
        assert_eq!(bytes.len(), written);
        assert_eq!(parse(&bytes), Ok(Some(len)));
    }
    assert_eq!(header(OpCode::Binary, 1 << 63).encode(), Err(EncodeError::FrameTooLong));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
//# Control frames themselves MUST NOT be fragmented.
#[test]
fn does_not_encode_invalid_control_frames() {
    for opcode in [OpCode::Close, OpCode::Ping, OpCode::Pong] {
        assert!(header(opcode, 125).encode().is_ok());
        assert_eq!(header(opcode, 126).encode(), Err(EncodeError::ControlTooLong));
        let fragment = header(opcode, 0).with_fin(false);
        assert_eq!(fragment.encode(), Err(EncodeError::ControlFragmented));
    }
}

#[test]
fn incomplete_header_is_none() {
    for len in [5, 300, 70_000] {
        let header = header(OpCode::Text, len).with_mask(Some(KEY));
        let bytes = header.encode().unwrap();
        for end in 0..bytes.len() {
            assert_eq!(FrameHeader::parse(&bytes[..end]), Ok(None));
        }
        let more = [&bytes[..], b"payload"].concat();
        assert_eq!(FrameHeader::parse(&more), Ok(Some((header, bytes.len()))));
    }
}

/// Returns the error of every rule of RFC 6455 §5.1, §5.2, §5.4 and §5.5 that a frame with these first two bytes violates.
fn expected_errors(first: u8, second: u8, role: Role, inside: bool) -> Vec<DecodeError> {
    let (fin, rsv, opcode) = (first >> 7 == 1, first >> 4 & 7, first & 15);
    let (masked, len) = (second >> 7 == 1, second & 127);
    let (is_control, is_data) = ((8..=10).contains(&opcode), matches!(opcode, 1 | 2));
    let rules = [
        (rsv != 0, DecodeError::ReservedBits),
        (matches!(opcode, 3..=7 | 11..=15), DecodeError::ReservedOpCode(opcode)),
        (is_control && len > 125, DecodeError::ControlTooLong),
        (is_control && !fin, DecodeError::ControlFragmented),
        (opcode == 8 && len == 1, DecodeError::CloseTooShort),
        (opcode == 0 && !inside, DecodeError::OrphanContinuation),
        (is_data && inside, DecodeError::DataInsideMessage),
        (masked && role == Role::Client, DecodeError::MaskUnexpected),
        (!masked && role == Role::Server, DecodeError::MaskMissing),
    ];
    rules.into_iter().filter_map(|(broken, error)| broken.then_some(error)).collect()
}

/// Returns the bytes of a header after this second byte: the smallest length in this form, and a masking key.
fn rest_of_header(second: u8) -> Vec<u8> {
    let len: &[u8] = match second & 127 {
        126 => &[0, 126],
        127 => &[0, 0, 0, 0, 0, 1, 0, 0],
        _ => &[],
    };
    let key: &[u8] = if second >> 7 == 1 { &[1, 2, 3, 4] } else { &[] };
    [len, key].concat()
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-10.7
//# Incoming data MUST always be validated by both clients and servers.
#[test]
fn checks_every_first_two_bytes_as_the_rfc_requires() {
    for (role, start) in [(Role::Client, [1, 0].to_vec()), (Role::Server, [1, 0x80, 9, 9, 9, 9].to_vec())] {
        let mut open = BytesMut::from(&start[..]);
        let mut inside = Decoder::new(role);
        assert!(inside.decode(&mut open).unwrap().is_some());
        for decoder in [(Decoder::new(role), false), (inside, true)] {
            let (decoder, inside) = decoder;
            for [first, second] in (0..=u16::MAX).map(u16::to_be_bytes) {
                let mut input = BytesMut::from(&[first, second][..]);
                input.extend_from_slice(&rest_of_header(second));
                let expected = expected_errors(first, second, role, inside);
                // The input contains no payload, so the header alone must be rejected.
                match decoder.clone().decode(&mut input) {
                    Ok(frame) => {
                        assert_eq!(expected, [], "a {role:?} accepted {first:02x} {second:02x}");
                        assert_eq!(frame.is_some(), second & 127 == 0);
                        assert!(input.is_empty());
                    }
                    Err(error) => {
                        assert!(expected.contains(&error), "{first:02x} {second:02x}: {error:?}, not {expected:?}");
                    }
                }
            }
        }
    }
}
