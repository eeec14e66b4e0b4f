//! The two kinds of input: a buffer that payloads share, and a slice that lends them.
//!
//! Short payloads are shared, too, although each keeps the whole read buffer allocated. To copy a payload of 16 bytes instead
//! takes a fifth more time, and twice as much if another thread frees it.

use bytes::{Buf, Bytes, BytesMut};

use crate::Payload;

/// Bytes that arrived, with frames at their front.
pub(crate) trait Input {
    /// A payload as this input provides it.
    type Payload: From<Bytes>;

    /// All bytes of the input.
    fn bytes(&mut self) -> &mut [u8];

    /// Drops the first `len` bytes.
    fn skip(&mut self, len: usize);

    /// Drops all bytes.
    fn skip_all(&mut self);

    /// Drops the first `start` bytes and takes the `len` bytes after them.
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
