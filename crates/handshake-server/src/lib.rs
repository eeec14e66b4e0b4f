//! The server side of the WebSocket opening handshake: a request comes in, an answer goes out, once.
//!
//! # In scope
//!
//! - [`ServerHandshake`]: takes the request from a stream of bytes, however it is cut, and checks it in full.
//!   All four versions of the protocol are told apart; [`ServerHandshake::versions`] restricts them.
//! - [`Upgrade`]: the request, to be accepted or rejected once; also from the parts that another HTTP library gives.
//!
//! # Out of scope
//!
//! Sockets, time and TLS. Which requests are welcome: look at [`Request::origin`](http::Request::origin) before cookies
//! are trusted. A deadline for the whole handshake is the caller's too, or a slow client holds a connection for ever.
//!
//! # States
//!
//! ```text
//!                 bytes                         accept
//! ServerHandshake ─────▶ Upgrade { request } ─┬────────▶ Accepted::Open(negotiated)   101 is in output
//!        │                                    │    │             ▲ eight bytes: 16 more are in output
//!        │                                    │    └───▶ Accepted::AwaitingKey3      draft-ietf-hybi-00 alone
//!        │                                    │ reject
//!        │ ParseError                         └────────▶ the refusal is in output: write it and close
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
//!         Accepted::AwaitingKey3(_) => { /* write `output`, read on, and call its `parse` */ }
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
//! - `http` (off): an [`Upgrade`] from an `http::Request`.
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
