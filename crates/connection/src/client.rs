//! A client's connection from its request on, and the helper [`Client`].

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::ops::{Deref, DerefMut};

use bytes::BytesMut;
use protocol_websocket_core::Random;
use protocol_websocket_handshake_client::{ClientDestination, ClientHandshake};
use protocol_websocket_http::{BuildError, Offer};

use crate::handshake::{Handshake, Step};
use crate::{Config, Connection};

impl Connection {
    /// Creates a client's connection, and appends the upgrade request to `output`. The destination is a
    /// [`Destination`](crate::Destination) or, with the feature `url`, a `&Url`. `random` supplies the nonce of the
    /// request (RFC 6455 §4.1) and the mask keys of the connection (§5.3), so it must not be predictable.
    ///
    /// [`receive`](Self::receive) then returns [`Event::Open`](crate::Event::Open),
    /// [`Event::Redirect`](crate::Event::Redirect) or [`Event::Rejected`](crate::Event::Rejected).
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Destination, Offer, State};
    ///
    /// let destination = Destination::new("example.com", "/chat");
    /// // For a real connection: `OsRandom`.
    /// let random = |bytes: &mut [u8]| bytes.fill(7);
    /// let mut output = BytesMut::new();
    /// let client = Connection::client(destination, &Offer::new().subprotocol("chat"), Config::new(), random, &mut output)?;
    /// assert!(output.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
    /// assert_eq!(client.state(), State::Connecting);
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`] if `offer` or the destination is invalid. Then nothing is written.
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub fn client<'a>(
        destination: impl Into<ClientDestination<'a>>,
        offer: &Offer,
        config: impl Into<Arc<Config>>,
        mut random: impl Random + 'static,
        output: &mut BytesMut,
    ) -> Result<Self, BuildError> {
        let config = config.into();
        let offer = config.extensions.offer(Cow::Borrowed(offer));
        let before = output.len();
        let handshake = ClientHandshake::new(destination, &offer, &mut random, output)?.limits(config.head_limits);
        let version = handshake.sent().version();
        let handshake = Handshake::new(Step::Response(handshake), &config);
        let mut connection = Self::connecting(config, Some(Box::new(random)), handshake);
        connection.sender.version = version;
        if let Some(observers) = connection.receiver.observers() {
            observers.observe_written_request(output.get(before..).unwrap_or_default());
        }
        Ok(connection)
    }
}

/// A client's [`Connection`], under the name of the helper class of Perl's `Protocol::WebSocket`. It dereferences to
/// the connection and adds nothing to it.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Client, Config, Destination, Offer, State};
///
/// let destination = Destination::new("example.com", "/chat");
/// // For a real connection: `OsRandom`.
/// let random = |bytes: &mut [u8]| bytes.fill(7);
/// let mut output = BytesMut::new();
/// let client = Client::connect(destination, &Offer::new(), Config::new(), random, &mut output)?;
/// assert_eq!(client.state(), State::Connecting);
/// # Ok::<_, Box<dyn core::error::Error>>(())
/// ```
pub struct Client(Connection);

impl Client {
    /// Creates a client's connection, and appends the upgrade request to `output`: see [`Connection::client`].
    ///
    /// # Errors
    ///
    /// As [`Connection::client`].
    pub fn connect<'a>(
        destination: impl Into<ClientDestination<'a>>,
        offer: &Offer,
        config: impl Into<Arc<Config>>,
        random: impl Random + 'static,
        output: &mut BytesMut,
    ) -> Result<Self, BuildError> {
        Connection::client(destination, offer, config, random, output).map(Self)
    }

    /// Returns the connection, for instance to [split](Connection::split) it.
    #[must_use]
    pub fn into_connection(self) -> Connection {
        self.0
    }
}

impl Deref for Client {
    type Target = Connection;

    #[inline]
    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Client {
    #[inline]
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
