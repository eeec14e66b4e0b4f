//! `Protocol::WebSocket::Handshake::Server` and `Handshake::Client`.

use bytes::BytesMut;
use protocol_websocket::http::{KeyNumbers, ResponseError};
use protocol_websocket::{
    Accept, Accepted, BuildError, ClientHandshake, HandshakeError, Offer, Outcome, ServerHandshake, Url, Version,
};
use serde_json::{Value, json};

use crate::cookies::set_cookie;
use crate::quirks;
use crate::requests;
use crate::vectors::{Vector, bytes, chunkings, head_limits, perl_name, perl_syntax, run};

#[test]
fn server_completes_recorded_handshakes() {
    run("handshake-server", |vector, expected, _| {
        let stream = bytes(&vector.input["stream_hex"]);
        let check = |sizes: Vec<usize>| {
            let ours = serve(&vector.input, &stream, &sizes);
            let is_syntax = vector.fixed.as_ref().is_some_and(|fixed| fixed["state"] == expected["state"]);
            let expected = vector.fixed.as_ref().filter(|_| is_syntax).unwrap_or(expected);
            let pieces = expected["output"].as_array().into_iter().flatten();
            let mut pieces: Vec<u8> = pieces.flat_map(|piece| bytes(&piece["bytes_hex"])).collect();
            if ours["unoffered"] == true {
                assert_eq!(quirks::find("house-unoffered"), quirks::Ours::Own);
                // A subprotocol that was not offered is a `BuildError`, and the response does not have it.
                let line =
                    format!("Sec-WebSocket-Protocol: {}\r\n", vector.input["respond"]["subprotocol"].as_str().unwrap());
                pieces = without(pieces, line.as_bytes());
                pieces = without(pieces, line.trim_start_matches("Sec-").as_bytes());
            }
            pieces = split_digest(pieces, perl_syntax);
            let written = bytes(&ours["output_hex"]);
            let is_same = ours["state"] == expected["state"]
                && requests::is_class(&expected["class"], &ours["class"])
                && (expected["state"] != "done" || ours["version"] == expected["version"])
                && written == pieces;
            let piece = |after: u64| ends(&sizes).find(|&end| end >= after as usize);
            let is_timely = expected["state"] != "done"
                || ours["after"].as_u64().map(|at| at as usize) == piece(expected["after"].as_u64().unwrap());
            if is_same && is_timely {
                return Ok(());
            }
            let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Err(format!(
                "split: {sizes:?}\n  expected: {} {:?} {:?}\n  ours: {ours} {:?}",
                expected["state"],
                expected["class"],
                show(&pieces),
                show(&written)
            ))
        };
        chunkings(&vector.input["chunkings"], stream.len()).into_iter().try_for_each(check)
    });
}

pub(crate) fn without(mut text: Vec<u8>, part: &[u8]) -> Vec<u8> {
    if let Some(at) = text.windows(part.len()).position(|window| window == part) {
        text.drain(at..at + part.len());
    }
    text
}

/// Changes the head of a response, and leaves the bytes after it.
pub(crate) fn split_digest(mut response: Vec<u8>, change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let end = response.windows(4).position(|four| four == b"\r\n\r\n").map_or(response.len(), |at| at + 4);
    let digest = response.split_off(end);
    let mut response = change(&response);
    response.extend(digest);
    response
}

fn ends(sizes: &[usize]) -> impl Iterator<Item = usize> {
    (1..=sizes.len()).map(|pieces| sizes[..pieces].iter().sum())
}

fn serve(input: &Value, stream: &[u8], sizes: &[usize]) -> Value {
    let mut accept = Accept::new().perl_compat();
    let respond = &input["respond"];
    for cookie in respond["cookies"].as_array().into_iter().flatten() {
        accept = accept.cookie(set_cookie(cookie).unwrap().0);
    }
    let mut handshake = ServerHandshake::new().limits(head_limits());
    let (mut buffer, mut output, mut after) = (BytesMut::new(), BytesMut::new(), 0);
    let (mut awaiting, mut version, mut unoffered) = (None, Value::Null, false);
    for size in sizes {
        buffer.extend_from_slice(&stream[after..after + size]);
        after += size;
        if awaiting.is_none() {
            match handshake.parse(&mut buffer) {
                Ok(None) => continue,
                Err(error) => return json!({ "state": "error", "class": requests::class(error), "output_hex": "" }),
                Ok(Some(upgrade)) => {
                    version = perl_name(upgrade.request().version()).into();
                    let request = upgrade.request();
                    accept = accept.secure(request.is_secure() || request.forwarded_secure());
                    if let Some(name) = respond["subprotocol"].as_str() {
                        unoffered = upgrade.request().subprotocols().all(|offered| offered != name);
                        let with = accept.clone().subprotocol(name);
                        if unoffered {
                            let error = with.encode(upgrade.request(), &mut BytesMut::new());
                            assert_eq!(error, Err(BuildError::SubprotocolNotOffered));
                        } else {
                            accept = with;
                        }
                    }
                    match upgrade.accept(&accept, &mut output) {
                        Err(error) => {
                            return json!({ "state": "refused", "class": error.to_string(), "output_hex": "" });
                        }
                        Ok(Accepted::Open(_)) => {
                            // The bytes after the head stay in the input.
                            return json!({ "state": "done", "version": version, "after": after, "output_hex": requests::hex(&output), "unoffered": unoffered });
                        }
                        Ok(Accepted::AwaitingKey3(more)) => awaiting = Some(more),
                    }
                }
            }
        }
        if awaiting.as_mut().is_some_and(|more| more.parse(&mut buffer, &mut output).is_some()) {
            return json!({ "state": "done", "version": version, "after": after, "output_hex": requests::hex(&output), "unoffered": unoffered });
        }
    }
    let state = match awaiting {
        Some(_) => "body",
        None if stream.contains(&b'\n') => "fields",
        None => "first_line",
    };
    json!({ "state": state, "output_hex": requests::hex(&output), "unoffered": unoffered })
}

