//! The three drafts, with the library's server and with servers that deviate from them.

use std::process::Stdio;

use protocol_websocket::{Accept, Close, CloseCode, Version};

use crate::program::{Program, wsconsole};
use crate::server::{Peer, serve};

const DRAFTS: [Version; 3] = [Version::Hybi10, Version::Hybi00, Version::Hixie75];

fn closing_notes(version: Version) -> [&'static str; 2] {
    match version.has_length_framing() {
        true => ["closing with 1000: end of input", "closed with 1000"],
        false => ["closing: end of input", "closed without a code"],
    }
}

#[test]
fn supports_each_draft() {
    for version in DRAFTS {
        let server = serve(move |mut peer: Peer| {
            peer.accept_with(&Accept::new().subprotocol("chat"));
            (String::from_utf8_lossy(&peer.read).into_owned(), peer.echo())
        });
        let name = version.to_string();
        let ended = wsconsole(
            &["--version", &name, "--subprotocol", "chat", "--origin", "http://a.example", &server.url()],
            "hello\n\nGröße 🦀",
        );
        assert_eq!((ended.status, &*ended.stdout), (Some(0), "hello\n\nGröße 🦀\n"), "{version}");
        let [closing, closed] = closing_notes(version);
        assert_eq!(ended.notes(), ["open, subprotocol chat", closing, closed], "{version}");
        let (request, close) = server.result();
        assert_eq!(close, version.has_length_framing().then(|| Close::from(CloseCode::NORMAL)), "{version}");
        let field = match version {
            Version::Hybi10 => "Sec-WebSocket-Version: 8\r\n",
            Version::Hybi00 => "Sec-WebSocket-Key1: ",
            _ => "WebSocket-Protocol: chat\r\n",
        };
        assert!(request.contains(field) && request.contains("http://a.example\r\n"), "{request}");
    }
}

#[test]
fn rejects_response_of_another_version() {
    for version in DRAFTS {
        let server = serve(move |mut peer: Peer| {
            drop(peer.request());
            peer.send_raw(match version {
                Version::Hybi10 => b"HTTP/1.1 101 x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n",
                _ => b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
            });
        });
        let ended = wsconsole(&["--version", &version.to_string(), &server.url()], "never sent");
        assert_eq!(ended.status, Some(4), "{version}: {}", ended.stderr);
    }
}

#[test]
fn stream_end_without_close_is_clean_only_in_hixie75() {
    for (version, status, note) in [
        (Version::Hixie75, 0, "closed without a code"),
        (Version::Hybi00, 5, "connection lost: the transport ended without a closing handshake"),
    ] {
        let server = serve(|mut peer: Peer| {
            peer.accept();
            peer.send("last");
        });
        let program = Program::start(&["--version", &version.to_string(), &server.url()], Stdio::piped());
        let ended = program.end();
        assert_eq!((ended.status, &*ended.stdout, ended.notes()), (Some(status), "last\n", vec!["open", note]));
    }
}

#[test]
fn stream_end_after_our_close_is_clean_in_hixie75_and_hybi00() {
    for version in [Version::Hybi00, Version::Hixie75] {
        let server = serve(|mut peer: Peer| {
            peer.accept();
            peer.read_until(b"\xFF\0");
            peer.send_raw(b"\0last\xFF");
        });
        let ended = wsconsole(&["--version", &version.to_string(), &server.url()], "hello");
        assert_eq!((ended.status, &*ended.stdout), (Some(0), "last\n"), "{version}: {}", ended.stderr);
        let note = "closed: the server ended the connection after our close";
        assert_eq!(ended.notes(), ["open", "closing: end of input", note], "{version}");
    }
}

#[test]
fn hixie75_close_without_response_ends_cleanly_after_the_timeout() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.read_to_end()
    });
    let ended = wsconsole(&["--version", "75", &server.url()], "hello");
    assert_eq!((ended.status, ended.notes().last()), (Some(0), Some(&"closed without a code")), "{}", ended.stderr);
    assert_eq!(server.result(), b"\0hello\xFF\xFF\0");
}

#[test]
fn hixie75_stream_end_during_the_handshake_is_a_lost_connection() {
    let server = serve(|mut peer: Peer| drop(peer.request()));
    let ended = wsconsole(&["--version", "draft-hixie-75", &server.url()], "x");
    assert_eq!(ended.status, Some(5));
}
