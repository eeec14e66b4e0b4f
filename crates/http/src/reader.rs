use core::mem;

use bytes::BytesMut;
use memchr::memchr;

use crate::grammar::{is_text, is_token_char};
use crate::head::{FEW, Head};
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
/// The first read is parsed as a whole head. If it is not one, each byte is searched once, when it comes, the first line
/// is checked once more, when it is complete, and the head is parsed once, when it is complete. The bytes stay in the
/// caller's buffer until then. A line ends at CRLF or LF alone; empty lines before the head are skipped, but count
/// towards its length (RFC 9112 §2.2).
///
/// A wrong line is refused before the head is complete, so that a peer with another protocol, such as SSH, does not wait:
/// - a header line at the first byte that it must not have, such as a space before the colon or at its start (obs-fold);
/// - the first line at a control character, at a byte other than LF after CR and at a first byte that is not of a token,
///   such as that of TLS; otherwise when it is complete.
///
/// An error depends on the bytes alone, and not on how they are split into reads.
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
    /// Which part of its line the next byte belongs to.
    part: Part,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Start,
    /// After the CR of an empty line.
    EmptyEnd,
    FirstLine,
    Name,
    Value,
    /// After the CR of another line.
    End,
}

impl HeadReader {
    /// A reader before its first byte.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self { limits, search: Search { line: 0, seen: 0, lines: 0, part: Part::Start }, failure: None }
    }

    /// Takes the head of a request from the front of `input`; `None` if it is not complete yet.
    ///
    /// Until then `input` must only grow at its end.
    ///
    /// # Errors
    ///
    /// [`ParseError::TooLong`] or [`ParseError::TooManyHeaders`] as soon as a limit is exceeded,
    /// [`ParseError::RequestLine`] or [`ParseError::Field`] as soon as a line shows that it is not HTTP/1.x.
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
    /// [`ParseError::ResponseLine`] or [`ParseError::Field`] as soon as a line shows that it is not HTTP/1.x.
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
    /// Searches the new bytes, and returns where the head ends, if it does: after the first empty line that is not before
    /// it.
    fn end<H: Head>(&mut self, input: &[u8], limits: HeadLimits) -> Result<Option<usize>, ParseError> {
        let window = input.get(..limits.max_len).unwrap_or(input);
        while let Some(rest @ [_, ..]) = window.get(self.seen..) {
            let newline = memchr(b'\n', rest);
            let bytes = newline.and_then(|at| rest.get(..at)).unwrap_or(rest);
            self.seen += bytes.len() + usize::from(newline.is_some());
            #[cfg(test)]
            tests::SEARCHED.set(tests::SEARCHED.get() + bytes.len() + usize::from(newline.is_some()));
            self.part = match self.part_after(bytes) {
                Some(part) => part,
                None if self.lines == 0 => return Err(H::WRONG_LINE),
                None if self.lines <= limits.max_headers => return Err(ParseError::Field),
                // The line is one too many when it is complete, whatever is in it.
                None => Part::Value,
            };
            if newline.is_none() {
                break;
            }
            let line = window.get(self.line..self.seen).unwrap_or_default();
            self.line = self.seen;
            match (mem::take(&mut self.part), self.lines) {
                (Part::Start | Part::EmptyEnd, 0) => continue,
                (Part::Start | Part::EmptyEnd, _) => return Ok(Some(self.seen)),
                (_, 0) => H::check_first_line(line)?,
                (_, lines) if lines > limits.max_headers => return Err(ParseError::TooManyHeaders),
                (Part::Name, _) => return Err(ParseError::Field),
                _ => {}
            }
            self.lines += 1;
        }
        if input.len() < limits.max_len { Ok(None) } else { Err(ParseError::TooLong) }
    }

    /// Returns the part of the line after these bytes, none of which is LF; `None` if they show that the line is wrong.
    /// The first line is checked again when it is complete.
    fn part_after(&self, bytes: &[u8]) -> Option<Part> {
        let (text, has_cr) = bytes.strip_suffix(b"\r").map_or((bytes, false), |text| (text, true));
        let part = match (self.part, text) {
            _ if bytes.is_empty() => return Some(self.part),
            (Part::EmptyEnd | Part::End, _) => return None,
            (Part::Start, []) => return Some(Part::EmptyEnd),
            (Part::Start, [first, ..]) if !is_token_char(*first) => return None,
            (Part::Start | Part::Name, _) if self.lines > 0 => {
                match text.iter().position(|&byte| !is_token_char(byte)).and_then(|at| text.get(at..)) {
                    None if has_cr => return None,
                    None => Part::Name,
                    Some([b':', value @ ..]) if is_text(value) => Part::Value,
                    Some(_) => return None,
                }
            }
            (Part::Value, _) if is_text(text) => Part::Value,
            (Part::Value, _) => return None,
            _ if is_text(text) => Part::FirstLine,
            _ => return None,
        };
        Some(if has_cr { Part::End } else { part })
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
