//! Byte strings in pieces, as a transport may deliver them.

/// Returns `bytes` split at each of `positions`, which are sorted here and may repeat; the pieces together are `bytes`.
pub fn split_at_all(bytes: &[u8], positions: impl IntoIterator<Item = usize>) -> Vec<&[u8]> {
    let mut positions: Vec<usize> = positions.into_iter().collect();
    positions.sort_unstable();
    let mut from = 0;
    let mut pieces: Vec<&[u8]> = Vec::new();
    for to in positions.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[from..to]);
        from = to;
    }
    pieces
}

/// Returns `bytes` in two pieces, for every position from before the first byte to after the last.
pub fn split_everywhere(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    (0..=bytes.len()).map(|position| bytes.split_at(position))
}

/// Returns `bytes` in pieces of the sizes of `sizes`, which begin again when they are used up.
///
/// # Panics
///
/// If all of `sizes` are 0 and `bytes` is not empty.
#[must_use]
pub fn split_in_sizes<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    assert!(bytes.is_empty() || sizes.iter().any(|&size| size > 0), "no size is above 0");
    let mut pieces = Vec::new();
    for &size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
