use std::io::{self, Write};

use crate::text::hex;

/// A dump of all bytes of one direction: a mark, the offset in the stream, sixteen bytes in hexadecimal, the same in
/// ASCII.
#[derive(Debug)]
pub(crate) struct HexDump {
    mark: String,
    offset: u64,
}

impl HexDump {
    const WIDTH: usize = 16;

    pub(crate) fn new(mark: impl Into<String>) -> Self {
        Self { mark: mark.into(), offset: 0 }
    }

    /// Dumps the bytes that come next to stderr.
    pub(crate) fn show(&mut self, bytes: &[u8]) {
        let _ = io::stderr().write_all(self.dump(bytes).as_bytes());
    }

    fn dump(&mut self, bytes: &[u8]) -> String {
        let mut lines = String::with_capacity(bytes.len().div_ceil(Self::WIDTH) * 80);
        for row in bytes.chunks(Self::WIDTH) {
            self.row(row, &mut lines);
        }
        lines
    }

    fn row(&mut self, row: &[u8], lines: &mut String) {
        lines.push_str(&format!("{} {:08x} ", self.mark, self.offset));
        for place in 0..Self::WIDTH {
            lines.push_str(if place == Self::WIDTH / 2 { "  " } else { " " });
            match row.get(place) {
                Some(&byte) => lines.push_str(&hex(&[byte])),
                None => lines.push_str("  "),
            }
        }
        let shown = |&byte: &u8| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' };
        lines.push_str("  |");
        lines.extend(row.iter().map(shown));
        lines.push_str("|\n");
        self.offset += row.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_sixteen() {
        let bytes: Vec<u8> = (b'a'..=b'q').collect();
        assert_eq!(
            HexDump::new(">").dump(&bytes),
            "> 00000000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|\n\
             > 00000010  71                                                |q|\n"
        );
    }

    #[test]
    fn the_offset_goes_on() {
        let mut dump = HexDump::new("<");
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
