//! Memory is allocated for the bytes that arrived, never for the length in a header alone.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::{BufMut, Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{
    Assembler, Decoder, Delivery, Frame, FrameHeader, Limits, MaskKey, Message, OpCode, mask,
};

use common::{KEY, drain, encode};
use test_support::heap::{self, CountingAllocator, measure};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Returns the number of bytes that this thread has allocated and not freed.
fn live() -> i64 {
    heap::current().live
}

/// Runs `work`. Returns the maximum number of bytes that were allocated at once, and its value.
fn peak<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let (value, heap) = measure(work);
    (heap.peak.try_into().unwrap(), value)
}

fn huge(opcode: OpCode, mask: Option<MaskKey>) -> FrameHeader {
    FrameHeader::new(opcode, 1 << 62).with_mask(mask)
}

#[test]
fn announced_length_allocates_nothing() {
    for (role, key) in [(Role::Client, None), (Role::Server, Some(KEY))] {
        for opcode in [OpCode::Text, OpCode::Binary] {
            for delivery in [Delivery::Whole, Delivery::Parts] {
                let mut decoder = Decoder::new(role).limits(Limits::NONE).delivery(delivery).min_part(1);
                let mut input = BytesMut::with_capacity(256);
                input.extend_from_slice(&huge(opcode, key).encode().unwrap());
                let (most, _) = peak(|| assert_eq!(decoder.decode(&mut input), Ok(None)));
                assert_eq!(most, 0);
                let mut payload = [b'x'; 100];
                if let Some(key) = key {
                    mask(&mut payload, key, 0);
                }
                input.extend_from_slice(&payload);
                // In parts, the payload shares the input, which allocates a reference count.
                let (most, (frames, end)) = peak(|| drain(&mut decoder, &mut input));
                assert_eq!((frames.len(), end), (usize::from(delivery == Delivery::Parts), Ok(())));
                assert!(most <= 512, "{most} bytes for {role:?}, {opcode:?}, {delivery:?}");
            }
        }
    }
}

/// How the caller appends a read to its input.
#[derive(Clone, Copy, Debug)]
enum Append {
    /// The caller copies each read from another buffer.
    Copied,
    /// The caller first reserves memory for a read of this length.
    Reserved(usize),
    /// The caller reads into the unused capacity. It reserves memory only if there is none.
    Filled,
}

impl Append {
    /// Appends the next read, of at most `len` bytes of `wire`, and returns its length.
    fn read(self, input: &mut BytesMut, wire: &[u8], len: usize) -> usize {
        let len = len.min(wire.len());
        let len = match self {
            Self::Copied => len,
            Self::Reserved(room) => {
                input.reserve(room);
                len.min(room)
            }
            Self::Filled => {
                if input.capacity() == input.len() {
                    input.reserve(len);
                }
                len.min(input.capacity() - input.len())
            }
        };
        input.extend_from_slice(&wire[..len]);
        len
    }
}

/// Decodes the message in `wire` with reads of these lengths, in a cycle. Checks that the decoder allocates at most twice the
/// number of bytes that arrived plus 4 KiB, and the caller's input at most two reads.
fn read_message(decoder: &mut Decoder, input: &mut BytesMut, wire: &[u8], reads: &[usize], append: Append) -> Message {
    let read = if let Append::Reserved(room) = append { room } else { *reads.iter().max().unwrap() };
    let mut assembler = Assembler::new(Limits::NONE);
    let (before, mut received) = (live(), 0);
    for &len in reads.iter().cycle() {
        let (_, message) = peak(|| {
            received += append.read(input, &wire[received..], len);
            while let Some(frame) = decoder.decode(input).unwrap() {
                if let Some(message) = assembler.push(frame).unwrap() {
                    return Some(message);
                }
            }
            None
        });
        let most = heap::current().peak - before;
        assert!(most <= (2 * received + 2 * read + 4096) as i64, "{most} bytes after {received} of {}", wire.len());
        if let Some(message) = message {
            return message;
        }
        assert!(input.len() < FrameHeader::MAX_LEN, "only a header may be left in the input");
    }
    unreachable!("the last read ends the message")
}

fn reads() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1_usize..20, 20_usize..2000, 2000_usize..=65_536, Just(1460), Just(16_384), Just(65_536)], 1..6)
}

fn append() -> impl Strategy<Value = Append> {
    let room = select(&[1024, 4096, 16_384, 65_536][..]);
    prop_oneof![Just(Append::Copied), room.prop_map(Append::Reserved), Just(Append::Filled)]
}

