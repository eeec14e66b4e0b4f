//! Heads: from the wire, and from the variables of CGI.

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use bytes::BytesMut;
use protocol_websocket_http::{
    Accept, HeadLimits, HeadReader, Offer, ParseError, Request, RequestHead, Response, Target,
};

use crate::input::{every_cut, read, records};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    max_len: u8,
    max_headers: u8,
    cuts: [u8; 4],
    stream: &'a [u8],
}

impl Input<'_> {
    /// The limits; the greatest numbers stand for the default ones.
    fn limits(&self) -> HeadLimits {
        let limits = HeadLimits::default();
        let max_len = if self.max_len == u8::MAX { limits.max_len } else { usize::from(self.max_len) * 4 + 1 };
        let max_headers = if self.max_headers == u8::MAX { limits.max_headers } else { usize::from(self.max_headers) };
        limits.max_len(max_len).max_headers(max_headers)
    }
}

/// What was read: a head and how many bytes it took.
type Read<T> = Result<Option<(T, usize)>, ParseError>;

/// A request reads the same however it is split, as httparse reads it, and is refused where it shows that it is
/// wrong. It reads back from its plain form and from the `http` crate, and gets an answer that a client takes.
pub fn request_head(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let next = |reader: &mut HeadReader, input: &mut BytesMut| reader.request(input);
    let whole = take(&input, &mut [input.stream].into_iter(), next);
    every_cut(input.stream, &input.cuts, |pieces| assert_eq!(take(&input, pieces, next), whole));
    check_refusal(&input, next, |line| {
        let mut plain = httparse::Request::new(&mut []);
        let is_visible = |target: &str| target.bytes().all(|byte| byte.is_ascii_graphic());
        plain.parse(line).is_ok() && plain.path.is_none_or(is_visible)
    });

    let mut slots = [httparse::EMPTY_HEADER; 256];
    let mut plain = httparse::Request::new(&mut slots);
    let end = plain.parse(input.stream);
    let fits = |used: usize, fields: usize| used <= input.limits().max_len && fields <= input.limits().max_headers;
    match (&whole, end) {
        (Ok(Some((head, used))), end) => {
            assert_eq!(end, Ok(httparse::Status::Complete(*used)));
            let expected = (plain.method.unwrap(), plain.path.unwrap(), plain.version.unwrap());
            assert_eq!((head.method(), head.target(), head.minor_version()), expected);
            let fields = plain.headers.iter().map(|field| (field.name, field.value));
            assert!(head.headers().iter().eq(fields) && fits(*used, head.headers().len()));
        }
        (refused, Ok(httparse::Status::Complete(used))) => {
            let target_is_visible = plain.path.unwrap().bytes().all(|byte| byte.is_ascii_graphic());
            assert!(!fits(used, plain.headers.len()) || !target_is_visible, "{refused:?}");
        }
        _ => {}
    }
    let Ok(Some((head, _))) = whole else { return };

    let (mut reader, mut plain, mut answer) = (HeadReader::default(), BytesMut::new(), BytesMut::new());
    head.encode(&mut plain);
    assert_eq!(reader.request(&mut plain), Ok(Some(head.clone())));
    match Request::from_head(head) {
        Ok(request) => {
            check_rules(request.head());
            Accept::new().encode(&request, &mut answer).unwrap();
            Response::from_head(reader.response(&mut answer).unwrap().unwrap(), &request).unwrap();
            assert!(answer.is_empty());
            check_http(&request);
        }
        Err(error) => {
            error.reply(&mut answer);
            let head = reader.response(&mut answer).unwrap().unwrap();
            assert_eq!(head.status(), error.status());
            assert_eq!(head.headers().get_str("content-length"), Some(&*answer.len().to_string()));
        }
    }
}

/// What no request for an upgrade may lack or have, whatever its version.
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
    // Each version has its own fields; where both name an origin it is the same one.
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

/// What the `http` crate can hold comes back from it.
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

