use std::process::Stdio;

use protocol_websocket::{Accept, Close, CloseCode, Event, Message};

use crate::program::{Program, wsconsole};
use crate::server::{Peer, serve};

fn echo(mut peer: Peer) -> Option<Close> {
    peer.accept();
    peer.echo()
}

#[test]
fn sends_lines_and_prints_messages() {
    let server = serve(echo);
    let ended = wsconsole(&[&server.url()], "hello\n\nGröße 🦀\r\n \tlast");
    assert_eq!(ended.stdout, "hello\n\nGröße 🦀\n \tlast\n");
    assert_eq!(ended.notes(), ["open", "closing with 1000: end of input", "closed with 1000"]);
    assert_eq!(ended.status, Some(0));
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn keeps_the_order_of_many_lines() {
    let server = serve(echo);
    let lines: String = (0..100_000).map(|number| format!("{number}\n")).collect();
    let ended = wsconsole(&[&server.url()], &lines);
    assert!(ended.stdout == lines);
    assert_eq!(ended.status, Some(0));
}

#[test]
fn sends_long_line_as_one_message() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        let message = peer.message();
        peer.send(message.clone());
        peer.send(message.into_bytes());
        peer.echo()
    });
    let line = "ab".repeat(1024 * 1024);
    let ended = wsconsole(&[&server.url()], &line);
    assert!(ended.stdout == format!("{line}\n{}\n", "6162".repeat(1024 * 1024)));
    assert_eq!(ended.status, Some(0));
}

#[test]
fn prints_each_message_as_one_line() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.send("two\nlines\r\n");
        peer.send("");
        peer.send(r#"{"json": "a\nb\\c", "tab": "	"}"#);
        peer.send("\x1b[2J\u{9b}\0");
        peer.send(vec![0, 0xFF, b'\n']);
        peer.send(vec![]);
        peer.send("\u{202e}\u{2028}\u{2029}\u{e0041}\u{200d}\u{ad}\u{e000}");
        peer.close(Some(Close::from(CloseCode::NORMAL)));
    });
    let ended = wsconsole(&[&server.url()], "");
    let lines = [
        r"two\nlines\r\n",
        "",
        r#"{"json": "a\nb\\c", "tab": "	"}"#,
        r"\u001b[2J\u009b\u0000",
        "00ff0a",
        "",
        r"\u202e\u2028\u2029\udb40\udc41\u200d\u00ad\ue000",
    ];
    assert_eq!(ended.stdout, lines.map(|line| format!("{line}\n")).concat());
}

#[test]
fn escapes_messages_that_begin_like_notes_and_dumps() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        for message in ["! closed with 1000", "< 00000000  81", "> 00000000  81", "<stream>", "!"] {
            peer.send(message);
        }
        for invisible in ["\u{fe0f}", "\u{115f}", "\u{17b4}", "\u{301}"] {
            peer.send(format!("{invisible}! closed"));
        }
        for space in ["\u{a0}", "\u{2800}", "\t", "\u{301} "] {
            peer.send(format!("!{space}closed"));
        }
        peer.close(Some(Close::from(CloseCode::NORMAL)));
    });
    let ended = wsconsole(&[&server.url()], "");
    let lines = [
        r"\u0021 closed with 1000",
        r"\u003c 00000000  81",
        r"\u003e 00000000  81",
        "<stream>",
        "!",
        r"\ufe0f! closed",
        r"\u115f! closed",
        r"\u17b4! closed",
        r"\u0301! closed",
        r"!\u00a0closed",
        r"!\u2800closed",
        "\\u0021\tclosed",
        "\\u0021\u{301} closed",
    ];
    assert_eq!(ended.stdout, lines.map(|line| format!("{line}\n")).concat());
}

#[test]
fn sends_the_options_in_the_request() {
    let server = serve(|mut peer: Peer| {
        let upgrade = peer.request();
        let request = upgrade.request();
        let fields = (
            request.resource_name().to_owned(),
            request.origin().map(ToOwned::to_owned),
            request.subprotocols().map(ToOwned::to_owned).collect::<Vec<_>>(),
            ["x-a", "x-b", "authorization"].map(|name| request.headers().get_str(name).map(ToOwned::to_owned)),
        );
        peer.send_raw(b"HTTP/1.1 403 No\r\n\r\n");
        fields
    });
    let url = format!("ws://us%65r:pass@127.0.0.1:{}/p?q", server.port);
    wsconsole(
        &[
            &url,
            "--subprotocol",
            "one",
            "--subprotocol",
            "two",
            "--origin",
            "http://o",
            "-H",
            "X-A: b: c ",
            "--header",
            "X-B:",
            "--version",
            "draft-ietf-hybi-17",
        ],
        "",
    );
    let some = |text: &str| Some(text.to_owned());
    let headers = [some("b: c"), some(""), some("Basic dXNlcjpwYXNz")];
    assert_eq!(server.result(), ("/p?q".into(), some("http://o"), vec!["one".to_owned(), "two".to_owned()], headers));
}

