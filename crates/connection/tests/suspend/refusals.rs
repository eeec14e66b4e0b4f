//! A suspended state is untrusted: an invalid state is rejected, without a panic and without more memory than its length.

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_connection::{
    Config, Connection, Delivery, Frame, Limits, Negotiated, ResumeError, Role, Session, SuspendError, Timeouts,
    Version,
};
use test_support::heap::measure;

use super::common::{masked, text_part};
use super::{VERSIONS, key, open};

fn resume(bytes: &[u8], config: &Config) -> Result<Connection, ResumeError> {
    Connection::resume_server(bytes, config)
}

/// Servers in many states, each with its suspended state.
fn states() -> Vec<(Config, Vec<u8>)> {
    let limits = Limits::new(100);
    let configs = [
        Config::new().limits(limits).timeouts(Timeouts::RECOMMENDED).high_water_mark(0),
        Config::new().limits(limits).delivery(Delivery::Parts).min_part(3),
        Config::new().perl_compat().limits(limits),
    ];
    let streams: [&[u8]; 12] = [
        b"",
        b"\x81",
        b"\x81\x85\x01\x02",
        b"\x81\x85\0\0\0\0Hel",
        b"\x01\x85\0\0\0\0caf\xC3\xA9\x80\x85\0\0\0\0\xC3",
        b"\x01\x84\0\0\0\0caf\xC3",
        b"\x01\x84\0\0\0\0caf\xC3\x80\x85\0\0\0\0\xA9a",
        b"\x02\x85\0\0\0\0Hello\x89\x82\0\0\0\0h",
        b"\x89\x82\0\0\0\0hi\x88\x85\0\0\0\0\x03\xE8a",
        b"\x88\x85\0\0\0\0\x03\xE8bye",
        b"\x81\x05Hello",
        b"\x00Hel\xFF\x00lo\xC3",
    ];
    let mut states = Vec::new();
    for config in configs {
        for version in VERSIONS {
            for stream in streams {
                for close in [false, true] {
                    let (mut server, mut output) = (open(Role::Server, version, &config), BytesMut::from(&b"x"[..]));
                    let mut input = BytesMut::from(stream);
                    while let Ok(Some(_)) = server.receive(&mut input, &mut output) {}
                    if close {
                        let _ = server.close(None, &mut output);
                    } else {
                        let _ = server.send_part(text_part("part", true, false), &mut output);
                    }
                    states.push((config.clone(), server.suspend().unwrap().into_bytes()));
                }
            }
        }
    }
    states
}

/// Uses a connection that was resumed from changed bytes. It may fail, but not panic or exceed the limits.
fn drive(mut connection: Connection) {
    let mut output = BytesMut::new();
    let _ = connection.send("hello", &mut output);
    let _ = connection.handle_timeout(core::time::Duration::from_secs(1), &mut output);
    for input in [&b"lo\xA9"[..], b"\x80\x81\0\0\0\0a", b"\x81\x81\0\0\0\0a", b"\xFF\x00", &[b'x'; 300]] {
        let mut input = BytesMut::from(input);
        while let Ok(Some(event)) = connection.receive(&mut input, &mut output) {
            use protocol_websocket_connection::Event;
            if let Event::Message(message) = event {
                assert!(message.len() <= 100);
                // Every text is valid UTF-8, independent of the state.
                let text = message.as_text().map(str::as_bytes);
                assert!(text.is_none_or(|text| core::str::from_utf8(text).is_ok()));
            }
        }
    }
    let _ = connection.receive_eof();
    let _ = connection.suspend();
}

#[test]
fn rejects_every_truncated_state() {
    for (config, state) in states() {
        assert!(resume(&state, &config).is_ok());
        for len in 0..state.len() {
            let error = resume(&state[..len], &config).unwrap_err();
            assert_eq!(error, ResumeError::Truncated, "{len} of {state:02x?}");
        }
    }
}

#[test]
fn changed_bit_neither_panics_nor_exceeds_limits() {
    let (mut resumed, mut rejected) = (0, 0);
    for (config, state) in states() {
        for bit in 0..8 * state.len() {
            let mut changed = state.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            match resume(&changed, &config) {
                Ok(connection) => {
                    resumed += 1;
                    drive(connection);
                }
                Err(_) => rejected += 1,
            }
        }
    }
    println!("{resumed} changed states were resumed, {rejected} were rejected");
    assert!(rejected > resumed);
}

proptest! {
    #[test]
    fn arbitrary_bytes_neither_panic_nor_exceed_limits(mut bytes: Vec<u8>, has_header: bool) {
        if has_header {
            bytes.splice(0..0, [1, 0, 0, 13]);
        }
        let config = Config::new().limits(Limits::new(100));
        if let Ok(connection) = resume(&bytes, &config) {
            drive(connection);
        }
        let _ = Session::resume_server(&bytes, &config);
        let _ = Connection::resume_client(&bytes, &config, key);
    }
}

#[test]
fn rejects_trailing_bytes() {
    for (config, mut state) in states() {
        state.push(0);
        assert_eq!(resume(&state, &config).err(), Some(ResumeError::TrailingBytes));
    }
}

#[test]
fn rejects_unknown_format() {
    let mut state = open(Role::Server, Version::Rfc6455, &Config::new()).suspend().unwrap().into_bytes();
    for format in [0, 2, 255] {
        state[0] = format;
        assert_eq!(resume(&state, &Config::new()).err(), Some(ResumeError::UnknownFormat(format)));
    }
}

