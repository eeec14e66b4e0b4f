//! A recorded failure is converted to an input that fails in the same way.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use protocol_websocket_connection::{
    Accept, Config, Connection, Destination, Error, Event, ExtensionParams, Limits, Negotiated, Offer, Role, Version,
};
use protocol_websocket_fuzz::{error_of, open_connection, seed};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use protocol_websocket_record::{Log, Recorder, Recording};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn config(&self, keeps_secrets: bool) -> Config {
        let recorder = Recorder::new(self.clone()).input(true).keep_secrets(keeps_secrets);
        Config::new().extension(PermessageDeflate::new()).observer(move |role| recorder.connection(role))
    }

    fn seed(&self) -> Option<Vec<u8>> {
        let log = self.0.lock().unwrap().clone();
        let recording = Recording::read(Log::new(&log[..]).unwrap()).unwrap();
        seed(&recording.connections[0])
    }
}

/// Receives all bytes, and returns the error.
fn receive(connection: &mut Connection, bytes: &[u8]) -> Option<Error> {
    let (mut input, mut output) = (BytesMut::from(bytes), BytesMut::new());
    loop {
        match connection.receive(&mut input, &mut output) {
            Ok(None) => return None,
            Ok(Some(Event::Upgrade(upgrade))) => connection.accept(upgrade, &Accept::new(), &mut output).unwrap(),
            Ok(Some(_)) => {}
            Err(error) => return Some(error),
        }
    }
}

fn assert_repeats(buffer: &Buffer, error: Option<Error>, case: &str) {
    let input = buffer.seed().unwrap();
    assert!(error.is_some(), "{case}");
    assert_eq!(error_of(&input), error, "{case}");
    open_connection(&input);
}

/// Streams of a server that fail, with their versions and parameters of permessage-deflate.
const FAILURES: [(Version, Option<&str>, &[u8]); 8] = [
    (Version::Rfc6455, None, b"\x81\x02hi\x81\x82\0\0\0\0hi"),
    (Version::Rfc6455, None, b"\x81\x01\xFF"),
    (Version::Rfc6455, None, b"\x89\x01p\x83\x00"),
    (Version::Rfc6455, None, b"\xC1\x01x"),
    (Version::Rfc6455, Some(""), b"\xC1\x02\xFF\xFF"),
    (Version::Rfc6455, Some("server_no_context_takeover"), b"\xC1\x07\xF2H\xCD\xC9\xC9\x07\0\xC1\x05\xF2\0\x11\0\0"),
    (Version::Hybi10, None, b"\x80\x00"),
    (Version::Hybi00, None, b"\0ok\xFF\x80\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"),
];

#[test]
fn recorded_failure_is_repeated() {
    for (number, (version, params, stream)) in FAILURES.into_iter().enumerate() {
        let buffer = Buffer::default();
        let mut negotiated = Negotiated::new().version(version);
        if let Some(flag) = params {
            let params = ExtensionParams::new("permessage-deflate");
            negotiated = negotiated.extension(if flag.is_empty() { params } else { params.flag(flag) });
        }
        let mut client = Connection::open_client(&negotiated, buffer.config(false), |key: &mut [u8]| key.fill(7));
        let error = receive(&mut client, stream);
        assert_repeats(&buffer, error, &format!("failure {number}"));
    }
}

#[test]
fn failure_after_the_handshake_is_repeated_with_and_without_its_secrets() {
    for version in [Version::Rfc6455, Version::Hybi10, Version::Hybi00] {
        for keeps_secrets in [false, true] {
            let buffers = [Buffer::default(), Buffer::default()];
            let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
            let key = |bytes: &mut [u8]| bytes.fill(7);
            let offer = Offer::new().version(version);
            let destination = Destination::new("example.com", "/");
            let config = buffers[0].config(keeps_secrets);
            let mut client = Connection::client(destination, &offer, config, key, &mut to_server).unwrap();
            let mut server = Connection::server(buffers[1].config(keeps_secrets));
            let bad = if version == Version::Hybi00 {
                &b"\x80\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"[..]
            } else {
                b"\x83\x00"
            };
            to_server.extend_from_slice(bad);
            let mut failed = None;
            while let Some(event) = server.receive(&mut to_server, &mut to_client).unwrap_or_else(|error| {
                failed = Some(error);
                None
            }) {
                if let Event::Upgrade(upgrade) = event {
                    server.accept(upgrade, &Accept::new(), &mut to_client).unwrap();
                }
            }
            assert_repeats(&buffers[1], failed, &format!("server of {version}, {keeps_secrets}"));
            to_client.extend_from_slice(bad);
            // The response, then a Close of the server, or the invalid frame.
            if version != Version::Hybi00 {
                let response = to_client.split_off(0);
                let end = response.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                to_client.extend_from_slice(&response[..end]);
                to_client.extend_from_slice(bad);
                let error = receive(&mut client, &to_client);
                assert_repeats(&buffers[0], error, &format!("client of {version}, {keeps_secrets}"));
            }
        }
    }
}

#[test]
fn limit_of_a_message_is_repeated() {
    let buffer = Buffer::default();
    let config = buffer.config(false).limits(Limits::new(1 << 20));
    let mut server = Connection::open_server(&Negotiated::default(), config);
    let error = receive(&mut server, b"\x82\xFF\0\0\0\0\xFF\xFF\xFF\xFF\0\0\0\0");
    assert_repeats(&buffer, error, "limit");
    assert_eq!(server.role(), Role::Server);
}

#[test]
fn connection_without_input_has_no_seed() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone());
    let config = Config::new().observer(move |role| recorder.connection(role));
    let mut server = Connection::open_server(&Negotiated::default(), config);
    assert!(receive(&mut server, b"\x83\x00").is_some());
    assert_eq!(buffer.seed(), None);
}
