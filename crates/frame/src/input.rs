//! Where frames are taken from.

use alloc::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};

use crate::flags::Text;
use crate::utf8::is_utf8;
use crate::{DecodeError, FrameHeader, sentinel};

/// The least room in a payload's memory that is worth being the caller's input. For less, a copy is cheaper.
const MIN_ROOM: usize = 4 * 1024;

/// Bytes that arrived, from whose front frames are taken: a buffer that payloads share, or a slice that lends them.
pub(crate) trait Input {
    type Payload: AsRef<[u8]>;

    /// Whether the decoder can take a payload that has not come whole out of the input.
    const IS_OWNED: bool;

    fn bytes(&mut self) -> &mut [u8];

    /// Drops the next `len` bytes.
    fn skip(&mut self, len: usize);

    /// Drops the next `head` bytes and takes the `len` behind them.
    fn take(&mut self, head: usize, len: usize) -> Self::Payload;

    /// Moves the `len` bytes of the input, which are all of it, to the end of `partial`, whose payload needs `missing` more.
    /// Leaves room in that memory as the input, so that the next read needs no copy, unless the input itself has more room.
    ///
    /// The memory grows with the bytes that came, to at most twice as many plus two reads and 4 KiB. While the allocator
    /// moves a block that grows, the old one exists, too.
    fn keep(&mut self, partial: &mut BytesMut, len: usize, missing: usize);

    /// Takes `partial` and the next `len` bytes as one payload.
    fn complete(&mut self, partial: BytesMut, len: usize) -> Self::Payload;

    /// Text of hybi-00, in which what is no text is replaced (hybi-00 §5.3) where there is a place for more bytes than
    /// came, of which there may be `limit`.
    fn replaced(text: Self::Payload, limit: u64) -> Result<(Self::Payload, Text), DecodeError>;
}

impl Input for BytesMut {
    type Payload = Bytes;

    const IS_OWNED: bool = true;

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

    fn keep(&mut self, partial: &mut BytesMut, len: usize, missing: usize) {
        let (was_lent, is_first) = (follows(partial, self), partial.is_empty());
        let room = if was_lent {
            partial.unsplit(self.split_to(len));
            self.capacity()
        } else {
            // Grows to twice its capacity, or to what is needed if that is more.
            partial.reserve(len);
            copy_blocks(self, len, |block| partial.extend_from_slice(block));
            self.clear();
            partial.capacity() - partial.len()
        };
        // The next read may be as long as this one, which may have brought the header, too.
        let wanted = missing.min(len + FrameHeader::MAX_LEN);
        let grows = room < wanted;
        let next_room = if grows { wanted.max(partial.len() + 2 * room) } else { room };
        let may_stay = if was_lent {
            !grows
        } else {
            // If the caller has replaced `input`, the room is unknown; it is filled before more is allocated.
            let is_left = room == 0 && !is_first;
            is_left || next_room < MIN_ROOM || self.try_reclaim(next_room + 1)
        };
        if may_stay {
            return;
        }
        // Without another owner the memory can grow where it is.
        *self = Self::new();
        if grows {
            partial.reserve(wanted);
        }
        *self = partial.split_off(partial.len());
    }

    fn complete(&mut self, mut partial: BytesMut, len: usize) -> Bytes {
        let was_lent = follows(&partial, self);
        if was_lent {
            partial.unsplit(self.split_to(len));
            // What follows the payload does not keep its memory alive.
            *self = Self::from(&**self);
        }
        let mut payload = Vec::from(partial);
        if !was_lent {
            payload.reserve_exact(len);
            copy_blocks(self, len, |block| payload.extend_from_slice(block));
            self.advance(len);
        }
        payload.shrink_to_fit();
        payload.into()
    }

    fn replaced(text: Bytes, limit: u64) -> Result<(Bytes, Text), DecodeError> {
        Ok((sentinel::replaced(text, limit)?, Text::Whole))
    }
}

impl<'a> Input for &'a mut [u8] {
    type Payload = &'a mut [u8];

    const IS_OWNED: bool = false;

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

    fn keep(&mut self, _: &mut BytesMut, _: usize, _: usize) {}

    fn complete(&mut self, _: BytesMut, len: usize) -> &'a mut [u8] {
        self.take(0, len)
    }

    fn replaced(text: &'a mut [u8], _: u64) -> Result<(&'a mut [u8], Text), DecodeError> {
        let known = if is_utf8(text) { Text::Whole } else { Text::Unchecked };
        Ok((text, known))
    }
}

/// Whether `input` is the room after `partial`, as [`Input::keep`] left it there. If only the addresses say so, `unsplit`
/// makes a copy.
fn follows(partial: &BytesMut, input: &BytesMut) -> bool {
    partial.as_ptr().wrapping_add(partial.len()) == input.as_ptr()
}

/// Copies the first `len` bytes of `input` in blocks. Some processors are several times as slow with longer copies whose two
/// ends are not aligned alike. The header in front makes the alignments differ.
fn copy_blocks(input: &[u8], len: usize, copy: impl FnMut(&[u8])) {
    input.get(..len).unwrap_or_default().chunks(2048).for_each(copy);
}
