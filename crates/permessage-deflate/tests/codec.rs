//! What goes in comes out: in whole messages and in parts, however much room there is, whatever comes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use protocol_websocket_frame::{DecodeError, Extension, Frame, OpCode, Rsv};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};

/// All that `inflater` makes of `frame`, in pieces of at most `room` bytes.
fn pieces(inflater: &mut Inflater, frame: Frame, room: usize) -> Result<Vec<Frame>, DecodeError> {
    let (mut pieces, mut next) = (Vec::new(), Some(frame));
    while let Some(frame) = next {
        let (piece, rest) = inflater.decode(frame, room)?;
        assert!(piece.payload().len() <= room);
        assert!(rest.is_none() || piece.payload().len() == room, "room was left");
        assert!(rest.is_none() || !piece.fin(), "an end with a rest");
        pieces.push(piece);
        next = rest;
    }
    Ok(pieces)
}

fn joined(pieces: &[Frame]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.payload().to_vec()).collect()
}

/// A message cut into fragments of these lengths.
fn fragments(message: &[u8], sizes: &[usize]) -> Vec<Frame> {
    let mut rest = Bytes::copy_from_slice(message);
    let mut frames: Vec<Frame> = Vec::new();
    for &size in sizes {
        let piece = rest.split_to(size.min(rest.len()));
        let opcode = if frames.is_empty() { OpCode::Binary } else { OpCode::Continuation };
        frames.push(Frame::new(opcode, piece).with_fin(false));
    }
    let opcode = if frames.is_empty() { OpCode::Binary } else { OpCode::Continuation };
    frames.push(Frame::new(opcode, rest));
    frames
}

/// Bytes that compress, and bytes that do not.
fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        prop::collection::vec(0_u8..3, 0..3000),
        (any::<u8>(), 0_usize..40_000).prop_map(|(byte, len)| vec![byte; len]),
        (prop::collection::vec(any::<u8>(), 1..600), 1_usize..40).prop_map(|(unit, times)| unit.repeat(times)),
    ]
}

