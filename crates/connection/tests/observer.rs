//! The observations that observers of a connection receive.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use std::sync::{Arc, Mutex};

use bytes::{BufMut, BytesMut};
use common::{client, masked, receive_all, receive_all_lent, receive_valid, server, text_part};
use proptest::prelude::*;
use protocol_websocket_connection::{
    Accept, Close, CloseCode, Config, Connection, Delivery, Destination, Event, Frame, Observation, ObservedFrame,
    Observer, Offer, Prepared, Reject, Request, Role, Rsv, Session, StartLine, Timeouts,
};
use test_extensions::Runs;

/// Records the observations of all connections of a configuration, each as a line, and the input.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<(Vec<String>, Vec<u8>)>>);

impl Log {
    fn config(&self) -> Config {
        let log = self.clone();
        Config::new().observer(move |_| log.clone())
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }

    fn input(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

impl Observer for Log {
    fn observe(&self, observation: &Observation<'_>) {
        let (lines, input) = &mut *self.0.lock().unwrap();
        lines.push(match observation {
            Observation::Head(head) => {
                let line = match head.start_line {
                    StartLine::Request { method, target, .. } => format!("{method} {target}"),
                    StartLine::Response { status, .. } => status.to_string(),
                    _ => panic!("{head:?}"),
                };
                format!("{:?} {line} upgrade={:?}", head.direction, head.headers.get_str("upgrade"))
            }
            Observation::Open(negotiated) => format!("open {}", negotiated.version),
            Observation::Frame(frame) => line(frame),
            Observation::Input(bytes) => return input.extend_from_slice(bytes),
            Observation::Ended(ended) => format!("ended by {} with {}, clean: {}", ended.by, ended.code.0, ended.clean),
            other => panic!("{other:?}"),
        });
    }

    fn wants_input(&self) -> bool {
        true
    }
}

fn line(frame: &ObservedFrame<'_>) -> String {
    let ObservedFrame { direction, opcode, fin, wire_len, payload, is_first, is_last, .. } = *frame;
    let rsv = if frame.rsv.is_none() { "" } else { " rsv" };
    let fin = if fin { " fin" } else { "" };
    let piece = match (is_first, is_last) {
        (true, true) => "",
        (true, false) => " first",
        (false, true) => " last",
        (false, false) => " middle",
    };
    format!("{direction:?} {opcode}{fin}{rsv}{piece} {wire_len} {:?}", String::from_utf8_lossy(payload))
}

fn offer(config: Config, output: &mut BytesMut) -> Connection {
    let random = |bytes: &mut [u8]| bytes.fill(7);
    Connection::client(Destination::new("example.com", "/chat"), &Offer::new(), config, random, output).unwrap()
}

#[test]
fn heads_and_the_opening_are_reported_at_both_ends() {
    let (client_log, server_log) = (Log::default(), Log::default());
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let mut client = offer(client_log.config(), &mut to_server);
    let mut server = Connection::server(server_log.config());
    let Some(Event::Upgrade(upgrade)) = server.receive(&mut to_server, &mut to_client).unwrap() else { panic!() };
    server.accept(upgrade, &Accept::new(), &mut to_client).unwrap();
    assert!(matches!(server.receive(&mut to_server, &mut to_client), Ok(Some(Event::Open(_)))));
    assert!(matches!(client.receive(&mut to_client, &mut to_server), Ok(Some(Event::Open(_)))));
    let (get, response) = ("GET /chat upgrade=Some(\"websocket\")", "101 upgrade=Some(\"websocket\")");
    let expect = |request: &str, answer: &str| {
        vec![format!("{request} {get}"), format!("{answer} {response}"), "open RFC 6455".into()]
    };
    assert_eq!(client_log.lines(), expect("Sent", "Received"));
    assert_eq!(server_log.lines(), expect("Received", "Sent"));
}

#[test]
fn heads_of_a_handshake_of_the_caller_are_reported() {
    let log = Log::default();
    let fields = [
        ("host", "example.com"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let request = Request::from_parts("GET", "/chat", fields).unwrap();
    let (_, mut server) = Connection::respond(&request, Accept::new(), log.config()).unwrap();
    receive_valid(&mut server, &mut masked(Frame::text("a")));
    assert_eq!(
        log.lines(),
        [
            "Received GET /chat upgrade=Some(\"websocket\")",
            "Sent 101 upgrade=Some(\"websocket\")",
            "open RFC 6455",
            "Received text fin 1 \"a\"",
        ]
    );
}

#[test]
fn debug_hides_payloads_and_secrets_of_heads() {
    let text = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&text);
    let config = Config::new().observer(move |_| {
        let text = Arc::clone(&shared);
        move |observation: &Observation<'_>| text.lock().unwrap().push_str(&format!("{observation:?}\n"))
    });
    let head = test_support::heads::REQUEST.replace("GET / ", "GET /chat?token=secret ");
    let head = head.replace("\r\n\r\n", "\r\nCookie: id=secret\r\nAuthorization: secret\r\n\r\n");
    let (mut input, mut output) = (BytesMut::from(&head[..]), BytesMut::new());
    let mut server = Connection::server(config);
    let Some(Event::Upgrade(upgrade)) = server.receive(&mut input, &mut output).unwrap() else { panic!() };
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    server.receive(&mut input, &mut output).unwrap();
    server.receive(&mut masked(Frame::text("secret")), &mut output).unwrap();
    let close = Close::new(CloseCode::NORMAL, "secret");
    server.receive(&mut masked(Frame::close(close).unwrap()), &mut output).unwrap();
    let text = text.lock().unwrap();
    assert!(text.contains("GET /chat?(hidden)") && text.contains("payload_len: 6"), "{text}");
    assert!(!text.contains("secret") && !text.contains("dGhlIHNhbXBsZSBub25jZQ"), "{text}");
}

#[test]
fn rejected_handshakes_are_reported_at_both_ends() {
    let (client_log, server_log) = (Log::default(), Log::default());
    let (mut to_server, mut to_client) = (BytesMut::new(), BytesMut::new());
    let mut client = offer(client_log.config(), &mut to_server);
    let mut server = Connection::server(server_log.config());
    let Some(Event::Upgrade(upgrade)) = server.receive(&mut to_server, &mut to_client).unwrap() else { panic!() };
    server.reject(upgrade, &Reject::new(403), &mut to_client).unwrap();
    assert!(matches!(client.receive(&mut to_client, &mut to_server), Ok(Some(Event::Rejected(_)))));
    assert_eq!(server_log.lines()[1..], ["Sent 403 upgrade=None", "ended by this end with 1006, clean: false"]);
    assert_eq!(client_log.lines()[1..], ["Received 403 upgrade=None", "ended by the peer with 1006, clean: false"]);
}

#[test]
fn response_to_an_invalid_request_is_reported() {
    let log = Log::default();
    let mut server = Connection::server(log.config());
    let mut input = BytesMut::from("BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    server.receive(&mut input, &mut BytesMut::new()).unwrap_err();
    let lines = log.lines();
    assert!(lines[0].starts_with("Sent 4") && lines.len() == 2, "{lines:?}");
    assert_eq!(log.input(), b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

#[test]
fn each_frame_is_reported_once_in_order() {
    let log = Log::default();
    let (mut server, mut output) = (server(&log.config()), BytesMut::new());
    let mut input = masked(Frame::text("Hel").with_fin(false));
    input.extend_from_slice(&masked(Frame::ping("hi")));
    input.extend_from_slice(&masked(Frame::continuation("lo")));
    input.extend_from_slice(&masked(Frame::binary(vec![b'x'; 3])));
    receive_valid(&mut server, &mut input);
    server.send("one", &mut output).unwrap();
    server.send_part(text_part("two", true, false), &mut output).unwrap();
    server.ping("p", &mut output).unwrap();
    server.send_part(text_part("three", false, true), &mut output).unwrap();
    server.send_frame(&Frame::text("four"), &mut output).unwrap();
    server.close(CloseCode::NORMAL, &mut output).unwrap();
    receive_valid(&mut server, &mut masked(Frame::close(None).unwrap()));
    assert_eq!(
        log.lines(),
        [
            "open RFC 6455",
            "Received text 3 \"Hel\"",
            "Received ping fin 2 \"hi\"",
            "Sent pong fin 2 \"hi\"",
            "Received continuation fin 2 \"lo\"",
            "Received binary fin 3 \"xxx\"",
            "Sent text fin 3 \"one\"",
            "Sent text 3 \"two\"",
            "Sent ping fin 1 \"p\"",
            "Sent continuation fin 5 \"three\"",
            "Sent text fin 4 \"four\"",
            "Sent close fin 2 \"\\u{3}\u{fffd}\"",
            "Received close fin 0 \"\"",
            "ended by this end with 1005, clean: true",
        ]
    );
}

#[test]
fn long_payloads_are_reported_and_shared() {
    let payload = vec![b'x'; 5000];
    for make in [server, client] {
        let log = Log::default();
        let mut session = Session::new(make(&log.config()));
        session.send(payload.clone()).unwrap();
        session.send_prepared(&mut Prepared::new(payload.clone())).unwrap();
        let lines = log.lines();
        let expected = format!("Sent binary fin 5000 {:?}", "x".repeat(5000));
        assert_eq!(lines[1..], [expected.clone(), expected]);
    }
    let mut session = Session::new(server(&Log::default().config()));
    session.send(payload).unwrap();
    assert_eq!(session.unsent_chunks().count(), 2, "the payload is not copied");
}

#[test]
fn encoded_frames_have_the_payload_of_the_application_and_the_length_on_the_wire() {
    let (sent, received) = (Log::default(), Log::default());
    let (mut client, mut server) = (client(&sent.config()), server(&received.config()));
    client.add_extension(Runs::new(9).pair(), Rsv::RSV2);
    server.add_extension(Runs::new(9).pair(), Rsv::RSV2);
    let mut wire = BytesMut::new();
    client.send("aaaaaaaab", &mut wire).unwrap();
    assert_eq!(sent.lines()[1..], ["Sent text fin rsv 4 \"aaaaaaaab\""]);
    receive_valid(&mut server, &mut wire.clone());
    assert_eq!(received.lines()[1..], ["Received text fin rsv 4 \"aaaaaaaab\""]);
    // Header and one pair of bytes, then the other pair.
    let split = wire.len() - 2;
    receive_valid(&mut server, &mut BytesMut::from(&wire[..split]));
    receive_valid(&mut server, &mut BytesMut::from(&wire[split..]));
    assert_eq!(received.lines(), ["Received text rsv first 2 \"aaaaaaaa\"", "Received text fin rsv last 2 \"b\""]);
}

#[test]
fn frames_delivered_in_parts_are_reported_in_pieces() {
    let log = Log::default();
    let mut server = server(&log.config().delivery(Delivery::Parts).min_part(1));
    let wire = masked(Frame::text("Hello"));
    for piece in [&wire[..8], &wire[8..9], &wire[9..]] {
        receive_valid(&mut server, &mut BytesMut::from(piece));
    }
    assert_eq!(
        log.lines()[1..],
        ["Received text first 2 \"He\"", "Received text middle 1 \"l\"", "Received text fin last 2 \"lo\""]
    );
}

#[test]
fn every_end_is_reported_once() {
    let log = Log::default();
    let mut failed = server(&log.config());
    assert!(failed.receive(&mut BytesMut::from(&b"\x83\x80\0\0\0\0"[..]), &mut BytesMut::new()).is_err());
    assert!(failed.receive(&mut BytesMut::from(&b"more"[..]), &mut BytesMut::new()).is_err());
    failed.receive_eof().unwrap();
    assert_eq!(
        log.lines(),
        ["open RFC 6455", "Sent close fin 2 \"\\u{3}\u{fffd}\"", "ended by this end with 1006, clean: false"]
    );

    let mut lost = server(&log.config());
    lost.receive_eof().unwrap_err();
    assert_eq!(log.lines()[1..], ["ended by the transport with 1006, clean: false"]);

    let mut silent = server(&log.config().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    silent.close(None, &mut output).unwrap();
    output.clear();
    silent.handle_timeout(core::time::Duration::ZERO, &mut output).unwrap();
    silent.handle_timeout(core::time::Duration::from_secs(60), &mut output).unwrap_err();
    assert_eq!(log.lines()[2..], ["ended by a timeout with 1006, clean: false"]);
}

#[test]
fn halves_report_to_the_same_observer() {
    let log = Log::default();
    let (mut receiver, mut sender) = server(&log.config()).split();
    sender.send("a", &mut BytesMut::new()).unwrap();
    receiver.receive(&mut masked(Frame::text("b"))).unwrap();
    receiver.receive(&mut masked(Frame::close(None).unwrap())).unwrap();
    assert_eq!(
        log.lines(),
        [
            "open RFC 6455",
            "Sent text fin 1 \"a\"",
            "Received text fin 1 \"b\"",
            "Received close fin 0 \"\"",
            "ended by the peer with 1005, clean: true",
        ]
    );
}

/// Observes everything except frames.
struct WithoutFrames(Log);

impl Observer for WithoutFrames {
    fn observe(&self, observation: &Observation<'_>) {
        self.0.observe(observation);
    }

    fn wants_frames(&self) -> bool {
        false
    }
}

#[test]
fn observer_that_wants_no_frames_gets_the_rest() {
    let log = Log::default();
    let make = log.clone();
    let config = Config::new().observer(move |_| WithoutFrames(make.clone()));
    for extended in [false, true] {
        let mut server = server(&config);
        if extended {
            server.add_extension(Runs::new(9).pair(), Rsv::RSV2);
        }
        let mut input = masked(Frame::text("a"));
        input.extend_from_slice(&masked(Frame::ping("p")));
        input.extend_from_slice(&masked(Frame::text("b").with_fin(false)));
        input.extend_from_slice(&masked(Frame::continuation("c")));
        receive_valid(&mut server, &mut input);
        server.send("d", &mut BytesMut::new()).unwrap();
        server.send_part(text_part("e", true, true), &mut BytesMut::new()).unwrap();
        receive_valid(&mut server, &mut masked(Frame::close(None).unwrap()));
        assert_eq!(log.lines(), ["open RFC 6455", "ended by the peer with 1005, clean: true"]);
    }
}

#[test]
fn frames_are_reported_if_one_observer_wants_them() {
    let (log, other) = (Log::default(), Log::default());
    let make = other.clone();
    let config = log.config().observer(move |_| WithoutFrames(make.clone()));
    let mut server = server(&config);
    server.send("d", &mut BytesMut::new()).unwrap();
    assert_eq!(log.lines(), ["open RFC 6455", "Sent text fin 1 \"d\""]);
}

#[test]
fn end_of_a_split_connection_names_the_side_that_closed_first() {
    let log = Log::default();
    let (mut receiver, mut sender) = server(&log.config()).split();
    sender.close(None, &mut BytesMut::new()).unwrap();
    receiver.receive(&mut masked(Frame::close(None).unwrap())).unwrap();
    assert_eq!(log.lines()[3..], ["ended by this end with 1005, clean: true"]);
}

#[test]
fn observers_are_made_for_each_connection_and_dropped_with_it() {
    struct Dropped(Role, Arc<Mutex<Vec<Role>>>);
    impl Observer for Dropped {
        fn observe(&self, _: &Observation<'_>) {}
    }
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(self.0);
        }
    }
    let roles = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&roles);
    let config = Config::new().observer(move |role| Dropped(role, Arc::clone(&shared)));
    let (server, client) = (server(&config), client(&config));
    drop(server);
    let (receiver, sender) = client.split();
    drop(receiver);
    assert_eq!(*roles.lock().unwrap(), [Role::Server]);
    drop(sender);
    assert_eq!(*roles.lock().unwrap(), [Role::Server, Role::Client]);
}

#[test]
fn resumed_connection_has_observers() {
    let log = Log::default();
    let state = server(&Config::new()).suspend().unwrap();
    let mut resumed = Connection::resume_server(state.as_bytes(), log.config()).unwrap();
    receive_valid(&mut resumed, &mut masked(Frame::text("a")));
    resumed.send("b", &mut BytesMut::new()).unwrap();
    assert_eq!(log.lines(), ["open RFC 6455", "Received text fin 1 \"a\"", "Sent text fin 1 \"b\""]);
    Connection::resume_server(&state.as_bytes()[1..], log.config()).unwrap_err();
    assert!(log.lines().is_empty());
}

#[test]
fn observers_are_called_in_the_order_in_which_they_were_added() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let add = |config: Config, number: u8| {
        let order = Arc::clone(&order);
        config.observer(move |_| {
            let order = Arc::clone(&order);
            move |_: &Observation<'_>| order.lock().unwrap().push(number)
        })
    };
    drop(server(&add(add(Config::new(), 1), 2)));
    assert_eq!(*order.lock().unwrap(), [1, 2]);
}

#[test]
fn input_of_a_long_payload_is_reported() {
    let log = Log::default();
    let mut server = server(&log.config());
    let wire = masked(Frame::binary(vec![7; 200_000]));
    receive_valid(&mut server, &mut BytesMut::from(&wire[..1000]));
    assert!(server.payload_buffer().is_none(), "bytes that a transport reads into a payload would not be reported");
    receive_valid(&mut server, &mut BytesMut::from(&wire[1000..]));
    assert_eq!(log.input(), wire);

    // An observer that does not need the input does not change how a transport reads.
    let config = Config::new().observer(|_| |_: &Observation<'_>| {});
    let mut server = common::server(&config);
    receive_valid(&mut server, &mut BytesMut::from(&wire[..1000]));
    assert!(server.payload_buffer().is_some_and(|buffer| buffer.has_remaining_mut()));
}

proptest! {
    /// An observer changes no event and no byte, and it gets each byte of the input once.
    #[test]
    fn observed_connection_works_as_another(
        frames in common::frames(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        in_parts in any::<bool>(),
        lent in any::<bool>(),
    ) {
        let wire: Vec<u8> = frames.into_iter().flat_map(masked).collect();
        let log = Log::default();
        let delivery = if in_parts { Delivery::Parts } else { Delivery::Whole };
        let (mut observed, mut plain) =
            (server(&log.config().delivery(delivery)), server(&Config::new().delivery(delivery)));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
        cuts.extend([0, wire.len()]);
        cuts.sort_unstable();
        let receive = |connection: &mut Connection, bytes: &[u8]| if lent {
            receive_all_lent(connection, &mut bytes.to_vec())
        } else {
            receive_all(connection, &mut BytesMut::from(bytes))
        };
        for cut in cuts.windows(2) {
            let bytes = &wire[cut[0]..cut[1]];
            let expected = receive(&mut plain, bytes);
            let received = receive(&mut observed, bytes);
            prop_assert_eq!(&received, &expected);
            if expected.1.is_err() {
                break;
            }
        }
        prop_assert!(wire.starts_with(&log.input()));
        prop_assert_eq!(observed.ended(), plain.ended());
        let ends = log.lines().iter().filter(|line| line.starts_with("ended")).count();
        prop_assert_eq!(ends, usize::from(plain.ended().is_some()));
    }
}
