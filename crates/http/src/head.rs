//! The parts that request heads and response heads share.

use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use bytes::BytesMut;
use httparse::{EMPTY_HEADER, Header};

use crate::error::ParseError;
use crate::grammar::{is_token, is_value, trim};
use crate::headers::Headers;
use crate::span::{Field, Span};

/// A head that [`HeadReader`](crate::HeadReader) reads.
pub(crate) trait Head: Sized {
    /// The error for a malformed first line.
    const FIRST_LINE_ERROR: ParseError;

    /// Checks a complete first line, including its line end.
    fn check_first_line(line: &[u8]) -> Result<(), ParseError>;

    /// Removes a head with at most `fields` header fields from the front of `input`. Returns `None` if the first `len`
    /// bytes do not begin with such a head.
    fn take(input: &mut BytesMut, len: usize, fields: usize) -> Option<Self>;
}

/// The number of header fields that are parsed without an allocation. Nearly all heads have fewer.
pub(crate) const STACK_FIELDS: usize = 32;

/// The space that is reserved for a header field that another HTTP library parsed.
pub(crate) const BYTES_PER_FIELD: usize = 48;

/// Calls `read` with space for this number of header fields, which is on the stack for up to [`STACK_FIELDS`] fields.
pub(crate) fn with_slots<'a, T>(fields: usize, read: impl FnOnce(&mut [MaybeUninit<Header<'a>>]) -> T) -> T {
    let mut stack = [const { MaybeUninit::uninit() }; STACK_FIELDS];
    match stack.get_mut(..fields) {
        Some(slots) => read(slots),
        None => read(&mut vec![MaybeUninit::new(EMPTY_HEADER); fields]),
    }
}

/// Returns the positions of parsed header fields in the bytes of the head.
pub(crate) fn spans(headers: &[Header<'_>], bytes: &[u8]) -> Vec<Field> {
    let field = |header: &Header<'_>| Field {
        name: Span::within(header.name.as_bytes(), bytes),
        value: Span::within(header.value, bytes),
    };
    headers.iter().map(field).collect()
}

/// Checks and appends header fields that another HTTP library parsed.
pub(crate) fn append(
    parts: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    headers: &mut Headers,
) -> Result<(), ParseError> {
    for (name, value) in parts {
        let (name, value) = (name.as_ref().as_bytes(), trim(value.as_ref()));
        if !is_token(name) || !is_value(value) {
            return Err(ParseError::Field);
        }
        headers.append(name, value).ok_or(ParseError::TooLong)?;
    }
    Ok(())
}

pub(crate) const fn http_version(minor: u8) -> &'static str {
    if minor == 0 { "HTTP/1.0" } else { "HTTP/1.1" }
}
