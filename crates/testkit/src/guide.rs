//! How to test a WebSocket program, from a short test to seeds and network partitions. This module has no items.
#![doc = include_str!("../docs/testing.md")]
