//! Payloads, the bytes that carry them, and how they come: at most 64 KiB at a time.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use bytes::BytesMut;
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{Frame, MaskKey, OpCode};

/// Payload lengths in bytes: a chat line, the longest short head, and three powers of two up to a large message.
pub const LENGTHS: [usize; 5] = [16, 125, 1024, 16 * 1024, 1024 * 1024];

/// How much one read brings at most.
pub const READ: usize = 64 * 1024;

/// How a length is written in a table.
#[must_use]
pub fn name_of(len: usize) -> String {
    match len {
        1_048_576.. => format!("{} MiB", len / 1_048_576),
        1024.. => format!("{} KiB", len / 1024),
        _ => format!("{len} B"),
    }
}

/// What is in the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Text, all of it ASCII.
    Ascii,
    /// Text with characters of two, three and four bytes between the ASCII ones.
    MultiByte,
    /// Bytes that are no text.
    Binary,
    /// What says that it is text, and is none.
    Wrong,
}

impl Payload {
    /// The `nth` payload of `len` bytes. No two texts with characters of several bytes are alike: a processor that has
    /// seen one a few times knows where each character ends.
    #[must_use]
    pub fn bytes(self, len: usize, nth: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len);
        match self {
            Self::Ascii => bytes.extend((0..len).map(|at| b' ' + (at * 7 % 94) as u8)),
            Self::Wrong => bytes.resize(len, 0xFF),
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

    /// Whether it goes into text messages.
    #[must_use]
    pub fn is_text(self) -> bool {
        self != Self::Binary
    }

    /// The `nth` payload as a frame.
    #[must_use]
    pub fn frame(self, len: usize, nth: usize) -> Frame {
        let bytes = self.bytes(len, nth);
        match self {
            Self::Binary => Frame::binary(bytes),
            Self::Wrong => Frame::new(OpCode::Text, bytes),
            _ => Frame::text(String::from_utf8(bytes).expect("this is text")),
        }
    }
}

/// `count` frames as they come to `role`. To a server they come masked, each with another key.
///
/// They live as long as the program, so that everybody can read them.
#[must_use]
pub fn frames(role: Role, version: Version, payload: Payload, len: usize, count: usize) -> &'static [u8] {
    let (mut wire, mut key) = (BytesMut::new(), 0x9E37_79B9);
    for nth in 0..count {
        key = next_random(key);
        let key = (role == Role::Server && version.has_length_framing()).then(|| MaskKey(key.to_le_bytes()));
        payload.frame(len, nth).encode(version, key, &mut wire).expect("this can be sent");
    }
    Vec::from(wire).leak()
}

fn next_random(last: u32) -> u32 {
    last.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F)
}

/// How many messages of `len` bytes one pass takes: 256 KiB of them, or one.
#[must_use]
pub const fn per_round(len: usize) -> usize {
    if len < 4 * READ { 4 * READ / len } else { 1 }
}

thread_local! {
    static READS: Cell<usize> = const { Cell::new(0) };
}

/// How often any [`Source`] was read so far, on this thread.
#[must_use]
pub fn reads() -> usize {
    READS.get()
}

/// A peer who sends the same bytes again and again, and takes what we send. One read ends with the bytes at the latest.
#[derive(Debug)]
pub struct Source {
    wire: &'static [u8],
    at: usize,
    most: usize,
    written: Written,
}

impl Source {
    /// A source of which one read takes at most [`READ`] bytes.
    #[must_use]
    pub fn new(wire: &'static [u8]) -> Self {
        Self { wire, at: 0, most: READ, written: Written::default() }
    }

    /// What is written to it, for those who cannot ask it any more.
    #[must_use]
    pub fn written(&self) -> Written {
        self.written.clone()
    }

    /// Sets how much one read brings at most.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    /// The next bytes: one read by somebody who has room for `room` bytes.
    #[inline]
    pub fn next(&mut self, room: usize) -> &'static [u8] {
        let from = if self.at == self.wire.len() { 0 } else { self.at };
        self.at = self.wire.len().min(from + self.most.min(room));
        READS.set(READS.get() + 1);
        &self.wire[from..self.at]
    }

    /// Whether the next read begins anew.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.at == self.wire.len()
    }

    /// Reads into `input` as from a socket.
    #[inline]
    pub fn read_into(&mut self, input: &mut BytesMut) {
        input.reserve(self.most);
        input.extend_from_slice(self.next(self.most));
    }
}

/// What was written to a [`Source`]: emptied when it is as much as one would write at once.
#[derive(Clone, Debug, Default)]
pub struct Written(Rc<RefCell<Vec<u8>>>);

impl Written {
    /// Appends some more.
    #[inline]
    pub fn write(&self, bytes: &[u8]) {
        let mut written = self.0.borrow_mut();
        if written.len() >= READ {
            written.clear();
        }
        written.extend_from_slice(bytes);
    }

    /// Takes what is there.
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
