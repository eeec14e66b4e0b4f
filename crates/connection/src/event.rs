//! The events of a connection, owned and borrowed.

#[cfg(feature = "client")]
use alloc::boxed::Box;

use bytes::Bytes;
use protocol_websocket_frame::{Close, LentMessage, Message, Part, Payload};
#[cfg(feature = "client")]
use protocol_websocket_handshake_client::Redirect;
#[cfg(feature = "server")]
use protocol_websocket_handshake_server::Upgrade;
#[cfg(feature = "client")]
use protocol_websocket_http::ResponseHead;

use crate::Opened;

/// An event of a connection, which [`Connection::receive`](crate::Connection::receive) returns.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Event, Message, Negotiated};
///
/// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), |key: &mut [u8]| key.fill(7));
/// let event = client.receive(&mut BytesMut::from(&b"\x81\x02hi"[..]), &mut BytesMut::new())?;
/// assert_eq!(event, Some(Event::Message(Message::from("hi"))));
/// # Ok::<_, protocol_websocket_connection::Error>(())
/// ```
#[derive(Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// At a server: a client requests an upgrade. Respond with [`accept`](crate::Connection::accept) or
    /// [`reject`](crate::Connection::reject). Nothing more is received until then.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    Upgrade(Upgrade),
    /// The opening handshake is done, with this result. Both ends can send messages. At a client, it has the response.
    ///
    /// A connection of [`open_server`](crate::Connection::open_server), [`open_client`](crate::Connection::open_client)
    /// or `Connection::respond` is open from the start and does not return this event. The only exception is `respond`
    /// in hybi-00, because that handshake needs eight more bytes of the client.
    Open(Opened),
    /// At a client: the server redirects to another URL. The connection has ended. The body of the response, if any,
    /// stays in the input.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    Redirect(Box<Redirect>),
    /// At a client: the server rejects the request. The connection has ended. The body of the response, if any, stays
    /// in the input.
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    Rejected(Box<ResponseHead>),
    /// A whole message.
    Message(Message),
    /// A part of a message, with [`Delivery::Parts`](protocol_websocket_frame::Delivery::Parts).
    Part(Part),
    /// A Ping. A [`Connection`](crate::Connection) has appended the Pong to the output, unless
    /// [`Config::auto_pong`](crate::Config::auto_pong) is off. A [`ReceiveHalf`](crate::ReceiveHalf) has not: see
    /// [`reply`](Self::reply).
    Ping(Bytes),
    /// A Pong: the peer's reply to a Ping, or an unsolicited one (RFC 6455 §5.5.3).
    Pong(Bytes),
    /// The peer's Close, with a code and a reason, or `None` if it has neither. Nothing more is received. A
    /// [`Connection`](crate::Connection) has appended the Close that replies to it to the output. A
    /// [`ReceiveHalf`](crate::ReceiveHalf) has not: see [`reply`](Self::reply).
    Close(Option<Close>),
}

/// An event of a connection, like [`Event`], whose payload borrows from the input if possible.
/// [`Connection::receive_lent`](crate::Connection::receive_lent) returns it.
///
/// It does not borrow from the connection, so the connection can send while the event is in use. A message that was
/// joined from several fragments or reads, or that an extension changed, owns its payload.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, EventRef, Negotiated};
///
/// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), |key: &mut [u8]| key.fill(7));
/// let (mut buffer, mut output) = (*b"\x81\x02hi", BytesMut::new());
/// let mut input = &mut buffer[..];
/// while let Some(event) = client.receive_lent(&mut input, &mut output)? {
///     if let EventRef::Message(message) = event {
///         client.send(message, &mut output)?;
///     }
/// }
/// assert_eq!(output[..2], *b"\x81\x82");
/// # Ok::<_, Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventRef<'i> {
    /// As [`Event::Upgrade`].
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    Upgrade(Upgrade),
    /// As [`Event::Open`].
    Open(Opened),
    /// As [`Event::Redirect`].
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    Redirect(Box<Redirect>),
    /// As [`Event::Rejected`].
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    Rejected(Box<ResponseHead>),
    /// As [`Event::Message`].
    Message(LentMessage<'i>),
    /// As [`Event::Part`].
    Part(Part<Payload<'i>>),
    /// As [`Event::Ping`].
    Ping(Payload<'i>),
    /// As [`Event::Pong`].
    Pong(Payload<'i>),
    /// As [`Event::Close`].
    Close(Option<Close>),
}

impl EventRef<'_> {
    /// Returns the same event with an owned payload, so that it can outlive the input. A borrowed payload is copied.
    ///
    /// ```
    /// use protocol_websocket_connection::{Event, EventRef, Payload};
    ///
    /// let event = EventRef::Ping(Payload::Borrowed(b"hi"));
    /// assert_eq!(event.into_owned(), Event::Ping("hi".into()));
    /// ```
    #[inline]
    #[must_use]
    pub fn into_owned(self) -> Event {
        match self {
            #[cfg(feature = "server")]
            Self::Upgrade(upgrade) => Event::Upgrade(upgrade),
            Self::Open(opened) => Event::Open(opened),
            #[cfg(feature = "client")]
            Self::Redirect(redirect) => Event::Redirect(redirect),
            #[cfg(feature = "client")]
            Self::Rejected(head) => Event::Rejected(head),
            Self::Message(message) => Event::Message(message.into_owned()),
            Self::Part(part) => Event::Part(part.into_owned()),
            Self::Ping(payload) => Event::Ping(payload.into_owned()),
            Self::Pong(payload) => Event::Pong(payload.into_owned()),
            Self::Close(close) => Event::Close(close),
        }
    }
}

/// The payload stays owned.
impl From<Event> for EventRef<'_> {
    fn from(event: Event) -> Self {
        match event {
            #[cfg(feature = "server")]
            Event::Upgrade(upgrade) => Self::Upgrade(upgrade),
            Event::Open(opened) => Self::Open(opened),
            #[cfg(feature = "client")]
            Event::Redirect(redirect) => Self::Redirect(redirect),
            #[cfg(feature = "client")]
            Event::Rejected(head) => Self::Rejected(head),
            Event::Message(message) => Self::Message(message.into()),
            Event::Part(part) => {
                let (first, last) = (part.first, part.last);
                Self::Part(Part::new(part.kind, part.bytes.into()).with_first(first).with_last(last))
            }
            Event::Ping(payload) => Self::Ping(payload.into()),
            Event::Pong(payload) => Self::Pong(payload.into()),
            Event::Close(close) => Self::Close(close),
        }
    }
}

impl From<EventRef<'_>> for Event {
    fn from(event: EventRef<'_>) -> Self {
        event.into_owned()
    }
}
