use std::process::Stdio;

use protocol_websocket::{Close, CloseCode, Message, MessageKind};

use crate::program::{Program, wsconsole};
use crate::server::{Peer, serve};

#[test]
fn sends_the_whole_input_as_one_binary_message() {
    for version in ["13", "8"] {
        for len in [1, 64 * 1024, 1_000_000] {
            let server = serve(|mut peer: Peer| {
                peer.accept();
                let message = peer.message();
                (message, peer.receive_close())
            });
            let input: Vec<u8> = (0..len).map(|number: u32| number.to_le_bytes()[number as usize % 4]).collect();
            let ended = wsconsole(&["--binary", "--version", version, &server.url()], &input);
            assert_eq!(ended.status, Some(0), "{}", ended.stderr);
            let (message, close) = server.result();
            assert!(message == Message::from(input), "{version} {len}");
            assert_eq!(close, Some(Close::from(CloseCode::NORMAL)));
        }
    }
}

#[test]
fn empty_input_is_not_a_binary_message() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.receive_close()
    });
    assert_eq!(wsconsole(&["--binary", &server.url()], "").status, Some(0));
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}

/// So the memory is limited.
#[test]
fn sends_fragments_of_a_binary_message_before_the_end_of_input() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.read.clear();
        // Two fragments with their headers.
        peer.read_at_least(2 * 64 * 1024);
        let first = (peer.read[0], peer.read[14 + 64 * 1024]);
        peer.send("continue");
        let kind = peer.message().kind();
        peer.receive_close();
        (first, kind)
    });
    let mut program = Program::start(&["--binary", "--no-deflate", &server.url()], Stdio::piped());
    program.send_input(vec![b'x'; 128 * 1024]);
    program.stdout.wait_for("continue");
    program.end_of_input();
    assert_eq!(program.end().status, Some(0));
    assert_eq!(server.result(), ((0x02, 0x00), MessageKind::Binary));
}
