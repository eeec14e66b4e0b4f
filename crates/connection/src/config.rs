use alloc::sync::Arc;

use protocol_websocket_frame::{Decoder, Delivery, Limits, Negotiate};
use protocol_websocket_http::{Accept, HeadLimits, Offer, Request, Versions};

use crate::Timeouts;
use crate::negotiation::ConfiguredExtensions;

/// The configuration of a connection. The default is strict and answers pings.
///
/// Connections share it as an [`Arc`]: make one, and clone the `Arc` for each connection.
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
        }
    }

    /// Sets the limits of frames and messages. The default is [`Limits::default`].
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

    /// Sets the versions of the protocol that a server supports. The default is all four. A client chooses its version with
    /// [`Offer::version`](crate::Offer::version).
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

    /// Sets whether messages are delivered whole, as [`Event::Message`](crate::Event::Message), which is the default, or in
    /// parts as they arrive, as [`Event::Part`](crate::Event::Part).
    #[must_use]
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Sets the minimum length of an [`Event::Part`](crate::Event::Part) in bytes, with [`Delivery::Parts`]. The default is
    /// [`Config::MIN_PART`]. Fewer bytes are kept until more arrive. The last part of a frame may be shorter. 0 is the same as 1:
    /// each byte is delivered at once.
    ///
    /// So a message of `frames` frames and `len` bytes has at most `frames + len / bytes` parts. If each part is sent on as a
    /// fragment ([`Connection::send_part`](crate::Connection::send_part)), the message has at most `max_message / bytes` more
    /// fragments than it had frames. To stay within the limit of the peer that receives them, subtract that number from the
    /// [`Limits::max_fragments`] of this side. If an extension decodes the message, its received bytes count, and the decoded
    /// bytes come in parts of at most 64 KiB: subtract `max_message / 65536` as well.
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

    /// Accepts input that Perl's `Protocol::WebSocket` 0.26 accepts, where that is harmless, and sets its limits:
    /// [`Decoder::perl_compat`](protocol_websocket_frame::Decoder::perl_compat), [`Limits::PERL`] and [`HeadLimits::PERL`]. It is
    /// for peers that use that module: its client does not mask its Close.
    ///
    /// It does not change the output. [`Offer`](crate::Offer) and [`Accept`](crate::Accept) have a `perl_compat` for that.
    #[must_use]
    pub const fn perl_compat(mut self) -> Self {
        self.perl_compat = true;
        self.limits = Limits::PERL;
        self.head_limits = HeadLimits::PERL;
        self
    }

    /// Sets whether a [`Connection`](crate::Connection) answers pings itself, which is the default. Otherwise the application must
    /// answer each [`Event::Ping`](crate::Event::Ping) (RFC 6455 §5.5.2), with its [`reply`](crate::Event::reply) or
    /// [`pong`](crate::Connection::pong).
    #[must_use]
    pub const fn auto_pong(mut self, auto_pong: bool) -> Self {
        self.auto_pong = auto_pong;
        self
    }

    /// Sets the high-water mark in bytes. The default is [`Config::HIGH_WATER_MARK`]. While the output has more bytes, only the
    /// latest pong is kept and written later (RFC 6455 §5.5.3). So a peer that pings and never reads does not grow the output.
    /// More than 4 GiB count as 4 GiB.
    #[must_use]
    pub const fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = bytes;
        self
    }

    /// Sets the deadlines. The default is [`Timeouts::NONE`].
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Adds a supported extension, such as `PermessageDeflate`, after those added before: the order is the order of preference.
    ///
    /// [`Connection::client`](crate::Connection::client) and [`Connection::server`](crate::Connection::server) negotiate it. The same
    /// extension may be added again with other parameters. A client offers all of them, and the server may decline the first
    /// and accept the next. A server uses the first that fits an offer.
    #[must_use]
    pub fn extension(mut self, extension: impl Negotiate + 'static) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Adds the extensions of this configuration to a client's offer, if its version has extensions. It is for handshakes that
    /// are made elsewhere: [`Connection::client`](crate::Connection::client) does this itself.
    #[must_use]
    pub fn offer(&self, offer: Offer) -> Offer {
        self.extensions.offer(offer)
    }

    /// Adds the extensions that `request` offers and this configuration supports to a server's response. It is for handshakes
    /// that are made elsewhere: [`Connection::accept`](crate::Connection::accept) and
    /// [`Connection::respond`](crate::Connection::respond) do this themselves.
    ///
    /// The order is the client's. Each extension is added once, and none whose reserved bits are in use.
    #[must_use]
    pub fn accept(&self, request: &Request, accept: Accept) -> Accept {
        self.extensions.accept(request, accept)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// Copies the configuration. Share an [`Arc`] instead where there are many connections.
impl From<&Config> for Arc<Config> {
    fn from(config: &Config) -> Self {
        Self::new(config.clone())
    }
}
