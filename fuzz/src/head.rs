//! HTTP heads: from the wire, and from CGI variables.

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use bytes::BytesMut;
use protocol_websocket_http::{
    Accept, Destination, HeadLimits, HeadReader, Offer, ParseError, Request, RequestHead, Response,
};

use crate::input::{every_split, read, records};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    max_len: u8,
    max_headers: u8,
    splits: [u8; 4],
    stream: &'a [u8],
}

impl Input<'_> {
    /// Returns the limits. The greatest number means the default limit.
    fn limits(&self) -> HeadLimits {
        let limits = HeadLimits::default();
        let max_len = if self.max_len == u8::MAX { limits.max_len } else { usize::from(self.max_len) * 4 + 1 };
        let max_headers = if self.max_headers == u8::MAX { limits.max_headers } else { usize::from(self.max_headers) };
        limits.max_len(max_len).max_headers(max_headers)
    }
}

/// A parsed head and its length in bytes.
type Parsed<T> = Result<Option<(T, usize)>, ParseError>;

/// A request parses the same however it is split, parses as with httparse, and is rejected at the first byte that makes
/// it invalid. It parses to itself after encoding and after conversion to the `http` crate. A client accepts its
/// response.
pub fn request_head(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let next = |reader: &mut HeadReader, input: &mut BytesMut| reader.request(input);
    let whole = parse(&input, &mut [input.stream].into_iter(), next);
    every_split(input.stream, &input.splits, |pieces| assert_eq!(parse(&input, pieces, next), whole));
    check_rejection(&input, next, |line| {
        let mut other = httparse::Request::new(&mut []);
        let is_visible = |target: &str| target.bytes().all(|byte| byte.is_ascii_graphic());
        other.parse(line).is_ok() && other.path.is_none_or(is_visible)
    });

    let mut slots = [httparse::EMPTY_HEADER; 256];
    let mut other = httparse::Request::new(&mut slots);
    let end = other.parse(input.stream);
    let fits = |used: usize, fields: usize| used <= input.limits().max_len && fields <= input.limits().max_headers;
    match (&whole, end) {
        (Ok(Some((head, used))), end) => {
            assert_eq!(end, Ok(httparse::Status::Complete(*used)));
            let expected = (other.method.unwrap(), other.path.unwrap(), other.version.unwrap());
            assert_eq!((head.method(), head.target(), head.minor_version()), expected);
            let fields = other.headers.iter().map(|field| (field.name, field.value));
            assert!(head.headers().iter().eq(fields) && fits(*used, head.headers().len()));
        }
        (rejected, Ok(httparse::Status::Complete(used))) => {
            let target_is_visible = other.path.unwrap().bytes().all(|byte| byte.is_ascii_graphic());
            assert!(!fits(used, other.headers.len()) || !target_is_visible, "{rejected:?}");
        }
        _ => {}
    }
    let Ok(Some((head, _))) = whole else { return };

    let (mut reader, mut plain, mut response) = (HeadReader::default(), BytesMut::new(), BytesMut::new());
    head.encode(&mut plain);
    assert_eq!(reader.request(&mut plain), Ok(Some(head.clone())));
    match Request::from_head(head) {
        Ok(request) => {
            check_rules(request.head());
            Accept::new().encode(&request, &mut response).unwrap();
            Response::from_head(reader.response(&mut response).unwrap().unwrap(), &request).unwrap();
            assert!(response.is_empty());
            check_http(&request);
        }
        Err(error) => {
            error.reply(&mut response);
            let head = reader.response(&mut response).unwrap().unwrap();
            assert_eq!(head.status(), error.status());
            assert_eq!(head.headers().get_str("content-length"), Some(&*response.len().to_string()));
        }
    }
}