/// An answer reads the same however it is split, as httparse reads it, and is refused where it shows that it is
/// wrong. It reads back from its plain form; a client takes only what it offered.
pub fn response_head(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let next = |reader: &mut HeadReader, input: &mut BytesMut| reader.response(input);
    let whole = take(&input, &mut [input.stream].into_iter(), next);
    every_cut(input.stream, &input.cuts, |pieces| assert_eq!(take(&input, pieces, next), whole));
    check_refusal(&input, next, |line| httparse::Response::new(&mut []).parse(line).is_ok());

    let mut slots = [httparse::EMPTY_HEADER; 256];
    let mut plain = httparse::Response::new(&mut slots);
    let end = plain.parse(input.stream);
    match (&whole, end) {
        (Ok(Some((head, used))), end) => {
            assert_eq!(end, Ok(httparse::Status::Complete(*used)));
            let expected = (plain.code.unwrap(), plain.reason.unwrap(), plain.version.unwrap());
            assert_eq!((head.status(), head.reason(), head.minor_version()), expected);
            assert!(head.headers().iter().eq(plain.headers.iter().map(|field| (field.name, field.value))));
        }
        (refused, Ok(httparse::Status::Complete(used))) => {
            let limits = input.limits();
            assert!(used > limits.max_len || plain.headers.len() > limits.max_headers, "{refused:?}");
        }
        _ => {}
    }
    let Ok(Some((head, _))) = whole else { return };

    let mut plain = BytesMut::new();
    head.encode(&mut plain);
    let unlimited = HeadLimits::default().max_len(usize::MAX).max_headers(usize::MAX);
    assert_eq!(HeadReader::new(unlimited).response(&mut plain), Ok(Some(head.clone())));

    // The key is that of RFC 6455 §1.3, whose accept value is in the dictionary.
    let mut nonce = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
    let target = Target::new("example.com", "/");
    let request = Request::offer(target, &Offer::new().subprotocol("chat"), &mut nonce).unwrap();
    if let Ok(response) = Response::from_head(head, &request) {
        assert_eq!((response.status(), response.head().minor_version()), (101, 1));
        let accept = response.headers().get_all("sec-websocket-accept");
        assert!(accept.eq([b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]));
        assert!(response.negotiated().subprotocol.as_deref().is_none_or(|name| name == "chat"));
        assert!(response.negotiated().extensions.is_empty());
    }
}

fn take<T>(
    input: &Input<'_>,
    pieces: &mut dyn Iterator<Item = &[u8]>,
    next: impl Fn(&mut HeadReader, &mut BytesMut) -> Result<Option<T>, ParseError>,
) -> Read<T> {
    let (mut reader, mut buffer, mut fed) = (HeadReader::new(input.limits()), BytesMut::new(), 0);
    for piece in pieces {
        buffer.extend_from_slice(piece);
        fed += piece.len();
        if let Some(head) = next(&mut reader, &mut buffer)? {
            return Ok(Some((head, fed - buffer.len())));
        }
        assert!(buffer.len() < input.limits().max_len, "more is kept than a head may have");
    }
    Ok(None)
}

/// Byte by byte, a head is refused exactly where it shows that it must be: at the first byte that httparse does not take
/// in a header line; in the first line at a control character, after a CR without LF, at a first byte that no head begins
/// with, or where it is complete and `is_good` does not take it; and where a limit is exceeded.
fn check_refusal<T>(
    input: &Input<'_>,
    next: impl Fn(&mut HeadReader, &mut BytesMut) -> Result<Option<T>, ParseError>,
    is_good: impl Fn(&[u8]) -> bool,
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
        let is_good = match line {
            _ if lines > 0 => httparse::parse_headers(line, &mut [httparse::EMPTY_HEADER; 2]).is_ok(),
            _ if is_line => is_empty || is_good(line),
            [.., b'\r', _] => false,
            [first] if *first != b'\r' && !is_tchar(*first) => false,
            _ => !byte.is_ascii_control() || b"\t\r".contains(&byte),
        };
        let is_over = lines > limits.max_headers;
        match result {
            Ok(_) => assert!((is_good || is_over) && !(is_line && is_over) && seen < limits.max_len),
            Err(ParseError::TooLong) => assert!((is_good || is_over) && seen >= limits.max_len),
            Err(ParseError::TooManyHeaders) => assert!(is_line && is_over),
            Err(ParseError::Field) => assert!(!is_good && lines > 0 && !is_over),
            Err(_) => assert!(!is_good && lines == 0),
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

/// RFC 9110 §5.6.2.
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A head of variables is one that could have come over the wire, and its path means what they said.
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

/// The path without its percent-encoding.
fn unescaped(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}
