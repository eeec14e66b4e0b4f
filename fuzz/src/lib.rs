//! What the fuzz targets share.

/// The stream cut into pieces of one to 256 bytes, their lengths taken from `cuts` again and again.
pub fn pieces<'a>(stream: &'a [u8], cuts: &'a [u8; 4]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = stream;
    cuts.iter().cycle().map_while(move |&cut| {
        let (piece, later) = rest.split_at_checked(usize::from(cut) + 1).unwrap_or((rest, &[]));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}
