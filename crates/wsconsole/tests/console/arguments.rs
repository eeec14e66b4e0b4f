use std::net::TcpListener;

use crate::program::{Ended, wsconsole};

#[test]
fn help_is_what_the_readme_shows() {
    let Ended { status, stdout, stderr } = wsconsole(&["--help"], "");
    assert_eq!((status, &*stderr), (Some(0), ""));
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("```text\n{stdout}```")), "the README should show this:\n{stdout}");
}

#[test]
fn its_own_version_goes_to_stdout() {
    let Ended { status, stdout, .. } = wsconsole(&["-V"], "");
    assert_eq!((status, &*stdout), (Some(0), concat!("wsconsole ", env!("CARGO_PKG_VERSION"), "\n")));
}

#[test]
fn what_cannot_be_asked_for_is_told_before_anything_is_done() {
    // Whoever connected would be kept waiting, and the status would be another.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    for (arguments, told) in [
        (&[][..], "<URL>"),
        (&["http://h/"], "scheme is not ws or wss"),
        (&["ws://h/#f"], "fragment in a websocket url"),
        (&["--no-such-option", &url], "--no-such-option"),
        (&["-H", "no colon", &url], "no colon behind the name"),
        (&["-H", "Host: h", &url], "header belongs to the handshake"),
        (&["-H", "X-A: \u{1}", &url], "header name or value cannot be written"),
        (&["--origin", "a\u{1}b", &url], "origin cannot be written"),
        (&["--subprotocol", "a", "--subprotocol", "a", &url], "subprotocol is offered twice"),
        (&["--version", "13", &url], "no websocket version has this name"),
        (&["--ca", "/nonexistent", "wss://h/"], "cannot use /nonexistent"),
        (&["--ca", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "wss://h/"], "no certificate in it"),
    ] {
        let Ended { status, stdout, stderr } = wsconsole(arguments, "");
        assert_eq!((status, &*stdout), (Some(1), ""), "{arguments:?}");
        assert!(stderr.contains(told), "{arguments:?}: {stderr}");
    }
}
