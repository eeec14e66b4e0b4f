//! The server side of the WebSocket opening handshake: reads a request, and writes one response.
//!
//! # In scope
//!
//! - [`ServerHandshake`]: reads the request from a stream, however the stream is split, and checks it in full. It detects all
//!   four versions of the protocol. [`ServerHandshake::versions`] restricts them.
//! - [`Upgrade`]: a valid request, which is accepted or rejected once. It can also be created from a request that another
//!   HTTP library parsed.
//!
//! # Out of scope
//!
//! - Sockets, time and TLS.
//! - The decision which requests to accept. Check [`Request::origin`](http::Request::origin) before you trust cookies.
//! - A deadline for the handshake. The caller sets it, because a slow client would otherwise keep the connection
//!   forever.
//!
//! # States
//!
//! ```text
//!                 bytes                         accept
//! ServerHandshake ─────▶ Upgrade { request } ─┬────────▶ Accepted::Open(negotiated)   101 is in output
//!        │                                    │    │             ▲ eight bytes: 16 more are in output
//!        │                                    │    └───▶ Accepted::AwaitingKey3      only draft-ietf-hybi-00
//!        │                                    │ reject
//!        │ ParseError                         └────────▶ the response is in output: write it and close
//!        ▼
//! error.reply(&mut output): write it and close
//! ```
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use protocol_websocket_handshake_server::{Accepted, ServerHandshake, http::Accept};
//!
//! let mut input = BytesMut::from(concat!(
//!     "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
//!     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
//! ));
//! let mut output = BytesMut::new();
//!
//! match ServerHandshake::new().parse(&mut input) {
//!     Ok(Some(upgrade)) => match upgrade.accept(&Accept::new(), &mut output)? {
//!         Accepted::Open(negotiated) => assert_eq!(negotiated.subprotocol, None),
//!         Accepted::AwaitingKey3(_) => { /* draft-ietf-hybi-00: write `output`, read, and call its `parse` */ }
//!     },
//!     Ok(None) => { /* read more into `input`, and call again */ }
//!     Err(error) => error.reply(&mut output), // write `output`, then close
//! }
//! assert!(output.starts_with(b"HTTP/1.1 101 "));
//! # Ok::<(), protocol_websocket_handshake_server::http::BuildError>(())
//! ```
//!
//! # Features
//!
//! - `std` (on): the head is parsed with the vector instructions of the running processor.
//! - `http` (off): converts an `http::Request` to an [`Upgrade`].
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod handshake;
mod key3;
mod upgrade;

pub use handshake::ServerHandshake;
pub use key3::AwaitingKey3;
pub use protocol_websocket_http as http;
pub use upgrade::{Accepted, Upgrade};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
