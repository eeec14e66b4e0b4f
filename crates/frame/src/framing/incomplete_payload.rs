//! The memory of a payload that has not arrived completely.
//!
//! It grows with the bytes that arrived, never with the length that the peer announced: to twice its length at most, and not
//! past the payload's length. So an allocation is at most twice what arrived, and the last one fits exactly. The memory
//! becomes the payload, and nothing stays allocated.

use alloc::vec::Vec;

use bytes::Bytes;

/// The least capacity, in bytes: the longest control frame fits.
const MIN_CAPACITY: usize = 128;

/// The longest copy at once, in bytes. Some processors are several times slower with longer copies whose two ends are
/// aligned differently, and a frame header makes the alignments differ.
pub(super) const COPY_BLOCK: usize = 2048;

/// The beginning of a payload.
#[derive(Clone, Debug, Default)]
pub(super) struct IncompletePayload {
    buffer: Vec<u8>,
    /// How many bytes at the front were unmasked and checked. Those after it were written by a transport.
    checked: usize,
}

impl From<Vec<u8>> for IncompletePayload {
    /// Returns a payload of bytes that were checked.
    fn from(buffer: Vec<u8>) -> Self {
        Self { checked: buffer.len(), buffer }
    }
}

impl IncompletePayload {
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.buffer.len()
    }

    /// All bytes, and how many of them were checked before.
    #[inline]
    pub(super) const fn checked(&self) -> usize {
        self.checked
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Marks all bytes as checked up to `end`.
    #[inline]
    pub(super) const fn set_checked(&mut self, end: usize) {
        self.checked = end;
    }

    /// Makes room for `additional` bytes of a payload of at most `max_len` bytes.
    #[inline]
    pub(super) fn reserve(&mut self, additional: usize, max_len: usize) {
        if additional > self.buffer.capacity() - self.buffer.len() {
            self.grow(additional, max_len);
        }
    }

    #[cold]
    fn grow(&mut self, additional: usize, max_len: usize) {
        let needed = self.buffer.len() + additional;
        let capacity = needed.max(2 * self.buffer.len()).max(MIN_CAPACITY).min(max_len.max(needed));
        self.buffer.reserve_exact(capacity - self.buffer.len());
    }

    /// Appends bytes, for which the caller reserved room.
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The memory that a transport appends to.
    #[inline]
    pub(super) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Removes the bytes from `at` on, as the beginning of the next payload.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { buffer: self.buffer.split_off(at), checked: 0 }
    }

    /// The payload, in memory that fits it.
    pub(super) fn into_bytes(self) -> Bytes {
        self.buffer.into_boxed_slice().into()
    }
}
