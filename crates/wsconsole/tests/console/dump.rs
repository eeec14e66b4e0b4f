use protocol_websocket::{Close, CloseCode};

use crate::program::wsconsole;
use crate::server::{Peer, serve};

#[test]
fn dumps_every_byte_of_both_directions() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        let message = peer.message();
        peer.send(message);
        peer.send((0..=255).collect::<Vec<u8>>());
        peer.receive_close();
        (peer.read, peer.written)
    });
    let ended = wsconsole(&[&server.url(), "--hex"], "Hello\n");
    let (written, read) = server.result();
    assert_eq!(parse_dump('>', &ended.stderr), written);
    assert_eq!(parse_dump('<', &ended.stderr), read);
    assert!(ended.stderr.contains(
        "\n> 00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|\n\
         > 00000010  48 6f 73 74 3a 20 31 32  37 2e 30 2e 30 2e 31 3a  |Host: 127.0.0.1:|\n"
    ));
    assert_eq!((ended.status, ended.stdout.lines().next()), (Some(0), Some("Hello")));
}

#[test]
fn dumps_bytes_that_are_not_websocket() {
    let server = serve(|mut peer: Peer| {
        drop(peer.request());
        peer.send_raw(b"220 mail.example\r\n\r\n");
        peer.read_to_end();
        peer.read
    });
    let ended = wsconsole(&[&server.url(), "--hex"], "");
    assert_eq!(parse_dump('<', &ended.stderr), b"220 mail.example\r\n\r\n");
    assert_eq!(parse_dump('>', &ended.stderr), server.result());
    assert_eq!(ended.status, Some(4));
}

#[test]
fn dumps_nothing_by_default() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.close(Some(Close::from(CloseCode::NORMAL)));
    });
    let ended = wsconsole(&[&server.url()], "");
    assert!(ended.stderr.lines().all(|line| line.starts_with("! ")), "{}", ended.stderr);
}

/// Returns the bytes of one direction in the dump, and checks the format of each line.
fn parse_dump(mark: char, stderr: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in stderr.lines().filter(|line| line.starts_with(mark)) {
        let cells = &line[12..60];
        let row: Vec<u8> = cells.split_whitespace().map(|cell| u8::from_str_radix(cell, 16).unwrap()).collect();
        let cell = |column: usize| row.get(column).map_or("  ".to_owned(), |byte| format!("{byte:02x}"));
        let half = |columns: std::ops::Range<usize>| columns.map(cell).collect::<Vec<_>>().join(" ");
        let ascii: String =
            row.iter().map(|&byte| if (0x20..0x7F).contains(&byte) { char::from(byte) } else { '.' }).collect();
        assert_eq!(line, format!("{mark} {:08x}  {}  {}  |{ascii}|", bytes.len(), half(0..8), half(8..16)));
        bytes.extend(row);
    }
    bytes
}
