//! Two ends of a wire in memory.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part, and a failure should be loud")]

use bytes::BytesMut;
use protocol_websocket_connection::{Config, Connection, Error, Event, Negotiated};
use protocol_websocket_frame::{Frame, MaskKey, Version};

pub(crate) const KEY: MaskKey = MaskKey([7; 4]);

pub(crate) fn server(config: &Config) -> Connection {
    Connection::server(&Negotiated::default(), config)
}

pub(crate) fn client(config: &Config) -> Connection {
    Connection::client(&Negotiated::default(), config, |key: &mut [u8]| key.fill(7))
}

/// A frame as a client sends it.
pub(crate) fn masked(frame: Frame) -> BytesMut {
    let mut wire = BytesMut::new();
    frame.encode(Version::Rfc6455, Some(KEY), &mut wire).unwrap();
    wire
}

/// A frame as a server sends it.
pub(crate) fn unmasked(frame: Frame) -> BytesMut {
    let mut wire = BytesMut::new();
    frame.encode(Version::Rfc6455, None, &mut wire).unwrap();
    wire
}

/// What comes of `input`: the events up to the end or the error, and the output.
pub(crate) fn drain(connection: &mut Connection, input: &mut BytesMut) -> (Vec<Event>, Result<(), Error>, BytesMut) {
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

/// The same for input that is in order.
pub(crate) fn take(connection: &mut Connection, input: &mut BytesMut) -> (Vec<Event>, BytesMut) {
    let (events, end, output) = drain(connection, input);
    assert_eq!(end, Ok(()));
    (events, output)
}

/// Events by what they say, for comparison.
pub(crate) fn told(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{event:?}")).collect()
}
