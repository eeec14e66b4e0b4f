//! The client side of the WebSocket opening handshake: writes a request, and checks every rule for the response.
//!
//! # In scope
//!
//! - [`ClientHandshake`]: writes the request, and reads the response from a stream, however the stream is split.
//!   [`Offer::version`](http::Offer::version) selects one of four versions of the protocol. A response of another version is
//!   an error.
//! - [`Outcome`]: open, redirected or rejected, with status and header fields.
//!
//! # Out of scope
//!
//! Sockets, time and TLS. Following redirects: [`Redirect`] has the target, and the caller decides. Reading the body of a
//! rejection: it stays in the input. A deadline for the handshake: the caller sets it.
//!
//! # States
//!
//! ```text
//! new ──▶ ClientHandshake ── bytes ──▶ Outcome::Open(response)       the rest of input is frames
//! the request is in output  ├────────▶ Outcome::Redirect(redirect)   close; perhaps connect to redirect.url()
//!                           ├────────▶ Outcome::Rejected(head)       the rest of input is the body; close
//!                           └────────▶ HandshakeError                close
//! ```
//!
//! Interim responses, which have a status of 1xx other than 101, are skipped (RFC 9110 §15.2). One
//! [`HeadLimits`](http::HeadLimits) applies to all heads together.
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use protocol_websocket_handshake_client::http::{Destination, Offer};
//! use protocol_websocket_handshake_client::{ClientHandshake, Outcome};
//!
//! // With the feature `url`: `let destination = &Url::parse("ws://server.example.com/chat")?;`
//! let destination = Destination::new("server.example.com", "/chat");
//! let offer = Offer::new().subprotocol("chat").subprotocol("superchat");
//! // Programs use random bytes of the operating system: `OsRandom`.
//! let mut random = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
//! let mut output = BytesMut::new();
//! let mut handshake = ClientHandshake::new(destination, &offer, &mut random, &mut output)?;
//! assert!(output.starts_with(b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\n"));
//!
//! // Write `output`, then read into `input`.
//! let mut input = BytesMut::from(concat!(
//!     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
//!     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
//! ));
//! match handshake.parse(&mut input)? {
//!     None => { /* read more into `input`, and call again */ }
//!     Some(Outcome::Open(response)) => assert_eq!(response.negotiated().subprotocol.as_deref(), Some("chat")),
//!     Some(outcome) => panic!("{outcome:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `std` (on): the head is parsed with the vector instructions of the running processor.
//! - `url` (on): a `&Url` as destination, and [`Redirect`]'s target as `Url`. It brings the `url` crate with its IDNA tables.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod destination;
mod error;
mod handshake;
mod outcome;
mod redirect;

pub use destination::ClientDestination;
pub use error::HandshakeError;
pub use handshake::ClientHandshake;
pub use outcome::Outcome;
pub use protocol_websocket_http as http;
#[cfg(feature = "url")]
#[cfg_attr(docsrs, doc(cfg(feature = "url")))]
pub use protocol_websocket_url as url;
pub use redirect::Redirect;

#[cfg(all(doctest, feature = "url"))]
#[doc = include_str!("../README.md")]
struct Readme;
