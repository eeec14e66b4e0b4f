//! The attributes of the metrics for each version, close code and failure.
#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "the endpoint is tested in metrics.rs")]
#[path = "../examples/prometheus/mod.rs"]
mod prometheus;

use core::time::Duration;
use std::sync::Arc;

use bytes::BytesMut;
use opentelemetry::metrics::MeterProvider as _;
use protocol_websocket_connection::{Close, CloseCode, Config, Connection, Negotiated, Session, Timeouts, Version};
use protocol_websocket_observe::Metrics;

fn fixed(bytes: &mut [u8]) {
    bytes.fill(7);
}

/// Returns the text of the metrics after `run`.
fn metrics(run: impl FnOnce(Config)) -> String {
    let (provider, registry) = prometheus::provider().unwrap();
    let metrics = Metrics::new(&provider.meter("test"));
    run(Config::new().timeouts(Timeouts::RECOMMENDED).observer(move |role| metrics.observer(role)));
    ::prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

type Run = Box<dyn FnOnce(Config)>;

fn has(text: &str, name: &str, labels: &[&str]) -> bool {
    text.lines().any(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
}

fn server(version: Version, config: Config) -> Connection {
    let mut negotiated = Negotiated::default();
    negotiated.version = version;
    Connection::open_server(&negotiated, config)
}

#[test]
fn each_version_has_a_value() {
    for (version, value) in
        [(Version::Rfc6455, "13"), (Version::Hybi10, "8"), (Version::Hybi00, "hybi-00"), (Version::Hixie75, "hixie-75")]
    {
        let text = metrics(|config| drop(server(version, config)));
        let label = format!("network_protocol_version=\"{value}\"");
        assert!(has(&text, "websocket_active_connections", &[&label, "websocket_role=\"server\""]), "{text}");
        assert!(
            has(&text, "websocket_connection_duration_seconds_count", &[&label, "error_type=\"dropped\""]),
            "{text}"
        );
    }
}

#[test]
fn close_codes_have_few_values() {
    let known =
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].map(|code| (code, code.to_string()));
    let ranges = [3000, 3999, 4000, 4999].map(|code| (code, format!("{}xxx", code / 1000)));
    for (code, value) in known.into_iter().chain(ranges) {
        let text = metrics(|config| {
            let mut client = Connection::open_client(&Negotiated::default(), Config::new(), fixed);
            let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
            client.close(Close::new(CloseCode(code), ""), &mut wire).unwrap();
            server(Version::Rfc6455, config).receive(&mut wire, &mut output).unwrap();
        });
        let label = format!("websocket_close_code=\"{value}\"");
        assert!(has(&text, "websocket_connection_duration_seconds_count", &[&label]), "{text}");
        assert!(!text.contains("error_type"), "{text}");
    }
    let text = metrics(|config| {
        server(Version::Rfc6455, config)
            .receive(&mut BytesMut::from(&b"\x88\x80\0\0\0\0"[..]), &mut BytesMut::new())
            .unwrap();
    });
    assert!(has(&text, "websocket_connection_duration_seconds_count", &["websocket_close_code=\"1005\""]), "{text}");
}

/// Fails with an error, because of `bytes`.
fn fail(bytes: &'static [u8], config: Config) {
    assert!(server(Version::Rfc6455, config).receive(&mut BytesMut::from(bytes), &mut BytesMut::new()).is_err());
}

/// Handles the deadlines of a long time.
fn run_timeout(mut session: Session) {
    for at in [0, 1000, 1000, 2000, 3000].map(Duration::from_secs) {
        session.handle_timeout(at);
        session.written(session.unsent(), at);
    }
}

#[test]
fn each_failure_has_an_error_type() {
    let idle = Timeouts::NONE.idle(Some(Duration::from_secs(1)));
    let cases: [(&str, Run); 7] = [
        ("invalid_frame", Box::new(move |config| fail(b"\x83\x80\0\0\0\0", config))),
        (
            "invalid_handshake",
            Box::new(|config| {
                let mut input = BytesMut::from("BREW / HTTP/1.1\r\n\r\n");
                assert!(Connection::server(config).receive(&mut input, &mut BytesMut::new()).is_err());
            }),
        ),
        ("unexpected_eof", Box::new(|config| assert!(server(Version::Rfc6455, config).receive_eof().is_err()))),
        ("pong_timeout", Box::new(move |config| run_timeout(Session::new(server(Version::Rfc6455, config))))),
        (
            "idle_timeout",
            Box::new(move |config| run_timeout(Session::new(server(Version::Rfc6455, config.timeouts(idle))))),
        ),
        ("handshake_timeout", Box::new(move |config| run_timeout(Session::server(Arc::new(config))))),
        (
            "close_timeout",
            Box::new(move |config| {
                let mut session = Session::new(server(Version::Rfc6455, config));
                session.close(None).unwrap();
                run_timeout(session);
            }),
        ),
    ];
    for (value, run) in cases {
        let text = metrics(run);
        let label = format!("error_type=\"{value}\"");
        assert!(has(&text, "websocket_connection_duration_seconds_count", &[&label]), "{label} {text}");
    }
}
