//! A message that is encoded once for many connections.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use bytes::{Bytes, BytesMut};
use common::{client, server, text_part, unmasked};
use protocol_websocket_connection::{
    Config, Connection, Event, ExtensionEncoder, ExtensionPair, ExtensionParams, Frame, Message, Negotiate, Negotiated,
    Payload, Prepared, Role, Rsv, SendError, Session,
};
use protocol_websocket_frame::EncodeError;
use test_extensions::{Flip, Runs};

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

/// Returns what was negotiated with the maximum `max` of a run.
fn runs(max: u8) -> Negotiated {
    Negotiated::default().extension(ExtensionParams::new("runs").param("max", max.to_string()))
}

/// Sends the message from a server, and checks that a client receives it.
fn assert_received(mut server: Connection, mut client: Connection, prepared: &mut Prepared) {
    let mut wire = BytesMut::new();
    server.send_prepared(prepared, &mut wire).unwrap();
    let received = client.receive(&mut wire, &mut BytesMut::new());
    assert_eq!(received, Ok(Some(Event::Message(prepared.message().clone()))));
}

#[test]
fn at_most_16_encodings_are_kept() {
    let config = Config::new().extension(Runs::new(100));
    let mut prepared = Prepared::new(vec![7; 100]);
    for max in (1..=20).chain(1..=20) {
        let negotiated = runs(max);
        let client = Connection::open_client(&negotiated, &config, |key: &mut [u8]| key.fill(7));
        assert_received(Connection::open_server(&negotiated, &config), client, &mut prepared);
    }
    assert!(format!("{prepared:?}").ends_with("encoded: 16 }"), "{prepared:?}");
}

#[test]
fn extension_that_was_added_later_encodes_the_message() {
    let config = Config::new().extension(Runs::new(9));
    let mut prepared = Prepared::new("news");
    for is_added in [false, true] {
        let negotiated = runs(9);
        let mut server = Connection::open_server(&negotiated, &config);
        let mut client = Connection::open_client(&negotiated, &config, |key: &mut [u8]| key.fill(7));
        if is_added {
            server.add_extension(Flip::pair(), Rsv::RSV3);
            client.add_extension(Flip::pair(), Rsv::RSV3);
        }
        let mut wire = BytesMut::new();
        server.send_prepared(&mut prepared, &mut wire).unwrap();
        assert_eq!(wire[0], if is_added { 0xB1 } else { 0xA1 });
        let received = client.receive(&mut wire, &mut BytesMut::new());
        assert_eq!(received, Ok(Some(Event::Message("news".into()))));
    }
}

/// An extension with this name that sets this reserved bit, and has one encoding.
#[derive(Clone, Copy)]
struct Mark(&'static str, Rsv);

impl Negotiate for Mark {
    fn name(&self) -> &str {
        self.0
    }

    fn rsv(&self) -> Rsv {
        self.1
    }

    fn offers(&self) -> Vec<ExtensionParams> {
        vec![ExtensionParams::new(self.0)]
    }

    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
        Some(offer.clone())
    }

    fn agree(&self, _: Role, _: &ExtensionParams) -> Option<ExtensionPair> {
        Some(ExtensionPair::new(Flip::new(), *self))
    }
}

impl ExtensionEncoder for Mark {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        let rsv = frame.rsv() | self.1;
        Ok(frame.with_rsv(rsv))
    }

    fn restart(&mut self) {}

    fn encoding_key(&self) -> Option<u64> {
        Some(0)
    }
}

#[test]
fn encoding_keys_belong_to_the_name_of_their_extension() {
    let config = Config::new().extension(Mark("one", Rsv::RSV1)).extension(Mark("two", Rsv::RSV2));
    let mut prepared = Prepared::new("news");
    for (extension, first_byte) in [
        (ExtensionParams::new("one"), 0xC1),
        (ExtensionParams::new("two"), 0xA1),
        (ExtensionParams::new("one").flag("of-the-other-direction"), 0xC1),
    ] {
        let mut wire = BytesMut::new();
        let negotiated = Negotiated::default().extension(extension);
        Connection::open_server(&negotiated, &config).send_prepared(&mut prepared, &mut wire).unwrap();
        assert_eq!(wire[0], first_byte);
    }
    assert!(format!("{prepared:?}").ends_with("encoded: 2 }"), "{prepared:?}");
}
