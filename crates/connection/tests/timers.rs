//! Deadlines, by a clock that the test turns.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use core::time::Duration;

use bytes::BytesMut;
use common::{client, masked, server, take};
use protocol_websocket_connection::{CloseCode, Config, Error, State, Timeout, Timeouts};
use protocol_websocket_frame::Frame;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn without_timeouts_nobody_is_asked() {
    let mut server = server(&Config::new());
    assert_eq!(server.poll_timeout(), None);
    assert_eq!(server.handle_timeout(secs(1_000_000), &mut BytesMut::new()), Ok(()));
}

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    let mut server = server(&Config::new().timeouts(Timeouts::USUAL));
    let mut output = BytesMut::new();
    server.handle_timeout(secs(0), &mut output).unwrap();
    assert_eq!((server.poll_timeout(), output.len()), (Some(secs(20)), 0));
    server.handle_timeout(secs(20), &mut output).unwrap();
    assert_eq!(output[..], *b"\x89\x00");
    output.clear();
    assert_eq!(server.handle_timeout(secs(40), &mut output), Err(Error::Timeout(Timeout::Pong)));
    assert_eq!(output[..], *b"\x88\x02\x03\xF3");
    assert_eq!((server.state(), server.close_code()), (State::Closed, Some(CloseCode::ABNORMAL)));
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn an_answer_keeps_the_connection() {
    for answer in [Frame::pong(""), Frame::text("as good as any")] {
        let mut server = server(&Config::new().timeouts(Timeouts::USUAL));
        let mut output = BytesMut::new();
        server.handle_timeout(secs(0), &mut output).unwrap();
        server.handle_timeout(secs(20), &mut output).unwrap();
        let mut input = masked(answer);
        // What came behind it and waits for more is no news afterwards.
        input.extend_from_slice(b"\x81");
        assert!(server.receive(&mut input, &mut output).unwrap().is_some());
        server.handle_timeout(secs(40), &mut output).unwrap();
        assert!(server.receive(&mut input, &mut output).unwrap().is_none());
        server.handle_timeout(secs(41), &mut output).unwrap();
        assert_eq!((server.state(), server.poll_timeout()), (State::Open, Some(secs(60))));
    }
}

#[test]
fn bytes_that_wait_for_more_are_no_sign_of_life() {
    for cut in [1, 7] {
        let mut server = server(&Config::new().timeouts(Timeouts::USUAL));
        let mut input = masked(Frame::text("cut")).split_to(cut);
        let mut output = BytesMut::new();
        server.handle_timeout(secs(0), &mut output).unwrap();
        let mut end = Ok(());
        for second in 0..60 {
            assert!(server.receive(&mut input, &mut output).unwrap().is_none());
            end = end.and_then(|()| server.handle_timeout(secs(second), &mut output));
        }
        assert_eq!(end, Err(Error::Timeout(Timeout::Pong)), "{cut} bytes of a frame");
    }
}

#[test]
fn a_pong_that_was_held_back_goes_out_with_the_time() {
    let mut server = server(&Config::new().high_water(0).timeouts(Timeouts::USUAL));
    let mut output = BytesMut::from(&b"unsent"[..]);
    assert!(server.receive(&mut masked(Frame::ping("p")), &mut output).unwrap().is_some());
    output.clear();
    server.handle_timeout(secs(1), &mut output).unwrap();
    assert_eq!(output[..], *b"\x8a\x01p");
}

#[test]
fn an_idle_connection_is_closed() {
    let timeouts = Timeouts { idle: Some(secs(5)), ..Timeouts::NONE };
    let mut client = client(&Config::new().timeouts(timeouts));
    client.handle_timeout(secs(1), &mut BytesMut::new()).unwrap();
    let mut output = BytesMut::new();
    assert_eq!(client.handle_timeout(secs(6), &mut output), Err(Error::Timeout(Timeout::Idle)));
    assert_eq!(output[..], [0x88, 0x82, 7, 7, 7, 7, 0x03 ^ 7, 0xE9 ^ 7]);
}

#[test]
fn a_close_is_not_waited_for_for_ever() {
    let mut server = server(&Config::new().timeouts(Timeouts::USUAL));
    let mut output = BytesMut::new();
    server.handle_timeout(secs(0), &mut output).unwrap();
    server.close(None, &mut output).unwrap();
    assert_eq!(server.poll_timeout(), Some(secs(0)), "the new state wants to know when it began");
    server.handle_timeout(secs(3), &mut output).unwrap();
    output.clear();
    // Messages and pings do not move this deadline.
    take(&mut server, &mut masked(Frame::text("late")));
    assert_eq!(server.poll_timeout(), Some(secs(13)));
    assert_eq!(server.handle_timeout(secs(13), &mut output), Err(Error::Timeout(Timeout::Close)));
    assert_eq!((server.state(), output.len()), (State::Closed, 0));
}

#[cfg(feature = "server")]
#[test]
fn a_handshake_that_trickles_is_refused() {
    let mut server = protocol_websocket_connection::Server::new(Config::new().timeouts(Timeouts::USUAL));
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    assert_eq!(server.poll_timeout(), Some(secs(0)));
    for second in 0..10 {
        server.handle_timeout(secs(second), &mut output).unwrap();
        input.extend_from_slice(b"G");
        assert!(server.receive(&mut input, &mut output).unwrap().is_none());
    }
    assert_eq!(server.handle_timeout(secs(10), &mut output), Err(Error::Timeout(Timeout::Handshake)));
    assert!(output.starts_with(b"HTTP/1.1 408 "));
    assert_eq!(server.state(), State::Closed);
}
