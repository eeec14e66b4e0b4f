//! The field section of a message in HTTP/2 and HTTP/3: pseudo-header fields, and the header fields after them (RFC 9113
//! §8.3, RFC 9114 §4.3). Both versions have the same rules.

use core::str::from_utf8;

use crate::error::ParseError;
use crate::grammar::{is_same, is_token, is_value};
use crate::headers::Headers;
use crate::span::Span;

/// The pseudo-header fields of an extended CONNECT (RFC 8441 §4).
pub(crate) const REQUEST: [&str; 5] = [":method", ":protocol", ":scheme", ":authority", ":path"];

/// Reads a field section. Returns the position of the value of each pseudo-header field in `names`, and the header fields.
/// The values of pseudo-header fields are in the buffer of the header fields.
pub(crate) fn read<const N: usize>(
    fields: impl IntoIterator<Item = (impl AsRef<[u8]>, impl AsRef<[u8]>)>,
    names: [&str; N],
) -> Result<([Option<Span>; N], Headers), ParseError> {
    let (mut pseudo, mut headers) = ([None; N], Headers::new());
    for (name, value) in fields {
        let (name, value) = (name.as_ref(), value.as_ref());
        //= https://www.rfc-editor.org/rfc/rfc9113#section-8.2.1
        //# A field value MUST NOT start or end with an ASCII whitespace
        //# character (ASCII SP or HTAB, 0x20 or 0x09).
        if !is_value(value) {
            return Err(ParseError::Field);
        }
        if !name.starts_with(b":") {
            check(name, value)?;
            headers.append(name, value).ok_or(ParseError::TooLong)?;
            continue;
        }
        //= https://www.rfc-editor.org/rfc/rfc9113#section-8.3
        //# Endpoints MUST treat a request or response that contains
        //# undefined or invalid pseudo-header fields as malformed
        let text = from_utf8(value).map_err(|_| ParseError::Field)?;
        let known = names.iter().zip(&mut pseudo).find(|(known, _)| known.as_bytes() == name);
        match known {
            //= https://www.rfc-editor.org/rfc/rfc9113#section-8.3
            //# All pseudo-header fields MUST appear in a field block before all
            //# regular field lines.
            Some((_, position @ None)) if headers.is_empty() => {
                *position = Some(headers.write(text).ok_or(ParseError::TooLong)?);
            }
            //= https://www.rfc-editor.org/rfc/rfc9113#section-8.3
            //# The same pseudo-header field name MUST NOT appear more than once in a
            //# field block.
            _ => return Err(ParseError::Field),
        }
    }
    Ok((pseudo, headers))
}

fn check(name: &[u8], value: &[u8]) -> Result<(), ParseError> {
    //= https://www.rfc-editor.org/rfc/rfc9113#section-8.2.1
    //# A field name MUST NOT contain characters in the ranges 0x00-0x20,
    //# 0x41-0x5a, or 0x7f-0xff (all ranges inclusive).
    if !is_token(name) || name.iter().any(u8::is_ascii_uppercase) {
        return Err(ParseError::Field);
    }
    if is_connection_specific(name, value) { Err(ParseError::ConnectionSpecific) } else { Ok(()) }
}

//= https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2
//# An endpoint MUST NOT generate
//# an HTTP/2 message containing connection-specific header fields.
/// Returns whether this header field belongs to one connection of HTTP/1.1, so that HTTP/2 and HTTP/3 do not have it.
pub(crate) fn is_connection_specific(name: &[u8], value: &[u8]) -> bool {
    const NAMES: [&[u8]; 5] = [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"];
    NAMES.iter().any(|other| is_same(name, other)) || is_same(name, b"te") && !is_same(value, b"trailers")
}

/// Returns whether one of the header fields is connection-specific.
pub(crate) fn has_connection_specific(headers: &Headers) -> bool {
    headers.iter().any(|(name, value)| is_connection_specific(name.as_bytes(), value))
}

impl Headers {
    /// Appends a header field without a check, and its name in lower case. Returns `None` if the buffer would exceed 4 GiB.
    pub(crate) fn append_lowercase(&mut self, name: &str, value: &[u8]) -> Option<()> {
        //= https://www.rfc-editor.org/rfc/rfc9113#section-8.2
        //# Field names MUST be converted to lowercase when constructing an HTTP/2 message.
        self.append(name.to_ascii_lowercase().as_bytes(), value)
    }
}
