//! The hand-written baselines: the least code that does the work, with the vector instructions of the processor. A
//! baseline shows what the machine can do. It is not a library: it has no control frames, no fragments and no limits,
//! and its only error is a panic.
//!
//! Apart from the counting allocator, this is the only file of the benches with `unsafe`.
#![allow(unsafe_code, reason = "a baseline shows the limit of the machine, not the limit of safe code")]
#![allow(clippy::inline_always, reason = "vector instructions are only inlined into functions that enable them")]

pub mod handshake;

use crate::contender::Sink;
use crate::wire::{READ_BUFFER_SIZE, Source};

/// Unmasking, masking and UTF-8 validation with one instruction set.
trait Lanes {
    /// Unmasks `payload` in place and returns whether the result is ASCII.
    ///
    /// # Safety
    ///
    /// The processor supports the instruction set.
    unsafe fn unmask(payload: &mut [u8], key: u32) -> bool;

    /// Copies `payload` to `to` and masks the copy.
    ///
    /// # Safety
    ///
    /// The processor supports the instruction set. `to` is valid for writes of `payload.len()` bytes and does not
    /// overlap `payload`.
    unsafe fn mask_to(payload: &[u8], key: u32, to: *mut u8);

    /// Returns whether `text` is UTF-8.
    ///
    /// # Safety
    ///
    /// The processor supports the instruction set.
    unsafe fn is_utf8(text: &[u8]) -> bool;
}

/// Returns whether the processor supports AVX2.
fn avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// `baseline: hand-written`, decoding. Parses the header of a short frame with one load, unmasks the payload in place,
/// validates it unless it turned out to be ASCII, and lends a slice of the buffer.
#[derive(Debug)]
pub struct Decode {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    masked: bool,
    text: bool,
}

/// A parsed frame header.
struct Header {
    /// Where the payload starts.
    at: usize,
    len: usize,
    key: u32,
}

impl Decode {
    /// Makes a decoder of frames that are all masked or all unmasked, and all text or all binary.
    #[must_use]
    pub fn new(source: Source, masked: bool, text: bool) -> Self {
        // The load of a header may read past the end of the input.
        Self { source, buffer: vec![0; READ_BUFFER_SIZE + 64], start: 0, end: 0, masked, text }
    }

    /// Lends the next message. Like a library, it checks for AVX2 in each call, and returns to a caller that is
    /// compiled without AVX2.
    #[inline]
    pub fn lend(&mut self) -> &[u8] {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        unsafe fn next_avx2(decode: &mut Decode) -> (usize, usize) {
            // SAFETY: the caller checked for AVX2.
            unsafe { decode.next_with::<x86::Avx2>() }
        }
        #[cfg(target_arch = "x86_64")]
        if avx2() {
            // SAFETY: AVX2 is available.
            let (at, end) = unsafe { next_avx2(self) };
            return &self.buffer[at..end];
        }
        // SAFETY: `Words` works on every processor.
        let (at, end) = unsafe { self.next_with::<Words>() };
        &self.buffer[at..end]
    }

    /// Passes `messages` messages to `sink` within one function that enables AVX2.
    pub fn batch(&mut self, messages: usize, sink: &mut impl Sink) {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        unsafe fn batch_avx2(decode: &mut Decode, messages: usize, sink: &mut impl Sink) {
            for _ in 0..messages {
                // SAFETY: the caller checked for AVX2.
                let (at, end) = unsafe { decode.next_with::<x86::Avx2>() };
                sink.message(&decode.buffer[at..end]);
            }
        }
        #[cfg(target_arch = "x86_64")]
        if avx2() {
            // SAFETY: AVX2 is available.
            return unsafe { batch_avx2(self, messages, sink) };
        }
        for _ in 0..messages {
            sink.message(self.lend());
        }
    }

