//! The WebSocket upgrade request and response: parse, check and build, over httparse.
//!
//! # In scope
//!
//! - [`HeadReader`] finds heads in a stream, however the stream is split, within [`HeadLimits`]. [`RequestHead`] and
//!   [`ResponseHead`] are any head of HTTP/1.x, so that a server can respond to other requests on the same port.
//! - [`Request`] is a request that passed every check of RFC 6455 §4.2.1, and [`Response`] a response that passed those of
//!   §4.1. The drafts before the RFC are supported, too: see [`Request::check`] and [`Versions`].
//! - [`Offer`], [`Accept`] and [`Reject`] build the heads to write. A value that the peer would not receive unchanged is
//!   rejected with a [`BuildError`], so that no header field can be injected.
//! - The extended CONNECT of HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220), as lists of names and values:
//!   [`Request::from_fields`] and [`Request::offer_connect`]. The checks, builders and results are those of HTTP/1.1.
//! - [`Negotiated`] is the result of a handshake.
//! - [`Tunnel`] asks an HTTP proxy for a connection to a server (CONNECT), over which a client then makes its handshake.
//!
//! # Out of scope
//!
//! Bodies; the frames, compression and settings of HTTP/2 and HTTP/3. The state of a handshake, which is in `protocol-websocket-handshake-client` and
//! `protocol-websocket-handshake-server`.
//!
//! ```text
//! bytes ──HeadReader──▶ RequestHead ──from_head──▶ Request ──Accept──▶ 101      (Negotiated)
//!            │                           │            └─────Reject───▶ 3xx, 4xx, 5xx
//!            └────────ParseError─────────┴──────────────reply────────▶ 400, 405, 426, 431
//!
//! Offer ──encode──▶ SentRequest, and bytes … ResponseHead ──check──▶ Response    (Negotiated)
//!
//! HTTP/2 and HTTP/3: from_fields ──▶ Request ──Response::accept──▶ Response ──to_fields──▶ 200
//!         offer_connect ──▶ Request ──to_fields──▶ … ResponseHead::from_fields ──from_head──▶ Response
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
//! - `http` (off): conversions from and to the types of the `http` crate, also of an extended CONNECT
//!   (`Request::from_connect`).
//! - `serde` (off): `Serialize` and `Deserialize` for [`HeadLimits`] and [`Versions`].
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod accept;
mod build_connect;
mod build_request;
mod build_response;
mod caller_headers;
mod cgi;
mod challenge;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
mod convert;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
mod convert_connect;
mod cookie;
mod cookie_syntax;
mod credentials;
mod debug;
mod destination;
mod error;
mod extension;
mod field_section;
mod field_sink;
mod fields;
mod grammar;
mod head;
mod headers;
mod key;
mod key_numbers;
mod limits;
mod negotiated;
mod offer;
mod origin;
mod perl_compat;
mod perl_cookie;
mod reader;
mod reject;
mod request;
mod request_head;
mod response;
mod response_body;
mod response_head;
mod search;
mod secrets;
mod sent_request;
mod set_cookie;
mod span;
mod syntax;
mod tunnel;
mod validate_connect;
mod validate_request;
mod validate_response;
mod versions;

pub use accept::Accept;
pub use cookie::Cookie;
pub use destination::Destination;
pub use error::{BuildError, ParseError, ResponseError};
pub use extension::parse_extensions;
pub use headers::{Headers, HeadersIter};
pub use key::Key;
pub use key_numbers::KeyNumbers;
pub use limits::HeadLimits;
pub use negotiated::Negotiated;
pub use offer::Offer;
pub use perl_cookie::PerlCookie;
pub use protocol_websocket_core::{ExtensionParams, Role, Version};
pub use reader::HeadReader;
pub use reject::Reject;
pub use request::Request;
pub use request_head::RequestHead;
pub use response::Response;
pub use response_body::ResponseBody;
pub use response_head::ResponseHead;
pub use secrets::{may_be_secret, redact_target};
pub use sent_request::SentRequest;
pub use set_cookie::{SameSite, SetCookie};
pub use tunnel::{Tunnel, TunnelError, TunnelReader};
pub use versions::{Versions, VersionsIter};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