#[test]
fn rejects_the_other_role() {
    let config = Config::new();
    let server = open(Role::Server, Version::Rfc6455, &config).suspend().unwrap();
    let client = open(Role::Client, Version::Rfc6455, &config).suspend().unwrap();
    assert_eq!(Connection::resume_client(server.as_bytes(), &config, key).err(), Some(ResumeError::WrongKind));
    assert_eq!(Connection::resume_server(client.as_bytes(), &config).err(), Some(ResumeError::WrongKind));
}

#[test]
fn rejects_a_message_over_the_limits() {
    let large = [0x01, 0xFE, 0x02, 0x00, 0, 0, 0, 0];
    let complete = masked(Frame::text("x".repeat(512)).with_fin(false));
    for stream in [&large[..], &[&large[..], &[b'x'; 300]].concat(), &complete] {
        let mut server = open(Role::Server, Version::Rfc6455, &Config::new());
        assert_eq!(server.receive(&mut BytesMut::from(stream), &mut BytesMut::new()), Ok(None));
        let state = server.suspend().unwrap();
        for (limits, is_ok) in [(Limits::new(512), true), (Limits::new(511), false)] {
            let resumed = resume(state.as_bytes(), &Config::new().limits(limits));
            assert_eq!(resumed.err(), (!is_ok).then_some(ResumeError::LimitExceeded), "{limits:?}");
        }
    }
    let mut server = open(Role::Server, Version::Rfc6455, &Config::new());
    let mut stream = BytesMut::from(&b"\x01\x80\0\0\0\0\x00\x80\0\0\0\0\x00\x80\0\0\0\0"[..]);
    assert_eq!(server.receive(&mut stream, &mut BytesMut::new()), Ok(None));
    let state = server.suspend().unwrap();
    let limits = Limits::default().max_fragments(2);
    assert_eq!(resume(state.as_bytes(), &Config::new().limits(limits)).err(), Some(ResumeError::LimitExceeded));
}

#[test]
fn rejects_text_that_is_invalid() {
    let mut server = open(Role::Server, Version::Rfc6455, &Config::new());
    let mut stream = BytesMut::from(&b"\x01\x83\0\0\0\0abc\x80\x83\0\0\0\0de"[..]);
    assert_eq!(server.receive(&mut stream, &mut BytesMut::new()), Ok(None));
    let state = server.suspend().unwrap().into_bytes();
    for text in [&b"abc"[..], b"de"] {
        let at = state.windows(text.len()).position(|bytes| bytes == text).unwrap();
        for byte in [0x80, 0xC3, 0xFF] {
            let mut changed = state.clone();
            changed[at] = byte;
            assert_eq!(resume(&changed, &Config::new()).err(), Some(ResumeError::Invalid), "{byte:#x}");
        }
    }
}

#[test]
fn resumed_state_takes_no_memory_beyond_its_length() {
    for (config, state) in states() {
        for at in 0..state.len() {
            let mut changed = state.clone();
            // Makes each length in the state very large.
            changed.splice(at..(at + 8).min(state.len()), [0xFF, 0xFF, 0xFF, 0x3F, 0, 0, 0, 0]);
            let (_, heap) = measure(|| resume(&changed, &config).is_ok());
            assert!(heap.peak < 4096 + 4 * i64::try_from(state.len()).unwrap(), "{} bytes", heap.peak);
        }
    }
}

#[cfg(feature = "server")]
#[test]
fn refuses_during_the_handshake() {
    use protocol_websocket_connection::{Accept, Event};
    let mut server = Connection::server(Config::new());
    assert_eq!(server.suspend(), Err(SuspendError::NotOpen));
    let mut input = BytesMut::from(concat!(
        "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ));
    let mut output = BytesMut::new();
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut input, &mut output) else { panic!("an upgrade") };
    assert_eq!(server.suspend(), Err(SuspendError::NotOpen));
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    assert_eq!(server.suspend(), Err(SuspendError::NotOpen));
    assert!(matches!(server.receive(&mut input, &mut output), Ok(Some(Event::Open(_)))));
    assert!(server.suspend().is_ok());
}

#[cfg(feature = "server")]
#[test]
fn refuses_after_a_failed_handshake() {
    let mut server = Connection::server(Config::new());
    server.receive(&mut BytesMut::from("POST / HTTP/1.1\r\n\r\n"), &mut BytesMut::new()).unwrap_err();
    assert_eq!(server.suspend(), Err(SuspendError::NotOpen));
}

#[test]
fn debug_hides_the_state() {
    let mut server = Connection::open_server(&Negotiated::new().subprotocol("secret"), Config::new());
    let state = server.suspend().unwrap();
    assert_eq!(format!("{state:?}"), format!("Suspended {{ len: {}, .. }}", state.as_bytes().len()));
}

#[test]
fn rejects_another_delivery() {
    let (whole, parts) = (Config::new(), Config::new().delivery(Delivery::Parts));
    for (before, after) in [(&whole, &parts), (&parts, &whole)] {
        let mut server = Connection::open_server(&Negotiated::default(), before);
        server.receive(&mut BytesMut::from(&b"\x82\x86\0\0\0\0abc"[..]), &mut BytesMut::new()).unwrap();
        let state = server.suspend().unwrap();
        assert_eq!(resume(state.as_bytes(), after).unwrap_err(), ResumeError::DeliveryMismatch);
        resume(state.as_bytes(), before).unwrap();
    }
}