    /// Returns the range of the next message in the buffer.
    ///
    /// # Safety
    ///
    /// The processor supports the instruction set of `L`.
    #[inline(always)]
    unsafe fn next_with<L: Lanes>(&mut self) -> (usize, usize) {
        let short = if self.text { 0x81 } else { 0x82 } | if self.masked { 0x8000 } else { 0 };
        // SAFETY: the buffer has at least 64 bytes after `start`.
        let word = unsafe { self.buffer.as_ptr().add(self.start).cast::<u64>().read_unaligned() }.to_le();
        let len = (word >> 8 & 0x7F) as usize;
        let at = self.start + if self.masked { 6 } else { 2 };
        let header = if word & 0x80FF == short && len < 126 && at + len <= self.end {
            Header { at, len, key: (word >> 16) as u32 }
        } else {
            let header = self.header();
            if header.len > 2 * BLOCK {
                // SAFETY: the caller upholds the contract.
                unsafe { self.large::<L>(&header) };
                return (self.start - header.len, self.start);
            }
            header
        };
        self.start = header.at + header.len;
        // SAFETY: the whole frame is in the buffer.
        let payload = unsafe { self.buffer.get_unchecked_mut(header.at..self.start) };
        // SAFETY: the caller upholds the contract.
        let ascii = self.masked && unsafe { L::unmask(payload, header.key) };
        // SAFETY: the caller upholds the contract.
        assert!(!self.text || ascii || unsafe { L::is_utf8(payload) });
        (header.at, self.start)
    }

    /// Parses the header of a frame that is long or incomplete. Reads until the frame is complete, unless it is longer
    /// than the read buffer.
    #[inline(never)]
    fn header(&mut self) -> Header {
        loop {
            match self.parse() {
                Some(header) if header.at + header.len <= self.end || header.len > READ_BUFFER_SIZE => return header,
                _ => self.read(0),
            }
        }
    }

    fn parse(&self) -> Option<Header> {
        let bytes = &self.buffer[self.start..self.end];
        let (&second, used) = (bytes.get(1)?, 2);
        let (len, used) = match second & 0x7F {
            126 => (usize::from(u16::from_be_bytes(*bytes.get(used..)?.first_chunk()?)), used + 2),
            127 => (u64::from_be_bytes(*bytes.get(used..)?.first_chunk()?) as usize, used + 8),
            len => (usize::from(len), used),
        };
        if !self.masked {
            return Some(Header { at: self.start + used, len, key: 0 });
        }
        let key = u32::from_le_bytes(*bytes.get(used..)?.first_chunk()?);
        Some(Header { at: self.start + used + 4, len, key })
    }

