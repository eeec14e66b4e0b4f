//! The body of a response that rejects the handshake, in pieces of every size.
#![allow(clippy::unwrap_used)]

use bytes::BytesMut;
use protocol_websocket_http::{ResponseBody, ResponseHead};

const MAX_LEN: usize = 8;

/// Returns the body, and whether it is complete, after two reads that end at `position` and at the end of `text`.
fn receive(status: u16, headers: &[(&str, &str)], text: &[u8], position: usize) -> (Vec<u8>, bool) {
    let head = ResponseHead::from_parts(status, headers.iter().copied()).unwrap();
    let mut body = ResponseBody::new(&head, MAX_LEN);
    let (first, second) = text.split_at(position);
    let mut input = BytesMut::from(first);
    let mut is_complete = body.receive(&mut input);
    if !is_complete {
        input.extend_from_slice(second);
        is_complete = body.receive(&mut input);
    }
    (body.into_bytes().to_vec(), is_complete)
}

#[test]
fn bodies_of_any_framing_are_received_in_pieces() {
    let (len, chunked) = ([("Content-Length", "5")], [("Transfer-Encoding", "chunked")]);
    for (headers, text, expected, is_complete) in [
        (&len[..], &b"hello"[..], "hello", true),
        (&len, b"hello more", "hello", true),
        (&len, b"hell", "hell", false),
        (&[("Content-Length", "0")], b"hello", "", true),
        (&[], b"hello", "hello", false),
        (&[], b"hello, world", "hello, w", true),
        (&[("Content-Length", "x")], b"hello", "hello", false),
        (&[("Content-Length", "99")], b"hello, world", "hello, w", true),
        (&chunked, b"5;a=b\r\nhello\r\n1 \r\n!\r\n0\r\n\r\n", "hello!", true),
        (&chunked, b"ff\r\nhello, world", "hello, w", true),
        (&chunked, b"2\r\nhi\r\nx\r\n", "hi", true),
        (&chunked, b"ffffffffffffffff\r\nhi", "hi", false),
        (&chunked, b"fffffffffffffffff\r\nhi", "", true),
        (&chunked, &[b'a'; 300], "", true),
    ] {
        for position in 0..=text.len() {
            let received = receive(403, headers, text, position);
            assert_eq!(received, (expected.as_bytes().to_vec(), is_complete), "{headers:?} {position}");
        }
    }
}

#[test]
fn some_statuses_have_no_body() {
    for status in [100, 199, 204, 304] {
        for headers in [&[][..], &[("Content-Length", "5")], &[("Transfer-Encoding", "chunked")]] {
            assert_eq!(receive(status, headers, b"hello", 5), (Vec::new(), true), "{status} {headers:?}");
        }
    }
}
