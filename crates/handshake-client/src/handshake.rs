use bytes::BytesMut;
use protocol_websocket_core::Random;
use protocol_websocket_http::{
    BuildError, HeadLimits, HeadReader, Negotiated, Offer, Request, Response, ResponseHead, Target,
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
    end: Option<Result<(), HandshakeError>>,
}

impl ClientHandshake {
    /// Appends a request for `url` to `output`, with a fresh key from `random`.
    ///
    /// User name and password of `url` are not sent: who wants them sent says so with [`Offer::basic_auth`].
    ///
    /// # Errors
    ///
    /// What a setter of `offer` could not take. Then nothing is written.
    pub fn new(url: &Url, offer: &Offer, random: &mut dyn Random, output: &mut BytesMut) -> Result<Self, BuildError> {
        let request = Request::offer(Target::new(url.authority(), url.resource_name()), offer, random)?;
        request.encode(output);
        Ok(Self { url: url.clone(), request, reader: HeadReader::default(), end: None })
    }

    /// Sets how much of the answer's head is taken. To be called before its first byte.
    #[must_use]
    pub fn limits(mut self, limits: HeadLimits) -> Self {
        self.reader = HeadReader::new(limits);
        self
    }

    /// The request that was written.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Takes the answer's head from the front of `input`; `None` if it is not complete yet.
    ///
    /// What follows the head stays in `input`. Until the head is complete, `input` must only grow at its end.
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
        let outcome = match self.reader.response(input) {
            Ok(None) => return Ok(None),
            Ok(Some(head)) => self.outcome(head),
            Err(error) => Err(error.into()),
        };
        self.end = Some(outcome.as_ref().map(|_| ()).map_err(|error| *error));
        outcome.map(Some)
    }

    fn outcome(&self, head: ResponseHead) -> Result<Outcome, HandshakeError> {
        match head.status() {
            101 => self.open(head).map(Outcome::Open),
            100..=199 => Err(HandshakeError::Informational),
            _ => Ok(Redirect::new(self.url.clone(), head).map_or_else(Outcome::Rejected, Outcome::Redirect)),
        }
    }

    fn open(&self, head: ResponseHead) -> Result<Negotiated, HandshakeError> {
        Ok(Response::from_head(head, &self.request)?.into_negotiated())
    }
}
