//! A DEFLATE stream that is read, and the way to keep its window without its decompressor.

use bytes::Buf;
use flate2::{Decompress, FlushDecompress, Status};
use protocol_websocket_frame::DecodeError;

use crate::CHUNK;

/// The furthest that a DEFLATE reference goes back.
const WINDOW: usize = 1 << 15;

pub(crate) struct Stream {
    context: Decompress,
    /// How many bytes there are in the window of `context`.
    filled: usize,
}

impl Stream {
    /// Begins with these bytes in the window.
    pub(crate) fn new(window: &[u8]) -> Result<Self, DecodeError> {
        let mut context = Decompress::new(false);
        if !window.is_empty() {
            context.set_dictionary(window).map_err(|_| DecodeError::Extension)?;
        }
        Ok(Self { context, filled: window.len() })
    }

    /// Inflates `input` into `output` until it is used up or `output` has `room` bytes.
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
            let chunk = chunk.get(..CHUNK).unwrap_or(chunk);
            let (before, len) = (self.context.total_in(), output.len());
            let status = self.context.decompress_vec(chunk, output, FlushDecompress::Sync);
            let used = usize::try_from(self.context.total_in() - before).map_err(|_| DecodeError::Extension)?;
            input.advance(used);
            self.filled = (self.filled + output.len() - len).min(WINDOW);
            match status {
                Ok(Status::StreamEnd) => {
                    self.context.reset(false);
                    self.filled = 0;
                }
                // There was nothing to read, or no place to write it.
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

    /// The bytes in the window, from a stream that is between two blocks.
    ///
    /// flate2 has no function for this, so the stream is continued by one block that refers to all of them.
    pub(crate) fn into_window(mut self) -> Result<Vec<u8>, DecodeError> {
        let filled = self.filled;
        let mut window = Vec::with_capacity(filled);
        self.inflate(&mut references(filled).as_slice(), &mut window, filled)?;
        if window.len() == filled { Ok(window) } else { Err(DecodeError::Extension) }
    }
}

/// A block that gives at least `distance` bytes, each a copy of the one that is `distance` bytes before it (RFC 1951
/// §3.2.5 and §3.2.6).
fn references(distance: usize) -> Vec<u8> {
    const LONGEST: usize = 258;
    let beyond = distance.saturating_sub(1);
    // The first four distances have a symbol each. From there on two symbols and one more extra bit come with each power
    // of two.
    let (symbol, extra_bits) = match beyond.checked_ilog2() {
        Some(log @ 2..) => (2 * log as usize + (beyond >> (log - 1) & 1), log - 1),
        _ => (beyond, 0),
    };
    let extra = beyond & ((1 << extra_bits) - 1);
    let mut bits = Bits::default();
    // Not the final block, and of the fixed codes.
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

/// Bits packed into bytes as RFC 1951 §3.1.1 has it.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    rest: usize,
    rest_bits: u32,
}

impl Bits {
    /// A number, from its lowest bit.
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

    /// A Huffman code, from its highest bit.
    fn push_code(&mut self, code: usize, bits: u32) {
        self.push(code.reverse_bits() >> (usize::BITS - bits), bits);
    }
}
