use alloc::boxed::Box;

use bytes::{Buf, BytesMut};
use protocol_websocket_http::{KeyNumbers, Negotiated};

/// An accepted handshake of draft-ietf-hybi-00, before the third key was read: the eight bytes after the head of the
/// request.
///
/// A proxy may delay these bytes until it receives the head of the response. That head is already in the output, so write the
/// output before the next read. The bytes may also have arrived with the head, and may be followed by the first frames.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_handshake_server::{Accepted, ServerHandshake, http::Accept};
///
/// let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
/// input.extend_from_slice(
///     b"GET /demo HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\
///       Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n\
///       Origin: http://example.com\r\n\r\n",
/// );
/// let upgrade = ServerHandshake::new().parse(&mut input)?.expect("the head is complete");
/// let Accepted::AwaitingKey3(mut key3) = upgrade.accept(&Accept::new(), &mut output)? else {
///     panic!("the version is draft-ietf-hybi-00")
/// };
/// // Write `output`, and read.
/// assert_eq!(key3.parse(&mut input, &mut output), None);
/// input.extend_from_slice(b"^n:ds[4U");
/// assert!(key3.parse(&mut input, &mut output).is_some());
/// assert!(output.ends_with(b"8jKS'y:G*Co,Wxa-"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "the connection is not open yet"]
pub struct AwaitingKey3 {
    numbers: KeyNumbers,
    /// `None` after the bytes arrived.
    negotiated: Option<Box<Negotiated>>,
}

impl AwaitingKey3 {
    pub(crate) fn new(numbers: KeyNumbers, negotiated: Negotiated) -> Self {
        Self { numbers, negotiated: Some(Box::new(negotiated)) }
    }

    /// Removes the eight bytes from the front of `input` and appends the 16 bytes of the challenge response to `output`.
    /// Returns `None` if the eight bytes are not complete yet.
    ///
    /// After `Some`, the connection is open, the rest of `input` is frames, and further calls return `None` and leave `input`
    /// unchanged.
    pub fn parse(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Option<Negotiated> {
        let key3 = *input.first_chunk()?;
        let negotiated = self.negotiated.take()?;
        input.advance(key3.len());
        output.extend_from_slice(&self.numbers.digest(key3));
        Some(*negotiated)
    }
}
