//! What an idle open connection costs: its own size, and what it keeps on the heap.
//!
//! `cargo test -p protocol-websocket-connection --all-features --test size -- --nocapture` prints the figures.
#![allow(clippy::unwrap_used)]

use bytes::BytesMut;
use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
use test_support::heap::{CountingAllocator, measure};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Returns the value of `make` and the bytes that it keeps on the heap.
fn heap_of<T>(make: impl FnOnce() -> T) -> (T, i64) {
    let (value, heap) = measure(make);
    (value, heap.live)
}

/// A random source without a state, so that only the connection is counted.
fn fixed(key: &mut [u8]) {
    key.fill(7);
}

#[test]
fn an_idle_connection_is_small_and_holds_no_buffer() {
    let (config, negotiated) = (Config::new(), Negotiated::default());
    let (server, server_heap) = heap_of(|| Connection::server(&negotiated, &config));
    let (client, client_heap) = heap_of(|| Connection::client(&negotiated, &config, fixed));
    println!(
        "Connection: {} bytes; heap: {server_heap} as a server, {client_heap} as a client",
        size_of::<Connection>()
    );
    assert!(size_of::<Connection>() <= 200, "{} bytes", size_of::<Connection>());
    #[cfg(all(feature = "client", feature = "server"))]
    {
        use protocol_websocket_connection::{Client, Server};
        println!("Client: {} bytes, Server: {} bytes", size_of::<Client>(), size_of::<Server>());
        assert!(size_of::<Client>() <= 200 && size_of::<Server>() <= 200);
    }
    assert_eq!((server_heap, client_heap), (0, 0));
    drop((server, client));
}

#[test]
fn a_connection_that_was_busy_is_as_small_again() {
    let (mut server, heap) = heap_of(|| {
        let mut server = Connection::server(&Negotiated::default(), &Config::new());
        // A message in two large fragments, a ping, and a message in one frame.
        let mut input = BytesMut::new();
        for head in [&b"\x02\xFE\xFF\xFF\0\0\0\0"[..], b"\x80\xFE\xFF\xFF\0\0\0\0", b"\x82\xFE\xFF\xFF\0\0\0\0"] {
            input.extend_from_slice(head);
            input.extend_from_slice(&[0x55; 0xFFFF]);
            input.extend_from_slice(b"\x89\x81\0\0\0\0p");
        }
        let (mut output, mut messages) = (BytesMut::new(), 0);
        while let Some(event) = server.receive(&mut input, &mut output).unwrap() {
            messages += usize::from(matches!(event, Event::Message(_)));
        }
        assert_eq!(messages, 2);
        server
    });
    assert_eq!(heap, 0);
    assert!(server.receive_eof().is_err());
}
