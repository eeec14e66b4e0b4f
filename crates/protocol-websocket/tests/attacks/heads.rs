//! The cost of a handshake head: H1 to H9.

use bytes::BytesMut;
use protocol_websocket::http::HeadReader;
use protocol_websocket::{
    Config, Connection, Error, Event, HandshakeError, HeadLimits, Offer, ParseError, Request, Version,
};

use crate::endpoint::{AcceptingServer, Receive, connecting_client, head, send};
use test_support::heap::{Heap, measure};

const LIMIT: usize = 16 * 1024;
const V13: Version = Version::Rfc6455;

#[test]
fn rejects_endless_request_head_at_16_kib() {
    for (begin, more) in [
        ("", "\r\n"),
        ("", "\n"),
        ("", "G"),
        ("GET /", "a"),
        ("GET / HTTP/1.1\r\n", "X"),
        ("GET / HTTP/1.1\r\nX:", " "),
        ("GET / HTTP/1.1\r\nX: ", "a"),
        ("GET / HTTP/1.1\r\nUpgrade: ", "websocket, "),
    ] {
        let wire = [begin, &more.repeat(2 * LIMIT)].concat();
        for piece in [1, 7, 1000] {
            let (received, heap) = measure(|| send(&mut Connection::server(Config::new()), wire.as_bytes(), piece));
            assert_eq!(received.result, Err(Error::Request(ParseError::TooLong)), "{begin:?} {more:?}");
            assert!(received.sent < LIMIT + piece, "{} bytes", received.sent);
            assert!(received.output.starts_with(b"HTTP/1.1 431 "));
            assert!(heap.peak < 3 * LIMIT as i64, "{} bytes of heap", heap.peak);
        }
    }
}

#[test]
fn rejects_endless_response_head_at_16_kib() {
    for (begin, more) in
        [("HTTP/1.1 101 ", "a"), ("HTTP/1.1 101 \r\nX: ", "a"), ("HTTP/1.1 200 OK\r\n", "X"), ("", "\r\n")]
    {
        let wire = [begin, &more.repeat(2 * LIMIT)].concat();
        let received = send(&mut connecting_client(&Offer::new()).0, wire.as_bytes(), 7);
        assert_eq!(received.result, Err(Error::Response(HandshakeError::Head(ParseError::TooLong))));
        assert!(received.sent < LIMIT + 7 && received.output.is_empty());
    }
}

#[test]
fn rejects_101st_header_field() {
    let fields = |count: usize| head(V13, "", &"X: y\r\n".repeat(count - 5));
    assert_eq!(send(&mut AcceptingServer::new(Config::new()), fields(100).as_bytes(), 100).result, Ok(()));
    let received = send(&mut AcceptingServer::new(Config::new()), fields(101).as_bytes(), 1);
    assert_eq!(received.result, Err(Error::Request(ParseError::TooManyHeaders)));
    assert!(received.output.starts_with(b"HTTP/1.1 431 "));
    // Also before the end of the head.
    let endless = ["GET / HTTP/1.1\r\n", &"X: y\r\n".repeat(101)].concat();
    assert_eq!(send(&mut AcceptingServer::new(Config::new()), endless.as_bytes(), 1).result, received.result);
}

/// Overwrites each byte with an LF once it has been read: the first line when it is complete, other bytes at once. A
/// parser that read a byte again would find the end of the head.
#[test]
fn reads_each_byte_of_an_incomplete_head_once() {
    fn feed(endpoint: &mut impl Receive, first: &str, fields: &str) {
        let (mut input, mut output) = (BytesMut::with_capacity(LIMIT), BytesMut::new());
        let mut push = |byte: u8, overwrite: bool| {
            input.extend_from_slice(&[byte]);
            assert!(matches!(endpoint.receive(&mut input, &mut output), Ok(None)), "{} bytes", input.len());
            if overwrite {
                input.fill(b'\n');
            }
            input.len()
        };
        let (len, heap) = measure(|| {
            first.bytes().for_each(|byte| _ = push(byte, byte == b'\n'));
            fields.bytes().for_each(|byte| _ = push(byte, true));
            (0..).map(|_| push(b'a', true)).find(|&len| len == LIMIT - 1)
        });
        assert_eq!((len, heap.allocations), (Some(LIMIT - 1), 0));
    }
    let fields = "Host: example.com\r\nX:\nUpgrade: websocket\r\n".repeat(20);
    feed(&mut Connection::server(Config::new()), "GET / HTTP/1.1\r\n", &fields);
    feed(&mut connecting_client(&Offer::new()).0, "HTTP/1.1 101 Switching Protocols\r\n", &fields);
}

