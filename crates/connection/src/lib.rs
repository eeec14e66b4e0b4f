//! A WebSocket connection without I/O: bytes in, events out; messages in, bytes out (RFC 6455).
//!
//! # In scope
//!
//! - [`Connection`]: an open connection in either role, after any handshake. Pings answered, the closing handshake in
//!   both directions, messages whole or in parts, deadlines by the caller's clock.
//! - [`Client`] and [`Server`]: the same from the first byte, with the opening handshake in front.
//! - `Connection::split`: two halves for two tasks.
//!
//! # Out of scope
//!
//! - Sockets, TLS, threads, clocks, runtimes: they are the caller's, and so are both buffers.
//! - Raw frames: `protocol-websocket-frame`. A handshake alone: `protocol-websocket-handshake-client` and `-server`.
//!
//! # States
//!
//! ```text
//!               handshake done            a Close sent               a Close received too,
//!   CONNECTING ───────────────▶ OPEN ──────────────────▶ CLOSING ─── or the deadline over ──▶ CLOSED
//!        │                        │                                                             ▲
//!        │                        └── a Close received, a failure, or EOF ──────────────────────┤
//!        └── refused, redirected, not understood, EOF ──────────────────────────────────────────┘
//! ```
//!
//! What may be sent and is taken in each of them stands at [`State`].
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use protocol_websocket_connection::{Close, CloseCode, Config, Connection, Event, Negotiated, State};
//!
//! let mut server = Connection::server(&Negotiated::default(), &Config::new());
//! let mut client = Connection::client(&Negotiated::default(), &Config::new(), |key: &mut [u8]| key.fill(7));
//! let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
//!
//! client.close(Close::new(CloseCode::NORMAL, "done"), &mut to_server)?;
//! assert_eq!(client.state(), State::Closing);
//! assert!(matches!(server.receive(&mut to_server, &mut to_client)?, Some(Event::Close(Some(_)))));
//! assert!(matches!(client.receive(&mut to_client, &mut to_server)?, Some(Event::Close(Some(_)))));
//! assert_eq!((client.state(), server.state()), (State::Closed, State::Closed));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `client` (on): [`Client`], and with it the `url` crate.
//! - `server` (on): [`Server`].
//! - `split` (off): `Connection::split`.
//! - `std` (on): SIMD instructions found at run time. Nothing needs it to be correct.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

#[cfg(feature = "client")]
mod client;
mod config;
mod connection;
#[cfg(any(feature = "client", feature = "server"))]
mod endpoint;
mod error;
mod event;
mod extensions;
mod negotiation;
mod receiver;
mod sender;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "split")]
mod split;
mod state;
mod timers;

#[cfg(feature = "client")]
pub use client::{Asking, Client};
pub use config::{Config, Timeouts};
pub use connection::Connection;
#[cfg(any(feature = "client", feature = "server"))]
pub use endpoint::Endpoint;
pub use error::{Error, SendError, Timeout};
pub use event::Event;
pub use protocol_websocket_core::{Random, Role, Version};
pub use protocol_websocket_frame::{
    Close, CloseCode, Delivery, Extension, Frame, Limits, Message, MessageKind, Part, Utf8Bytes,
};
#[cfg(feature = "client")]
pub use protocol_websocket_handshake_client::{Redirect, url::Url};
#[cfg(feature = "server")]
pub use protocol_websocket_handshake_server::Upgrade;
pub use protocol_websocket_http::{Accept, HeadLimits, Negotiate, Negotiated, Offer, Reject, Versions};
#[cfg(feature = "server")]
pub use server::{Answering, Server};
#[cfg(feature = "split")]
pub use split::{ReceiveHalf, SendHalf};
pub use state::State;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
