//! `receive_lent` returns the same events, errors and output as `receive`, however the bytes are split into reads.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use bytes::{BufMut, BytesMut};
use common::{client, frames, masked, receive_all, receive_all_lent, server, unmasked};
use proptest::prelude::*;
use protocol_websocket_connection::{
    Config, Connection, Delivery, Error, Event, EventRef, Frame, Limits, Message, Negotiated, Rsv, Version,
};
use test_extensions::{Flip, Runs};
use test_support::split::{split_everywhere, split_in_sizes};

/// The events, the error and the output of all reads.
#[derive(Debug, Default, PartialEq)]
struct Received {
    events: Vec<Event>,
    error: Option<Error>,
    output: BytesMut,
}

impl Received {
    fn add(&mut self, (events, end, output): (Vec<Event>, Result<(), Error>, BytesMut)) {
        self.events.extend(events);
        self.error = end.err();
        self.output.unsplit(output);
    }

    /// Joins the parts of each message, because their number depends on the reads.
    fn joined(mut self) -> Self {
        let mut events: Vec<Event> = Vec::new();
        for event in self.events {
            match (events.last_mut(), event) {
                (Some(Event::Part(last)), Event::Part(part)) if !last.last => {
                    last.bytes = [&last.bytes[..], &part.bytes].concat().into();
                    last.last = part.last;
                }
                (_, event) => events.push(event),
            }
        }
        // The reads decide how much of a message is delivered before its error.
        if self.error.is_some() && matches!(events.last(), Some(Event::Part(part)) if !part.last) {
            events.pop();
        }
        self.events = events;
        self
    }
}

fn received(mut connection: Connection, reads: &[&[u8]]) -> Received {
    let (mut received, mut input) = (Received::default(), BytesMut::new());
    for read in reads {
        input.extend_from_slice(read);
        received.add(receive_all(&mut connection, &mut input));
        assert!(input.is_empty(), "all input is read");
    }
    received
}

/// Receives each read from its own buffer, which is dropped after the read.
fn received_lent(mut connection: Connection, reads: &[&[u8]]) -> Received {
    let mut received = Received::default();
    for read in reads {
        received.add(receive_all_lent(&mut connection, &mut read.to_vec()));
    }
    received
}

#[track_caller]
fn assert_same(new: impl Fn() -> Connection, wire: &[u8]) {
    let whole = received(new(), &[wire]).joined();
    assert_eq!(received_lent(new(), &[wire]).joined(), whole);
    for (first, second) in split_everywhere(wire) {
        assert_eq!(received(new(), &[first, second]).joined(), whole, "{} bytes", first.len());
        assert_eq!(received_lent(new(), &[first, second]).joined(), whole, "{} bytes lent", first.len());
    }
    let bytes: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(received_lent(new(), &bytes).joined(), whole);
}

fn open_server(version: Version, config: &Config) -> Connection {
    Connection::open_server(&Negotiated::default().version(version), config)
}

#[test]
fn same_for_every_split_of_frames() {
    let mut wire = BytesMut::new();
    for frame in [
        Frame::text("Größe"),
        Frame::ping("ping"),
        Frame::text("in ").with_fin(false),
        Frame::pong("between"),
        Frame::continuation("two"),
        Frame::binary(vec![7; 300]),
        Frame::close(protocol_websocket_connection::Close::new(1000, "bye")).unwrap(),
        Frame::text("discarded"),
    ] {
        wire.unsplit(masked(frame));
    }
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let config = Config::new().delivery(delivery).min_part(1);
        for version in [Version::Rfc6455, Version::Hybi10] {
            assert_same(|| open_server(version, &config), &wire);
        }
    }
}

#[test]
fn same_for_every_split_of_the_oldest_versions() {
    let wire = b"\0Gr\xC3\xB6\xC3\x9Fe\xFF\x80\x02xx\0\xFFa\0bad \xC3 text\xFF\xFF\0\0discarded\xFF";
    for version in [Version::Hybi00, Version::Hixie75] {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            let config = Config::new().delivery(delivery).min_part(1);
            assert_same(|| open_server(version, &config), wire);
        }
    }
}

