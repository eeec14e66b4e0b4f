//! The span and the events of a connection in `tracing`.
#![cfg(feature = "tracing")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use protocol_websocket_connection::{
    Accept, Close, CloseCode, Config, Connection, Destination, Event, Negotiated, Offer, Reject,
};
use protocol_websocket_observe::TracingObserver;
use tracing::Level;
use tracing::subscriber::with_default;
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Returns the lines of the log of `run`.
fn lines(level: Level, run: impl FnOnce(Config)) -> Vec<String> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_span_events(FmtSpan::NONE)
        .with_writer(log.clone())
        .finish();
    with_default(subscriber, || run(Config::new().observer(TracingObserver::new)));
    let text = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn fixed(bytes: &mut [u8]) {
    bytes.fill(7);
}

/// Opens a connection of a server, whose client is not observed.
fn handshake(config: Config) -> (Connection, Connection) {
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let destination = Destination::new("example.com", "/chat?token=secret");
    let offer = Offer::new().header("Cookie", "session=secret").header("Authorization", "Bearer secret");
    let offer = offer.subprotocol("token.secret");
    let mut client = Connection::client(destination, &offer, Config::new(), fixed, &mut to_server).unwrap();
    let mut server = Connection::server(config);
    let Some(Event::Upgrade(upgrade)) = server.receive(&mut to_server, &mut to_client).unwrap() else { panic!() };
    server.accept(upgrade, &Accept::new().subprotocol("token.secret"), &mut to_client).unwrap();
    assert!(matches!(server.receive(&mut to_server, &mut to_client), Ok(Some(Event::Open(_)))));
    assert!(matches!(client.receive(&mut to_client, &mut to_server), Ok(Some(Event::Open(_)))));
    (server, client)
}

fn chat(config: Config) {
    let (mut server, mut client) = handshake(config);
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    client.send("payload", &mut to_server).unwrap();
    client.close(Close::new(CloseCode::NORMAL, "reason"), &mut to_server).unwrap();
    while server.receive(&mut to_server, &mut to_client).unwrap().is_some() {}
}

#[test]
fn production_level_has_the_opening_and_the_end_in_a_span_of_the_connection() {
    let lines = lines(Level::INFO, |config| {
        tracing::info_span!("client", peer = "192.0.2.1").in_scope(|| chat(config));
    });
    let [opened, ended] = &lines[..] else { panic!("{lines:#?}") };
    for line in &lines {
        assert!(line.contains("client{peer=\"192.0.2.1\"}:websocket{websocket.role=server "), "{line}");
        assert!(line.contains("url.path=\"/chat\"") && line.contains(": protocol_websocket: connection"), "{line}");
    }
    assert!(opened.contains("connection opened"), "{opened}");
    assert!(ended.contains("connection ended by=the peer code=1000 clean=true duration="), "{ended}");
}

#[test]
fn heads_and_frames_are_reported_at_lower_levels() {
    let heads = lines(Level::DEBUG, chat);
    assert!(
        heads.iter().any(|line| line.contains("request direction=\"received\" method=\"GET\" path=\"/chat\"")),
        "{heads:#?}"
    );
    assert!(heads.iter().any(|line| line.contains("response direction=\"sent\" status=101")), "{heads:#?}");
    assert_eq!(heads.len(), 4, "{heads:#?}");
    let frames = lines(Level::TRACE, chat);
    let frame = "frame direction=\"received\" opcode=text fin=true len=7 wire_len=7";
    assert!(frames.iter().any(|line| line.contains(frame)), "{frames:#?}");
    assert_eq!(frames.len(), 7, "{frames:#?}");
}

#[test]
fn secrets_and_payloads_are_not_reported() {
    let lines = lines(Level::TRACE, chat);
    for line in &lines {
        assert!(!line.contains("secret") && !line.contains("payload") && !line.contains("reason"), "{line}");
        assert!(!line.contains("BwcHBwcHBwcHBwcHBwcHBw"), "the key: {line}");
    }
    for shown in ["\"Authorization\": (hidden)", "connection opened has_subprotocol=true "] {
        assert!(lines.iter().any(|line| line.contains(shown)), "{shown}: {lines:#?}");
    }
}

#[test]
fn failures_are_warnings() {
    let lines = lines(Level::INFO, |config| {
        let (mut server, _) = handshake(config);
        server.receive(&mut BytesMut::from(&b"\x83\x80\0\0\0\0"[..]), &mut BytesMut::new()).unwrap_err();
    });
    let failed = lines.iter().filter(|line| line.trim_start().starts_with("WARN")).collect::<Vec<_>>();
    assert_eq!(failed.len(), 1, "{lines:#?}");
    assert!(
        failed.iter().all(|line| line.contains("connection failed by=this end code=1006") && line.contains("error="))
    );
}

#[test]
fn dropped_and_rejected_connections_are_reported() {
    let lines = lines(Level::INFO, |config| drop(Connection::open_server(&Negotiated::default(), config)));
    assert!(
        lines.last().is_some_and(|line| line.contains("connection dropped before its end duration=")),
        "{lines:#?}"
    );

    let lines = self::lines(Level::DEBUG, |config| {
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        let destination = Destination::new("example.com", "/");
        drop(Connection::client(destination, &Offer::new(), Config::new(), fixed, &mut input).unwrap());
        let mut server = Connection::server(config);
        let Some(Event::Upgrade(upgrade)) = server.receive(&mut input, &mut output).unwrap() else { panic!() };
        server.reject(upgrade, &Reject::new(403), &mut output).unwrap();
    });
    assert!(lines.iter().any(|line| line.contains("response direction=\"sent\" status=403")), "{lines:#?}");
    assert!(lines.last().is_some_and(|line| line.contains("connection ended by=this end")), "{lines:#?}");
}
