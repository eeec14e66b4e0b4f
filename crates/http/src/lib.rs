//! The WebSocket upgrade request and response: parse, check and build, over httparse.
//!
//! # In scope
//!
//! - [`HeadReader`] finds heads in a stream however it is cut, within [`HeadLimits`]; [`RequestHead`] and
//!   [`ResponseHead`] are any of HTTP/1.x, so that a server can answer other requests on the same port.
//! - [`Request`] is a request that passed every check of RFC 6455 §4.2.1; [`Response`] an answer that passed those of
//!   §4.1. The drafts before the RFC are told apart by what they ask for: see [`Request::check`] and [`Versions`].
//! - [`Offer`], [`Accept`] and [`Reject`] say what to write, and nothing can be smuggled into that: a name or value
//!   that would not arrive as it was given is a [`BuildError`].
//! - [`Negotiated`] is what both ends agreed on.
//!
//! # Out of scope
//!
//! Bodies, HTTP/2 and HTTP/3. The order of events is kept by `protocol-websocket-handshake-client` and
//! `protocol-websocket-handshake-server`.
//!
//! ```text
//! bytes ──HeadReader──▶ RequestHead ──from_head──▶ Request ──Accept──▶ 101      (Negotiated)
//!            │                           │            └─────Reject───▶ 3xx, 4xx, 5xx
//!            └────────ParseError─────────┴──────────────reply────────▶ 400, 405, 426, 431
//!
//! Offer ──▶ Request ──encode──▶ bytes … ResponseHead ──from_head──▶ Response    (Negotiated)
//! ```
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use protocol_websocket_http::{Accept, HeadLimits, Request};
//!
//! let mut input = BytesMut::from(concat!(
//!     "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
//!     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
//! ));
//! let mut output = BytesMut::new();
//! match Request::parse(&mut input, HeadLimits::default()) {
//!     Ok(Some(request)) => {
//!         Accept::new().encode(&request, &mut output)?;
//!     }
//!     Ok(None) => { /* read more into `input` */ }
//!     Err(error) => error.reply(&mut output),
//! }
//! assert!(output.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//! # Ok::<(), protocol_websocket_http::BuildError>(())
//! ```
//!
//! # Features
//!
//! - `std` (on): heads are parsed with the vector instructions of the running processor.
//! - `http` (off): conversions from and to the types of the `http` crate.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod accept;
mod cgi;
mod challenge;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
mod convert;
mod cookie;
mod debug;
mod error;
mod extension;
mod grammar;
mod head;
mod headers;
mod key;
mod key_numbers;
mod known;
mod negotiate;
mod negotiated;
mod offer;
mod origin;
mod perl_cookie;
mod reader;
mod reject;
mod request;
mod response;
mod target;
mod validator;
mod version;

pub use accept::Accept;
pub use cookie::{Cookie, SameSite, SetCookie};
pub use error::{BuildError, ParseError, ResponseError};
pub use extension::parse_extensions;
pub use head::{RequestHead, ResponseHead};
pub use headers::Headers;
pub use key::Key;
pub use key_numbers::KeyNumbers;
pub use negotiate::Negotiate;
pub use negotiated::Negotiated;
pub use offer::Offer;
pub use perl_cookie::PerlCookie;
pub use protocol_websocket_core::{ExtensionParams, ExtensionParams as Extension, Role, Version};
pub use reader::{HeadLimits, HeadReader};
pub use reject::Reject;
pub use request::Request;
pub use response::Response;
pub use target::Target;
pub use version::Versions;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
