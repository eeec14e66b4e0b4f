//! `Protocol::WebSocket::Response`, parsed. Here an answer is only read together with its request, and much of it is
//! compared with that: whether it is, stands under `handshake-client`.

use bytes::{Buf, BytesMut};
use protocol_websocket::http::{HeadReader, ResponseHead, Target};
use protocol_websocket::{AnswerError, Offer, Request, Response, Version};
use serde_json::{Value, json};

use crate::requests;
use crate::vectors::{bytes, chunkings, head_limits, run, text};

#[test]
fn response_parse() {
    run("response-parse", |vector, expected, _| {
        let stream = bytes(&vector.input["stream_hex"]);
        let check = |sizes: Vec<usize>| {
            let ours = parse(&stream, &sizes);
            let names = ["state", "class", "after", "family", "subprotocol", "location", "origin", "checksum_hex"];
            let differs = |name: &&&str| match **name {
                "class" => !requests::is_class(&expected["class"], &ours["class"]),
                name => expected.get(name).is_some() && expected[name] != ours[name],
            };
            match names.iter().find(differs) {
                None => Ok(()),
                // What is compared with the request need not be looked at otherwise.
                _ if expected["state"] == "error" && ours["compared"] == true => Ok(()),
                Some(name) => Err(format!("{name}: {} is expected\n  ours: {ours}\n  cut: {sizes:?}", expected[name])),
            }
        };
        chunkings(&vector.input["chunkings"], stream.len()).into_iter().try_for_each(check)
    });
}

fn parse(stream: &[u8], sizes: &[usize]) -> Value {
    let mut reader = HeadReader::new(head_limits());
    let (mut buffer, mut head, mut after) = (BytesMut::new(), None, 0);
    for size in sizes {
        buffer.extend_from_slice(&stream[after..after + size]);
        after += size;
        if head.is_none() {
            match reader.response(&mut buffer) {
                Ok(found) => head = found,
                Err(error) => return json!({ "state": "error", "class": requests::class(error) }),
            }
        }
        let Some(head) = &head else { continue };
        let compared = match judge(head) {
            Ok(compared) => compared,
            Err(class) => return json!({ "state": "error", "class": class }),
        };
        let field = |name: &str| head.headers().get(name).map_or(Value::Null, text);
        let (family, prefix) = match version(head) {
            Version::Hixie75 => ("hixie-75", "websocket-"),
            Version::Hybi00 => ("hybi-00", "sec-websocket-"),
            _ => ("hybi", "sec-websocket-"),
        };
        let mut done = json!({ "state": "done", "family": family, "compared": compared });
        for name in ["location", "origin"] {
            done[name] = field(&format!("{prefix}{name}"));
        }
        done["subprotocol"] = field(&format!("{prefix}protocol"));
        if family == "hybi-00" {
            let Some(checksum) = buffer.first_chunk::<16>().copied() else { continue };
            buffer.advance(16);
            done["checksum_hex"] = requests::hex(&checksum).into();
        }
        done["after"] = (after - buffer.len()).into();
        return done;
    }
    let state = match head {
        Some(_) => "body",
        None if stream.contains(&b'\n') => "fields",
        None => "first_line",
    };
    json!({ "state": state })
}

/// The version that an answer is of, as Perl tells them apart.
fn version(head: &ResponseHead) -> Version {
    let has = |name| head.headers().contains(name);
    match (has("sec-websocket-accept"), has("sec-websocket-origin")) {
        (true, _) => Version::Hybi17,
        (false, true) => Version::Hybi00,
        (false, false) => Version::Hixie75,
    }
}

/// Says whether the answer differs from the request alone.
fn judge(head: &ResponseHead) -> Result<bool, &'static str> {
    let offer = Offer::new().version(version(head)).origin("http://nowhere");
    let request = Request::offer(Target::new("nowhere", "/"), &offer, &mut |buf: &mut [u8]| buf.fill(7)).unwrap();
    match Response::from_head(head.clone(), &request) {
        Ok(_) => Ok(false),
        Err(AnswerError::Status | AnswerError::HttpVersion) => Err("wrong-response-line"),
        Err(
            AnswerError::AcceptWrong
            | AnswerError::Location
            | AnswerError::Origin
            | AnswerError::SubprotocolNotOffered
            | AnswerError::SubprotocolRepeated
            | AnswerError::ExtensionNotOffered,
        ) => Ok(true),
        Err(_) => Err("not-a-valid-response"),
    }
}
