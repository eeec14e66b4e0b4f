//! How to test a WebSocket program, from the shortest test to seeds and a network that is cut. This module has no items.
#![doc = include_str!("../docs/testing.md")]
