//! The frames that the clients send, and those that they expect.

use bytes::BytesMut;
use protocol_websocket_benches::workloads::deflate::messages;
use protocol_websocket_core::Version;
use protocol_websocket_frame::{ExtensionEncoder as _, Frame, MaskKey};
use protocol_websocket_permessage_deflate::Deflater;

use crate::clients::{Load, READ_BUFFER_SIZE};

/// Different messages, whose frames are longer than a read, except for long ones.
pub(crate) struct Requests {
    pub(crate) texts: Vec<String>,
    /// The frames as the clients send them.
    pub(crate) frames: Cycle,
    /// The frames without a mask, as a server sends them back if it does not compress.
    pub(crate) responses: Cycle,
}

impl Requests {
    /// A compressed message has no references to the messages before it, so that the frames can be sent in a cycle.
    pub(crate) fn new(load: &Load, are_compressed: bool) -> Self {
        let count = (2 * READ_BUFFER_SIZE / load.length).max(2);
        let texts: Vec<String> =
            if load.is_compressed { records(count, load.length) } else { plain(count, load.length) };
        let mut deflater = Deflater::new(15).context_takeover(false);
        let (mut requests, mut responses) = (Cycle::default(), Cycle::default());
        for (number, text) in texts.iter().enumerate() {
            let key = MaskKey((number as u32).wrapping_mul(0x9E37_79B9).to_le_bytes());
            let frame = Frame::text(text.clone());
            if are_compressed {
                let compressed = deflater.encode(frame.clone().into()).unwrap();
                requests.push(|output| compressed.encode(Version::Rfc6455, Some(key), output).unwrap());
            } else {
                requests.push(|output| frame.encode(Version::Rfc6455, Some(key), output).unwrap());
            }
            responses.push(|output| frame.encode(Version::Rfc6455, None, output).unwrap());
        }
        Self { texts, frames: requests.finish(), responses: responses.finish() }
    }
}

fn plain(count: usize, length: usize) -> Vec<String> {
    (0..count).map(|number| format!("message {number} of many. ").chars().cycle().take(length).collect()).collect()
}

/// Returns text that compresses as messages of JSON do.
fn records(count: usize, length: usize) -> Vec<String> {
    let all = messages().concat();
    (0..count).map(|number| all.chars().cycle().skip(number * 7919 % all.len()).take(length).collect()).collect()
}

/// Frames that repeat.
#[derive(Default)]
pub(crate) struct Cycle {
    /// The cycle twice, so that a slice may go past its end.
    bytes: BytesMut,
    /// The end of each frame.
    ends: Vec<usize>,
    len: u64,
}

impl Cycle {
    fn push(&mut self, encode: impl FnOnce(&mut BytesMut)) {
        encode(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn finish(mut self) -> Self {
        self.len = self.bytes.len() as u64;
        self.bytes.extend_from_slice(&self.bytes.clone());
        self
    }

    /// Returns the position after a number of frames.
    pub(crate) fn end(&self, frames: u64) -> u64 {
        let count = self.ends.len() as u64;
        let rest = (frames % count) as usize;
        frames / count * self.len + rest.checked_sub(1).map_or(0, |last| self.ends[last] as u64)
    }

    /// Returns the number of whole frames before a position.
    pub(crate) fn frames(&self, position: u64) -> u64 {
        let rest = (position % self.len) as usize;
        position / self.len * self.ends.len() as u64 + self.ends.partition_point(|&end| end <= rest) as u64
    }

    /// Returns the number of bytes until the end of the frame at a position.
    pub(crate) fn until_end(&self, position: u64) -> u64 {
        self.end(self.frames(position) + 1) - position
    }

    /// Returns up to `len` bytes from `position`.
    pub(crate) fn at(&self, position: u64, len: u64) -> &[u8] {
        let start = (position % self.len) as usize;
        &self.bytes[start..start + len.min(self.len) as usize]
    }
}
