//! Heads written by `Protocol::WebSocket::Request`, `Response` and `Handshake::Client`, and by `perl_compat()`.

use bytes::BytesMut;
use protocol_websocket::http::{Destination, KeyNumbers, PerlCookie};
use protocol_websocket::{Accept, BuildError, Offer, Request, Url, Version};
use serde_json::Value;

use crate::cookies::set_cookie;
use crate::handshakes::{base64, split_digest, without};
use crate::quirks;
use crate::vectors::{Vector, bytes, perl_syntax, run, wire};

#[test]
fn builds_recorded_requests() {
    run("request-build", |vector, expected, _| {
        let input = &vector.input;
        let host = input["host"].as_str().ok_or("host-required");
        let resource_name = input["resource_name"].as_str().filter(|name| !name.is_empty()).unwrap_or("/");
        let is_secure = input["secure"] == 1 || input["secure"] == true;
        compare(
            vector,
            expected,
            host.and_then(|host| request(input, Destination::new(host, resource_name).secure(is_secure))),
        )
    });
}

#[test]
fn builds_recorded_client_requests() {
    run("handshake-client-request", |vector, expected, _| {
        let url = String::from_utf8(wire(&vector.input["url"])).map_err(|_| "url-invalid");
        let url = url.and_then(|url| Url::parse(&url).map_err(|_| "url-invalid"));
        let ours = url.and_then(|url| {
            request(&vector.input, Destination::new(url.authority(), url.resource_name()).secure(url.is_secure()))
        });
        compare(vector, expected, ours)
    });
}

#[test]
fn builds_recorded_responses() {
    run("response-build", |vector, expected, _| compare(vector, expected, response(&vector.input)));
}

fn compare(vector: &Vector, expected: &Value, ours: Result<Vec<u8>, &'static str>) -> Result<(), String> {
    let is_ours = !vector.fixed.as_ref().is_some_and(|fixed| fixed == expected) && expected != &vector.out;
    // The right values in Perl's syntax and order: `perl_compat()`.
    let expected = match &vector.fixed {
        Some(fixed) if !is_ours => fixed,
        None if expected.is_null() => &vector.out,
        _ => expected,
    };
    let is_key_quirk = vector.quirk.as_deref().is_some_and(|quirk| quirk.starts_with("key-"));
    let is_reserved = is_reserved(&vector.input["headers"]);
    assert!(!is_reserved || quirks::find("house-reserved-field") == quirks::Ours::Own);
    if is_reserved || is_key_quirk {
        return if ours.is_err() { Ok(()) } else { Err("was not refused".into()) };
    }
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match (ours, expected.get("bytes_hex")) {
        (Ok(ours), Some(expected)) => {
            let (ours, expected) = (normalized(vector, &ours), normalized(vector, &bytes(expected)));
            if ours == expected {
                Ok(())
            } else {
                Err(format!("expected: {:?}\n  ours:     {:?}", show(&expected), show(&ours)))
            }
        }
        (Err(class), None) if expected["error"]["class"] == class => Ok(()),
        (ours, _) => Err(format!("expected: {expected}\n  ours: {:?}", ours.map(|ours| show(&ours)))),
    }
}

/// Whether headers belong to the handshake, or repeat one that may appear once.
fn is_reserved(headers: &Value) -> bool {
    let names = headers.as_array().into_iter().flatten().map(|header| header[0].as_str().unwrap());
    let is_extensions = |name: &str| name == "Sec-WebSocket-Extensions";
    names.clone().any(is_extensions) || names.filter(|name| *name == "Authorization").count() > 1
}

/// Returns the head without the differences that are allowed.
fn normalized(vector: &Vector, head: &[u8]) -> Vec<u8> {
    split_digest(head.into(), |head| {
        let head = perl_syntax(head).into_iter().map(char::from).collect::<String>().replacen(
            "Upgrade: websocket",
            "Upgrade: WebSocket",
            1,
        );
        let lines = head.split("\r\n").map(|line| match line.split_once(": ") {
            // One space after each comma.
            Some((name, list)) if name.ends_with("WebSocket-Protocol") => {
                let list =
                    list.split(',').map(str::trim).filter(|token| !token.is_empty()).collect::<Vec<_>>().join(", ");
                if list.is_empty() { String::new() } else { format!("{name}: {list}") }
            }
            Some(("Cookie", _)) if vector.quirk.as_deref() == Some("cookie-malformed") => String::new(),
            _ => line.into(),
        });
        // A custom `Cookie` header comes last here. Perl writes it in its place.
        let is_custom = |line: &String| {
            let cookies = line.strip_prefix("Cookie: ").into_iter().flat_map(|field| field.split("; "));
            cookies.into_iter().any(|cookie| !cookie.contains('=') || cookie.contains('"'))
        };
        let (last, lines): (Vec<_>, Vec<_>) = lines.filter(|line| !line.is_empty()).partition(is_custom);
        wire(&([lines, last].concat().join("\r\n") + "\r\n\r\n").into())
    })
}

