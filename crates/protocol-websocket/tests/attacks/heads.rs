//! What a head may cost: H1 to H9.

use bytes::BytesMut;
use protocol_websocket::http::HeadReader;
use protocol_websocket::{
    Config, Error, Event, HandshakeError, HeadLimits, Offer, ParseError, Request, Server, Version,
};
use test_support::heap::{Heap, measure};

use crate::ends::{End, Open, asking, head, send};

const CAP: usize = 16 * 1024;
const V13: Version = Version::Rfc6455;

#[test]
fn a_head_without_an_end_is_refused_at_16_kib() {
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
        let wire = [begin, &more.repeat(2 * CAP)].concat();
        for piece in [1, 7, 1000] {
            let (told, heap) = measure(|| send(&mut Server::new(Config::new()), wire.as_bytes(), piece));
            assert_eq!(told.end, Err(Error::Request(ParseError::TooLong)), "{begin:?} {more:?}");
            assert!(told.sent < CAP + piece, "{} bytes", told.sent);
            assert!(told.output.starts_with(b"HTTP/1.1 431 "));
            assert!(heap.peak < 3 * CAP as i64, "{} bytes of heap", heap.peak);
        }
    }
}

#[test]
fn an_answer_without_an_end_is_refused_at_16_kib() {
    for (begin, more) in
        [("HTTP/1.1 101 ", "a"), ("HTTP/1.1 101 \r\nX: ", "a"), ("HTTP/1.1 200 OK\r\n", "X"), ("", "\r\n")]
    {
        let wire = [begin, &more.repeat(2 * CAP)].concat();
        let told = send(&mut asking(&Offer::new()).0, wire.as_bytes(), 7);
        assert_eq!(told.end, Err(Error::Answer(HandshakeError::Head(ParseError::TooLong))));
        assert!(told.sent < CAP + 7 && told.output.is_empty());
    }
}

#[test]
fn the_101st_field_is_refused() {
    let fields = |count: usize| head(V13, "", &"X: y\r\n".repeat(count - 5));
    assert_eq!(send(&mut Open::new(Config::new()), fields(100).as_bytes(), 100).end, Ok(()));
    let told = send(&mut Open::new(Config::new()), fields(101).as_bytes(), 1);
    assert_eq!(told.end, Err(Error::Request(ParseError::TooManyHeaders)));
    assert!(told.output.starts_with(b"HTTP/1.1 431 "));
    // Before the head is over, and whatever the fields are.
    let endless = ["GET / HTTP/1.1\r\n", &"X: y\r\n".repeat(101)].concat();
    assert_eq!(send(&mut Open::new(Config::new()), endless.as_bytes(), 1).end, told.end);
}

/// Each byte is overwritten with the end of a head as soon as it needs no second look before the head is complete: in
/// the first line when that is complete, in other lines at once. Reading one of them again would find that end.
#[test]
fn no_byte_of_a_head_is_looked_at_twice() {
    fn shown(end: &mut impl End, first: &str, fields: &str) {
        let (mut input, mut output) = (BytesMut::with_capacity(CAP), BytesMut::new());
        let mut show = |byte: u8, is_seen: bool| {
            input.extend_from_slice(&[byte]);
            assert!(matches!(end.receive(&mut input, &mut output), Ok(None)), "{} bytes", input.len());
            if is_seen {
                input.fill(b'\n');
            }
            input.len()
        };
        let (len, heap) = measure(|| {
            first.bytes().for_each(|byte| _ = show(byte, byte == b'\n'));
            fields.bytes().for_each(|byte| _ = show(byte, true));
            (0..).map(|_| show(b'a', true)).find(|&len| len == CAP - 1)
        });
        assert_eq!((len, heap.allocations), (Some(CAP - 1), 0));
    }
    let fields = "Host: example.com\r\nX:\nUpgrade: websocket\r\n".repeat(20);
    shown(&mut Server::new(Config::new()), "GET / HTTP/1.1\r\n", &fields);
    shown(&mut asking(&Offer::new()).0, "HTTP/1.1 101 Switching Protocols\r\n", &fields);
}

