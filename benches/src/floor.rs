//! The floors: the least code that does the work, with whatever the processor has. They are limits and no libraries: no
//! control frames, no fragments, no limits, no errors but a panic.
//!
//! The one file of the benches with `unsafe`, but for the allocator that counts.
#![allow(unsafe_code, reason = "a floor is what the machine can do, not what safe code can")]
#![allow(clippy::inline_always, reason = "vector instructions are used where all is one function")]

use crate::contender::Sink;
use crate::wire::{READ, Source};

/// Unmasking, masking and judging, on one kind of processor.
trait Lanes {
    /// Unmasks in place and says whether all of it is ASCII.
    ///
    /// # Safety
    ///
    /// The processor has what this needs.
    unsafe fn unmask(payload: &mut [u8], key: u32) -> bool;

    /// Copies `payload`, masked.
    ///
    /// # Safety
    ///
    /// As above, and `to` has room for `payload` and does not overlap it.
    unsafe fn mask_to(payload: &[u8], key: u32, to: *mut u8);

    /// Whether this is UTF-8.
    ///
    /// # Safety
    ///
    /// As for `unmask`.
    unsafe fn valid(text: &[u8]) -> bool;
}

/// Whether the fast lanes can be used.
fn avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// `floor:hand`, decoding: finds a short frame with one load, unmasks it where it lies and learns meanwhile whether it is
/// ASCII, judges it if it is not, lends a slice.
#[derive(Debug)]
pub struct Decode {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    masked: bool,
    text: bool,
}

/// A frame whose head was read.
struct Head {
    /// Where its payload begins.
    at: usize,
    len: usize,
    key: u32,
}

impl Decode {
    /// Of frames that are masked or not, text or not.
    #[must_use]
    pub fn new(source: Source, masked: bool, text: bool) -> Self {
        // One load may be past the end of what came.
        Self { source, buffer: vec![0; READ + 64], start: 0, end: 0, masked, text }
    }

    /// Lends the next message. As a library would, it finds out each time which instructions there are, and returns to a
    /// caller who does not know them.
    #[inline]
    pub fn lend(&mut self) -> &[u8] {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        unsafe fn next_avx2(decode: &mut Decode) -> (usize, usize) {
            // SAFETY: this function has AVX2.
            unsafe { decode.next_with::<x86::Avx2>() }
        }
        #[cfg(target_arch = "x86_64")]
        if avx2() {
            // SAFETY: that is what was asked.
            let (at, end) = unsafe { next_avx2(self) };
            return &self.buffer[at..end];
        }
        // SAFETY: `Words` needs nothing.
        let (at, end) = unsafe { self.next_with::<Words>() };
        &self.buffer[at..end]
    }

    /// Lends `messages` messages to `sink`, all within one function.
    pub fn batch(&mut self, messages: usize, sink: &mut impl Sink) {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        unsafe fn batch_avx2(decode: &mut Decode, messages: usize, sink: &mut impl Sink) {
            for _ in 0..messages {
                // SAFETY: this function has AVX2.
                let (at, end) = unsafe { decode.next_with::<x86::Avx2>() };
                sink.message(&decode.buffer[at..end]);
            }
        }
        #[cfg(target_arch = "x86_64")]
        if avx2() {
            // SAFETY: that is what was asked.
            return unsafe { batch_avx2(self, messages, sink) };
        }
        for _ in 0..messages {
            sink.message(self.lend());
        }
    }

    /// Where the next message is.
    ///
    /// # Safety
    ///
    /// The processor has what `L` needs.
    #[inline(always)]
    unsafe fn next_with<L: Lanes>(&mut self) -> (usize, usize) {
        let short = if self.text { 0x81 } else { 0x82 } | if self.masked { 0x8000 } else { 0 };
        // SAFETY: `start` is at most the buffer's length less 64.
        let word = unsafe { self.buffer.as_ptr().add(self.start).cast::<u64>().read_unaligned() }.to_le();
        let len = (word >> 8 & 0x7F) as usize;
        let at = self.start + if self.masked { 6 } else { 2 };
        let head = if word & 0x80FF == short && len < 126 && at + len <= self.end {
            Head { at, len, key: (word >> 16) as u32 }
        } else {
            let head = self.head();
            if head.len > 2 * BLOCK {
                // SAFETY: this function's own.
                unsafe { self.large::<L>(&head) };
                return (self.start - head.len, self.start);
            }
            head
        };
        self.start = head.at + head.len;
        // SAFETY: the frame is between `start` and `end`, which are in the buffer.
        let payload = unsafe { self.buffer.get_unchecked_mut(head.at..self.start) };
        // SAFETY: this function's own.
        let ascii = self.masked && unsafe { L::unmask(payload, head.key) };
        // SAFETY: this function's own.
        assert!(!self.text || ascii || unsafe { L::valid(payload) });
        (head.at, self.start)
    }

