//! A helper does what its connection does: whatever is called, before and after the handshake.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use common::{masked, server as connection};
use protocol_websocket_connection::{
    Accept, Close, Config, Error, Event, Frame, MessageKind, Part, SendError, Server, State, Timeouts,
};
use test_support::heads::REQUEST;

fn config() -> Config {
    Config::default().timeouts(Timeouts::RECOMMENDED).high_water_mark(8)
}

fn part(first: bool, last: bool) -> Part {
    Part { kind: MessageKind::Text, bytes: Bytes::from("x"), first, last }
}

/// A server that has said yes, and has not told of it yet.
fn accepted() -> Server {
    let (mut server, mut output) = (Server::new(config()), BytesMut::new());
    let asked = server.receive(&mut BytesMut::from(REQUEST), &mut output).unwrap();
    let Some(Event::Upgrade(upgrade)) = asked else { panic!("{asked:?}") };
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    server
}

fn opened() -> Server {
    let mut server = accepted();
    assert!(matches!(server.receive(&mut BytesMut::new(), &mut BytesMut::new()), Ok(Some(Event::Open(_)))));
    server
}

/// Everything that can be done, in an order in which each of it shows; what came of each, and the output.
macro_rules! tell {
    ($end:expr) => {{
        let (mut end, mut output, mut story) = ($end, BytesMut::new(), Vec::new());
        macro_rules! did {
            ($outcome:expr) => {{
                let outcome = format!("{:?}", $outcome);
                let state = (end.state(), end.close_code(), end.poll_timeout());
                story.push((outcome, state, output.split()));
            }};
        }
        macro_rules! receive {
            ($input:expr) => {{
                let mut input = $input;
                match end.receive(&mut input, &mut output) {
                    // Told at last; the input is still there.
                    Ok(Some(Event::Open(_))) => end.receive(&mut input, &mut output),
                    other => other,
                }
            }};
        }
        let secs = Duration::from_secs;
        did!(end.handle_timeout(secs(0), &mut output));
        did!(end.send("text", &mut output));
        did!(end.send_vectored("text", &mut output));
        did!(end.send_part(part(true, false), &mut output));
        did!(end.send("inside", &mut output));
        did!(end.send_part(part(false, true), &mut output));
        did!(end.send_frame(&Frame::binary("frame"), &mut output));
        did!(end.ping("p", &mut output));
        did!(end.pong("p", &mut output));
        did!(end.handle_timeout(secs(20), &mut output));
        // Over the mark a pong waits, for the flush.
        output.extend_from_slice(b"not drained yet");
        did!(receive!(masked(Frame::ping("late"))));
        did!(end.flush(&mut output));
        did!(end.release_memory());
        did!(receive!(masked(Frame::text("hi"))));
        did!(end.close(Close::new(4000, "bye"), &mut output));
        did!(end.handle_timeout(secs(1000), &mut output));
        did!(end.receive_eof());
        did!(end.send("over", &mut output));
        story
    }};
}

#[test]
fn everything_is_done_by_the_connection() {
    let story = tell!(connection(&config()));
    assert!(story.iter().any(|(_, _, output)| output.ends_with(b"\x8a\x04late")), "{story:?}");
    assert!(matches!(story.last(), Some((end, _, _)) if end == "Err(Closed)"), "{story:?}");
    assert_eq!(tell!(accepted()), story);
    assert_eq!(tell!(opened()), story);
    assert_eq!(tell!(opened().into_connection().unwrap()), story);
}

#[test]
fn before_the_handshake_there_is_none() {
    let (mut server, mut output) = (Server::new(config()), BytesMut::new());
    assert_eq!(server.send_vectored("x", &mut output), Err(SendError::NotOpen));
    assert_eq!(server.send_part(part(true, true), &mut output), Err(SendError::NotOpen));
    server.flush(&mut output);
    server.release_memory();
    assert!(output.is_empty());
    assert_eq!(server.state(), State::Connecting);
    assert!(server.into_connection().is_none());
}

#[test]
fn after_a_handshake_that_failed_there_is_none_either() {
    let (mut server, mut other, mut output) = (Server::new(config()), Server::new(config()), BytesMut::new());
    let asked = other.receive(&mut BytesMut::from(REQUEST), &mut output).unwrap();
    let Some(Event::Upgrade(upgrade)) = asked else { panic!("{asked:?}") };
    assert_eq!(server.receive_eof(), Err(Error::UnexpectedEof));
    assert_eq!(server.accept(upgrade, &Accept::new(), &mut output), Err(SendError::Closed));
    assert_eq!((server.poll_timeout(), server.handle_timeout(Duration::MAX, &mut output)), (None, Ok(())));
    assert_eq!(server.receive(&mut BytesMut::from(REQUEST), &mut output).map(|event| event.is_none()), Ok(true));
    assert!(output.is_empty());
    assert!(server.into_connection().is_none());
}

#[cfg(feature = "client")]
#[test]
fn a_client_whose_handshake_takes_too_long_says_nothing() {
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