#[test]
fn same_for_every_split_of_invalid_input() {
    for invalid in [
        &b"\x83\x80\0\0\0\0"[..],
        b"\x81\x01x",
        b"\x81\x82\0\0\0\0\xC3\x28",
        b"\x80\x80\0\0\0\0",
        b"\xC1\x80\0\0\0\0",
        b"\x88\x81\0\0\0\0\x03",
        b"\x82\xFF\0\0\0\0\0\x10\0\x01\0\0\0\0",
    ] {
        let mut wire = masked(Frame::text("valid"));
        wire.extend_from_slice(invalid);
        wire.extend_from_slice(b"discarded");
        assert_same(|| server(&Config::new()), &wire);
    }
}

#[test]
fn same_for_every_split_with_extensions() {
    let extended = |mut connection: Connection| {
        connection.add_extension(Runs::new(200).pair(), Rsv::RSV2);
        connection.add_extension(Flip::pair(), Rsv::RSV3);
        connection
    };
    let (mut peer, mut wire) = (extended(client(&Config::new())), BytesMut::new());
    peer.send("aaaabbbb", &mut wire).unwrap();
    peer.send_frame(&Frame::text("not extended"), &mut wire).unwrap();
    peer.ping("p", &mut wire).unwrap();
    peer.send_part(common::text_part("pa", true, false), &mut wire).unwrap();
    peer.send_part(common::text_part("rts", false, true), &mut wire).unwrap();
    // Decoded, it exceeds the limit.
    peer.send(vec![7; 50], &mut wire).unwrap();
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let config = Config::new().delivery(delivery).min_part(1).limits(Limits::new(40));
        assert_same(|| extended(server(&config)), &wire);
    }
}

/// A payload borrows from the slice if it is complete there and no extension changes it.
#[test]
fn lends_complete_payloads() {
    let mut wire = unmasked(Frame::text("complete"));
    wire.unsplit(unmasked(Frame::ping("ping")));
    let range = wire.as_ptr_range();
    let mut end = client(&Config::new());
    let (mut input, mut output) = (&mut wire[..], BytesMut::new());
    let event = end.receive_lent(&mut input, &mut output).unwrap();
    let Some(EventRef::Message(message)) = event else { panic!("{event:?}") };
    assert!(range.contains(&message.as_bytes().as_ptr()));
    // The connection can send while the message is in use.
    end.send(&message, &mut output).unwrap();
    assert_eq!(message.into_owned(), Message::from("complete"));
    let event = end.receive_lent(&mut input, &mut output).unwrap();
    let Some(EventRef::Ping(payload)) = event else { panic!("{event:?}") };
    assert!(range.contains(&payload.as_ptr()));
    assert_eq!(end.receive_lent(&mut input, &mut output), Ok(None));
}

#[test]
fn receive_and_receive_lent_can_be_mixed() {
    let wire = masked(Frame::text("mixed"));
    for (first, second) in split_everywhere(&wire) {
        for lent_first in [false, true] {
            let mut server = server(&Config::new());
            let mut received = Received::default();
            if lent_first {
                received.add(receive_all_lent(&mut server, &mut first.to_vec()));
                received.add(receive_all(&mut server, &mut BytesMut::from(second)));
            } else {
                received.add(receive_all(&mut server, &mut BytesMut::from(first)));
                received.add(receive_all_lent(&mut server, &mut second.to_vec()));
            }
            assert_eq!((received.events, received.error), (vec![Event::Message("mixed".into())], None));
        }
    }
}

