//! The server's side of the opening handshake: a browser's request to the answer 101, and a request in drops.
#![allow(missing_docs, clippy::unwrap_used)]

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use protocol_websocket_handshake_server::ServerHandshake;
use protocol_websocket_handshake_server::http::Accept;

criterion_group!(benches, accept, accept_byte_by_byte);
criterion_main!(benches);

/// What Chromium sends, as to the number and the lengths of its fields.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://server.example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-US,en;q=0.9\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

fn accept(criterion: &mut Criterion) {
    let mut output = BytesMut::with_capacity(512);
    criterion.bench_function("server_handshake", |bencher| {
        let answer = |mut input: BytesMut| {
            output.clear();
            let upgrade = ServerHandshake::new().parse(&mut input).unwrap().unwrap();
            upgrade.accept(&Accept::new(), &mut output).unwrap()
        };
        bencher.iter_batched(|| BytesMut::from(REQUEST), answer, BatchSize::SmallInput);
    });
}

/// Each byte is looked at once, so this grows with the length of the head and not with its square.
fn accept_byte_by_byte(criterion: &mut Criterion) {
    criterion.bench_function("server_handshake_byte_by_byte", |bencher| {
        let read = |mut input: BytesMut| {
            let mut handshake = ServerHandshake::new();
            REQUEST.iter().find_map(|&byte| {
                input.extend_from_slice(&[byte]);
                handshake.parse(&mut input).unwrap()
            })
        };
        bencher.iter_batched(|| BytesMut::with_capacity(REQUEST.len()), read, BatchSize::SmallInput);
    });
}
