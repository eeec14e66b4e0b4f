//! ws:// and wss:// URLs: host, port, resource name and the Host header that belongs to them.
#![no_std]
#![forbid(unsafe_code)]
