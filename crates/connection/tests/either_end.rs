//! One type for both roles: functions that take a `&mut Connection`, and the helpers that dereference to it.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use core::time::Duration;

use bytes::BytesMut;
use common::{masked, server as connection, text_part};
use protocol_websocket_connection::{
    Accept, Close, Config, Connection, Error, Event, Frame, Role, SendError, Server, State, Timeouts, Version,
};
use test_support::heads::{HIXIE75_REQUEST, REQUEST};

fn config() -> Config {
    Config::default().timeouts(Timeouts::RECOMMENDED).high_water_mark(8)
}

/// Returns a server that has accepted, and has not returned the event `Open` yet.
fn accepted() -> Server {
    let (mut server, mut output) = (Server::new(config()), BytesMut::new());
    let received = server.receive(&mut BytesMut::from(REQUEST), &mut output).unwrap();
    let Some(Event::Upgrade(upgrade)) = received else { panic!("{received:?}") };
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    server
}

fn opened() -> Server {
    let mut server = accepted();
    assert!(matches!(server.receive(&mut BytesMut::new(), &mut BytesMut::new()), Ok(Some(Event::Open(_)))));
    server
}

/// Calls every method of a connection, in an order in which each call has an effect. Records the result, the state and the
/// output of each call.
macro_rules! record {
    ($end:expr) => {{
        let (mut end, mut output, mut record) = ($end, BytesMut::new(), Vec::new());
        macro_rules! call {
            ($call:expr) => {{
                let result = format!("{:?}", $call);
                let state = (end.state(), end.ended().cloned(), end.poll_timeout());
                record.push((result, state, output.split()));
            }};
        }
        macro_rules! receive {
            ($input:expr) => {{
                let mut input = $input;
                match end.receive(&mut input, &mut output) {
                    // The event `Open` did not need the input.
                    Ok(Some(Event::Open(_))) => end.receive(&mut input, &mut output),
                    other => other,
                }
            }};
        }
        let secs = Duration::from_secs;
        call!(end.handle_timeout(secs(0), &mut output));
        call!(end.send("text", &mut output));
        call!(end.send_shared("text", &mut output));
        call!(end.send_part(text_part("x", true, false), &mut output));
        call!(end.send("inside", &mut output));
        call!(end.send_part(text_part("x", false, true), &mut output));
        call!(end.send_frame(&Frame::binary("frame"), &mut output));
        call!(end.ping("p", &mut output));
        call!(end.pong("p", &mut output));
        call!(end.handle_timeout(secs(20), &mut output));
        // Over the high-water mark, a pong is kept until the flush.
        output.extend_from_slice(b"not written yet");
        call!(receive!(masked(Frame::ping("late"))));
        call!(end.flush(&mut output));
        call!(end.release_memory());
        call!(receive!(masked(Frame::text("hi"))));
        call!(end.close(Close::new(4000, "bye"), &mut output));
        call!(end.handle_timeout(secs(1000), &mut output));
        call!(end.receive_eof());
        call!(end.send("over", &mut output));
        record
    }};
}

#[test]
fn helper_behaves_like_its_connection() {
    let record = record!(connection(&config()));
    assert!(record.iter().any(|(_, _, output)| output.ends_with(b"\x8a\x04late")), "{record:?}");
    assert!(matches!(record.last(), Some((result, _, _)) if result == "Err(Closed)"), "{record:?}");
    assert_eq!(record!(accepted()), record);
    assert_eq!(record!(opened()), record);
    assert_eq!(record!(opened().into_connection()), record);
}

#[test]
fn rejects_sending_before_request() {
    let (mut server, mut output) = (Server::new(config()), BytesMut::new());
    assert_eq!(server.send_shared("x", &mut output), Err(SendError::NotOpen));
    assert_eq!(server.send_part(text_part("x", true, true), &mut output), Err(SendError::NotOpen));
    server.flush(&mut output);
    server.release_memory();
    assert!(output.is_empty());
    assert_eq!((server.state(), server.ended()), (State::Connecting, None));
}

