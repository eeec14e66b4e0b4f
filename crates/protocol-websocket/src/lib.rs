//! WebSocket without I/O.
#![no_std]
#![forbid(unsafe_code)]
