/// The key that a client masks one frame with (RFC 6455 §5.3). It must be unpredictable, and fresh for each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaskKey(pub [u8; 4]);

impl MaskKey {
    /// The key as it meets a payload whose first `offset` bytes are elsewhere.
    const fn turned(self, offset: usize) -> [u8; 4] {
        let Self([a, b, c, d]) = self;
        match offset % 4 {
            0 => [a, b, c, d],
            1 => [b, c, d, a],
            2 => [c, d, a, b],
            _ => [d, a, b, c],
        }
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
pub fn mask(payload: &mut [u8], key: MaskKey, offset: usize) {
    let key = key.turned(offset);
    // Blocks of one key repeated: a loop without a carried state, which the compiler turns into vector instructions.
    let mut wide = [0; WIDE];
    for word in wide.chunks_exact_mut(4) {
        word.copy_from_slice(&key);
    }
    let mut blocks = payload.chunks_exact_mut(WIDE);
    for block in &mut blocks {
        xor(block, &wide);
    }
    let mut words = blocks.into_remainder().chunks_exact_mut(4);
    for word in &mut words {
        xor(word, &key);
    }
    xor(words.into_remainder(), &key);
}

const WIDE: usize = 32;

#[inline]
fn xor(bytes: &mut [u8], key: &[u8]) {
    for (byte, key) in bytes.iter_mut().zip(key) {
        *byte ^= key;
    }
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
        for len in 0..200 {
            for offset in 0..5 {
                let (mut fast, mut slow) = (vec![0xA5; len], vec![0xA5; len]);
                mask(&mut fast, key, offset);
                naive(&mut slow, key, offset);
                assert_eq!(fast, slow, "length {len}, offset {offset}");
            }
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
