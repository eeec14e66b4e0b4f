//! The closing handshake, and the calls that are valid in each state (RFC 6455 §7).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::BytesMut;
use common::{client, close_code, masked, receive_all, receive_valid, server, text_part, unmasked};
use protocol_websocket_connection::{Close, CloseCode, Config, Connection, Error, Event, SendError, State};
use protocol_websocket_frame::{EncodeError, Frame};

fn closed_by(event: Option<Event>) -> Option<Close> {
    match event {
        Some(Event::Close(close)) => close,
        other => panic!("not a close: {other:?}"),
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
//# the endpoint MUST send a Close frame in response.
#[test]
fn reply_to_close_has_its_code_and_reason() {
    let (mut client, mut server) = (client(&Config::new()), server(&Config::new()));
    let close = Close::new(4000, "enough");
    let mut wire = BytesMut::new();
    client.close(close.clone(), &mut wire).unwrap();
    assert_eq!((client.state(), close_code(&client)), (State::Closing, None));

    let (mut events, mut reply) = receive_valid(&mut server, &mut wire);
    assert_eq!(closed_by(events.pop()), Some(close.clone()));
    assert_eq!((server.state(), close_code(&server)), (State::Closed, Some(CloseCode(4000))));
    assert_eq!(reply, unmasked(Frame::close(&close).unwrap()));

    let (mut events, output) = receive_valid(&mut client, &mut reply);
    assert_eq!(closed_by(events.pop()), Some(close));
    assert_eq!((client.state(), close_code(&client), output.len()), (State::Closed, Some(CloseCode(4000)), 0));
}

#[test]
fn reply_to_close_without_code_has_no_code() {
    let mut server = server(&Config::new());
    let (mut events, output) = receive_valid(&mut server, &mut masked(Frame::close(None).unwrap()));
    assert_eq!(closed_by(events.pop()), None);
    assert_eq!((&output[..], close_code(&server)), (&b"\x88\x00"[..], Some(CloseCode::NO_STATUS)));
}

#[test]
fn accepts_unmasked_close_with_perl_compat() {
    let mut unmasked_close = unmasked(Frame::close(None).unwrap());
    let (_, end, _) = receive_all(&mut server(&Config::new()), &mut unmasked_close.clone());
    assert_eq!(end, Err(Error::Decode(protocol_websocket_frame::DecodeError::MaskMissing)));
    let (events, output) = receive_valid(&mut server(&Config::new().perl_compat()), &mut unmasked_close);
    assert!(matches!(&events[..], [Event::Close(None)]));
    assert_eq!(output[..], *b"\x88\x00");
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2
//# an endpoint MUST send a Close control frame, as described in Section 5.5.1, whose status code is
//# set to /code/
#[test]
fn simultaneous_closes_end_both_connections() {
    let (mut client, mut server) = (client(&Config::new()), server(&Config::new()));
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    client.close(Close::new(4001, ""), &mut to_server).unwrap();
    server.close(Close::new(4002, ""), &mut to_client).unwrap();
    let (_, from_server) = receive_valid(&mut server, &mut to_server);
    let (_, from_client) = receive_valid(&mut client, &mut to_client);
    assert!(from_server.is_empty() && from_client.is_empty(), "each end sends one Close");
    assert_eq!((close_code(&client), close_code(&server)), (Some(CloseCode(4002)), Some(CloseCode(4001))));
    assert_eq!((client.state(), server.state()), (State::Closed, State::Closed));
}

fn assert_nothing_can_be_sent(connection: &mut Connection) {
    let mut output = BytesMut::new();
    assert_eq!(connection.send("x", &mut output), Err(SendError::Closed));
    assert_eq!(connection.send_shared("x", &mut output), Err(SendError::Closed));
    assert_eq!(connection.send_part(text_part("", true, true), &mut output), Err(SendError::Closed));
    assert_eq!(connection.ping("x", &mut output), Err(SendError::Closed));
    assert_eq!(connection.close(None, &mut output), Err(SendError::Closed));
    assert!(output.is_empty());
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
//# The application MUST NOT send any more data frames after sending a Close frame.
#[test]
fn rejects_sending_after_our_close() {
    let mut server = server(&Config::new());
    server.close(None, &mut BytesMut::new()).unwrap();
    assert_nothing_can_be_sent(&mut server);
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
//# If at any point the state of the WebSocket connection changes, the endpoint MUST abort the
//# following steps.
#[test]
fn rejects_sending_after_peers_close() {
    let mut server = server(&Config::new());
    receive_valid(&mut server, &mut masked(Frame::close(None).unwrap()));
    assert_nothing_can_be_sent(&mut server);
    assert_eq!(server.pong("x", &mut BytesMut::new()), Err(SendError::Closed));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
//= type=test
//# Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
//# response, unless it already received a Close frame.
#[test]
fn replies_to_pings_after_our_close() {
    let mut server = server(&Config::new());
    server.close(None, &mut BytesMut::new()).unwrap();
    let mut wire = masked(Frame::text("late"));
    wire.unsplit(masked(Frame::ping("there?")));
    wire.unsplit(masked(Frame::close(None).unwrap()));
    let (events, output) = receive_valid(&mut server, &mut wire);
    assert!(matches!(&events[..], [Event::Message(_), Event::Ping(_), Event::Close(None)]), "{events:?}");
    assert_eq!(output, unmasked(Frame::pong("there?")));
    assert_eq!(server.state(), State::Closed);
}

#[test]
fn discards_input_after_peers_close() {
    let mut server = server(&Config::new());
    let mut wire = masked(Frame::text("before"));
    wire.unsplit(masked(Frame::close(None).unwrap()));
    wire.extend_from_slice(b"\xFF\xFF garbage");
    let (events, _) = receive_valid(&mut server, &mut wire);
    assert!(matches!(&events[..], [Event::Message(_), Event::Close(None)]));
    assert!(wire.is_empty());

    wire.unsplit(masked(Frame::text("after")));
    let (events, output) = receive_valid(&mut server, &mut wire);
    assert!(events.is_empty() && output.is_empty() && wire.is_empty());
}

#[test]
fn invalid_close_changes_nothing() {
    let mut server = server(&Config::new());
    let mut output = BytesMut::new();
    let rejected = |error| Err(SendError::Encode(error));
    assert_eq!(server.close(Close::new(1005, ""), &mut output), rejected(EncodeError::CloseCode(1005)));
    let long = Close::new(1000, "x".repeat(124));
    assert_eq!(server.close(long, &mut output), rejected(EncodeError::CloseReasonTooLong));
    assert_eq!((server.state(), output.len()), (State::Open, 0));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
//# If at any point the underlying transport layer connection is unexpectedly lost, the client MUST
//# _Fail the WebSocket Connection_.
#[test]
fn end_of_stream_without_close_is_abnormal() {
    let mut client = client(&Config::new());
    assert_eq!(client.receive_eof(), Err(Error::UnexpectedEof));
    assert_eq!((client.state(), close_code(&client)), (State::Closed, Some(CloseCode::ABNORMAL)));
    assert_eq!(client.receive_eof(), Ok(()));
    assert_nothing_can_be_sent(&mut client);

    let (events, output) = receive_valid(&mut client, &mut unmasked(Frame::text("after the end")));
    assert!(events.is_empty() && output.is_empty());
}

#[test]
fn end_of_stream_after_our_close_alone_is_abnormal() {
    let mut client = client(&Config::new());
    client.close(None, &mut BytesMut::new()).unwrap();
    assert_eq!(client.receive_eof(), Err(Error::UnexpectedEof));
    assert_eq!(close_code(&client), Some(CloseCode::ABNORMAL));
}

#[test]
fn end_of_stream_after_both_closes_is_clean() {
    let mut server = server(&Config::new());
    receive_valid(&mut server, &mut masked(Frame::close(None).unwrap()));
    assert_eq!(server.receive_eof(), Ok(()));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
//# An endpoint MUST NOT continue to attempt to process data (including a responding Close frame)
#[test]
fn failure_is_reported_once_and_error_repeats() {
    let mut server = server(&Config::new());
    let mut wire = masked(Frame::text("good"));
    wire.extend_from_slice(b"\x83\x80\0\0\0\0");
    wire.unsplit(masked(Frame::text("not read")));
    let (events, end, output) = receive_all(&mut server, &mut wire);
    assert!(matches!(&events[..], [Event::Message(_)]), "events before the failure are delivered: {events:?}");
    let failure = Err(Error::Decode(protocol_websocket_frame::DecodeError::ReservedOpCode(3)));
    assert_eq!((end, &output[..]), (failure, &b"\x88\x02\x03\xEA"[..]));
    assert_eq!((server.state(), close_code(&server)), (State::Closed, Some(CloseCode::ABNORMAL)));
    assert!(wire.is_empty());

    let (events, end, output) = receive_all(&mut server, &mut masked(Frame::text("x")));
    assert_eq!((events.len(), end, output.len()), (0, failure, 0));
    assert_nothing_can_be_sent(&mut server);
    assert_eq!(server.receive_eof(), Ok(()), "the failure was returned before");
}

#[test]
fn failure_after_our_close_writes_nothing() {
    let mut server = server(&Config::new());
    server.close(None, &mut BytesMut::new()).unwrap();
    let (_, end, output) = receive_all(&mut server, &mut BytesMut::from(&b"\x81\x00"[..]));
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
        let (_, end, output) = receive_all(&mut server, &mut BytesMut::from(wire));
        assert!(end.is_err());
        assert_eq!(output[..], [&b"\x88\x02"[..], &code.to_be_bytes()].concat(), "{wire:02x?}");
    }
}
