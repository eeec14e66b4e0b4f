//! WebSockets for axum: an extractor with the names of axum's own, over HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441), with or
//! without permessage-deflate (RFC 7692).
//!
//! - [`WebSocketUpgrade`] is the extractor. Its [`on_upgrade`](WebSocketUpgrade::on_upgrade) passes a [`WebSocket`] to a
//!   callback.
//! - [`WebSocketUpgradeRejection`] is the response to other requests.
//! - [`ws`] has the names and messages of `axum::extract::ws`, for programs that use it already.
//!
//! # A server
//!
//! ```no_run
//! use axum::response::Response;
//! use axum::{Router, routing::any};
//! use protocol_websocket_axum::{WebSocket, WebSocketUpgrade};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let router = Router::new().route("/", any(handler));
//!     axum::serve(TcpListener::bind("127.0.0.1:3000").await?, router).await
//! }
//!
//! async fn handler(upgrade: WebSocketUpgrade) -> Response {
//!     upgrade.on_upgrade(echo)
//! }
//!
//! async fn echo(mut websocket: WebSocket) {
//!     while let Some(Ok(message)) = websocket.recv().await {
//!         let _ = websocket.queue(message); // `recv` writes it
//!     }
//! }
//! ```
//!
//! # Routes
//!
//! HTTP/2 needs no other line, with the feature `http2` of axum. HTTP/2 opens a WebSocket with the method `CONNECT`, so the
//! route is one of `any`. A route of `get` serves HTTP/1.1 alone, and responds with 405 to the `CONNECT` of HTTP/2.
//!
//! # TLS
//!
//! Browsers use HTTP/2 over TLS alone. `axum::serve` takes a listener of any type, and the example `axum_tls` has one with
//! TLS. Clients use HTTP/2 if the server has the ALPN protocol `h2`, and `http/1.1` is next to it for the others. A server
//! behind a proxy that ends TLS needs none of this.
//!
//! # Nagle's algorithm
//!
//! Nagle's algorithm delays a small message until the client has acknowledged the one before. Over HTTP/1.1, `on_upgrade`
//! turns it off at the TCP stream of `axum::serve`. Over HTTP/2, all streams share the connection: turn it off at the
//! listener. A listener with TLS turns it off at the TCP stream, before the TLS handshake.
//!
//! ```
//! use axum::serve::{Listener, ListenerExt};
//! use tokio::net::TcpListener;
//!
//! async fn listen() -> std::io::Result<impl Listener> {
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     Ok(listener.tap_io(|stream| {
//!         // It fails if the client has disconnected.
//!         let _ = stream.set_nodelay(true);
//!     }))
//! }
//! # let _ = listen;
//! ```
//!
//! # Graceful shutdown
//!
//! At a graceful shutdown, axum does not wait for the WebSockets of HTTP/1.1, and it waits for those of HTTP/2 without an
//! end. A [`Drain`] closes both, and waits for the clients. It runs next to the server:
//!
//! ```no_run
//! use std::time::Duration;
//! use axum::extract::State;
//! use axum::response::Response;
//! use axum::{Router, routing::any};
//! use protocol_websocket_axum::{CloseCode, Drain, WebSocketUpgrade};
//! use tokio::net::TcpListener;
//!
//! async fn handler(upgrade: WebSocketUpgrade, State(drain): State<Drain>) -> Response {
//!     upgrade.drain(&drain).on_upgrade(async |mut websocket| {
//!         while let Some(Ok(message)) = websocket.recv().await {
//!             let _ = websocket.queue(message);
//!         }
//!     })
//! }
//!
//! async fn stop() {
//!     let _ = tokio::signal::ctrl_c().await;
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let drain = Drain::new();
//!     let router = Router::new().route("/", any(handler)).with_state(drain.clone());
//!     let server = axum::serve(TcpListener::bind("127.0.0.1:3000").await?, router).with_graceful_shutdown(stop());
//!     let closing = async {
//!         stop().await;
//!         drain.shutdown(CloseCode::GOING_AWAY, "restart", Duration::from_secs(10)).await
//!     };
//!     let (served, drained) = tokio::join!(server.into_future(), closing);
//!     println!("{} agreed, {} did not", drained.agreed, drained.others);
//!     served
//! }
//! ```
//!
//! `shutdown` waits for each request whose handler has called [`WebSocketUpgrade::drain`]. A handler may call it later, for
//! instance because it reads from a database first, and so open a WebSocket after `shutdown` has returned. A second call of
//! [`Drain::shutdown`], after the server has ended, waits for that WebSocket, too.
//!
//! axum also waits for each client of HTTP/2 that no longer replies, with or without a WebSocket. A program that must end in
//! time limits this, for instance by `tokio::time::timeout`.
//!
//! # The transport
//!
//! [`WebSocket::get_ref`] returns the [`Upgraded`] connection of HTTP/1.1 or stream of HTTP/2, and `Upgraded::tcp` the TCP
//! stream of HTTP/1.1. For the TLS stream of a listener, take the WebSocket apart with [`WebSocket::into_parts`], and pass
//! `hyper_util::server::conn::auto::upgrade::downcast` to [`downcast_with`](protocol_websocket_hyper::Upgraded::downcast_with)
//! of the transport that [`Upgraded::into_hyper`] returns. Its type is `TokioIo<S>` if the listener has streams of type `S`.
//! The address of the client is also in `axum::extract::ConnectInfo`.
//!
//! # Features
//!
//! - `http1` (on): the upgrade of HTTP/1.1.
//! - `http2` (on): the extended CONNECT of HTTP/2.
//! - `permessage-deflate` (on): compressed messages, if the client offers them.
//! - `simd` (on): the widest instructions of the processor for masking 256 bytes and more, and with them `fearless_simd`.
//! - `tracing` (on): upgrades that fail after the response are logged, unless
//!   [`on_failed_upgrade`](WebSocketUpgrade::on_failed_upgrade) has a function for them. Rejected requests are not logged,
//!   because their response has the status and the reason.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod rejection;
mod socket;
mod upgrade;
mod upgraded;
pub mod ws;

/// The crate with the transport that [`Upgraded::into_hyper`] returns.
#[doc(no_inline)]
pub use protocol_websocket_hyper;
/// The crate with the protocol and without I/O. It has the types that the configuration needs and this crate does not
/// list, such as [`Delivery`](protocol_websocket::Delivery).
#[doc(no_inline)]
pub use protocol_websocket_hyper::protocol_websocket_tokio::protocol_websocket;
pub use protocol_websocket_hyper::protocol_websocket_tokio::{
    Drain, DrainGuard, Drained, Event, Part, Prepared, Receiver, SendError, Sender,
};
// Its documentation has links to clients, which this crate does not enable. They would be dead here.
#[doc(no_inline)]
pub use protocol_websocket_hyper::Config;
pub use protocol_websocket_hyper::{
    Close, CloseCode, Ended, Error, Limits, Message, Reject, Request, Stats, Timeouts, config,
};
pub use rejection::WebSocketUpgradeRejection;
pub use socket::Socket;
pub use upgrade::WebSocketUpgrade;
pub use upgraded::Upgraded;

/// The WebSocket that the callback of [`WebSocketUpgrade`] receives: see
/// [`protocol_websocket_tokio::WebSocket`](protocol_websocket_hyper::WebSocket).
pub type WebSocket = protocol_websocket_hyper::WebSocket<Upgraded>;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
