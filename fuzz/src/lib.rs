//! The functions of the fuzz targets, one each. The programs in `fuzz_targets/` call them with inputs of libFuzzer, and
//! `tests/replay.rs` calls them with the inputs in `seeds/` and `regressions/`.
//!
//! Besides the absence of panics, each target checks a property of all inputs: an operation and its inverse restore the
//! value, the result equals that of a simple [`model`] or of another library, or the result is the same however the
//! bytes are split.

mod assembler;
mod connection;
mod decoder;
mod deflate;
mod driver;
mod endpoint_model;
mod endpoint_sending;
mod frame;
mod grammars;
mod handshake;
mod head;
mod input;
mod model;
mod modified_input;
mod open_connection;
mod resume;
mod session;
mod session_model;
mod session_sending;
mod wire;

pub use open_connection::{error_of, seed};

macro_rules! targets {
    ($($module:ident::$name:ident)+) => {
        $(pub use $module::$name;)+

        /// All targets with their names.
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
    grammars::cookies
    grammars::extensions
    grammars::keys
    grammars::url
    handshake::client_handshake
    handshake::handshake_pair
    handshake::server_handshake
    head::cgi
    head::request_head
    head::response_head
    modified_input::modified_input
    open_connection::open_connection
    resume::resume
    session::session
}
