//! Properties of any frames and any bytes: encoding and decoding are inverse, and read boundaries do not matter.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use protocol_websocket_core::Role;
use protocol_websocket_frame::{
    Assembler, Close, DecodeError, Decoder, Delivery, Frame, FrameHeader, Limits, MaskKey, MessageKind, OpCode, Rsv,
};

use common::{Outcome, decode, encode};

fn control() -> impl Strategy<Value = Frame> {
    let payload = || vec(any::<u8>(), 0..=125);
    let close = (prop_oneof![1000..1004_u16, 1007..1015_u16, 3000..5000_u16], "\\PC{0,30}");
    prop_oneof![
        payload().prop_map(Frame::ping),
        payload().prop_map(Frame::pong),
        Just(Frame::close(None).unwrap()),
        close.prop_map(|(code, reason)| Frame::close(Close::new(code, reason)).unwrap()),
    ]
}

/// A message in fragments, with control frames between them.
fn message() -> impl Strategy<Value = Vec<Frame>> {
    let long = prop_oneof![4 => 0..40_usize, 1 => 120..130_usize, 1 => 65_530..65_542_usize];
    let content = prop_oneof![
        any::<String>().prop_map(|text| (OpCode::Text, Bytes::from(text))),
        vec(any::<u8>(), 0..40).prop_map(|bytes| (OpCode::Binary, Bytes::from(bytes))),
        long.prop_map(|len| (OpCode::Binary, Bytes::from(vec![0xA5; len]))),
    ];
    (content, vec(any::<Index>(), 0..4), vec(control(), 0..3)).prop_map(|((opcode, bytes), cuts, between)| {
        let pieces = cut(&bytes, &cuts);
        let (last, mut between) = (pieces.len() - 1, between.into_iter());
        let mut frames = Vec::new();
        for (i, piece) in pieces.into_iter().enumerate() {
            let opcode = if i == 0 { opcode } else { OpCode::Continuation };
            frames.push(Frame::new(opcode, piece.to_vec()).with_fin(i == last));
            frames.extend(between.next());
        }
        frames
    })
}

/// The frames of a few messages, the role of the end that receives them, and their encoded bytes.
fn stream() -> impl Strategy<Value = (Vec<Frame>, Role, Vec<u8>)> {
    (vec(message(), 0..4), any::<Option<[u8; 4]>>()).prop_map(|(messages, key)| {
        let (frames, mask) = (messages.concat(), key.map(MaskKey));
        let receiver = if mask.is_some() { Role::Server } else { Role::Client };
        let wire = encode(&frames, mask).to_vec();
        (frames, receiver, wire)
    })
}

/// Valid bytes, bytes with a few changes, and random bytes.
fn any_bytes() -> impl Strategy<Value = (Role, Vec<u8>)> {
    let random = (select(&[Role::Client, Role::Server]), vec(any::<u8>(), 0..60));
    let modified = (stream(), vec((any::<Index>(), any::<u8>()), 1..4)).prop_map(|((_, role, mut wire), changes)| {
        for (at, byte) in changes {
            if let Some(len) = wire.len().checked_sub(1) {
                // Mostly near the beginning, where the headers are.
                let at = at.index(len.min(40) + 1);
                wire[at] = byte;
            }
        }
        (role, wire)
    });
    let valid = stream().prop_map(|(_, role, wire)| (role, wire));
    prop_oneof![1 => random, 3 => modified, 1 => valid]
}

fn limits() -> impl Strategy<Value = Limits> {
    prop_oneof![
        Just(Limits::default()),
        (0..100_u64, 0..100_u64, 0..4_u32)
            .prop_map(|(message, frame, fragments)| { Limits::new(message).max_frame(frame).max_fragments(fragments) }),
    ]
}

/// Splits `bytes` at each of `cuts`.
fn cut<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// The control frames and complete messages of an outcome, in their order.
type Seen = (Vec<(OpCode, Vec<u8>)>, Result<(), DecodeError>);

