//! Masking (RFC 6455 §5.3).
//!
//! A payload is masked in lanes of 4, 8 or 64 bytes. The last lane overlaps the previous one, so no loop over single bytes is
//! needed. While the bytes are in registers, their highest bits are combined: if none is set, the payload is ASCII, and text
//! needs no further check. Payloads of [`WIDE`] bytes and more use the widest instructions of the processor.

use bytes::BytesMut;

/// The masking key of one frame (RFC 6455 §5.3). A client needs a new, unpredictable key for each frame.
///
/// ```
/// use protocol_websocket_frame::{Frame, MaskKey, Version, bytes::BytesMut};
///
/// // Fixed for this example. Fill it from `OsRandom` of `protocol-websocket-core` or another cryptographic source.
/// let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
/// let mut output = BytesMut::new();
/// Frame::ping("").encode(Version::Rfc6455, Some(key), &mut output)?;
/// assert_eq!(output[..], [0x89, 0x80, 0x37, 0xfa, 0x21, 0x3d]);
/// # Ok::<_, protocol_websocket_frame::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskKey(pub [u8; 4]);

impl MaskKey {
    /// Returns the key for the bytes of the payload from `offset` on.
    #[inline]
    pub(crate) const fn rotated(self, offset: usize) -> [u8; 4] {
        #[expect(clippy::cast_possible_truncation, reason = "at most 24")]
        let bits = 8 * (offset % 4) as u32;
        u32::from_le_bytes(self.0).rotate_right(bits).to_le_bytes()
    }
}

/// Masks or unmasks `payload` in place (RFC 6455 §5.3). Both are the same operation.
///
/// `payload` may be a piece of the frame's payload. `offset` is the number of bytes before this piece.
///
/// ```
/// use protocol_websocket_frame::{MaskKey, mask};
///
/// let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
/// let mut payload = *b"Hello";
/// mask(&mut payload[..2], key, 0);
/// mask(&mut payload[2..], key, 2);
/// assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// ```
#[inline]
pub fn mask(payload: &mut [u8], key: MaskKey, offset: usize) {
    xor(payload, key.rotated(offset));
}

/// Masks `payload` and appends it to `output`. A short payload is masked in registers before it is stored, because a load that
/// spans several recent stores stalls the processor. A long payload is copied and then masked in blocks, which stay in the cache.
#[inline]
pub(crate) fn append(payload: &[u8], key: MaskKey, output: &mut BytesMut) {
    match payload.len() {
        4..16 => append_lanes::<4>(payload, key, output),
        16..64 => append_lanes::<16>(payload, key, output),
        64..WIDE => append_lanes::<64>(payload, key, output),
        _ => append_blocks(payload, key, output),
    }
}

