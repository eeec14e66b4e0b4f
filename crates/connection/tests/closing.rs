//! The closing handshake, and what each state allows (RFC 6455 §7).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::{Bytes, BytesMut};
use common::{client, drain, masked, server, take, unmasked};
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Error, Event, MessageKind, Part, SendError, State,
};
use protocol_websocket_frame::{EncodeError, Frame};

fn closed_by(event: Option<Event>) -> Option<Close> {
    match event {
        Some(Event::Close(close)) => close,
        other => panic!("no close but {other:?}"),
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
//# the endpoint MUST send a Close frame in response.
#[test]
fn a_close_is_answered_with_its_own_code_and_reason() {
    let (mut client, mut server) = (client(&Config::new()), server(&Config::new()));
    let close = Close::new(4000, "enough");
    let mut wire = BytesMut::new();
    client.close(close.clone(), &mut wire).unwrap();
    assert_eq!((client.state(), client.close_code()), (State::Closing, None));

    let (mut events, mut answer) = take(&mut server, &mut wire);
    assert_eq!(closed_by(events.pop()), Some(close.clone()));
    assert_eq!((server.state(), server.close_code()), (State::Closed, Some(CloseCode(4000))));
    assert_eq!(answer, unmasked(Frame::close(Some(&close)).unwrap()));

    let (mut events, output) = take(&mut client, &mut answer);
    assert_eq!(closed_by(events.pop()), Some(close));
    assert_eq!((client.state(), client.close_code(), output.len()), (State::Closed, Some(CloseCode(4000)), 0));
}

#[test]
fn a_close_without_a_code_is_answered_without_one() {
    let mut server = server(&Config::new());
    let (mut events, output) = take(&mut server, &mut masked(Frame::close(None).unwrap()));
    assert_eq!(closed_by(events.pop()), None);
    assert_eq!((&output[..], server.close_code()), (&b"\x88\x00"[..], Some(CloseCode::NO_STATUS)));
}

#[test]
fn an_unmasked_close_is_taken_if_told_so() {
    let mut unmasked_close = unmasked(Frame::close(None).unwrap());
    let (_, end, _) = drain(&mut server(&Config::new()), &mut unmasked_close.clone());
    assert_eq!(end, Err(Error::Decode(protocol_websocket_frame::DecodeError::MaskMissing)));
    let (events, output) = take(&mut server(&Config::new().perl_compat()), &mut unmasked_close);
    assert!(matches!(&events[..], [Event::Close(None)]));
    assert_eq!(output[..], *b"\x88\x00");
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2
//# an endpoint MUST send a Close control frame, as described in Section 5.5.1, whose status code is
//# set to /code/
#[test]
fn two_closes_may_cross() {
    let (mut client, mut server) = (client(&Config::new()), server(&Config::new()));
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    client.close(Close::new(4001, ""), &mut to_server).unwrap();
    server.close(Close::new(4002, ""), &mut to_client).unwrap();
    let (_, from_server) = take(&mut server, &mut to_server);
    let (_, from_client) = take(&mut client, &mut to_client);
    assert!(from_server.is_empty() && from_client.is_empty(), "one Close a side");
    assert_eq!((client.close_code(), server.close_code()), (Some(CloseCode(4002)), Some(CloseCode(4001))));
    assert_eq!((client.state(), server.state()), (State::Closed, State::Closed));
}

fn nothing_can_be_sent(connection: &mut Connection) {
    let mut output = BytesMut::new();
    let part = Part { kind: MessageKind::Text, bytes: Bytes::new(), first: true, last: true };
    assert_eq!(connection.send("x", &mut output), Err(SendError::Closed));
    assert_eq!(connection.send_vectored("x", &mut output), Err(SendError::Closed));
    assert_eq!(connection.send_part(part, &mut output), Err(SendError::Closed));
    assert_eq!(connection.ping("x", &mut output), Err(SendError::Closed));
    assert_eq!(connection.close(None, &mut output), Err(SendError::Closed));
    assert!(output.is_empty());
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
//# The application MUST NOT send any more data frames after sending a Close frame.
#[test]
fn nothing_is_sent_after_our_close() {
    let mut server = server(&Config::new());
    server.close(None, &mut BytesMut::new()).unwrap();
    nothing_can_be_sent(&mut server);
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
//# If at any point the state of the WebSocket connection changes, the endpoint MUST abort the
//# following steps.
#[test]
fn nothing_is_sent_after_the_answer_to_a_close() {
    let mut server = server(&Config::new());
    take(&mut server, &mut masked(Frame::close(None).unwrap()));
    nothing_can_be_sent(&mut server);
    assert_eq!(server.pong("x", &mut BytesMut::new()), Err(SendError::Closed));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
//= type=test
//# Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
//# response, unless it already received a Close frame.
#[test]
fn after_our_close_messages_still_come_and_pings_are_answered() {
    let mut server = server(&Config::new());
    server.close(None, &mut BytesMut::new()).unwrap();
    let mut wire = masked(Frame::text("late"));
    wire.unsplit(masked(Frame::ping("there?")));
    wire.unsplit(masked(Frame::close(None).unwrap()));
    let (events, output) = take(&mut server, &mut wire);
    assert!(matches!(&events[..], [Event::Message(_), Event::Ping(_), Event::Close(None)]), "{events:?}");
    assert_eq!(output, unmasked(Frame::pong("there?")));
    assert_eq!(server.state(), State::Closed);
}

#[test]
fn what_follows_a_close_is_thrown_away() {
    let mut server = server(&Config::new());
    let mut wire = masked(Frame::text("before"));
    wire.unsplit(masked(Frame::close(None).unwrap()));
    wire.extend_from_slice(b"\xFF\xFF garbage");
    let (events, _) = take(&mut server, &mut wire);
    assert!(matches!(&events[..], [Event::Message(_), Event::Close(None)]));
    assert!(wire.is_empty());

    wire.unsplit(masked(Frame::text("after")));
    let (events, output) = take(&mut server, &mut wire);
    assert!(events.is_empty() && output.is_empty() && wire.is_empty());
}

#[test]
fn a_close_that_cannot_be_said_changes_nothing() {
    let mut server = server(&Config::new());
    let mut output = BytesMut::new();
    let refused = |error| Err(SendError::Encode(error));
    assert_eq!(server.close(Close::new(1005, ""), &mut output), refused(EncodeError::CloseCode(1005)));
    let long = Close::new(1000, "x".repeat(124));
    assert_eq!(server.close(long, &mut output), refused(EncodeError::CloseReasonTooLong));
    assert_eq!((server.state(), output.len()), (State::Open, 0));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
//# If at any point the underlying transport layer connection is unexpectedly lost, the client MUST
//# _Fail the WebSocket Connection_.
#[test]
fn an_end_before_a_close_is_abnormal() {
    let mut client = client(&Config::new());
    assert_eq!(client.receive_eof(), Err(Error::UnexpectedEof));
    assert_eq!((client.state(), client.close_code()), (State::Closed, Some(CloseCode::ABNORMAL)));
    assert_eq!(client.receive_eof(), Ok(()));
    nothing_can_be_sent(&mut client);

    let (events, output) = take(&mut client, &mut unmasked(Frame::text("after the end")));
    assert!(events.is_empty() && output.is_empty());
}

#[test]
fn an_end_between_our_close_and_the_answer_is_abnormal() {
    let mut client = client(&Config::new());
    client.close(None, &mut BytesMut::new()).unwrap();
    assert_eq!(client.receive_eof(), Err(Error::UnexpectedEof));
    assert_eq!(client.close_code(), Some(CloseCode::ABNORMAL));
}

#[test]
fn an_end_after_the_close_is_clean() {
    let mut server = server(&Config::new());
    take(&mut server, &mut masked(Frame::close(None).unwrap()));
    assert_eq!(server.receive_eof(), Ok(()));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
//# An endpoint MUST NOT continue to attempt to process data (including a responding Close frame)
#[test]
fn a_failure_is_told_once_and_stays() {
    let mut server = server(&Config::new());
    let mut wire = masked(Frame::text("good"));
    wire.extend_from_slice(b"\x83\x80\0\0\0\0");
    wire.unsplit(masked(Frame::text("never read")));
    let (events, end, output) = drain(&mut server, &mut wire);
    assert!(matches!(&events[..], [Event::Message(_)]), "what came before is kept: {events:?}");
    let failure = Err(Error::Decode(protocol_websocket_frame::DecodeError::ReservedOpCode(3)));
    assert_eq!((end, &output[..]), (failure, &b"\x88\x02\x03\xEA"[..]));
    assert_eq!((server.state(), server.close_code()), (State::Closed, Some(CloseCode::ABNORMAL)));
    assert!(wire.is_empty());

    let (events, end, output) = drain(&mut server, &mut masked(Frame::text("x")));
    assert_eq!((events.len(), end, output.len()), (0, failure, 0));
    nothing_can_be_sent(&mut server);
    assert_eq!(server.receive_eof(), Ok(()), "the failure was told");
}

#[test]
fn a_failure_after_our_close_writes_nothing_more() {
    let mut server = server(&Config::new());
    server.close(None, &mut BytesMut::new()).unwrap();
    let (_, end, output) = drain(&mut server, &mut BytesMut::from(&b"\x81\x00"[..]));
    assert!(end.is_err() && output.is_empty());
}

#[test]
fn each_kind_of_failure_has_its_close_code() {
    for (wire, code) in [
        (&b"\x81\x81\0\0\0\0\xFF"[..], 1007_u16),
        (b"\x82\xFF\0\0\0\0\0\x10\0\x01\0\0\0\0", 1009),
        (b"\x80\x80\0\0\0\0", 1002),
        (b"\x88\x81\0\0\0\0\x03", 1002),
    ] {
        let mut server = server(&Config::new());
        let (_, end, output) = drain(&mut server, &mut BytesMut::from(wire));
        assert!(end.is_err());
        assert_eq!(output[..], [&b"\x88\x02"[..], &code.to_be_bytes()].concat(), "{wire:02x?}");
    }
}
