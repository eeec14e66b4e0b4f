//! A WebSocket connection without I/O: bytes in, events out; messages in, bytes out (RFC 6455).
//!
//! # In scope
//!
//! - [`Connection`]: one type for both roles. It begins with the first byte of the opening handshake, or after a
//!   handshake that an HTTP library made. It replies to pings, makes the closing handshake for either end, delivers
//!   messages whole or in parts, and handles deadlines with the caller's clock.
//! - [`Session`]: a connection with its buffers and the order of its calls, for a program with one socket for each
//!   connection. It counts messages and bytes: [`Stats`]. [`Connection`] is for a program that owns the buffers.
//! - [`ReceiveHalf`] and [`SendHalf`]: the two directions of a connection, for two tasks.
//! - [`Backoff`]: the delays before a client reconnects.
//! - [`Client`] and [`Server`]: a connection under the names of the helper classes of Perl's `Protocol::WebSocket`.
//!
//! # Out of scope
//!
//! - Sockets, TLS, threads, clocks and runtimes. The caller has them, and the buffers for input and output.
//! - Frames without a connection: `protocol-websocket-frame`. A handshake without a connection:
//!   `protocol-websocket-handshake-client` and `-server`.
//!
//! # Parts
//!
//! ```text
//!              input ──▶ ReceiveHalf ──▶ Event     decodes, extensions, pings and idle timeouts
//!  Connection                 │ reply
//!              output ◀── SendHalf ◀── message     encodes, extensions, mask keys, close timeout
//! ```
//!
//! A [`Connection`] passes the replies to its sending half. [`Connection::split`] returns the halves, for two tasks.
//! After it, the program passes the [`Reply`] of [`Event::reply`] or [`Error::reply`] to [`SendHalf::reply`].
//!
//! # States
//!
//! ```text
//!               handshake done            our Close sent             the peer's Close received,
//!   CONNECTING ───────────────▶ OPEN ──────────────────▶ CLOSING ─── or a deadline passed ────▶ CLOSED
//!        │                        │                                                             ▲
//!        │                        └── the peer's Close received, a failure, or end of stream ───┤
//!        └── rejected, redirected, malformed, end of stream, or a deadline passed ──────────────┘
//! ```
//!
//! [`State`] lists what can be sent and received in each state. [`Ended`] describes how a connection ended.
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use protocol_websocket_connection::{Close, CloseCode, Config, Connection, Event, Negotiated, State};
//!
//! let mut server = Connection::open_server(&Negotiated::default(), Config::new());
//! let mut client = Connection::open_client(&Negotiated::default(), Config::new(), |key: &mut [u8]| key.fill(7));
//! let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
//!
//! client.send("Hello", &mut to_server)?;
//! client.close(Close::new(CloseCode::NORMAL, "done"), &mut to_server)?;
//! assert_eq!(client.state(), State::Closing);
//! assert_eq!(server.receive(&mut to_server, &mut to_client)?, Some(Event::Message("Hello".into())));
//! assert!(matches!(server.receive(&mut to_server, &mut to_client)?, Some(Event::Close(Some(_)))));
//! assert!(matches!(client.receive(&mut to_client, &mut to_server)?, Some(Event::Close(Some(_)))));
//! assert_eq!((client.state(), server.state()), (State::Closed, State::Closed));
//! # Ok::<_, Box<dyn core::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `client` (on): [`Connection::client`] and [`Client`].
//! - `server` (on): [`Connection::server`], its `accept`, `reject` and `respond`, and [`Server`].
//! - `simd` (on): masks payloads of 256 bytes and more with the widest instructions of the processor, detected at run time.
//! - `std` (on): validates text with the SIMD instructions of the processor, detected at run time.
//! - `url` (on): a [`Url`] as the destination of a client. Brings the `url` crate with its IDNA tables.
//! - `serde` (off): serialization of [`CloseCode`], [`HeadLimits`], [`Limits`], [`Timeouts`] and [`Versions`].
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

#[cfg(feature = "server")]
mod accept;
mod backoff;
#[cfg(feature = "client")]
mod client;
mod close_timer;
mod config;
mod connection;
mod ended;
mod error;
mod event;
mod extensions;
mod halves;
#[cfg(any(feature = "client", feature = "server"))]
mod handshake;
#[cfg(any(feature = "client", feature = "server"))]
mod handshake_timer;
mod idle_timer;
mod input;
mod keep_alive;
mod negotiation;
#[cfg(any(feature = "client", feature = "server"))]
mod observed_heads;
mod observer;
mod observers;
mod opened;
#[cfg(any(feature = "client", feature = "server"))]
mod opening;
mod outbox;
mod prepared;
mod receive_half;
mod reply;
mod round_trip;
mod send_error;
mod send_half;
#[cfg(feature = "server")]
mod server;
mod session;
mod state;
mod stats;
mod suspend;
mod suspended;
mod timeout;
mod timeouts;
mod unsent;
mod write_progress;

pub use backoff::Backoff;
#[cfg(feature = "client")]
pub use client::Client;
pub use config::Config;
pub use connection::Connection;
pub use ended::{Ended, EndedBy};
pub use error::Error;
pub use event::{Event, EventRef};
pub use observer::{Direction, Observation, ObservedFrame, ObservedHead, Observer, StartLine};
pub use opened::Opened;
pub use outbox::Outbox;
pub use prepared::Prepared;
pub use protocol_websocket_core::{ExtensionParams, Random, Role, Version};
pub use protocol_websocket_frame::{
    AsMessage, Close, CloseCode, Delivery, ExtensionDecoder, ExtensionEncoder, ExtensionPair, Frame, LentMessage,
    Limits, Message, MessageKind, MessageRef, Negotiate, OpCode, Part, Payload, ResumeError, Rsv, StateReader,
    StateWriter, SuspendError, Utf8Bytes,
};
#[cfg(feature = "url")]
pub use protocol_websocket_handshake_client::url::Url;
#[cfg(feature = "client")]
pub use protocol_websocket_handshake_client::{ClientDestination, Redirect};
#[cfg(feature = "server")]
pub use protocol_websocket_handshake_server::Upgrade;
pub use protocol_websocket_http::{
    Accept, Destination, HeadLimits, Headers, Negotiated, Offer, Reject, Request, Response, Versions,
};
pub use receive_half::ReceiveHalf;
pub use reply::Reply;
pub use send_error::SendError;
pub use send_half::SendHalf;
#[cfg(feature = "server")]
pub use server::Server;
pub use session::{Session, SessionParts};
pub use state::State;
pub use stats::Stats;
pub use suspended::Suspended;
pub use timeout::Timeout;
pub use timeouts::Timeouts;

#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
