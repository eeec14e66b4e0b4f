//! Both ends keep only their windows between messages: the same messages, and little memory.
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]

mod common;

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use protocol_websocket_core::{ExtensionParams, Role};
use protocol_websocket_frame::{ExtensionDecoder as _, ExtensionEncoder as _, Frame, Negotiate as _, Rsv};
use protocol_websocket_permessage_deflate::{Deflater, Inflater, PermessageDeflate};
use test_support::heap::{CountingAllocator, measure};

use common::{decode, encode, fragments, noise};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Records like those of an application: similar, and not equal.
fn record(n: usize) -> String {
    format!(r#"{{"id":{n},"name":"user {}","balance":"{}","active":true}}"#, n * 7919, n * n * 31)
}

fn records(len: usize) -> Vec<u8> {
    (0..).flat_map(|n| record(n).into_bytes()).take(len).collect()
}

/// The whole message, as the compressor of flate2 compresses it with the largest memory.
fn reference(level: u8, bits: u8, message: &[u8]) -> Vec<u8> {
    let mut context = Compress::new_with_window_bits(Compression::new(level.into()), false, bits);
    let mut output = Vec::with_capacity(message.len() + 1000);
    context.compress_vec(message, &mut output, FlushCompress::Sync).unwrap();
    output.truncate(output.len() - 4);
    output
}

#[test]
fn compressor_of_one_message_compresses_as_the_largest_one() {
    for level in 1..=9 {
        for len in [100, 250, 251, 700, 762, 763, 1024, 3834, 3835, 8191, 8192, 16_122, 16_123, 40_000] {
            for bits in [10, 15] {
                // The end of the second message refers to its beginning.
                let noise = noise(len - 50);
                for message in [records(len), [&noise[..], &noise[..50]].concat()] {
                    let mut deflater = Deflater::new(bits).level(level).mem_level(8).context_takeover(false);
                    let frame = encode(&mut deflater, Frame::binary(message.clone()));
                    let is_equal = frame.payload()[..] == reference(level, bits, &message);
                    assert!(is_equal || frame.rsv() == Rsv::NONE, "level {level}, {len}, {bits} bits");
                }
            }
        }
    }
}

#[test]
fn later_messages_refer_to_earlier_ones() {
    for bits in [9, 12, 15] {
        let mut kept = Deflater::new(bits).threshold(0);
        let mut released = Deflater::new(bits).threshold(0).windows_only(true);
        let mut inflater = Inflater::new().window_bits(bits).windows_only(true);
        let (mut with, mut without) = (0, 0);
        for n in 0..50 {
            let text = Frame::text(record(n));
            with += encode(&mut kept, text.clone()).payload().len();
            let frame = encode(&mut released, text.clone());
            without += frame.payload().len();
            assert_eq!(decode(&mut inflater, frame, 1000).unwrap(), (text, None));
        }
        assert!(without * 20 <= with * 21, "{without} bytes and {with} with a kept compressor, {bits} bits");
    }
}

#[test]
fn connections_keep_two_windows() {
    const CONNECTIONS: usize = 20;
    for (bits, limit) in [(9, 2_000), (12, 9_000), (15, 66_000)] {
        let deflate = PermessageDeflate::new().windows_only().server_max_window_bits(bits).client_max_window_bits(bits);
        let response = deflate.respond(&deflate.offers()[0]).unwrap();
        let (_, mut client) = deflate.codec(Role::Client, &response).unwrap();
        let message = Frame::binary(records(40_000));
        let received = encode(&mut client, message.clone());
        let mut connections = Vec::with_capacity(CONNECTIONS);
        let (_, heap) = measure(|| {
            for _ in 0..CONNECTIONS {
                let (mut inflater, mut deflater) = deflate.codec(Role::Server, &response).unwrap();
                assert_eq!(decode(&mut inflater, received.clone(), 100_000).unwrap().0, message);
                encode(&mut deflater, message.clone());
                connections.push((inflater, deflater));
            }
        });
        let each = heap.live / CONNECTIONS as i64;
        println!("windows of {} bytes: {each} bytes for each connection", 1 << bits);
        assert!(each < limit, "{each}");
        let (_, heap) = measure(|| {
            for (inflater, deflater) in &mut connections {
                inflater.release_memory();
                deflater.release_memory();
            }
        });
        assert_eq!(-heap.live, CONNECTIONS as i64 * (1 << bits), "the window of the compressor is released");
    }
}

#[test]
fn message_without_takeover_keeps_no_window() {
    let message = Frame::binary(records(5000));
    let mut deflater = Deflater::new(15).windows_only(true).context_takeover(false);
    let mut inflater = Inflater::new().windows_only(true).context_takeover(false);
    let _shared = message.clone();
    let ((), heap) = measure(|| drop(decode(&mut inflater, encode(&mut deflater, message.clone()), 10_000).unwrap()));
    assert_eq!(heap.live, 0);
    let (again, alone) = (encode(&mut deflater, message.clone()), encode(&mut Deflater::new(15), message));
    assert_eq!(again, alone);
}

/// The peer may have agreed to a window of 256 bytes, which some compressors replace by the next larger one.
#[test]
fn inflater_keeps_the_negotiated_window() {
    for (value, kept) in [("8", 512_u32), ("9", 512), ("12", 4096), ("15", 32_768)] {
        let agreed = ExtensionParams::new("permessage-deflate").param("client_max_window_bits", value);
        let (mut inflater, _) = PermessageDeflate::new().codec(Role::Server, &agreed).unwrap();
        let message = records(40_000);
        let mut deflater = Deflater::new(kept.ilog2().try_into().unwrap());
        let frame = encode(&mut deflater, Frame::binary(message.clone()));
        let _shared = frame.clone();
        let (_, heap) = measure(|| {
            decode(&mut inflater, frame.clone(), 100_000).unwrap();
            inflater.release_memory();
        });
        assert_eq!(heap.live, i64::from(kept), "{value} bits");
        let again = Frame::binary(message);
        assert_eq!(decode(&mut inflater, encode(&mut deflater, again.clone()), 100_000).unwrap(), (again, None));
    }
}

/// What happens to a connection.
#[derive(Clone, Debug)]
enum Step {
    Message(Vec<u8>, Vec<usize>),
    /// Bytes that do not compress, in one frame.
    Noise(usize),
    /// The message ends after its first fragment, and another one begins.
    Unfinished(Vec<u8>),
    ReleaseDeflater,
    ReleaseInflater,
    /// A frame that the deflater did not compress was sent.
    Other(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop_oneof![0_usize..100, 0_usize..2000, 30_000_usize..40_000].prop_map(records);
    let sizes = prop::collection::vec(prop_oneof![0_usize..4, 1_usize..2000], 0..4);
    prop_oneof![
        5 => (bytes(), sizes).prop_map(|(bytes, sizes)| Step::Message(bytes, sizes)),
        1 => prop_oneof![0_usize..100, 30_000_usize..40_000].prop_map(Step::Noise),
        1 => bytes().prop_map(Step::Unfinished),
        1 => Just(Step::ReleaseDeflater),
        1 => Just(Step::ReleaseInflater),
        1 => bytes().prop_map(Step::Other),
    ]
}

proptest! {
    #[test]
    fn roundtrips_messages(
        steps in prop::collection::vec(step(), 1..12),
        (level, mem_level, bits) in (0_u8..=9, 1_u8..=9, 9_u8..=15),
        (deflates, inflates) in (any::<bool>(), any::<bool>()),
    ) {
        let mut deflater = Deflater::new(bits).level(level).mem_level(mem_level).threshold(0).windows_only(deflates);
        let mut inflater = Inflater::new().window_bits(bits).windows_only(inflates);
        for step in steps {
            let frames = match step {
                Step::Message(bytes, sizes) => fragments(&bytes, &sizes),
                Step::Noise(len) => vec![Frame::binary(noise(len))],
                Step::Unfinished(bytes) => vec![Frame::binary(bytes).with_fin(false)],
                Step::ReleaseDeflater => { deflater.release_memory(); continue }
                Step::ReleaseInflater => { inflater.release_memory(); continue }
                Step::Other(bytes) => {
                    let frame = encode(&mut Deflater::new(bits).threshold(0), Frame::binary(bytes.clone()));
                    prop_assert_eq!(decode(&mut inflater, frame, 100_000), Ok((Frame::binary(bytes), None)));
                    deflater.restart();
                    continue
                }
            };
            for frame in frames {
                let decoded = decode(&mut inflater, encode(&mut deflater, frame.clone()), 100_000);
                prop_assert_eq!(decoded, Ok((frame, None)));
            }
        }
    }
}
