//! The client side of the WebSocket opening handshake: a request goes out, the answer is checked in full.
//!
//! # In scope
//!
//! - [`ClientHandshake`]: writes the request, and takes the answer from a stream of bytes, however it is cut.
//!   [`Offer::version`](http::Offer::version) picks one of four versions of the protocol, and no other is taken back.
//! - [`Outcome`]: open, sent elsewhere, or refused, with status and headers.
//!
//! # Out of scope
//!
//! Sockets, time and TLS. Following a redirect: [`Redirect::url`] says where it leads, the caller decides. Reading a
//! refusal's body: it is left in the input. A deadline for the whole handshake is the caller's too.
//!
//! # States
//!
//! ```text
//! new ──▶ ClientHandshake ── bytes ──▶ Outcome::Open(response)       what follows in input are frames
//! the request is in output  ├────────▶ Outcome::Redirect(redirect)   close; perhaps try redirect.url()
//!                           ├────────▶ Outcome::Rejected(head)       what follows in input is the body; close
//!                           └────────▶ HandshakeError                close
//! ```
//!
//! Interim responses, those with a status of 1xx but 101, are skipped (RFC 9110 §15.2). All heads together are within one
//! [`HeadLimits`](http::HeadLimits).
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use protocol_websocket_handshake_client::{ClientHandshake, Outcome, http::Offer, url::Url};
//!
//! let url = Url::parse("ws://server.example.com/chat")?;
//! let offer = Offer::new().subprotocol("chat").subprotocol("superchat");
//! // In earnest the bytes come from the operating system, as those of `OsRandom`.
//! let mut random = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
//! let mut output = BytesMut::new();
//! let mut handshake = ClientHandshake::new(&url, &offer, &mut random, &mut output)?;
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
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod error;
mod handshake;
mod outcome;

pub use error::HandshakeError;
pub use handshake::ClientHandshake;
pub use outcome::{Outcome, Redirect};
pub use protocol_websocket_http as http;
pub use protocol_websocket_url as url;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
