//! WebSocket frames and messages: header, masking, incremental UTF-8, a strict decoder, and nothing of HTTP.
#![no_std]
#![forbid(unsafe_code)]
