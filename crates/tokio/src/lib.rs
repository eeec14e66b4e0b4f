//! WebSockets for tokio: one type over any stream, client or server, compressed or not (RFC 6455, RFC 7692).
//!
//! - [`accept`] reads an upgrade request from a stream, and [`Incoming::accept`] opens the WebSocket.
//! - `connect` looks up the name of the server, connects by TCP and TLS, and makes the opening handshake. It returns the
//!   WebSocket and the server's [`Response`]. [`Connect`] adds options, such as a [`Proxy`], and takes any other
//!   transport.
//! - [`WebSocket`] receives and sends messages. It replies to pings, keeps the connection alive, stops reading if the
//!   peer does not read the replies, and makes the closing handshake. [`WebSocket::split`] returns halves for several
//!   tasks.
//! - [`Drain`] closes all connections at a restart, and [`relay`] passes the messages of two connections on.
//!
//! The protocol is in the crate [`protocol_websocket`], which has no I/O. This crate adds reads, writes and waits, and
//! exports it, so that one dependency is enough: `protocol_websocket_tokio::protocol_websocket::Delivery`.
//!
//! # A server
//!
#![cfg_attr(feature = "server", doc = "```no_run")]
#![cfg_attr(not(feature = "server"), doc = "```ignore")]
//! use protocol_websocket_tokio::{Accept, Error, accept, config};
//! use tokio::net::{TcpListener, TcpStream};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         tokio::spawn(async move {
//!             if let Err(error) = echo(stream).await {
//!                 eprintln!("{error}");
//!             }
//!         });
//!     }
//! }
//!
//! async fn echo(stream: TcpStream) -> Result<(), Error> {
//!     stream.set_nodelay(true)?;
//!     let mut websocket = accept(stream, config()).await?.accept(Accept::new()).await?;
//!     while let Some(message) = websocket.recv().await {
//!         websocket.queue(message?)?; // `recv` writes it
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # A client
//!
#![cfg_attr(feature = "url", doc = "```no_run")]
#![cfg_attr(not(feature = "url"), doc = "```ignore")]
//! use protocol_websocket_tokio::{CloseCode, ConnectError, connect};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), ConnectError> {
//!     let (mut websocket, _response) = connect("ws://127.0.0.1:3000/").await?;
//!     websocket.send("hello").await?;
//!     if let Some(message) = websocket.recv().await {
//!         println!("{:?}", message?);
//!     }
//!     let ended = websocket.close(CloseCode::NORMAL).await;
//!     println!("closed with {}", ended.code);
//!     Ok(())
//! }
//! ```
//!
//! # Memory
//!
//! An idle connection keeps no read or write buffer. With permessage-deflate, it keeps the compressor (up to 288 KiB) from
//! its first compressed message on, and the decompressor (47 KiB) from the peer's first one on. After a minute without a
//! message ([`Timeouts::release_memory`]), the compressor is freed, and the decompressor except for its window of at most
//! 32 KiB. [`WebSocket::release_memory`] and [`Sender::release_memory`] do this at once. For many connections, keep only
//! small windows, also between the messages of a connection that is not idle:
//!
#![cfg_attr(feature = "permessage-deflate", doc = "```")]
#![cfg_attr(not(feature = "permessage-deflate"), doc = "```ignore")]
//! use protocol_websocket_tokio::{Config, Timeouts, protocol_websocket::PermessageDeflate};
//!
//! // At most 8 KiB for each connection.
//! let deflate = PermessageDeflate::new().windows_only().server_max_window_bits(12).client_max_window_bits(12);
//! let config = Config::new().timeouts(Timeouts::RECOMMENDED).extension(deflate);
//! # let _ = config;
//! ```
//!
//! Nothing is kept between messages if the configuration declines context takeover:
//! `PermessageDeflate::server_no_context_takeover` and `client_no_context_takeover`.
//!
//! # Features
//!
//! - `client` (on): [`Connect`] over TCP, through a [`Proxy`] or over any stream, with mask keys from the operating
//!   system.
//! - `permessage-deflate` (on): compressed messages.
//! - `server` (on): [`accept`].
//! - `simd` (on): the widest instructions of the processor for masking 256 bytes and more, and with them `fearless_simd`.
//! - `url` (on): `connect` and redirects, and with them the `url` crate. Without it, [`Connect::to`] takes the host,
//!   the port and the path.
//! - `rustls-tls-webpki-roots` (off): TLS for `wss`, by rustls with ring, with Mozilla's root certificates compiled in.
//! - `rustls-tls-native-roots` (off): the same with the root certificates of the operating system. With both features,
//!   both sets are trusted.
//! - `rustls` (off): TLS with a configuration of the caller alone ([`Connect`]`::tls`), and no cryptography of its own.
//!   Without a configuration, a connection to `wss` fails.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "server")]
mod accept;
#[cfg(feature = "client")]
mod body;
#[cfg(feature = "client")]
mod connect;
#[cfg(feature = "client")]
mod connect_error;
#[cfg(feature = "client")]
mod connect_event;
mod drain;
mod driver;
mod driver_task;
mod ending;
mod error;
mod parts;
mod poll_event;
#[cfg(feature = "client")]
mod proxy;
#[cfg(feature = "client")]
mod proxy_error;
mod receiver;
mod relay;
mod sender;
mod sink;
#[cfg(feature = "client")]
mod socks;
mod split;
#[cfg(feature = "client")]
mod stream;
mod take;
#[cfg(feature = "client")]
mod target;
#[cfg(feature = "client")]
mod tcp;
mod timer;
#[cfg(feature = "rustls")]
mod tls;
mod transport;
mod waiting;
mod wakers;
mod watched;
mod websocket;

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use accept::{Incoming, accept};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use connect::Connect;
#[cfg(feature = "url")]
#[cfg_attr(docsrs, doc(cfg(feature = "url")))]
pub use connect::connect;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use connect_error::{ConnectError, ConnectStep};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use connect_event::ConnectEvent;
pub use drain::{Drain, DrainGuard, Drained};
pub use error::Error;
pub use parts::Parts;
/// The crate with the protocol and without I/O. It has the types that the configuration needs and this crate does not
/// list, such as [`Delivery`](protocol_websocket::Delivery) and [`Versions`](protocol_websocket::Versions).
#[doc(no_inline)]
pub use protocol_websocket;
pub use protocol_websocket::{
    Accept, AsMessage, Backoff, Close, CloseCode, Config, Ended, Event, EventRef, Limits, Message, Negotiated, Offer,
    Outbox, Part, Prepared, Reject, Request, Response, SendError, Session, Stats, Timeouts,
};
pub use receiver::Receiver;
pub use relay::relay;
pub use sender::Sender;
#[cfg(feature = "rustls")]
#[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
pub use tokio_rustls::rustls;
pub use watched::Watchable;
pub use websocket::WebSocket;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use {
    protocol_websocket::Destination,
    proxy::Proxy,
    proxy_error::{ProxyError, SocksError},
    stream::Stream,
};

/// Returns the default configuration of this crate: the deadlines of
/// [`Timeouts::RECOMMENDED`], so that a silent peer is pinged, and permessage-deflate with its feature, whose memory is
/// freed while a connection is idle.
///
/// Create it once, and share it between connections: `let config = std::sync::Arc::new(config());`.
#[must_use]
pub fn config() -> Config {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    #[cfg(feature = "permessage-deflate")]
    let config = config.extension(protocol_websocket::PermessageDeflate::new());
    config
}

#[cfg(all(doctest, feature = "server", feature = "url"))]
#[doc = include_str!("../README.md")]
struct Readme;
