//! WebSockets for tokio: one type over any stream, client or server, compressed or not (RFC 6455, RFC 7692).
//!
//! - [`accept`] reads an upgrade request from a stream, and [`Incoming::accept`] opens the WebSocket.
//! - [`Connect`] makes the opening handshake of a client.
//! - [`WebSocket`] receives and sends messages. It replies to pings, keeps the connection alive, limits what a slow peer
//!   costs, and makes the closing handshake.
//!
//! The protocol is in the crate `protocol-websocket`, which has no I/O. This crate adds reads, writes and waits.
//!
//! # A server
//!
//! ```no_run
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
//!     let mut websocket = accept(stream, config()).await?.accept(&Accept::new()).await?;
//!     while let Some(message) = websocket.recv().await {
//!         websocket.queue(message?)?; // `recv` writes it
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Features
//!
//! - `client` (on): the client's opening handshake, with mask keys from the operating system.
//! - `permessage-deflate` (on): compressed messages.
//! - `server` (on): [`accept`].
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "server")]
mod accept;
#[cfg(feature = "client")]
mod connect;
#[cfg(feature = "client")]
mod connect_error;
mod driver;
mod error;
mod parts;
mod sink;
mod timer;
mod wakers;
mod websocket;

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use accept::{Incoming, accept};
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use connect::Connect;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use connect_error::ConnectError;
pub use error::Error;
pub use parts::Parts;
pub use protocol_websocket::{
    Accept, AsMessage, Close, CloseCode, Config, Ended, Event, Limits, Message, Negotiated, Offer, Part, Reject,
    Request, SendError, Session, Timeouts,
};
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