#[test]
fn client_completes_recorded_handshakes() {
    run("handshake-client", |vector, expected, _| {
        let stream = bytes(&vector.input["stream_hex"]);
        let check = |sizes: Vec<usize>| {
            let ours = connect(vector, &stream, &sizes);
            let names = ["state", "class", "after", "subprotocol"];
            let differs = |name: &&&str| match (expected[**name].as_str(), ours[**name].as_str()) {
                // Our error is more specific.
                (Some("not-a-valid-response"), Some("location-wrong" | "origin-wrong")) => false,
                _ => expected[**name] != ours[**name],
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

fn connect(vector: &Vector, stream: &[u8], sizes: &[usize]) -> Value {
    let input = &vector.input;
    let version = match input["version"].as_str().unwrap() {
        "" => Version::default(),
        name => name.parse().unwrap(),
    };
    let mut offer = Offer::new().perl_compat().version(version);
    for name in input["subprotocol"].as_str().into_iter().flat_map(|list| list.split(',')) {
        offer = offer.subprotocol(name.trim());
    }
    if let Some(origin) = input["origin"].as_str() {
        offer = offer.origin(origin);
    }
    let url = Url::parse(input["url"].as_str().unwrap()).unwrap();
    let key = input["key"].as_str().map(base64).unwrap_or_default();
    let mut random = |buf: &mut [u8]| match buf.len() == key.len() {
        true => buf.copy_from_slice(&key),
        false => buf.fill(7),
    };
    let mut client = ClientHandshake::new(&url, &offer, &mut random, &mut BytesMut::new()).unwrap();
    // The numbers of hybi-00 are drawn here, so their proof replaces the recorded one.
    let mut stream = stream.to_vec();
    if let (Some(digest), Some(key1)) = (client.sent().digest(), input["key1"].as_str()) {
        let numbers = KeyNumbers::parse(key1.as_bytes(), input["key2"].as_str().unwrap().as_bytes()).unwrap();
        let recorded = numbers.digest(bytes(&input["challenge_hex"]).try_into().unwrap());
        let head = stream.windows(4).position(|four| four == b"\r\n\r\n").map_or(stream.len(), |at| at + 4);
        let received = (stream.len() - head).min(16);
        if received > 0 && stream[head..head + received] == recorded[..received] {
            stream[head..head + received].copy_from_slice(&digest[..received]);
        }
    }
    let (mut buffer, mut after) = (BytesMut::new(), 0);
    for size in sizes {
        buffer.extend_from_slice(&stream[after..after + size]);
        after += size;
        match client.parse(&mut buffer) {
            Ok(None) => {}
            Ok(Some(Outcome::Open(response))) => {
                let negotiated = response.into_negotiated();
                return json!({ "state": "done", "after": after - buffer.len(), "subprotocol": negotiated.subprotocol });
            }
            // Perl reports any status except 101 as a wrong line.
            Ok(Some(_)) => {
                return json!({ "state": "error", "class": "wrong-response-line" });
            }
            Err(HandshakeError::Head(error)) => return json!({ "state": "error", "class": requests::class(error) }),
            Err(HandshakeError::Response(error)) => return json!({ "state": "error", "class": class(error) }),
            Err(error) => panic!("{error:?}"),
        }
    }
    json!({ "state": "pending" })
}

fn class(error: ResponseError) -> &'static str {
    match error {
        ResponseError::AcceptWrong => "accept-wrong",
        ResponseError::Checksum => "checksum-wrong",
        ResponseError::ExtensionNotOffered | ResponseError::Extensions | ResponseError::ExtensionsRepeated => {
            "extension-unrequested"
        }
        ResponseError::Location => "location-wrong",
        ResponseError::Origin => "origin-wrong",
        ResponseError::SubprotocolNotOffered | ResponseError::SubprotocolRepeated => "subprotocol-unrequested",
        ResponseError::HttpVersion | ResponseError::Status => "wrong-response-line",
        _ => "not-a-valid-response",
    }
}

/// Decodes a key.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    let digit =
        |c| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|&other| other == c);
    let digits: Vec<usize> = text.trim_end_matches('=').bytes().map(|c| digit(c).unwrap()).collect();
    let bits = |at: usize| digits.get(at / 6).map_or(0, |digit| digit >> (5 - at % 6) & 1);
    (0..digits.len() * 6 / 8).map(|byte| (0..8).fold(0, |sum, bit| sum << 1 | bits(byte * 8 + bit) as u8)).collect()
}
