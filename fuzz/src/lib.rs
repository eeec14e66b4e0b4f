//! What the fuzz targets do, one function each. The programs in `fuzz_targets/` call them with what libFuzzer makes up;
//! `tests/replay.rs` calls them with what is kept in `seeds/` and `regressions/`.
//!
//! None of them looks for crashes alone: each states what must hold of any input, as an inverse, against a plain
//! [`model`] or another library, or as the same outcome however the bytes are cut.

mod assembler;
mod connection;
mod decoder;
mod deflate;
mod end;
mod frame;
mod handshake;
mod head;
mod heap;
mod input;
mod leftover;
mod model;
mod sending;
mod text;
mod wire;

macro_rules! targets {
    ($($module:ident::$name:ident)+) => {
        $(pub use $module::$name;)+

        /// All targets by their names.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name)),+];
    };
}

targets! {
    assembler::assembler
    connection::connection
    decoder::decoder
    decoder::sentinel
    deflate::deflate
    deflate::inflate
    frame::frame_encode
    frame::frame_header
    frame::mask
    frame::utf8
    handshake::client_handshake
    handshake::handshake_pair
    handshake::server_handshake
    head::cgi
    head::request_head
    head::response_head
    leftover::leftover
    text::cookies
    text::extensions
    text::keys
    text::url
}
