//! A connection with permessage-deflate is suspended and resumed before each byte of a stream. The events, the output and the
//! end are those of a connection that receives the same bytes and is not suspended.
//!
//! The streams are those of a connection that compresses messages and fragments, and the inputs of three fuzz targets without
//! their options. Each stream of compressed messages is also received in two pieces, once
//! for each position, with a hand-over between them.
#![cfg(feature = "permessage-deflate")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use bytes::BytesMut;
use protocol_websocket::http::parse_extensions;
use protocol_websocket::{
    Close, CloseCode, Config, Connection, Delivery, Ended, Error, Event, Limits, MessageKind, Negotiated, Part,
    PermessageDeflate, Role,
};

/// Different parameters for each direction would not change more: a connection receives with the parameters of one direction.
const PARAMETERS: [&str; 4] = [
    "",
    "; server_no_context_takeover; client_no_context_takeover",
    "; server_max_window_bits=9; client_max_window_bits=9",
    "; server_max_window_bits=10; client_max_window_bits=10; server_no_context_takeover; client_no_context_takeover",
];

type Results = (Vec<Event>, Result<(), Error>, BytesMut, Option<Ended>);

fn key(bytes: &mut [u8]) {
    bytes.fill(7);
}

fn config(delivery: Delivery) -> Config {
    let deflate = PermessageDeflate::new().threshold(0).suspendable(1 << 16);
    Config::new().extension(deflate).limits(Limits::new(5000)).delivery(delivery).min_part(3)
}

fn open(role: Role, parameters: &str, config: &Config) -> Connection {
    let extension = parse_extensions(format!("permessage-deflate{parameters}")).unwrap().remove(0);
    let negotiated = Negotiated::new().extension(extension);
    match role {
        Role::Server => Connection::open_server(&negotiated, config),
        Role::Client => Connection::open_client(&negotiated, config, key),
    }
}

fn hand_over(mut connection: Connection) -> Connection {
    let config = connection.config().clone();
    let state = connection.suspend().unwrap();
    match connection.role() {
        Role::Server => Connection::resume_server(state.as_bytes(), config).unwrap(),
        Role::Client => Connection::resume_client(state.as_bytes(), config, key).unwrap(),
    }
}

/// Receives the pieces. `between` replaces the connection before each piece.
fn receive<'a>(
    mut connection: Connection,
    pieces: impl Iterator<Item = &'a [u8]>,
    between: impl Fn(Connection) -> Connection,
) -> Results {
    let (mut events, mut end, mut output) = (Vec::new(), Ok(()), BytesMut::new());
    for piece in pieces {
        connection = between(connection);
        let mut input = BytesMut::from(piece);
        end = loop {
            match connection.receive(&mut input, &mut output) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
    }
    let eof = connection.receive_eof();
    (events, end.and(eof), output, connection.ended().cloned())
}

/// Returns the results with a hand-over before each byte, after a comparison with those without one.
fn check(role: Role, parameters: &str, delivery: Delivery, stream: &[u8]) -> Results {
    let new = || open(role, parameters, &config(delivery));
    let uninterrupted = receive(new(), stream.chunks(1), |connection| connection);
    let resumed = receive(new(), stream.chunks(1), hand_over);
    assert_eq!(resumed, uninterrupted, "{role:?} {parameters:?} {delivery:?} {stream:02x?}");
    resumed
}

fn other(role: Role) -> Role {
    if role == Role::Server { Role::Client } else { Role::Server }
}

/// Returns compressed messages, in one frame and in fragments with a Ping between them, and a Close, as the peer sends them.
fn compressed(role: Role, parameters: &str) -> BytesMut {
    let mut peer = open(other(role), parameters, &config(Delivery::Whole));
    let mut stream = BytesMut::new();
    let text: String = (0..40).map(|number| format!("caf\u{E9} {}, ", number * number)).collect();
    for message in ["", "a", &text[..30], &text, &text[..61]] {
        peer.send(message, &mut stream).unwrap();
        let mut chunks = message.as_bytes().chunks(100).peekable();
        let mut first = true;
        while let Some(chunk) = chunks.next() {
            let part = Part::new(MessageKind::Binary, chunk.to_vec().into());
            peer.send_part(part.with_first(first).with_last(chunks.peek().is_none()), &mut stream).unwrap();
            peer.ping("hi", &mut stream).unwrap();
            first = false;
        }
    }
    peer.close(Some(Close::from(CloseCode::NORMAL)), &mut stream).unwrap();
    stream
}

/// Calls a function for each combination of the roles, the parameters and the ways of delivery.
fn for_each_connection(mut run: impl FnMut(Role, &str, Delivery)) {
    for role in [Role::Client, Role::Server] {
        for parameters in PARAMETERS {
            for delivery in [Delivery::Whole, Delivery::Parts] {
                run(role, parameters, delivery);
            }
        }
    }
}

#[test]
fn compressed_messages_do_not_depend_on_a_hand_over() {
    for_each_connection(|role, parameters, delivery| {
        let stream = compressed(role, parameters);
        let (events, end, _, ended) = check(role, parameters, delivery, &stream);
        assert!(end.is_ok() && ended.is_some_and(|ended| ended.clean));
        if delivery == Delivery::Whole {
            assert_eq!(events.iter().filter(|event| matches!(event, Event::Message(_))).count(), 9);
        }
        let new = || open(role, parameters, &config(delivery));
        for at in 0..=stream.len() {
            let (front, back) = stream.split_at(at);
            let uninterrupted = receive(new(), [front, back].into_iter(), |connection| connection);
            let resumed = receive(new(), [front, back].into_iter(), hand_over);
            assert_eq!(resumed, uninterrupted, "{role:?} {parameters:?} {delivery:?} at {at}");
        }
    });
}

#[test]
fn stored_inputs_of_fuzz_targets_do_not_depend_on_a_hand_over() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let mut streams = 0;
    for target in ["connection", "resume", "session"] {
        for file in fs::read_dir(seeds.join(target)).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            // The first bytes are the options of the target.
            let stream = bytes.get(8..).unwrap_or(&bytes);
            for_each_connection(|role, parameters, delivery| {
                let _ = check(role, parameters, delivery, stream);
            });
            streams += 1;
        }
    }
    println!("{streams} streams");
    assert!(streams > 500, "{streams}");
}
