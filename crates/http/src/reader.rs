use core::mem;

use bytes::BytesMut;
use memchr::memchr_iter;

use crate::grammar::is_token_char;
use crate::head::{FEW, Head, check_field_line};
use crate::{ParseError, RequestHead, ResponseHead};

/// How much of a head is taken before it is refused with 431.
///
/// ```
/// use protocol_websocket_http::HeadLimits;
///
/// let limits = HeadLimits::default().max_len(64 * 1024);
/// assert_eq!((limits.max_len, limits.max_headers), (64 * 1024, 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct HeadLimits {
    /// The longest head in bytes: from its first byte, empty lines before it included, to the empty line that ends it.
    /// By default 16 KiB, as Node.js has it. What exceeds 4 GiB counts as 4 GiB.
    pub max_len: usize,
    /// The greatest number of header fields. By default 100, as Apache's `LimitRequestFields` has it.
    pub max_headers: usize,
}

impl HeadLimits {
    /// The limits of Perl's `Protocol::WebSocket`: 20,480 bytes, any number of fields.
    pub const PERL: Self = Self { max_len: 20_480, max_headers: usize::MAX };

    /// Sets [`max_len`](Self#structfield.max_len), in bytes.
    #[must_use]
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// Sets [`max_headers`](Self#structfield.max_headers).
    #[must_use]
    pub const fn max_headers(mut self, count: usize) -> Self {
        self.max_headers = count;
        self
    }
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { max_len: 16 * 1024, max_headers: 100 }
    }
}

/// Finds heads in a stream of bytes, however it is cut.
///
/// A head that is complete at the first read is parsed without a search. In another one each byte is searched once, when
/// it comes, each line is checked once, when it is complete, and the head is parsed once as a whole, when it is complete.
/// The bytes stay in the caller's buffer until then. A line ends at CRLF or LF alone; empty lines before the head are
/// skipped, but count towards its length (RFC 9112 §2.2).
///
/// A wrong line is refused when it is complete, though the head is not: a peer that speaks another protocol, such as SSH,
/// is not waited for. An error depends on the bytes alone, and not on how they are split into reads.
///
/// A head is not copied: it shares the memory of `input`, which can be reused once the head is dropped.
///
/// After a head it is ready for the next one. After an error it gives the same error for ever, and what is left in
/// `input` has no meaning.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{HeadLimits, HeadReader};
///
/// let mut reader = HeadReader::new(HeadLimits::default());
/// let mut input = BytesMut::from("GET / HTTP/1.1\r\nHost: exam");
/// assert_eq!(reader.request(&mut input)?, None);
/// input.extend_from_slice(b"ple.com\r\n\r\nmore");
/// let head = reader.request(&mut input)?.expect("the head is complete");
/// assert_eq!(head.headers().get("host"), Some(&b"example.com"[..]));
/// assert_eq!(input, "more");
/// # Ok::<(), protocol_websocket_http::ParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeadReader {
    limits: HeadLimits,
    search: Search,
    failure: Option<ParseError>,
}

/// Positions are counted from the front of the caller's buffer.
#[derive(Clone, Debug, Default)]
struct Search {
    /// Where the line that is not yet complete begins.
    line: usize,
    /// How far was searched.
    seen: usize,
    /// How many lines of the head are complete, without the empty ones before it.
    lines: usize,
}

