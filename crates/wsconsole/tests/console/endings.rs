//! The exit status and the notes of each kind of ending.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use protocol_websocket::{Close, CloseCode, DecodeError, Event, ParseError, ResponseError, Timeout};

use crate::program::{Ended, Program, wsconsole};
use crate::server::{Peer, serve};

#[test]
fn refused_connection_exits_with_2() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let Ended { status, stderr, .. } = wsconsole(&[&format!("ws://{address}/")], "x");
    assert_eq!(status, Some(2));
    assert!(stderr.starts_with(&format!("! cannot connect to {address}: Connection refused")), "{stderr}");
}

#[test]
fn refused_handshake_prints_head_and_body() {
    let ended = respond(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\nX-Why: \xE9\r\n\r\nno \x1bway\nout");
    assert_eq!(ended.status, Some(3));
    assert_eq!(
        ended.notes(),
        ["refused: 403 Forbidden", "  Content-Length: 12", "  X-Why: \u{FFFD}", "  | no \\u001bway", "  | out",]
    );
}

#[test]
fn refused_handshake_prints_the_first_kib_of_the_body() {
    let mut response = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    response.extend([b'x'; 5000]);
    let ended = respond(&response);
    assert_eq!(ended.status, Some(3));
    assert_eq!(ended.notes(), ["refused: 200 OK", &format!("  | {}", "x".repeat(1024))]);
}

#[test]
fn invalid_response_is_a_protocol_error() {
    for (response, error) in [
        (&b"SSH-2.0-x\r\n\r\n"[..], ParseError::ResponseLine.to_string()),
        (
            b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            ResponseError::AcceptMissing.to_string(),
        ),
    ] {
        let ended = respond(response);
        assert_eq!(ended.status, Some(4));
        let notes = ended.notes();
        assert!(notes[0].starts_with("the server violated the protocol: ") && notes[0].contains(&error), "{notes:?}");
    }
}

/// Runs the program against a server that sends these bytes after the request.
pub(crate) fn respond(response: &[u8]) -> Ended {
    let response = response.to_vec();
    let server = serve(move |mut peer: Peer| {
        drop(peer.request());
        peer.send_raw(&response);
    });
    wsconsole(&[&server.url()], "never sent\n")
}

#[test]
fn protocol_violation_closes_with_its_code() {
    for (frame, code, error) in [
        (&b"\x81\x81\0\0\0\0x"[..], CloseCode::PROTOCOL_ERROR, DecodeError::MaskUnexpected),
        (b"\x83\x00", CloseCode::PROTOCOL_ERROR, DecodeError::ReservedOpCode(3)),
        (b"\x81\x01\xFF", CloseCode::INVALID_PAYLOAD_DATA, DecodeError::InvalidUtf8),
        (b"\x82\x7F\0\0\0\0\x06\x40\0\x01", CloseCode::MESSAGE_TOO_BIG, DecodeError::FrameTooLong),
    ] {
        let server = serve(move |mut peer: Peer| {
            peer.accept();
            peer.send_raw(b"\x81\x06before");
            peer.send_raw(frame);
            peer.receive_close()
        });
        let program = Program::start(&[&server.url()], Stdio::piped());
        let ended = program.end();
        assert_eq!((ended.status, &*ended.stdout), (Some(4), "before\n"));
        assert_eq!(ended.notes()[1..], [format!("the server violated the protocol: {error}")]);
        assert_eq!(server.result(), Some(Close::from(code)));
    }
}

#[test]
fn stream_end_during_the_opening_handshake_is_a_lost_connection() {
    let server = serve(|mut peer: Peer| drop(peer.request()));
    let ended = wsconsole(&[&server.url()], "x");
    assert_eq!(ended.status, Some(5));
    assert_eq!(ended.notes(), ["connection lost: the transport ended without a closing handshake"]);
}

#[test]
fn stream_end_while_open_is_a_lost_connection() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.send("whole");
        peer.send_raw(b"\x81\x05ha");
    });
    let program = Program::start(&[&server.url()], Stdio::piped());
    let ended = program.end();
    assert_eq!((ended.status, &*ended.stdout), (Some(5), "whole\n"));
    assert_eq!(ended.notes(), ["open", "connection lost: the transport ended without a closing handshake"]);
}

#[test]
fn stream_end_while_closing_is_a_lost_connection() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.message();
    });
    let ended = wsconsole(&[&server.url()], "x");
    assert_eq!(ended.status, Some(5));
    assert!(ended.notes().last().unwrap().starts_with("connection lost: "), "{}", ended.stderr);
}

#[test]
fn close_without_response_times_out() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.read_to_end()
    });
    let ended = wsconsole(&[&server.url()], "");
    assert_eq!(ended.status, Some(5));
    assert_eq!(ended.notes().last(), Some(&format!("connection lost: {}", Timeout::Close).as_str()));
}

#[test]
fn close_by_the_server_decides_the_exit_status() {
    for (close, status, note) in [
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
        assert_eq!((ended.status, ended.notes()), (Some(status), vec!["open", note]));
        server.result();
    }
}

#[test]
fn signal_closes_with_1001() {
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
        assert_eq!(server.result(), Some(Close::from(CloseCode::GOING_AWAY)));
    }
}

#[test]
fn second_signal_ends_the_process() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.read_to_end();
    });
    let mut program = Program::start(&[&server.url()], Stdio::piped());
    program.stderr.wait_for("! open");
    program.signal("INT");
    program.stderr.wait_for("! closing with 1001: interrupted");
    program.signal("INT");
    assert_eq!(program.end().status, None);
}

#[test]
fn signal_while_closing_ends_the_program() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.read_to_end();
    });
    let mut program = Program::start(&[&server.url()], Stdio::piped());
    program.end_of_input();
    program.stderr.wait_for("! closing with 1000: end of input");
    program.signal("TERM");
    let ended = program.end();
    assert_eq!((ended.status, ended.notes().last()), (Some(5), Some(&"connection lost: interrupted while closing")));
}

#[test]
fn invalid_utf8_in_the_input_closes_and_exits_with_1() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.echo()
    });
    let ended = wsconsole(&[&server.url()], b"good\nb\xFFd\nnot sent\n");
    assert_eq!((ended.status, &*ended.stdout), (Some(1), "good\n"));
    assert_eq!(ended.notes()[1], "cannot read the input: line 2 is not valid UTF-8");
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn closed_output_pipe_ends_the_session() {
    let server = serve(send_and_wait);
    let (stdout, reader) = UnixStream::pair().unwrap();
    drop(reader);
    let ended = Program::start(&[&server.url()], Stdio::from(OwnedFd::from(stdout))).end();
    assert_eq!(ended.status, Some(0));
    assert_eq!(ended.notes(), ["open", "closing with 1001: stdout is closed", "closed with 1001"]);
    assert_eq!(server.result(), Some(Close::from(CloseCode::GOING_AWAY)));
}

#[test]
#[cfg(target_os = "linux")]
fn full_disk_exits_with_1() {
    let server = serve(send_and_wait);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ended = Program::start(&[&server.url()], Stdio::from(full)).end();
    assert_eq!(ended.status, Some(1));
    assert!(ended.notes()[1].starts_with("cannot write the output: "), "{}", ended.stderr);
}

/// Sends one message and waits for the Close.
fn send_and_wait(mut peer: Peer) -> Option<Close> {
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