    /// Moves the unread bytes to the front, grows the buffer to at least `capacity` bytes, and reads.
    fn read(&mut self, capacity: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let len = (self.end + READ_BUFFER_SIZE).max(capacity) + 64;
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        let bytes = self.source.next(READ_BUFFER_SIZE);
        self.buffer[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Unmasks and validates a long payload block by block as it arrives, while each block is in the L1 cache.
    unsafe fn large<L: Lanes>(&mut self, header: &Header) {
        let &Header { at, len, key } = header;
        let header_len = at - self.start;
        let (mut unmasked, mut validated, mut ascii) = (0, 0, true);
        loop {
            let received = (self.end - self.start - header_len).min(len);
            let at = self.start + header_len;
            while unmasked < received {
                // Each block starts with the first byte of the key.
                let to = received.min(unmasked + BLOCK);
                let ready = if to == len { len } else { to & !3 };
                if ready == unmasked {
                    break;
                }
                if self.masked {
                    // SAFETY: the caller upholds the contract.
                    ascii &= unsafe { L::unmask(&mut self.buffer[at + unmasked..at + ready], key) };
                }
                if self.text && !ascii {
                    let end =
                        if ready == len { len } else { ready - incomplete_suffix_len(&self.buffer[at..at + ready]) };
                    // SAFETY: the caller upholds the contract.
                    assert!(unsafe { L::is_utf8(&self.buffer[at + validated..at + end]) });
                    validated = end;
                } else {
                    validated = ready;
                }
                unmasked = ready;
            }
            if unmasked == len {
                self.start = at + len;
                return;
            }
            self.read(header_len + len);
        }
    }
}

/// Bytes that are unmasked before they are validated. A block fits into the L1 cache.
const BLOCK: usize = 4096;

/// Returns the length of the last character, which may be incomplete.
fn incomplete_suffix_len(text: &[u8]) -> usize {
    text.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80).map_or(0, |at| at + 1)
}

/// Appends one frame to `output`.
///
/// # Safety
///
/// The processor supports the instruction set of `L`.
#[inline(always)]
unsafe fn encode_with<L: Lanes>(output: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<u32>) {
    let len = payload.len();
    output.reserve(len + 14);
    let old = output.len();
    // SAFETY: the header has at most 14 bytes, and `reserve` made space for it and the payload.
    unsafe {
        let to = output.as_mut_ptr().add(old);
        let mask_bit = if key.is_some() { 0x80 } else { 0 };
        to.write(first);
        let mut used = match len {
            0..=125 => {
                to.add(1).write(mask_bit | len as u8);
                2
            }
            126..=0xFFFF => {
                to.add(1).write(mask_bit | 126);
                to.add(2).cast::<[u8; 2]>().write((len as u16).to_be_bytes());
                4
            }
            _ => {
                to.add(1).write(mask_bit | 127);
                to.add(2).cast::<[u8; 8]>().write((len as u64).to_be_bytes());
                10
            }
        };
        if let Some(key) = key {
            to.add(used).cast::<[u8; 4]>().write(key.to_le_bytes());
            used += 4;
            L::mask_to(payload, key, to.add(used));
        } else {
            payload.as_ptr().copy_to_nonoverlapping(to.add(used), len);
        }
        output.set_len(old + used + len);
    }
}

/// `baseline: hand-written`, encoding. Appends one frame to `output`. Like a library, it checks for AVX2 in each call.
#[inline]
pub fn encode(output: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<u32>) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn encode_avx2(output: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<u32>) {
        // SAFETY: the caller checked for AVX2.
        unsafe { encode_with::<x86::Avx2>(output, first, payload, key) };
    }
    #[cfg(target_arch = "x86_64")]
    if avx2() {
        // SAFETY: AVX2 is available.
        return unsafe { encode_avx2(output, first, payload, key) };
    }
    // SAFETY: `Words` works on every processor.
    unsafe { encode_with::<Words>(output, first, payload, key) };
}

/// Predictable mask keys: the hashes of a counter.
#[derive(Debug, Default)]
pub struct Keys(u64);

impl Keys {
    /// Returns the next key.
    #[inline]
    pub fn draw(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        ((self.0 ^ self.0 >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32) as u32
    }
}

/// `baseline: hand-written`, masking in place. Returns whether the result is ASCII.
#[inline]
pub fn mask(payload: &mut [u8], key: u32) -> bool {
    #[cfg(target_arch = "x86_64")]
    if avx2() {
        // SAFETY: AVX2 is available.
        return unsafe { x86::unmask(payload, key) };
    }
    // SAFETY: `Words` works on every processor.
    unsafe { Words::unmask(payload, key) }
}

/// Returns whether `text` is UTF-8. Validates text of less than 64 bytes as one block.
#[inline]
#[must_use]
pub fn is_utf8(text: &[u8]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if avx2() {
        // SAFETY: AVX2 is available.
        return unsafe { x86::is_utf8(text) };
    }
    // SAFETY: `Words` works on every processor.
    unsafe { Words::is_utf8(text) }
}

/// Lanes of eight bytes, for all processors.
struct Words;

impl Lanes for Words {
    #[inline]
    unsafe fn unmask(payload: &mut [u8], key: u32) -> bool {
        let wide = u64::from(key) << 32 | u64::from(key);
        let (mut seen, mut words) = (0, payload.chunks_exact_mut(8));
        for word in &mut words {
            let plain = u64::from_le_bytes((&*word).try_into().expect("eight bytes")) ^ wide;
            seen |= plain;
            word.copy_from_slice(&plain.to_le_bytes());
        }
        for (byte, key) in words.into_remainder().iter_mut().zip(wide.to_le_bytes()) {
            *byte ^= key;
            seen |= u64::from(*byte);
        }
        seen & 0x8080_8080_8080_8080 == 0
    }

