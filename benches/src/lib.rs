//! What the benches of the protocol-websocket crates share. `cargo bench -p protocol-websocket-benches` runs them.
#![allow(clippy::expect_used, clippy::missing_panics_doc)]

use bytes::BytesMut;
use protocol_websocket_core::Version;
use protocol_websocket_frame::{Frame, MaskKey};

/// Payload lengths in bytes: a chat line, the longest short head, and three powers of two up to a large message.
pub const LENGTHS: [usize; 5] = [16, 125, 1024, 16 * 1024, 1024 * 1024];

/// The key of every masked frame here.
pub const KEY: MaskKey = MaskKey([0x37, 0xFA, 0x21, 0x3D]);

/// How many messages of `len` bytes one round takes: small ones by the 64 KiB, as a socket delivers them.
#[must_use]
pub const fn per_round(len: usize) -> usize {
    if len < 65_536 { 65_536 / len } else { 1 }
}

/// One round of masked text frames as they come from a client.
#[must_use]
pub fn masked_text(len: usize) -> BytesMut {
    let frame = Frame::text("x".repeat(len));
    let mut wire = BytesMut::new();
    for _ in 0..per_round(len) {
        frame.encode(Version::RFC6455, Some(KEY), &mut wire).expect("any text can be sent");
    }
    wire
}
