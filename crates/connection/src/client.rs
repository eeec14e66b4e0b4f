use alloc::boxed::Box;
use core::fmt;

use bytes::BytesMut;
use protocol_websocket_core::{Random, Role};
use protocol_websocket_handshake_client::url::Url;
use protocol_websocket_handshake_client::{ClientHandshake, Outcome};
use protocol_websocket_http::{BuildError, Offer};

use crate::endpoint::{Endpoint, Handshake, Step};
use crate::{Config, Connection, Error, Event};

/// A client's connection, from its request on.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Client, Config, Offer, State, Url};
///
/// let url = Url::parse("ws://example.com/chat")?;
/// // In earnest: `OsRandom`.
/// let random = |bytes: &mut [u8]| bytes.fill(7);
/// let mut output = BytesMut::new();
/// let client = Client::connect(&url, &Offer::new().subprotocol("chat"), Config::new(), random, &mut output)?;
/// assert!(output.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
/// assert_eq!(client.state(), State::Connecting);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type Client = Endpoint<Asking>;

/// The client's side of the handshake: its request is out.
pub struct Asking {
    handshake: ClientHandshake,
    /// Where the nonce came from and the mask keys will; the connection takes it over.
    random: Option<Box<dyn Random + Send>>,
}

impl Endpoint<Asking> {
    /// Writes the request for an upgrade to `output`. `random` gives its nonce, and the masks of the connection
    /// afterwards.
    ///
    /// # Errors
    ///
    /// When `offer` holds something that cannot be said in a head. Nothing is written then.
    pub fn connect(
        url: &Url,
        offer: &Offer,
        config: Config,
        mut random: impl Random + Send + 'static,
        output: &mut BytesMut,
    ) -> Result<Self, BuildError> {
        let offer = &config.offer(offer.clone());
        let handshake = ClientHandshake::new(url, offer, &mut random, output)?.limits(config.head_limits);
        Ok(Self::begin(Asking { handshake, random: Some(Box::new(random)) }, config))
    }
}

impl Handshake for Asking {
    fn receive(&mut self, config: &Config, input: &mut BytesMut, _: &mut BytesMut) -> Result<Step, Error> {
        Ok(match self.handshake.parse(input).map_err(Error::Answer)? {
            None => Step::Wait,
            Some(Outcome::Open(response)) => {
                let negotiated = response.into_negotiated();
                //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
                //# If a server gives an invalid response, such as accepting a PMCE that the client
                //# did not offer
                config.extensions.agree(Role::Client, &negotiated).map_err(|error| Error::Answer(error.into()))?;
                //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
                //# a client MUST mask all frames that it sends to the server
                Step::Open(Connection::new(Role::Client, &negotiated, config, self.random.take()), negotiated)
            }
            Some(Outcome::Redirect(redirect)) => Step::Refused(Event::Redirect(Box::new(redirect))),
            Some(Outcome::Rejected(answer)) => Step::Refused(Event::Rejected(Box::new(answer))),
        })
    }

    fn time_out(&self, _: &mut BytesMut) {}
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}
