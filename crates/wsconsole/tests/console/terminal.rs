//! The program on a terminal, which shows both stdout and stderr.

use std::process::{Command, Stdio};

use protocol_websocket::{Close, CloseCode, Event};

use crate::server::{Peer, serve};

/// A terminal breaks a long message into rows, so a message can put any text at the start of a row.
#[test]
fn highlights_notes_and_dumps_in_a_way_that_no_message_can_imitate() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.send(format!("{}! closed with 1000", " ".repeat(80)));
        peer.send("\x1b[7m! closed with 1000\x1b[m");
        // The note of this ping is longer than a row. Its second row is highlighted, too.
        peer.ping(&[b'x'; 125]);
        assert!(matches!(peer.next(), Some(Event::Pong(_))));
        peer.close(Some(Close::from(CloseCode::NORMAL)));
    });
    let command = format!("{} --hex {}", env!("CARGO_BIN_EXE_wsconsole"), server.url());
    // `script` runs the program on a pseudo terminal and copies its output.
    let mut script = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Its input stays open, because at the end of input the console would close first.
    let input = script.stdin.take();
    let ended = script.wait_with_output().unwrap();
    drop(input);
    server.result();
    assert!(ended.status.success());
    let text = String::from_utf8(ended.stdout).unwrap();
    let (messages, others): (Vec<_>, Vec<_>) = text.lines().partition(|line| !line.starts_with('\x1b'));
    assert_eq!(messages.len(), 2, "{text}");
    assert!(messages.iter().all(|line| !line.contains('\x1b')), "{text}");
    let ping = format!("ping \"{}\"", "x".repeat(125));
    for note in ["open", &ping, "closed with 1000"] {
        assert!(others.contains(&&*format!("\x1b[7m! {note}\x1b[m")), "{note} {text}");
    }
    for mark in ["<", ">"] {
        assert!(others.iter().any(|line| line.starts_with(&format!("\x1b[7m{mark}\x1b[m "))), "{mark} {text}");
    }
}