#[test]
fn prints_the_selected_subprotocol() {
    let server = serve(|mut peer: Peer| {
        peer.accept_with(&Accept::new().subprotocol("two"));
        peer.echo()
    });
    let ended = wsconsole(&[&server.url(), "--subprotocol", "one", "--subprotocol", "two"], "");
    assert_eq!(ended.notes()[0], "open, subprotocol two");
}

#[test]
fn compresses_messages_by_default() {
    let line = "again; and".repeat(1000);
    for (options, note, range) in
        [(&[][..], "open, permessage-deflate", 0..2000), (&["--no-deflate"], "open", 10_000..20_000)]
    {
        let server = serve(|mut peer: Peer| {
            peer.compress();
            peer.accept();
            peer.echo();
            (peer.read.len(), peer.written.len())
        });
        let ended = wsconsole(&[options, &[server.url().as_str()]].concat(), format!("{line}\n"));
        assert_eq!((ended.notes()[0], ended.stdout.trim_end() == line), (note, true));
        let (read, written) = server.result();
        assert!(range.contains(&read) && range.contains(&written), "{read} {written}");
    }
}

#[test]
fn responds_to_pings_and_prints_them() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.ping(b"a\x1b\xFF");
        let pong = peer.next();
        peer.send_raw(b"\x8A\x01p");
        peer.close(Some(Close::from(CloseCode::NORMAL)));
        pong
    });
    let mut program = Program::start(&[&server.url()], Stdio::piped());
    program.stderr.wait_for("! closed with 1000");
    let ended = program.end();
    assert_eq!(ended.notes(), ["open", "ping \"a\\u001b\u{FFFD}\"", "pong \"p\"", "closed with 1000"]);
    assert_eq!(ended.stdout, "");
    assert!(matches!(server.result(), Some(Event::Pong(payload)) if payload == b"a\x1b\xFF"[..]));
}

#[test]
fn prints_messages_that_arrive_after_the_end_of_input() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        let question = peer.message();
        // The console has sent its Close. The server sends a message before it responds.
        peer.send_raw(b"\x01\x02an");
        peer.send_raw(b"\x80\x04swer");
        (question, peer.receive_close())
    });
    let ended = wsconsole(&[&server.url()], "question");
    assert_eq!((ended.status, &*ended.stdout), (Some(0), "answer\n"));
    assert_eq!(server.result(), (Message::from("question"), Some(Close::from(CloseCode::NORMAL))));
}

#[test]
fn ends_after_a_close_although_the_input_is_open() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        let message = peer.message();
        peer.close(None);
        message
    });
    let program = Program::start(&[&server.url()], Stdio::piped());
    program.send_input("typed\n");
    let ended = program.end();
    assert_eq!(ended.notes(), ["open", "closed without a code"]);
    assert_eq!(ended.status, Some(0));
    assert_eq!(server.result(), Message::from("typed"));
}

#[test]
fn colors_notes_in_a_pipe_only_when_asked_to() {
    for (options, note) in [(&[][..], "! open"), (&["--color", "always"], "\x1b[7;36m! open\x1b[m")] {
        let server = serve(echo);
        let ended = wsconsole(&[options, &[&server.url()]].concat(), "");
        assert_eq!(ended.stderr.lines().nth(1), Some(note));
    }
}

#[test]
fn repeated_headers_are_all_sent() {
    let server = serve(|mut peer: Peer| {
        let upgrade = peer.request();
        let values: Vec<_> = upgrade.request().headers().get_all("x-a").map(<[u8]>::to_vec).collect();
        peer.send_raw(b"HTTP/1.1 403 No\r\n\r\n");
        values
    });
    wsconsole(&[&server.url(), "-H", "X-A: 1", "-H", "X-A: 2"], "");
    assert_eq!(server.result(), [b"1", b"2"]);
}

/// The server closes the socket with unread bytes, which resets it. So a write of the console fails.
#[test]
fn prints_messages_that_arrived_before_a_write_failed() {
    let server = serve(|mut peer: Peer| {
        peer.accept();
        peer.message();
        peer.send("last");
        peer.send_raw(b"\x88\x02\x03\xF3");
    });
    let ended = wsconsole(&[&server.url(), "--no-deflate"], "a line that is not read\n".repeat(1_000_000));
    assert_eq!((ended.status, &*ended.stdout), (Some(6), "last\n"), "{}", ended.stderr);
}