/// Each is refused at its last byte, before the end of the head is known: a first line when it is complete or has a
/// control character, a header line at the byte that shows it.
#[test]
fn a_wrong_line_is_refused_when_it_is_complete() {
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
            let told = send(&mut Server::new(Config::new()), lines.as_bytes(), piece);
            assert_eq!((told.end, told.sent), (Err(Error::Request(error)), lines.len()), "{lines:?}");
            assert!(told.output.starts_with(b"HTTP/1.1 400 "), "{lines:?}");
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
            let told = send(&mut asking(&Offer::new()).0, lines.as_bytes(), piece);
            let expected = Err(Error::Answer(HandshakeError::Head(error)));
            assert_eq!((told.end, told.sent), (expected, lines.len()), "{lines:?}");
        }
    }
}

#[test]
fn a_head_costs_the_same_however_it_is_cut() {
    let wire = head(V13, "", &"X-Name: and a value\r\n".repeat(90));
    let cost = |piece: usize| {
        let (mut reader, mut input) = (HeadReader::new(HeadLimits::default()), BytesMut::with_capacity(CAP));
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

/// Four times the bytes may cost a list that doubles two more allocations, and nothing else.
#[test]
fn a_field_of_blanks_or_escapes_costs_no_allocation_a_byte() {
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
fn a_list_has_at_most_64_items() {
    let list = |count: usize| (0..count).map(|number| format!("x{number}")).collect::<Vec<_>>().join(",");
    for (name, error) in
        [("Sec-WebSocket-Protocol", ParseError::Subprotocols), ("Sec-WebSocket-Extensions", ParseError::Extensions)]
    {
        let sent = |count| {
            send(&mut Open::new(Config::new()), head(V13, "", &format!("{name}: {}\r\n", list(count))).as_bytes(), 99)
        };
        assert_eq!((sent(64).end, sent(65).end), (Ok(()), Err(Error::Request(error))), "{name}");
    }
}

#[test]
fn names_of_objects_are_names_like_others() {
    let lines = "Sec-WebSocket-Extensions: constructor, __proto__; toString=1, hasOwnProperty\r\n__proto__: x\r\n";
    let told = send(&mut Open::new(Config::new()), head(V13, "", lines).as_bytes(), 1000);
    assert!(matches!(&told.events[..], [Event::Open(negotiated)] if negotiated.extensions.is_empty()));
    assert!(!told.output.windows(10).any(|window| window == b"Extensions"));
}

/// `Aa` and `BB` have one hash in many a language; so have all words made of them.
#[test]
fn fields_whose_names_hash_alike_cost_what_others_do() {
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
fn half_a_head_holds_nothing_but_its_bytes() {
    let half = head(V13, "", "");
    let (servers, heap) = measure(|| {
        let ends = (0..1000).map(|_| {
            let mut input = BytesMut::from(&half[..100]);
            let mut server = Server::new(Config::new());
            assert!(matches!(server.receive(&mut input, &mut BytesMut::new()), Ok(None)));
            (server, input)
        });
        ends.collect::<Vec<_>>()
    });
    assert!(heap.live < 1024 * 1000, "{} bytes for {}", heap.live, servers.len());
}

#[test]
fn interim_responses_without_an_end_are_refused_at_16_kib() {
    for (status, fields, error) in [
        ("100 Continue", "", ParseError::TooLong),
        ("102 Processing", "Content-Length: 1000000\r\n", ParseError::TooManyHeaders),
        ("103 Early Hints", &format!("Link: {}\r\n", "a".repeat(200)), ParseError::TooLong),
        ("199 X", "", ParseError::TooLong),
    ] {
        let wire = format!("HTTP/1.1 {status}\r\n{fields}\r\n").repeat(2000);
        for piece in [1, 1000] {
            let (told, heap) = measure(|| send(&mut asking(&Offer::new()).0, wire.as_bytes(), piece));
            assert_eq!(told.end, Err(Error::Answer(HandshakeError::Head(error))), "{status}");
            assert!(told.sent < CAP + piece && told.output.is_empty() && told.events.is_empty());
            assert!(heap.peak < 3 * CAP as i64, "{} bytes of heap", heap.peak);
        }
    }
}

#[test]
fn a_client_takes_no_body() {
    let (mut client, _) = asking(&Offer::new());
    let told = send(&mut client, b"HTTP/1.1 401 Unauthorized\r\n\r\nbody", 1000);
    assert!(matches!(&told.events[..], [Event::Rejected(answer)] if answer.status() == 401));
    assert_eq!(told.left, "body", "it is the caller's");
    let mut body = BytesMut::from(&[b'x'; CAP][..]);
    let (received, heap) = measure(|| client.receive(&mut body, &mut BytesMut::new()));
    assert!(matches!(received, Ok(None)));
    assert_eq!((heap.allocations, body.len()), (0, CAP));
}
