//! Each outcome has its exit status and its words.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use protocol_websocket::{Close, CloseCode, Event};

use crate::program::{Ended, Program, wsconsole};
use crate::server::{Peer, serve};

#[test]
fn nobody_there() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let Ended { status, stderr, .. } = wsconsole(&[&format!("ws://{address}/")], "x");
    assert_eq!(status, Some(2));
    assert!(stderr.starts_with(&format!("! cannot connect to {address}: Connection refused")), "{stderr}");
}

#[test]
fn refused() {
    let ended = answered(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\nX-Why: \xE9\r\n\r\nno \x1bway\nout");
    assert_eq!(ended.status, Some(3));
    assert_eq!(
        ended.notes(),
        ["refused: 403 Forbidden", "  Content-Length: 12", "  X-Why: \u{FFFD}", "  | no \\u001bway", "  | out",]
    );
}

#[test]
fn refused_without_a_length_and_at_length() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.extend([b'x'; 5000]);
    let ended = answered(&answer);
    assert_eq!(ended.status, Some(3));
    assert_eq!(ended.notes(), ["refused: 200 OK", &format!("  | {}", "x".repeat(1024))]);
}

#[test]
fn redirected() {
    let ended = answered(b"HTTP/1.1 302 Found\r\nLocation: https://other.example/chat\r\n\r\n");
    assert_eq!(ended.status, Some(3));
    assert_eq!(
        ended.notes(),
        ["redirected, not followed: 302 to wss://other.example/chat", "  Location: https://other.example/chat"]
    );
}

#[test]
fn redirected_to_nowhere() {
    let ended = answered(b"HTTP/1.1 301 Moved\r\nLocation: mailto:a\r\n\r\n");
    assert_eq!(ended.status, Some(3));
    assert!(ended.notes()[0].starts_with("redirected, not followed: 301 to mailto:a ("), "{}", ended.stderr);
}

#[test]
fn answers_that_are_wrong() {
    for (answer, told) in [
        (&b"SSH-2.0-x\r\n\r\n"[..], "wrong response line"),
        (b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "no sec-websocket-accept"),
    ] {
        let ended = answered(answer);
        assert_eq!(ended.status, Some(4));
        let notes = ended.notes();
        assert!(notes[0].starts_with("the server broke the protocol: ") && notes[0].contains(told), "{notes:?}");
    }
}

/// What becomes of a request that is answered so.
fn answered(answer: &[u8]) -> Ended {
    let answer = answer.to_vec();
    let server = serve(move |mut peer: Peer| {
        drop(peer.request());
        peer.raw(&answer);
    });
    wsconsole(&[&server.url()], "never sent\n")
}

#[test]
fn rules_broken_by_the_server() {
    for (frame, code, told) in [
        (&b"\x81\x81\0\0\0\0x"[..], CloseCode::PROTOCOL_ERROR, "a server's frame is masked"),
        (b"\x83\x00", CloseCode::PROTOCOL_ERROR, "opcode 0x3 is reserved"),
        (b"\x81\x01\xFF", CloseCode::INVALID_PAYLOAD_DATA, "text is not valid utf-8"),
        (b"\x82\x7F\0\0\0\0\x06\x40\0\x01", CloseCode::MESSAGE_TOO_BIG, "payload is too big"),
    ] {
        let server = serve(move |mut peer: Peer| {
            peer.accept();
            peer.raw(b"\x81\x06before");
            peer.raw(frame);
            peer.closed()
        });
        let program = Program::start(&[&server.url()], Stdio::piped());
        let ended = program.end();
        assert_eq!((ended.status, &*ended.stdout), (Some(4), "before\n"));
        assert_eq!(ended.notes()[1..], [format!("the server broke the protocol: {told}")]);
        assert_eq!(server.outcome(), Some(Close::from(code)));
    }
}

#[test]
fn lost_before_it_was_open() {
    let server = serve(|mut peer: Peer| drop(peer.request()));
    let ended = wsconsole(&[&server.url()], "x");
    assert_eq!(ended.status, Some(5));
    assert_eq!(ended.notes(), ["connection lost: the transport ended without a closing handshake"]);
}

#[test]
fn lost_while_open() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.send("whole");
        peer.raw(b"\x81\x05ha");
    });
    let program = Program::start(&[&server.url()], Stdio::piped());
    let ended = program.end();
    assert_eq!((ended.status, &*ended.stdout), (Some(5), "whole\n"));
    assert_eq!(ended.notes(), ["open", "connection lost: the transport ended without a closing handshake"]);
}

