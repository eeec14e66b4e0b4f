//! The compressed and the decompressed form of a message do not depend on the contents of newly allocated memory.
#![allow(unsafe_code, reason = "only an allocator can choose the contents of newly allocated memory")]
#![allow(clippy::unwrap_used)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use protocol_websocket_frame::Frame;
use protocol_websocket_permessage_deflate::{Deflater, Inflater};

use common::{decode, encode, fragments};

/// Fills each new block. The default methods of the trait, which zero or grow a block, call `alloc`.
struct Filling;

const FILLS: [u8; 3] = [0x00, 0x07, 0xFF];

thread_local! {
    static FILL: Cell<u8> = const { Cell::new(0) };
}

// SAFETY: every call is passed to the system's allocator unchanged, and only the block that it returned is written to.
unsafe impl GlobalAlloc for Filling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe {
            let block = System.alloc(layout);
            if !block.is_null() {
                block.write_bytes(FILL.get(), layout.size());
            }
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Filling = Filling;

/// Short repetitions of the bytes that memory is filled with; noise; and a message of more than twice the largest
/// window, for which the compressor moves the contents of its window.
fn messages() -> [Vec<u8>; 3] {
    let mut bytes = test_support::noise::noise(1);
    let mut noise = |len| -> Vec<u8> { bytes.by_ref().take(len).collect() };
    let short: Vec<u8> = noise(500).iter().filter_map(|byte| FILLS.get(usize::from(byte % 3)).copied()).collect();
    let long = [noise(300), short.clone()].concat().repeat(90);
    [short, noise(300), long]
}

/// Compresses and decompresses the messages one after the other while new memory is filled with `byte`. Returns the
/// compressed frames.
fn output(byte: u8, level: u8, bits: u8, messages: &[Vec<u8>]) -> Vec<Frame> {
    FILL.set(byte);
    // Without takeover each message gets new memory.
    let mut deflater = Deflater::new(bits).level(level).threshold(0).context_takeover(false);
    let mut inflater = Inflater::new().context_takeover(false);
    let mut output = Vec::new();
    for message in messages {
        for size in [1, 3, 50, 20_000].into_iter().filter(|size| message.len() / size <= 500) {
            let mut received = Vec::new();
            for frame in fragments(message, &vec![size; (message.len() - 1) / size]) {
                let frame = encode(&mut deflater, frame);
                output.push(frame.clone());
                let (piece, rest) = decode(&mut inflater, frame, usize::MAX).unwrap();
                assert!(rest.is_none());
                received.extend_from_slice(piece.payload());
            }
            assert!(received == *message, "{byte:#x}, level {level}, {bits} bits");
        }
    }
    FILL.set(0);
    output
}

#[test]
fn output_does_not_depend_on_fresh_memory() {
    // The allocator fills new memory.
    for byte in FILLS {
        FILL.set(byte);
        // SAFETY: all bytes of the block were written by the allocator.
        let block = unsafe { Box::<[u8; 100]>::new_uninit().assume_init() };
        assert_eq!(block[..], [byte; 100]);
    }
    let messages = messages();
    for level in 0..=9 {
        for bits in [9, 12, 15] {
            let [zeros, sevens, ones] = FILLS.map(|byte| output(byte, level, bits, &messages));
            assert!(sevens == zeros && ones == zeros, "level {level}, {bits} bits");
        }
    }
}
