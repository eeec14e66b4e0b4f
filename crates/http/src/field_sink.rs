//! The destinations to which a builder writes header fields: the output, or the header fields of a value.
//!
//! One function writes the header fields of a request to either destination, and one function those of a response. So the
//! written bytes and the value of a head cannot differ.

use bytes::BytesMut;

use crate::headers::Headers;
use crate::span::write_field;

/// A destination for header fields.
pub(crate) trait FieldSink {
    /// Appends a header field. Returns `None` above 4 GiB.
    fn field(&mut self, name: &str, value: &[u8]) -> Option<()>;

    /// Appends all header fields of a list. Returns `None` above 4 GiB.
    fn fields(&mut self, headers: &Headers) -> Option<()>;
}

impl FieldSink for BytesMut {
    #[inline]
    fn field(&mut self, name: &str, value: &[u8]) -> Option<()> {
        write_field(self, name.as_bytes(), value);
        Some(())
    }

    fn fields(&mut self, headers: &Headers) -> Option<()> {
        headers.encode_fields(self);
        Some(())
    }
}

impl FieldSink for Headers {
    fn field(&mut self, name: &str, value: &[u8]) -> Option<()> {
        self.append(name.as_bytes(), value)
    }

    fn fields(&mut self, headers: &Headers) -> Option<()> {
        self.append_all(headers)
    }
}

/// Header fields whose names are written in lower case, as HTTP/2 and HTTP/3 require.
pub(crate) struct Lowercase<'a>(pub(crate) &'a mut Headers);

impl FieldSink for Lowercase<'_> {
    fn field(&mut self, name: &str, value: &[u8]) -> Option<()> {
        self.0.append_lowercase(name, value)
    }

    fn fields(&mut self, headers: &Headers) -> Option<()> {
        headers.iter().try_for_each(|(name, value)| self.field(name, value))
    }
}
