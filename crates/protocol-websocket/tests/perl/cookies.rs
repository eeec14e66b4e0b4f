//! `Protocol::WebSocket::Cookie`, `Cookie::Request` and `Cookie::Response`.

use protocol_websocket::http::{PerlCookie, SetCookie};
use protocol_websocket::{Accept, Request, Response};
use serde_json::{Value, json};

use crate::vectors::{Mode, run, run_plain, text, wire};

#[test]
fn parses_recorded_cookie_pairs() {
    run_plain("cookie-parse", |input, _| {
        let field = wire(&input["cookie"]);
        json!({ "ok": !field.is_empty(), "pairs": pairs(&field) })
    });
}

#[test]
fn joins_recorded_cookie_pairs() {
    run_plain("cookie-build", |input, _| {
        let pair = |pair: &'_ Value| (string(&pair[0]), pair[1].is_string().then(|| wire(&pair[1])));
        let pairs: Vec<_> = input["pairs"].as_array().unwrap().iter().map(pair).collect();
        match PerlCookie::join(pairs.iter().map(|(name, value)| (&**name, value.as_deref()))) {
            Ok(cookie) => json!({ "cookie": text(&cookie) }),
            Err(_) => json!({ "error": { "class": "invalid-header-value" } }),
        }
    });
}

#[test]
fn parses_recorded_request_cookies() {
    run("cookie-request-parse", |vector, expected, _| {
        let field = wire(&vector.input["cookie"]);
        let cookie = |cookie: PerlCookie<'_>| {
            json!({
                "name": cookie.name,
                "value": text(&cookie.value),
                "path": cookie.path.as_deref().map(text),
                "domain": cookie.domain.as_deref().map(text),
                "version": cookie.version,
            })
        };
        let ours = json!({ "cookies": PerlCookie::parse(&field).map(cookie).collect::<Vec<_>>() });
        // A cookie without a value has an empty value here. `PerlCookie::pairs`, above, distinguishes the two.
        let mut expected = expected.clone();
        for cookie in expected["cookies"].as_array_mut().into_iter().flatten() {
            if cookie["value"].is_null() {
                cookie["value"] = "".into();
            }
        }
        if ours == expected { Ok(()) } else { Err(format!("expected: {expected}\n  ours:     {ours}")) }
    });
}

/// `perl_compat()` writes cookies in the form of Perl. By default a value that browsers would misread is an error.
#[test]
fn builds_recorded_response_cookies() {
    run_plain("cookie-response-build", |input, mode| {
        assert_eq!(mode, Mode::Strict);
        set_cookie(input).map_or_else(
            || json!({ "error": { "class": "invalid-header-value" } }),
            |(_, field)| json!({ "set_cookie": text(&field) }),
        )
    });
}

/// Returns the names and values that Perl parses.
pub(crate) fn pairs(field: &[u8]) -> Vec<Value> {
    PerlCookie::pairs(field).map(|(name, value)| json!([name, value.as_deref().map(text)])).collect()
}

/// Returns the cookie with these attributes in Perl's order, and its header value in a response, or `None` if a response
/// refuses it.
pub(crate) fn set_cookie(input: &Value) -> Option<(SetCookie, Vec<u8>)> {
    let given = |name: &str| input.get(name).filter(|value| !value.is_null());
    let is_set = |name: &str| given(name).is_some_and(|flag| *flag != 0 && *flag != false);
    let mut cookie = SetCookie::new(string(&input["name"]), given("value").map(wire).unwrap_or_default());
    for (key, name) in [("comment", "Comment"), ("comment_url", "CommentURL")] {
        if let Some(value) = given(key) {
            cookie = cookie.with(name, Some(string(value)));
        }
    }
    if is_set("discard") {
        cookie = cookie.with("Discard", None);
    }
    if let Some(seconds) = given("max_age") {
        cookie = cookie.max_age(seconds.as_i64().unwrap());
    }
    if let Some(path) = given("path") {
        cookie = cookie.path(string(path));
    }
    if let Some(ports) = given("portlist") {
        let ports = ports
            .as_array()
            .map_or_else(|| vec![ports.to_string()], |ports| ports.iter().map(Value::to_string).collect::<Vec<_>>());
        cookie = cookie.with("Port", (!ports.is_empty()).then(|| ports.join(" ")));
    }
    if is_set("secure") {
        cookie = cookie.secure();
    }
    if let Some(domain) = given("domain") {
        cookie = cookie.domain(string(domain));
    }
    if let Some(date) = given("expires") {
        cookie = cookie.expires(string(date));
    }
    if is_set("httponly") {
        cookie = cookie.http_only();
    }
    let cookie = cookie.perl_compat();
    let request = Request::from_parts(
        "GET",
        "/",
        [
            ("Host", "h"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
        ],
    );
    let response = Response::accept(&request.unwrap(), &Accept::new().cookie(cookie.clone())).ok()?;
    let field = response.headers().get("set-cookie").unwrap().to_vec();
    Some((cookie, field))
}

/// Returns a name, which is text.
fn string(value: &Value) -> String {
    value.as_str().unwrap().into()
}
