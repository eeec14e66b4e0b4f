use std::process::Stdio;

use protocol_websocket::{Close, CloseCode, Event, Timeout};

use crate::program::Program;
use crate::server::{Peer, serve};

#[test]
fn pings_a_silent_server_and_prints_its_pongs() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        for _ in 0..3 {
            // The peer replies with a pong.
            assert!(matches!(peer.next(), Some(Event::Ping(payload)) if payload.is_empty()));
        }
        peer.close(Some(Close::from(CloseCode::NORMAL)));
    });
    let ended = Program::start(&["--ping", "0.1", &server.url()], Stdio::piped()).end();
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.notes()[..4], ["open", "pong \"\"", "pong \"\"", "pong \"\""]);
    server.result();
}

#[test]
fn server_without_a_pong_is_a_lost_connection() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.read_to_end()
    });
    let ended = Program::start(&["--ping", "0.1", &server.url()], Stdio::piped()).end();
    assert_eq!(ended.status, Some(5));
    assert_eq!(ended.notes(), ["open", &format!("connection lost: {}", Timeout::Pong)]);
    let frames = server.result();
    assert_eq!(frames[..2], [0x89, 0x80], "a ping");
    assert_eq!(frames[6..8], [0x88, 0x80 | frames[7]], "a close");
}