/// Each input is refused at its last byte, before the end of the head: a first line when it is complete or at a control
/// character, a header line at the first byte that makes it invalid.
#[test]
fn rejects_malformed_line_before_the_head_ends() {
    for (lines, error) in [
        ("FOO\r\n", ParseError::RequestLine),
        ("GET / FTP/1.1\r\n", ParseError::RequestLine),
        ("SSH-2.0-OpenSSH_9.6\r\n", ParseError::RequestLine),
        ("GET / HTTP/1.1\r\r", ParseError::RequestLine),
        ("GET /\0", ParseError::RequestLine),
        ("GET / HTTP/1.1\r\nHost: h\r\nnocolon\n", ParseError::Field),
        ("GET / HTTP/1.1\r\nHost: h\r\nno ", ParseError::Field),
        ("GET / HTTP/1.1\r\nHost: h\r\n ", ParseError::Field),
        ("GET / HTTP/1.1\r\nHost: h\r\n\t", ParseError::Field),
        ("GET / HTTP/1.1\r\nHost: h\r\r", ParseError::Field),
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\r", ParseError::Field),
        ("GET / HTTP/1.1\r\nHost: h\0", ParseError::Field),
        ("GET / HTTP/1.1\r\nHost: h\x7F", ParseError::Field),
    ] {
        for piece in [1, lines.len()] {
            let received = send(&mut Connection::server(Config::new()), lines.as_bytes(), piece);
            assert_eq!((received.result, received.sent), (Err(Error::Request(error)), lines.len()), "{lines:?}");
            assert!(received.output.starts_with(b"HTTP/1.1 400 "), "{lines:?}");
        }
    }
    for (lines, error) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", ParseError::ResponseLine),
        ("220 mx.example.com ESMTP\r\n", ParseError::ResponseLine),
        ("HTTP/1.1 101 x\0", ParseError::ResponseLine),
        ("HTTP/1.1 101 x\r\nno ", ParseError::Field),
        ("HTTP/1.1 101 x\r\nUpgrade ", ParseError::Field),
        ("HTTP/1.1 101 x\r\nUpgrade: websocket\r\r", ParseError::Field),
        ("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n ", ParseError::Field),
    ] {
        for piece in [1, lines.len()] {
            let received = send(&mut connecting_client(&Offer::new()).0, lines.as_bytes(), piece);
            let expected = Err(Error::Response(HandshakeError::Head(error)));
            assert_eq!((received.result, received.sent), (expected, lines.len()), "{lines:?}");
        }
    }
}

#[test]
fn head_costs_the_same_however_it_is_split() {
    let wire = head(V13, "", &"X-Name: and a value\r\n".repeat(90));
    let cost = |piece: usize| {
        let (mut reader, mut input) = (HeadReader::new(HeadLimits::default()), BytesMut::with_capacity(LIMIT));
        let (heads, heap) = measure(|| {
            let pieces = wire.as_bytes().chunks(piece);
            let heads: Vec<_> = pieces
                .filter_map(|bytes| {
                    input.extend_from_slice(bytes);
                    reader.request(&mut input).unwrap()
                })
                .collect();
            heads.len()
        });
        assert_eq!(heads, 1);
        heap
    };
    assert_eq!(cost(1), cost(wire.len()));
}

/// A vector that doubles its capacity allocates two more times for four times the bytes. Nothing else may grow.
#[test]
fn long_lists_cost_no_allocation_per_byte() {
    type Lines = fn(usize) -> String;
    let cost = |lines: Lines, count: usize| -> (Result<(), ParseError>, Heap) {
        let mut input = BytesMut::from(&*head(V13, "", &lines(count)));
        measure(|| {
            let request = Request::parse(&mut input, HeadLimits::default())?.unwrap();
            let _ = (request.cookies().count(), request.extensions().len(), request.subprotocols().count());
            Ok(())
        })
    };
    let shapes: [(Lines, Result<(), ParseError>); 7] = [
        (|n| format!("Sec-WebSocket-Protocol: b{}x\r\n", " ".repeat(n)), Err(ParseError::Subprotocols)),
        (|n| format!("Sec-WebSocket-Protocol: b{}x\r\n", ",".repeat(n)), Ok(())),
        (|n| format!("Sec-WebSocket-Extensions: a; b=\"{}\r\n", "\\c".repeat(n / 2)), Err(ParseError::Extensions)),
        (|n| format!("Sec-WebSocket-Extensions: a{};b\r\n", " ".repeat(n)), Ok(())),
        (|n| format!("Connection: {}x\r\n", " ,".repeat(n / 2)), Ok(())),
        (|n| format!("Cookie: a=\"{}\r\n", "\\\"".repeat(n / 2)), Ok(())),
        (|n| format!("Cookie: {}\r\n", "=\"".repeat(n / 2)), Ok(())),
    ];
    for (at, (lines, expected)) in shapes.into_iter().enumerate() {
        let ((few, at_few), (many, at_many)) = (cost(lines, 3500), cost(lines, 14_000));
        assert_eq!((few, many), (expected, expected), "shape {at}");
        assert!(at_many.allocations <= at_few.allocations + 2, "shape {at}: {at_few:?} and {at_many:?}");
    }
}