fn seen((frames, end): Outcome) -> Seen {
    let (mut assembler, mut bytes, mut seen) = (Assembler::new(Limits::NONE), BytesMut::new(), Vec::new());
    for frame in frames {
        if frame.opcode().is_control() {
            seen.push((frame.opcode(), frame.payload().to_vec()));
        } else if let Some(part) = assembler.push_part(frame).unwrap() {
            assert!(part.bytes.is_empty() || !part.first || bytes.is_empty());
            bytes.extend_from_slice(&part.bytes);
            if part.last {
                assert!(part.kind == MessageKind::Binary || std::str::from_utf8(&bytes).is_ok());
                seen.push((part.kind.opcode(), bytes.split().to_vec()));
            }
        }
    }
    (seen, end)
}

proptest! {
    #[test]
    fn roundtrips_frames((frames, role, wire) in stream()) {
        prop_assert_eq!(decode(Decoder::new(role), [&wire]), (frames, Ok(())));
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
    //# A server MUST remove masking for data frames received from a client
    #[test]
    fn frames_do_not_depend_on_read_boundaries(
        (role, wire) in any_bytes(),
        limits in limits(),
        cuts in vec(any::<Index>(), 0..8),
        allow_any_mask: bool,
    ) {
        let decoder = Decoder::new(role).limits(limits);
        let decoder = if allow_any_mask { decoder.allow_any_mask() } else { decoder };
        let whole = decode(decoder.clone(), [&wire]);
        prop_assert_eq!(&decode(decoder.clone(), cut(&wire, &cuts)), &whole);
        prop_assert_eq!(&decode(decoder, wire.chunks(1)), &whole);
    }

    #[test]
    fn parts_do_not_depend_on_read_boundaries(
        (role, wire) in any_bytes(),
        limits in limits(),
        cuts in vec(any::<Index>(), 0..8),
        min_part in prop_oneof![Just(1), 1..200_u16, Just(Decoder::MIN_PART)],
    ) {
        let whole = Decoder::new(role).limits(limits);
        let parts = whole.clone().delivery(Delivery::Parts).min_part(min_part);
        let expected = seen(decode(whole, [&wire]));
        prop_assert_eq!(&seen(decode(parts.clone(), [&wire])), &expected);
        prop_assert_eq!(&seen(decode(parts.clone(), cut(&wire, &cuts))), &expected);
        prop_assert_eq!(&seen(decode(parts, wire.chunks(1))), &expected);
    }

    #[test]
    fn allowed_bits_do_not_depend_on_read_boundaries((role, wire) in any_bytes(), cuts in vec(any::<Index>(), 0..8)) {
        let decoder = Decoder::new(role).allow_rsv(Rsv::RSV1);
        let whole = decode(decoder.clone(), [&wire]);
        prop_assert_eq!(&decode(decoder.clone(), cut(&wire, &cuts)), &whole);
        prop_assert_eq!(&decode(decoder, wire.chunks(1)), &whole);
    }

    #[test]
    fn roundtrips_headers(
        fin: bool,
        rsv: u8,
        opcode in select(&[OpCode::Continuation, OpCode::Text, OpCode::Binary, OpCode::Close, OpCode::Ping, OpCode::Pong]),
        key: Option<[u8; 4]>,
        len in prop_oneof![0..130_u64, 0xFFF0..0x1_0010_u64, 0..1_u64 << 63],
        after in vec(any::<u8>(), 0..4),
    ) {
        let (fin, len) = if opcode.is_control() { (true, len % 126) } else { (fin, len) };
        let header = FrameHeader::new(opcode, len).with_fin(fin).with_rsv(Rsv::from_bits(rsv)).with_mask(key.map(MaskKey));
        let bytes = header.encode()?;
        prop_assert_eq!(FrameHeader::parse(&[&bytes[..], &after].concat()), Ok(Some((header, bytes.len()))));
        for end in 0..bytes.len() {
            prop_assert_eq!(FrameHeader::parse(&bytes[..end]), Ok(None));
        }
    }

    #[test]
    fn parsed_header_encodes_to_the_same_bytes(bytes in vec(any::<u8>(), 0..20)) {
        if let Ok(Some((header, used))) = FrameHeader::parse(&bytes) {
            prop_assert_eq!(&header.encode()?[..], &bytes[..used]);
        }
    }
}
