use bytes::{Bytes, BytesMut};

use crate::ResponseHead;

/// The maximum length of the line with the length of a chunk.
const MAX_LINE: usize = 256;

/// The body of a response that rejects the handshake: by its length, in chunks (RFC 9112 §7.1), or to the end of the
/// stream.
///
/// It is for a person or a log, so a body that is too long or malformed is truncated instead of an error. Read it for a
/// limited time: a server need not end it.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{ResponseBody, ResponseHead};
///
/// let head = ResponseHead::from_parts(403, [("Content-Length", "7")])?;
/// let mut body = ResponseBody::new(&head, 1024);
/// let mut input = BytesMut::from("not "); // the bytes after the head
/// while !body.receive(&mut input) {
///     input.extend_from_slice(b"you"); // in place of a read
/// }
/// assert_eq!(body.into_bytes(), "not you");
/// # Ok::<_, protocol_websocket_http::ParseError>(())
/// ```
#[derive(Debug)]
pub struct ResponseBody {
    bytes: BytesMut,
    max_len: usize,
    /// The number of bytes that are left, of the body or of the chunk.
    left: usize,
    is_chunked: bool,
}

impl ResponseBody {
    /// Creates the body of a response with this head. It keeps at most `max_len` bytes.
    #[must_use]
    pub fn new(head: &ResponseHead, max_len: usize) -> Self {
        let headers = head.headers();
        let has_none = matches!(head.status(), 100..=199 | 204 | 304);
        let is_chunked = !has_none && headers.contains("transfer-encoding");
        let len = headers.get_str("content-length").and_then(|len| len.parse().ok());
        let left = if has_none || is_chunked { 0 } else { len.unwrap_or(usize::MAX) };
        Self { bytes: BytesMut::new(), max_len, left, is_chunked }
    }

    /// Takes received bytes from the front of `input`. Returns whether the body is complete, and otherwise needs more
    /// bytes, or ends with the stream.
    pub fn receive(&mut self, input: &mut BytesMut) -> bool {
        loop {
            let len = self.left.min(input.len()).min(self.max_len - self.bytes.len());
            self.bytes.extend_from_slice(&input.split_to(len));
            self.left -= len;
            if self.bytes.len() == self.max_len || self.left == 0 && !self.is_chunked {
                return true;
            }
            if self.left > 0 {
                return false;
            }
            let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return input.len() > MAX_LINE };
            let line = input.split_to(end + 1);
            let line = line.trim_ascii();
            // The line end after the bytes of a chunk.
            if line.is_empty() {
                continue;
            }
            let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
            let len = str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
            match len {
                // At most `max_len` bytes are kept of a longer chunk.
                Some(len) if len > 0 => self.left = usize::try_from(len).unwrap_or(usize::MAX),
                _ => return true,
            }
        }
    }

    /// Returns the bytes that were received.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }
}