/// Returns a text of about `total` bytes and its frames, with a ping before each frame but the first.
fn fragments(total: usize, count: usize) -> (String, Vec<Frame>) {
    let text = "grüß dich ".repeat(total / count / 12 + 1);
    let mut frames = vec![Frame::text(text.clone()).with_fin(count == 1)];
    for nth in 2..=count {
        frames.extend([Frame::ping("?"), Frame::continuation(text.clone()).with_fin(nth == count)]);
    }
    (text.repeat(count), frames)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn message_memory_is_bounded_in_reads_of_any_length(
        total in prop_oneof![1_usize..100_000, 1_usize..1_500_000],
        count in prop_oneof![Just(1_usize), 2_usize..40],
        reads in reads(),
        append in append(),
        is_masked: bool,
    ) {
        // Limits the number of reads, so that a case is fast.
        let total = total.min(10_000 * reads.iter().sum::<usize>() / reads.len());
        let (role, key) = if is_masked { (Role::Server, Some(KEY)) } else { (Role::Client, None) };
        let (text, frames) = fragments(total, count);
        let (mut decoder, mut input) = (Decoder::new(role).limits(Limits::NONE), BytesMut::new());
        let wire = encode(&frames, key);
        for _ in 0..2 {
            let message = read_message(&mut decoder, &mut input, &wire, &reads, append);
            prop_assert_eq!(message.as_text(), Some(&text[..]));
        }
    }
}

#[test]
fn long_payload_memory_is_bounded() {
    let (text, frames) = fragments(600_000, 1);
    let wire = encode(&frames, Some(KEY));
    for reads in [
        &[1][..],
        &[7],
        &[700],
        &[4096],
        &[10_000],
        &[16_384],
        &[50_000],
        &[65_536],
        &[100_000],
        &[1 << 20],
        // Read lengths that differ.
        &[1460, 1460, 500],
        &[1, 1024],
        &[1024, 1],
        &[4096, 100],
        &[16_384, 1],
        &[33_000, 1],
        &[40_000, 10],
    ] {
        for append in [Append::Copied, Append::Reserved(*reads.iter().max().unwrap()), Append::Filled] {
            let (mut decoder, mut input) = (Decoder::new(Role::Server), BytesMut::new());
            let message = read_message(&mut decoder, &mut input, &wire, reads, append);
            assert_eq!(message.as_text(), Some(&text[..]));
        }
    }
}

#[test]
fn long_message_leaves_only_the_read_buffer() {
    let wire = encode(&[Frame::text("x".repeat(900_000)), Frame::ping("?")], Some(KEY));
    for append in [Append::Copied, Append::Reserved(16_384), Append::Filled] {
        let (mut decoder, mut input) = (Decoder::new(Role::Server), BytesMut::new());
        let before = live();
        let message = read_message(&mut decoder, &mut input, &wire, &[16_384], append);
        let with_message = live() - before;
        assert!(with_message <= 900_000 + 40_000, "{with_message} bytes with the message");
        drop(message);
        let left = live() - before;
        assert!(left <= 40_000 && input.capacity() <= 40_000, "{left} bytes are left");
        assert_eq!(decoder.decode(&mut input).unwrap(), Some(Frame::ping("?")));
    }
}

#[test]
fn incomplete_payload_takes_its_length() {
    let wire = encode(&[Frame::text("x".repeat(200_000))], Some(KEY));
    let mut decoder = Decoder::new(Role::Server);
    let before = live();
    let mut input = BytesMut::with_capacity(64 * 1024);
    input.extend_from_slice(&wire[..1000]);
    assert_eq!(decoder.decode(&mut input), Ok(None));
    // While the peer sends nothing, the caller needs no buffer.
    drop(input);
    let kept = live() - before;
    assert!(kept <= 1100, "{kept} bytes");
}

#[test]
fn error_frees_the_incomplete_payload() {
    let mut wire = encode(&[Frame::text("x".repeat(200_000))], Some(KEY));
    wire[150_000] = !wire[150_000];
    let (mut decoder, mut left) = (Decoder::new(Role::Server), 1);
    peak(|| {
        let (before, mut input) = (live(), BytesMut::new());
        for piece in wire.chunks(10_000) {
            input.extend_from_slice(piece);
            if decoder.decode(&mut input).is_err() {
                break;
            }
        }
        drop(input);
        left = live() - before;
    });
    assert_eq!(left, 0);
}

