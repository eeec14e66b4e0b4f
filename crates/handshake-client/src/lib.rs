//! The client side of the WebSocket opening handshake: a request goes out, the answer is checked in full.
#![no_std]
#![forbid(unsafe_code)]
