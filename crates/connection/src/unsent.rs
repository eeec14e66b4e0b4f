//! The bytes that a session has not written yet: one buffer of encoded bytes, and the payloads between them that are
//! shared instead of copied.
//!
//! The encoded bytes stay in one buffer, in order, because the timers of a connection derive from its length how much
//! was written. A shared payload therefore has no place in the buffer. It has the number of encoded bytes before it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

#[derive(Debug, Default)]
pub(crate) struct Unsent {
    pub(crate) buffer: BytesMut,
    /// `None` without a shared payload, so that an idle session is small.
    shared: Option<Box<SharedPayloads>>,
}

#[derive(Debug, Default)]
struct SharedPayloads {
    queue: VecDeque<Shared>,
    /// The bytes of all payloads.
    len: usize,
    /// The bytes of the buffer before the last payload.
    placed: usize,
}

#[derive(Debug)]
struct Shared {
    /// The bytes of the buffer between the shared payload before this one, or the beginning, and this one.
    after: usize,
    payload: Bytes,
}

impl Unsent {
    pub(crate) fn len(&self) -> usize {
        self.buffer.len().saturating_add(self.shared_len())
    }

    pub(crate) fn shared_len(&self) -> usize {
        self.shared.as_ref().map_or(0, |shared| shared.len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a payload whose header is at the end of the buffer.
    pub(crate) fn push(&mut self, payload: Bytes) {
        let shared = self.shared.get_or_insert_default();
        shared.len = shared.len.saturating_add(payload.len());
        shared.queue.push_back(Shared { after: self.buffer.len() - shared.placed, payload });
        shared.placed = self.buffer.len();
    }

    /// Returns the bytes in the order in which they are sent. No chunk is empty.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.buffer[..];
        let pairs = self.shared.iter().flat_map(|shared| &shared.queue).flat_map(move |shared| {
            let (before, after) = rest.split_at_checked(shared.after).unwrap_or_default();
            rest = after;
            [before, &shared.payload[..]]
        });
        let placed = self.shared.as_ref().map_or(0, |shared| shared.placed);
        let last = self.buffer.get(placed..).unwrap_or_default();
        pairs.chain([last]).filter(|chunk| !chunk.is_empty())
    }

    /// Removes `len` bytes from the front, and frees the memory of a buffer that is empty.
    pub(crate) fn advance(&mut self, len: usize) {
        let len = match &mut self.shared {
            Some(shared) => shared.advance(len, &mut self.buffer),
            None => len,
        };
        debug_assert!(len <= self.buffer.len(), "more bytes were written than there were");
        self.buffer.advance(len.min(self.buffer.len()));
        if self.is_empty() {
            *self = Self::default();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns all bytes in one buffer.
    pub(crate) fn into_bytes(self) -> BytesMut {
        if self.shared_len() == 0 {
            return self.buffer;
        }
        let mut bytes = BytesMut::with_capacity(self.len());
        self.chunks().for_each(|chunk| bytes.extend_from_slice(chunk));
        bytes
    }
}

impl SharedPayloads {
    /// Removes `len` bytes, up to the end of the last payload. Returns how many of them are left to remove.
    fn advance(&mut self, mut len: usize, buffer: &mut BytesMut) -> usize {
        while let Some(front) = self.queue.front_mut() {
            let encoded = len.min(front.after);
            buffer.advance(encoded);
            (front.after, self.placed, len) = (front.after - encoded, self.placed - encoded, len - encoded);
            if front.after > 0 {
                break;
            }
            let payload = len.min(front.payload.len());
            front.payload.advance(payload);
            (self.len, len) = (self.len - payload, len - payload);
            if !front.payload.is_empty() {
                break;
            }
            self.queue.pop_front();
        }
        len
    }
}

impl From<BytesMut> for Unsent {
    fn from(buffer: BytesMut) -> Self {
        Self { buffer, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 1000;

    fn unsent() -> Unsent {
        let mut unsent = Unsent::default();
        unsent.buffer.extend_from_slice(b"ab");
        unsent.push(vec![b'x'; LEN].into());
        unsent.push(vec![b'y'; LEN].into());
        unsent.buffer.extend_from_slice(b"cd");
        unsent.push(vec![b'z'; LEN].into());
        unsent.buffer.extend_from_slice(b"e");
        unsent
    }

    #[test]
    fn chunks_are_in_order_whatever_was_written() {
        let whole = unsent().into_bytes();
        assert_eq!(whole.len(), unsent().len());
        for first in [0, 1, 2, 3, LEN + 1, LEN + 2, 2 * LEN + 5, whole.len() - 1, whole.len()] {
            let mut unsent = unsent();
            unsent.advance(first);
            assert_eq!(unsent.chunks().collect::<Vec<_>>().concat(), whole[first..], "{first}");
            assert_eq!(unsent.len(), whole.len() - first);
            assert!(unsent.chunks().all(|chunk| !chunk.is_empty()));
        }
    }

    #[test]
    fn bytes_are_written_one_by_one() {
        let (whole, mut unsent) = (unsent().into_bytes(), unsent());
        for &byte in &whole[..] {
            assert_eq!(unsent.chunks().next().map(|chunk| chunk[0]), Some(byte));
            unsent.advance(1);
        }
        assert!(unsent.is_empty() && unsent.chunks().next().is_none());
    }
}