#[test]
fn memory_of_one_byte_fragments_is_bounded() {
    // After a power of two, a buffer that doubles has the most unused memory.
    for len in [1, 100, 1 << 12, (1 << 12) + 1, (1 << 16) + 1, 100_000] {
        let mut decoder = Decoder::new(Role::Server).limits(Limits::NONE);
        let mut assembler = Assembler::new(Limits::NONE);
        let first = encode(&[Frame::text("x").with_fin(false)], Some(KEY));
        let middle = encode(&[Frame::continuation("x").with_fin(false)], Some(KEY));
        let last = encode(&[Frame::continuation("x")], Some(KEY));
        let (most, message) = peak(|| {
            let mut input = BytesMut::with_capacity(512);
            for wire in std::iter::once(&first).chain(std::iter::repeat_n(&middle, len - 1)).chain([&last]) {
                input.extend_from_slice(wire);
                let frame = decoder.decode(&mut input).unwrap().unwrap();
                if let Some(message) = assembler.push(frame).unwrap() {
                    return message;
                }
            }
            unreachable!("the last frame ends the message")
        });
        let received = message.as_bytes().len();
        assert_eq!(received, len + 1);
        assert!(most <= 2 * received + 4096, "{most} bytes after {received}");
    }
}

#[test]
fn joining_fragments_reallocates_rarely() {
    for len in [1, 1000] {
        let payload = Bytes::from_static(&[7; 1000]).slice(..len);
        let mut assembler = Assembler::new(Limits::NONE);
        assembler.push(Frame::binary(payload.clone()).with_fin(false)).unwrap();
        let before = heap::current().allocations;
        for _ in 0..1000 {
            assembler.push(Frame::continuation(payload.clone()).with_fin(false)).unwrap();
        }
        let allocations = heap::current().allocations - before;
        assert!(allocations <= 20, "{allocations} allocations for fragments of {len}");
    }
}

#[test]
fn joined_fragments_take_at_most_the_limit() {
    let longest = 100_000;
    for first in [1000, 1001] {
        let mut assembler = Assembler::new(Limits::new(longest as u64));
        let (most, received) = peak(|| {
            assembler.push(Frame::binary(vec![7; first]).with_fin(false)).unwrap();
            loop {
                let len = assembler.budget().min(1000) as usize;
                let frame = Frame::continuation(vec![7; len]).with_fin(assembler.budget() == len as u64);
                if let Some(message) = assembler.push(frame).unwrap() {
                    return message.as_bytes().len();
                }
            }
        });
        assert_eq!(received, longest);
        assert!(most <= longest + 4096, "{most} bytes");
    }
}

#[test]
fn short_fragment_does_not_keep_a_read_buffer() {
    let mut assembler = Assembler::new(Limits::NONE);
    let mut kept = 0;
    let (_, ()) = peak(|| {
        let before = live();
        let mut input = BytesMut::with_capacity(100_000);
        input.extend_from_slice(&[7; 50]);
        assembler.push(Frame::binary(input).with_fin(false)).unwrap();
        kept = live() - before;
    });
    assert!(kept <= 2 * 50 + 4096, "{kept} bytes");
}

#[test]
fn empty_fragments_allocate_nothing() {
    let mut decoder = Decoder::new(Role::Client).limits(Limits::NONE);
    let mut assembler = Assembler::new(Limits::NONE);
    let mut input = BytesMut::with_capacity(512);
    let (most, ()) = peak(|| {
        for i in 0..100_000 {
            input.extend_from_slice(if i == 0 { b"\x02\x00" } else { b"\x00\x00" });
            let frame = decoder.decode(&mut input).unwrap().unwrap();
            assert_eq!(assembler.push(frame), Ok(None));
        }
    });
    assert!(most <= 1024, "{most} bytes");
}

#[test]
fn returned_parts_are_not_kept() {
    for (min_part, max_kept) in [(1, 8192), (Decoder::MIN_PART, 12_000), (u16::MAX, 140_000)] {
        let decoder = Decoder::new(Role::Client).limits(Limits::NONE).delivery(Delivery::Parts);
        let mut decoder = decoder.min_part(min_part);
        let mut assembler = Assembler::new(Limits::NONE);
        let mut input = BytesMut::with_capacity(4096);
        input.extend_from_slice(&huge(OpCode::Text, None).encode().unwrap());
        assert_eq!(decoder.decode(&mut input), Ok(None));
        let (most, parts) = peak(|| {
            let mut parts = 0;
            for _ in 0..10_000 {
                input.extend_from_slice(&[b'x'; 1000]);
                if let Some(frame) = decoder.decode(&mut input).unwrap() {
                    assert!(assembler.push_part(frame).unwrap().is_some());
                    parts += 1;
                }
                assert!(input.is_empty());
            }
            parts
        });
        assert_eq!(parts, 10_000 / usize::from(min_part).div_ceil(1000));
        assert!(most <= max_kept, "{most} bytes for parts of {min_part}");
    }
}