    /// The next frame when it is long or not all there. All of it is there afterwards, if it is not longer than a read.
    #[inline(never)]
    fn head(&mut self) -> Head {
        loop {
            match self.parse() {
                Some(head) if head.at + head.len <= self.end || head.len > READ => return head,
                _ => self.read(0),
            }
        }
    }

    fn parse(&self) -> Option<Head> {
        let bytes = &self.buffer[self.start..self.end];
        let (&second, used) = (bytes.get(1)?, 2);
        let (len, used) = match second & 0x7F {
            126 => (usize::from(u16::from_be_bytes(*bytes.get(used..)?.first_chunk()?)), used + 2),
            127 => (u64::from_be_bytes(*bytes.get(used..)?.first_chunk()?) as usize, used + 8),
            len => (usize::from(len), used),
        };
        if !self.masked {
            return Some(Head { at: self.start + used, len, key: 0 });
        }
        let key = u32::from_le_bytes(*bytes.get(used..)?.first_chunk()?);
        Some(Head { at: self.start + used + 4, len, key })
    }

    /// Moves what is left to the front, makes room for `wanted` bytes, reads behind it.
    fn read(&mut self, wanted: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = (self.end + READ).max(wanted) + 64;
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        let bytes = self.source.next(READ);
        self.buffer[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// A block after the other is unmasked and judged, as far as it has come, while it is near.
    unsafe fn large<L: Lanes>(&mut self, head: &Head) {
        let &Head { at, len, key } = head;
        let head_len = at - self.start;
        let (mut done, mut judged, mut ascii) = (0, 0, true);
        loop {
            let here = (self.end - self.start - head_len).min(len);
            let at = self.start + head_len;
            while done < here {
                // As many characters as are whole, and blocks that begin with the key's first byte.
                let to = here.min(done + BLOCK);
                let ready = if to == len { len } else { to & !3 };
                if ready == done {
                    break;
                }
                if self.masked {
                    // SAFETY: this function's own.
                    ascii &= unsafe { L::unmask(&mut self.buffer[at + done..at + ready], key) };
                }
                if self.text && !ascii {
                    let end = if ready == len { len } else { ready - cut(&self.buffer[at..at + ready]) };
                    // SAFETY: this function's own.
                    assert!(unsafe { L::valid(&self.buffer[at + judged..at + end]) });
                    judged = end;
                } else {
                    judged = ready;
                }
                done = ready;
            }
            if done == len {
                self.start = at + len;
                return;
            }
            self.read(head_len + len);
        }
    }
}

/// How much is unmasked before it is judged: it is in the nearest cache then.
const BLOCK: usize = 4096;

/// How many bytes at the end belong to a character that is not all there, or may.
fn cut(text: &[u8]) -> usize {
    text.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80).map_or(0, |at| at + 1)
}

/// # Safety
///
/// The processor has what `L` needs.
#[inline(always)]
unsafe fn encode_with<L: Lanes>(output: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<u32>) {
    let len = payload.len();
    output.reserve(len + 14);
    let old = output.len();
    // SAFETY: 14 bytes and the payload were reserved.
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

/// `floor:hand`, encoding: one frame behind what is in `output`. As a library would, it finds out each time which
/// instructions there are.
#[inline]
pub fn encode(output: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<u32>) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn encode_avx2(output: &mut Vec<u8>, first: u8, payload: &[u8], key: Option<u32>) {
        // SAFETY: this function has AVX2.
        unsafe { encode_with::<x86::Avx2>(output, first, payload, key) };
    }
    #[cfg(target_arch = "x86_64")]
    if avx2() {
        // SAFETY: that is what was asked.
        return unsafe { encode_avx2(output, first, payload, key) };
    }
    // SAFETY: `Words` needs nothing.
    unsafe { encode_with::<Words>(output, first, payload, key) };
}

/// Keys that anybody could foresee: a counter, stirred.
#[derive(Debug, Default)]
pub struct Keys(u64);

impl Keys {
    /// The next one.
    #[inline]
    pub fn draw(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        ((self.0 ^ self.0 >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32) as u32
    }
}

/// `floor:hand`, masking in place.
#[inline]
pub fn mask(payload: &mut [u8], key: u32) -> bool {
    #[cfg(target_arch = "x86_64")]
    if avx2() {
        // SAFETY: that is what was asked.
        return unsafe { x86::unmask(payload, key) };
    }
    // SAFETY: `Words` needs nothing.
    unsafe { Words::unmask(payload, key) }
}

/// Whether this is UTF-8, with the shortest way there is for short text.
#[inline]
#[must_use]
pub fn valid(text: &[u8]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if avx2() {
        // SAFETY: that is what was asked.
        return unsafe { x86::valid(text) };
    }
    // SAFETY: `Words` needs nothing.
    unsafe { Words::valid(text) }
}

/// Lanes of eight bytes, for every processor.
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
        // SAFETY: the caller has made room, and the bytes are written before they are read.
        unsafe {
            payload.as_ptr().copy_to_nonoverlapping(to, payload.len());
            Self::unmask(std::slice::from_raw_parts_mut(to, payload.len()), key);
        }
    }

