//! permessage-deflate (RFC 7692): compressed WebSocket messages, how the two ends agree on them, and the codec.
//!
//! # In scope
//!
//! - [`PermessageDeflate`]: what one end is willing to do, offered, answered and agreed on with all four parameters.
//! - [`Deflater`] and [`Inflater`]: what goes out and what comes in, in whole messages or in parts. What comes out of an
//!   inflater is bounded while it inflates, so a bomb costs no more than a message may.
//!
//! # Out of scope
//!
//! - Frames, limits and text: [`Extension`](protocol_websocket_frame::Extension) is the seam to them.
//! - DEFLATE itself (RFC 1951): that is `flate2` with `zlib-rs`, all of it Rust.
//! - Windows of 256 bytes for what is sent: no compressor has them. A peer's own may be as small.
//!
//! # How they fit together
//!
//! ```text
//!            client                                             server
//!   PermessageDeflate::offers ──▶ Sec-WebSocket-Extensions ──▶ PermessageDeflate::answer
//!   PermessageDeflate::agree  ◀──────── the same field ◀─────────────┤
//!        │         │                                       PermessageDeflate::agree
//!        ▼         ▼                                            │         │
//!   Inflater    Deflater ══════ compressed messages ══════▶ Inflater      ▼
//!        ▲══════════════════════ compressed messages ══════════════════ Deflater
//! ```
//!
//! A connection does all of this by itself when it is configured with a [`PermessageDeflate`]. By hand it is:
//!
//! ```
//! use protocol_websocket_frame::{Extension, Frame};
//! use protocol_websocket_http::{Negotiate, Role};
//! use protocol_websocket_permessage_deflate::PermessageDeflate;
//!
//! let (client, server) = (PermessageDeflate::new(), PermessageDeflate::new().threshold(0));
//! let answer = client.offers().iter().find_map(|offer| server.answer(offer)).expect("an offer that is granted");
//! let (mut inflater, _) = client.agree(Role::Client, &answer).expect("an answer to the offer");
//! let (_, mut deflater) = server.agree(Role::Server, &answer).expect("an answer of our own");
//!
//! let compressed = deflater.encode(Frame::text("Hello"))?;
//! assert_eq!(compressed.payload()[..], *b"\xf2\x48\xcd\xc9\xc9\x07\x00"); // RFC 7692 §7.2.3.1
//! let (frame, rest) = inflater.decode(compressed, 1024)?;
//! assert_eq!((frame, rest), (Frame::text("Hello"), None));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it costs
//!
//! A compressor holds 246 KiB (window of 512 bytes) to 372 KiB (32 KiB), a decompressor 47 KiB whatever its window. The
//! compressor is made for our first message that is compressed: by default [`Deflater::THRESHOLD`] bytes or more, or a
//! message in fragments. The decompressor is made for the first byte, or the end, of the peer's first compressed message.
//! With parts, a connection keeps bytes of a frame back until there are enough for a part, and the decompressor is made
//! then.
//!
//! - Without context takeover both are freed after each message. No memory is used again for another message.
//! - With context takeover both stay. [`release_memory`](protocol_websocket_frame::Extension::release_memory) frees the compressor at any
//!   time. It frees the decompressor unless a compressed message is under way, and keeps the bytes in its window: as many
//!   as came out so far, at most 32 KiB.
//! - A bomb costs the room that it is given and the decompressor. Where the allocator moves a block to make it longer, it
//!   costs up to twice the room, because both blocks exist until one is copied.
//! - At a connection a bomb costs less than the message limit and 128 KiB, besides the caller's own read, if the allocator
//!   makes blocks longer in place. If it moves them, it costs up to twice the limit and 128 KiB. In parts it costs less than
//!   200 KiB besides the read, with the default least length of a part and blocks that grow in place; otherwise less than
//!   256 KiB.
//!
//! These figures are measured by
//!
//! ```sh
//! cargo test -p protocol-websocket-permessage-deflate --test memory -- --nocapture
//! ```
//!
//! Without context takeover each message allocates and clears its memory. Compared with a compressor that is used again, a
//! message of 100 bytes takes 2.0 to 2.6 times as long at level 1 and 1.3 to 1.6 times at level 6, one of 16 KiB hardly
//! longer at all. Where the allocator returns blocks of this size to the system each time (musl's does, and glibc's with
//! a low `MALLOC_MMAP_THRESHOLD_`) it is 0.1 to 0.2 ms a message: use another allocator there, or keep the window.
//!
//! # Secrets
//!
//! Compressed lengths tell about contents. Where a secret and an attacker's text go into one window, the attacker can
//! guess the secret by watching lengths (RFC 7692 §8; CRIME, BREACH). Send such messages uncompressed, as frames past the
//! extension, or do without.
//!
//! # Features
//!
//! None. It needs `std`, since `flate2` does.
//!
//! `flate2` is asked for `zlib-rs`, but features add up: any crate in a build that asks it for a zlib in C gets that for
//! everybody, and it takes two to five times as long. [`is_zlib_rs`] tells; `cargo tree -i libz-sys` names who it was.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod deflater;
mod inflater;
mod negotiate;
mod params;
mod stream;

pub use deflater::Deflater;
pub use inflater::Inflater;
pub use negotiate::PermessageDeflate;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Whether `flate2` compresses with zlib-rs in this build, as it does unless another crate turned on a zlib in C: for a
/// test of yours, or a line in a log.
///
/// ```
/// assert!(protocol_websocket_permessage_deflate::is_zlib_rs());
/// ```
#[must_use]
pub const fn is_zlib_rs() -> bool {
    // A stream in C is a pointer and two counters; zlib-rs keeps its state in place.
    size_of::<flate2::Compress>() > 64
}

/// What a flush ends with, which does not travel (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// The most input that the back end, which counts in 32 bits, gets at once.
const CHUNK: usize = 1 << 30;
