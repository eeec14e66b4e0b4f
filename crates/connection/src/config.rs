use alloc::borrow::Cow;
use alloc::sync::Arc;
use core::time::Duration;

use protocol_websocket_core::Role;
use protocol_websocket_frame::{Decoder, Delivery, Limits, Negotiate};
use protocol_websocket_http::{Accept, HeadLimits, Offer, Request, Versions};

use crate::negotiation::ConfiguredExtensions;
use crate::observers::ConfiguredObservers;
use crate::{Observer, Timeouts};

/// The configuration of a connection. The default is strict, replies to pings, and has no deadlines and no extensions.
///
/// Connections share it as an [`Arc`]: create one, and clone the `Arc` for each connection.
///
/// ```
/// use std::sync::Arc;
/// use protocol_websocket_connection::{Config, Connection, Limits, Negotiated, Timeouts};
///
/// let config = Arc::new(Config::new().limits(Limits::new(64 * 1024)).timeouts(Timeouts::RECOMMENDED));
/// let connection = Connection::open_server(&Negotiated::default(), Arc::clone(&config));
/// assert!(core::ptr::eq(connection.config(), &*config));
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) limits: Limits,
    pub(crate) head_limits: HeadLimits,
    pub(crate) versions: Versions,
    pub(crate) delivery: Delivery,
    pub(crate) min_part: u16,
    pub(crate) perl_compat: bool,
    pub(crate) auto_pong: bool,
    pub(crate) high_water_mark: usize,
    pub(crate) timeouts: Timeouts,
    pub(crate) extensions: ConfiguredExtensions,
    pub(crate) observers: ConfiguredObservers,
}

impl Config {
    /// The default high-water mark, in bytes: 64 KiB, the size of a common read buffer.
    pub const HIGH_WATER_MARK: usize = 64 * 1024;

    /// The default minimum length of a part, in bytes: 4 KiB.
    pub const MIN_PART: u16 = Decoder::MIN_PART;

