//! The sending direction continues: messages in parts, a kept pong, the closing handshake.

use bytes::BytesMut;
use protocol_websocket_connection::{
    Close, CloseCode, Config, Ended, EndedBy, Event, Frame, Role, SendError, State, Version,
};

use super::common::{masked, text_part};
use super::{VERSIONS, hand_over, open};

#[test]
fn message_in_parts_continues() {
    for role in [Role::Client, Role::Server] {
        let (mut connection, mut output) = (open(role, Version::Rfc6455, &Config::new()), BytesMut::new());
        connection.send_part(text_part("caf\u{E9}", true, false), &mut output).unwrap();
        let mut resumed = hand_over(&mut connection);
        assert_eq!(resumed.send("other", &mut output), Err(SendError::MessageUnfinished));
        output.clear();
        resumed.send_part(text_part("!", false, true), &mut output).unwrap();
        assert_eq!(output[0], 0x80);
        resumed.send("next", &mut output).unwrap();
    }
}

#[test]
fn text_is_checked_across_a_hand_over() {
    use protocol_websocket_connection::{MessageKind, Part};
    let part = |bytes: &'static [u8], first, last| {
        Part::new(MessageKind::Text, bytes.into()).with_first(first).with_last(last)
    };
    let (mut server, mut output) = (open(Role::Server, Version::Rfc6455, &Config::new()), BytesMut::new());
    server.send_part(part(b"caf\xC3", true, false), &mut output).unwrap();
    let mut server = hand_over(&mut server);
    assert!(server.send_part(part(b"x", false, true), &mut output).is_err());
    server.send_part(part(b"\xA9", false, true), &mut output).unwrap();
}

#[test]
fn message_of_frames_continues_with_frames() {
    let (mut server, mut output) = (open(Role::Server, Version::Rfc6455, &Config::new()), BytesMut::new());
    server.send_frame(&Frame::text("a").with_fin(false), &mut output).unwrap();
    let mut server = hand_over(&mut server);
    assert_eq!(server.send_part(text_part("b", false, true), &mut output), Err(SendError::MessageUnfinished));
    server.send_frame(&Frame::continuation("b"), &mut output).unwrap();
    assert_eq!(output[..], *b"\x01\x01a\x80\x01b");
}

#[test]
fn kept_pong_is_sent_after_a_hand_over() {
    let config = Config::new().high_water_mark(10);
    let (mut server, mut output) = (open(Role::Server, Version::Rfc6455, &config), BytesMut::from(&[0; 20][..]));
    server.receive(&mut masked(Frame::ping("kept")), &mut output).unwrap();
    assert_eq!(output.len(), 20);
    let mut server = hand_over(&mut server);
    output.clear();
    server.flush(&mut output);
    assert_eq!(output[..], *b"\x8A\x04kept");
}

#[test]
fn close_is_sent_once() {
    for version in VERSIONS {
        let (mut client, mut output) = (open(Role::Client, version, &Config::new()), BytesMut::new());
        client.close(None, &mut output).unwrap();
        let mut client = hand_over(&mut client);
        assert_eq!(client.state(), State::Closing);
        assert_eq!(client.close(None, &mut output), Err(SendError::Closed));
        let reply: &[u8] = if version.has_length_framing() { b"\x88\x00" } else { b"\xFF\x00" };
        let event = client.receive(&mut BytesMut::from(reply), &mut output).unwrap();
        assert_eq!(event, Some(Event::Close(None)));
        assert!(client.ended().is_some_and(|ended| ended.clean && ended.by == EndedBy::Us));
    }
}

#[test]
fn end_is_carried() {
    let close = Close::new(CloseCode::GOING_AWAY, "update");
    let wires: [(&[u8], bool); 4] = [
        (&masked(Frame::close(close).unwrap()), false),
        (b"\x81\x02hi", false),
        (b"\x88\x82\0\0\0\0\x03\xEE", false),
        (b"", true),
    ];
    for (wire, eof) in wires {
        let (mut server, mut output) = (open(Role::Server, Version::Rfc6455, &Config::new()), BytesMut::new());
        let received = server.receive(&mut BytesMut::from(wire), &mut output);
        if eof {
            server.receive_eof().unwrap_err();
        }
        let ended: Ended = server.ended().unwrap().clone();
        let mut resumed = hand_over(&mut server);
        assert_eq!((resumed.ended(), resumed.state()), (Some(&ended), State::Closed));
        assert_eq!(resumed.send("late", &mut output), Err(SendError::Closed));
        let again = resumed.receive(&mut BytesMut::from(wire), &mut output);
        assert_eq!(again.is_err(), received.is_err(), "a failure is repeated");
    }
}

#[test]
fn suspended_connection_continues_if_the_other_process_does_not() {
    let (mut server, mut output) = (open(Role::Server, Version::Rfc6455, &Config::new()), BytesMut::new());
    let mut stream = masked(Frame::text("Hello"));
    let rest = stream.split_off(8);
    assert_eq!(server.receive(&mut stream, &mut output), Ok(None));
    server.suspend().unwrap();
    assert_eq!(server.receive(&mut BytesMut::from(&rest[..]), &mut output), Ok(Some(Event::Message("Hello".into()))));
    server.send("still here", &mut output).unwrap();
}

#[test]
fn result_of_the_handshake_is_carried() {
    use protocol_websocket_connection::{Connection, ExtensionParams, Negotiated};
    let other = ExtensionParams::new("x").param("a", "1").flag("b");
    let negotiated = Negotiated::new().version(Version::Hybi10).subprotocol("chat").extension(other);
    let mut server = Connection::open_server(&negotiated, Config::new());
    let resumed = hand_over(&mut server);
    assert_eq!((resumed.negotiated(), resumed.version(), resumed.role()), (&negotiated, Version::Hybi10, Role::Server));
}
