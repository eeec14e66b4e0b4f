//! What a recorder writes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use common::{Buffer, Pair, VERSIONS, observed, open_server};
use protocol_websocket_connection::{
    Accept, CloseCode, Config, Connection, Delivery, Direction, EndedBy, MessageKind, Negotiated, Offer, OpCode, Part,
    Role, Rsv, Version,
};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use protocol_websocket_record::{Entry, Log, Payloads, RecordedPayload, Recorder, Recording, StartLine};

#[test]
fn writes_one_line_for_each_fact() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone());
    let mut server = open_server(&recorder);
    let mut output = BytesMut::new();
    server.send("Grüße\n", &mut output).unwrap();
    server.send(&b"\xFF\0"[..], &mut output).unwrap();
    // A masked ping, a text in two frames, and a Close.
    let input = b"\x89\x81\0\0\0\0p\x01\x82\0\0\0\0ab\x80\x81\0\0\0\0c\x88\x85\0\0\0\0\x03\xE9bye";
    let mut input = BytesMut::from(&input[..]);
    while server.receive(&mut input, &mut output).unwrap().is_some() {}
    let frame = |rest: &str| format!("{{\"type\":\"frame\",\"connection\":1,{rest}}}");
    assert_eq!(
        buffer.lines(),
        [
            r#"{"type":"connection","connection":1,"role":"server"}"#.to_owned(),
            r#"{"type":"open","connection":1,"version":"RFC 6455","extensions":[]}"#.to_owned(),
            frame(r#""direction":"sent","opcode":"text","fin":true,"wire_len":8,"text":"Grüße\n""#),
            frame(r#""direction":"sent","opcode":"binary","fin":true,"wire_len":2,"base64":"/wA=""#),
            frame(r#""direction":"received","opcode":"ping","fin":true,"wire_len":1,"base64":"cA==""#),
            frame(r#""direction":"sent","opcode":"pong","fin":true,"wire_len":1,"base64":"cA==""#),
            frame(r#""direction":"received","opcode":"text","fin":false,"wire_len":2,"text":"ab""#),
            frame(r#""direction":"received","opcode":"continuation","fin":true,"wire_len":1,"text":"c""#),
            frame(r#""direction":"received","opcode":"close","fin":true,"wire_len":5,"base64":"A+lieWU=","code":1001"#),
            frame(r#""direction":"sent","opcode":"close","fin":true,"wire_len":5,"base64":"A+lieWU=","code":1001"#),
            r#"{"type":"ended","connection":1,"by":"peer","code":1001,"reason":"bye","clean":true}"#.to_owned(),
        ]
    );
    drop(server);
    assert_eq!(buffer.lines().len(), 11, "a connection that ended is not reported as dropped");
}

#[test]
fn both_ends_record_the_same_exchange_in_every_version() {
    for version in VERSIONS {
        let [client, server] = [Buffer::default(), Buffer::default()];
        let configs = [&client, &server].map(|buffer| observed(Config::new(), &Recorder::new(buffer.clone())));
        let [client_config, server_config] = configs;
        let mut pair = Pair::open(client_config, server_config, &Offer::new().version(version), &Accept::new());
        pair.client.send("question", &mut pair.to_server).unwrap();
        pair.deliver();
        pair.server.send("answer é", &mut pair.to_client).unwrap();
        pair.deliver();
        pair.server.close(None, &mut pair.to_client).unwrap();
        pair.deliver();
        assert_consistent(&client.recording(), &server.recording(), version);
    }
}

fn assert_consistent(client: &Recording, server: &Recording, version: Version) {
    let [client, server] = [client, server].map(|recording| recording.connections[0].clone());
    assert_eq!((client.role, server.role), (Some(Role::Client), Some(Role::Server)), "{version}");
    let heads = |connection: &protocol_websocket_record::RecordedConnection| -> Vec<_> {
        let line = |head: &protocol_websocket_record::RecordedHead| (head.line.clone(), head.headers.clone());
        connection.heads.iter().map(line).collect()
    };
    assert_eq!(heads(&client), heads(&server), "{version}");
    assert_eq!(heads(&client).len(), 2);
    assert_eq!(client.open, server.open);
    assert_eq!(client.open.as_ref().map(|open| open.version), Some(version));
    let from_client = |connection: &protocol_websocket_record::RecordedConnection, is_from_client| -> Vec<_> {
        let messages = connection.messages.iter();
        let messages = messages.filter(|message| connection.is_from_client(message.direction) == is_from_client);
        messages.map(|message| (message.opcode, message.payload.clone())).collect()
    };
    for is_from_client in [true, false] {
        let sent = from_client(&client, is_from_client);
        assert_eq!(sent, from_client(&server, is_from_client), "{version}");
        let text = if is_from_client { "question" } else { "answer é" };
        assert_eq!(sent[0], (OpCode::Text, RecordedPayload::Text(text.into())), "{version}");
    }
    let (client, server) = (client.ended.unwrap(), server.ended.unwrap());
    assert_eq!((client.by, server.by), (EndedBy::Peer, EndedBy::Us));
    assert!(client.clean && server.clean && client.code == server.code);
}

#[test]
fn compressed_messages_have_their_payload_and_their_length_on_the_wire() {
    let [client, server] = [Buffer::default(), Buffer::default()];
    let [client_config, server_config] = [&client, &server]
        .map(|buffer| observed(Config::new().extension(PermessageDeflate::new()), &Recorder::new(buffer.clone())));
    let mut pair = Pair::open(client_config, server_config, &Offer::new(), &Accept::new());
    let text = "again and ".repeat(1000);
    pair.client.send(&text, &mut pair.to_server).unwrap();
    pair.deliver();
    for (buffer, direction) in [(client, Direction::Sent), (server, Direction::Received)] {
        let [connection] = &buffer.recording().connections[..] else { panic!() };
        assert!(connection.open.as_ref().unwrap().extensions[0].starts_with("permessage-deflate"));
        assert!(connection.messages[0].is_same(OpCode::Text, text.as_bytes()));
        let log = buffer.text();
        let frames: Vec<_> = Log::new(log.as_bytes())
            .unwrap()
            .filter_map(|record| if let Entry::Frame(frame) = record.unwrap().entry { Some(frame) } else { None })
            .collect();
        assert!(frames.iter().all(|frame| frame.direction == direction && frame.rsv == Rsv::RSV1));
        let wire_len: u64 = frames.iter().map(|frame| frame.wire_len).sum();
        assert!((10..200).contains(&wire_len), "{wire_len}");
        let fins: Vec<bool> = frames.iter().map(|frame| frame.fin).collect();
        assert_eq!(fins.iter().filter(|fin| **fin).count(), 1);
        assert!(frames[0].is_first && frames[frames.len() - 1].is_last);
    }
}

#[test]
fn pieces_of_frames_are_joined_to_messages() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone());
    let config = observed(Config::new().delivery(Delivery::Parts).min_part(1), &recorder);
    let mut server = Connection::open_server(&Negotiated::default(), config);
    let mut output = BytesMut::new();
    for piece in [&b"\x01\x83\0\0\0\0a"[..], b"\xC3", b"\xA9", b"\x89\x80\0\0\0\0\x80\x81\0\0\0\0b"] {
        let mut input = BytesMut::from(piece);
        while server.receive(&mut input, &mut output).unwrap().is_some() {}
    }
    let part = |text: &'static str, is_first, is_last| {
        Part::new(MessageKind::Text, text.into()).with_first(is_first).with_last(is_last)
    };
    server.send_part(part("one ", true, false), &mut output).unwrap();
    server.send_part(part("two", false, true), &mut output).unwrap();
    let messages: Vec<_> = buffer.recording().connections[0]
        .messages
        .iter()
        .map(|message| (message.direction, message.opcode, message.payload.clone()))
        .collect();
    let text = |text: &str| RecordedPayload::Text(text.into());
    assert_eq!(
        messages,
        [
            (Direction::Received, OpCode::Ping, RecordedPayload::Binary(vec![])),
            (Direction::Sent, OpCode::Pong, RecordedPayload::Binary(vec![])),
            (Direction::Received, OpCode::Text, text("aéb")),
            (Direction::Sent, OpCode::Text, text("one two")),
        ]
    );
}

#[test]
fn hashes_replace_payloads_and_reasons() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone()).payloads(Direction::Received, Payloads::Hashed);
    let mut server = open_server(&recorder);
    let mut output = BytesMut::new();
    server.send("shown", &mut output).unwrap();
    let input = b"\x01\x86\0\0\0\0secret\x80\x83\0\0\0\0 ab\x88\x88\0\0\0\0\x03\xE8secret";
    let mut input = BytesMut::from(&input[..]);
    while server.receive(&mut input, &mut output).unwrap().is_some() {}
    let log = buffer.text();
    assert!(log.contains("shown") && !log.contains("secret") && !log.contains("c2VjcmV0"), "{log}");
    assert!(!log.contains("A+hzZWNyZXQ"), "the response to the Close repeats its reason: {log}");
    let [connection] = &buffer.recording().connections[..] else { panic!() };
    let message = &connection.messages[1];
    assert!(message.is_same(OpCode::Text, b"secret ab"));
    assert!(!message.is_same(OpCode::Text, b"secret ac") && !message.is_same(OpCode::Binary, b"secret ab"));
    assert_eq!(connection.messages[2].code, Some(CloseCode::NORMAL));
    assert!(connection.messages[2].is_same(OpCode::Close, b"\x03\xE8secret"));
    let ended = connection.ended.as_ref().unwrap();
    assert_eq!((ended.code, &ended.reason), (CloseCode::NORMAL, &None));
}

#[test]
fn each_end_of_a_connection_is_recorded() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone());
    let mut failed = open_server(&recorder);
    let error = failed.receive(&mut BytesMut::from(&b"\x81\x00"[..]), &mut BytesMut::new()).unwrap_err();
    let mut lost = open_server(&recorder);
    lost.receive_eof().unwrap_err();
    drop(open_server(&recorder));
    let recording = buffer.recording();
    let ends: Vec<_> = recording.connections.iter().map(|connection| connection.ended.clone()).collect();
    let text = |number: usize| ends[number].as_ref().and_then(|ended| ended.error.clone());
    assert_eq!(text(0), Some(error.to_string()));
    assert_eq!(ends[1].as_ref().map(|ended| (ended.by, ended.clean)), Some((EndedBy::Transport, false)));
    assert_eq!(ends[2], None);
    assert_eq!(buffer.lines().last().unwrap(), r#"{"type":"dropped","connection":3}"#);
}

#[test]
fn connections_of_many_threads_have_whole_lines_in_the_order_of_time() {
    let buffer = Buffer::default();
    let recorder = Recorder::new(buffer.clone());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut server = open_server(&recorder);
                for number in 0..50 {
                    server.send(format!("{number} {}", "x".repeat(20_000)), &mut BytesMut::new()).unwrap();
                }
            });
        }
    });
    let log = buffer.text();
    let mut last = std::time::Duration::ZERO;
    for record in Log::new(log.as_bytes()).unwrap() {
        let record = record.unwrap();
        assert!(record.time >= last);
        last = record.time;
    }
    let recording = buffer.recording();
    assert_eq!(recording.connections.len(), 8);
    for connection in &recording.connections {
        assert_eq!(connection.messages.len(), 50);
        assert!(connection.messages[49].payload.as_bytes().unwrap().starts_with(b"49 "));
    }
}

