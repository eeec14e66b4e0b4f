//! Both ends of a connection in memory, and the frames of both roles.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses only a part, and a failure should panic")]

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_connection::{
    CloseCode, Config, Connection, Ended, Error, Event, EventRef, MessageKind, Negotiated, Part,
};
use protocol_websocket_frame::{Frame, MaskKey, Version};

pub(crate) const KEY: MaskKey = MaskKey([7; 4]);

pub(crate) fn server(config: &Config) -> Connection {
    Connection::open_server(&Negotiated::default(), config)
}

pub(crate) fn client(config: &Config) -> Connection {
    Connection::open_client(&Negotiated::default(), config, |key: &mut [u8]| key.fill(7))
}

/// Returns the bytes of a frame as a client sends it.
pub(crate) fn masked(frame: Frame) -> BytesMut {
    let mut wire = BytesMut::new();
    frame.encode(Version::Rfc6455, Some(KEY), &mut wire).unwrap();
    wire
}

/// Returns the bytes of a frame as a server sends it.
pub(crate) fn unmasked(frame: Frame) -> BytesMut {
    let mut wire = BytesMut::new();
    frame.encode(Version::Rfc6455, None, &mut wire).unwrap();
    wire
}

pub(crate) fn text_part(bytes: &'static str, first: bool, last: bool) -> Part {
    Part::new(MessageKind::Text, bytes.into()).with_first(first).with_last(last)
}

/// Returns frames of each kind, in an order that is seldom valid.
pub(crate) fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let frame = prop_oneof![
        any::<String>().prop_map(Frame::text),
        any::<Vec<u8>>().prop_map(Frame::binary),
        prop::collection::vec(any::<u8>(), 0..126).prop_map(Frame::ping),
        prop::collection::vec(any::<u8>(), 0..126).prop_map(Frame::pong),
        any::<Vec<u8>>().prop_map(|bytes| Frame::binary(bytes).with_fin(false)),
        any::<Vec<u8>>().prop_map(Frame::continuation),
        Just(Frame::close(None).unwrap()),
    ];
    prop::collection::vec(frame, 0..8)
}

/// Echoes messages until the input is used up, and records the events.
#[cfg(feature = "server")]
pub(crate) fn echo(server: &mut Connection, input: &mut BytesMut, output: &mut BytesMut, events: &mut Vec<String>) {
    use protocol_websocket_connection::Accept;
    while let Some(event) = server.receive(input, output).unwrap() {
        events.push(match event {
            Event::Upgrade(upgrade) => {
                server.accept(upgrade, &Accept::new(), output).unwrap();
                String::from("upgrade")
            }
            Event::Message(message) => {
                server.send(message.clone(), output).unwrap();
                format!("{message:?}")
            }
            other => format!("{other:?}"),
        });
    }
}

/// Returns the close code of a connection that ended.
pub(crate) fn close_code(connection: &Connection) -> Option<CloseCode> {
    connection.ended().map(|Ended { code, .. }| *code)
}

/// Returns the events of `input` up to its end or to an error, and the output.
pub(crate) fn receive_all(
    connection: &mut Connection,
    input: &mut BytesMut,
) -> (Vec<Event>, Result<(), Error>, BytesMut) {
    let (mut events, mut output) = (Vec::new(), BytesMut::new());
    let end = loop {
        match connection.receive(input, &mut output) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (events, end, output)
}

/// Returns the events of valid input, and the output.
pub(crate) fn receive_valid(connection: &mut Connection, input: &mut BytesMut) -> (Vec<Event>, BytesMut) {
    let (events, end, output) = receive_all(connection, input);
    assert_eq!(end, Ok(()));
    (events, output)
}

/// Like [`receive_all`], by `receive_lent`.
pub(crate) fn receive_all_lent(
    connection: &mut Connection,
    input: &mut [u8],
) -> (Vec<Event>, Result<(), Error>, BytesMut) {
    let (mut events, mut output, mut input) = (Vec::new(), BytesMut::new(), input);
    let end = loop {
        match connection.receive_lent(&mut input, &mut output).map(|event| event.map(EventRef::into_owned)) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (events, end, output)
}
