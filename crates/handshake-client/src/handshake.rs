use bytes::{Buf, BytesMut};
use protocol_websocket_core::Random;
use protocol_websocket_http::{
    BuildError, HeadLimits, HeadReader, Offer, Response, ResponseError, ResponseHead, SentRequest,
};
#[cfg(feature = "url")]
use {
    alloc::boxed::Box,
    protocol_websocket_url::{Url, UrlError},
};

use crate::destination::ClientDestination;
use crate::error::HandshakeError;
use crate::outcome::Outcome;
use crate::redirect::{Redirect, redirect_location};

/// A client's handshake whose request is written, and whose response is not complete yet.
///
/// The bytes of the response stay in the caller's buffer until its head is complete.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_handshake_client::http::{Destination, HeadLimits, Offer};
/// use protocol_websocket_handshake_client::ClientHandshake;
///
/// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
/// let mut output = BytesMut::new();
/// let destination = Destination::new("example.com", "/chat").secure(true);
/// let mut handshake = ClientHandshake::new(destination, &Offer::new(), &mut random, &mut output)?
///     .limits(HeadLimits::new().max_len(4096));
///
/// // Write `output`, then read into `input` until there is an outcome.
/// let mut input = BytesMut::from("HTTP/1.1 101 Switch");
/// assert_eq!(handshake.parse(&mut input)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    /// The URL of the request, if it has credentials. They are not in the request, and are kept in relative redirects.
    #[cfg(feature = "url")]
    url: Option<Box<Url>>,
    sent: SentRequest,
    reader: HeadReader,
    /// In draft-ietf-hybi-00, the checked head of the response, until the 16 bytes after it arrived.
    response: Option<Response>,
    /// The result, after the handshake ended. Further calls return the error again.
    ended: Option<Result<(), HandshakeError>>,
}

impl ClientHandshake {
    /// Appends a request to `output`, with a new key from `random` (in draft-ietf-hybi-00: two keys and eight bytes).
    ///
    /// The destination is a [`Destination`](protocol_websocket_http::Destination) or, with the feature `url`, a `&Url`.
    ///
    /// User name and password of a URL are not sent. [`Offer::basic_auth`] sends them.
    ///
    /// # Errors
    ///
    /// The errors of [`Request::offer`](protocol_websocket_http::Request::offer). If one occurs, nothing is written.
    pub fn new<'a>(
        destination: impl Into<ClientDestination<'a>>,
        offer: &Offer,
        random: &mut dyn Random,
        output: &mut BytesMut,
    ) -> Result<Self, BuildError> {
        let destination = destination.into();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# the client MUST send an opening handshake to the server.
        let sent = offer.encode(destination.destination, random, output)?;
        Ok(Self {
            #[cfg(feature = "url")]
            url: destination.url.filter(|url| url.credentials().is_some()).cloned().map(Box::new),
            sent,
            reader: HeadReader::default(),
            response: None,
            ended: None,
        })
    }

    /// Sets the limits on the head of the response and the heads of all interim responses before it, together. Must be called
    /// before the first [`parse`](Self::parse).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_client::http::{Destination, HeadLimits, Offer};
    /// use protocol_websocket_handshake_client::ClientHandshake;
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let (mut output, destination) = (BytesMut::new(), Destination::new("example.com", "/chat"));
    /// let handshake = ClientHandshake::new(destination, &Offer::new(), &mut random, &mut output)?;
    /// let mut handshake = handshake.limits(HeadLimits::new().max_len(10));
    /// assert!(handshake.parse(&mut BytesMut::from("HTTP/1.1 101 Switching Protocols\r\n")).is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn limits(mut self, limits: HeadLimits) -> Self {
        self.reader = HeadReader::new(limits);
        self
    }

    /// Returns the parts of the request that the response must match. The request itself is in the output.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_client::http::{Destination, HeadLimits, Offer, Request};
    /// use protocol_websocket_handshake_client::ClientHandshake;
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let (mut output, destination) = (BytesMut::new(), Destination::new("example.com", "/chat"));
    /// let handshake = ClientHandshake::new(destination, &Offer::new(), &mut random, &mut output)?;
    /// assert_eq!(handshake.sent().url(), "ws://example.com/chat");
    ///
    /// // A copy of the output can be parsed, for instance for a log.
    /// let request = Request::parse(&mut output.clone(), HeadLimits::default())?.expect("the head is complete");
    /// assert_eq!(request.resource_name(), "/chat");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn sent(&self) -> &SentRequest {
        &self.sent
    }

    /// Removes the response from the front of `input`: its head, and in draft-ietf-hybi-00 the 16 bytes after it. Returns
    /// `None` if the response is not complete yet. Interim responses before it, such as 100 or 103, are removed and skipped.
    ///
    /// The bytes after the response stay in `input`. Until the response is complete, the caller appends to `input` and does
    /// not change it otherwise. Further calls return `None` and leave `input` unchanged.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_handshake_client::http::{Destination, Offer};
    /// use protocol_websocket_handshake_client::ClientHandshake;
    ///
    /// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
    /// let (mut output, destination) = (BytesMut::new(), Destination::new("example.com", "/chat"));
    /// let mut handshake = ClientHandshake::new(destination, &Offer::new(), &mut random, &mut output)?;
    /// let mut input = BytesMut::from("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Swi");
    /// assert!(handshake.parse(&mut input)?.is_none()); // 103 is skipped, 101 is not complete
    /// assert_eq!(input, "HTTP/1.1 101 Swi");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] for an invalid response. The caller closes the connection. Every further call returns the same
    /// error.
    pub fn parse(&mut self, input: &mut BytesMut) -> Result<Option<Outcome>, HandshakeError> {
        if let Some(result) = self.ended {
            return result.map(|()| None);
        }
        let outcome = self.advance(input);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the server's response does not conform to the requirements for the server's handshake
        //# as defined in this section and in Section 4.2.2
        self.ended = match &outcome {
            Ok(None) => None,
            Ok(Some(_)) => Some(Ok(())),
            Err(error) => Some(Err(*error)),
        };
        outcome
    }

    fn advance(&mut self, input: &mut BytesMut) -> Result<Option<Outcome>, HandshakeError> {
        let response = match self.response.take() {
            Some(response) => response,
            None => {
                let Some(head) = self.reader.final_response(input)? else { return Ok(None) };
                if head.status() != 101 {
                    return Ok(Some(self.rejected(head)));
                }
                //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
                //# The client MUST validate the server's response as follows:
                self.sent.check(head)?
            }
        };
        // draft-ietf-hybi-00 §4.1, steps 42 to 45.
        if let Some(expected) = self.sent.digest() {
            let Some(received) = input.first_chunk::<16>() else {
                self.response = Some(response);
                return Ok(None);
            };
            if *received != expected {
                return Err(ResponseError::Checksum.into());
            }
            input.advance(expected.len());
        }
        Ok(Some(Outcome::Open(response)))
    }

    /// Returns the outcome of a response whose status is not 101.
    fn rejected(&self, head: ResponseHead) -> Outcome {
        match redirect_location(&head) {
            Some(location) => Outcome::Redirect(Redirect {
                #[cfg(feature = "url")]
                from: self.url(),
                location,
                head,
            }),
            None => Outcome::Rejected(head),
        }
    }

    /// Returns the URL of the request.
    #[cfg(feature = "url")]
    fn url(&self) -> Result<Url, UrlError> {
        self.url.as_ref().map_or_else(|| Url::parse(self.sent.url()), |url| Ok((**url).clone()))
    }
}
