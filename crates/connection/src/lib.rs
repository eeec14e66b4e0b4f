//! A WebSocket connection without I/O: bytes in, events out; messages in, bytes out.
#![no_std]
#![forbid(unsafe_code)]