    #[inline]
    unsafe fn mask_to(payload: &[u8], key: u32, to: *mut u8) {
        // SAFETY: `to` is valid for `payload.len()` bytes, which are written before they are read.
        unsafe {
            payload.as_ptr().copy_to_nonoverlapping(to, payload.len());
            Self::unmask(std::slice::from_raw_parts_mut(to, payload.len()), key);
        }
    }

    #[inline]
    unsafe fn is_utf8(text: &[u8]) -> bool {
        simdutf8::basic::from_utf8(text).is_ok()
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use simdutf8::basic::imp::ChunkedUtf8Validator as _;
    use simdutf8::basic::imp::x86::avx2;

    use super::Lanes;

    /// Lanes of 32 bytes.
    pub(super) struct Avx2;

    impl Lanes for Avx2 {
        #[inline(always)]
        unsafe fn unmask(payload: &mut [u8], key: u32) -> bool {
            // SAFETY: the caller upholds the contract.
            unsafe { unmask(payload, key) }
        }

        #[inline(always)]
        unsafe fn mask_to(payload: &[u8], key: u32, to: *mut u8) {
            // SAFETY: the caller upholds the contract.
            unsafe { mask::<false>(payload.as_ptr(), to, payload.len(), key) };
        }

        #[inline(always)]
        unsafe fn is_utf8(text: &[u8]) -> bool {
            // SAFETY: the caller upholds the contract.
            unsafe { is_utf8(text) }
        }
    }

    /// Validates text of less than 64 bytes as one padded block, and longer text with simdutf8.
    ///
    /// # Safety
    ///
    /// The processor supports AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn is_utf8(text: &[u8]) -> bool {
        // SAFETY: the processor supports AVX2, and `finalize` takes less than 64 bytes.
        unsafe {
            if text.len() < 64 {
                avx2::ChunkedUtf8ValidatorImp::new().finalize(Some(text)).is_ok()
            } else {
                avx2::validate_utf8(text).is_ok()
            }
        }
    }

    /// # Safety
    ///
    /// The processor supports AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn unmask(payload: &mut [u8], key: u32) -> bool {
        let at = payload.as_mut_ptr();
        // SAFETY: source and destination are the same slice.
        unsafe { mask::<true>(at, at, payload.len(), key) }
    }

