//! Frames over sockets, against the example `serve`.

use std::fs;
use std::io::{ErrorKind, Write};
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{Close, Event, Frame, Version};

use crate::ends::{bomb, client, close, head, masked};
use crate::frames::REFUSED;
use crate::program::Server;
use crate::wire::{connect, echoes, exchange, open, serve};

const V13: Version = Version::Rfc6455;

/// The most memory that it ever had, in KiB; 0 where the system does not tell.
fn peak(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse().unwrap())
}

#[test]
fn serve_refuses_each_bad_frame_with_its_code() {
    let server = serve();
    for (wire, error, code) in REFUSED {
        let behind = masked(&[Frame::text("x")]);
        let answer = exchange(open(&server, V13), &[wire, &behind[..]].concat());
        assert_eq!(answer, close(*code), "{error:?}");
    }
    echoes(&server);
}

#[test]
fn serve_takes_no_cut_frame_for_a_whole_one() {
    let server = serve();
    let wire = masked(&[Frame::text("x".repeat(126))]);
    for cut in 0..wire.len() {
        assert_eq!(exchange(open(&server, V13), &wire[..cut]), b"", "{cut}");
        server.logged("closed with 1006");
    }
    echoes(&server);
}

#[test]
fn serve_refuses_floods_of_fragments() {
    let server = serve();
    echoes(&server);
    let before = peak(&server);
    let [first, more] = [Frame::binary(""), Frame::continuation("")].map(|frame| masked(&[frame.with_fin(false)]));
    let answer = exchange(open(&server, V13), &[&first[..], &more.repeat(131_072)].concat());
    assert_eq!(answer, close(1008));
    let more = masked(&[Frame::continuation(vec![0; 1000]).with_fin(false)]);
    let answer = exchange(open(&server, V13), &[&first[..], &more.repeat(2000)].concat());
    assert_eq!(answer, close(1009));
    assert!(peak(&server) - before < 8 * 1024, "{} KiB", peak(&server) - before);
    echoes(&server);
}

/// Whoever pings and does not read is read no more; when it reads at last, there are whole pongs in their order.
#[test]
fn serve_does_not_read_on_from_whoever_does_not_read() {
    let server = serve();
    echoes(&server);
    let before = peak(&server);
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
    assert!(peak(&server) - before < 4 * 1024, "{} KiB for {sent} bytes of pings", peak(&server) - before);
    let mut pongs = BytesMut::from(&exchange(stream, b"")[..]);
    let (mut client, mut last) = (client(&protocol_websocket::Config::new()), None);
    while let Some(event) = client.receive(&mut pongs, &mut BytesMut::new()).unwrap() {
        let Event::Pong(payload) = event else { panic!("{event:?}") };
        let number: u32 = std::str::from_utf8(&payload).unwrap().parse().unwrap();
        assert!(last < Some(number));
        last = Some(number);
    }
    assert!(last.is_some() && pongs.is_empty());
    echoes(&server);
}

#[test]
fn serve_closes_once() {
    let server = serve();
    let once = masked(&[Frame::close(Some(&Close::new(1000, ""))).unwrap()]);
    for behind in [&once.repeat(10_000)[..], &masked(&[Frame::text("x"), Frame::ping("")]), &[0xFF; 10_000]] {
        assert_eq!(exchange(open(&server, V13), &[&once[..], behind].concat()), close(1000));
    }
    echoes(&server);
}

#[test]
fn serve_ends_the_endless_frames_of_the_drafts() {
    let server = serve();
    echoes(&server);
    let before = peak(&server);
    for version in [Version::Hybi00, Version::Hixie75] {
        for (begin, more) in [(0x00, 0x61), (0x01, 0x61), (0x80, 0x80), (0x80, 0xFF), (0xFF, 0xFF)] {
            let wire = [&[begin][..], &vec![more; 2 << 20]].concat();
            assert_eq!(exchange(open(&server, version), &wire), b"\xFF\x00", "{version}: {begin:#x} {more:#x} …");
        }
    }
    assert!(peak(&server) - before < 8 * 1024, "{} KiB", peak(&server) - before);
    echoes(&server);
}

#[test]
fn serve_finds_a_bomb_out() {
    let server = serve();
    echoes(&server);
    let before = peak(&server);
    let bomb = bomb(512);
    assert!(bomb.payload().len() < 1 << 20);
    let request = head(V13, "", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let answer = exchange(connect(&server), &[request.as_bytes(), &masked(&[bomb])].concat());
    assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(&[&b"\r\n\r\n"[..], &close(1009)].concat()));
    assert!(peak(&server) - before < 8 * 1024, "{} KiB", peak(&server) - before);
    echoes(&server);
}
