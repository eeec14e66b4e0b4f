//! Isolation: neither another connection nor, without context takeover, another message changes the compressed or
//! decompressed form of a message.
#![allow(clippy::unwrap_used)]

mod common;

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use protocol_websocket_frame::{DecodeError, Frame, Rsv};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};

use common::{decode, encode, fragments};

/// Every level with every window.
fn configurations() -> impl Iterator<Item = (u8, u8)> {
    (0..=9).flat_map(|level| (9..=15).map(move |bits| (level, bits)))
}

fn compressed(deflater: &mut Deflater, frames: &[Frame]) -> Vec<Frame> {
    frames.iter().map(|frame| encode(deflater, frame.clone())).collect()
}

fn deflater((level, bits): (u8, u8)) -> Deflater {
    Deflater::new(bits).level(level).threshold(0).context_takeover(false)
}

/// Three fragments. The second one ends before the byte that is probed, which the compressor hashes together with it.
fn probe() -> Vec<Frame> {
    let entry = |i: u8, g: u8| [b'a', b'b', b'c', g, 0xC0 + i, 0xE0 + i, 1 + i, 0x30 + i];
    let (mut first, mut third) = (vec![], vec![0x7F]);
    for (i, g) in (0..).zip(*b"0123456789abcdef") {
        first.extend_from_slice(&entry(i, g));
        first.push(0xA0 + i);
        third.push(0x80 + i);
        third.extend_from_slice(&entry(i, g));
    }
    let len = first.len() + 2;
    fragments(&[&first[..], b"abc", &third].concat(), &[len, 1])
}

/// If the window keeps bytes of earlier messages, the probe distinguishes sixteen characters of them, from the same
/// connection or from another one.
#[test]
fn earlier_messages_do_not_change_compressed_fragments() {
    let probe = probe();
    for configuration in configurations() {
        let alone = compressed(&mut deflater(configuration), &probe);
        for secret in ["0", "7", "f"] {
            let mut before = deflater(configuration);
            encode(&mut before, Frame::text(secret.repeat(500)));
            assert_eq!(
                compressed(&mut deflater(configuration), &probe),
                alone,
                "{secret:?} of another connection, {configuration:?}"
            );
            assert_eq!(compressed(&mut before, &probe), alone, "{secret:?} of the same connection, {configuration:?}");
        }
    }
}

/// An application or an intermediary may abandon a message after its first fragment and begin another one.
#[test]
fn unfinished_message_does_not_change_next_compressed_message() {
    let secret = Frame::text("a secret and what belongs to it");
    for configuration in configurations() {
        for next in [vec![secret.clone()], probe()] {
            let alone = compressed(&mut deflater(configuration), &next);
            for unfinished in [fragments(secret.payload(), &[]), fragments(secret.payload(), &[7, 9])] {
                let mut before = deflater(configuration);
                for frame in unfinished {
                    encode(&mut before, frame.with_fin(false));
                }
                assert_eq!(compressed(&mut before, &next), alone, "{configuration:?}");
            }
        }
    }
}

/// The pending output of a decompressor belongs to the unfinished message, as its window does.
#[test]
fn rejects_reference_to_unfinished_message() {
    let secret = b"a secret and what belongs to it";
    let unfinished = referring(b"", secret, None);
    let valid = marked(vec![Frame::binary(referring(b"", b"Hello", None))]);
    let referring = marked(vec![Frame::binary(referring(secret, secret, None))]);
    for (fin, room) in [(false, 1), (false, 100), (true, 0), (true, 1), (true, secret.len() - 1)] {
        let begun = || {
            let mut inflater = Inflater::new().context_takeover(false);
            let frame = Frame::text("").with_payload(unfinished.clone()).with_rsv(Rsv::RSV1).with_fin(fin);
            // The rest is dropped.
            decode(&mut inflater, frame, room).unwrap();
            inflater
        };
        assert_eq!(inflated(&mut begun(), &referring, 100), Err(DecodeError::Extension), "{fin} {room}");
        assert_eq!(inflated(&mut begun(), &valid, 100), Ok(b"Hello".to_vec()), "{fin} {room}");
        // An uncompressed message in between changes nothing.
        let mut inflater = begun();
        decode(&mut inflater, Frame::text("plain"), 100).unwrap();
        assert_eq!(inflated(&mut inflater, &referring, 100), Err(DecodeError::Extension), "{fin} {room}");
    }
}

