//! Responses that a server writes and a client checks, and rejections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use bytes::BytesMut;
use protocol_websocket_http::{
    Accept, BuildError, Destination, ExtensionParams, HeadLimits, HeadReader, Negotiated, Offer, ParseError, Reject,
    Request, Response, ResponseError, ResponseHead, SetCookie, Version, Versions,
};
use test_support::heads::{RFC6455_RESPONSE, sample_nonce};

const FIELDS: [(&str, &str); 3] =
    [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")];

fn request() -> Request {
    let offer = Offer::new()
        .subprotocol("chat")
        .subprotocol("superchat")
        .extension(ExtensionParams::new("x").flag("y"))
        .extension(ExtensionParams::new("z"));
    Request::offer(Destination::new("server.example.com", "/chat"), &offer, &mut sample_nonce).unwrap()
}

fn accept(accept: &Accept) -> Result<(String, Negotiated), BuildError> {
    let mut output = BytesMut::from("before ");
    let result = accept.encode(&request(), &mut output);
    let text = std::str::from_utf8(&output).unwrap().strip_prefix("before ").unwrap();
    if result.is_err() {
        assert_eq!(text, "");
    }
    result.map(|negotiated| (text.to_owned(), negotiated))
}

/// Checks a valid response in which the header fields of this name have these values.
fn with(name: &str, values: &[&str]) -> Result<Negotiated, ResponseError> {
    let others = FIELDS.into_iter().filter(|field| field.0 != name);
    let head = ResponseHead::from_parts(101, others.chain(values.iter().map(|value| (name, *value)))).unwrap();
    Response::from_head(head, &request()).map(Response::into_negotiated)
}

fn reject(reject: &Reject) -> Result<String, BuildError> {
    let mut output = BytesMut::new();
    let result = reject.encode(&mut output);
    assert_eq!(result.is_err(), output.is_empty());
    result.map(|()| String::from_utf8(output.to_vec()).unwrap())
}

#[test]
fn nothing_is_negotiated_by_default() {
    let negotiated = Negotiated::new();
    assert_eq!(negotiated, Negotiated::default());
    assert_eq!((negotiated.version, negotiated.subprotocol, negotiated.extensions), (Version::Rfc6455, None, vec![]));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# it MUST reply with a valid HTTP response indicating the following.
#[test]
fn writes_the_example_of_the_rfc() {
    let (text, negotiated) = accept(&Accept::new().subprotocol("chat")).unwrap();
    assert_eq!(text, RFC6455_RESPONSE);
    assert_eq!(negotiated, Negotiated::default().subprotocol("chat"));
    let (text, negotiated) = accept(&Accept::new()).unwrap();
    assert_eq!(text, RFC6455_RESPONSE.replace("Sec-WebSocket-Protocol: chat\r\n", ""));
    assert_eq!(negotiated, Negotiated::default());
}

#[test]
fn accepts_the_example_of_the_rfc() {
    let head = HeadReader::default().response(&mut BytesMut::from(RFC6455_RESPONSE)).unwrap().unwrap();
    let response = Response::from_head(head, &request()).unwrap();
    assert_eq!(response.negotiated(), &Negotiated::default().subprotocol("chat"));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# if the server does not wish to agree to one of the suggested subprotocols, it MUST NOT send back
//# a |Sec-WebSocket-Protocol| header field
//= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.2
//# the |Sec-WebSocket-Extensions| header field MUST NOT appear more than once in an HTTP response.
#[test]
fn writes_all_values_of_an_accept() {
    let ours = Accept::new()
        .subprotocol("superchat")
        .extension(ExtensionParams::new("x").param("y", "1"))
        .extension(ExtensionParams::new("z"))
        .cookie(SetCookie::new("a", "b").http_only())
        .cookie(SetCookie::new("c", "d"))
        .header("Server", "me/1");
    assert_eq!(ours.extensions(), [ExtensionParams::new("x").param("y", "1"), ExtensionParams::new("z")]);
    let (text, negotiated) = accept(&ours).unwrap();
    assert!(text.ends_with(concat!(
        "Sec-WebSocket-Protocol: superchat\r\n",
        "Sec-WebSocket-Extensions: x; y=1, z\r\n",
        "Set-Cookie: a=b; HttpOnly\r\n",
        "Set-Cookie: c=d\r\n",
        "Server: me/1\r\n",
        "\r\n",
    )));
    // The client accepts the response, and the response as a value has the same bytes.
    let response = Response::accept(&request(), &ours).unwrap();
    assert_eq!(response.negotiated(), &negotiated);
    assert_eq!(Response::from_head(response.head().clone(), &request()), Ok(response.clone()));
    assert_eq!(response.status(), 101);
    let mut again = BytesMut::new();
    response.encode(&mut again);
    assert_eq!(again, text);
}

#[test]
fn rejects_more_extensions_than_clients_read() {
    let with = |count| Accept::new().extension((1..count).fold(ExtensionParams::new("x"), |x, _| x.flag("y")));
    assert!(accept(&with(ExtensionParams::MAX_ITEMS)).is_ok());
    assert_eq!(accept(&with(ExtensionParams::MAX_ITEMS + 1)), Err(BuildError::Extension));
}

#[test]
fn rejects_values_that_would_inject_into_a_response() {
    let new = Accept::new;
    for (ours, error) in [
        (new().subprotocol("chat\r\nX: y"), BuildError::Subprotocol),
        (new().subprotocol("other"), BuildError::SubprotocolNotOffered),
        (new().subprotocol("CHAT"), BuildError::SubprotocolNotOffered),
        (new().extension(ExtensionParams::new("x").flag("y\n")), BuildError::Extension),
        (new().extension(ExtensionParams::new("w")), BuildError::ExtensionNotOffered),
        (
            new().extension(ExtensionParams::new("x")).extension(ExtensionParams::new("w")),
            BuildError::ExtensionNotOffered,
        ),
        (new().cookie(SetCookie::new("a", "b\r\nX: y")), BuildError::Cookie),
        (new().header("X", "a\r\nY: b"), BuildError::Field),
        (new().header("X ", "a"), BuildError::Field),
        (new().header("Sec-WebSocket-Protocol", "a"), BuildError::ReservedField),
        (new().header("Upgrade", "h2c"), BuildError::ReservedField),
        (new().header("Connection", "close"), BuildError::ReservedField),
        (new().header("Content-Length", "5"), BuildError::ReservedField),
        (new().header("Transfer-Encoding", "chunked"), BuildError::ReservedField),
    ] {
        assert_eq!(accept(&ours), Err(error), "{ours:?}");
        assert_eq!(Response::accept(&request(), &ours), Err(error));
    }
}

#[test]
fn requires_status_101_and_http_1_1() {
    let head = |line: &str| {
        let text = RFC6455_RESPONSE.replace("HTTP/1.1 101 Switching Protocols", line);
        HeadReader::default().response(&mut BytesMut::from(&*text)).unwrap().unwrap()
    };
    let check = |line: &str| Response::from_head(head(line), &request()).map(|_| ());
    assert_eq!(check("HTTP/1.1 101"), Ok(()));
    assert_eq!(check("HTTP/1.1 101 WebSocket Protocol Handshake"), Ok(()));
    assert_eq!(check("HTTP/1.1 200 OK"), Err(ResponseError::Status));
    assert_eq!(check("HTTP/1.0 101 Switching Protocols"), Err(ResponseError::HttpVersion));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# If the response lacks an |Upgrade| header field
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# If the response lacks a |Connection| header field
#[test]
fn requires_upgrade_and_connection() {
    assert!(with("Upgrade", &["WebSocket"]).is_ok());
    for bad in [&[][..], &[""], &["h2c"], &["websocket, h2c"], &["websocket", "h2c"], &["websocketx"]] {
        assert_eq!(with("Upgrade", bad), Err(ResponseError::Upgrade), "{bad:?}");
    }
    assert!(with("Connection", &["keep-alive, upgrade"]).is_ok());
    assert!(with("Connection", &["keep-alive", "UPGRADE"]).is_ok());
    for bad in [&[][..], &["close"], &["upgraded"]] {
        assert_eq!(with("Connection", bad), Err(ResponseError::Connection), "{bad:?}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# If the response lacks a |Sec-WebSocket-Accept| header field
//= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.3
//# The |Sec-WebSocket-Accept| header MUST NOT appear more than once in an HTTP response.
#[test]
fn requires_exactly_one_matching_accept() {
    let accept = FIELDS[2].1;
    assert_eq!(with("Sec-WebSocket-Accept", &[]), Err(ResponseError::AcceptMissing));
    assert_eq!(with("Sec-WebSocket-Accept", &[accept, accept]), Err(ResponseError::AcceptRepeated));
    for bad in [
        "",
        "s3pplmbitxaq9kygzzhzrbk+xoo=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, x",
        "OfS0wDaT5NoxF2gqm7Zj2YtetzM=",
    ] {
        assert_eq!(with("Sec-WebSocket-Accept", &[bad]), Err(ResponseError::AcceptWrong), "{bad:?}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# If the response includes a |Sec-WebSocket-Protocol| header field
//= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
//# the |Sec-WebSocket-Protocol| header field MUST NOT appear more than once in an HTTP response.
#[test]
fn accepts_only_an_offered_subprotocol() {
    let selected = |values: &[&str]| with("Sec-WebSocket-Protocol", values).map(|negotiated| negotiated.subprotocol);
    assert_eq!(selected(&[]), Ok(None));
    assert_eq!(selected(&["superchat"]), Ok(Some("superchat".into())));
    for bad in ["", "other", "Chat", "chat x", ",chat"] {
        assert_eq!(selected(&[bad]), Err(ResponseError::SubprotocolNotOffered), "{bad:?}");
    }
    assert_eq!(selected(&["chat", "chat"]), Err(ResponseError::SubprotocolRepeated));
    assert_eq!(selected(&["chat, superchat"]), Err(ResponseError::SubprotocolRepeated));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# If the response includes a |Sec-WebSocket-Extensions| header field
//= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.2
//# the |Sec-WebSocket-Extensions| header field MUST NOT appear more than once in an HTTP response.
#[test]
fn accepts_only_offered_extensions() {
    let selected = |values: &[&str]| with("Sec-WebSocket-Extensions", values).map(|negotiated| negotiated.extensions);
    assert_eq!(selected(&[]), Ok(vec![]));
    assert_eq!(
        selected(&["z, x; y=2"]),
        Ok(vec![ExtensionParams::new("z"), ExtensionParams::new("x").param("y", "2")])
    );
    let agreed = Negotiated::default().extension(ExtensionParams::new("x")).extension(ExtensionParams::new("z"));
    assert_eq!(with("Sec-WebSocket-Extensions", &["x, z"]), Ok(agreed));
    assert_eq!(selected(&["x, w"]), Err(ResponseError::ExtensionNotOffered));
    assert_eq!(selected(&["z", "x"]), Err(ResponseError::ExtensionsRepeated));
    assert_eq!(selected(&["X"]), Err(ResponseError::ExtensionNotOffered));
    for bad in ["", "x;", "x; y=\"", "x y"] {
        assert_eq!(selected(&[bad]), Err(ResponseError::Extensions), "{bad:?}");
    }
}

#[test]
fn rejection_has_close_and_content_length() {
    let text = reject(&Reject::new(403).reason("Not For You").header("X", "y").body("no\n")).unwrap();
    assert_eq!(
        text,
        concat!(
            "HTTP/1.1 403 Not For You\r\n",
            "Connection: close\r\n",
            "Content-Length: 3\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "X: y\r\n",
            "\r\n",
            "no\n",
        )
    );
    let removed = || SetCookie::new("a", "").max_age(0);
    let text =
        reject(&Reject::new(401).cookie(removed()).header("WWW-Authenticate", "Basic").cookie(removed().path("/")));
    let fields = "Set-Cookie: a=; Max-Age=0\r\nWWW-Authenticate: Basic\r\nSet-Cookie: a=; Max-Age=0; Path=/\r\n\r\n";
    assert!(text.unwrap().ends_with(fields));
    let text = reject(&Reject::new(302).header("Location", "/there")).unwrap();
    assert_eq!(text, "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /there\r\n\r\n");
    let text = reject(&Reject::new(418).header("content-type", "a/b").body(vec![0xFF_u8; 0])).unwrap();
    assert_eq!(text, "HTTP/1.1 418 \r\nConnection: close\r\nContent-Length: 0\r\ncontent-type: a/b\r\n\r\n");
    let text = reject(&Reject::new(400).header("Content-Type", "a/b").body("{}")).unwrap();
    assert_eq!(text.matches("ontent-").count(), 2);
}

#[test]
fn reply_falls_back_to_500() {
    let mut output = BytesMut::new();
    Reject::new(403).body("no").reply(&mut output);
    assert_eq!(output, reject(&Reject::new(403).body("no")).unwrap());
    for invalid in [Reject::new(200), Reject::new(403).header("X", "a\r\nY: b").body("no")] {
        output.clear();
        invalid.reply(&mut output);
        assert_eq!(output, "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }
}

#[test]
fn response_value_has_the_encoded_bytes_in_all_versions() {
    for version in Versions::ALL {
        let offer = Offer::new().version(version).subprotocol("chat");
        let request = Request::offer(Destination::new("h", "/"), &offer, &mut |buf: &mut [u8]| buf.fill(7)).unwrap();
        let plain = Accept::new().subprotocol("chat").header("X", "y").cookie(SetCookie::new("a", "b"));
        let plain = plain.cookie(SetCookie::new("c", "d"));
        for accept in [plain.clone(), plain.perl_compat()] {
            let (mut written, mut encoded) = (BytesMut::new(), BytesMut::new());
            let negotiated = accept.encode(&request, &mut written).unwrap();
            let response = Response::accept(&request, &accept).unwrap();
            response.encode(&mut encoded);
            assert_eq!(encoded, written);
            assert_eq!(response.negotiated(), &negotiated);
            let head = HeadReader::default().response(&mut written).unwrap().unwrap();
            assert_eq!(response.head(), &head);
        }
    }
}

#[test]
fn rejection_with_304_has_no_body() {
    let text = reject(&Reject::new(304).header("ETag", "\"a\"").body("")).unwrap();
    assert_eq!(text, "HTTP/1.1 304 \r\nConnection: close\r\nETag: \"a\"\r\n\r\n");
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nowned";
    assert_eq!(reject(&Reject::new(304).body(response)), Err(BuildError::Body));
    for status in (300..=599).filter(|&status| status != 304) {
        let text = reject(&Reject::new(status).body("no")).unwrap();
        assert!(text.contains("\r\nContent-Length: 2\r\n") && text.ends_with("\r\n\r\nno"), "{text}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc9110#section-8.6
//# A server MUST NOT send a Content-Length header field in any response with a status code of 1xx
//# (Informational) or 204 (No Content).
//= https://www.rfc-editor.org/rfc/rfc9112#section-6.1
//# A server MUST NOT send a Transfer-Encoding header field in any response with a status code of
//# 1xx (Informational) or 204 (No Content).
#[test]
fn rejects_a_response_with_a_body() {
    for bad in ["5", "16", "01", "-0", "+0", "", "0, 5", "0x0", "0 0"] {
        assert_eq!(with("Content-Length", &[bad]), Err(ResponseError::Body), "{bad:?}");
    }
    assert_eq!(with("Content-Length", &["0", "5"]), Err(ResponseError::Body));
    assert!(with("Content-Length", &["0"]).is_ok());
    for coding in ["chunked", "identity", ""] {
        assert_eq!(with("Transfer-Encoding", &[coding]), Err(ResponseError::Body), "{coding:?}");
    }
}

#[test]
fn rejects_values_that_would_inject_into_a_rejection() {
    for status in [0, 99, 100, 101, 200, 299, 600, 1000] {
        assert_eq!(reject(&Reject::new(status)), Err(BuildError::Status), "{status}");
    }
    let new = || Reject::new(400);
    for cookie in [SetCookie::new("a", "x; Domain=evil"), SetCookie::new("a", "b\r\nX: y"), SetCookie::new("a b", "c")]
    {
        assert_eq!(reject(&new().cookie(cookie)), Err(BuildError::Cookie));
    }
    for (ours, error) in [
        (new().reason("a\r\nX: y"), BuildError::Reason),
        (new().reason("a\0"), BuildError::Reason),
        (new().header("X", "a\nb"), BuildError::Field),
        (new().header("X:", "a"), BuildError::Field),
        (new().header("connection", "keep-alive"), BuildError::ReservedField),
        (new().header("Content-Length", "5"), BuildError::ReservedField),
        (new().header("transfer-encoding", "chunked"), BuildError::ReservedField),
    ] {
        assert_eq!(reject(&ours), Err(error), "{ours:?}");
    }
}

#[test]
fn each_parse_error_has_its_response() {
    let [every, one] = [Versions::ALL, Versions::RFC6455].map(ParseError::Version);
    let unnumbered = ParseError::Version(Version::Hybi00.into());
    for (error, line, fields) in [
        (ParseError::Key, "400 Bad Request", ""),
        (ParseError::Method, "405 Method Not Allowed", "Allow: GET\r\n"),
        (ParseError::Upgrade, "426 Upgrade Required", "Upgrade: websocket\r\n"),
        (every, "426 Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13, 8\r\n"),
        (one, "426 Upgrade Required", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        (unnumbered, "426 Upgrade Required", "Upgrade: websocket\r\n"),
        (ParseError::TooLong, "431 Request Header Fields Too Large", ""),
    ] {
        let mut output = BytesMut::new();
        error.reply(&mut output);
        let text = std::str::from_utf8(&output).unwrap();
        let option = if error.status() == 426 { ", Upgrade" } else { "" };
        let body = error.to_string();
        let expected = format!(
            "HTTP/1.1 {line}\r\nConnection: close{option}\r\nContent-Length: {}\r\n\
             Content-Type: text/plain; charset=utf-8\r\n{fields}\r\n{body}",
            body.len()
        );
        assert_eq!(text, expected);
        // The error converts to a `Reject` with the same bytes.
        assert_eq!(reject(&Reject::from(error)).unwrap(), expected);
        let head = HeadReader::new(HeadLimits::default()).response(&mut output).unwrap().unwrap();
        assert_eq!(head.status(), error.status());
        assert_eq!(output, *body);
    }
}