/// Checks the rules for an upgrade request in any version.
fn check_rules(head: &RequestHead) {
    let all = |name: &str| head.headers().get_all(name).collect::<Vec<_>>();
    let has = |name: &str, word: &str| {
        let listed = all(name).join(&b',').to_ascii_lowercase();
        listed.split(|&byte| byte == b',').any(|item| item.trim_ascii() == word.as_bytes())
    };
    assert_eq!((head.method(), head.minor_version(), all("host").len()), ("GET", 1, 1));
    assert!(has("upgrade", "websocket") && has("connection", "upgrade") && all("transfer-encoding").is_empty());
    let mut lengths = all("content-length").into_iter();
    let hybi00 = !all("sec-websocket-key1").is_empty();
    assert!(lengths.all(|length| hybi00 && length == b"8" || length.iter().all(|&digit| digit == b'0')));
    // Each version has its own header for the origin. If both are present, they are equal.
    let hixie75 = !hybi00 && all("sec-websocket-version").is_empty();
    let mut origins = [all("origin"), all("sec-websocket-origin")];
    if all("sec-websocket-version") == [b"8"] {
        origins.reverse();
    }
    let [own, other] = origins;
    assert!(own.len() <= 1 && (own.is_empty() || other.iter().all(|other| *other == own[0])));
    let offered = all(if hixie75 { "websocket-protocol" } else { "sec-websocket-protocol" }).join(&b',');
    let mut names: Vec<_> = offered.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).collect();
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

/// Checks that a request converts to the `http` crate and back, if the `http` crate accepts it.
fn check_http(request: &Request) {
    let Ok(foreign) = http::Request::<()>::try_from(request) else { return };
    let back = RequestHead::try_from(&foreign).unwrap();
    let by_name = |head: &RequestHead| {
        let mut names = BTreeMap::<String, Vec<Vec<u8>>>::new();
        for (name, value) in head.headers().iter() {
            names.entry(name.to_ascii_lowercase()).or_default().push(value.to_vec());
        }
        names
    };
    assert_eq!(by_name(&back), by_name(request.head()));
    assert_eq!(Request::from_head(back).map(|request| request.version()), Ok(request.version()));
}

/// A response parses the same however it is split, parses as with httparse, and is rejected at the first byte that
/// makes it invalid. It parses to itself after encoding. A client accepts only extensions and subprotocols that it
/// offered.
pub fn response_head(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let next = |reader: &mut HeadReader, input: &mut BytesMut| reader.response(input);
    let whole = parse(&input, &mut [input.stream].into_iter(), next);
    every_split(input.stream, &input.splits, |pieces| assert_eq!(parse(&input, pieces, next), whole));
    check_rejection(&input, next, |line| httparse::Response::new(&mut []).parse(line).is_ok());

    let mut slots = [httparse::EMPTY_HEADER; 256];
    let mut other = httparse::Response::new(&mut slots);
    let end = other.parse(input.stream);
    match (&whole, end) {
        (Ok(Some((head, used))), end) => {
            assert_eq!(end, Ok(httparse::Status::Complete(*used)));
            let expected = (other.code.unwrap(), other.reason.unwrap(), other.version.unwrap());
            assert_eq!((head.status(), head.reason(), head.minor_version()), expected);
            assert!(head.headers().iter().eq(other.headers.iter().map(|field| (field.name, field.value))));
        }
        (rejected, Ok(httparse::Status::Complete(used))) => {
            let limits = input.limits();
            assert!(used > limits.max_len || other.headers.len() > limits.max_headers, "{rejected:?}");
        }
        _ => {}
    }
    let Ok(Some((head, _))) = whole else { return };

    let mut plain = BytesMut::new();
    head.encode(&mut plain);
    let unlimited = HeadLimits::default().max_len(usize::MAX).max_headers(usize::MAX);
    assert_eq!(HeadReader::new(unlimited).response(&mut plain), Ok(Some(head.clone())));

    // The key of RFC 6455 §1.3. Its accept value is in the dictionary.
    let mut nonce = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
    let destination = Destination::new("example.com", "/");
    let request = Request::offer(destination, &Offer::new().subprotocol("chat"), &mut nonce).unwrap();
    if let Ok(response) = Response::from_head(head, &request) {
        assert_eq!((response.status(), response.head().minor_version()), (101, 1));
        let accept = response.headers().get_all("sec-websocket-accept");
        assert!(accept.eq([b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]));
        assert!(response.negotiated().subprotocol.as_deref().is_none_or(|name| name == "chat"));
        assert!(response.negotiated().extensions.is_empty());
    }
}

fn parse<T>(
    input: &Input<'_>,
    pieces: &mut dyn Iterator<Item = &[u8]>,
    next: impl Fn(&mut HeadReader, &mut BytesMut) -> Result<Option<T>, ParseError>,
) -> Parsed<T> {
    let (mut reader, mut buffer, mut fed) = (HeadReader::new(input.limits()), BytesMut::new(), 0);
    for piece in pieces {
        buffer.extend_from_slice(piece);
        fed += piece.len();
        if let Some(head) = next(&mut reader, &mut buffer)? {
            return Ok(Some((head, fed - buffer.len())));
        }
        assert!(buffer.len() < input.limits().max_len, "the input exceeds the limit of a head");
    }
    Ok(None)
}

