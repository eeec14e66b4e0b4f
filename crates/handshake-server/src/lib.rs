//! The server side of the WebSocket opening handshake: a request comes in, an answer goes out, once.
#![no_std]
#![forbid(unsafe_code)]
