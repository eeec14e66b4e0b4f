//! WebSocket frames and messages (RFC 6455 §5 to §8): strict, without I/O and without HTTP.
//!
//! # In scope
//!
//! - Receiving: [`Decoder`] decodes bytes into [`Frame`]s and checks every rule of RFC 6455 §5. [`Assembler`] joins frames
//!   into messages. [`Limits`] has the maximum lengths.
//! - Sending: [`Frame::encode`] and [`Frame::encode_shared`] encode frames. [`Fragmenter`] makes frames from the parts of a
//!   message.
//! - Messages: [`Message`] and [`Utf8Bytes`] own their bytes. [`MessageRef`] and [`AsMessage`] borrow them. [`LentMessage`]
//!   and [`Payload`] borrow from the input where they can, and own their bytes otherwise.
//! - Without state: [`FrameHeader`] parses and encodes one header, [`mask()`] masks bytes, and [`Close`] is the payload of a
//!   Close frame. [`Utf8Validator`] checks text that arrives in pieces.
//! - Extensions implement [`Negotiate`], [`ExtensionDecoder`] and [`ExtensionEncoder`].
//!
//! # Out of scope
//!
//! - The opening handshake: `protocol-websocket-handshake-client` and `-server`.
//! - Pongs, the closing handshake, timers: `protocol-websocket-connection`. Use it for a relay that validates the frames it
//!   forwards. A relay that does not validate them needs only [`FrameHeader`] and [`mask()`].
//! - Sockets, threads, clocks and runtimes.
//!
//! # The path of a frame
//!
//! ```text
//!            ┌──────────────────────── Decoder ────────────────────────┐
//!  input ──▶ │ FrameHeader ─▶ order, limits ─▶ unmask, check the UTF-8 │ ──▶ Frame ──▶ ExtensionDecoder ──▶ Assembler ──▶ Message
//!            └─────────────────────────────────────────────────────────┘                                        └───▶ Part
//!
//!  Message ──▶ Frame ──▶ ExtensionEncoder ──▶ encode ──▶ output
//!     Part ──▶ Fragmenter ─▲
//! ```
//!
//! # Example
//!
//! ```
//! use bytes::BytesMut;
//! use protocol_websocket_core::{Role, Version};
//! use protocol_websocket_frame::{Assembler, Decoder, Frame, Limits, MaskKey, Message};
//!
//! // A client masks its frames.
//! let mut wire = BytesMut::new();
//! Frame::text("Hello").encode(Version::Rfc6455, Some(MaskKey([1, 2, 3, 4])), &mut wire)?;
//!
//! // The server decodes them.
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
//! - `simd` (default): masks payloads of 256 bytes and more with the widest instructions of the processor, which are detected
//!   at run time. Without it, the compiler vectorizes plain code for the target. The dependency `fearless_simd` is most of the
//!   build time.
//! - `std` (default): validates text with the SIMD instructions of the processor, which are detected at run time. Without it,
//!   portable code does the same.
//! - `serde`: implements `Serialize` and `Deserialize` for [`CloseCode`] and [`Limits`].
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod assembler;
mod close;
mod close_code;
mod decoder;
mod decoder_options;
mod delivery;
mod error;
mod error_state;
mod extension;
mod flags;
mod fragmenter;
mod frame;
mod framing;
mod header;
mod lent_message;
mod limits;
mod mask;
mod message;
mod message_ref;
mod opcode;
mod payload;
mod rsv;
mod state_bytes;
mod suspend_error;
mod utf8;

pub use assembler::Assembler;
pub use bytes;
pub use close::Close;
pub use close_code::CloseCode;
pub use decoder::Decoder;
pub use delivery::Delivery;
pub use error::{DecodeError, EncodeError};
pub use extension::{ExtensionDecoder, ExtensionEncoder, ExtensionPair, Negotiate};
pub use fragmenter::Fragmenter;
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
pub use state_bytes::{StateReader, StateWriter};
pub use suspend_error::{ResumeError, SuspendError};
pub use utf8::{Utf8Bytes, Utf8Error, Utf8Validator};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
