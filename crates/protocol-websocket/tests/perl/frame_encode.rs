//! `Protocol::WebSocket::Frame->to_bytes`.

use bytes::BytesMut;
use protocol_websocket::frame::{MaskKey, Rsv};
use protocol_websocket::{EncodeError, Frame, Limits, OpCode, Version};
use serde_json::{Value, json};

use crate::vectors::{bytes, run};

#[test]
fn encodes_recorded_frames() {
    run("frame-encode", |vector, expected, _| match (encode(&vector.input), expected.get("bytes_hex")) {
        (Ok(ours), Some(expected)) if ours[..] == bytes(expected) => Ok(()),
        (Ok(ours), _) => Err(format!("ours: {ours:02x?}")),
        (Err(class), None) if expected["error"]["class"] == class => Ok(()),
        (Err(class), _) => Err(format!("ours: {}", json!({ "error": { "class": class } }))),
    });
}

fn encode(input: &Value) -> Result<BytesMut, &'static str> {
    let version: Version = input["version"].as_str().unwrap().parse().unwrap();
    let opcode = match input.get("type").and_then(Value::as_str) {
        Some("continuation") => OpCode::Continuation,
        Some("text") => OpCode::Text,
        Some("binary") => OpCode::Binary,
        Some("close") => OpCode::Close,
        Some("ping") => OpCode::Ping,
        Some("pong") => OpCode::Pong,
        Some(other) => panic!("{other}"),
        None => {
            let bits = input.get("opcode").map_or(1, |bits| bits.as_u64().unwrap());
            // `OpCode` has no other opcodes.
            u8::try_from(bits).ok().and_then(OpCode::from_bits).ok_or("opcode-reserved")?
        }
    };
    let rsv = input["rsv"].as_array().map_or(Rsv::NONE, |bits| {
        let names = [Rsv::RSV1, Rsv::RSV2, Rsv::RSV3];
        let set = bits.iter().zip(names).filter(|(bit, _)| **bit == 1).map(|(_, name)| name);
        set.fold(Rsv::NONE, |set, name| set | name)
    });
    let mask = (input["masked"] == 1).then(|| MaskKey((input["mask"].as_u64().unwrap() as u32).to_be_bytes()));
    let fin = input.get("fin").is_none_or(|fin| fin != 0);
    let limit = match input.get("max_payload_size") {
        None => Limits::PERL.max_frame,
        Some(limit) => limit.as_u64().filter(|&limit| limit > 0).unwrap_or(u64::MAX),
    };
    let frame = Frame::new(opcode, bytes(&input["buffer_hex"])).with_fin(fin).with_rsv(rsv);
    let mut output = BytesMut::new();
    Limits::NONE
        .max_frame(limit)
        .check(&frame)
        .and_then(|()| frame.encode(version, mask, &mut output))
        .map_err(class)?;
    Ok(output)
}

fn class(error: EncodeError) -> &'static str {
    match error {
        EncodeError::CloseCode(_) | EncodeError::CloseTooShort | EncodeError::InvalidUtf8 => "close-payload",
        EncodeError::ControlFragmented => "control-fragmented",
        EncodeError::ControlTooLong => "control-too-long",
        EncodeError::FrameTooLong => "payload-too-big-to-send",
        EncodeError::Unsupported => "unsupported-by-version",
        other => panic!("{other:?}"),
    }
}