#[test]
fn payload_buffer_receives_the_rest_of_a_long_payload() {
    use core::time::Duration;
    use protocol_websocket_connection::Timeouts;

    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let message = vec![0x55; 300_000];
    let mut wire = masked(Frame::binary(message.clone()));
    let (mut server, mut output) = (server(&config), BytesMut::new());
    server.handle_timeout(Duration::ZERO, &mut output).unwrap();
    assert!(server.payload_buffer().is_none());
    assert_eq!(server.receive(&mut wire.split_to(100), &mut output), Ok(None));
    server.handle_timeout(Duration::from_secs(5), &mut output).unwrap();
    let mut input = BytesMut::new();
    let event = loop {
        match server.payload_buffer() {
            Some(mut buffer) => {
                let len = buffer.remaining_mut().min(wire.len());
                buffer.put(wire.split_to(len));
            }
            None => input.unsplit(wire.split()),
        }
        if let Some(event) = server.receive(&mut input, &mut output).unwrap() {
            break event;
        }
        // These bytes restart the ping interval, too.
        server.handle_timeout(Duration::from_secs(15), &mut output).unwrap();
        assert_eq!(server.poll_timeout(), Some(Duration::from_secs(35)));
    };
    assert_eq!(event, Event::Message(message.into()));
    server.receive(&mut masked(Frame::close(None).unwrap()), &mut output).unwrap();
    assert!(server.payload_buffer().is_none());
}

/// A caller that reads until the socket is empty asks for the memory once more than it gets bytes.
#[test]
fn payload_buffer_without_a_read_is_not_a_sign_of_life() {
    use core::time::Duration;
    use protocol_websocket_connection::{Timeout, Timeouts};

    let config = Config::new().timeouts(Timeouts::NONE.idle(Some(Duration::from_secs(10))));
    let mut wire = masked(Frame::binary(vec![0x55; 300_000]));
    let (mut server, mut output) = (server(&config), BytesMut::new());
    server.receive(&mut wire.split_to(100), &mut output).unwrap();
    server.handle_timeout(Duration::ZERO, &mut output).unwrap();
    for seconds in 1..10 {
        assert!(server.payload_buffer().is_some());
        assert_eq!(server.receive(&mut BytesMut::new(), &mut output), Ok(None));
        assert_eq!(server.handle_timeout(Duration::from_secs(seconds), &mut output), Ok(()));
    }
    assert_eq!(server.handle_timeout(Duration::from_secs(10), &mut output), Err(Error::Timeout(Timeout::Idle)));
}

#[cfg(all(feature = "server", feature = "url"))]
mod handshake {
    use protocol_websocket_connection::{Accept, Client, Offer, Server, State, Url};

    use super::*;

    const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

    fn connect(version: Version, output: &mut BytesMut) -> Client {
        let url = Url::parse("ws://example.com/").unwrap();
        let offer = Offer::new().version(version);
        Client::connect(&url, &offer, Config::new(), |bytes: &mut [u8]| bytes.fill(113), output).unwrap()
    }

    /// Accepts, and echoes messages. The buffer of the read is dropped afterwards.
    fn serve_lent(server: &mut Server, read: &[u8], output: &mut BytesMut) -> Vec<Event> {
        let (mut buffer, mut events) = (read.to_vec(), Vec::new());
        let mut input = &mut buffer[..];
        while let Some(event) = server.receive_lent(&mut input, output).unwrap() {
            match event {
                EventRef::Upgrade(upgrade) => {
                    let rest = input.len();
                    assert!(server.receive_lent(&mut input, output).unwrap().is_none());
                    assert_eq!(input.len(), rest, "nothing is read while the upgrade is unanswered");
                    server.accept(upgrade, &Accept::new(), output).unwrap();
                }
                EventRef::Message(message) => {
                    server.send(&message, output).unwrap();
                    events.push(Event::Message(message.into_owned()));
                }
                event => events.push(event.into_owned()),
            }
        }
        assert!(input.is_empty());
        events
    }

    #[test]
    fn server_reads_slices_from_the_first_byte() {
        for version in VERSIONS {
            let mut wire = BytesMut::new();
            connect(version, &mut wire);
            wire.extend_from_slice(if version.has_length_framing() {
                b"\x81\x85\0\0\0\0Hello"
            } else {
                b"\0Hello\xFF"
            });
            let mut expected = None;
            for (first, second) in split_everywhere(&wire) {
                let (mut server, mut output) = (Server::new(Config::new()), BytesMut::new());
                let mut events = serve_lent(&mut server, first, &mut output);
                events.extend(serve_lent(&mut server, second, &mut output));
                assert!(matches!(&events[..], [Event::Open(_), Event::Message(_)]), "{version}: {events:?}");
                let expected = expected.get_or_insert_with(|| output.clone());
                assert_eq!(&output, expected, "{version}: {} bytes", first.len());
            }
        }
    }

