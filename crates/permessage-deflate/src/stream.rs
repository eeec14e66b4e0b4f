//! A DEFLATE stream that is decompressed, and how its window is kept without the decompressor.
//!
//! A decompressor takes 47 KiB. Between messages only the bytes in the peer's window matter, and [`Stream::into_window`]
//! extracts them. flate2 can give a window to a decompressor ([`Decompress::set_dictionary`]) but cannot return one. So
//! the stream is continued by one block that consists of references to the whole window, and the output of that block
//! is the window.

use bytes::Buf;
use flate2::{Decompress, FlushDecompress, Status};
use protocol_websocket_frame::DecodeError;

use crate::MAX_CHUNK;

pub(crate) struct Stream {
    context: Decompress,
    /// The number of bytes in the peer's window.
    filled: usize,
    /// The size of the peer's window.
    size: usize,
}

impl Stream {
    /// Creates a stream with these bytes in its window. The window of the peer has `size` bytes.
    pub(crate) fn new(window: &[u8], size: usize) -> Result<Self, DecodeError> {
        let mut context = Decompress::new(false);
        if !window.is_empty() {
            context.set_dictionary(window).map_err(|_| DecodeError::Extension)?;
        }
        Ok(Self { context, filled: window.len(), size })
    }

    /// Inflates `input` into `output` until all of it is used or `output` has `room` bytes.
    pub(crate) fn inflate(
        &mut self,
        input: &mut impl Buf,
        output: &mut Vec<u8>,
        room: usize,
    ) -> Result<(), DecodeError> {
        while output.len() < room {
            if output.len() == output.capacity() {
                output.reserve_exact(output.len().max(64).min(room - output.len()));
            }
            let chunk = input.chunk();
            let chunk = chunk.get(..MAX_CHUNK).unwrap_or(chunk);
            let (before, len) = (self.context.total_in(), output.len());
            let status = self.context.decompress_vec(chunk, output, FlushDecompress::Sync);
            let used = usize::try_from(self.context.total_in() - before).map_err(|_| DecodeError::Extension)?;
            input.advance(used);
            self.filled = (self.filled + output.len() - len).min(self.size);
            match status {
                Ok(Status::StreamEnd) => {
                    self.context.reset(false);
                    self.filled = 0;
                }
                // No progress, although there is input and space: the input cannot be decompressed.
                Ok(Status::BufError) if input.has_remaining() && output.len() < output.capacity() => {
                    return Err(DecodeError::Extension);
                }
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => return Err(DecodeError::Extension),
            }
            if !input.has_remaining() && output.len() < output.capacity() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Returns the bytes in the window. The stream must be between two blocks.
    pub(crate) fn into_window(mut self) -> Result<Vec<u8>, DecodeError> {
        let filled = self.filled;
        let mut window = Vec::with_capacity(filled);
        self.inflate(&mut references(filled).as_slice(), &mut window, filled)?;
        if window.len() == filled { Ok(window) } else { Err(DecodeError::Extension) }
    }
}

/// Returns a block that decompresses to at least `distance` bytes. Each is a copy of the byte that is `distance` bytes
/// before it (RFC 1951 §3.2.5 and §3.2.6).
fn references(distance: usize) -> Vec<u8> {
    const LONGEST: usize = 258;
    let beyond = distance.saturating_sub(1);
    // Each of the first four distances has its own symbol. After them, each power of two has two symbols, and one extra
    // bit more than the power before it.
    let (symbol, extra_bits) = match beyond.checked_ilog2() {
        Some(log @ 2..) => (2 * log as usize + (beyond >> (log - 1) & 1), log - 1),
        _ => (beyond, 0),
    };
    let extra = beyond & ((1 << extra_bits) - 1);
    let mut bits = Bits::default();
    // Not the final block, with the fixed codes.
    bits.push(0b010, 3);
    for _ in 0..distance.div_ceil(LONGEST) {
        // Symbol 285, the longest length.
        bits.push_code(0b1100_0101, 8);
        bits.push_code(symbol, 5);
        bits.push(extra, extra_bits);
    }
    bits.push(0, 8);
    bits.bytes
}

/// Bits packed into bytes (RFC 1951 §3.1.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// The last bits, which do not fill a byte yet.
    rest: usize,
    /// The number of bits in `rest`.
    rest_bits: u32,
}

impl Bits {
    /// Appends a number, lowest bit first.
    fn push(&mut self, value: usize, bits: u32) {
        self.rest |= value << self.rest_bits;
        self.rest_bits += bits;
        while self.rest_bits >= 8 {
            let [byte, ..] = self.rest.to_le_bytes();
            self.bytes.push(byte);
            self.rest >>= 8;
            self.rest_bits -= 8;
        }
    }

    /// Appends a Huffman code, highest bit first.
    fn push_code(&mut self, code: usize, bits: u32) {
        self.push(code.reverse_bits() >> (usize::BITS - bits), bits);
    }
}
