//! permessage-deflate of the baselines: flate2, and no checks.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::baseline::{parse, unmask};

/// The four bytes that end a flush and are not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

pub(super) struct Codec {
    compress: Compress,
    decompress: Decompress,
    has_takeover: bool,
    compressed: Vec<u8>,
    text: Vec<u8>,
}

impl Codec {
    pub(super) fn new(has_takeover: bool) -> Self {
        Self {
            compress: Compress::new(Compression::new(6), false),
            decompress: Decompress::new(false),
            has_takeover,
            compressed: Vec::new(),
            text: Vec::new(),
        }
    }

    /// Appends the response to the frame at the front of `input` and returns the length of the frame, if it is complete.
    pub(super) fn frame(&mut self, input: &[u8], output: &mut Vec<u8>) -> Option<usize> {
        let (header, key, payload) = parse(input)?;
        assert!(input[0] == 0xC1, "the message is compressed");
        self.compressed.clear();
        self.compressed.extend_from_slice(payload);
        unmask(&mut self.compressed, key);
        self.compressed.extend_from_slice(&TAIL);
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let begun = self.decompress.total_in();
        loop {
            let read = (self.decompress.total_in() - begun) as usize;
            if read == self.compressed.len() && text.len() < text.capacity() {
                break;
            }
            text.reserve(2 * self.compressed.len());
            self.decompress
                .decompress_vec(&self.compressed[read..], &mut text, FlushDecompress::Sync)
                .expect("DEFLATE");
        }
        simdutf8::basic::from_utf8(&text).expect("the payload is UTF-8");
        self.encode(&text, output);
        self.text = text;
        Some(header + 4 + payload.len())
    }

    /// Appends the compressed frame of a text.
    pub(super) fn encode(&mut self, text: &[u8], output: &mut Vec<u8>) {
        if !self.has_takeover {
            self.compress.reset();
        }
        self.compressed.clear();
        let begun = self.compress.total_in();
        loop {
            let read = (self.compress.total_in() - begun) as usize;
            if read == text.len() && self.compressed.len() < self.compressed.capacity() {
                break;
            }
            self.compressed.reserve(text.len() + 64);
            self.compress.compress_vec(&text[read..], &mut self.compressed, FlushCompress::Sync).expect("DEFLATE");
        }
        self.compressed.truncate(self.compressed.len() - TAIL.len());
        match self.compressed.len() {
            len if len < 126 => output.extend_from_slice(&[0xC1, len as u8]),
            len if len < 1 << 16 => {
                output.extend_from_slice(&[0xC1, 126]);
                output.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                output.extend_from_slice(&[0xC1, 127]);
                output.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        output.extend_from_slice(&self.compressed);
    }
}