proptest! {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //# An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first
    //# fragments of a data message.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
    //# Note that for non-final fragments, the removal of 0x00 0x00 0xff 0xff MUST NOT be done.
    #[test]
    fn what_was_compressed_is_inflated(
        messages in prop::collection::vec((message(), prop::collection::vec(0_usize..500, 0..4)), 1..5),
        (bits, level, takeover) in (9_u8..=15, 0_u8..=9, any::<bool>()),
        room in prop_oneof![1_usize..20, 100_usize..70_000],
        cuts in prop::collection::vec(1_usize..100, 1..5),
        shrink: bool,
    ) {
        let mut deflater = Deflater::new(bits).level(level).threshold(0).context_takeover(takeover);
        let mut inflater = Inflater::new().context_takeover(takeover);
        let mut cuts = cuts.iter().cycle();
        for (message, sizes) in messages {
            let mut came = Vec::new();
            for frame in fragments(&message, &sizes) {
                let frame = deflater.encode(frame).unwrap();
                let first = frame.opcode() != OpCode::Continuation;
                prop_assert_eq!(frame.rsv(), if first { Rsv::RSV1 } else { Rsv::NONE });
                // As an intermediary, or a decoder that gives parts, may cut it.
                let sizes: Vec<usize> = (0..3).map(|_| *cuts.next().unwrap()).collect();
                let mut parts = fragments(frame.payload(), &sizes);
                parts[0] = Frame::new(frame.opcode(), parts[0].payload().clone()).with_rsv(frame.rsv()).with_fin(false);
                let last = parts.pop().unwrap().with_fin(frame.fin());
                for part in parts.into_iter().chain([last]) {
                    came.extend(pieces(&mut inflater, part, room).unwrap());
                }
            }
            prop_assert_eq!(joined(&came), message);
            prop_assert_eq!(came.iter().filter(|piece| piece.fin()).count(), 1);
            prop_assert!(came.last().unwrap().fin());
            prop_assert_eq!(came[0].opcode(), OpCode::Binary);
            prop_assert!(came[1..].iter().all(|piece| piece.opcode() == OpCode::Continuation));
            prop_assert!(came.iter().all(|piece| piece.rsv().is_none()));
            if shrink {
                deflater.release_memory();
                inflater.release_memory();
            }
        }
    }

    #[test]
    fn an_inflater_may_shrink_between_any_two_messages(
        messages in prop::collection::vec((message(), any::<bool>(), any::<bool>()), 1..8),
        room in prop_oneof![1_usize..20, 100_usize..70_000],
    ) {
        let (mut deflater, mut inflater) = (Deflater::new(15).threshold(0), Inflater::new());
        for (message, compress, shrink) in messages {
            let frame = Frame::binary(message.clone());
            let frame = if compress { deflater.encode(frame).unwrap() } else { frame };
            // Only what is compressed comes in pieces.
            let room = if compress { room } else { message.len() };
            prop_assert_eq!(joined(&pieces(&mut inflater, frame, room).unwrap()), message);
            if shrink {
                inflater.release_memory();
            }
        }
    }

    #[test]
    fn whatever_comes_no_more_comes_out_than_there_is_room_for(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5),
        (takeover, room) in (any::<bool>(), 1_usize..5000),
    ) {
        let mut inflater = Inflater::new().context_takeover(takeover);
        let mut failed = false;
        for payload in payloads {
            let pieces = pieces(&mut inflater, Frame::binary(payload).with_rsv(Rsv::RSV1), room);
            prop_assert!(!failed || pieces == Err(DecodeError::Extension), "an error is final");
            failed = pieces.is_err();
        }
    }

    #[test]
    fn a_cut_changes_nothing(message in message(), at: prop::sample::Index, noise: Vec<u8>, flip: prop::sample::Index) {
        let mut payload = Deflater::new(15).threshold(0).encode(Frame::binary(message)).unwrap().payload().to_vec();
        if !noise.is_empty() {
            let flip = flip.index(payload.len());
            payload[flip] ^= noise[0];
        }
        let whole = pieces(&mut Inflater::new(), Frame::binary(payload.clone()).with_rsv(Rsv::RSV1), 100_000);
        let (head, rest) = payload.split_at(at.index(payload.len() + 1));
        let mut inflater = Inflater::new();
        let first = Frame::binary(head.to_vec()).with_rsv(Rsv::RSV1).with_fin(false);
        let halves = pieces(&mut inflater, first, 7).and_then(|mut first| {
            first.extend(pieces(&mut inflater, Frame::continuation(rest.to_vec()), 7)?);
            Ok(first)
        });
        prop_assert_eq!(whole.map(|pieces| joined(&pieces)), halves.map(|pieces| joined(&pieces)));
    }
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
//# An endpoint MUST use the following algorithm to send a message in the form of an uncompressed
//# message.
#[test]
fn short_messages_go_out_as_they_are_and_parts_do_not() {
    let mut deflater = Deflater::new(15);
    for (len, compressed) in [(0, false), (63, false), (64, true)] {
        let frame = deflater.encode(Frame::binary(vec![b'a'; len])).unwrap();
        assert_eq!(frame.rsv(), if compressed { Rsv::RSV1 } else { Rsv::NONE }, "{len}");
        assert_eq!(frame.payload().len() == len, !compressed, "{len}");
    }
    let mut deflater = Deflater::new(15).threshold(10);
    assert_eq!(deflater.encode(Frame::text("123456789")).unwrap(), Frame::text("123456789"));
    assert_eq!(deflater.encode(Frame::text("1234567890")).unwrap().rsv(), Rsv::RSV1);
    assert_eq!(deflater.encode(Frame::text("1").with_fin(false)).unwrap().rsv(), Rsv::RSV1);
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
//# An endpoint MUST use the following algorithm to receive a message in the form of an uncompressed
//# message.
#[test]
fn a_level_is_how_hard_to_try() {
    let text: String = (0..20_000).map(|number| format!("{} ", number * number % 1009)).collect();
    let compressed = |level| {
        let frame = Deflater::new(15).level(level).encode(Frame::text(text.as_str())).unwrap();
        frame.payload().len()
    };
    assert!(compressed(0) > text.len() && compressed(1) < text.len() / 2);
    assert!(compressed(1) > compressed(6) && compressed(6) > compressed(9));
    assert_eq!(compressed(9), compressed(255));
}

#[test]
fn what_was_not_compressed_passes() {
    let (mut inflater, plain) = (Inflater::new(), Frame::text("plain").with_fin(false));
    assert_eq!(inflater.decode(plain.clone(), 1), Ok((plain, None)));
    let rest = Frame::continuation("more").with_rsv(Rsv::RSV3);
    assert_eq!(inflater.decode(rest.clone(), 1), Ok((rest, None)));
}

#[test]
fn bits_of_others_stay() {
    let frame = Deflater::new(15).threshold(0).encode(Frame::text("a").with_rsv(Rsv::RSV2)).unwrap();
    assert_eq!(frame.rsv(), Rsv::RSV1 | Rsv::RSV2);
    let (frame, _) = Inflater::new().decode(frame, 9).unwrap();
    assert_eq!(frame.rsv(), Rsv::RSV2);
}

#[test]
fn each_half_leaves_the_other_direction_alone() {
    let frame = Frame::text("a".repeat(100));
    assert_eq!(Inflater::new().encode(frame.clone()), Ok(frame.clone()));
    let compressed = frame.with_rsv(Rsv::RSV1);
    assert_eq!(Deflater::new(15).decode(compressed.clone(), 1), Ok((compressed, None)));
}

#[test]
fn each_half_claims_the_first_reserved_bit() {
    assert_eq!((Deflater::new(15).rsv(), Inflater::new().rsv()), (Rsv::RSV1, Rsv::RSV1));
}

/// DEFLATE as others may write it: all of it, and then a flush.
fn deflated(data: &[u8], bits: u8) -> Vec<u8> {
    let mut context = Compress::new_with_window_bits(Compression::best(), false, bits);
    let mut output = Vec::with_capacity(data.len() + 100);
    context.compress_vec(data, &mut output, FlushCompress::Sync).unwrap();
    assert!(output.ends_with(&[0, 0, 0xFF, 0xFF]));
    output.truncate(output.len() - 4);
    output
}

fn noise(len: usize) -> Vec<u8> {
    test_support::noise::noise(1).take(len).collect()
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# An endpoint MUST NOT use an LZ77 sliding window longer than 32,768 bytes to compress messages to
//# send.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the client MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the server MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes
#[test]
fn a_window_is_as_wide_as_it_says() {
    // The same noise again, farther back than 512 bytes: only a wider window finds it.
    let again = [noise(2000), noise(2000)].concat();
    let narrow = Deflater::new(9).encode(Frame::binary(again.clone())).unwrap().payload().len();
    let wide = Deflater::new(12).encode(Frame::binary(again)).unwrap().payload().len();
    assert!(narrow > 4000 && wide < 2500, "{narrow} {wide}");
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the server MUST start compressing each new message with an empty LZ77 sliding window.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the client MUST start compressing each new message with an empty LZ77 sliding window.
#[test]
fn without_takeover_each_message_begins_with_an_empty_window() {
    let again = [noise(2000), noise(2000)].concat();
    let (found, not_found) = (2000..2500, 4000..4200);
    for (bits, level, length) in [(15, 6, &found), (9, 6, &not_found), (15, 0, &not_found), (12, 1, &found)] {
        let mut deflater = Deflater::new(bits).level(level).context_takeover(false);
        for sizes in [&[][..], &[1000, 500, 2500], &[]] {
            let (mut alone, mut came, mut sent) = (Inflater::new(), Vec::new(), 0);
            for frame in fragments(&again, sizes) {
                let frame = deflater.encode(frame).unwrap();
                sent += frame.payload().len();
                came.extend(pieces(&mut alone, frame, usize::MAX).unwrap());
            }
            assert!(joined(&came) == again);
            assert!(length.contains(&sent), "{sent} with {bits} bits and level {level}");
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
//# Otherwise, the client MUST use a 32,768-byte LZ77 sliding window to decompress received
//# messages.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
//# Otherwise, the server MUST use a 32,768-byte LZ77 sliding window to decompress received
//# messages.
#[test]
fn all_of_the_widest_window_is_there() {
    // As far back as a compressor looks, but for a few bytes.
    let again = [noise(32_500), noise(32_500)].concat();
    assert!(deflated(&again, 15).len() < 40_000);
    let frame = Frame::binary(deflated(&again, 15)).with_rsv(Rsv::RSV1);
    for room in [1, 100, 5000] {
        let came = pieces(&mut Inflater::new(), frame.clone(), room);
        assert!(came.is_ok_and(|pieces| joined(&pieces) == again), "{room}");
    }
}

#[test]
fn what_does_not_shrink_comes_out_whole() {
    let (mut deflater, mut inflater) = (Deflater::new(15), Inflater::new());
    for len in [100_000, 200_000, 100_000] {
        let frame = deflater.encode(Frame::binary(noise(len))).unwrap();
        let came = pieces(&mut inflater, frame, usize::MAX).unwrap();
        assert!(joined(&came) == noise(len), "{len}");
    }
}

#[test]
fn a_message_cannot_refer_to_one_that_was_forgotten() {
    let mut deflater = Deflater::new(15).threshold(0);
    let [first, second] = [(); 2].map(|()| deflater.encode(Frame::text("Hello, Hello, Hello")).unwrap());
    let mut forgetful = Inflater::new().context_takeover(false);
    assert!(forgetful.decode(first.clone(), 100).is_ok());
    assert_eq!(forgetful.decode(second.clone(), 100), Err(DecodeError::Extension));
    let mut keen = Inflater::new();
    keen.decode(first, 100).unwrap();
    keen.release_memory();
    assert_eq!(keen.decode(second, 100).unwrap().0, Frame::text("Hello, Hello, Hello"));
}

#[test]
fn what_is_no_deflate_is_refused_and_that_is_final() {
    for bad in [
        &b"\x07"[..],                            // a block of the reserved type
        b"\x00\x05\x00\x05\x00Hello",            // a stored length and its complement that do not fit
        b"\x02\x41\x00\x00",                     // a distance before the beginning
        b"\x04\xfd\xff\xff\xff\xff\xff\xff",     // code lengths that make no code
        b"\x78\x9c\xf3\x48\xcd\xc9\xc9\x07\x00", // a zlib header
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",     // a gzip header
    ] {
        let mut inflater = Inflater::new();
        let frame = Frame::binary(bad).with_rsv(Rsv::RSV1);
        assert_eq!(pieces(&mut inflater, frame, 1000), Err(DecodeError::Extension), "{bad:x?}");
        let good = Frame::binary(&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]).with_rsv(Rsv::RSV1);
        assert_eq!(pieces(&mut inflater, good, 1000), Err(DecodeError::Extension));
        assert_eq!(pieces(&mut inflater, Frame::binary("plain"), 1000), Err(DecodeError::Extension));
    }
}

#[test]
fn a_payload_that_ends_inside_a_block_is_taken_as_far_as_it_goes() {
    // A stored block of 100 bytes, five of them, and what §7.2.2 appends; then the next message, inside that block.
    let cut = Frame::binary(&b"\x00\x64\x00\x9b\xffhello"[..]).with_rsv(Rsv::RSV1);
    let next = Frame::binary(&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]).with_rsv(Rsv::RSV1);
    for (takeover, expected) in [(true, &b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff"[..]), (false, b"Hello")] {
        let mut inflater = Inflater::new().context_takeover(takeover);
        let came = pieces(&mut inflater, cut.clone(), 100).map(|pieces| joined(&pieces));
        assert_eq!(came, Ok(b"hello\x00\x00\xff\xff".to_vec()));
        assert_eq!(pieces(&mut inflater, next.clone(), 100).map(|pieces| joined(&pieces)), Ok(expected.to_vec()));
    }
    // There are no bytes of a window to be kept.
    let mut inflater = Inflater::new();
    assert!(pieces(&mut inflater, cut, 100).is_ok());
    inflater.release_memory();
    assert_eq!(pieces(&mut inflater, next, 100), Err(DecodeError::Extension));
}

#[test]
fn blocks_without_contents_cost_nothing_but_their_reading() {
    for unit in [&b"\x00\x00\x00\xff\xff"[..], b"\x03\x00"] {
        let empty = unit.repeat(20_000);
        let (frame, rest) = Inflater::new().decode(Frame::binary(empty).with_rsv(Rsv::RSV1), 1 << 20).unwrap();
        assert_eq!((frame, rest), (Frame::binary(""), None));
    }
}

#[test]
fn an_end_in_the_middle_begins_anew() {
    let twice = b"\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    for room in [1, 5, 10, 100] {
        let frame = Frame::text("").with_payload(&twice[..]).with_rsv(Rsv::RSV1);
        assert_eq!(pieces(&mut Inflater::new(), frame, room).map(|pieces| joined(&pieces)), Ok(b"HelloHello".to_vec()));
    }
}

/// RFC 7692 §7.2.2 would allow it, but the back end cannot read on with its window.
#[test]
fn a_reference_to_before_a_final_block_is_refused() {
    let compressed = |payload: &'static [u8]| Frame::text("").with_payload(payload).with_rsv(Rsv::RSV1);
    let (last, back) = (&b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"[..], &b"\xf2\x00\x11\x00\x00"[..]);
    let mut inflater = Inflater::new();
    assert_eq!(inflater.decode(compressed(last), 100), Ok((Frame::text("Hello"), None)));
    assert_eq!(inflater.decode(compressed(back), 100), Err(DecodeError::Extension));
}

#[test]
fn without_room_nothing_comes_out_and_nothing_is_lost() {
    let frame = Frame::text("").with_payload(&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]).with_rsv(Rsv::RSV1);
    let mut inflater = Inflater::new();
    let (none, rest) = inflater.decode(frame, 0).unwrap();
    assert!(none.payload().is_empty() && !none.fin());
    let (none, rest) = inflater.decode(rest.unwrap(), 0).unwrap();
    assert!(none.payload().is_empty() && !none.fin());
    assert_eq!(joined(&pieces(&mut inflater, rest.unwrap(), 2).unwrap()), b"Hello");
    // And an end needs none.
    let empty = Frame::text("").with_payload(&b"\x00"[..]).with_rsv(Rsv::RSV1);
    assert_eq!(inflater.decode(empty, 0), Ok((Frame::text(""), None)));
}
