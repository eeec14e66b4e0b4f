//! Bytes in hexadecimal.

use crate::output::write_stderr;
use crate::style::Mark;

/// Formats bytes in lower-case hexadecimal without spaces.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}

/// Dumps the bytes of one direction. Each row has a mark, the offset in the stream, sixteen bytes in hexadecimal, and
/// the same bytes in ASCII.
#[derive(Debug)]
pub(crate) struct HexDump {
    mark: Mark,
    offset: u64,
}

impl HexDump {
    const WIDTH: usize = 16;

    pub(crate) const fn new(mark: Mark) -> Self {
        Self { mark, offset: 0 }
    }

    /// Writes the next bytes of the stream to stderr.
    pub(crate) fn print(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            write_stderr(&self.dump(bytes));
        }
    }

    fn dump(&mut self, bytes: &[u8]) -> String {
        let mut lines = String::with_capacity(bytes.len().div_ceil(Self::WIDTH) * 80);
        for row in bytes.chunks(Self::WIDTH) {
            self.row(row, &mut lines);
        }
        lines
    }

    fn row(&mut self, row: &[u8], lines: &mut String) {
        lines.push_str(&format!("{} {:08x} ", self.mark.highlight(self.mark.text()), self.offset));
        for column in 0..Self::WIDTH {
            lines.push_str(if column == Self::WIDTH / 2 { "  " } else { " " });
            match row.get(column) {
                Some(&byte) => lines.push_str(&hex(&[byte])),
                None => lines.push_str("  "),
            }
        }
        let ascii = |&byte: &u8| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' };
        lines.push_str("  |");
        lines.extend(row.iter().map(ascii));
        lines.push_str("|\n");
        self.offset += row.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_bytes_into_rows_of_sixteen() {
        let bytes: Vec<u8> = (b'a'..=b'q').collect();
        assert_eq!(
            HexDump::new(Mark::Written).dump(&bytes),
            "> 00000000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|\n\
             > 00000010  71                                                |q|\n"
        );
    }

    #[test]
    fn continues_the_offset() {
        let mut dump = HexDump::new(Mark::Read);
        assert_eq!(dump.dump(b""), "");
        assert_eq!(
            dump.dump(b"\x81\x05Hello"),
            "< 00000000  81 05 48 65 6c 6c 6f                              |..Hello|\n"
        );
        assert_eq!(
            dump.dump(b"\x00 ~\x7f\xff"),
            "< 00000007  00 20 7e 7f ff                                    |. ~..|\n"
        );
    }
}
