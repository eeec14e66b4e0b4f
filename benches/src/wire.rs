//! Payloads, the frames that carry them, and a source that delivers at most 64 KiB per read.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use bytes::{BufMut, BytesMut};
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{Frame, MaskKey, OpCode};

/// Payload lengths in bytes: a short text, the longest payload with a two-byte header, and three powers of two up to a
/// large message.
pub const LENGTHS: [usize; 5] = [16, 125, 1024, 16 * 1024, 1024 * 1024];

/// Size of the read buffer in bytes.
pub const READ_BUFFER_SIZE: usize = 64 * 1024;

/// Formats a length as it is shown in a table.
#[must_use]
pub fn format_len(len: usize) -> String {
    match len {
        1_048_576.. => format!("{} MiB", len / 1_048_576),
        1024.. => format!("{} KiB", len / 1024),
        _ => format!("{len} B"),
    }
}

/// The content of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// ASCII text.
    Ascii,
    /// Text with characters of two, three and four bytes between the ASCII ones.
    MultiByte,
    /// Binary data.
    Binary,
    /// A text message with invalid UTF-8.
    InvalidText,
}

impl Payload {
    /// Returns the `nth` payload of `len` bytes. Multi-byte texts all differ, because the branch predictor learns where
    /// the characters of a repeated text end.
    #[must_use]
    pub fn bytes(self, len: usize, nth: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len);
        match self {
            Self::Ascii => bytes.extend((0..len).map(|at| b' ' + (at * 7 % 94) as u8)),
            Self::InvalidText => bytes.resize(len, 0xFF),
            Self::Binary => bytes.extend((0..len).map(|at| (at * 131 % 251) as u8 | 0x80)),
            Self::MultiByte => {
                let characters = ["a", "é", "漢", " ", "😀", "b"];
                let mut random = (nth as u32).wrapping_mul(0x9E37_79B9);
                while bytes.len() < len {
                    random = next_random(random);
                    let character = characters[(random >> 16) as usize % characters.len()].as_bytes();
                    bytes.extend_from_slice(if bytes.len() + character.len() > len { b"x" } else { character });
                }
            }
        }
        bytes
    }

    /// Returns whether the payload is sent in text messages.
    #[must_use]
    pub fn is_text(self) -> bool {
        self != Self::Binary
    }

    /// Returns the `nth` payload as a frame.
    #[must_use]
    pub fn frame(self, len: usize, nth: usize) -> Frame {
        let bytes = self.bytes(len, nth);
        match self {
            Self::Binary => Frame::binary(bytes),
            Self::InvalidText => Frame::new(OpCode::Text, bytes),
            _ => Frame::text(String::from_utf8(bytes).expect("the payload is UTF-8")),
        }
    }
}

/// Returns `count` encoded frames as `role` receives them. Frames to a server are masked, each with a different key.
///
/// The bytes are leaked, so that all contenders can share them.
#[must_use]
pub fn frames(role: Role, version: Version, payload: Payload, len: usize, count: usize) -> &'static [u8] {
    let (mut wire, mut key) = (BytesMut::new(), 0x9E37_79B9);
    for nth in 0..count {
        key = next_random(key);
        let key = (role == Role::Server && version.has_length_framing()).then(|| MaskKey(key.to_le_bytes()));
        payload.frame(len, nth).encode(version, key, &mut wire).expect("the frame can be encoded");
    }
    Vec::from(wire).leak()
}

fn next_random(last: u32) -> u32 {
    last.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F)
}

/// Returns the number of messages of `len` bytes in one pass: 256 KiB of them, at least one.
#[must_use]
pub const fn messages_per_pass(len: usize) -> usize {
    if len < 4 * READ_BUFFER_SIZE { 4 * READ_BUFFER_SIZE / len } else { 1 }
}

thread_local! {
    static READS: Cell<usize> = const { Cell::new(0) };
}

/// Returns the number of reads from any [`Source`] on this thread so far.
#[must_use]
pub fn reads() -> usize {
    READS.get()
}

/// A peer that sends the same bytes repeatedly, and accepts all writes. A read never goes past the end of the bytes.
#[derive(Debug)]
pub struct Source {
    wire: &'static [u8],
    at: usize,
    max_read: usize,
    written: Written,
}

impl Source {
    /// Makes a source that delivers at most [`READ_BUFFER_SIZE`] bytes per read.
    #[must_use]
    pub fn new(wire: &'static [u8]) -> Self {
        Self { wire, at: 0, max_read: READ_BUFFER_SIZE, written: Written::default() }
    }

    /// Returns a handle to the written bytes, for contenders that take ownership of the source.
    #[must_use]
    pub fn written(&self) -> Written {
        self.written.clone()
    }

    /// Sets the most bytes that one read delivers.
    #[must_use]
    pub fn max_read(mut self, max_read: usize) -> Self {
        self.max_read = max_read;
        self
    }

    /// Returns the next bytes: one read into a buffer of `capacity` bytes.
    #[inline]
    pub fn next(&mut self, capacity: usize) -> &'static [u8] {
        let from = if self.at == self.wire.len() { 0 } else { self.at };
        self.at = self.wire.len().min(from + self.max_read.min(capacity));
        READS.set(READS.get() + 1);
        &self.wire[from..self.at]
    }

    /// Returns whether the next read starts from the first byte again.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.at == self.wire.len()
    }

    /// Reads into `buffer` and returns the part with the bytes.
    #[inline]
    pub fn read_slice<'b>(&mut self, buffer: &'b mut [u8]) -> &'b mut [u8] {
        let bytes = self.next(buffer.len());
        let read = &mut buffer[..bytes.len()];
        read.copy_from_slice(bytes);
        read
    }

    /// Reads into the free space of `buffer`.
    #[inline]
    pub fn read_to(&mut self, buffer: &mut impl BufMut) {
        buffer.put_slice(self.next(buffer.remaining_mut()));
    }

    /// Reads into `input` like from a socket.
    #[inline]
    pub fn read_into(&mut self, input: &mut BytesMut) {
        input.reserve(self.max_read);
        input.extend_from_slice(self.next(self.max_read));
    }
}

/// The bytes written to a [`Source`]. They are dropped once they fill a write buffer.
#[derive(Clone, Debug, Default)]
pub struct Written(Rc<RefCell<Vec<u8>>>);

impl Written {
    /// Appends bytes.
    #[inline]
    pub fn write(&self, bytes: &[u8]) {
        let mut written = self.0.borrow_mut();
        if written.len() >= READ_BUFFER_SIZE {
            written.clear();
        }
        written.extend_from_slice(bytes);
    }

    /// Takes the bytes.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl io::Read for Source {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.next(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl io::Write for Source {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "peers")]
mod tokio {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::Source;

    impl AsyncRead for Source {
        #[inline]
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            buffer.put_slice(self.next(buffer.remaining()));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Source {
        #[inline]
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(io::Write::write(&mut *self, bytes))
        }

        #[inline]
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            slices.iter().for_each(|slice| self.written.write(slice));
            Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
