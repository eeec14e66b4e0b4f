//! Where frames are taken from.

use alloc::boxed::Box;

use bytes::{Buf, Bytes, BytesMut};

use crate::flags::Text;
use crate::utf8::is_utf8;
use crate::{DecodeError, sentinel};

/// Bytes that arrived, from whose front frames are taken: a buffer that payloads share, or a slice that lends them.
pub(crate) trait Input {
    type Payload: AsRef<[u8]>;

    /// Whether what has come of a payload can be kept from the caller.
    const HOLDS: bool;

    fn bytes(&mut self) -> &mut [u8];

    /// Drops the next `len` bytes.
    fn skip(&mut self, len: usize);

    /// Drops the next `head` bytes and takes the `len` behind them.
    fn take(&mut self, head: usize, len: usize) -> Self::Payload;

    /// Adds the next `ready` bytes to what is held, with room behind it for a read as long as the last, of `read` bytes,
    /// and for more of the `missing` ones as far as what has come allows.
    fn hold(&mut self, held: &mut Option<Box<BytesMut>>, ready: usize, read: usize, missing: usize);

    /// Takes the next `len` bytes behind what is held.
    fn take_behind(&mut self, held: BytesMut, len: usize) -> Self::Payload;

    /// Text of hybi-00, in which what is no text is replaced (hybi-00 §5.3) where there is a place for more bytes than
    /// came, of which there may be `limit`.
    fn replaced(text: Self::Payload, limit: u64) -> Result<(Self::Payload, Text), DecodeError>;
}

impl Input for BytesMut {
    type Payload = Bytes;

    const HOLDS: bool = true;

    #[inline(always)]
    fn bytes(&mut self) -> &mut [u8] {
        self
    }

    #[inline(always)]
    fn skip(&mut self, len: usize) {
        self.advance(len);
    }

    #[inline(always)]
    fn take(&mut self, head: usize, len: usize) -> Bytes {
        let mut taken = self.split_to(head + len).freeze();
        taken.advance(head);
        taken
    }

    fn hold(&mut self, held: &mut Option<Box<BytesMut>>, ready: usize, read: usize, missing: usize) {
        let is_first = held.is_none();
        let held = held.get_or_insert_default();
        held.unsplit(self.split_to(ready));
        let all = missing.saturating_add(read);
        if self.is_empty() && self.capacity() < if is_first { all } else { read } {
            let room = self.capacity();
            // One owner, so that it can move and grow where it is: into memory that an earlier one left, or by as much
            // again as has come.
            *self = BytesMut::new();
            if !held.try_reclaim(all) {
                held.reserve(if room < read { missing.max(read).min(held.len() + read) } else { room });
            }
            *self = held.split_off(held.len());
        }
    }

    fn take_behind(&mut self, mut held: BytesMut, len: usize) -> Bytes {
        held.unsplit(self.split_to(len));
        held.freeze()
    }

    fn replaced(text: Bytes, limit: u64) -> Result<(Bytes, Text), DecodeError> {
        Ok((sentinel::replaced(text, limit)?, Text::Whole))
    }
}

impl<'a> Input for &'a mut [u8] {
    type Payload = &'a mut [u8];

    const HOLDS: bool = false;

    #[inline]
    fn bytes(&mut self) -> &mut [u8] {
        self
    }

    #[inline]
    fn skip(&mut self, len: usize) {
        self.take(len, 0);
    }

    #[inline]
    fn take(&mut self, head: usize, len: usize) -> &'a mut [u8] {
        let (taken, rest) = core::mem::take(self).split_at_mut(head + len);
        *self = rest;
        taken.split_at_mut(head).1
    }

    fn hold(&mut self, _: &mut Option<Box<BytesMut>>, _: usize, _: usize, _: usize) {}

    fn take_behind(&mut self, _: BytesMut, len: usize) -> &'a mut [u8] {
        self.take(0, len)
    }

    fn replaced(text: &'a mut [u8], _: u64) -> Result<(&'a mut [u8], Text), DecodeError> {
        let known = if is_utf8(text) { Text::Whole } else { Text::Unchecked };
        Ok((text, known))
    }
}
