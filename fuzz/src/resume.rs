//! Connections that are suspended and resumed, and arbitrary bytes in place of a suspended state.

use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::BytesMut;
use protocol_websocket_connection::{
    Config, Connection, Delivery, Ended, Error, Event, ExtensionParams, Limits, MessageKind, Negotiated, Part, Role,
    Session, Timeouts, Version,
};
use protocol_websocket_permessage_deflate::PermessageDeflate;

use crate::input::{bit, pieces, read};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    options: u8,
    version: u8,
    max_message: u16,
    splits: [u8; 4],
    stream: &'a [u8],
}

impl Input<'_> {
    fn role(&self) -> Role {
        if bit(self.options, 2) { Role::Server } else { Role::Client }
    }

    fn config(&self) -> Config {
        let delivery = if bit(self.options, 3) { Delivery::Parts } else { Delivery::Whole };
        let config = Config::new().limits(Limits::new(self.max_message.into())).delivery(delivery).min_part(3);
        let config = if bit(self.options, 4) { config.timeouts(Timeouts::RECOMMENDED) } else { config };
        config.extension(PermessageDeflate::new().suspendable(1 << 16))
    }

    fn negotiated(&self) -> Negotiated {
        let version =
            [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75][usize::from(self.version % 4)];
        Negotiated::new().version(version)
    }
}

/// Arbitrary bytes are rejected or give a connection that keeps the limits. A connection that is suspended and resumed
/// between any two pieces of its input has the same events, output and end as one that is not, and messages that are sent
/// and received compressed arrive unchanged.
pub fn resume(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    match input.options & 3 {
        0 => resume_arbitrary(&input),
        1 | 2 => resume_between_pieces(&input),
        _ => resume_compressed(&input),
    }
}

fn key(mask: &mut [u8]) {
    mask.fill(3);
}

fn open(role: Role, negotiated: &Negotiated, config: Config) -> Connection {
    match role {
        Role::Server => Connection::open_server(negotiated, config),
        Role::Client => Connection::open_client(negotiated, config, key),
    }
}

fn hand_over(connection: &mut Connection) -> Connection {
    let state = connection.suspend().unwrap();
    let config = connection.config().clone();
    match connection.role() {
        Role::Server => Connection::resume_server(state.as_bytes(), config).unwrap(),
        Role::Client => Connection::resume_client(state.as_bytes(), config, key).unwrap(),
    }
}

fn resume_arbitrary(input: &Input<'_>) {
    let (state, rest) = input.stream.split_at(input.stream.len() - input.stream.len() / 8);
    for state in [state, input.stream] {
        if let Ok(mut session) = Session::resume_server(state, input.config()) {
            while session.poll_event().is_some() {}
            session.handle_timeout(Duration::from_secs(5));
            let _ = session.suspend();
        }
        let resumed = match input.role() {
            Role::Server => Connection::resume_server(state, input.config()),
            Role::Client => Connection::resume_client(state, input.config(), key),
        };
        let Ok(mut connection) = resumed else { continue };
        // A resumed connection can be suspended and resumed again.
        if let Ok(state) = connection.suspend() {
            let again = match input.role() {
                Role::Server => Connection::resume_server(state.as_bytes(), input.config()),
                Role::Client => Connection::resume_client(state.as_bytes(), input.config(), key),
            };
            assert_eq!(again.unwrap().suspend().unwrap(), state);
        }
        let mut output = BytesMut::new();
        let _ = connection.send("hello", &mut output);
        let _ = connection.handle_timeout(Duration::from_secs(5), &mut output);
        let mut bytes = BytesMut::from(rest);
        while let Ok(Some(event)) = connection.receive(&mut bytes, &mut output) {
            if let Event::Message(message) = event {
                assert!(message.len() <= usize::from(input.max_message));
                assert!(message.as_text().is_none_or(|text| str::from_utf8(text.as_bytes()).is_ok()));
            }
        }
    }
}

type Results = (Vec<Event>, Result<(), Error>, BytesMut, Option<Ended>);

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

fn resume_between_pieces(input: &Input<'_>) {
    let new = || open(input.role(), &input.negotiated(), input.config());
    for splits in [input.splits, [0; 4]] {
        let uninterrupted = receive(new(), pieces(input.stream, &splits), |connection| connection);
        let resumed = receive(new(), pieces(input.stream, &splits), |mut connection| hand_over(&mut connection));
        assert_eq!(resumed, uninterrupted);
    }
}

fn resume_compressed(input: &Input<'_>) {
    let mut extension = ExtensionParams::new("permessage-deflate");
    if bit(input.options, 5) {
        extension = extension.flag("client_no_context_takeover").flag("server_no_context_takeover");
    }
    if bit(input.options, 6) {
        extension = extension.param("server_max_window_bits", "9").param("client_max_window_bits", "9");
    }
    let negotiated = Negotiated::new().extension(extension);
    let deflate = PermessageDeflate::new().threshold(0).suspendable(1 << 16);
    let deflate = if bit(input.options, 7) { deflate.windows_only() } else { deflate };
    let config = Config::new().extension(deflate);
    let receiving = if input.role() == Role::Server { Role::Client } else { Role::Server };
    let (mut sender, mut receiver) =
        (open(input.role(), &negotiated, config.clone()), open(receiving, &negotiated, config));
    let (mut wire, mut sent, mut received) = (BytesMut::new(), Vec::new(), Vec::new());
    for message in input.stream.split(|&byte| byte == 0xFF).take(8) {
        let mut parts = message.chunks(usize::from(input.splits[0]) + 1).peekable();
        let mut first = true;
        while first || parts.peek().is_some() {
            let bytes = parts.next().unwrap_or_default().to_vec().repeat(3);
            let part = Part::new(MessageKind::Binary, bytes.into()).with_first(first).with_last(parts.peek().is_none());
            sender.send_part(part, &mut wire).unwrap();
            sender = hand_over(&mut sender);
            first = false;
        }
        let whole: Vec<u8> = message.chunks(usize::from(input.splits[0]) + 1).flat_map(|part| part.repeat(3)).collect();
        sent.push(whole);
    }
    // A long stream is not split into single bytes, because that takes too long.
    let splits = if wire.len() > 500 { input.splits.map(|split| split | 0x3F) } else { input.splits };
    let mut output = BytesMut::new();
    for piece in pieces(&wire, &splits) {
        receiver = hand_over(&mut receiver);
        let mut bytes = BytesMut::from(piece);
        while let Some(event) = receiver.receive(&mut bytes, &mut output).unwrap() {
            let Event::Message(message) = event else { panic!("{event:?}") };
            received.push(message.into_bytes().to_vec());
        }
    }
    assert_eq!(received, sent);
}
