//! WebSockets over blocking streams: client or server, compressed or not, without an async runtime (RFC 6455, RFC 7692).
//!
//! - [`accept`] reads an upgrade request from a stream, and [`Incoming::accept`] opens the WebSocket.
//! - `connect` looks up the name of the server, connects by TCP and TLS, and makes the opening handshake. It returns the
//!   WebSocket and the server's [`Response`]. [`Connect`] adds options, and takes any other transport.
//! - [`WebSocket`] receives and sends messages. It replies to pings, keeps the connection alive, stops reading if the
//!   peer does not read the replies, and makes the closing handshake.
//! - [`Transport`] is a stream with timeouts: TCP, a Unix socket, [`TlsStream`], or another one.
//! - [`Backoff`] has the delays before a client reconnects.
//!
//! The protocol is in the crate [`protocol_websocket`], which has no I/O. This crate adds reads, writes and timeouts, and
//! exports it, so that one dependency is enough: `protocol_websocket_blocking::protocol_websocket::Delivery`. It is for a
//! program with a thread for each connection. A program with an event loop takes [`Session`], and one with a runtime the
//! crate `protocol-websocket-tokio`.
//!
//! # A server
//!
#![cfg_attr(feature = "server", doc = "```no_run")]
#![cfg_attr(not(feature = "server"), doc = "```ignore")]
//! use std::net::{TcpListener, TcpStream};
//! use std::thread;
//! use protocol_websocket_blocking::{Accept, Error, accept, config};
//!
//! fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:3000")?;
//!     loop {
//!         let (stream, _) = listener.accept()?;
//!         thread::spawn(|| {
//!             if let Err(error) = echo(stream) {
//!                 eprintln!("{error}");
//!             }
//!         });
//!     }
//! }
//!
//! fn echo(stream: TcpStream) -> Result<(), Error> {
//!     stream.set_nodelay(true)?;
//!     let mut websocket = accept(stream, config())?.accept(Accept::new())?;
//!     while let Some(message) = websocket.recv() {
//!         websocket.queue(message?)?; // `recv` writes it
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Features
//!
//! - `client` (on): [`Connect`] over TCP or any stream, with mask keys from the operating system.
//! - `permessage-deflate` (on): compressed messages.
//! - `server` (on): [`accept`].
//! - `simd` (on): the widest instructions of the processor for masking 256 bytes and more, and with them `fearless_simd`.
//! - `url` (on): `connect`, and with it the `url` crate. Without it, [`Connect::to`] takes the host, the port and the
//!   path.
//! - `rustls-tls-webpki-roots` (off): TLS for `wss`, by rustls with ring, with Mozilla's root certificates compiled in.
//! - `rustls-tls-native-roots` (off): the same with the root certificates of the operating system. With both features,
//!   both sets are trusted.
//! - `rustls` (off): [`TlsStream`], and TLS with a configuration of the caller alone ([`Connect`]`::tls`), without
//!   cryptography of its own. Without a configuration, a connection to `wss` fails.
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
mod deadline;
mod driver;
mod ending;
mod error;
mod parts;
#[cfg(feature = "client")]
mod stream;
#[cfg(feature = "client")]
mod target;
#[cfg(feature = "client")]
mod tcp;
mod timed;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "rustls")]
mod tls_config;
mod transport;
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
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use protocol_websocket::{Destination, OsRandom};
#[cfg(feature = "rustls")]
#[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
pub use rustls;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use stream::Stream;
#[cfg(feature = "rustls")]
#[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
pub use tls::TlsStream;
pub use transport::{NoDeadlines, Transport};
pub use websocket::WebSocket;

/// Returns the default configuration of this crate: the deadlines of
/// [`Timeouts::RECOMMENDED`], so that a silent peer is pinged, and permessage-deflate with its feature.
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
