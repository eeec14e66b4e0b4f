use bytes::BytesMut;
use protocol_websocket_http::{HeadLimits, HeadReader, ParseError, Versions};

use crate::Upgrade;

/// Waits for a client's request.
///
/// It holds no bytes: they stay in the caller's buffer until the request is complete.
#[derive(Clone, Debug, Default)]
pub struct ServerHandshake {
    reader: HeadReader,
    spoken: Versions,
    end: Option<Result<(), ParseError>>,
}

impl ServerHandshake {
    /// A handshake with the default [`HeadLimits`], in any version of the protocol.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how much of a head is taken. To be called before the first byte.
    #[must_use]
    pub fn limits(mut self, limits: HeadLimits) -> Self {
        self.reader = HeadReader::new(limits);
        self
    }

    /// Sets which versions of the protocol are spoken; a request for another one is refused with 426. By default it is
    /// all four.
    #[must_use]
    pub fn versions(mut self, spoken: Versions) -> Self {
        self.spoken = spoken;
        self
    }

    /// Takes the request from the front of `input`; `None` if it is not complete yet.
    ///
    /// What follows the request stays in `input`: frames, or what [`AwaitingKey3`](crate::AwaitingKey3) waits for. Until
    /// the request is complete, `input` must only grow at its end. Afterwards the handshake is done, and takes nothing
    /// more.
    ///
    /// # Errors
    ///
    /// What [`HeadReader::request`] and [`Request::check`](protocol_websocket_http::Request::check) refuse. The
    /// caller answers with [`ParseError::reply`] and closes the connection. Every further call gives the same error.
    pub fn parse(&mut self, input: &mut BytesMut) -> Result<Option<Upgrade>, ParseError> {
        if let Some(end) = self.end {
            return end.map(|()| None);
        }
        let upgrade =
            self.reader.request(input).and_then(|head| head.map(|head| Upgrade::check(head, self.spoken)).transpose());
        self.end = match &upgrade {
            Ok(None) => None,
            Ok(Some(_)) => Some(Ok(())),
            Err(error) => Some(Err(*error)),
        };
        upgrade
    }
}
