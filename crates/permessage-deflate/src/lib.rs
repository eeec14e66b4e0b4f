//! permessage-deflate (RFC 7692): compressed WebSocket messages, their negotiation and the codec.
//!
//! # In scope
//!
//! - [`PermessageDeflate`]: the preferences of one end, and the negotiation of all four parameters.
//! - [`Deflater`] and [`Inflater`]: compress sent messages and decompress received ones, whole or in parts. The output
//!   of an inflater is limited while it decompresses, so a decompression bomb takes no more memory than the longest
//!   permitted message.
//!
//! # Out of scope
//!
//! - Frames, limits and UTF-8: `protocol-websocket-frame`. The traits [`ExtensionEncoder`], [`ExtensionDecoder`] and
//!   [`Negotiate`] are the interface to it.
//! - HTTP: `protocol-websocket-http` parses and writes `Sec-WebSocket-Extensions`.
//! - DEFLATE itself (RFC 1951): `flate2` with `zlib-rs`, which is written in Rust.
//! - Windows of 256 bytes for sent messages, which the compressor does not support. The peer's window may be that
//!   small.
//!
//! # How they fit together
//!
//! ```text
//!            client                                             server
//!   PermessageDeflate::offers ──▶ Sec-WebSocket-Extensions ──▶ PermessageDeflate::respond
//!   PermessageDeflate::agree  ◀──────── the same field ◀─────────────┤
//!        │         │                                       PermessageDeflate::agree
//!        ▼         ▼                                            │         │
//!   Inflater    Deflater ══════ compressed messages ══════▶ Inflater      ▼
//!        ▲══════════════════════ compressed messages ══════════════════ Deflater
//! ```
//!
//! A connection that is configured with a [`PermessageDeflate`] does all of this. Without a connection:
//!
//! ```
//! use protocol_websocket_core::Role;
//! use protocol_websocket_frame::{ExtensionDecoder, ExtensionEncoder, Frame, Negotiate};
//! use protocol_websocket_permessage_deflate::PermessageDeflate;
//!
//! let (client, server) = (PermessageDeflate::new(), PermessageDeflate::new().threshold(0));
//! let response = client.offers().iter().find_map(|offer| server.respond(offer)).expect("a supported offer");
//! let (mut inflater, _) = client.codec(Role::Client, &response).expect("a response to our offer");
//! let (_, mut deflater) = server.codec(Role::Server, &response).expect("our own response");
//!
//! let compressed = deflater.encode(Frame::text("Hello").into())?;
//! assert_eq!(compressed.payload()[..], *b"\xf2\x48\xcd\xc9\xc9\x07\x00"); // RFC 7692 §7.2.3.1
//! let (frame, rest) = inflater.decode(compressed, 1024)?;
//! assert_eq!((frame.into_owned(), rest), (Frame::text("Hello"), None));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory and time
//!
//! The memory of a compressor depends on the window ([`PermessageDeflate::server_max_window_bits`] and
//! [`PermessageDeflate::client_max_window_bits`]) and on the [`PermessageDeflate::mem_level`]. 128 KiB of it are a table
//! that no setting changes. A decompressor takes 47 KiB with any window.
//!
//! | window bits | window | `mem_level` 1 | 4 | 6 (default) | 8 (zlib's) |
//! |---:|---:|---:|---:|---:|---:|
//! | 9 | 512 bytes | 134 KiB | 141 KiB | 162 KiB | 246 KiB |
//! | 10 | 1 KiB | 136 KiB | 143 KiB | 164 KiB | 248 KiB |
//! | 11 | 2 KiB | 140 KiB | 147 KiB | 168 KiB | 252 KiB |
//! | 12 | 4 KiB | 148 KiB | 155 KiB | 176 KiB | 260 KiB |
//! | 13 | 8 KiB | 164 KiB | 171 KiB | 192 KiB | 276 KiB |
//! | 14 | 16 KiB | 196 KiB | 203 KiB | 224 KiB | 308 KiB |
//! | 15 (default) | 32 KiB | 260 KiB | 267 KiB | 288 KiB | 372 KiB |
//!
//! What a connection keeps between messages:
//!
//! | setting | compressor | decompressor |
//! |---|---|---|
//! | default | as in the table above | 47 KiB |
//! | the same after [`release_memory`](ExtensionEncoder::release_memory) | nothing | the window of the peer |
//! | [`PermessageDeflate::windows_only`] | the window | the window of the peer |
//! | no context takeover | nothing | nothing |
//!
//! **For many connections**, `windows_only` with windows of 4 KiB (12 bits) is recommended: a connection keeps at most 8
//! KiB. A peer that does not support a limit of its window, such as a client whose offer has no
//! `client_max_window_bits`, makes this 36 KiB. With windows of 32 KiB it is 64 KiB, so 1,000 connections keep less than
//! 66 MB. Each message then has a new compressor, which reads the window again. Measured with messages of JSON of 860
//! bytes at level 6, compression takes 2.5 times as long as by default with windows of 4 KiB, and 22 times with 32 KiB;
//! decompression takes 2.3 and 4.4 times as long.
//!
//! The compressor is created for the first compressed message that is sent: by default one of [`Deflater::THRESHOLD`]
//! bytes or more, or one in fragments. The decompressor is created for the first byte, or the end, of the first
//! compressed message that is received. A connection that delivers parts keeps the bytes of a frame until there are
//! enough for a part, and the decompressor is created then.
//!
//! - Without context takeover, both are freed after each message. No memory is reused for another message. The
//!   compressor of a whole message has no more memory than the message needs.
//! - With context takeover, both stay. [`ExtensionEncoder::release_memory`] frees the compressor at any time.
//!   [`ExtensionDecoder::release_memory`] frees the decompressor, except during a compressed message, and keeps the
//!   bytes in its window: the last bytes of its output, at most as many as the peer's window has.
//! - A decompression bomb takes as much memory as the room that the caller allows, plus the decompressor. If the
//!   allocator moves a block to make it longer, the bomb takes up to twice the room, because both blocks exist until
//!   one is copied.
//! - At a connection, a bomb takes less than the message limit plus 128 KiB, in addition to the caller's own read, if
//!   the allocator makes blocks longer in place. If it moves them, the bomb takes up to twice the limit plus 128 KiB.
//!   In parts, it takes less than 200 KiB in addition to the read, with the default minimum length of a part and blocks
//!   that grow in place; otherwise less than 256 KiB.
//!
//! These commands measure the figures. The second one measures those of a connection:
//!
//! ```sh
//! cargo test -p protocol-websocket-permessage-deflate --test memory -- --nocapture
//! cargo test -p protocol-websocket --all-features --test deflate -- --nocapture
//! ```
//!
//! Without context takeover each message allocates and clears its memory. Compared with a compressor that is reused and
//! reset, a message of 400 bytes takes 1.6 times as long to compress at level 1, because zlib-rs clears its table of
//! 128 KiB twice when it creates a compressor and once when it resets one. If the allocator returns blocks of this size
//! to the system each time (musl's does, and glibc's with a low `MALLOC_MMAP_THRESHOLD_`), it takes 0.1 to 0.2 ms per
//! message. In that case use another allocator, or keep the window.
//!
//! # Incompressible messages
//!
//! A whole message of 32 KiB or more that compression would make longer is sent uncompressed (RFC 7692 §6.1), so that a
//! message whose length is the peer's limit is not over it. A shorter one grows by a few bytes, because an empty window would
//! cost more for the messages after it. So does each part of a message that is sent in parts.
//!
//! # Secrets
//!
//! The length of a compressed message depends on its contents. If a secret and text of an attacker are compressed with
//! one window, the attacker can guess the secret from the lengths (RFC 7692 §8; CRIME, BREACH). Send such messages
//! uncompressed, as frames that bypass the extension, or do not use the extension.
//!
//! # Features
//!
//! None. The crate needs `std`, because `flate2` does.
//!
//! The compressor is `zlib-rs`. For the decompressor this crate enables `zlib-rs` in `flate2`. Cargo unifies features,
//! so if any crate in the build enables a zlib in C, the decompressor is that one, and it takes two to five times as
//! long. [`is_zlib_rs`] returns false then, and `cargo tree -i libz-sys` shows the crate that enabled it.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod compressor;
mod deflater;
mod inflater;
mod negotiate;
mod params;
mod stream;

pub use deflater::Deflater;
pub use inflater::Inflater;
pub use negotiate::PermessageDeflate;

#[cfg(doc)]
use protocol_websocket_frame::{ExtensionDecoder, ExtensionEncoder, Negotiate};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Returns whether `flate2` uses zlib-rs in this build. It does unless another crate enabled a zlib in C.
///
/// An application can check it in a test or log it.
///
/// ```
/// assert!(protocol_websocket_permessage_deflate::is_zlib_rs());
/// ```
#[must_use]
pub const fn is_zlib_rs() -> bool {
    // With a zlib in C, `Compress` is a pointer and two counters. With zlib-rs it contains the state.
    size_of::<flate2::Compress>() > 64
}

/// The last bytes of a flush, which are not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// The maximum number of bytes that one call of the back end receives, because the back end counts in 32 bits.
const MAX_CHUNK: usize = 1 << 30;
