//! The WebSocket upgrade request and response: parse, check and build, over httparse.
#![no_std]
#![forbid(unsafe_code)]