/// Parses a head byte by byte and checks the position of the error. A header line is rejected at the first byte that
/// httparse rejects. The first line is rejected at a control character, after a CR without LF, at an invalid first
/// byte, or at its end if `is_valid` returns false. A head is also rejected where it exceeds a limit.
fn check_rejection<T>(
    input: &Input<'_>,
    next: impl Fn(&mut HeadReader, &mut BytesMut) -> Result<Option<T>, ParseError>,
    is_valid: impl Fn(&[u8]) -> bool,
) {
    let (mut reader, mut buffer, limits) = (HeadReader::new(input.limits()), BytesMut::new(), input.limits());
    let (mut begin, mut lines) = (0, 0);
    for (at, &byte) in input.stream.iter().enumerate() {
        buffer.extend_from_slice(&[byte]);
        let result = next(&mut reader, &mut buffer).map(|head| head.is_some());
        if result == Ok(true) {
            return;
        }
        let (line, seen, is_line) = (&input.stream[begin..=at], at + 1, byte == b'\n');
        let is_empty = matches!(line, b"\n" | b"\r\n");
        let is_valid = match line {
            _ if lines > 0 => httparse::parse_headers(line, &mut [httparse::EMPTY_HEADER; 2]).is_ok(),
            _ if is_line => is_empty || is_valid(line),
            [.., b'\r', _] => false,
            [first] if *first != b'\r' && !is_tchar(*first) => false,
            _ => !byte.is_ascii_control() || b"\t\r".contains(&byte),
        };
        let is_over = lines > limits.max_headers;
        match result {
            Ok(_) => assert!((is_valid || is_over) && !(is_line && is_over) && seen < limits.max_len),
            Err(ParseError::TooLong) => assert!((is_valid || is_over) && seen >= limits.max_len),
            Err(ParseError::TooManyHeaders) => assert!(is_line && is_over),
            Err(ParseError::Field) => assert!(!is_valid && lines > 0 && !is_over),
            Err(_) => assert!(!is_valid && lines == 0),
        }
        if result.is_err() {
            return;
        }
        if is_line {
            begin = seen;
            lines += usize::from(lines > 0 || !is_empty);
        }
    }
}

/// Returns whether the byte may occur in a token (RFC 9110 §5.6.2).
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A head from CGI variables parses to itself after encoding, and its target equals the path of the variables.
pub fn cgi(data: &[u8]) {
    let variables: Vec<_> = records(data).map(|(kind, name, value)| (name_of(kind, name), value)).collect();
    let Ok(head) = RequestHead::from_cgi(variables.iter().map(|(name, value)| (name.as_str(), value))) else { return };
    let mut wire = BytesMut::new();
    head.encode(&mut wire);
    let unlimited = HeadLimits::default().max_len(usize::MAX).max_headers(usize::MAX);
    assert_eq!(HeadReader::new(unlimited).request(&mut wire), Ok(Some(head.clone())));
    assert!(wire.is_empty());

    let last = |name: &str| {
        variables.iter().rev().find(|(other, _)| other == name).map(|&(_, value)| value).unwrap_or_default()
    };
    let uri = last("REQUEST_URI");
    if !uri.is_empty() {
        return assert_eq!(head.target(), uri);
    }
    let (path, query) = head.target().split_once('?').unwrap_or((head.target(), ""));
    let decoded = unescaped(path);
    let expected = [last("SCRIPT_NAME"), last("PATH_INFO")].concat();
    assert_eq!(decoded.strip_prefix(if expected.starts_with('/') { "" } else { "/" }), Some(&*expected));
    assert_eq!(query, last("QUERY_STRING"));
}

fn name_of(kind: char, name: &str) -> String {
    match kind {
        'm' => "REQUEST_METHOD".into(),
        'u' => "REQUEST_URI".into(),
        's' => "SCRIPT_NAME".into(),
        'p' => "PATH_INFO".into(),
        'q' => "QUERY_STRING".into(),
        'v' => "SERVER_PROTOCOL".into(),
        'l' => "CONTENT_LENGTH".into(),
        'h' => format!("HTTP_{name}"),
        _ => name.into(),
    }
}

/// Decodes the percent-encoding of a path.
fn unescaped(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}
