//! WebSockets for hyper: HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441), with or without permessage-deflate (RFC 7692).
//!
//! hyper reads and writes the HTTP messages of the opening handshake. This crate checks and creates them. After the
//! handshake, a [`WebSocket`] of [`protocol_websocket_tokio`] has the connection of HTTP/1.1, or the stream of HTTP/2.
//!
//! - `upgrade` checks a request, for both versions of HTTP. `Upgrade::accept` returns the response, and a future for the
//!   WebSocket. `rejection` is the response to any other request.
//! - `http1_request` and `http2_request` create the request of a client, and `Expect::open` checks the response.
//!   `http2_handshake` waits for the settings of an HTTP/2 server, and returns an error if it does not support WebSockets.
//! - `WebSocketLayer` upgrades the requests for one path in front of any service of tower.
//!
//! # A server
//!
#![cfg_attr(all(feature = "http1", feature = "server"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "http1", feature = "server")), doc = "```ignore")]
//! use std::convert::Infallible;
//!
//! use hyper::body::Incoming;
//! use hyper::server::conn::http1;
//! use hyper::service::service_fn;
//! use hyper_util::rt::TokioIo;
//! use protocol_websocket_hyper::{Accept, Body, Error, Upgraded, WebSocket, config, rejection, upgrade};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     loop {
//!         let (stream, _) = listener.accept().await?;
//!         let service = service_fn(async |request| Ok::<_, Infallible>(respond(request)));
//!         let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
//!         tokio::spawn(connection.with_upgrades());
//!     }
//! }
//!
//! fn respond(mut request: http::Request<Incoming>) -> http::Response<Body> {
//!     let upgrade = match upgrade(&mut request, config()) {
//!         Ok(upgrade) => upgrade,
//!         Err(reject) => return rejection(&reject),
//!     };
//!     let (response, opening) = upgrade.accept(Accept::new());
//!     tokio::spawn(async move { echo(opening.await?).await });
//!     response
//! }
//!
//! async fn echo(mut websocket: WebSocket<Upgraded>) -> Result<(), Error> {
//!     while let Some(message) = websocket.recv().await {
//!         websocket.queue(message?)?; // `recv` writes it
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # TLS
//!
//! hyper takes a stream of any type, such as those of `tokio-rustls`. The configuration of TLS has the ALPN protocol `h2`
//! for HTTP/2, and `http/1.1` for HTTP/1.1. A client over HTTP/2 offers `h2` alone, and passes the TLS stream to
//! `http2_handshake`. The name in the certificate of the server is `Url::socket_host`.
//!
//! # Flow control of HTTP/2
//!
//! The bytes of a WebSocket that is not read take a part of two windows: that of its stream, and that of the connection,
//! which all WebSockets of the connection share. A WebSocket is not read while the application does not call `recv`, or while
//! the peer does not read the replies. With the windows of hyper, one such WebSocket stops the input of all others on its
//! connection at a server (1 MiB each), and three of them at a client (2 MiB for a stream, 5 MiB for the connection).
//!
//! No WebSocket stops another one if the window of the connection is at least the sum of the windows of its streams.
//! `axum::serve` does not have these settings. The builder of `hyper_util` has them, and also serves a router of axum.
//!
#![cfg_attr(all(feature = "http2", feature = "server"), doc = "```")]
#![cfg_attr(not(all(feature = "http2", feature = "server")), doc = "```ignore")]
//! use hyper::server::conn::http2::Builder;
//! use hyper_util::rt::TokioExecutor;
//!
//! const STREAMS: u32 = 100;
//! const STREAM_WINDOW: u32 = 64 * 1024;
//!
//! let mut http = Builder::new(TokioExecutor::new());
//! http.enable_connect_protocol()
//!     .max_concurrent_streams(STREAMS)
//!     .initial_stream_window_size(STREAM_WINDOW)
//!     .initial_connection_window_size(STREAMS * STREAM_WINDOW);
//! ```
//!
//! A WebSocket that is dropped while the peer does not read keeps its stream, and the bytes that hyper has taken, until the
//! peer reads or resets the stream, or the connection ends. No deadline of the WebSocket ends the stream, because the
//! WebSocket does not exist any more. A server limits the number of streams, and the time for which it serves a connection.
//!
//! # Features
//!
//! - `client` (on): `Expect`, and with `http1` and `http2` the requests of a client.
//! - `http1` (on): the upgrade of HTTP/1.1.
//! - `http2` (on): the extended CONNECT of HTTP/2. Without it, a server rejects every request of HTTP/2.
//! - `permessage-deflate` (on): compressed messages.
//! - `server` (on): `upgrade`.
//! - `simd` (on): the widest instructions of the processor for masking 256 bytes and more, and with them `fearless_simd`.
//! - `url` (on): `Url` as the destination of a client, and with it the `url` crate. Without it, `Destination` has the host
//!   and the path.
//! - `tower` (off): `WebSocketLayer`.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod body;
#[cfg(all(feature = "client", any(feature = "http1", feature = "http2")))]
mod client;
#[cfg(feature = "tower")]
mod layer;
#[cfg(all(feature = "client", any(feature = "http1", feature = "http2")))]
mod open_error;
#[cfg(all(feature = "client", feature = "http2"))]
mod settings;
#[cfg(feature = "server")]
mod upgrade;
#[cfg(any(feature = "server", all(feature = "client", any(feature = "http1", feature = "http2"))))]
mod upgraded;

pub use body::Body;
#[cfg(all(feature = "client", any(feature = "http1", feature = "http2")))]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::Expect;
#[cfg(all(feature = "client", feature = "http1"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "client", feature = "http1"))))]
pub use client::http1_request;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub use layer::{WebSocketFuture, WebSocketLayer, WebSocketService};
#[cfg(feature = "url")]
#[cfg_attr(docsrs, doc(cfg(feature = "url")))]
pub use protocol_websocket::{Url, UrlError};
/// The crate with [`WebSocket`] and everything that it does after the handshake.
#[doc(no_inline)]
pub use protocol_websocket_tokio;
pub use protocol_websocket_tokio::{
    Accept, Close, CloseCode, Config, Ended, Error, Limits, Message, Offer, Reject, Request, Response, Stats, Timeouts,
    WebSocket, config,
};
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use upgrade::{Upgrade, rejection, upgrade, upgrade_parts};
#[cfg(any(feature = "server", all(feature = "client", any(feature = "http1", feature = "http2"))))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "client", feature = "server"))))]
pub use upgraded::Upgraded;
#[cfg(all(feature = "client", feature = "http2"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "client", feature = "http2"))))]
pub use {
    client::http2_request,
    settings::{AwaitSettings, http2_handshake},
};
#[cfg(all(feature = "client", any(feature = "http1", feature = "http2")))]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use {open_error::OpenError, protocol_websocket::Destination};

#[cfg(all(doctest, feature = "http1", feature = "http2", feature = "server", feature = "url"))]
#[doc = include_str!("../README.md")]
struct Readme;
