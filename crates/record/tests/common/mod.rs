//! A log in memory, and a recorded exchange between two ends.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "each test file uses only a part")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use protocol_websocket_connection::{Accept, Config, Connection, Destination, Event, Negotiated, Offer, Role, Version};
use protocol_websocket_record::{Log, Recorder, Recording};

/// A writer whose bytes can be read while it is used.
#[derive(Clone, Default)]
pub(crate) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn recording(&self) -> Recording {
        Recording::read(Log::new(self.text().as_bytes()).unwrap()).unwrap()
    }

    /// The lines, without the first one, and without their times.
    pub(crate) fn lines(&self) -> Vec<String> {
        let without_time = |line: &str| {
            let (before, rest) = line.split_once(",\"time\":").unwrap();
            format!("{before}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        };
        self.text().lines().skip(1).map(without_time).collect()
    }
}

pub(crate) fn observed(config: Config, recorder: &Recorder) -> Config {
    let recorder = recorder.clone();
    config.observer(move |role| recorder.connection(role))
}

/// Both ends of a connection that was created open, whose configurations have these recorders.
pub(crate) fn open_server(recorder: &Recorder) -> Connection {
    Connection::open_server(&Negotiated::default(), observed(Config::new(), recorder))
}

/// Both ends of a connection in memory.
pub(crate) struct Pair {
    pub(crate) client: Connection,
    pub(crate) server: Connection,
    pub(crate) to_server: BytesMut,
    pub(crate) to_client: BytesMut,
}

impl Pair {
    /// Makes the opening handshake.
    pub(crate) fn open(client: Config, server: Config, offer: &Offer, accept: &Accept) -> Self {
        let mut next = 0_u8;
        let random = move |bytes: &mut [u8]| {
            for byte in bytes {
                (*byte, next) = (next, next.wrapping_add(37));
            }
        };
        let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
        let destination = Destination::new("example.com", "/chat?token=SECRET-QUERY");
        let client = Connection::client(destination, offer, client, random, &mut to_server).unwrap();
        let mut server = Connection::server(server);
        let Some(Event::Upgrade(upgrade)) = server.receive(&mut to_server, &mut to_client).unwrap() else {
            panic!("no request")
        };
        server.accept(upgrade, accept, &mut to_client).unwrap();
        let mut pair = Self { client, server, to_server, to_client };
        pair.deliver();
        pair
    }

    /// Delivers everything in both directions, and returns the events.
    pub(crate) fn deliver(&mut self) -> Vec<(Role, Event)> {
        let mut events = Vec::new();
        loop {
            let before = events.len();
            while let Some(event) = self.server.receive(&mut self.to_server, &mut self.to_client).unwrap() {
                events.push((Role::Server, event));
            }
            while let Some(event) = self.client.receive(&mut self.to_client, &mut self.to_server).unwrap() {
                events.push((Role::Client, event));
            }
            if events.len() == before {
                return events;
            }
        }
    }
}

/// All versions.
pub(crate) const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];