#[test]
fn idle_decoder_and_assembler_have_no_heap() {
    let (most, _) = peak(|| (Decoder::new(Role::Server), Assembler::new(Limits::default())));
    assert_eq!(most, 0);
    let mut assembler = Assembler::new(Limits::default());
    let mut kept = 0;
    let (_, ()) = peak(|| {
        let before = live();
        assembler.push(Frame::binary(vec![0; 100_000]).with_fin(false)).unwrap();
        drop(assembler.push(Frame::continuation("x")).unwrap());
        kept = live() - before;
    });
    assert_eq!(kept, 0);
}

/// In addition to the caller's input, the decoder allocates at most twice the number of bytes that arrived plus 4 KiB. After
/// the frame it has no memory.
#[test]
fn decoder_memory_is_bounded_and_freed_in_every_version() {
    let frame = Frame::text("grüß dich ".repeat(20_000));
    for version in [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75] {
        let key = version.has_length_framing().then_some(KEY);
        let mut wire = BytesMut::new();
        frame.encode(version, key, &mut wire).unwrap();
        for len in [100, 4096, 65_536] {
            let mut decoder = Decoder::new(Role::Server).version(version);
            let (before, mut decoded, mut read) = (live(), None, vec![0; len]);
            for (nth, piece) in wire.chunks(len).enumerate() {
                let read = &mut read[..piece.len()];
                read.copy_from_slice(piece);
                let (most, frame) = peak(|| decoder.decode_lent(&mut &mut read[..]).unwrap().map(Frame::into_owned));
                let arrived = (nth + 1) * len;
                let kept = live() - before - len as i64;
                assert!(
                    most <= arrived + 4096 && kept <= (2 * arrived + 4096) as i64,
                    "peak {most}, kept {kept} after {arrived}"
                );
                decoded = frame;
            }
            drop(read);
            assert_eq!(decoded.as_ref(), Some(&frame));
            drop(decoded);
            assert_eq!(live(), before, "nothing is kept after the frame");
        }
    }
}

#[test]
fn memory_for_a_transport_is_bounded_and_freed() {
    let frame = Frame::binary(vec![7; 1_000_000]);
    let wire = encode(std::slice::from_ref(&frame), Some(KEY));
    for start in [14, 20, 5000, 100_000] {
        let (before, mut decoder) = (live(), Decoder::new(Role::Server));
        let (mut input, mut arrived, mut decoded) = (wire[..start].to_vec(), start, None);
        let mut frame_in = |decoder: &mut Decoder, input: &mut [u8]| {
            decoded = decoder.decode_lent(&mut &mut *input).unwrap().map(Frame::into_owned);
        };
        frame_in(&mut decoder, &mut input);
        drop(input);
        loop {
            let Some(mut buffer) = decoder.payload_buffer() else { break };
            let len = buffer.remaining_mut().min(16_384);
            buffer.put_slice(&wire[arrived..arrived + len]);
            drop(buffer);
            let kept = live() - before;
            let factor = if arrived < 32 * 1024 { 2 } else { 4 };
            let most = (factor * arrived + 4096).min(1_000_000) + 200;
            assert!(kept <= most as i64, "kept {kept} after {arrived}");
            arrived += len;
            frame_in(&mut decoder, &mut []);
        }
        frame_in(&mut decoder, &mut wire[arrived..].to_vec());
        assert_eq!(decoded.take().as_ref(), Some(&frame));
        assert_eq!(live(), before);
    }
}

#[test]
fn short_reads_into_the_payload_reallocate_rarely() {
    let wire = encode(&[Frame::binary(vec![7; 1_000_000])], Some(KEY));
    let mut decoder = Decoder::new(Role::Server);
    decoder.decode_lent(&mut &mut wire[..100_000].to_vec()[..]).unwrap();
    let ((), heap) = measure(|| {
        for byte in &wire[100_000..150_000] {
            decoder.payload_buffer().unwrap().put_u8(*byte);
            decoder.decode_lent(&mut &mut [][..]).unwrap();
        }
    });
    assert!(heap.allocations <= 2, "{}", heap.allocations);
}

#[test]
fn long_payload_is_moved_twice_at_most() {
    let wire = encode(&[Frame::binary(vec![7; 1 << 20])], Some(KEY));
    let (mut decoder, mut rest) = (Decoder::new(Role::Server), &wire[65_536..]);
    decoder.decode_lent(&mut &mut wire[..65_536].to_vec()[..]).unwrap();
    let ((), heap) = measure(|| {
        loop {
            let Some(mut buffer) = decoder.payload_buffer() else { break };
            let (read, after) = rest.split_at(buffer.remaining_mut().min(65_536));
            buffer.put_slice(read);
            drop(buffer);
            decoder.decode_lent(&mut &mut [][..]).unwrap();
            rest = after;
        }
    });
    // 64 KiB become 256 KiB and then 1 MiB.
    assert_eq!(heap.allocations, 2);
}