/// A writer that fails after some bytes.
#[derive(Clone)]
struct Full(Arc<Mutex<(usize, Vec<u8>)>>);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (space, written) = &mut *self.0.lock().unwrap();
        let len = bytes.len().min(*space);
        if len == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        *space -= len;
        written.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn error_of_the_writer_ends_the_log_and_not_the_connection() {
    let full = Full(Arc::new(Mutex::new((400, Vec::new()))));
    let recorder = Recorder::new(full.clone());
    assert!(recorder.take_error().is_none());
    let mut server = open_server(&recorder);
    for _ in 0..10 {
        server.send("Hello", &mut BytesMut::new()).unwrap();
    }
    // If there is space again, the log does not continue in the middle of a line.
    full.0.lock().unwrap().0 = 10_000;
    server.send("Hello", &mut BytesMut::new()).unwrap();
    drop(server);
    assert_eq!(recorder.take_error().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
    assert!(recorder.take_error().is_none(), "reported once");
    drop(recorder);
    let written = full.0.lock().unwrap().1.clone();
    assert_eq!(written.len(), 400);
    // The records before the incomplete line can be read.
    let records: Vec<_> = Log::new(&written[..]).unwrap().collect();
    let (last, valid) = records.split_last().unwrap();
    assert!(valid.len() >= 2 && valid.iter().all(Result::is_ok));
    assert!(matches!(last, Err(error) if matches!(error.kind(), protocol_websocket_record::LogErrorKind::Incomplete)));
    let recording = Recording::read(Log::new(&written[..]).unwrap()).unwrap();
    assert!(!recording.is_complete && recording.connections.len() == 1);
}

#[test]
fn rejected_handshakes_are_recorded() {
    let buffer = Buffer::default();
    let mut server = Connection::server(observed(Config::new(), &Recorder::new(buffer.clone())));
    let mut input = BytesMut::from("BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let error = server.receive(&mut input, &mut BytesMut::new()).unwrap_err();
    let [connection] = &buffer.recording().connections[..] else { panic!() };
    assert!(matches!(connection.heads[0].line, StartLine::Response { status: 400.., .. }), "{connection:?}");
    assert_eq!(connection.ended.as_ref().unwrap().error, Some(error.to_string()));
    assert_eq!((connection.open.is_none(), connection.messages.len()), (true, 0));
}