/// Masks and appends a payload of at least one lane. The last lane overlaps the previous one, as in `lanes!`.
#[inline]
fn append_lanes<const LEN: usize>(payload: &[u8], key: MaskKey, output: &mut BytesMut) {
    let masked = |lane: &[u8; LEN], key: [u8; 4]| {
        let (mut masked, key) = (*lane, u32::from_ne_bytes(key));
        for word in masked.as_chunks_mut().0 {
            *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        masked
    };
    let (lanes, rest) = payload.as_chunks::<LEN>();
    for lane in lanes {
        output.extend_from_slice(&masked(lane, key.0));
    }
    if let (1.., Some(last)) = (rest.len(), payload.last_chunk::<LEN>()) {
        output.truncate(output.len() - (LEN - rest.len()));
        output.extend_from_slice(&masked(last, key.rotated(payload.len())));
    }
}

#[inline]
fn append_blocks(payload: &[u8], key: MaskKey, output: &mut BytesMut) {
    for block in payload.chunks(BLOCK) {
        let start = output.len();
        output.extend_from_slice(block);
        if let Some(block) = output.get_mut(start..) {
            mask(block, key, 0);
        }
    }
}

/// The length in bytes of a block that fits the L1 cache together with its source. It is a multiple of the length of a masking
/// key.
const BLOCK: usize = 16 * 1024;

/// Masks a payload of at least one lane, and returns whether the result is ASCII.
///
/// The last lane overlaps the previous one. It is loaded before the others are stored.
macro_rules! lanes {
    ($lane:ty, $payload:expr, $key:expr) => {{
        const LEN: usize = size_of::<$lane>();
        // Repeats the key: for 64 bits, times 0x1_0000_0001.
        let repeated = |key| <$lane>::from(u32::from_ne_bytes(key)) * (<$lane>::MAX / <$lane>::from(u32::MAX));
        let payload: &mut [u8] = $payload;
        let rotated = repeated(MaskKey($key).rotated(payload.len()));
        let key = repeated($key);
        let last = payload.last_chunk::<LEN>().map_or(0, |last| <$lane>::from_ne_bytes(*last) ^ rotated);
        let mut seen = last;
        for lane in payload.as_chunks_mut::<LEN>().0 {
            let masked = <$lane>::from_ne_bytes(*lane) ^ key;
            *lane = masked.to_ne_bytes();
            seen |= masked;
        }
        if let Some(lane) = payload.last_chunk_mut::<LEN>() {
            *lane = last.to_ne_bytes();
        }
        seen & <$lane>::from_ne_bytes([0x80; LEN]) == 0
    }};
}

/// Masks or unmasks `payload` in place. Returns whether the result is ASCII, which is cheap while the bytes are in registers.
#[inline]
pub(crate) fn xor(payload: &mut [u8], key: [u8; 4]) -> bool {
    match payload.len() {
        0..4 => payload.iter_mut().zip(key).fold(true, |all, (byte, key)| {
            *byte ^= key;
            all & byte.is_ascii()
        }),
        4..8 => lanes!(u32, payload, key),
        8..WIDE => lanes!(u64, payload, key),
        _ => wide(payload, key),
    }
}

/// The minimum length in bytes for which the widest instructions of the processor are faster.
const WIDE: usize = 256;

/// Masks in one plain loop, which the compiler vectorizes for the target.
#[cfg(not(feature = "simd"))]
fn wide(payload: &mut [u8], key: [u8; 4]) -> bool {
    const LEN: usize = 64;
    let (lanes, rest) = payload.as_chunks_mut::<LEN>();
    let (word_key, mut seen) = (u32::from_ne_bytes(key), [0; LEN / 4]);
    for lane in lanes {
        for (word, seen) in lane.as_chunks_mut().0.iter_mut().zip(&mut seen) {
            let masked = u32::from_ne_bytes(*word) ^ word_key;
            *word = masked.to_ne_bytes();
            *seen |= masked;
        }
    }
    let seen = seen.into_iter().fold(0, |all, seen| all | seen);
    xor(rest, key) & (seen & 0x8080_8080 == 0)
}

/// Masks in a loop that is compiled for several instruction sets. The one for this processor is selected at run time.
#[cfg(feature = "simd")]
fn wide(payload: &mut [u8], key: [u8; 4]) -> bool {
    use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x64, u32x16};

    static LEVEL: std::sync::LazyLock<Level> = std::sync::LazyLock::new(Level::new);

    #[inline(always)]
    fn wide<S: Simd>(simd: S, payload: &mut [u8], key: [u8; 4]) -> bool {
        let repeated = |offset| u32x16::splat(simd, u32::from_ne_bytes(MaskKey(key).rotated(offset))).to_bytes();
        // The lanes in the middle are aligned, so that no store crosses a cache line. The first and the last lane overlap them.
        let ahead = payload.as_ptr().align_offset(64).min(63);
        let (Some(first), Some(last)) = (payload.first_chunk::<64>(), payload.last_chunk::<64>()) else { return true };
        let first = u8x64::simd_from(simd, *first) ^ repeated(0);
        let last = u8x64::simd_from(simd, *last) ^ repeated(payload.len());
        let mut seen = first | last;
        let key = repeated(ahead);
        for lane in payload.split_at_mut(ahead).1.as_chunks_mut::<64>().0 {
            let masked = u8x64::simd_from(simd, *lane) ^ key;
            masked.store_slice(lane);
            seen |= masked;
        }
        if let Some(lane) = payload.first_chunk_mut::<64>() {
            first.store_slice(lane);
        }
        if let Some(lane) = payload.last_chunk_mut::<64>() {
            last.store_slice(lane);
        }
        // Without an early exit, so that the loop is vectorized.
        seen.as_slice().iter().fold(true, |all, byte| all & byte.is_ascii())
    }

    dispatch!(*LEVEL, simd => wide(simd, payload, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(payload: &mut [u8], key: MaskKey, offset: usize) {
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key.0[(offset + i) % 4];
        }
    }

    #[test]
    fn masks_every_short_length_at_every_offset() {
        let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
        for len in (0..200).chain([255, 256, 257, 511, 512, 513, 1000, 1027]) {
            for offset in 0..5 {
                let (mut fast, mut slow) = (vec![0xA5; len], vec![0xA5; len]);
                mask(&mut fast, key, offset);
                naive(&mut slow, key, offset);
                assert_eq!(fast, slow, "length {len}, offset {offset}");
            }
        }
    }

    #[test]
    fn masks_at_every_alignment() {
        let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
        for start in 0..70 {
            let (mut fast, mut slow) = ([0xA5; 700], [0xA5; 700]);
            let is_ascii = xor(&mut fast[start..], key.0);
            naive(&mut slow[start..], key, 0);
            assert_eq!((fast, is_ascii), (slow, slow[start..].is_ascii()), "start {start}");
        }
    }

    #[test]
    fn detects_two_bytes_that_are_not_ascii() {
        for start in 0..64 {
            for at in 0..64 {
                let mut bytes = [b'x'; 64 + 352];
                let payload = &mut bytes[start..start + 352];
                payload[at] = 0x80;
                payload[352 - 64 + at] = 0x80;
                mask(payload, MaskKey([1, 2, 3, 4]), 0);
                assert!(!xor(payload, [1, 2, 3, 4]), "position {at}, start {start}");
            }
        }
    }

    #[test]
    fn detects_a_byte_that_is_not_ascii_at_every_place() {
        for len in (0..80).chain([255, 256, 257, 600]) {
            for at in 0..len {
                let (mut payload, key) = (vec![b'x'; len], MaskKey([1, 2, 3, 4]));
                payload[at] = 0x80;
                mask(&mut payload, key, 0);
                assert!(!xor(&mut payload, key.0), "position {at}, length {len}");
                payload[at] = b'x';
                mask(&mut payload, key, 0);
                assert!(xor(&mut payload, key.0), "position {at}, length {len}");
            }
        }
    }

    #[test]
    fn appends_masked_payloads() {
        let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
        for len in (0..300).chain([BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5]) {
            let payload: Vec<u8> = (0_u8..251).cycle().take(len).collect();
            let (mut appended, mut expected) = (BytesMut::from(&b"before"[..]), payload.clone());
            append(&payload, key, &mut appended);
            naive(&mut expected, key, 0);
            assert_eq!(appended, [b"before", &expected[..]].concat(), "length {len}");
        }
    }

    proptest! {
        #[test]
        fn masking_twice_restores_the_payload(payload: Vec<u8>, key: [u8; 4], offset: usize) {
            let mut masked = payload.clone();
            mask(&mut masked, MaskKey(key), offset);
            mask(&mut masked, MaskKey(key), offset);
            prop_assert_eq!(masked, payload);
        }

        #[test]
        fn pieces_are_masked_as_the_whole(payload: Vec<u8>, key: [u8; 4], split: prop::sample::Index) {
            let mut whole = payload.clone();
            mask(&mut whole, MaskKey(key), 0);
            let mut pieces = payload;
            let at = split.index(pieces.len() + 1);
            let (first, rest) = pieces.split_at_mut(at);
            mask(first, MaskKey(key), 0);
            mask(rest, MaskKey(key), at);
            prop_assert_eq!(pieces, whole);
        }
    }
}
