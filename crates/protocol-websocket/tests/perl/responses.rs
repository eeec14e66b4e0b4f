//! Parsing by `Protocol::WebSocket::Response`. Here a response is parsed together with its request, so each test creates a
//! request that fits the response. `handshake-client` has responses that do not fit their request.

use bytes::{Buf, BytesMut};
use protocol_websocket::http::{Destination, HeadReader, Headers, ResponseHead};
use protocol_websocket::{Offer, Request, Response, ResponseError, Url, Version};
use serde_json::{Value, json};

use crate::requests;
use crate::vectors::{bytes, chunkings, head_limits, run, text};

#[test]
fn parses_recorded_responses() {
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
                Some(name) => {
                    Err(format!("{name}: {} is expected\n  ours: {ours}\n  split: {sizes:?}", expected[name]))
                }
            }
        };
        chunkings(&vector.input["chunkings"], stream.len()).into_iter().try_for_each(check)
    });
}

fn parse(stream: &[u8], sizes: &[usize]) -> Value {
    let mut reader = HeadReader::new(head_limits());
    let (mut buffer, mut response, mut after) = (BytesMut::new(), None, 0);
    for size in sizes {
        buffer.extend_from_slice(&stream[after..after + size]);
        after += size;
        if response.is_none() {
            let head = reader.response(&mut buffer).map_err(requests::class);
            match head.and_then(|head| head.map(|head| Ok((check(&head)?, head))).transpose()) {
                Ok(checked) => response = checked,
                Err(class) => return json!({ "state": "error", "class": class }),
            }
        }
        let Some((response, head)) = &response else { continue };
        let mut done = view(response, head);
        // `handshake-client` compares the proof, because the keys are unknown here.
        if response.negotiated().version == Version::Hybi00 {
            let Some(checksum) = buffer.first_chunk::<16>().copied() else { continue };
            buffer.advance(16);
            done["checksum_hex"] = requests::hex(&checksum).into();
        }
        done["after"] = (after - buffer.len()).into();
        return done;
    }
    let state = match response {
        Some(_) => "body",
        None if stream.contains(&b'\n') => "fields",
        None => "first_line",
    };
    json!({ "state": state })
}

fn view(response: &Response, head: &ResponseHead) -> Value {
    let negotiated = response.clone().into_negotiated();
    assert_eq!(&negotiated, response.negotiated());
    let (family, prefix) = match negotiated.version {
        Version::Hixie75 => ("hixie-75", "websocket-"),
        Version::Hybi00 => ("hybi-00", "sec-websocket-"),
        _ => ("hybi", "sec-websocket-"),
    };
    let field = |headers: &Headers, name| headers.get(&format!("{prefix}{name}")).map_or(Value::Null, text);
    json!({
        "state": "done",
        "family": family,
        "subprotocol": negotiated.subprotocol,
        "location": field(head.headers(), "location"),
        "origin": field(response.headers(), "origin"),
    })
}

/// Checks the response against a request of each version. Its version is the first one that accepts it.
fn check(head: &ResponseHead) -> Result<Response, &'static str> {
    let mut class = "not-a-valid-response";
    for version in [Version::Rfc6455, Version::Hybi00, Version::Hixie75] {
        match request(head, version).map(|request| Response::from_head(with_own_values(head, &request), &request)) {
            Some(Ok(response)) => return Ok(response),
            Some(Err(ResponseError::Status | ResponseError::HttpVersion)) => class = "wrong-response-line",
            Some(Err(_)) | None => {}
        }
    }
    Err(class)
}

/// Creates a request from the origin and for the location that the response repeats. It offers the subprotocols of all
/// recorded responses and one more.
fn request(head: &ResponseHead, version: Version) -> Option<Request> {
    let prefix = if version == Version::Hixie75 { "websocket-" } else { "sec-websocket-" };
    let field = |name: &str| head.headers().get_str(&format!("{prefix}{name}"));
    // A response without a location is of a version that needs none, or is refused.
    let url: Url = field("location").unwrap_or("ws://nowhere/").parse().ok()?;
    let offer = Offer::new().version(version).origin(field("origin").unwrap_or("null"));
    let offer = ["other", "chat", "v1.x"].iter().fold(offer, Offer::subprotocol);
    let destination = Destination::new(url.authority(), url.resource_name()).secure(url.is_secure());
    Request::offer(destination, &offer, &mut |buf: &mut [u8]| buf.fill(7)).ok()
}

/// Returns the head with our own values where the recorded request is needed: the proof of the key, and the form of the
/// URL.
fn with_own_values(head: &ResponseHead, request: &Request) -> ResponseHead {
    if head.minor_version() == 0 {
        return head.clone();
    }
    let accept = request.key().map(|key| key.accept());
    let plain = |location: &[u8]| {
        let url: Url = str::from_utf8(location).ok().filter(|url| url.is_ascii())?.parse().ok()?;
        url.credentials().is_none().then(|| url.to_string().into_bytes())
    };
    let fields = head.headers().iter().map(|(name, value)| match name.to_ascii_lowercase().as_str() {
        "sec-websocket-accept" => (name, accept.map_or(value.to_vec(), Vec::from)),
        "sec-websocket-location" | "websocket-location" => (name, plain(value).unwrap_or(value.to_vec())),
        _ => (name, value.to_vec()),
    });
    ResponseHead::from_parts(head.status(), fields).unwrap()
}
