use core::mem;

use bytes::BytesMut;

use crate::error::ParseError;
use crate::head::{Head, STACK_FIELDS};
use crate::limits::HeadLimits;
use crate::request_head::RequestHead;
use crate::response_head::ResponseHead;
use crate::search::Search;

/// Finds heads in a stream of bytes, however the stream is split into reads.
///
/// The first input is parsed as a whole head. If it is not a whole head, each byte is searched once, when it arrives. The
/// first line is checked when it is complete, and the head is parsed when it is complete. Until then the bytes stay in the
/// caller's buffer. A line ends at CRLF or a bare LF. Empty lines before the head are skipped, but count towards its
/// length (RFC 9112 §2.2).
///
/// A malformed line is an error before the head is complete, so that a connection with another protocol, such as SSH, fails
/// early:
/// - a header field line at the first invalid byte, such as a space before the colon or at the start of the line (obs-fold);
/// - the first line at a control character, at a byte other than LF after CR, or at a first byte that no token contains,
///   such as that of TLS; otherwise when the line is complete.
///
/// The error depends on the bytes alone, and not on how they are split into reads.
///
/// A head is not copied: it shares the memory of `input`, which can be reused after the head is dropped.
///
/// After a head the reader is ready for the next one. After an error every further call returns the same error, and the
/// caller discards `input`.
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
#[derive(Clone, Debug)]
pub struct HeadReader {
    limits: HeadLimits,
    search: Search,
    failure: Option<ParseError>,
}

impl HeadReader {
    /// Creates a reader.
    #[must_use]
    pub const fn new(limits: HeadLimits) -> Self {
        Self { limits, search: Search::new(), failure: None }
    }

    /// Removes the head of a request from the front of `input`. Returns `None` if the head is not complete yet.
    ///
    /// Until the head is complete, the caller appends to `input` and does not change it otherwise.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{HeadLimits, HeadReader, ParseError};
    ///
    /// let mut reader = HeadReader::new(HeadLimits::new().max_headers(1));
    /// let mut input = BytesMut::from("GET / HTTP/1.1\r\nHost: example.com\r\nCookie: a=1\r\n\r\n");
    /// assert_eq!(reader.request(&mut input), Err(ParseError::TooManyHeaders));
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseError::TooLong`] or [`ParseError::TooManyHeaders`] when a limit is exceeded, [`ParseError::RequestLine`] or
    /// [`ParseError::Field`] when a line is not valid HTTP/1.x.
    #[inline]
    pub fn request(&mut self, input: &mut BytesMut) -> Result<Option<RequestHead>, ParseError> {
        self.read(input)
    }

    /// Removes the head of a response from the front of `input`. Returns `None` if the head is not complete yet.
    ///
    /// Until the head is complete, the caller appends to `input` and does not change it otherwise.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{HeadLimits, HeadReader};
    ///
    /// let mut input = BytesMut::from("HTTP/1.1 404 Not Found\r\n\r\n");
    /// let head = HeadReader::new(HeadLimits::default()).response(&mut input)?.expect("the head is complete");
    /// assert_eq!((head.status(), head.reason()), (404, "Not Found"));
    /// # Ok::<(), protocol_websocket_http::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseError::TooLong`] or [`ParseError::TooManyHeaders`] when a limit is exceeded, [`ParseError::ResponseLine`] or
    /// [`ParseError::Field`] when a line is not valid HTTP/1.x.
    #[inline]
    pub fn response(&mut self, input: &mut BytesMut) -> Result<Option<ResponseHead>, ParseError> {
        self.read(input)
    }

    //= https://www.rfc-editor.org/rfc/rfc9110#section-15.2
    //# A client MUST be able to parse one or more 1xx responses received
    //# prior to a final response, even if the client does not expect one.
    /// Removes the head of a response from the front of `input`, and those of interim responses before it. Returns `None`
    /// if the head is not complete yet. An interim response has a status of 1xx other than 101, such as 103.
    ///
    /// The limits apply to all heads together. Otherwise as [`response`](Self::response).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::HeadReader;
    ///
    /// let mut input = BytesMut::from("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n");
    /// let head = HeadReader::default().final_response(&mut input)?.expect("the head is complete");
    /// assert_eq!(head.status(), 404);
    /// # Ok::<(), protocol_websocket_http::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`response`](Self::response).
    pub fn final_response(&mut self, input: &mut BytesMut) -> Result<Option<ResponseHead>, ParseError> {
        loop {
            let before = input.len();
            let Some(head) = self.response(input)? else { return Ok(None) };
            if !matches!(head.status(), 100 | 102..=199) {
                return Ok(Some(head));
            }
            self.limits.max_len = self.limits.max_len.saturating_sub(before - input.len());
            self.limits.max_headers = self.limits.max_headers.saturating_sub(head.headers().len());
        }
    }

    #[inline]
    fn read<H: Head>(&mut self, input: &mut BytesMut) -> Result<Option<H>, ParseError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        // Positions in a head have 32 bits.
        let limits = self.limits.max_len(self.limits.max_len.min(u32::MAX as usize));
        // Fast path: nearly all heads are valid and arrive in one read. They need no search.
        if self.search.is_new()
            && let Some(head) = H::take(input, limits.max_len, limits.max_headers.min(STACK_FIELDS))
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
        let search = mem::replace(&mut self.search, Search::new());
        // `httparse` accepts a head whose lines passed the search, unless the caller changed the bytes after the search.
        H::take(input, end, search.field_count()).map(Some).ok_or(ParseError::Field)
    }
}

impl Default for HeadReader {
    fn default() -> Self {
        Self::new(HeadLimits::default())
    }
}