/// Bytes with many repetitions, so that it matters whether the compressor finds one.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let short = prop::collection::vec(b'a'..b'e', 0..200);
    let long = (prop::collection::vec(any::<u8>(), 1..300), 1_usize..20).prop_map(|(unit, times)| unit.repeat(times));
    prop_oneof![3 => short, 1 => long]
}

/// Fragments of any lengths, many of them of one byte or none.
fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1; 100]), prop::collection::vec(prop_oneof![0_usize..4, 1_usize..100], 0..20)]
}

/// Inflates a message piece by piece.
fn inflated(inflater: &mut Inflater, frames: &[Frame], room: usize) -> Result<Vec<u8>, DecodeError> {
    let mut received = Vec::new();
    for frame in frames {
        let mut next = Some(frame.clone());
        while let Some(frame) = next {
            let (piece, rest) = decode(inflater, frame, room)?;
            received.extend_from_slice(piece.payload());
            next = rest;
        }
    }
    Ok(received)
}

fn marked(mut frames: Vec<Frame>) -> Vec<Frame> {
    if let Some(first) = frames.first_mut() {
        *first = first.clone().with_rsv(Rsv::RSV1);
    }
    frames
}

/// Compresses a message after another one, so that it refers to that one. `change` modifies a byte of the result.
fn referring(before: &[u8], message: &[u8], change: Option<(prop::sample::Index, u8)>) -> Vec<u8> {
    let mut context = Compress::new(Compression::best(), false);
    let mut output = Vec::with_capacity(before.len() + message.len() + 1000);
    context.compress_vec(before, &mut output, FlushCompress::Sync).unwrap();
    output.clear();
    context.compress_vec(message, &mut output, FlushCompress::Sync).unwrap();
    output.truncate(output.len().saturating_sub(4));
    if let Some((at, flip)) = change
        && !output.is_empty()
    {
        let at = at.index(output.len());
        output.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= flip);
    }
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn compressed_output_does_not_depend_on_earlier_messages(
        (message, sizes) in (message(), sizes()),
        others in prop::collection::vec((message(), sizes()), 2),
    ) {
        let message = fragments(&message, &sizes);
        for configuration in configurations() {
            let alone = compressed(&mut deflater(configuration), &message);
            for (other, sizes) in &others {
                let mut before = deflater(configuration);
                compressed(&mut before, &fragments(other, sizes));
                prop_assert_eq!(&compressed(&mut deflater(configuration), &message), &alone, "{:?}", configuration);
                prop_assert_eq!(&compressed(&mut before, &message), &alone, "{:?}", configuration);
            }
        }
    }
}

proptest! {
    #[test]
    fn inflated_output_does_not_depend_on_earlier_messages(
        (referred, message, sizes) in (message(), message(), sizes()),
        change in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        others in prop::collection::vec(message(), 2),
        room in prop_oneof![1_usize..20, Just(100_000)],
    ) {
        let mut payload = referring(&referred, &message, change);
        if change.is_some_and(|(_, byte)| byte % 4 == 0) {
            payload = message;
        }
        let frames = marked(fragments(&payload, &sizes));
        let inflater = || Inflater::new().context_takeover(false);
        let alone = inflated(&mut inflater(), &frames, room);
        // The earlier messages include the one that it refers to.
        for other in others.iter().chain([&referred]) {
            let mut before = inflater();
            inflated(&mut before, &marked(vec![Frame::binary(referring(b"", other, None))]), 100_000).unwrap();
            prop_assert_eq!(&inflated(&mut inflater(), &frames, room), &alone);
            prop_assert_eq!(&inflated(&mut before, &frames, room), &alone);
        }
    }
}
