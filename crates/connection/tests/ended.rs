//! The value of `Ended` for each way in which a connection can end.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use core::time::Duration;

use bytes::BytesMut;
use common::{client, masked, receive_all, server, unmasked};
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, EndedBy, Error, Frame, Negotiated, Timeout, Timeouts, Version,
};
use protocol_websocket_frame::DecodeError;

#[track_caller]
fn assert_ended(connection: &Connection, by: EndedBy, code: CloseCode, error: Option<Error>, clean: bool) {
    let ended = connection.ended().unwrap();
    assert_eq!((ended.by, ended.code, ended.error, ended.clean), (by, code, error, clean));
}

fn reason(connection: &Connection) -> &str {
    connection.ended().map_or("", |ended| &ended.reason)
}

#[test]
fn open_connection_has_not_ended() {
    let mut server = server(&Config::new());
    assert_eq!(server.ended(), None);
    server.close(None, &mut BytesMut::new()).unwrap();
    assert_eq!(server.ended(), None, "the peer's Close has not arrived");
}

#[test]
fn peers_close_was_first() {
    for (close, code) in [(Some(Close::new(4000, "bye")), CloseCode(4000)), (None, CloseCode::NO_STATUS)] {
        let mut server = server(&Config::new());
        receive_all(&mut server, &mut masked(Frame::close(close.clone()).unwrap())).1.unwrap();
        assert_ended(&server, EndedBy::Peer, code, None, true);
        assert_eq!(reason(&server), close.map_or("", |_| "bye"));
        // The end of the transport does not change it.
        let _ = server.receive_eof();
        assert_ended(&server, EndedBy::Peer, code, None, true);
    }
}

#[test]
fn our_close_was_first() {
    let mut client = client(&Config::new());
    client.close(Close::new(1001, "ours"), &mut BytesMut::new()).unwrap();
    receive_all(&mut client, &mut unmasked(Frame::close(Close::new(1000, "theirs")).unwrap())).1.unwrap();
    assert_ended(&client, EndedBy::Us, CloseCode::NORMAL, None, true);
    assert_eq!(reason(&client), "theirs");
}

#[test]
fn peer_broke_a_rule() {
    for closes in [false, true] {
        let mut server = server(&Config::new());
        if closes {
            server.close(None, &mut BytesMut::new()).unwrap();
        }
        receive_all(&mut server, &mut unmasked(Frame::text("x"))).1.unwrap_err();
        let error = Error::Decode(DecodeError::MaskMissing);
        assert_ended(&server, EndedBy::Us, CloseCode::ABNORMAL, Some(error), false);
        assert_eq!(server.receive_eof(), Ok(()));
        assert_ended(&server, EndedBy::Us, CloseCode::ABNORMAL, Some(error), false);
    }
}

#[test]
fn transport_ended() {
    for closes in [false, true] {
        let mut server = server(&Config::new());
        if closes {
            server.close(None, &mut BytesMut::new()).unwrap();
        }
        assert_eq!(server.receive_eof(), Err(Error::UnexpectedEof));
        assert_ended(&server, EndedBy::Transport, CloseCode::ABNORMAL, Some(Error::UnexpectedEof), false);
    }
}

#[test]
fn transport_ended_after_our_close_in_the_oldest_versions() {
    for version in [Version::Hybi00, Version::Hixie75] {
        let mut server = Connection::open_server(&Negotiated::default().version(version), Config::new());
        server.close(None, &mut BytesMut::new()).unwrap();
        assert_eq!(server.receive_eof(), Ok(()));
        assert_ended(&server, EndedBy::Us, CloseCode::NO_STATUS, None, true);
    }
}

#[test]
fn deadline_passed() {
    let idle = Timeouts::NONE.idle(Some(Duration::from_secs(1)));
    let pong = Timeouts::NONE.ping_interval(Some(Duration::from_secs(1))).pong_timeout(Some(Duration::from_secs(1)));
    let close = Timeouts::NONE.close(Some(Duration::from_secs(1)));
    for (timeouts, timeout) in [(idle, Timeout::Idle), (pong, Timeout::Pong), (close, Timeout::Close)] {
        let mut server = server(&Config::new().timeouts(timeouts));
        if timeout == Timeout::Close {
            server.close(None, &mut BytesMut::new()).unwrap();
        }
        let error = (0..10).find_map(|second| {
            // The output is written each time.
            server.handle_timeout(Duration::from_secs(second), &mut BytesMut::new()).err()
        });
        assert_eq!(error, Some(Error::Timeout(timeout)));
        assert_ended(&server, EndedBy::Timeout, CloseCode::ABNORMAL, error, false);
    }
}

