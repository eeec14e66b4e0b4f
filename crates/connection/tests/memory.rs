//! The size of an open connection, and its use of the heap: idle, while it sends, and while it lends messages.
//!
//! `cargo test -p protocol-websocket-connection --all-features --test memory -- --nocapture` prints the figures.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bytes::BytesMut;
use protocol_websocket_connection::{Config, Connection, Event, EventRef, Negotiated, ReceiveHalf, SendHalf, Session};
use test_support::heap::{CountingAllocator, measure};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Returns the value of `make`, and the number of bytes that the value has on the heap.
fn heap_of<T>(make: impl FnOnce() -> T) -> (T, i64) {
    let (value, heap) = measure(make);
    (value, heap.live)
}

/// A source of random bytes without a state, so that only the memory of the connection is counted.
fn fixed(key: &mut [u8]) {
    key.fill(7);
}

#[test]
fn idle_connection_has_208_bytes_and_no_heap() {
    let (config, negotiated) = (Arc::new(Config::new()), Negotiated::default());
    let (server, server_heap) = heap_of(|| Connection::open_server(&negotiated, Arc::clone(&config)));
    let (client, client_heap) = heap_of(|| Connection::open_client(&negotiated, Arc::clone(&config), fixed));
    println!(
        "Connection: {} bytes (ReceiveHalf {}, SendHalf {}); heap: {server_heap} as a server, {client_heap} as a client",
        size_of::<Connection>(),
        size_of::<ReceiveHalf>(),
        size_of::<SendHalf>(),
    );
    println!("Session: {} bytes", size_of::<Session>());
    println!("Event: {} bytes, EventRef: {} bytes", size_of::<Event>(), size_of::<EventRef<'_>>());
    assert!(size_of::<Event>() <= 72 && size_of::<EventRef<'_>>() <= 72);
    assert!(size_of::<Connection>() <= 208, "{} bytes", size_of::<Connection>());
    assert!(size_of::<Session>() <= 392, "{} bytes", size_of::<Session>());
    assert_eq!((server_heap, client_heap), (0, 0));
    drop((server, client));
}

#[cfg(feature = "server")]
#[test]
fn accepted_connection_frees_its_handshake() {
    use protocol_websocket_connection::{Accept, Server};

    let config = Arc::new(Config::new());
    for lent in [false, true] {
        let (server, heap) = heap_of(|| {
            let mut server = Server::new(Arc::clone(&config));
            let (mut input, mut output) = (BytesMut::from(test_support::heads::REQUEST), BytesMut::new());
            let mut slice = &mut input.clone()[..];
            let event = if lent {
                server.receive_lent(&mut slice, &mut output).unwrap().map(Event::from)
            } else {
                server.receive(&mut input, &mut output).unwrap()
            };
            let Some(Event::Upgrade(upgrade)) = event else { panic!("{event:?}") };
            server.accept(upgrade, &Accept::new(), &mut output).unwrap();
            assert!(matches!(server.receive(&mut BytesMut::new(), &mut output), Ok(Some(Event::Open(_)))));
            server
        });
        assert_eq!(heap, 0);
        drop(server);
    }
}

#[cfg(all(feature = "client", feature = "server"))]
#[test]
fn opening_allocates_few_times() {
    use protocol_websocket_connection::{Accept, Destination, Offer};

    let config = Arc::new(Config::new());
    let (mut to_server, mut to_client) = (BytesMut::with_capacity(1024), BytesMut::with_capacity(1024));
    let (mut client, request) = measure(|| {
        let destination = Destination::new("example.com", "/chat");
        Connection::client(destination, &Offer::new(), Arc::clone(&config), fixed, &mut to_server).unwrap()
    });
    let (server, upgrade) = measure(|| {
        let mut server = Connection::server(Arc::clone(&config));
        let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut to_server, &mut to_client) else { panic!() };
        server.accept(upgrade, &Accept::new(), &mut to_client).unwrap();
        assert!(matches!(server.receive(&mut to_server, &mut to_client), Ok(Some(Event::Open(_)))));
        server
    });
    let (opened, response) = measure(|| client.receive(&mut to_client, &mut to_server));
    assert!(matches!(opened, Ok(Some(Event::Open(_)))));
    // The handshake, the head of the request, its header fields, and the count of the references to the input.
    assert_eq!(upgrade.allocations, 4);
    // The handshake, and the URL of the request.
    assert_eq!(request.allocations, 2);
    // The head of the response, its header fields, and the count of the references to the input.
    assert_eq!(response.allocations, 3);
    drop((server, opened));
}

#[test]
fn connection_has_no_heap_after_messages() {
    let config = Arc::new(Config::new());
    let (mut server, heap) = heap_of(|| {
        let mut server = Connection::open_server(&Negotiated::default(), Arc::clone(&config));
        // A message in two large fragments, a ping, and a message in one frame.
        let mut input = BytesMut::new();
        for header in [&b"\x02\xFE\xFF\xFF\0\0\0\0"[..], b"\x80\xFE\xFF\xFF\0\0\0\0", b"\x82\xFE\xFF\xFF\0\0\0\0"] {
            input.extend_from_slice(header);
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

/// Sending copies into the output. It allocates nothing and borrows the message.
#[test]
fn send_allocates_nothing() {
    let config = Arc::new(Config::new());
    let mut output = BytesMut::with_capacity(1 << 20);
    let owned = (String::from("owned"), vec![7_u8; 1000]);
    for mut end in [
        Connection::open_server(&Negotiated::default(), Arc::clone(&config)),
        Connection::open_client(&Negotiated::default(), Arc::clone(&config), fixed),
    ] {
        let ((), heap) = measure(|| {
            end.send("Hello", &mut output).unwrap();
            end.send(&owned.0, &mut output).unwrap();
            end.send(&owned.1, &mut output).unwrap();
            end.send([0; 70_000], &mut output).unwrap();
            end.ping("ping", &mut output).unwrap();
            end.pong([1, 2, 3], &mut output).unwrap();
        });
        assert_eq!(heap.allocations, 0);
    }
}

/// A message that is complete in the slice is lent, not copied. The reply to a ping is on the stack.
#[test]
fn receive_lent_allocates_nothing() {
    let config = Arc::new(Config::new());
    let mut client = Connection::open_client(&Negotiated::default(), Arc::clone(&config), fixed);
    let mut server = Connection::open_server(&Negotiated::default(), config);
    let mut wire = BytesMut::new();
    for message in ["short".to_owned(), "long".repeat(1000)] {
        server.send(message, &mut wire).unwrap();
        server.ping("p", &mut wire).unwrap();
    }
    let (mut output, mut count) = (BytesMut::with_capacity(1000), 0);
    let ((), heap) = measure(|| {
        let mut input = &mut wire[..];
        while let Some(event) = client.receive_lent(&mut input, &mut output).unwrap() {
            drop(event);
            count += 1;
        }
    });
    assert_eq!((count, heap.allocations), (4, 0));
}
