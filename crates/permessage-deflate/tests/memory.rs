//! The memory of the contexts, and of a decompression bomb.
//!
//! `cargo test -p protocol-websocket-permessage-deflate --test memory -- --nocapture` prints the figures.
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

mod common;

use flate2::{Compress, Compression, FlushCompress};
use protocol_websocket_frame::{ExtensionDecoder as _, ExtensionEncoder as _, Frame, Rsv};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};
use test_support::heap::{self, CountingAllocator, measure};

use common::{decode, encode};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Runs `work` and returns its value, the bytes that it left on the heap, and the most that it had there.
fn heap<T>(work: impl FnOnce() -> T) -> (T, i64, i64) {
    let (value, heap) = measure(work);
    (value, heap.live, heap.peak)
}

/// A gibibyte of zeros in about a mebibyte: a mebibyte compressed to a kibibyte, repeated.
fn bomb() -> Vec<u8> {
    let (mut context, mut unit) = (Compress::new(Compression::best(), false), Vec::with_capacity(4096));
    context.compress_vec(&vec![0; 1 << 20], &mut unit, FlushCompress::Sync).unwrap();
    let mut bomb = unit.repeat(1 << 10);
    bomb.truncate(bomb.len() - 4);
    bomb
}

#[test]
fn bomb_takes_no_more_memory_than_room() {
    let bomb = Frame::binary(bomb()).with_rsv(Rsv::RSV1);
    println!("bomb: {} bytes", bomb.payload().len());
    for room in [64 << 10, 1 << 20, 16 << 20] {
        let mut inflater = Inflater::new();
        let ((frame, rest), _, peak) = heap(|| decode(&mut inflater, bomb.clone(), room).unwrap());
        println!("room {room}: at most {peak} bytes of heap");
        assert_eq!((frame.payload().len(), rest.is_some()), (room, true));
        assert!(peak < (room + 64 * 1024) as i64, "{peak}");
    }
}

#[test]
fn bomb_in_pieces_takes_memory_of_one_piece() {
    let (mut inflater, mut next, mut total) = (Inflater::new(), Some(Frame::binary(bomb()).with_rsv(Rsv::RSV1)), 0);
    let ((), _, peak) = heap(|| {
        while let Some(frame) = next.take().filter(|_| total < 64 << 20) {
            let (piece, rest) = decode(&mut inflater, frame, 64 << 10).unwrap();
            total += piece.payload().len();
            next = rest;
        }
    });
    println!("{total} bytes in pieces of 64 KiB: at most {peak} bytes of heap");
    assert!(peak < 128 * 1024, "{peak}");
}

#[test]
fn final_blocks_take_no_more_memory() {
    let ends = Frame::binary(b"\x03\x00".repeat(10_000)).with_rsv(Rsv::RSV1);
    let (mut inflater, before) = (Inflater::new(), heap::current().allocated);
    decode(&mut inflater, ends, 1 << 20).unwrap();
    assert!(heap::current().allocated - before < 256 * 1024, "{}", heap::current().allocated - before);
}

#[test]
fn contexts_are_created_late_and_released() {
    let text = || Frame::text("to be or not to be, ".repeat(20));
    for bits in [9, 12, 15] {
        let ((mut deflater, mut inflater), unused, _) = heap(|| (Deflater::new(bits), Inflater::new()));
        assert_eq!(unused, 0);
        let (compressed, deflating, _) = heap(|| encode(&mut deflater, text()));
        let (_, inflating, _) = heap(|| drop(decode(&mut inflater, compressed, 1000).unwrap()));
        println!("window of {} bytes: {deflating} to deflate, {inflating} to inflate", 1 << bits);
        assert!(inflating < 64 * 1024 && deflating < 512 * 1024);
        deflater.release_memory();
        inflater.release_memory();
        let ((), after, _) = heap(|| drop(deflater));
        assert_eq!(after, 0, "memory was not released");
    }
}

/// The documentation of the crate has the table. Where a pointer has 32 bits, a compressor is smaller.
#[cfg(target_pointer_width = "64")]
#[test]
fn contexts_take_the_documented_memory() {
    let text = || Frame::text("to be or not to be, ".repeat(20));
    println!("KiB of a compressor, by window bits and memory level 1, 4, 6, 8:");
    let rows = [9, 10, 11, 12, 13, 14, 15].map(|bits| {
        let sizes = [1, 4, 6, 8].map(|mem_level| {
            let mut deflater = Deflater::new(bits).mem_level(mem_level);
            (heap(|| drop(encode(&mut deflater, text()))).1 as u64).div_ceil(1024)
        });
        println!("{bits}: {sizes:?}");
        sizes
    });
    assert_eq!(rows.map(|row| row[1]), [141, 143, 147, 155, 171, 203, 267]);
    assert_eq!(rows.map(|row| row[2]), [162, 164, 168, 176, 192, 224, 288]);
    assert_eq!(rows.map(|row| row[3]), [246, 248, 252, 260, 276, 308, 372]);
}

#[test]
fn mem_level_outside_of_its_range_is_the_nearest_one() {
    let size = |mem_level| {
        let mut deflater = Deflater::new(15).mem_level(mem_level);
        heap(|| drop(encode(&mut deflater, Frame::text("to be or not to be, ".repeat(20))))).1
    };
    assert_eq!((size(0), size(10), size(255)), (size(1), size(9), size(9)));
    assert!(size(1) < size(2) && size(8) < size(9));
}

