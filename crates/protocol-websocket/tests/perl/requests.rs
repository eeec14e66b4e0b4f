//! `Protocol::WebSocket::Request`: parsed from the wire and from PSGI, and the numbers of hybi-00.

use bytes::{Buf, BytesMut};
use protocol_websocket::http::{HeadReader, KeyNumbers};
use protocol_websocket::{Accept, Accepted, ParseError, Request, Upgrade, Version, http::RequestHead};
use serde_json::{Value, json};

use crate::cookies::pairs;
use crate::quirks;
use crate::vectors::{Vector, bytes, chunkings, head_limits, perl_name, run, run_plain, text, wire};

#[test]
fn parses_recorded_requests() {
    run("request-parse", |vector, expected, _| {
        let stream = bytes(&vector.input["stream_hex"]);
        let check = |sizes: Vec<usize>| compare(vector, expected, &parse(&stream, &sizes), &sizes);
        chunkings(&vector.input["chunkings"], stream.len()).into_iter().try_for_each(check)
    });
}

#[test]
fn parses_recorded_psgi_environments() {
    run("psgi", |vector, expected, _| compare(vector, expected, &from_psgi(&vector.input), &[]));
}

#[test]
fn computes_recorded_key_numbers() {
    run_plain("hybi00-number", |input, _| match KeyNumbers::parse(&wire(&input["key1"]), &wire(&input["key2"])) {
        None => json!({ "error": { "class": "invalid-key" } }),
        Some(numbers) => {
            let [number1, number2] = numbers.numbers();
            let digest = numbers.digest(bytes(&input["challenge_hex"]).try_into().unwrap());
            json!({ "number1": number1, "number2": number2, "checksum_hex": hex(&digest) })
        }
    });
}

/// Compares the values that both sides have. Perl's results have more values, such as `fields`.
fn compare(vector: &Vector, expected: &Value, ours: &Value, sizes: &[usize]) -> Result<(), String> {
    // `cookie-parse` compares how malformed cookies are parsed.
    let is_about_cookies = vector.quirk.as_deref() == Some("cookie-malformed");
    let is_syntax = vector.quirk.as_deref() == Some("res-hixie75-reason");
    let expected = match &vector.fixed {
        Some(fixed) if is_syntax && expected == &vector.out => fixed,
        _ => expected,
    };
    let differs = |name: &&&str| match **name {
        // A cookie without a value has an empty value here. `PerlCookie` distinguishes the two.
        "cookies" => with_values(&expected["cookies"]) != ours["cookies"] && expected.get("cookies").is_some(),
        "cookies as Perl parses them" if is_about_cookies => false,
        "cookies as Perl parses them" => {
            let perls = vector.fixed.as_ref().and_then(|fixed| fixed.get("cookies")).or(vector.out.get("cookies"));
            ours["state"] == "done" && perls.is_some_and(|perls| with_text_names(perls) != ours[**name])
        }
        // `perl_compat()` writes Perl's reason phrase.
        "response_hex" => {
            expected[**name].as_str().map(|hex| hex.replace(&self::hex(b"Web Socket"), &self::hex(b"WebSocket")))
                != ours[**name].as_str().map(Into::into)
        }
        "class" => !is_class(&expected["class"], &ours["class"]),
        "subprotocol" => tokens(&expected["subprotocol"]) != tokens(&ours["subprotocol"]),
        // Perl does not report the position of an error, nor before the end.
        "after" => {
            expected["state"] == "done" && !sizes.is_empty() && {
                let after = expected["after"].as_u64().unwrap();
                let mut ends = (1..=sizes.len()).map(|pieces| sizes[..pieces].iter().sum::<usize>() as u64);
                ours["after"] != ends.find(|&end| end >= after).unwrap()
            }
        }
        name => expected.get(name).is_some() && expected[name] != ours[name],
    };
    let names = [
        "state",
        "class",
        "version",
        "resource_name",
        "host",
        "origin",
        "subprotocol",
        "secure",
        "cookies",
        "cookies as Perl parses them",
        "key",
        "key1",
        "key2",
        "number1",
        "number2",
        "challenge_hex",
        "checksum_hex",
        "response_hex",
        "after",
    ];
    match names.iter().find(differs) {
        None => Ok(()),
        Some(name) => Err(format!("{name}: {} is expected\n  ours: {ours}\n  split: {sizes:?}", expected[name])),
    }
}

/// Returns the cookies with an empty value where one is missing.
fn with_values(cookies: &Value) -> Value {
    let mut cookies = cookies.clone();
    for value in
        cookies.as_array_mut().into_iter().flatten().map(|cookie| &mut cookie[1]).filter(|value| value.is_null())
    {
        *value = "".into();
    }
    cookies
}

/// Returns the cookies whose name is UTF-8, as all names are here.
fn with_text_names(cookies: &Value) -> Value {
    assert_eq!(quirks::find("house-cookie-name"), quirks::Ours::Own);
    let mut cookies = cookies.clone();
    if let Some(cookies) = cookies.as_array_mut() {
        cookies.retain(|cookie| std::str::from_utf8(&wire(&cookie[0])).is_ok());
    }
    cookies
}

