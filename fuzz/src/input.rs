//! How the bytes of a fuzzer become what a target needs.

use arbitrary::{Arbitrary, Unstructured};

/// The whole input as a `T`; nothing if it is too short for one.
pub fn read<'a, T: Arbitrary<'a>>(data: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(data)).ok()
}

/// The stream cut into pieces of one to 256 bytes, their lengths taken from `cuts` again and again.
pub fn pieces<'a>(stream: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = stream;
    cuts.iter().cycle().map_while(move |&cut| {
        let (piece, later) = rest.split_at_checked(usize::from(cut) + 1).unwrap_or((rest, &[]));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The stream cut as told, byte by byte, and, unless that would take long, once at each place.
pub fn every_cut<'a>(stream: &'a [u8], cuts: &'a [u8], mut see: impl FnMut(&mut dyn Iterator<Item = &'a [u8]>)) {
    see(&mut pieces(stream, cuts));
    see(&mut stream.chunks(1));
    if stream.len() <= 40 {
        for at in 1..stream.len() {
            let (front, back) = stream.split_at(at);
            see(&mut [front, back].into_iter());
        }
    }
}

/// The bit of `options` with this number.
pub fn bit(options: u8, number: u8) -> bool {
    options >> number & 1 != 0
}

/// The text as pieces between bytes that no UTF-8 has: records end at `FF`, the two halves of one at `FE`. What is not
/// UTF-8 is skipped.
pub fn records(data: &[u8]) -> impl Iterator<Item = (char, &str, &str)> {
    data.split(|&byte| byte == 0xFF).filter_map(|record| {
        let (&kind, rest) = record.split_first()?;
        let at = rest.iter().position(|&byte| byte == 0xFE).unwrap_or(rest.len());
        let (first, second) = rest.split_at(at);
        let second = second.get(1..).unwrap_or_default();
        Some((char::from(kind), str::from_utf8(first).ok()?, str::from_utf8(second).ok()?))
    })
}
