//! `Protocol::WebSocket::Response`, parsed. Here an answer is only read together with its request, which is made up to
//! fit it. What comes of one that does not fit stands under `handshake-client`.

use bytes::{Buf, BytesMut};
use protocol_websocket::http::{HeadReader, ResponseHead, Target};
use protocol_websocket::{AnswerError, Offer, Request, Response, Url, Version};
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
        if let Err(class) = judge(head) {
            return json!({ "state": "error", "class": class });
        }
        let field = |name: &str| head.headers().get(name).map_or(Value::Null, text);
        let (family, prefix) = match version(head) {
            Version::Hixie75 => ("hixie-75", "websocket-"),
            Version::Hybi00 => ("hybi-00", "sec-websocket-"),
            _ => ("hybi", "sec-websocket-"),
        };
        let mut done = json!({ "state": "done", "family": family });
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

/// Judges the answer by the request that it can belong to: for the location and from the origin that it repeats, with the
/// subprotocol that it chose. What hangs on the request alone is taken as right: the key of a `Sec-WebSocket-Accept`, and
/// how a location that is a URL was written.
fn judge(head: &ResponseHead) -> Result<(), &'static str> {
    if head.minor_version() == 0 {
        return Err("wrong-response-line");
    }
    let version = version(head);
    let prefix = if version == Version::Hixie75 { "websocket-" } else { "sec-websocket-" };
    let field = |name: &str| head.headers().get_str(&format!("{prefix}{name}"));
    // What has no location is of a version that needs none, or is refused.
    let Ok(url) = field("location").unwrap_or("ws://nowhere/").parse::<Url>() else {
        return Err("not-a-valid-response");
    };
    let mut offer = Offer::new().version(version).origin(field("origin").unwrap_or("null"));
    if let Some(subprotocol) = field("protocol") {
        offer = offer.subprotocol(subprotocol);
    }
    let target = Target::new(url.authority(), url.resource_name()).secure(url.is_secure());
    let request = Request::offer(target, &offer, &mut |buf: &mut [u8]| buf.fill(7)).unwrap();
    let accept = request.key().map(|key| key.accept());
    let plain = url.to_string();
    let can_be_plain = |location: &[u8]| location.is_ascii() && url.credentials().is_none();
    let fields = head.headers().iter().map(|(name, value)| match &accept {
        Some(accept) if name.eq_ignore_ascii_case("sec-websocket-accept") => (name, &accept[..]),
        _ if name.eq_ignore_ascii_case(&format!("{prefix}location")) && can_be_plain(value) => (name, plain.as_bytes()),
        _ => (name, value),
    });
    let answer = ResponseHead::from_parts(head.status(), fields).unwrap();
    match Response::from_head(answer, &request) {
        Ok(_) => Ok(()),
        Err(AnswerError::Status) => Err("wrong-response-line"),
        Err(_) => Err("not-a-valid-response"),
    }
}
