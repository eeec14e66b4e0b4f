use alloc::string::ToString;
use core::fmt;
use core::hash::{Hash, Hasher};

use bytes::BytesMut;

use crate::headers::Headers;
use crate::negotiated::Negotiated;
use crate::response_head::ResponseHead;

/// The response to a [`Request`](crate::Request) that opens the connection: a 101, or a 2xx to an extended CONNECT of HTTP/2
/// or HTTP/3.
///
/// A server [builds](Self::accept) it. A client [checks](Self::from_head) it against its request:
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{Destination, HeadLimits, HeadReader, Offer, Request, Response};
///
/// let mut random = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce"); // use `OsRandom`
/// let offer = Offer::new().subprotocol("chat");
/// let request = Request::offer(Destination::new("example.com", "/chat"), &offer, &mut random)?;
///
/// let mut input = BytesMut::from(concat!(
///     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
///     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
/// ));
/// let head = HeadReader::new(HeadLimits::default()).response(&mut input)?.expect("the head is complete");
/// let response = Response::from_head(head, &request)?;
/// assert_eq!(response.negotiated().subprotocol.as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Response {
    /// It has the result of the handshake, too.
    head: ResponseHead,
}

impl Response {
    /// Returns the result of the handshake: version, subprotocol and extensions.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        self.head.negotiated()
    }

    /// Returns the result of the handshake, and drops the head.
    #[must_use]
    pub fn into_negotiated(self) -> Negotiated {
        self.head.into_negotiated()
    }

    /// Creates a response from a head that passed the checks.
    pub(crate) fn new(mut head: ResponseHead, negotiated: Negotiated) -> Self {
        head.set_negotiated(negotiated);
        Self { head }
    }

    /// Returns the status code: 101, or to an extended CONNECT 200 to 299.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.head.status()
    }

    /// Returns the header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        self.head.headers()
    }

    /// Returns the head.
    #[must_use]
    pub const fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// Returns the fields of a response to an extended CONNECT for an HTTP/2 or HTTP/3 library: `:status`, and the header
    /// fields. Returns `None` for a response 101.
    #[must_use]
    pub fn to_fields(&self) -> Option<Headers> {
        if self.status() == 101 {
            return None;
        }
        let mut fields = Headers::new();
        fields.append(b":status", self.status().to_string().as_bytes())?;
        fields.append_all(self.headers())?;
        Some(fields)
    }

    /// Appends the response to `output`, with CRLF line ends and one space after each colon. Only a client of HTTP/1.1 can
    /// read it: [`to_fields`](Self::to_fields) returns a response to an extended CONNECT.
    pub fn encode(&self, output: &mut BytesMut) {
        self.head.encode(output);
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("head", &self.head).field("negotiated", self.negotiated()).finish()
    }
}

impl PartialEq for Response {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head && self.negotiated() == other.negotiated()
    }
}

impl Eq for Response {}

impl Hash for Response {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.head.hash(state);
        self.negotiated().hash(state);
    }
}
