use bytes::{Buf, BytesMut};
use protocol_websocket_core::Random;
use protocol_websocket_http::{
    BuildError, HeadLimits, HeadReader, Offer, ParseError, Request, Response, ResponseError, ResponseHead, Target,
};
use protocol_websocket_url::Url;

use crate::{HandshakeError, Outcome, Redirect};

/// A request that waits for its answer.
///
/// It holds no bytes of the answer: they stay in the caller's buffer until the head is complete.
#[derive(Clone, Debug)]
pub struct ClientHandshake {
    url: Url,
    request: Request,
    reader: HeadReader,
    /// What is left for the head under way, after those of interim responses.
    limits: HeadLimits,
    /// The answer, while what has to follow its head is not complete.
    response: Option<Response>,
    end: Option<Result<(), HandshakeError>>,
}

impl ClientHandshake {
    /// Appends a request for `url` to `output`, with a fresh key, or fresh keys, from `random`.
    ///
    /// User name and password of `url` are not sent: who wants them sent says so with [`Offer::basic_auth`].
    ///
    /// # Errors
    ///
    /// What a setter of `offer` could not take. Then nothing is written.
    pub fn new(url: &Url, offer: &Offer, random: &mut dyn Random, output: &mut BytesMut) -> Result<Self, BuildError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# MUST be valid according to the specification of WebSocket URIs specified in Section 3.
        let target = Target::new(url.authority(), url.resource_name()).secure(url.is_secure());
        let request = Request::offer(target, offer, random)?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# the client MUST send an opening handshake to the server.
        request.encode(output);
        let limits = HeadLimits::default();
        Ok(Self { url: url.clone(), request, reader: HeadReader::new(limits), limits, response: None, end: None })
    }

    /// Sets how many bytes and fields the answer's head may have, with those of all interim responses before it. To be
    /// called before the first byte of an answer.
    #[must_use]
    pub const fn limits(mut self, limits: HeadLimits) -> Self {
        self.reader = HeadReader::new(limits);
        self.limits = limits;
        self
    }

    /// The request that was written.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Takes the answer from the front of `input`: its head, and in draft-ietf-hybi-00 the 16 bytes behind it. `None` if
    /// it is not complete yet. Interim responses before it, such as 100 or 103, are taken and skipped.
    ///
    /// What follows the answer stays in `input`. Until the answer is complete, `input` must only grow at its end.
    /// Afterwards the handshake is done, and takes nothing more.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`] for an answer that is not to be trusted. The caller closes the connection. Every further call
    /// gives the same error.
    pub fn parse(&mut self, input: &mut BytesMut) -> Result<Option<Outcome>, HandshakeError> {
        if let Some(end) = self.end {
            return end.map(|()| None);
        }
        let outcome = self.advance(input);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the server's response does not conform to the requirements for the server's handshake
        //# as defined in this section and in Section 4.2.2
        self.end = match &outcome {
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
                let Some(head) = self.final_head(input)? else { return Ok(None) };
                if head.status() != 101 {
                    return Ok(Some(self.elsewhere(head)));
                }
                //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
                //# The client MUST validate the server's response as follows:
                Response::from_head(head, &self.request)?
            }
        };
        // draft-ietf-hybi-00 §4.1, steps 42 to 45.
        if let Some(expected) = self.request.digest() {
            let Some(reply) = input.first_chunk::<16>() else {
                self.response = Some(response);
                return Ok(None);
            };
            if *reply != expected {
                return Err(ResponseError::Checksum.into());
            }
            input.advance(expected.len());
        }
        Ok(Some(Outcome::Open(response)))
    }

    //= https://www.rfc-editor.org/rfc/rfc9110#section-15.2
    //# A client MUST be able to parse one or more 1xx responses received
    //# prior to a final response, even if the client does not expect one.
    /// Takes heads up to the first that is not an interim response's. Each is within what the ones before left.
    fn final_head(&mut self, input: &mut BytesMut) -> Result<Option<ResponseHead>, ParseError> {
        loop {
            let before = input.len();
            let Some(head) = self.reader.response(input)? else { return Ok(None) };
            if !matches!(head.status(), 100 | 102..=199) {
                return Ok(Some(head));
            }
            let HeadLimits { max_len, max_headers, .. } = self.limits;
            self.limits = HeadLimits::default()
                .max_len(max_len.saturating_sub(before - input.len()))
                .max_headers(max_headers.saturating_sub(head.headers().len()));
            self.reader = HeadReader::new(self.limits);
        }
    }

    fn elsewhere(&self, head: ResponseHead) -> Outcome {
        Redirect::new(self.url.clone(), head).map_or_else(Outcome::Rejected, Outcome::Redirect)
    }
}
