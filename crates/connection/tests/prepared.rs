//! A message that is encoded once for many connections.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::{Bytes, BytesMut};
use common::{client, server, text_part, unmasked};
use protocol_websocket_connection::{Config, Event, Frame, Message, Prepared, SendError, Session};

#[test]
fn frame_is_the_same_as_of_send() {
    for message in [Message::from("text"), Message::from(vec![7; 70_000])] {
        let (mut prepared, mut output) = (Prepared::new(message.clone()), BytesMut::new());
        server(&Config::new()).send_prepared(&mut prepared, &mut output).unwrap();
        assert_eq!(output, unmasked(Frame::from(message.clone())));

        let mut wire = BytesMut::new();
        client(&Config::new()).send_prepared(&mut prepared, &mut wire).unwrap();
        let event = server(&Config::new()).receive(&mut wire, &mut BytesMut::new()).unwrap();
        assert_eq!(event, Some(Event::Message(message)));
    }
}

#[test]
fn long_payload_is_shared() {
    let payload = Bytes::from(vec![7; 10_000]);
    let mut prepared = Prepared::new(payload.clone());
    for _ in 0..3 {
        let mut session = Session::new(server(&Config::new()));
        session.send_prepared(&mut prepared).unwrap();
        let chunks: Vec<&[u8]> = session.unsent_chunks().collect();
        assert_eq!((chunks.len(), chunks[1].as_ptr()), (2, payload.as_ptr()));
    }
}

#[test]
fn is_rejected_as_another_message() {
    let (mut prepared, mut output) = (Prepared::new("news"), BytesMut::new());
    let mut server = server(&Config::new());
    server.send_part(text_part("a", true, false), &mut output).unwrap();
    assert_eq!(server.send_prepared(&mut prepared, &mut output), Err(SendError::MessageUnfinished));
    server.send_part(text_part("b", false, true), &mut output).unwrap();
    server.send_prepared(&mut prepared, &mut output).unwrap();
    server.close(None, &mut output).unwrap();
    assert_eq!(server.send_prepared(&mut prepared, &mut output), Err(SendError::Closed));
}

#[test]
fn frame_is_queued_without_extensions_and_debug_hides_the_message() {
    let mut session = Session::new(server(&Config::new()));
    session.send_frame(&Frame::text("raw")).unwrap();
    let mut prepared = Prepared::new("secret");
    session.send_prepared(&mut prepared).unwrap();
    assert_eq!(session.unsent_chunks().next(), Some(&b"\x81\x03raw\x81\x06secret"[..]));
    assert_eq!(format!("{prepared:?}"), "Prepared { kind: Text, len: 6, encoded: 0 }");
}