    #[inline]
    unsafe fn valid(text: &[u8]) -> bool {
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
            // SAFETY: the caller has AVX2.
            unsafe { unmask(payload, key) }
        }

        #[inline(always)]
        unsafe fn mask_to(payload: &[u8], key: u32, to: *mut u8) {
            // SAFETY: the caller has AVX2 and has made room.
            unsafe { mask::<false>(payload.as_ptr(), to, payload.len(), key) };
        }

        #[inline(always)]
        unsafe fn valid(text: &[u8]) -> bool {
            // SAFETY: the caller has AVX2.
            unsafe { valid(text) }
        }
    }

    /// Short text as one padded block, longer text as simdutf8 does it.
    ///
    /// # Safety
    ///
    /// There is AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn valid(text: &[u8]) -> bool {
        // SAFETY: there is AVX2, and less than 64 bytes may be the rest.
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
    /// There is AVX2.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn unmask(payload: &mut [u8], key: u32) -> bool {
        let at = payload.as_mut_ptr();
        // SAFETY: both are the one slice.
        unsafe { mask::<true>(at, at, payload.len(), key) }
    }

    /// Masks `len` bytes from `from` to `to`, and says whether what is written is ASCII.
    ///
    /// The last lane overlaps the one before it, so that nothing is done byte by byte; where the two places are one
    /// (`IN_PLACE`), it is read before the others are written.
    ///
    /// # Safety
    ///
    /// There is AVX2, `from` can be read and `to` written for `len` bytes, and they are the same or do not overlap.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn mask<const IN_PLACE: bool>(from: *const u8, to: *mut u8, len: usize, key: u32) -> bool {
        // SAFETY: each access is within `len` bytes, as the branches say.
        unsafe {
            if len >= 32 {
                let lane = |at: usize| _mm256_loadu_si256(from.add(at).cast());
                let put = |at: usize, value| _mm256_storeu_si256(to.add(at).cast(), value);
                let mut wide = _mm256_set1_epi32(key as i32);
                let turned = _mm256_set1_epi32(key.rotate_right((len as u32 & 3) * 8) as i32);
                let last = _mm256_xor_si256(lane(len - 32), turned);
                let (mut at, mut seen) = (0, last);
                if len >= 512 {
                    // To a border of 32 bytes, by one lane that the next ones overlap.
                    let skip = (to as usize).wrapping_neg() & 31;
                    let first = _mm256_xor_si256(lane(0), wide);
                    wide = _mm256_set1_epi32(key.rotate_right((skip as u32 & 3) * 8) as i32);
                    seen = _mm256_or_si256(seen, first);
                    if IN_PLACE {
                        // What is overlapped must be read first.
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
            let turned = wide.rotate_right((len as u32 & 3) * 8);
            let word = |at: usize| from.add(at).cast::<u64>().read_unaligned();
            let put = |at: usize, value| to.add(at).cast::<u64>().write_unaligned(value);
            let seen = match len {
                16.. => {
                    let (a, b) = (word(0) ^ wide, word(8) ^ wide);
                    let (c, d) = (word(len - 16) ^ turned, word(len - 8) ^ turned);
                    put(0, a);
                    put(8, b);
                    put(len - 16, c);
                    put(len - 8, d);
                    a | b | c | d
                }
                8.. => {
                    let (a, b) = (word(0) ^ wide, word(len - 8) ^ turned);
                    put(0, a);
                    put(len - 8, b);
                    a | b
                }
                4.. => {
                    let half = |at: usize| from.add(at).cast::<u32>().read_unaligned();
                    let (a, b) = (half(0) ^ wide as u32, half(len - 4) ^ turned as u32);
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
    fn every_short_length_is_masked_byte_by_byte() {
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
                assert!(mask(&mut masked[start..], key), "all of it is ASCII");
                assert_eq!(masked, plain);
                let mut frame = Vec::new();
                encode(&mut frame, 0x81, &plain[start..], Some(Keys::default().draw()));
                let (head, payload) = frame.split_at(frame.len() - len);
                let key = u32::from_le_bytes(*head.last_chunk().unwrap());
                let mut payload = payload.to_vec();
                mask(&mut payload, key);
                assert_eq!(payload, plain[start..]);
                if len > 0 {
                    masked[start + len / 2] |= 0x80;
                    mask(&mut masked[start..], key);
                    assert!(!mask(&mut masked[start..], key), "not all of it is ASCII");
                }
            }
        }
    }
}