    /// Returns the default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self {
            limits: Limits::default(),
            head_limits: HeadLimits::default(),
            versions: Versions::ALL,
            delivery: Delivery::Whole,
            min_part: Self::MIN_PART,
            perl_compat: false,
            auto_pong: true,
            high_water_mark: Self::HIGH_WATER_MARK,
            timeouts: Timeouts::NONE,
            extensions: ConfiguredExtensions::default(),
            observers: ConfiguredObservers::default(),
        }
    }

    /// Sets the limits of frames and messages. The default is [`Limits::default`].
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Limits};
    ///
    /// let small_messages = Config::new().limits(Limits::new(64 * 1024));
    /// # let _ = small_messages;
    /// ```
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the limits of the handshake's HTTP head. The default is [`HeadLimits::default`].
    #[must_use]
    pub const fn head_limits(mut self, limits: HeadLimits) -> Self {
        self.head_limits = limits;
        self
    }

    /// Sets the versions of the protocol that a server supports. The default is all four. A client chooses its version
    /// with [`Offer::version`](crate::Offer::version).
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Versions};
    ///
    /// let no_drafts = Config::new().versions(Versions::RFC6455);
    /// # let _ = no_drafts;
    /// ```
    #[must_use]
    pub const fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Sets whether messages are delivered whole, as [`Event::Message`](crate::Event::Message), or in parts as they
    /// arrive, as [`Event::Part`](crate::Event::Part). The default is [`Delivery::Whole`].
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Delivery, Event, Negotiated};
    ///
    /// let config = Config::new().delivery(Delivery::Parts).min_part(1);
    /// let mut server = Connection::open_server(&Negotiated::default(), config);
    /// let mut input = BytesMut::from(&b"\x82\x85\0\0\0\0Hel"[..]); // 3 of 5 bytes
    /// let event = server.receive(&mut input, &mut BytesMut::new())?;
    /// assert!(matches!(event, Some(Event::Part(_))));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Sets the minimum length of an [`Event::Part`](crate::Event::Part) in bytes, with [`Delivery::Parts`]. The
    /// default is [`Config::MIN_PART`]. Fewer bytes are kept until more arrive. The last part of a frame may be
    /// shorter. 0 has the same effect as 1: each byte is delivered at once.
    ///
    /// A message of `frames` frames and `len` bytes has at most `frames + len / bytes` parts. A relay that sends each
    /// part as a fragment ([`Connection::send_part`](crate::Connection::send_part)) therefore sends at most
    /// `max_message / bytes` more fragments than it received frames. Subtract that number from
    /// [`Limits::max_fragments`] for the receiving connection, so that the message stays within the limit of the next
    /// peer. If an extension decodes the message, `bytes` is compared with the encoded bytes, and the decoded bytes are
    /// delivered in parts of at most 64 KiB: subtract `max_message / 65536`, too.
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Delivery};
    ///
    /// let at_once = Config::new().delivery(Delivery::Parts).min_part(1);
    /// # let _ = at_once;
    /// ```
    #[must_use]
    pub const fn min_part(mut self, bytes: u16) -> Self {
        self.min_part = bytes;
        self
    }

    /// Accepts invalid input that Perl's `Protocol::WebSocket` 0.26 accepts, where that is harmless, and sets that
    /// module's limits: [`Decoder::perl_compat`](protocol_websocket_frame::Decoder::perl_compat), [`Limits::PERL`] and
    /// [`HeadLimits::PERL`]. Use it for peers that use the module, because its client does not mask its Close.
    ///
    /// It does not change the output. The methods `perl_compat` of [`Offer`](crate::Offer) and
    /// [`Accept`](crate::Accept) do.
    #[must_use]
    pub const fn perl_compat(mut self) -> Self {
        self.perl_compat = true;
        self.limits = Limits::PERL;
        self.head_limits = HeadLimits::PERL;
        self
    }

    /// Sets whether a [`Connection`](crate::Connection) replies to pings itself. The default is true. If false, the
    /// application must reply to each [`Event::Ping`](crate::Event::Ping) (RFC 6455 §5.5.2) with
    /// [`pong`](crate::Connection::pong).
    ///
    /// It has no effect on a [`ReceiveHalf`](crate::ReceiveHalf): there the application passes on each reply.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new().auto_pong(false));
    /// let (mut input, mut output) = (BytesMut::from(&b"\x89\x80\0\0\0\0"[..]), BytesMut::new());
    /// assert!(matches!(server.receive(&mut input, &mut output)?, Some(Event::Ping(_))));
    /// assert!(output.is_empty()); // no pong
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn auto_pong(mut self, auto_pong: bool) -> Self {
        self.auto_pong = auto_pong;
        self
    }

    /// Sets the high-water mark in bytes. The default is [`Config::HIGH_WATER_MARK`]. While the output has more bytes,
    /// the connection appends no pong. It keeps the latest one and appends it later (RFC 6455 §5.5.3). So the output
    /// does not grow if a peer sends pings and does not read. A [`Session`](crate::Session) also stops reading if the
    /// output has more and grows: see [`Session::wants_read`](crate::Session::wants_read). A value over 4 GiB counts as
    /// 4 GiB.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new().high_water_mark(4));
    /// let (mut input, mut output) = (BytesMut::from(&b"\x89\x80\0\0\0\0"[..]), BytesMut::new());
    /// server.send("Hello", &mut output)?;
    /// server.receive(&mut input, &mut output)?;
    /// assert_eq!(output[..], *b"\x81\x05Hello"); // over the high-water mark: the pong is kept
    /// output.clear(); // written
    /// server.flush(&mut output);
    /// assert_eq!(output[..], *b"\x8A\x00");
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = bytes;
        self
    }

    /// Sets the deadlines. The default is [`Timeouts::NONE`].
    ///
    /// ```
    /// use core::time::Duration;
    /// use protocol_websocket_connection::{Config, Timeouts};
    ///
    /// let config = Config::new().timeouts(Timeouts::RECOMMENDED.idle(Some(Duration::from_secs(300))));
    /// # let _ = config;
    /// ```
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Returns [`Timeouts::handshake`] of the configured [`timeouts`](Self::timeouts), for a program in which an HTTP
    /// library makes the opening handshake.
    ///
    /// ```
    /// use core::time::Duration;
    /// use protocol_websocket_connection::{Config, Timeouts};
    ///
    /// let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    /// assert_eq!(config.handshake_timeout(), Some(Duration::from_secs(10)));
    /// ```
    #[must_use]
    pub const fn handshake_timeout(&self) -> Option<Duration> {
        self.timeouts.handshake
    }

    /// Adds a supported extension, such as `PermessageDeflate`. Add the preferred extension first.
    ///
    /// [`Connection::client`](crate::Connection::client) and [`Connection::server`](crate::Connection::server)
    /// negotiate it. The same extension may be added again with other parameters: a client offers all of them, so the
    /// server may decline the first and accept the next, and a server uses the first one that can respond to an offer.
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Negotiate};
    ///
    /// fn with_fallback(preferred: impl Negotiate + 'static, fallback: impl Negotiate + 'static) -> Config {
    ///     Config::new().extension(preferred).extension(fallback)
    /// }
    /// ```
    #[must_use]
    pub fn extension(mut self, extension: impl Negotiate + 'static) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Adds an observer to each connection: see [`Observer`]. `make` is called with the role of this end when a connection is
    /// created. Several observers are called in the order in which they were added.
    ///
    /// Messages take the fast paths only if no observer needs [frames](Observer::wants_frames) or
    /// [input](Observer::wants_input). To pass the address of a peer to an observer, clone the configuration for this
    /// connection.
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Observation, Role};
    ///
    /// let config = Config::new().observer(|role: Role| {
    ///     move |observation: &Observation<'_>| match observation {
    ///         Observation::Open(negotiated) => println!("{role}: open, {}", negotiated.version),
    ///         Observation::Ended(ended) => println!("{role}: ended with {}", ended.code),
    ///         _ => {}
    ///     }
    /// });
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn observer<O: Observer + 'static>(mut self, make: impl Fn(Role) -> O + Send + Sync + 'static) -> Self {
        self.observers.push(make);
        self
    }

    /// Adds the extensions of this configuration to a client's offer, if its version has extensions. Use it for a
    /// handshake without a connection: [`Connection::client`](crate::Connection::client) does it itself.
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Destination, Offer, Request};
    ///
    /// let config = Config::new(); // with the extensions of the client
    /// let offer = config.offer(Offer::new().subprotocol("chat"));
    /// let mut random = |bytes: &mut [u8]| bytes.fill(7); // use `OsRandom`
    /// let request = Request::offer(Destination::new("example.com", "/chat"), &offer, &mut random)?;
    /// assert!(request.subprotocols().eq(["chat"]));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn offer(&self, offer: Offer) -> Offer {
        self.extensions.offer(Cow::Owned(offer)).into_owned()
    }

    /// Adds the extensions that `request` offers and this configuration supports to a server's response. Use it for a
    /// handshake without a connection: [`Connection::accept`](crate::Connection::accept) and
    /// [`Connection::respond`](crate::Connection::respond) do it themselves.
    ///
    /// The extensions are added in the client's order, each of them once. An extension is left out if another one uses
    /// its reserved bits.
    ///
    /// ```
    /// use protocol_websocket_connection::{Accept, Config, Request, Response};
    ///
    /// let headers = [
    ///     ("host", "example.com"), ("connection", "upgrade"), ("upgrade", "websocket"),
    ///     ("sec-websocket-version", "13"), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let request = Request::from_parts("GET", "/chat", headers)?;
    /// let config = Config::new(); // with the extensions of the server
    /// let accept = config.accept(&request, Accept::new());
    /// assert_eq!(Response::accept(&request, &accept)?.status(), 101);
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn accept(&self, request: &Request, accept: Accept) -> Accept {
        self.extensions.accept(request, Cow::Owned(accept)).into_owned()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// Copies the configuration. With many connections, share an [`Arc`] instead.
impl From<&Config> for Arc<Config> {
    fn from(config: &Config) -> Self {
        Self::new(config.clone())
    }
}
