use core::time::Duration;

use protocol_websocket_frame::{Decoder, Delivery, Extension, Limits};
use protocol_websocket_http::{Accept, HeadLimits, Negotiate, Offer, Request, Versions};

use crate::negotiation::Willing;

/// What a connection is told before it begins. The default is strict and answers pings; nothing in it is needed.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) limits: Limits,
    pub(crate) head_limits: HeadLimits,
    pub(crate) versions: Versions,
    pub(crate) delivery: Delivery,
    pub(crate) min_part: u16,
    pub(crate) lenient: bool,
    pub(crate) auto_pong: bool,
    pub(crate) high_water_mark: usize,
    pub(crate) timeouts: Timeouts,
    pub(crate) extensions: Willing,
}

impl Config {
    /// How many unsent bytes hold pongs back, unless told otherwise: 64 KiB, one usual read.
    pub const HIGH_WATER_MARK: usize = 64 * 1024;

    /// The least length of a part by default, in bytes: 4 KiB.
    pub const MIN_PART: u16 = Decoder::MIN_PART;

    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            limits: Limits::default(),
            head_limits: HeadLimits::default(),
            versions: Versions::ALL,
            delivery: Delivery::Whole,
            min_part: Self::MIN_PART,
            lenient: false,
            auto_pong: true,
            high_water_mark: Self::HIGH_WATER_MARK,
            timeouts: Timeouts::NONE,
            extensions: Willing::default(),
        }
    }

    /// What frames and messages may cost; [`Limits::default`] otherwise.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the handshake's head may cost; [`HeadLimits::default`] otherwise.
    #[must_use]
    pub const fn head_limits(mut self, limits: HeadLimits) -> Self {
        self.head_limits = limits;
        self
    }

    /// Which versions of the protocol a server speaks: all four otherwise. A client says which one it wants with
    /// [`Offer::version`](crate::Offer::version).
    #[must_use]
    pub const fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Whether messages come whole, as [`Event::Message`](crate::Event::Message), which is the default, or in parts as
    /// they arrive, as [`Event::Part`](crate::Event::Part).
    #[must_use]
    pub const fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Sets how many bytes of a frame make an [`Event::Part`](crate::Event::Part) with [`Delivery::Parts`];
    /// [`Config::MIN_PART`] otherwise. Until so many have come they are kept, and the end of a frame does not wait. 0 is
    /// the same as 1: every byte is passed on at once.
    ///
    /// So a message that comes in `frames` frames and has `len` bytes is at most `frames + len / bytes` parts. If each part is
    /// sent on as a fragment ([`Connection::send_part`](crate::Connection::send_part)), the message has at most
    /// `max_message / bytes` more fragments than it had frames. To stay within the limit of the peer that gets them, leave
    /// room for these: take that many from the [`Limits::max_fragments`] of this side. Of a message that an extension
    /// has to undo its work on, the bytes that came count, and what becomes of them comes in parts of at most 64 KiB: leave
    /// room for `max_message / 65536` more.
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

    /// As lenient in reading as Perl's `Protocol::WebSocket` 0.26 where that is harmless, and with its limits:
    /// [`Decoder::perl_compat`](protocol_websocket_frame::Decoder::perl_compat), [`Limits::PERL`] and
    /// [`HeadLimits::PERL`]. For peers that it is in: its client does not mask its Close.
    ///
    /// What is written stays as it is; for that there is `perl_compat` of [`Offer`](crate::Offer) and
    /// [`Accept`](crate::Accept).
    #[must_use]
    pub const fn perl_compat(mut self) -> Self {
        self.lenient = true;
        self.limits = Limits::PERL;
        self.head_limits = HeadLimits::PERL;
        self
    }

    /// Whether pings are answered without being asked; they are by default. Without it the application must answer
    /// each [`Event::Ping`](crate::Event::Ping) (RFC 6455 §5.5.2).
    #[must_use]
    pub const fn auto_pong(mut self, auto_pong: bool) -> Self {
        self.auto_pong = auto_pong;
        self
    }

    /// While the output holds more than this many bytes, only the latest pong is kept back for later: a peer that pings
    /// and never reads makes us hold no more (RFC 6455 §5.5.3). [`Config::HIGH_WATER_MARK`] otherwise.
    #[must_use]
    pub const fn high_water_mark(mut self, bytes: usize) -> Self {
        self.high_water_mark = bytes;
        self
    }

    /// How long to wait for what; [`Timeouts::NONE`] otherwise.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Adds an extension that we are willing to use, such as `PermessageDeflate`; the most wanted one comes first.
    ///
    /// [`Client`](crate::Client) and [`Server`](crate::Server) negotiate it by themselves. The same extension may be
    /// added again with other wishes: a client offers all of them, and what is refused in one form may be granted in
    /// the next; a server takes the first that fits an offer.
    #[must_use]
    pub fn extension<R, S>(mut self, extension: impl Negotiate<Agreed = (R, S)> + Send + Sync + 'static) -> Self
    where
        R: Extension + Send + 'static,
        S: Extension + Send + 'static,
    {
        self.extensions.push(extension);
        self
    }

    /// Adds the extensions of this configuration to what a client asks for, if its version has any. Only for handshakes that are made
    /// elsewhere: [`Client`](crate::Client) does it by itself.
    #[must_use]
    pub fn offer(&self, offer: Offer) -> Offer {
        self.extensions.offer(offer)
    }

    /// Adds the extensions that `request` offers and that this configuration is willing to use to what a server
    /// grants. Only for handshakes that are made elsewhere: [`Server`](crate::Server) does it by itself.
    ///
    /// They come in the client's order, each once; one whose reserved bits are taken by another is declined.
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

/// How long to wait for what. A time that is `None` is waited for ever.
///
/// They only work for a caller that watches the clock: see
/// [`Connection::poll_timeout`](crate::Connection::poll_timeout). The halves of a connection that was split have no timers.
///
/// No deadline limits a write. The deadlines for a Pong and for a Close run once our Ping or our Close was written, so a
/// peer that does not read is ended by the caller's own deadline for its writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// For the opening handshake as a whole, however its bytes trickle.
    pub handshake: Option<Duration>,
    /// Without any byte from the peer, after which a Ping is sent. With `pong_timeout: None` another one follows at each interval
    /// in which no byte comes, unless `output` still has unsent bytes then.
    pub ping_interval: Option<Duration>,
    /// For any byte from the peer after that Ping was written. Then the connection fails: the Close that is sent has code
    /// 1011, and [`close_code`](crate::Connection::close_code) gives 1006, because the peer sent none. The deadline starts
    /// again while `output` is not empty: see [`Connection::handle_timeout`](crate::Connection::handle_timeout).
    pub pong_timeout: Option<Duration>,
    /// Without any byte from the peer. Then the connection fails: the Close that is sent has code 1001, and
    /// [`close_code`](crate::Connection::close_code) gives 1006. The deadline runs while `output` has unsent bytes, too, so
    /// it also ends a connection whose peer does not read, if the caller does not read meanwhile.
    pub idle: Option<Duration>,
    /// For the peer's Close after ours was written, whatever else the peer sends. At a client, also for the server to end the
    /// transport after the closing handshake (RFC 6455 §7.1.1), until
    /// [`receive_eof`](crate::Connection::receive_eof) is called.
    pub close: Option<Duration>,
}

impl Timeouts {
    /// No deadlines at all.
    pub const NONE: Self = Self { handshake: None, ping_interval: None, pong_timeout: None, idle: None, close: None };

    /// What a server on the open internet may want: 10 s for either handshake, a ping after 20 s of silence and 20 s
    /// for its answer, as Python's websockets has them.
    pub const RECOMMENDED: Self = Self {
        handshake: Some(Duration::from_secs(10)),
        ping_interval: Some(Duration::from_secs(20)),
        pong_timeout: Some(Duration::from_secs(20)),
        idle: None,
        close: Some(Duration::from_secs(10)),
    };
}
