//! Positions in a buffer, and the function that writes a header field line. On a 64-bit machine a position is half as
//! large as a slice, and it has no lifetime.

use bytes::BytesMut;

/// The position of a slice in a buffer of at most 4 GiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u32,
    len: u32,
}

/// The positions of a header field's name and value.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: Span,
    pub(crate) value: Span,
}

impl Span {
    /// Returns `None` if the end is above 4 GiB.
    pub(crate) fn new(start: usize, len: usize) -> Option<Self> {
        u32::try_from(start.checked_add(len)?).ok()?;
        Some(Self::unchecked(start, len))
    }

    /// Returns the position of `part`, a slice of `whole`. An empty part may lie outside of `whole`.
    #[inline]
    pub(crate) fn within(part: &[u8], whole: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
        debug_assert!(part.is_empty() || start.saturating_add(part.len()) <= whole.len(), "not a part of the buffer");
        Self::unchecked(start, part.len())
    }

    #[allow(clippy::cast_possible_truncation, reason = "buffers are at most 4 GiB long")]
    const fn unchecked(start: usize, len: usize) -> Self {
        Self { start: start as u32, len: len as u32 }
    }

    #[inline]
    pub(crate) const fn len(self) -> usize {
        self.len as usize
    }

    #[inline]
    pub(crate) fn of(self, whole: &[u8]) -> &[u8] {
        let start = self.start as usize;
        let part = whole.get(start..start.wrapping_add(self.len()));
        debug_assert!(part.is_some() || self.len == 0, "span outside of its buffer");
        part.unwrap_or_default()
    }
}

impl Field {
    /// Appends a header field to a buffer. Returns `None`, and writes nothing, if the buffer would exceed 4 GiB.
    #[inline]
    pub(crate) fn append(name: &[u8], value: &[u8], buffer: &mut BytesMut) -> Option<Self> {
        let field = Self::at(buffer.len(), name.len(), value.len())?;
        write_field(buffer, name, value);
        Some(field)
    }

    /// Returns the position of a line that [`write_field`] writes at `start`, or `None` above 4 GiB.
    #[inline]
    pub(crate) fn at(start: usize, name: usize, value: usize) -> Option<Self> {
        Span::new(start, name + value + 4)?;
        Some(Self { name: Span::unchecked(start, name), value: Span::unchecked(start + name + 2, value) })
    }
}

/// Appends a header field line to a buffer.
#[inline]
pub(crate) fn write_field(output: &mut BytesMut, name: &[u8], value: &[u8]) {
    output.extend_from_slice(name);
    output.extend_from_slice(b": ");
    output.extend_from_slice(value);
    output.extend_from_slice(b"\r\n");
}