    /// Masks `len` bytes from `from` to `to`, and returns whether the result is ASCII.
    ///
    /// The last lane overlaps the one before it, so that no bytes are masked one by one. The last lane is read before
    /// the others are written, because source and destination may be the same (`IN_PLACE`).
    ///
    /// # Safety
    ///
    /// The processor supports AVX2. `from` is valid for reads and `to` for writes of `len` bytes, and they are the same
    /// or do not overlap.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn mask<const IN_PLACE: bool>(from: *const u8, to: *mut u8, len: usize, key: u32) -> bool {
        // SAFETY: each branch checks that its accesses are within `len` bytes.
        unsafe {
            if len >= 32 {
                let lane = |at: usize| _mm256_loadu_si256(from.add(at).cast());
                let put = |at: usize, value| _mm256_storeu_si256(to.add(at).cast(), value);
                let mut wide = _mm256_set1_epi32(key as i32);
                let rotated = _mm256_set1_epi32(key.rotate_right((len as u32 & 3) * 8) as i32);
                let last = _mm256_xor_si256(lane(len - 32), rotated);
                let (mut at, mut seen) = (0, last);
                if len >= 512 {
                    // The first lane overlaps the second, which is aligned to 32 bytes.
                    let skip = (to as usize).wrapping_neg() & 31;
                    let first = _mm256_xor_si256(lane(0), wide);
                    wide = _mm256_set1_epi32(key.rotate_right((skip as u32 & 3) * 8) as i32);
                    seen = _mm256_or_si256(seen, first);
                    if IN_PLACE {
                        // The second lane is read before the first is written, because they overlap.
                        let second = _mm256_xor_si256(lane(skip), wide);
                        put(0, first);
                        put(skip, second);
                        seen = _mm256_or_si256(seen, second);
                        at = skip + 32;
                    } else {
                        put(0, first);
                        at = skip;
                    }
                }
                while at + 128 <= len - 32 {
                    let a = _mm256_xor_si256(lane(at), wide);
                    let b = _mm256_xor_si256(lane(at + 32), wide);
                    let c = _mm256_xor_si256(lane(at + 64), wide);
                    let d = _mm256_xor_si256(lane(at + 96), wide);
                    put(at, a);
                    put(at + 32, b);
                    put(at + 64, c);
                    put(at + 96, d);
                    let (a, c) = (_mm256_or_si256(a, b), _mm256_or_si256(c, d));
                    seen = _mm256_or_si256(seen, _mm256_or_si256(a, c));
                    at += 128;
                }
                while at < len - 32 {
                    let plain = _mm256_xor_si256(lane(at), wide);
                    put(at, plain);
                    seen = _mm256_or_si256(seen, plain);
                    at += 32;
                }
                put(len - 32, last);
                return _mm256_movemask_epi8(seen) == 0;
            }
            let wide = u64::from(key) << 32 | u64::from(key);
            let rotated = wide.rotate_right((len as u32 & 3) * 8);
            let word = |at: usize| from.add(at).cast::<u64>().read_unaligned();
            let put = |at: usize, value| to.add(at).cast::<u64>().write_unaligned(value);
            let seen = match len {
                16.. => {
                    let (a, b) = (word(0) ^ wide, word(8) ^ wide);
                    let (c, d) = (word(len - 16) ^ rotated, word(len - 8) ^ rotated);
                    put(0, a);
                    put(8, b);
                    put(len - 16, c);
                    put(len - 8, d);
                    a | b | c | d
                }
                8.. => {
                    let (a, b) = (word(0) ^ wide, word(len - 8) ^ rotated);
                    put(0, a);
                    put(len - 8, b);
                    a | b
                }
                4.. => {
                    let half = |at: usize| from.add(at).cast::<u32>().read_unaligned();
                    let (a, b) = (half(0) ^ wide as u32, half(len - 4) ^ rotated as u32);
                    to.cast::<u32>().write_unaligned(a);
                    to.add(len - 4).cast::<u32>().write_unaligned(b);
                    u64::from(a | b)
                }
                _ => {
                    let mut seen = 0;
                    for at in 0..len {
                        let plain = from.add(at).read() ^ (key >> (8 * at)) as u8;
                        to.add(at).write(plain);
                        seen |= u64::from(plain);
                    }
                    seen
                }
            };
            seen & 0x8080_8080_8080_8080 == 0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_every_short_length() {
        let key = 0x3D21_FA37_u32;
        for len in (0..700).chain([4096, 65_537]) {
            for start in 0..33 {
                let plain: Vec<u8> = (0..start + len).map(|at| at as u8 & 0x7F).collect();
                let mut expected = plain.clone();
                for (byte, key) in expected[start..].iter_mut().zip(key.to_le_bytes().into_iter().cycle()) {
                    *byte ^= key;
                }
                let mut masked = plain.clone();
                mask(&mut masked[start..], key);
                assert_eq!(masked, expected, "{len} bytes from {start}");
                assert!(mask(&mut masked[start..], key), "the payload is ASCII");
                assert_eq!(masked, plain);
                let mut frame = Vec::new();
                encode(&mut frame, 0x81, &plain[start..], Some(Keys::default().draw()));
                let (header, payload) = frame.split_at(frame.len() - len);
                let key = u32::from_le_bytes(*header.last_chunk().unwrap());
                let mut payload = payload.to_vec();
                mask(&mut payload, key);
                assert_eq!(payload, plain[start..]);
                if len > 0 {
                    masked[start + len / 2] |= 0x80;
                    mask(&mut masked[start..], key);
                    assert!(!mask(&mut masked[start..], key), "one byte is not ASCII");
                }
            }
        }
    }
}
