//! The back end of the sending direction, and how large it is.
//!
//! zlib-rs has a safe constructor with a memory level, and flate2 has none, so the compressor is one of zlib-rs. Most
//! of its memory is a table of 128 KiB that no setting changes. The rest depends on the window and on the memory level.
//! Its creation clears its memory. So a compressor for a single message has the least size that is enough for the
//! message.

use protocol_websocket_frame::EncodeError;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

use crate::MAX_CHUNK;
use crate::params::MIN_WINDOW_BITS;

/// More bytes than any flush writes.
const MAX_FLUSH_LEN: usize = 64;
/// The distance that the compressor keeps to the end of its window.
const MIN_LOOKAHEAD: usize = 262;
/// The number of symbols in a block is two to the power of the memory level and this number.
const BLOCK_BITS: u8 = 6;

/// The parameters that decide how much memory a compressor takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) window_bits: u8,
    pub(crate) mem_level: u8,
}

impl Size {
    /// Returns the smallest size that compresses `len` bytes to the same result.
    fn for_len(self, len: usize) -> Self {
        let (window, block) = (log2(len.saturating_add(MIN_LOOKAHEAD)), log2(len.saturating_add(1)));
        Self {
            window_bits: window.max(MIN_WINDOW_BITS).min(self.window_bits),
            mem_level: block.saturating_sub(BLOCK_BITS).max(1).min(self.mem_level),
        }
    }
}

/// Returns the logarithm of the next power of two.
fn log2(len: usize) -> u8 {
    (usize::BITS - len.saturating_sub(1).leading_zeros()).try_into().unwrap_or(u8::MAX)
}

pub(crate) struct Compressor(Deflate);

impl Compressor {
    /// Creates a compressor for `len` bytes, with the bytes of earlier messages in its window. It is as large as they
    /// need, and at most of this size.
    pub(crate) fn new(level: u8, size: Size, len: usize, window: &[u8]) -> Result<Self, EncodeError> {
        let size = size.for_len(len.saturating_add(window.len()));
        let mut context = Deflate::new_with_config(DeflateConfig {
            level: level.into(),
            // A negative number of bits means that the stream has no header.
            window_bits: -i32::from(size.window_bits),
            mem_level: size.mem_level.into(),
            ..DeflateConfig::default()
        });
        if !window.is_empty() {
            context.set_dictionary(window).map_err(|_| EncodeError::Extension)?;
        }
        Ok(Self(context))
    }

    /// Compresses all of `input` and flushes, so that the peer can decompress all of it.
    pub(crate) fn compress(&mut self, mut input: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let mut output = vec![0; input.len() / 2 + MAX_FLUSH_LEN];
        let mut len = 0;
        loop {
            let (chunk, later) = input.split_at_checked(MAX_CHUNK).unwrap_or((input, &[]));
            let flush = if later.is_empty() { DeflateFlush::SyncFlush } else { DeflateFlush::NoFlush };
            let (read, written) = (self.0.total_in(), self.0.total_out());
            let free = output.get_mut(len..).unwrap_or_default();
            let status = self.0.compress(chunk, free, flush).map_err(|_| EncodeError::Extension)?;
            let used = usize::try_from(self.0.total_in() - read).map_err(|_| EncodeError::Extension)?;
            len += usize::try_from(self.0.total_out() - written).map_err(|_| EncodeError::Extension)?;
            let rest = input.get(used..);
            debug_assert!(rest.is_some(), "the compressor uses no more bytes than the chunk has");
            input = rest.unwrap_or_default();
            if input.is_empty() && len < output.len() {
                output.truncate(len);
                return Ok(output);
            }
            if used == 0 && status == Status::BufError && len < output.len() {
                return Err(EncodeError::Extension);
            }
            // With less space than a flush needs, each call of the compressor would begin another flush.
            output.resize(2 * output.len(), 0);
        }
    }
}
