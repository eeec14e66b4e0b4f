//! WebSocket frames and messages (RFC 6455 §5 to §8), strict, without I/O and without HTTP.
//!
//! # In scope
//!
//! - [`FrameHeader`] and [`mask()`]: the head of a frame and the masking of its payload, without state.
//! - [`Decoder`]: bytes in, [`Frame`]s out, every rule checked; [`Assembler`]: frames in, [`Message`]s out.
//! - [`Frame::encode`], [`Frame::into_vectored`] and [`Fragmenter`] for the other direction.
//! - [`Utf8Validator`] for text that comes in pieces, [`Limits`], [`Close`], the [`Extension`] trait.
//!
//! # Out of scope
//!
//! - The opening handshake: `protocol-websocket-handshake-client` and `-server`.
//! - Answers to pings, the closing handshake, timers: `protocol-websocket-connection`. A relay that checks what it passes on
//!   takes that one; a relay that checks nothing needs only [`FrameHeader`] and [`mask()`].
//! - Sockets, threads, clocks and runtimes.
//!
//! # The way of a frame
//!
//! ```text
//!            ┌───────────────────── Decoder ─────────────────────┐
//!  input ──▶ │ FrameHeader ─▶ rules, order, limits ─▶ mask, UTF-8 │ ──▶ Frame ──▶ Extension ──▶ Assembler ──▶ Message
//!            └───────────────────────────────────────────────────┘                                 └─────────▶ Part
//! ```
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use protocol_websocket_core::{Role, Version};
//! use protocol_websocket_frame::{Assembler, Decoder, Frame, Limits, MaskKey, Message};
//!
//! // A client masks what it sends.
//! let mut wire = BytesMut::new();
//! Frame::text("Hello").encode(Version::Rfc6455, Some(MaskKey([1, 2, 3, 4])), &mut wire)?;
//!
//! // The server's side of the wire.
//! let mut decoder = Decoder::new(Role::Server);
//! let mut assembler = Assembler::new(Limits::default());
//! while let Some(frame) = decoder.decode(&mut wire)? {
//!     if let Some(message) = assembler.push(frame)? {
//!         assert_eq!(message, Message::from("Hello"));
//!     }
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - `std` (on): text is validated with the SIMD instructions of the running processor. Nothing needs it to be correct.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod assembler;
mod close;
mod decoder;
mod dialect;
mod error;
mod extension;
mod flags;
mod fragments;
mod frame;
mod header;
mod input;
mod length;
mod lent_message;
mod limits;
mod mask;
mod message;
mod message_ref;
mod opcode;
mod payload;
mod rsv;
mod rules;
mod sentinel;
mod sequence;
mod utf8;
mod whole;

pub use assembler::Assembler;
pub use bytes;
pub use close::{Close, CloseCode};
pub use decoder::{Decoder, LendingDecoder};
pub use error::{DecodeError, EncodeError};
pub use extension::{Extension, ExtensionDecoder, ExtensionEncoder, ExtensionPair, Negotiate};
pub use fragments::Fragmenter;
pub use frame::Frame;
pub use header::{FrameHeader, HeaderBytes};
pub use lent_message::LentMessage;
pub use limits::Limits;
pub use mask::{MaskKey, mask};
pub use message::{Message, MessageKind, Part};
pub use message_ref::{AsMessage, MessageRef};
pub use opcode::OpCode;
pub use payload::Payload;
pub use protocol_websocket_core::{ExtensionParams, Role, Version};
pub use rsv::Rsv;
pub use rules::Delivery;
pub use utf8::{Utf8Bytes, Utf8Error, Utf8Validator};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
