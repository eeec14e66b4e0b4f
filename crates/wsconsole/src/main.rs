//! A WebSocket console.
fn main() {}
