//! The memory of a payload that has not arrived completely.
//!
//! The capacity depends on the number of bytes that arrived, never on the length in the header alone. A full buffer doubles,
//! but not beyond the length of the payload, if that is known. So the capacity is at most twice the number of bytes that
//! arrived, plus a small minimum. A long buffer that a transport fills (`LengthPrefixed::payload_buffer`) grows by four. The
//! memory becomes the payload, and nothing stays allocated afterwards.

use alloc::vec::Vec;

use bytes::Bytes;

/// The minimum capacity in bytes, which is enough for the longest control frame.
const MIN_CAPACITY: usize = 128;

/// The length of the blocks in which payloads are copied, in bytes. Some processors are several times slower with longer copies
/// if the source and the destination are aligned differently. That is often so here, because a header precedes the
/// payload in the source.
pub(super) const COPY_BLOCK: usize = 2048;

/// The beginning of a payload.
#[derive(Clone, Debug, Default)]
pub(super) struct IncompletePayload {
    buffer: Vec<u8>,
    /// The number of bytes at the front that were unmasked and checked. The others are new.
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

    /// Returns the payload `buffer`, whose first `checked` bytes were unmasked and checked.
    pub(super) fn resumed(buffer: &[u8], checked: usize) -> Self {
        Self { buffer: buffer.to_vec(), checked }
    }

    /// Returns the number of bytes at the front that were unmasked and checked.
    #[inline]
    pub(super) const fn checked(&self) -> usize {
        self.checked
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Marks the first `end` bytes as unmasked and checked.
    #[inline]
    pub(super) const fn set_checked(&mut self, end: usize) {
        self.checked = end;
    }

    /// Returns how many bytes fit without an allocation.
    #[inline]
    pub(super) const fn room(&self) -> usize {
        self.buffer.capacity() - self.buffer.len()
    }

    /// Reserves memory for `additional` bytes. The whole payload has at most `max_len` bytes.
    #[inline]
    pub(super) fn reserve(&mut self, additional: usize, max_len: usize) {
        if additional > self.room() {
            self.grow(additional, max_len);
        }
    }

    #[cold]
    fn grow(&mut self, additional: usize, max_len: usize) {
        let needed = self.buffer.len() + additional;
        let capacity = needed.max(2 * self.buffer.len()).max(MIN_CAPACITY).min(max_len.max(needed));
        self.buffer.reserve_exact(capacity - self.buffer.len());
    }

    /// Appends bytes, for which the caller has called [`reserve`](Self::reserve).
    #[inline]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the buffer, to which a transport may append bytes.
    #[inline]
    pub(super) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Removes the bytes from `at` on. They are the beginning of the next payload.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { buffer: self.buffer.split_off(at), checked: 0 }
    }

    /// Returns the payload, without unused capacity.
    pub(super) fn into_bytes(self) -> Bytes {
        self.buffer.into_boxed_slice().into()
    }
}
