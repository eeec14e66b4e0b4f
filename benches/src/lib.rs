//! Benches of the protocol-websocket crates.