#[test]
fn ended_handshake_rejects_everything() {
    let (mut server, mut other, mut output) = (Server::new(config()), Server::new(config()), BytesMut::new());
    let received = other.receive(&mut BytesMut::from(REQUEST), &mut output).unwrap();
    let Some(Event::Upgrade(upgrade)) = received else { panic!("{received:?}") };
    assert_eq!(server.receive_eof(), Err(Error::UnexpectedEof));
    assert_eq!(server.accept(upgrade, &Accept::new(), &mut output), Err(SendError::Closed));
    assert_eq!((server.poll_timeout(), server.handle_timeout(Duration::MAX, &mut output)), (None, Ok(())));
    assert_eq!(server.receive(&mut BytesMut::from(REQUEST), &mut output).map(|event| event.is_none()), Ok(true));
    assert!(output.is_empty());
}

/// Sends a message and a Close, in either role.
#[cfg(feature = "url")]
fn send_and_close(connection: &mut Connection, output: &mut BytesMut) -> Result<Role, SendError> {
    connection.send("goodbye", output)?;
    connection.close(Close::new(1000, "done"), output)?;
    Ok(connection.role())
}

#[cfg(feature = "url")]
#[test]
fn function_takes_either_end() {
    use protocol_websocket_connection::{Client, Offer, Url};

    let url = Url::parse("ws://example.com/").unwrap();
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let random = |bytes: &mut [u8]| bytes.fill(7);
    let offer = Offer::new().subprotocol("chat");
    let mut client = Client::connect(&url, &offer, config(), random, &mut to_server).unwrap();
    let mut server = Server::new(config());
    assert_eq!(send_and_close(&mut client, &mut to_server.clone()), Err(SendError::NotOpen));

    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut to_server, &mut to_client) else { panic!() };
    server.accept(upgrade, &Accept::new().subprotocol("chat"), &mut to_client).unwrap();
    for (end, input) in [(&mut *client, &mut to_client), (&mut *server, &mut BytesMut::new())] {
        assert!(matches!(end.receive(input, &mut BytesMut::new()), Ok(Some(Event::Open(_)))));
        assert_eq!((end.state(), end.version()), (State::Open, Version::Rfc6455));
        assert_eq!(end.negotiated().subprotocol.as_deref(), Some("chat"));
    }
    assert_eq!(send_and_close(&mut client, &mut to_server), Ok(Role::Client));
    assert_eq!(send_and_close(&mut server, &mut to_client), Ok(Role::Server));
    for (end, input) in [(&mut *client, &mut to_client), (&mut *server, &mut to_server)] {
        let output = &mut BytesMut::new();
        assert_eq!(end.receive(input, output), Ok(Some(Event::Message("goodbye".into()))));
        assert!(matches!(end.receive(input, output), Ok(Some(Event::Close(Some(_))))));
        assert_eq!(end.state(), State::Closed);
    }
}

#[test]
fn connection_returns_its_configuration_role_and_version() {
    let config = std::sync::Arc::new(config());
    let mut server = Connection::server(std::sync::Arc::clone(&config));
    assert!(core::ptr::eq(server.config(), &*config));
    assert_eq!((server.role(), server.version()), (Role::Server, Version::Rfc6455));
    assert_eq!(*server.negotiated(), Default::default());
    let mut output = BytesMut::new();
    let mut input = BytesMut::from(HIXIE75_REQUEST);
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut input, &mut output) else { panic!() };
    assert_eq!(server.version(), Version::Hixie75);
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    assert_eq!(server.negotiated().version, Version::Hixie75);
}

#[cfg(feature = "url")]
#[test]
fn client_writes_nothing_when_handshake_times_out() {
    use protocol_websocket_connection::{Client, Offer, Timeout, Url};

    let url = Url::parse("ws://example.com/").unwrap();
    let mut output = BytesMut::new();
    let random = |bytes: &mut [u8]| bytes.fill(7);
    let mut client = Client::connect(&url, &Offer::new(), config(), random, &mut output).unwrap();
    output.clear();
    client.handle_timeout(Duration::ZERO, &mut output).unwrap();
    let due = client.poll_timeout().unwrap();
    assert_eq!(client.handle_timeout(due, &mut output), Err(Error::Timeout(Timeout::Handshake)));
    assert!(output.is_empty());
    assert_eq!(client.state(), State::Closed);
}