fn request(input: &Value, destination: Destination<'_>) -> Result<Vec<u8>, &'static str> {
    let version = version(input)?;
    let mut offer = Offer::new().perl_compat().version(version);
    for name in
        input["subprotocol"].as_str().into_iter().flat_map(|list| list.split(',')).filter(|name| !name.is_empty())
    {
        offer = offer.subprotocol(name.trim_matches([' ', '\t']));
    }
    if let Some(origin) = input["origin"].as_str().filter(|origin| !origin.is_empty()) {
        offer = offer.origin(origin);
    }
    for header in input["headers"].as_array().into_iter().flatten() {
        offer = offer.header(header[0].as_str().unwrap(), header[1].as_str().unwrap());
    }
    offer = with_cookies(offer, &input["cookie"])?;
    let key = input["key"].as_str().map(base64).unwrap_or_default();
    let mut random = |buf: &mut [u8]| if buf.len() == key.len() { buf.copy_from_slice(&key) } else { buf.fill(7) };
    let request = Request::offer(destination, &offer, &mut random).map_err(class)?;
    let mut output = BytesMut::new();
    request.encode(&mut output);
    let mut head = output.to_vec();
    if let (Some(key1), Some(key2)) = (input["key1"].as_str(), input["key2"].as_str()) {
        // The numbers are always drawn here, so the recorded ones replace them.
        KeyNumbers::parse(key1.as_bytes(), key2.as_bytes()).ok_or("invalid-key")?;
        let drawn = |name| request.headers().get_str(name).unwrap();
        head = replace(head, &format!("Key1: {}", drawn("sec-websocket-key1")), &format!("Key1: {key1}"));
        head = replace(head, &format!("Key2: {}", drawn("sec-websocket-key2")), &format!("Key2: {key2}"));
        head.truncate(head.len() - 8);
        head.extend(bytes(&input["challenge_hex"]));
    }
    Ok(head)
}

/// Adds the cookies of a header value: one by one, unless a value needs the quotes of Perl.
fn with_cookies(offer: Offer, field: &Value) -> Result<Offer, &'static str> {
    if !field.is_string() {
        return Ok(offer);
    }
    let field = wire(field);
    let pairs: Vec<_> = PerlCookie::pairs(&field).collect();
    let Ok(joined) = PerlCookie::join(pairs.iter().map(|(name, value)| (*name, value.as_deref()))) else {
        return Ok(offer);
    };
    let plain = pairs.iter().try_fold(Vec::new(), |field, (name, value)| {
        let separator = if field.is_empty() { "" } else { "; " };
        Some([&field[..], separator.as_bytes(), name.as_bytes(), b"=", value.as_deref()?].concat())
    });
    Ok(match pairs.is_empty() {
        true => offer,
        false if plain.as_ref() == Some(&joined) => {
            pairs.iter().fold(offer, |offer, (name, value)| offer.cookie(name, value.as_deref().unwrap_or_default()))
        }
        false => offer.header("Cookie", joined),
    })
}

fn response(input: &Value) -> Result<Vec<u8>, &'static str> {
    let version = version(input)?;
    let text = |name: &str| input[name].as_str();
    let mut fields = vec![("Upgrade", "websocket"), ("Connection", "Upgrade")];
    let mut numbers = None;
    let host = match version.has_length_framing() {
        true => {
            fields.push(("Sec-WebSocket-Key", text("key").ok_or("key-required")?));
            fields.push(("Sec-WebSocket-Version", if version == Version::Hybi10 { "8" } else { "13" }));
            text("host").unwrap_or("h")
        }
        false => text("host").ok_or("host-required")?,
    };
    if version == Version::Hybi00 {
        numbers = Some(match (text("key1"), text("key2"), input["number1"].as_u64(), input["number2"].as_u64()) {
            (Some(key1), Some(key2), ..) => KeyNumbers::parse(key1.as_bytes(), key2.as_bytes()).ok_or("invalid-key")?,
            (_, _, Some(one), Some(two)) => KeyNumbers::from([
                u32::try_from(one).map_err(|_| "invalid-key")?,
                u32::try_from(two).map_err(|_| "invalid-key")?,
            ]),
            _ => return Err("number-required"),
        });
        fields.extend([("Sec-WebSocket-Key1", "0 1"), ("Sec-WebSocket-Key2", "0 1")]);
    }
    fields.push(("Host", host));
    fields.extend(text("origin").map(|origin| ("Origin", origin)));
    let subprotocol = text("subprotocol").filter(|name| !name.is_empty());
    let field = if version == Version::Hixie75 { "WebSocket-Protocol" } else { "Sec-WebSocket-Protocol" };
    fields.extend(subprotocol.map(|name| (field, name)));
    let resource_name = text("resource_name").filter(|name| !name.is_empty()).unwrap_or("/");
    let request = Request::from_parts("GET", resource_name, fields).map_err(|_| "invalid-header-value")?;
    let mut accept = Accept::new().perl_compat().secure(input["secure"] == 1 || input["secure"] == true);
    if let Some(name) = subprotocol {
        accept = accept.subprotocol(name);
    }
    for cookie in input["cookies"].as_array().into_iter().flatten() {
        accept = accept.cookie(set_cookie(cookie).ok_or("invalid-header-value")?.0);
    }
    let mut output = BytesMut::new();
    accept.encode(&request, &mut output).map_err(class)?;
    if let Some(numbers) = numbers {
        let challenge = input.get("challenge_hex").ok_or("challenge-required")?;
        output.extend_from_slice(&numbers.digest(bytes(challenge).try_into().unwrap()));
    }
    Ok(output.to_vec())
}

fn version(input: &Value) -> Result<Version, &'static str> {
    match input["version"].as_str().unwrap_or_default() {
        "" => Ok(Version::default()),
        name => name.parse().map_err(|_| "version-unsupported"),
    }
}

fn replace(head: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let Some(at) = head.windows(from.len()).position(|window| window == from.as_bytes()) else { return head };
    let mut changed = head[..at].to_vec();
    changed.extend(wire(&to.into()));
    changed.extend_from_slice(&without(head[at..].to_vec(), from.as_bytes()));
    changed
}

fn class(error: BuildError) -> &'static str {
    match error {
        BuildError::SubprotocolNotOffered => "unoffered",
        _ => "invalid-header-value",
    }
}