#[test]
fn lost_while_closing() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.message();
    });
    let ended = wsconsole(&[&server.url()], "x");
    assert_eq!(ended.status, Some(5));
    assert!(ended.notes().last().unwrap().starts_with("connection lost: "), "{}", ended.stderr);
}

#[test]
fn a_close_that_is_never_answered() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.rest()
    });
    let ended = wsconsole(&[&server.url()], "");
    assert_eq!(ended.status, Some(5));
    assert_eq!(ended.notes().last(), Some(&"connection lost: the peer did not close in time"));
}

#[test]
fn closed_by_the_server() {
    for (close, status, told) in [
        (None, 0, "closed without a code"),
        (Some((1000, "")), 0, "closed with 1000"),
        (Some((1001, "later")), 0, "closed with 1001 \"later\""),
        (Some((1011, "")), 6, "closed with 1011"),
        (Some((4000, "a\nß")), 6, "closed with 4000 \"a\\nß\""),
    ] {
        let close = close.map(|(code, reason)| Close::new(CloseCode(code), reason));
        let server = serve(move |mut peer: Peer| {
            peer.accept();
            peer.close(close);
        });
        let ended = Program::start(&[&server.url()], Stdio::piped()).end();
        assert_eq!((ended.status, ended.notes()), (Some(status), vec!["open", told]));
        server.outcome();
    }
}

#[test]
fn signals_close() {
    for signal in ["INT", "TERM"] {
        let server = serve(|mut peer: Peer| {
            peer.accept();
            peer.echo()
        });
        let mut program = Program::start(&[&server.url()], Stdio::piped());
        program.stderr.wait_for("! open");
        program.signal(signal);
        let ended = program.end();
        assert_eq!(ended.status, Some(0));
        assert_eq!(ended.notes(), ["open", "closing with 1001: interrupted", "closed with 1001"]);
        assert_eq!(server.outcome(), Some(Close::from(CloseCode::GOING_AWAY)));
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.rest();
    });
    let mut program = Program::start(&[&server.url()], Stdio::piped());
    program.stderr.wait_for("! open");
    program.signal("INT");
    program.stderr.wait_for("! closing with 1001: interrupted");
    program.signal("INT");
    assert_eq!(program.end().status, None);
}

#[test]
fn a_signal_ends_the_wait_for_an_answer() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.rest();
    });
    let mut program = Program::start(&[&server.url()], Stdio::piped());
    program.end_of_input();
    program.stderr.wait_for("! closing with 1000: end of input");
    program.signal("TERM");
    let ended = program.end();
    assert_eq!((ended.status, ended.notes().last()), (Some(5), Some(&"connection lost: interrupted while closing")));
}

#[test]
fn a_line_that_is_not_utf8() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.echo()
    });
    let ended = wsconsole(&[&server.url()], b"good\nb\xFFd\nnot sent\n");
    assert_eq!((ended.status, &*ended.stdout), (Some(1), "good\n"));
    assert_eq!(ended.notes()[1], "cannot read the input: line 2 is not UTF-8");
    assert_eq!(server.outcome(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn nobody_reads_the_output() {
    let server = serve(chatter);
    let (stdout, reader) = UnixStream::pair().unwrap();
    drop(reader);
    let ended = Program::start(&[&server.url()], Stdio::from(OwnedFd::from(stdout))).end();
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.notes(), ["open", "closing with 1001: nobody reads the output", "closed with 1001"]);
    assert_eq!(server.outcome(), Some(Close::from(CloseCode::GOING_AWAY)));
}

#[test]
#[cfg(target_os = "linux")]
fn no_room_for_the_output() {
    let server = serve(chatter);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ended = Program::start(&[&server.url()], Stdio::from(full)).end();
    assert_eq!(ended.status, Some(1));
    assert!(ended.notes()[1].starts_with("cannot write the output: "), "{}", ended.stderr);
}

/// Says more and more until the console closes.
fn chatter(mut peer: Peer) -> Option<Close> {
    peer.accept();
    peer.send("something");
    loop {
        match peer.next() {
            Some(Event::Close(close)) => return close,
            Some(_) => {}
            None => return None,
        }
    }
}