    #[test]
    fn client_reads_slices_from_the_first_byte() {
        for version in VERSIONS {
            let (mut request, mut wire) = (BytesMut::new(), BytesMut::new());
            connect(version, &mut request);
            let mut server = Server::new(Config::new());
            serve_lent(&mut server, &request, &mut wire);
            server.send("welcome", &mut wire).unwrap();
            for (first, second) in split_everywhere(&wire) {
                let (mut client, mut output) = (connect(version, &mut BytesMut::new()), BytesMut::new());
                let mut events = Vec::new();
                for read in [first, second] {
                    events.extend(receive_all_lent(&mut client, &mut read.to_vec()).0);
                }
                assert!(matches!(&events[..], [Event::Open(_), Event::Message(_)]), "{version}: {events:?}");
                assert!(client.receive_lent(&mut &mut [][..], &mut output).unwrap().is_none());
            }
        }
    }

    #[test]
    fn body_of_a_rejection_stays_in_the_slice() {
        let wire = b"HTTP/1.1 403 Forbidden\r\n\r\nbody";
        for split in 0..wire.len() - 4 {
            let mut client = connect(Version::Rfc6455, &mut BytesMut::new());
            let (first, second) = wire.split_at(split);
            assert!(receive_all_lent(&mut client, &mut first.to_vec()).0.is_empty());
            let (mut buffer, mut output) = (second.to_vec(), BytesMut::new());
            let mut input = &mut buffer[..];
            assert!(matches!(client.receive_lent(&mut input, &mut output), Ok(Some(EventRef::Rejected(_)))));
            assert!(client.receive_lent(&mut input, &mut output).unwrap().is_none());
            assert_eq!((&input[..], client.state()), (&b"body"[..], State::Closed));
        }
    }

    #[test]
    fn head_in_slices_is_continued_from_a_buffer() {
        let mut wire = BytesMut::new();
        connect(Version::Rfc6455, &mut wire);
        for (first, second) in split_everywhere(&wire) {
            if second.is_empty() {
                continue;
            }
            let (mut server, mut output) = (Server::new(Config::new()), BytesMut::new());
            assert!(server.receive_lent(&mut &mut first.to_vec()[..], &mut output).unwrap().is_none());
            let mut input = BytesMut::from(second);
            input.extend_from_slice(b"rest");
            assert!(matches!(server.receive(&mut input, &mut output), Ok(Some(Event::Upgrade(_)))));
            assert_eq!(input[..], *b"rest");
        }
    }

    #[test]
    fn invalid_head_is_refused_from_slices() {
        let (mut server, mut output) = (Server::new(Config::new()), BytesMut::new());
        let mut input = &mut b"BREW / HTTP/1.1\r\nHost: h\r\n\r\nmore".to_vec()[..];
        let error = server.receive_lent(&mut input, &mut output).unwrap_err();
        assert!(matches!(error, Error::Request(_)) && output.starts_with(b"HTTP/1.1 405 "), "{error:?}");
        assert!(input.is_empty());
        assert_eq!(server.receive_lent(&mut &mut b"x".to_vec()[..], &mut output), Err(error));
    }
}

proptest! {
    #[test]
    fn same_for_any_reads(
        frames in frames(),
        noise: Vec<u8>,
        sizes in prop::collection::vec(1_usize..40, 1..20),
    ) {
        let mut wire: BytesMut = frames.into_iter().flat_map(masked).collect();
        wire.extend_from_slice(&noise);
        let reads = split_in_sizes(&wire, &sizes);
        let new = || server(&Config::new());
        prop_assert_eq!(received_lent(new(), &reads), received(new(), &[&wire]));
    }
}
