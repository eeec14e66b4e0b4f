//! Conversions from the bytes of the fuzzer to the inputs of the targets.

use arbitrary::{Arbitrary, Unstructured};

/// Reads all of `data` as a `T`. Returns `None` if it is too short.
pub fn read<'a, T: Arbitrary<'a>>(data: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(data)).ok()
}

/// Splits the stream into pieces of one to 256 bytes. The lengths cycle through `splits`.
pub fn pieces<'a>(stream: &'a [u8], splits: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = stream;
    splits.iter().cycle().map_while(move |&split| {
        let (piece, later) = rest.split_at_checked(usize::from(split) + 1).unwrap_or((rest, &[]));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Splits the stream by `splits`, then byte by byte, then, if it is short, into two pieces at each position. Calls
/// `test` with each of these lists of pieces.
pub fn every_split<'a>(stream: &'a [u8], splits: &'a [u8], mut test: impl FnMut(&mut dyn Iterator<Item = &'a [u8]>)) {
    test(&mut pieces(stream, splits));
    test(&mut stream.chunks(1));
    if stream.len() <= 40 {
        for at in 1..stream.len() {
            let (front, back) = stream.split_at(at);
            test(&mut [front, back].into_iter());
        }
    }
}

/// Returns the bit of `options` with this number.
pub fn bit(options: u8, number: u8) -> bool {
    options >> number & 1 != 0
}

/// Splits `data` into records of a kind and two strings. A record ends with `FF`, its first string with `FE`; neither
/// byte occurs in UTF-8. Records with invalid UTF-8 are skipped.
pub fn records(data: &[u8]) -> impl Iterator<Item = (char, &str, &str)> {
    data.split(|&byte| byte == 0xFF).filter_map(|record| {
        let (&kind, rest) = record.split_first()?;
        let at = rest.iter().position(|&byte| byte == 0xFE).unwrap_or(rest.len());
        let (first, second) = rest.split_at(at);
        let second = second.get(1..).unwrap_or_default();
        Some((char::from(kind), str::from_utf8(first).ok()?, str::from_utf8(second).ok()?))
    })
}