#[test]
fn message_without_takeover_takes_memory_of_its_length() {
    let mut deflater = Deflater::new(15).context_takeover(false);
    for (len, most) in [(100, 140), (1000, 148), (16_000, 288)] {
        let text = Frame::binary(vec![7; len]);
        let (_, _, peak) = heap(|| encode(&mut deflater, text.clone()));
        assert!(peak <= (most + 1) * 1024 + len as i64, "{peak} bytes for {len}");
    }
}

#[test]
fn no_memory_is_kept_between_messages_without_takeover() {
    let text = Frame::text("to be or not to be, ".repeat(20));
    let _shared = text.clone();
    let connection = || (Deflater::new(15).context_takeover(false), Inflater::new().context_takeover(false));
    let mut connections: Vec<_> = (0..100).map(|_| connection()).collect();
    let ((), kept, peak) = heap(|| {
        for (deflater, inflater) in &mut connections {
            decode(inflater, encode(deflater, text.clone()), 1000).unwrap();
        }
    });
    println!("100 connections, one after the other: {kept} bytes of heap, at most {peak}");
    assert_eq!(kept, 0);
    assert!(peak < 512 * 1024, "{peak}");
}

#[test]
fn idle_inflater_releases_all_but_its_window() {
    for len in [0, 1, 2, 257, 5000, 32_768, 100_000] {
        let text = Frame::binary((0..=250).cycle().take(len).collect::<Vec<_>>());
        let (mut deflater, mut inflater) = (Deflater::new(15).threshold(0), Inflater::new());
        let frame = encode(&mut deflater, text.clone());
        let _shared = frame.clone();
        let ((), kept, _) = heap(|| {
            decode(&mut inflater, frame.clone(), 1 << 20).unwrap();
            inflater.release_memory();
            inflater.release_memory();
        });
        println!("after a message of {len} bytes: {kept} bytes of heap");
        assert_eq!(kept, len.min(32_768) as i64);
        // The next message may refer to all of the bytes in the window.
        assert_eq!(decode(&mut inflater, encode(&mut deflater, text.clone()), 1 << 20).unwrap(), (text, None));
    }
}

#[test]
fn unfinished_compressed_message_keeps_its_decompressor() {
    for takeover in [true, false] {
        let mut inflater = Inflater::new().context_takeover(takeover);
        let mut kept = |frame: Frame, expected: &str| {
            let ((), kept, _) = heap(|| {
                assert_eq!(decode(&mut inflater, frame, 1000).unwrap().0.payload()[..], *expected.as_bytes());
                inflater.release_memory();
            });
            kept
        };
        let begun = kept(Frame::binary(&b"\xf2"[..]).with_rsv(Rsv::RSV1).with_fin(false), "");
        println!("one byte of a message, takeover {takeover}: {begun} bytes of heap");
        assert!(begun < 48 * 1024, "{begun}");
        let over = begun + kept(Frame::continuation(&b"\x48\xcd\xc9\xc9\x07\x00"[..]), "Hello");
        assert_eq!(over, if takeover { 5 } else { 0 });
    }
}

#[test]
fn empty_fragment_creates_no_decompressor() {
    for (takeover, room) in [(true, 0), (true, 1000), (false, 0), (false, 1000)] {
        let mut inflater = Inflater::new().context_takeover(takeover);
        let first = Frame::text("").with_rsv(Rsv::RSV1).with_fin(false);
        let ((), kept, _) = heap(|| {
            assert_eq!(decode(&mut inflater, first, room), Ok((Frame::text("").with_fin(false), None)));
            let empty = Frame::continuation("").with_fin(false);
            assert_eq!(decode(&mut inflater, empty.clone(), room), Ok((empty, None)));
        });
        assert_eq!(kept, 0, "takeover {takeover}, room {room}");
        let rest = Frame::continuation(&b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..]);
        assert_eq!(decode(&mut inflater, rest, 1000), Ok((Frame::continuation("Hello"), None)));
    }
}

#[test]
fn inflated_payload_has_little_unused_capacity() {
    let noise: Vec<u8> = (0..25_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let frame = encode(&mut Deflater::new(15).level(0), Frame::binary(noise));
    let mut inflater = Inflater::new().context_takeover(false);
    let (frame, kept, _) = heap(|| decode(&mut inflater, frame, 1 << 20).unwrap().0);
    assert!(kept <= 2 * frame.payload().len() as i64 + 4096, "{kept}");
}

#[test]
fn decompressed_payload_takes_at_most_twice_its_length() {
    let noise: Vec<u8> = test_support::noise::noise(7).take(1_000_000).collect();
    let mut inflater = Inflater::new();
    // Allocates the decompressor.
    decode(&mut inflater, encode(&mut Deflater::new(15).threshold(0), Frame::binary("first")), 100).unwrap();
    for len in [0, 1, 100, 1400, 5000, 16_384, 65_536, 300_000, 1_000_000] {
        let repetitive = vec![7; len];
        for payload in [&noise[..len], &repetitive] {
            let compressed = encode(&mut Deflater::new(15).threshold(0), Frame::binary(payload.to_vec()));
            let (decoded, _, peak) = heap(|| decode(&mut inflater, compressed.clone(), 64 << 20).unwrap());
            assert_eq!(decoded.0.payload()[..], *payload);
            assert!(peak <= 2 * len as i64 + 4096, "{peak} bytes for {len}");
        }
    }
}