fn parse(stream: &[u8], sizes: &[usize]) -> Value {
    let mut reader = HeadReader::new(head_limits());
    let (mut buffer, mut request, mut after) = (BytesMut::new(), None, 0);
    for size in sizes {
        buffer.extend_from_slice(&stream[after..after + size]);
        after += size;
        if request.is_none() {
            let head = reader.request(&mut buffer);
            request = match head.and_then(|head| head.map(Request::from_head).transpose()) {
                Ok(request) => request,
                Err(error) => return failure(error),
            };
        }
        let Some(request) = &request else { continue };
        let key3 = if request.version() == Version::Hybi00 { buffer.first_chunk::<8>().copied() } else { Some([0; 8]) };
        let Some(key3) = key3 else { continue };
        if request.version() == Version::Hybi00 {
            buffer.advance(8);
        }
        // The bytes after the head stay in the input.
        if !buffer.is_empty() || after < stream.len() {
            return json!({ "state": "error", "class": "leftovers" });
        }
        return view(request, Some(key3), request.is_secure() || request.forwarded_secure(), after);
    }
    match request {
        Some(request) => view(&request, None, request.is_secure() || request.forwarded_secure(), after),
        None => json!({ "state": if stream.contains(&b'\n') { "fields" } else { "first_line" } }),
    }
}

fn from_psgi(input: &Value) -> Value {
    let env = input["env"].as_object().unwrap();
    if env.is_empty() {
        return json!({ "state": "error", "class": "env-required" });
    }
    let vars = env
        .iter()
        .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string().into(), |_| wire(value))));
    let upgrade = match RequestHead::from_cgi(vars).and_then(Upgrade::from_head) {
        Ok(upgrade) => upgrade,
        Err(error) => return failure(error),
    };
    let request = upgrade.request().clone();
    // The caller decides which of these sources it trusts.
    let secure =
        request.is_secure() || request.forwarded_secure() || env.get("psgi.url_scheme") == Some(&"https".into());
    let (mut body, mut response) = (BytesMut::from(&bytes(&input["body_hex"])[..]), BytesMut::new());
    let key3 = body.first_chunk::<8>().copied();
    let negotiated = match upgrade.accept(&Accept::new().perl_compat().secure(secure), &mut response).unwrap() {
        Accepted::Open(negotiated) => Some(negotiated),
        Accepted::AwaitingKey3(mut awaiting) => awaiting.parse(&mut body, &mut response),
    };
    if negotiated.is_some() && !body.is_empty() {
        return json!({ "state": "error", "class": "leftovers" });
    }
    let mut view = view(&request, negotiated.as_ref().map(|_| key3.unwrap_or_default()), secure, 0);
    view["version"] = perl_name(negotiated.map_or(request.version(), |negotiated| negotiated.version)).into();
    view["response_hex"] = hex(&response).into();
    view
}

fn view(request: &Request, key3: Option<[u8; 8]>, secure: bool, after: usize) -> Value {
    let field = |name: &str| request.headers().get(name).map_or(Value::Null, text);
    let fields = request.headers().get_all("cookie").filter(|field| !field.is_empty()).collect::<Vec<_>>();
    let cookies = request.cookies().map(|cookie| json!([cookie.name(), text(cookie.value())])).collect::<Vec<_>>();
    let perls = fields.iter().flat_map(|field| pairs(field)).collect::<Vec<_>>();
    let mut view = json!({
        "state": if key3.is_some() { "done" } else { "body" },
        "version": perl_name(request.version()),
        "resource_name": request.resource_name(),
        "host": request.host(),
        "origin": request.origin().map(|origin| text(origin.as_bytes())),
        "subprotocol": request.subprotocols().collect::<Vec<_>>().join(","),
        "secure": u8::from(secure),
        "cookies": (!fields.is_empty()).then_some(cookies),
        "cookies as Perl parses them": (!fields.is_empty()).then_some(perls),
        "key": request.key().map(|key| key.to_string()),
        "key1": field("sec-websocket-key1"),
        "key2": field("sec-websocket-key2"),
        "after": after,
    });
    if let Some(numbers) = request.key_numbers() {
        let [number1, number2] = numbers.numbers();
        view["number1"] = number1.into();
        view["number2"] = number2.into();
        view["challenge_hex"] = key3.map(|key3| hex(&key3)).into();
        view["checksum_hex"] = key3.map(|key3| hex(&numbers.digest(key3))).into();
    }
    view
}

fn failure(error: ParseError) -> Value {
    json!({ "state": "error", "class": class(error) })
}

pub(crate) fn class(error: ParseError) -> &'static str {
    match error {
        ParseError::Field => "invalid-field",
        ParseError::HttpVersion | ParseError::Method => "wrong-method-or-version",
        ParseError::RequestLine | ParseError::Target => "wrong-request-line",
        ParseError::ResponseLine => "wrong-response-line",
        ParseError::TooLong | ParseError::TooManyHeaders => "message-too-long",
        _ => "not-a-valid-request",
    }
}

/// Whether an error is the expected one. A malformed first line has no version either, and an error in the head is found
/// before an error after it.
pub(crate) fn is_class(expected: &Value, ours: &Value) -> bool {
    let pair = (expected.as_str(), ours.as_str());
    expected == ours
        || matches!(pair, (Some("wrong-method-or-version" | "invalid-field"), Some("wrong-request-line")))
        || pair == (Some("leftovers"), Some("not-a-valid-request"))
}

fn tokens(list: &Value) -> Vec<&str> {
    list.as_str()
        .into_iter()
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
