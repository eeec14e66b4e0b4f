//! Frames over sockets with the example `serve`.

use std::fs;
use std::io::{ErrorKind, Write};
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{Close, Event, Frame, Version};

use crate::endpoint::{bomb, client, head, masked};
use crate::program::Server;
use crate::wire::{assert_echoes, connect, exchange, open, serve};
use test_support::attacks::{BAD_FRAMES, close_frame};

const V13: Version = Version::Rfc6455;

/// Returns the peak memory of a server in KiB, or 0 where the system has no `/proc`.
fn peak_memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse().unwrap())
}

#[test]
fn serve_rejects_each_bad_frame_with_its_close_code() {
    let server = serve();
    for (wire, error, code) in BAD_FRAMES {
        let following = masked(&[Frame::text("x")]);
        let response = exchange(open(&server, V13), &[wire, &following[..]].concat());
        assert_eq!(response, close_frame(*code), "{error:?}");
    }
    assert_echoes(&server);
}

#[test]
fn serve_does_not_echo_an_incomplete_frame() {
    let server = serve();
    let wire = masked(&[Frame::text("x".repeat(126))]);
    for len in 0..wire.len() {
        assert_eq!(exchange(open(&server, V13), &wire[..len]), b"", "{len}");
        server.logged("closed with 1006");
    }
    assert_echoes(&server);
}

#[test]
fn serve_rejects_floods_of_fragments() {
    let server = serve();
    assert_echoes(&server);
    let before = peak_memory(&server);
    let [first, more] = [Frame::binary(""), Frame::continuation("")].map(|frame| masked(&[frame.with_fin(false)]));
    let response = exchange(open(&server, V13), &[&first[..], &more.repeat(131_072)].concat());
    assert_eq!(response, close_frame(1008));
    let more = masked(&[Frame::continuation(vec![0; 1000]).with_fin(false)]);
    let response = exchange(open(&server, V13), &[&first[..], &more.repeat(2000)].concat());
    assert_eq!(response, close_frame(1009));
    assert!(peak_memory(&server) - before < 8 * 1024, "{} KiB", peak_memory(&server) - before);
    assert_echoes(&server);
}

/// The server stops reading from a peer that sends pings and does not read. When the peer reads, it receives whole pongs in
/// order.
#[test]
fn serve_stops_reading_from_a_peer_that_does_not_read() {
    let server = serve();
    assert_echoes(&server);
    let before = peak_memory(&server);
    let mut stream = open(&server, V13);
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut pings = (0_u32..).map(|number| masked(&[Frame::ping(format!("{number:0>125}"))]));
    let (mut sent, mut pending) = (0, BytesMut::new());
    let full = loop {
        while pending.len() < 64 * 1024 {
            pending.unsplit(pings.next().unwrap());
        }
        match stream.write(&pending) {
            Ok(written) => {
                sent += written;
                drop(pending.split_to(written));
            }
            Err(error) => break error.kind(),
        }
    };
    assert!(matches!(full, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{full:?}");
    assert!(
        peak_memory(&server) - before < 4 * 1024,
        "{} KiB for {sent} bytes of pings",
        peak_memory(&server) - before
    );
    let mut pongs = BytesMut::from(&exchange(stream, b"")[..]);
    let (mut client, mut last) = (client(&protocol_websocket::Config::new()), None);
    while let Some(event) = client.receive(&mut pongs, &mut BytesMut::new()).unwrap() {
        let Event::Pong(payload) = event else { panic!("{event:?}") };
        let number: u32 = std::str::from_utf8(&payload).unwrap().parse().unwrap();
        assert!(last < Some(number));
        last = Some(number);
    }
    assert!(last.is_some() && pongs.is_empty());
    assert_echoes(&server);
}

#[test]
fn serve_sends_one_close() {
    let server = serve();
    let close = masked(&[Frame::close(Close::new(1000, "")).unwrap()]);
    for following in [&close.repeat(10_000)[..], &masked(&[Frame::text("x"), Frame::ping("")]), &[0xFF; 10_000]] {
        assert_eq!(exchange(open(&server, V13), &[&close[..], following].concat()), close_frame(1000));
    }
    assert_echoes(&server);
}

#[test]
fn serve_rejects_endless_frames_of_the_drafts() {
    let server = serve();
    assert_echoes(&server);
    let before = peak_memory(&server);
    for version in [Version::Hybi00, Version::Hixie75] {
        for (begin, more) in [(0x00, 0x61), (0x01, 0x61), (0x80, 0x80), (0x80, 0xFF), (0xFF, 0xFF)] {
            let wire = [&[begin][..], &vec![more; 2 << 20]].concat();
            assert_eq!(exchange(open(&server, version), &wire), b"\xFF\x00", "{version}: {begin:#x} {more:#x} …");
        }
    }
    assert!(peak_memory(&server) - before < 8 * 1024, "{} KiB", peak_memory(&server) - before);
    assert_echoes(&server);
}

#[test]
fn serve_rejects_a_bomb() {
    let server = serve();
    assert_echoes(&server);
    let before = peak_memory(&server);
    let bomb = bomb(512);
    assert!(bomb.payload().len() < 1 << 20);
    let request = head(V13, "", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let response = exchange(connect(&server), &[request.as_bytes(), &masked(&[bomb])].concat());
    assert!(
        response.starts_with(b"HTTP/1.1 101 ") && response.ends_with(&[&b"\r\n\r\n"[..], &close_frame(1009)].concat())
    );
    assert!(peak_memory(&server) - before < 8 * 1024, "{} KiB", peak_memory(&server) - before);
    assert_echoes(&server);
}
