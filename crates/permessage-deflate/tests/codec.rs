//! Messages roundtrip, whole and in parts, with any room. Malformed input is rejected.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use protocol_websocket_frame::{
    DecodeError, ExtensionDecoder as _, ExtensionEncoder as _, Frame, OpCode, Payload, Rsv,
};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};

use common::{decode, encode, fragments, noise};

/// Inflates `frame` in pieces of at most `room` bytes.
fn pieces(inflater: &mut Inflater, frame: Frame, room: usize) -> Result<Vec<Frame>, DecodeError> {
    let (mut pieces, mut next) = (Vec::new(), Some(frame));
    while let Some(frame) = next {
        let (piece, rest) = decode(inflater, frame, room)?;
        assert!(piece.payload().len() <= room);
        assert!(rest.is_none() || piece.payload().len() == room, "the room was not used");
        assert!(rest.is_none() || !piece.fin(), "a rest after the end of the message");
        pieces.push(piece);
        next = rest;
    }
    Ok(pieces)
}

fn joined(pieces: &[Frame]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.payload().to_vec()).collect()
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
    fn compressed_messages_are_inflated_in_any_slicing(
        messages in prop::collection::vec((message(), prop::collection::vec(0_usize..500, 0..4)), 1..5),
        (bits, level, takeover) in (9_u8..=15, 1_u8..=9, any::<bool>()),
        room in prop_oneof![1_usize..20, 100_usize..70_000],
        splits in prop::collection::vec(1_usize..100, 1..5),
        release: bool,
    ) {
        let mut deflater = Deflater::new(bits).level(level).threshold(0).context_takeover(takeover);
        let mut inflater = Inflater::new().context_takeover(takeover);
        let mut splits = splits.iter().cycle();
        for (message, sizes) in messages {
            let mut received = Vec::new();
            for frame in fragments(&message, &sizes) {
                let frame = encode(&mut deflater, frame);
                let first = frame.opcode() != OpCode::Continuation;
                prop_assert_eq!(frame.rsv(), if first { Rsv::RSV1 } else { Rsv::NONE });
                // An intermediary may split the frame, or a decoder that delivers parts.
                let sizes: Vec<usize> = (0..3).map(|_| *splits.next().unwrap()).collect();
                let mut parts = fragments(frame.payload(), &sizes);
                parts[0] = Frame::new(frame.opcode(), parts[0].payload().clone()).with_rsv(frame.rsv()).with_fin(false);
                let last = parts.pop().unwrap().with_fin(frame.fin());
                for part in parts.into_iter().chain([last]) {
                    received.extend(pieces(&mut inflater, part, room).unwrap());
                }
            }
            prop_assert_eq!(joined(&received), message);
            prop_assert_eq!(received.iter().filter(|piece| piece.fin()).count(), 1);
            prop_assert!(received.last().unwrap().fin());
            prop_assert_eq!(received[0].opcode(), OpCode::Binary);
            prop_assert!(received[1..].iter().all(|piece| piece.opcode() == OpCode::Continuation));
            prop_assert!(received.iter().all(|piece| piece.rsv().is_none()));
            if release {
                deflater.release_memory();
                inflater.release_memory();
            }
        }
    }

    #[test]
    fn inflater_releases_memory_between_any_two_messages(
        messages in prop::collection::vec((message(), any::<bool>(), any::<bool>()), 1..8),
        room in prop_oneof![1_usize..20, 100_usize..70_000],
    ) {
        let (mut deflater, mut inflater) = (Deflater::new(15).threshold(0), Inflater::new());
        for (message, compress, release) in messages {
            let frame = Frame::binary(message.clone());
            let frame = if compress { encode(&mut deflater, frame) } else { frame };
            // Only compressed messages are decoded in pieces.
            let room = if compress { room } else { message.len() };
            prop_assert_eq!(joined(&pieces(&mut inflater, frame, room).unwrap()), message);
            if release {
                inflater.release_memory();
            }
        }
    }

    #[test]
    fn output_never_exceeds_room(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5),
        (takeover, room) in (any::<bool>(), 1_usize..5000),
    ) {
        let mut inflater = Inflater::new().context_takeover(takeover);
        let mut failed = false;
        for payload in payloads {
            let pieces = pieces(&mut inflater, Frame::binary(payload).with_rsv(Rsv::RSV1), room);
            prop_assert!(!failed || pieces == Err(DecodeError::Extension), "a frame was accepted after an error");
            failed = pieces.is_err();
        }
    }

    #[test]
    fn fragmentation_does_not_change_output(message in message(), at: prop::sample::Index, noise: Vec<u8>, flip: prop::sample::Index) {
        let mut payload = encode(&mut Deflater::new(15).threshold(0), Frame::binary(message)).payload().to_vec();
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
fn messages_below_threshold_are_not_compressed() {
    let mut deflater = Deflater::new(15);
    for (len, compressed) in [(0, false), (63, false), (64, true)] {
        let frame = encode(&mut deflater, Frame::binary(vec![b'a'; len]));
        assert_eq!(frame.rsv(), if compressed { Rsv::RSV1 } else { Rsv::NONE }, "{len}");
        assert_eq!(frame.payload().len() == len, !compressed, "{len}");
    }
    let mut deflater = Deflater::new(15).threshold(10);
    assert_eq!(encode(&mut deflater, Frame::text("123456789")), Frame::text("123456789"));
    assert_eq!(encode(&mut deflater, Frame::text("1234567890")).rsv(), Rsv::RSV1);
    assert_eq!(encode(&mut deflater, Frame::text("1").with_fin(false)).rsv(), Rsv::RSV1);
}

#[test]
fn long_message_that_compression_would_make_longer_is_sent_uncompressed() {
    for takeover in [false, true] {
        let mut deflater = Deflater::new(15).context_takeover(takeover);
        let mut inflater = Inflater::new().context_takeover(takeover);
        for (message, is_compressed) in [
            (b"some text ".repeat(5000), true),
            (noise(32 * 1024), false),
            // A part of the message before it, which is not in the peer's window.
            (noise(1000), true),
            (b"some text ".repeat(5000), true),
            (noise(32 * 1024 - 1), true),
            (noise(200_000), false),
            (noise(40_000).repeat(2), false),
        ] {
            let frame = encode(&mut deflater, Frame::binary(message.clone()));
            assert_eq!(frame.rsv() == Rsv::RSV1, is_compressed, "{}", message.len());
            assert!(is_compressed || frame.payload() == &message);
            assert!(joined(&pieces(&mut inflater, frame, 1 << 20).unwrap()) == message);
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
//# An endpoint MUST use the following algorithm to receive a message in the form of an uncompressed
//# message.
#[test]
fn higher_level_compresses_better() {
    let text: String = (0..20_000).map(|number| format!("{} ", number * number % 1009)).collect();
    let compressed = |level| {
        let frame = encode(&mut Deflater::new(15).level(level), Frame::text(text.as_str()));
        frame.payload().len()
    };
    assert!(compressed(0) == text.len() && compressed(1) < text.len() / 2);
    assert!(compressed(1) > compressed(6) && compressed(6) > compressed(9));
    assert_eq!(compressed(9), compressed(255));
}

#[test]
fn uncompressed_messages_pass_unchanged() {
    let (mut inflater, plain) = (Inflater::new(), Frame::text("plain").with_fin(false));
    assert_eq!(decode(&mut inflater, plain.clone(), 1), Ok((plain, None)));
    let rest = Frame::continuation("more").with_rsv(Rsv::RSV3);
    assert_eq!(decode(&mut inflater, rest.clone(), 1), Ok((rest, None)));
}

#[test]
fn unchanged_payloads_are_not_copied() {
    let short = *b"short";
    let is_borrowed =
        |payload: &Payload<'_>| matches!(payload, Payload::Borrowed(bytes) if bytes.as_ptr() == short.as_ptr());
    let frame = Deflater::new(15).encode(Frame::lent(OpCode::Text, &short)).unwrap();
    assert!(is_borrowed(frame.payload()), "the deflater copied it");
    let (frame, rest) = Inflater::new().decode(frame, 0).unwrap();
    assert!(is_borrowed(frame.payload()) && rest.is_none(), "the inflater copied it");
}

#[test]
fn borrowed_and_shared_payloads_give_equal_frames() {
    for len in [0, 1, 500, 2000] {
        let message = vec![b'a'; len];
        let deflater = || Deflater::new(15).threshold(0);
        let compressed = encode(&mut deflater(), Frame::binary(message.clone()));
        assert_eq!(deflater().encode(Frame::lent(OpCode::Binary, &message[..])).unwrap().into_owned(), compressed);
        let lent = Frame::lent(OpCode::Binary, &compressed.payload()[..]).with_rsv(Rsv::RSV1);
        for room in [1, 100, 5000] {
            let (frame, rest) = Inflater::new().decode(lent.clone(), room).unwrap();
            // The rest still borrows from the input.
            assert!(rest.as_ref().is_none_or(|rest| matches!(rest.payload(), Payload::Borrowed(_))));
            let decoded = (frame.into_owned(), rest.map(Frame::into_owned));
            assert_eq!(decode(&mut Inflater::new(), compressed.clone(), room), Ok(decoded));
        }
    }
}

#[test]
fn deflater_restarts_with_an_empty_window() {
    let mut deflater = Deflater::new(15).threshold(0);
    let frames = [(); 2].map(|()| encode(&mut deflater, Frame::text("Hello, Hello, Hello")));
    deflater.restart();
    assert_ne!(frames[0], frames[1]);
    assert_eq!(encode(&mut deflater, Frame::text("Hello, Hello, Hello")), frames[0]);
}

#[test]
fn keeps_reserved_bits_of_other_extensions() {
    let frame = encode(&mut Deflater::new(15).threshold(0), Frame::text("a").with_rsv(Rsv::RSV2));
    assert_eq!(frame.rsv(), Rsv::RSV1 | Rsv::RSV2);
    let (frame, _) = decode(&mut Inflater::new(), frame, 9).unwrap();
    assert_eq!(frame.rsv(), Rsv::RSV2);
}

/// Compresses all data at once and then flushes, as other compressors may do.
fn deflated(data: &[u8], bits: u8) -> Vec<u8> {
    let mut context = Compress::new_with_window_bits(Compression::best(), false, bits);
    let mut output = Vec::with_capacity(data.len() + 100);
    context.compress_vec(data, &mut output, FlushCompress::Sync).unwrap();
    assert!(output.ends_with(&[0, 0, 0xFF, 0xFF]));
    output.truncate(output.len() - 4);
    output
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# An endpoint MUST NOT use an LZ77 sliding window longer than 32,768 bytes to compress messages to
//# send.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the client MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the server MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes
#[test]
fn compresses_within_configured_window() {
    // The noise is repeated at a distance of more than 512 bytes: only a larger window contains it.
    let repeated = [noise(2000), noise(2000)].concat();
    let narrow = encode(&mut Deflater::new(9), Frame::binary(repeated.clone())).payload().len();
    let wide = encode(&mut Deflater::new(12), Frame::binary(repeated)).payload().len();
    assert!(narrow > 4000 && wide < 2500, "{narrow} {wide}");
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the server MUST start compressing each new message with an empty LZ77 sliding window.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
//# the client MUST start compressing each new message with an empty LZ77 sliding window.
#[test]
fn without_takeover_each_message_begins_with_an_empty_window() {
    let repeated = [noise(2000), noise(2000)].concat();
    let (found, not_found) = (2000..2500, 4000..4200);
    for (bits, level, length) in [(15, 6, &found), (9, 6, &not_found), (15, 0, &not_found), (12, 1, &found)] {
        let mut deflater = Deflater::new(bits).level(level).context_takeover(false);
        for sizes in [&[][..], &[1000, 500, 2500], &[]] {
            let (mut alone, mut received, mut sent) = (Inflater::new(), Vec::new(), 0);
            for frame in fragments(&repeated, sizes) {
                let frame = encode(&mut deflater, frame);
                sent += frame.payload().len();
                received.extend(pieces(&mut alone, frame, usize::MAX).unwrap());
            }
            assert!(joined(&received) == repeated);
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
fn inflates_references_across_largest_window() {
    // The distance is a few bytes less than the maximum.
    let repeated = [noise(32_500), noise(32_500)].concat();
    assert!(deflated(&repeated, 15).len() < 40_000);
    let frame = Frame::binary(deflated(&repeated, 15)).with_rsv(Rsv::RSV1);
    for room in [1, 100, 5000] {
        let received = pieces(&mut Inflater::new(), frame.clone(), room);
        assert!(received.is_ok_and(|pieces| joined(&pieces) == repeated), "{room}");
    }
}

#[test]
fn roundtrips_incompressible_messages() {
    let (mut deflater, mut inflater) = (Deflater::new(15), Inflater::new());
    for len in [100_000, 200_000, 100_000] {
        let frame = encode(&mut deflater, Frame::binary(noise(len)));
        let received = pieces(&mut inflater, frame, usize::MAX).unwrap();
        assert!(joined(&received) == noise(len), "{len}");
    }
}

#[test]
fn rejects_reference_to_earlier_message_without_takeover() {
    let mut deflater = Deflater::new(15).threshold(0);
    let [first, second] = [(); 2].map(|()| encode(&mut deflater, Frame::text("Hello, Hello, Hello")));
    let mut without_takeover = Inflater::new().context_takeover(false);
    assert!(decode(&mut without_takeover, first.clone(), 100).is_ok());
    assert_eq!(decode(&mut without_takeover, second.clone(), 100), Err(DecodeError::Extension));
    let mut with_takeover = Inflater::new();
    decode(&mut with_takeover, first, 100).unwrap();
    with_takeover.release_memory();
    assert_eq!(decode(&mut with_takeover, second, 100).unwrap().0, Frame::text("Hello, Hello, Hello"));
}

#[test]
fn rejects_malformed_deflate_and_all_later_frames() {
    for bad in [
        &b"\x07"[..],                            // a block of the reserved type
        b"\x00\x05\x00\x05\x00Hello",            // a stored length that does not match its complement
        b"\x02\x41\x00\x00",                     // a distance before the beginning
        b"\x04\xfd\xff\xff\xff\xff\xff\xff",     // code lengths that form no valid code
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
fn payload_that_ends_inside_a_block_is_inflated_as_far_as_possible() {
    // A stored block of 100 bytes with five of them, and the bytes that §7.2.2 appends. The next message is inside that
    // block.
    let cut = Frame::binary(&b"\x00\x64\x00\x9b\xffhello"[..]).with_rsv(Rsv::RSV1);
    let next = Frame::binary(&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]).with_rsv(Rsv::RSV1);
    for (takeover, expected) in [(true, &b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff"[..]), (false, b"Hello")] {
        let mut inflater = Inflater::new().context_takeover(takeover);
        let received = pieces(&mut inflater, cut.clone(), 100).map(|pieces| joined(&pieces));
        assert_eq!(received, Ok(b"hello\x00\x00\xff\xff".to_vec()));
        assert_eq!(pieces(&mut inflater, next.clone(), 100).map(|pieces| joined(&pieces)), Ok(expected.to_vec()));
    }
    // The decompressor is inside a block, so its window cannot be extracted.
    let mut inflater = Inflater::new();
    assert!(pieces(&mut inflater, cut, 100).is_ok());
    inflater.release_memory();
    assert_eq!(pieces(&mut inflater, next, 100), Err(DecodeError::Extension));
}

#[test]
fn empty_blocks_inflate_to_nothing() {
    for unit in [&b"\x00\x00\x00\xff\xff"[..], b"\x03\x00"] {
        let empty = unit.repeat(20_000);
        let (frame, rest) = decode(&mut Inflater::new(), Frame::binary(empty).with_rsv(Rsv::RSV1), 1 << 20).unwrap();
        assert_eq!((frame, rest), (Frame::binary(""), None));
    }
}

#[test]
fn inflates_after_final_block() {
    let twice = b"\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    for room in [1, 5, 10, 100] {
        let frame = Frame::text("").with_payload(&twice[..]).with_rsv(Rsv::RSV1);
        assert_eq!(pieces(&mut Inflater::new(), frame, room).map(|pieces| joined(&pieces)), Ok(b"HelloHello".to_vec()));
    }
}

/// RFC 7692 §7.2.2 allows such references, but the back end cannot continue with its window.
#[test]
fn rejects_reference_to_before_final_block() {
    let compressed = |payload: &'static [u8]| Frame::text("").with_payload(payload).with_rsv(Rsv::RSV1);
    let (last, back) = (&b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"[..], &b"\xf2\x00\x11\x00\x00"[..]);
    let mut inflater = Inflater::new();
    assert_eq!(decode(&mut inflater, compressed(last), 100), Ok((Frame::text("Hello"), None)));
    assert_eq!(decode(&mut inflater, compressed(back), 100), Err(DecodeError::Extension));
}

#[test]
fn no_room_gives_no_output_and_loses_nothing() {
    let frame = Frame::text("").with_payload(&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]).with_rsv(Rsv::RSV1);
    let mut inflater = Inflater::new();
    let (none, rest) = decode(&mut inflater, frame, 0).unwrap();
    assert!(none.payload().is_empty() && !none.fin());
    let (none, rest) = decode(&mut inflater, rest.unwrap(), 0).unwrap();
    assert!(none.payload().is_empty() && !none.fin());
    assert_eq!(joined(&pieces(&mut inflater, rest.unwrap(), 2).unwrap()), b"Hello");
    // The end of a message needs no room.
    let empty = Frame::text("").with_payload(&b"\x00"[..]).with_rsv(Rsv::RSV1);
    assert_eq!(decode(&mut inflater, empty, 0), Ok((Frame::text(""), None)));
}