#[test]
fn timeout_of_end_of_transport_does_not_change_ended() {
    let mut client = client(&Config::new().timeouts(Timeouts::RECOMMENDED));
    receive_all(&mut client, &mut unmasked(Frame::close(None).unwrap())).1.unwrap();
    client.handle_timeout(Duration::ZERO, &mut BytesMut::new()).unwrap();
    let late = client.handle_timeout(Duration::from_secs(10), &mut BytesMut::new());
    assert_eq!(late, Err(Error::Timeout(Timeout::Eof)));
    assert_ended(&client, EndedBy::Peer, CloseCode::NO_STATUS, None, true);
}

#[cfg(all(feature = "server", feature = "url"))]
mod handshake {
    use protocol_websocket_connection::{Accept, Client, Event, Offer, Reject, Server, State, Upgrade, Url};
    use protocol_websocket_http::ParseError;

    use super::*;

    fn connect(output: &mut BytesMut) -> Client {
        let (url, random) = (Url::parse("ws://example.com/").unwrap(), |bytes: &mut [u8]| bytes.fill(7));
        let config = Config::new().timeouts(Timeouts::RECOMMENDED);
        Client::connect(&url, &Offer::new(), config, random, output).unwrap()
    }

    fn requested() -> (Server, Upgrade) {
        let (mut server, mut wire) = (Server::new(Config::new()), BytesMut::new());
        connect(&mut wire);
        let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut wire, &mut BytesMut::new()) else { panic!() };
        (server, upgrade)
    }

    #[test]
    fn server_rejected_or_redirected() {
        for response in ["HTTP/1.1 403 No\r\n\r\nbody", "HTTP/1.1 302 x\r\nLocation: /x\r\n\r\nbody"] {
            let mut client = connect(&mut BytesMut::new());
            let mut input = BytesMut::from(response);
            assert!(client.receive(&mut input, &mut BytesMut::new()).unwrap().is_some());
            assert_ended(&client, EndedBy::Peer, CloseCode::ABNORMAL, None, false);
            assert_eq!((&input[..], client.receive_eof()), (&b"body"[..], Ok(())));
            assert_eq!((client.state(), client.poll_timeout()), (State::Closed, None));
            assert_ended(&client, EndedBy::Peer, CloseCode::ABNORMAL, None, false);
        }
    }

    #[test]
    fn response_was_invalid() {
        let mut client = connect(&mut BytesMut::new());
        let error = client.receive(&mut BytesMut::from("SSH-2.0-x\r\n"), &mut BytesMut::new()).unwrap_err();
        assert!(matches!(error, Error::Response(_)));
        assert_ended(&client, EndedBy::Us, CloseCode::ABNORMAL, Some(error), false);
    }

    #[test]
    fn request_was_invalid() {
        let mut server = Server::new(Config::new());
        let error = server.receive(&mut BytesMut::from("SSH-2.0-x\r\n"), &mut BytesMut::new()).unwrap_err();
        assert_eq!(error, Error::Request(ParseError::RequestLine));
        assert_ended(&server, EndedBy::Us, CloseCode::ABNORMAL, Some(error), false);
    }

    #[test]
    fn application_rejected() {
        let (mut server, upgrade) = requested();
        server.reject(upgrade, &Reject::new(403), &mut BytesMut::new()).unwrap();
        assert_ended(&server, EndedBy::Us, CloseCode::ABNORMAL, None, false);
        let (mut server, upgrade) = requested();
        let not_offered = Accept::new().subprotocol("x");
        assert!(server.accept(upgrade, &not_offered, &mut BytesMut::new()).is_err());
        assert_ended(&server, EndedBy::Us, CloseCode::ABNORMAL, None, false);
    }

    #[test]
    fn transport_ended_or_deadline_passed() {
        for (mut client, error) in [
            (connect(&mut BytesMut::new()), Error::UnexpectedEof),
            (connect(&mut BytesMut::new()), Error::Timeout(Timeout::Handshake)),
        ] {
            let (by, end) = if error == Error::UnexpectedEof {
                (EndedBy::Transport, client.receive_eof())
            } else {
                client.handle_timeout(Duration::ZERO, &mut BytesMut::new()).unwrap();
                (EndedBy::Timeout, client.handle_timeout(Duration::from_secs(10), &mut BytesMut::new()))
            };
            assert_eq!(end, Err(error));
            assert_ended(&client, by, CloseCode::ABNORMAL, Some(error), false);
        }
    }
}
