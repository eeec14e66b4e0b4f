//! The two types of input: a `BytesMut`, whose memory the payloads share, and a slice, from which they borrow.
//!
//! Short payloads share the memory, too, although each keeps the whole read buffer allocated. The time to copy and free a
//! payload, relative to the time to share and free it, with the allocator of glibc:
//!
//! | payload | 4 B | 16 B | 64 B | 125 B | 256 B | 1 KiB |
//! |---|---:|---:|---:|---:|---:|---:|
//! | freed by the same thread | 0.9 | 0.9 | 0.95 | 0.9 | 1.2 | 1.2 |
//! | freed by another thread | 1.7 | 1.6 | 1.6 | 2.0 | 2.1 | 3.0 |
//!
//! So a copy saves little where it saves anything, and costs much where payloads go to another thread.

use bytes::{Buf, Bytes, BytesMut};

use crate::Payload;

/// Received bytes, from whose front frames are removed.
pub(crate) trait Input {
    /// The payload of a frame in this input.
    type Payload: From<Bytes>;

    /// Returns all bytes of the input.
    fn bytes(&mut self) -> &mut [u8];

    /// Removes the first `len` bytes.
    fn skip(&mut self, len: usize);

    /// Removes all bytes.
    fn skip_all(&mut self);

    /// Removes the first `start` bytes and the `len` bytes after them. Returns the latter as a payload.
    fn take(&mut self, start: usize, len: usize) -> Self::Payload;
}

impl Input for BytesMut {
    type Payload = Bytes;

    #[inline(always)]
    fn bytes(&mut self) -> &mut [u8] {
        self
    }

    #[inline(always)]
    fn skip(&mut self, len: usize) {
        self.advance(len);
    }

    #[inline(always)]
    fn skip_all(&mut self) {
        self.clear();
    }

    #[inline(always)]
    fn take(&mut self, start: usize, len: usize) -> Bytes {
        let mut taken = self.split_to(start + len).freeze();
        taken.advance(start);
        taken
    }
}

impl<'a> Input for &'a mut [u8] {
    type Payload = Payload<'a>;

    #[inline(always)]
    fn bytes(&mut self) -> &mut [u8] {
        self
    }

    #[inline(always)]
    fn skip(&mut self, len: usize) {
        *self = core::mem::take(self).split_at_mut(len).1;
    }

    #[inline(always)]
    fn skip_all(&mut self) {
        *self = &mut [];
    }

    #[inline(always)]
    fn take(&mut self, start: usize, len: usize) -> Payload<'a> {
        let (taken, rest) = core::mem::take(self).split_at_mut(start + len);
        *self = rest;
        Payload::Borrowed(taken.split_at_mut(start).1)
    }
}