#[test]
fn rejects_65th_list_item() {
    let list = |count: usize| (0..count).map(|number| format!("x{number}")).collect::<Vec<_>>().join(",");
    for (name, error) in
        [("Sec-WebSocket-Protocol", ParseError::Subprotocols), ("Sec-WebSocket-Extensions", ParseError::Extensions)]
    {
        let outcome = |count| {
            send(
                &mut AcceptingServer::new(Config::new()),
                head(V13, "", &format!("{name}: {}\r\n", list(count))).as_bytes(),
                99,
            )
        };
        assert_eq!((outcome(64).result, outcome(65).result), (Ok(()), Err(Error::Request(error))), "{name}");
    }
}

#[test]
fn ignores_extensions_named_like_javascript_properties() {
    let lines = "Sec-WebSocket-Extensions: constructor, __proto__; toString=1, hasOwnProperty\r\n__proto__: x\r\n";
    let received = send(&mut AcceptingServer::new(Config::new()), head(V13, "", lines).as_bytes(), 1000);
    assert!(matches!(&received.events[..], [Event::Open(opened)] if opened.negotiated().extensions.is_empty()));
    assert!(!received.output.windows(10).any(|window| window == b"Extensions"));
}

/// `Aa` and `BB` have the same hash in Java and similar languages, and so do all words made of them.
#[test]
fn colliding_header_names_cost_the_same() {
    let cost = |letters: [&str; 2]| {
        let name = |number: usize| (0..7).map(|bit| letters[number >> bit & 1]).collect::<String>();
        let lines: String = (0..90).map(|number| format!("{}: x\r\n", name(number))).collect();
        let mut input = BytesMut::from(&*head(V13, "", &lines));
        let (request, heap) = measure(|| Request::parse(&mut input, HeadLimits::default()).unwrap().unwrap());
        assert_eq!(request.headers().len(), 95);
        heap
    };
    assert_eq!(cost(["Aa", "BB"]), cost(["Cd", "EF"]));
}

#[test]
fn half_a_head_keeps_less_than_1_kib() {
    let half = head(V13, "", "");
    let (servers, heap) = measure(|| {
        let servers = (0..1000).map(|_| {
            let mut input = BytesMut::from(&half[..100]);
            let mut server = Connection::server(Config::new());
            assert!(matches!(server.receive(&mut input, &mut BytesMut::new()), Ok(None)));
            (server, input)
        });
        servers.collect::<Vec<_>>()
    });
    assert!(heap.live < 1024 * 1000, "{} bytes for {}", heap.live, servers.len());
}

#[test]
fn rejects_endless_interim_responses_at_16_kib() {
    for (status, fields, error) in [
        ("100 Continue", "", ParseError::TooLong),
        ("102 Processing", "Content-Length: 1000000\r\n", ParseError::TooManyHeaders),
        ("103 Early Hints", &format!("Link: {}\r\n", "a".repeat(200)), ParseError::TooLong),
        ("199 X", "", ParseError::TooLong),
    ] {
        let wire = format!("HTTP/1.1 {status}\r\n{fields}\r\n").repeat(2000);
        for piece in [1, 1000] {
            let (received, heap) = measure(|| send(&mut connecting_client(&Offer::new()).0, wire.as_bytes(), piece));
            assert_eq!(received.result, Err(Error::Response(HandshakeError::Head(error))), "{status}");
            assert!(received.sent < LIMIT + piece && received.output.is_empty() && received.events.is_empty());
            assert!(heap.peak < 3 * LIMIT as i64, "{} bytes of heap", heap.peak);
        }
    }
}

#[test]
fn body_of_a_refusal_stays_in_the_input() {
    let (mut client, _) = connecting_client(&Offer::new());
    let received = send(&mut client, b"HTTP/1.1 401 Unauthorized\r\n\r\nbody", 1000);
    assert!(matches!(&received.events[..], [Event::Rejected(response)] if response.status() == 401));
    assert_eq!(received.remaining, "body", "the body stays in the input");
    let mut body = BytesMut::from(&[b'x'; LIMIT][..]);
    let (received, heap) = measure(|| client.receive(&mut body, &mut BytesMut::new()));
    assert!(matches!(received, Ok(None)));
    assert_eq!((heap.allocations, body.len()), (0, LIMIT));
}