impl HeadReader {
    /// A reader before its first byte.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self { limits, search: Search { line: 0, seen: 0, lines: 0 }, failure: None }
    }

    /// Takes the head of a request from the front of `input`; `None` if it is not complete yet.
    ///
    /// Until then `input` must only grow at its end.
    ///
    /// # Errors
    ///
    /// [`ParseError::TooLong`] or [`ParseError::TooManyHeaders`] as soon as a limit is exceeded,
    /// [`ParseError::RequestLine`] or [`ParseError::Field`] as soon as a line is complete that is not HTTP/1.x.
    pub fn request(&mut self, input: &mut BytesMut) -> Result<Option<RequestHead>, ParseError> {
        self.read(input)
    }

    /// Takes the head of a response from the front of `input`; `None` if it is not complete yet.
    ///
    /// Until then `input` must only grow at its end.
    ///
    /// # Errors
    ///
    /// [`ParseError::TooLong`] or [`ParseError::TooManyHeaders`] as soon as a limit is exceeded,
    /// [`ParseError::ResponseLine`] or [`ParseError::Field`] as soon as a line is complete that is not HTTP/1.x.
    pub fn response(&mut self, input: &mut BytesMut) -> Result<Option<ResponseHead>, ParseError> {
        self.read(input)
    }

    fn read<H: Head>(&mut self, input: &mut BytesMut) -> Result<Option<H>, ParseError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let limits = self.limits.max_len(self.limits.max_len.min(u32::MAX as usize));
        // A good head that is there as a whole, as nearly all are, needs no search.
        if self.search.seen == 0
            && let Some(head) = H::take(input, limits.max_len, limits.max_headers.min(FEW))
        {
            return Ok(Some(head));
        }
        let result = self.search(input, limits);
        self.failure = result.as_ref().err().copied();
        result
    }

    #[cold]
    fn search<H: Head>(&mut self, input: &mut BytesMut, limits: HeadLimits) -> Result<Option<H>, ParseError> {
        let Some(end) = self.search.end::<H>(input, limits)? else { return Ok(None) };
        let fields = mem::take(&mut self.search).lines - 1;
        // A head of good lines is a good head.
        H::take(input, end, fields).map(Some).ok_or(ParseError::Field)
    }
}

impl Search {
    /// Searches the bytes that are new, checks each line that is complete, and returns where the head ends, if it does:
    /// after the first empty line that is not before it.
    fn end<H: Head>(&mut self, input: &[u8], limits: HeadLimits) -> Result<Option<usize>, ParseError> {
        let window = input.get(..limits.max_len).unwrap_or(input);
        let seen = self.seen;
        #[cfg(test)]
        tests::SEARCHED.set(tests::SEARCHED.get() + window.len() - seen);
        for newline in memchr_iter(b'\n', window.get(seen..).unwrap_or_default()).map(|at| seen + at) {
            let line = window.get(self.line..=newline).unwrap_or_default();
            self.line = newline + 1;
            match (line, self.lines) {
                (b"\n" | b"\r\n", 0) => continue,
                (b"\n" | b"\r\n", _) => return Ok(Some(self.line)),
                (_, lines) if lines > limits.max_headers => return Err(ParseError::TooManyHeaders),
                (_, 0) => H::check_first_line(line)?,
                _ => check_field_line(line)?,
            }
            self.lines += 1;
        }
        self.seen = window.len();
        // Bytes that cannot be HTTP, such as TLS on a plain port, are refused at the first of them.
        let first = window.get(self.line).filter(|_| self.lines == 0);
        if first.is_some_and(|&first| first != b'\r' && !is_token_char(first)) {
            return Err(H::WRONG_LINE);
        }
        if input.len() < limits.max_len { Ok(None) } else { Err(ParseError::TooLong) }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::cell::Cell;
    use std::thread_local;

    use super::*;

    thread_local! {
        /// How many bytes were searched on this thread.
        pub(super) static SEARCHED: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn each_byte_is_searched_once_when_it_comes() {
        let fields = ["Host: example.com\r\n", "X:\n", "Upgrade: websocket\r\n"].concat().repeat(40);
        let head = ["\r\nGET / HTTP/1.1\r\n", &fields, "\r\n"].concat();
        for read in [1, 2, 10, 100] {
            SEARCHED.set(0);
            let (mut reader, mut input) = (HeadReader::new(HeadLimits::default().max_headers(120)), BytesMut::new());
            let mut came = 0;
            for bytes in head.as_bytes().chunks(read) {
                input.extend_from_slice(bytes);
                came += bytes.len();
                assert_eq!(reader.request(&mut input).unwrap().is_some(), came == head.len());
                assert_eq!(SEARCHED.get(), came, "reads of {read}");
            }
        }
    }
}
