//! `Protocol::WebSocket::Frame->append` and `next_bytes` or `next`.

use bytes::{Bytes, BytesMut};
use protocol_websocket::frame::Rsv;
use protocol_websocket::{Assembler, DecodeError, Decoder, Frame, Limits, OpCode, Role, Version};
use serde_json::Value;

use crate::vectors::{Mode, Vector, bytes, chunkings, run};

#[test]
fn decodes_recorded_frames() {
    run("frame-decode", |vector, expected, mode| {
        let stream = bytes(&vector.input["stream_hex"]);
        chunkings(&vector.input["chunkings"], stream.len())
            .into_iter()
            .try_for_each(|sizes| check(vector, expected, mode, &stream, &sizes))
    });
}

/// A message or an error, and the number of bytes received before it.
#[derive(Debug)]
struct Event {
    after: usize,
    result: Result<(OpCode, Rsv, Bytes), DecodeError>,
}

fn check(vector: &Vector, expected: &Value, mode: Mode, stream: &[u8], sizes: &[usize]) -> Result<(), String> {
    let ours = decode(&vector.input, mode, stream, sizes);
    let Some(expected) = expected["events"].as_array() else { return Err(format!("ours: {ours:?}")) };
    // The end of the piece that brings the byte at `after`.
    let piece = |after| {
        let ends = (1..=sizes.len()).map(|pieces| sizes[..pieces].iter().sum::<usize>());
        ends.into_iter().find(|&end| end >= after).unwrap()
    };
    let fits = |expected: &Value, ours: &Event| {
        let after = expected["after"].as_u64().map(|after| piece(after as usize));
        match &ours.result {
            Ok((opcode, rsv, data)) => {
                let bits = [Rsv::RSV1, Rsv::RSV2, Rsv::RSV3].map(|bit| u8::from(rsv.contains(bit)));
                expected["type"] == "message"
                    && expected["opcode"] == opcode.bits()
                    && (expected["rsv"].is_null() || expected["rsv"] == serde_json::json!(bits))
                    && bytes(&expected["data_hex"]) == data[..]
                    && after == Some(ours.after)
            }
            // An error may be detected earlier.
            Err(error) => {
                expected["type"] == "error"
                    && expected["class"] == class(*error)
                    && (expected["error"].is_null() || expected["error"] == format!("{error:?}"))
                    && after.is_none_or(|after| ours.after <= after)
            }
        }
    };
    if ours.len() == expected.len() && expected.iter().zip(&ours).all(|(expected, ours)| fits(expected, ours)) {
        return Ok(());
    }
    let expected = Value::from(expected.clone()).to_string().chars().take(600).collect::<String>();
    Err(format!("split: {:?}\n  expected: {expected}\n  ours: {ours:?}", &sizes[..sizes.len().min(10)]))
}

/// Returns all events up to the first error, or up to a Close, after which nothing is decoded (RFC 6455 §5.5.1).
fn decode(input: &Value, mode: Mode, stream: &[u8], sizes: &[usize]) -> Vec<Event> {
    let version: Version = input["version"].as_str().unwrap().parse().unwrap();
    let decoder = match input["role"].as_str().unwrap() {
        "any" => Decoder::new(Role::Server).allow_any_mask(),
        "server" => Decoder::new(Role::Server),
        "client" => Decoder::new(Role::Client),
        other => panic!("{other}"),
    };
    let limits = limits(input);
    let decoder = if mode == Mode::Compat { decoder.perl_compat() } else { decoder };
    let (mut decoder, mut assembler) = (decoder.version(version).limits(limits), Assembler::new(limits));
    let (mut buffer, mut events, mut after) = (BytesMut::new(), Vec::new(), 0);
    for size in sizes {
        buffer.extend_from_slice(&stream[after..after + size]);
        after += size;
        loop {
            let result = match decoder.decode(&mut buffer).and_then(|frame| message(frame, &mut assembler)) {
                Ok(Next::Pending) => break,
                Ok(Next::Fragment) => continue,
                Ok(Next::Message(opcode, rsv, data)) => Ok((opcode, rsv, data)),
                Err(error) => Err(error),
            };
            let is_last = !matches!(result, Ok((opcode, ..)) if opcode != OpCode::Close);
            events.push(Event { after, result });
            if is_last {
                return events;
            }
        }
    }
    events
}

enum Next {
    Pending,
    Fragment,
    Message(OpCode, Rsv, Bytes),
}

fn message(frame: Option<Frame>, assembler: &mut Assembler) -> Result<Next, DecodeError> {
    let Some(frame) = frame else { return Ok(Next::Pending) };
    let rsv = frame.rsv();
    if frame.opcode().is_control() {
        return Ok(Next::Message(frame.opcode(), rsv, frame.into_payload()));
    }
    Ok(match assembler.push(frame)? {
        None => Next::Fragment,
        Some(message) => Next::Message(message.kind().opcode(), rsv, message.into_bytes()),
    })
}

/// Returns Perl's limits. A limit of 0 or null is no limit.
fn limits(input: &Value) -> Limits {
    let limit = |name: &str| input.get(name).map(|limit| limit.as_u64().filter(|&limit| limit > 0));
    let mut limits = Limits::PERL;
    if let Some(size) = limit("max_payload_size") {
        limits.max_frame = size.unwrap_or(u64::MAX);
        limits.max_message = u64::MAX;
    }
    if let Some(fragments) = limit("max_fragments_amount") {
        limits.max_fragments = fragments.map_or(0, |fragments| fragments as u32);
    }
    limits
}

fn class(error: DecodeError) -> &'static str {
    match error {
        DecodeError::FrameTooLong | DecodeError::MessageTooLong => "payload-too-big",
        DecodeError::TooManyFragments => "too-many-fragments",
        _ => "protocol-error",
    }
}
