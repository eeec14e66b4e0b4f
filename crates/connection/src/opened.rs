use alloc::boxed::Box;

use protocol_websocket_http::Negotiated;
#[cfg(feature = "client")]
use protocol_websocket_http::Response;

use crate::receive_half::NOTHING_NEGOTIATED;

/// The result of an opening handshake, in [`Event::Open`](crate::Event::Open): what both ends agreed on and, at a client,
/// the server's response.
///
/// ```
/// use protocol_websocket_connection::{Event, Negotiated};
///
/// fn subprotocol(event: &Event) -> Option<&str> {
///     match event {
///         Event::Open(opened) => opened.negotiated().subprotocol.as_deref(),
///         _ => None,
///     }
/// }
///
/// let event = Event::Open(Negotiated::new().subprotocol("chat").into());
/// assert_eq!(subprotocol(&event), Some("chat"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Opened(
    /// `None` at a server if the handshake agreed on nothing beyond RFC 6455.
    Option<Inner>,
);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Inner {
    /// In a box, so that events stay small and are dropped fast.
    Negotiated(Box<Negotiated>),
    /// A response has the result, too.
    #[cfg(feature = "client")]
    Response(Response),
}

impl Opened {
    /// Returns the version, the subprotocol and the extensions.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        let Some(inner) = &self.0 else { return &NOTHING_NEGOTIATED };
        match inner {
            Inner::Negotiated(negotiated) => negotiated,
            #[cfg(feature = "client")]
            Inner::Response(response) => response.negotiated(),
        }
    }

    /// Returns the version, the subprotocol and the extensions, and drops the response.
    #[must_use]
    pub fn into_negotiated(self) -> Negotiated {
        match self.0 {
            None => Negotiated::new(),
            Some(Inner::Negotiated(negotiated)) => *negotiated,
            #[cfg(feature = "client")]
            Some(Inner::Response(response)) => response.into_negotiated(),
        }
    }

    /// Returns the response 101 with its header fields, such as cookies. It passed every check. `None` at a server.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Destination, Event, Offer};
    ///
    /// // The key of the request is random: use `OsRandom`.
    /// let random = |bytes: &mut [u8]| bytes.copy_from_slice(&b"the sample nonce"[..bytes.len()]);
    /// let mut output = BytesMut::new();
    /// let destination = Destination::new("example.com", "/");
    /// let mut client = Connection::client(destination, &Offer::new(), Config::new(), random, &mut output)?;
    /// let mut input = BytesMut::from(concat!(
    ///     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    ///     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: example/1.0\r\n\r\n",
    /// ));
    /// let Some(Event::Open(opened)) = client.receive(&mut input, &mut output)? else { panic!("it is open") };
    /// assert_eq!(opened.response().and_then(|response| response.headers().get_str("server")), Some("example/1.0"));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    #[must_use]
    pub const fn response(&self) -> Option<&Response> {
        let Some(inner) = &self.0 else { return None };
        match inner {
            Inner::Negotiated(_) => None,
            Inner::Response(response) => Some(response),
        }
    }

    /// Returns the same as [`response`](Self::response), as an owned value.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    #[must_use]
    pub fn into_response(self) -> Option<Response> {
        match self.0? {
            Inner::Negotiated(_) => None,
            Inner::Response(response) => Some(response),
        }
    }

    /// Returns the result at a server.
    #[cfg(feature = "server")]
    pub(crate) fn of(negotiated: &Negotiated) -> Self {
        Self((*negotiated != NOTHING_NEGOTIATED).then(|| Inner::Negotiated(Box::new(negotiated.clone()))))
    }
}

/// The result at a server.
impl From<Negotiated> for Opened {
    fn from(negotiated: Negotiated) -> Self {
        Self((negotiated != NOTHING_NEGOTIATED).then(|| Inner::Negotiated(Box::new(negotiated))))
    }
}

/// The result at a client.
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
impl From<Response> for Opened {
    fn from(response: Response) -> Self {
        Self(Some(Inner::Response(response)))
    }
}
