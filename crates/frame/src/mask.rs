use bytes::BytesMut;

/// The key that a client masks one frame with (RFC 6455 §5.3). It must be unpredictable, and fresh for each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskKey(pub [u8; 4]);

impl MaskKey {
    /// The key as it meets a payload whose first `offset` bytes are elsewhere.
    #[inline]
    pub(crate) const fn turned(self, offset: usize) -> [u8; 4] {
        #[expect(clippy::cast_possible_truncation, reason = "at most 24")]
        let bits = 8 * (offset % 4) as u32;
        u32::from_le_bytes(self.0).rotate_right(bits).to_le_bytes()
    }
}

/// Masks or unmasks `payload` in place: the two are the same (RFC 6455 §5.3).
///
/// `offset` is how many bytes of the frame's payload came before these, so that a frame can be masked as it passes.
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
    xor(payload, key.turned(offset));
}

/// Appends `payload` to `output`, masked. A short one is masked in registers before it is written, since what was just
/// written is slow to read back in other widths. A long one is copied and masked in blocks, which are still near.
#[inline]
pub(crate) fn append(payload: &[u8], key: MaskKey, output: &mut BytesMut) {
    match payload.len() {
        4..16 => append_lanes::<4>(payload, key, output),
        16..64 => append_lanes::<16>(payload, key, output),
        64..WIDE => append_lanes::<64>(payload, key, output),
        _ => append_blocks(payload, key, output),
    }
}

/// At least one lane. The last one overlaps the one before, as in [`lanes`].
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
        output.extend_from_slice(&masked(last, key.turned(payload.len())));
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

/// As much as stays in the nearest cache beside what is read, a multiple of the key.
const BLOCK: usize = 16 * 1024;

/// Masks at least one lane by the lane, and says whether all that came out is ASCII.
///
/// The last lane overlaps the one before: it is read before the others are written, so nothing is left for a loop over
/// bytes.
macro_rules! lanes {
    ($lane:ty, $payload:expr, $key:expr) => {{
        const LEN: usize = size_of::<$lane>();
        // As often as it fits: times 0x1_0000_0001, for 64 bits.
        let repeated = |key| <$lane>::from(u32::from_ne_bytes(key)) * (<$lane>::MAX / <$lane>::from(u32::MAX));
        let payload: &mut [u8] = $payload;
        let turned = repeated(MaskKey($key).turned(payload.len()));
        let key = repeated($key);
        let last = payload.last_chunk::<LEN>().map_or(0, |last| <$lane>::from_ne_bytes(*last) ^ turned);
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

/// Masks in place, and says whether what came out is ASCII, which costs little while the bytes are in registers.
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

/// From this length on the widest instructions of the processor are worth asking for.
const WIDE: usize = 256;

#[cfg(not(feature = "std"))]
fn wide(payload: &mut [u8], key: [u8; 4]) -> bool {
    lanes!(u128, payload, key)
}

/// The same loop once more for each kind of processor, and the one of this processor picked.
#[cfg(feature = "std")]
fn wide(payload: &mut [u8], key: [u8; 4]) -> bool {
    use fearless_simd::{Level, Simd, dispatch, prelude::*, u8x64, u32x16};

    static LEVEL: std::sync::LazyLock<Level> = std::sync::LazyLock::new(Level::new);

    #[inline(always)]
    fn wide<S: Simd>(simd: S, payload: &mut [u8], key: [u8; 4]) -> bool {
        let repeated = |offset| u32x16::splat(simd, u32::from_ne_bytes(MaskKey(key).turned(offset))).to_bytes();
        // The first lane and the last overlap those between, which begin where no store crosses two lines of the cache.
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
        // Without an early end, which no vector instruction has.
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
    fn every_short_length_and_offset_is_masked_byte_by_byte() {
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
    fn it_does_not_matter_where_a_payload_lies() {
        let key = MaskKey([0x37, 0xfa, 0x21, 0x3d]);
        for start in 0..70 {
            let (mut fast, mut slow) = ([0xA5; 700], [0xA5; 700]);
            let is_ascii = xor(&mut fast[start..], key.0);
            naive(&mut slow[start..], key, 0);
            assert_eq!((fast, is_ascii), (slow, slow[start..].is_ascii()), "from {start}");
        }
    }

    #[test]
    fn two_bytes_that_are_not_ascii_are_seen_like_one() {
        for start in 0..64 {
            for at in 0..64 {
                let mut bytes = [b'x'; 64 + 352];
                let payload = &mut bytes[start..start + 352];
                payload[at] = 0x80;
                payload[352 - 64 + at] = 0x80;
                mask(payload, MaskKey([1, 2, 3, 4]), 0);
                assert!(!xor(payload, [1, 2, 3, 4]), "{at} from {start}");
            }
        }
    }

    #[test]
    fn a_byte_that_is_not_ascii_is_seen_wherever_it_stands() {
        for len in (0..80).chain([255, 256, 257, 600]) {
            for at in 0..len {
                let (mut payload, key) = (vec![b'x'; len], MaskKey([1, 2, 3, 4]));
                payload[at] = 0x80;
                mask(&mut payload, key, 0);
                assert!(!xor(&mut payload, key.0), "{at} of {len}");
                payload[at] = b'x';
                mask(&mut payload, key, 0);
                assert!(xor(&mut payload, key.0), "{at} of {len}");
            }
        }
    }

    #[test]
    fn what_is_appended_is_masked_byte_by_byte() {
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
        fn masking_twice_gives_the_payload_back(payload: Vec<u8>, key: [u8; 4], offset: usize) {
            let mut masked = payload.clone();
            mask(&mut masked, MaskKey(key), offset);
            mask(&mut masked, MaskKey(key), offset);
            prop_assert_eq!(masked, payload);
        }

        #[test]
        fn pieces_are_masked_like_the_whole(payload: Vec<u8>, key: [u8; 4], cut: prop::sample::Index) {
            let mut whole = payload.clone();
            mask(&mut whole, MaskKey(key), 0);
            let mut pieces = payload;
            let at = cut.index(pieces.len() + 1);
            let (head, tail) = pieces.split_at_mut(at);
            mask(head, MaskKey(key), 0);
            mask(tail, MaskKey(key), at);
            prop_assert_eq!(pieces, whole);
        }
    }
}
