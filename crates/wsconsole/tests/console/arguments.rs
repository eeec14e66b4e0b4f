use std::net::TcpListener;

use protocol_websocket::{BuildError, UrlError};

use crate::program::{Ended, wsconsole};

#[test]
fn readme_contains_the_help() {
    let Ended { status, stdout, stderr } = wsconsole(&["--help"], "");
    assert_eq!((status, &*stderr), (Some(0), ""));
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("```text\n{stdout}```")), "the README must contain this:\n{stdout}");
}

#[test]
fn prints_program_version_to_stdout() {
    let Ended { status, stdout, .. } = wsconsole(&["-V"], "");
    assert_eq!((status, &*stdout), (Some(0), concat!("wsconsole ", env!("CARGO_PKG_VERSION"), "\n")));
}

#[test]
fn rejects_invalid_arguments_before_connecting() {
    // If the program connected, it would wait for this server, and the status would not be 1.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    for (arguments, error) in [
        (&[][..], "<URL>"),
        (&["http://h/"], &UrlError::Scheme.to_string()),
        (&["ws://h/#f"], &UrlError::Fragment.to_string()),
        (&["--no-such-option", &url], "--no-such-option"),
        (&["-H", "no colon", &url], "no colon after the name"),
        (&["-H", "Host: h", &url], &BuildError::ReservedField.to_string()),
        (&["-H", "X-A: \u{1}", &url], &BuildError::Field.to_string()),
        (&["--origin", "a\u{1}b", &url], &BuildError::Origin.to_string()),
        (&["--subprotocol", "a", "--subprotocol", "a", &url], &BuildError::SubprotocolRepeated.to_string()),
        (&["--version", "7", &url], "the versions are 13, 8, 76 and 75"),
        (&["--proxy", "https://h:1", &url], "the schemes are http and socks5"),
        (&["--proxy", "http://h:1/path", &url], "the URL of a proxy has no path"),
        (&["--ping", "0", &url], "not a positive number of seconds"),
        (&["--ping", "inf", &url], "not a positive number of seconds"),
        (&["--follow-redirects=x", &url], "invalid digit"),
        (&["--version", "76", "--ping", "1", &url], "--ping needs version 13 or 8"),
        (&["--version", "75", "--binary", &url], "--binary needs version 13 or 8"),
        (&["--color", "red", &url], "--color"),
        (&["--ca", "/nonexistent", "wss://h/"], "cannot use /nonexistent"),
        (&["--ca", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "wss://h/"], "contains no certificate"),
    ] {
        let Ended { status, stdout, stderr } = wsconsole(arguments, "");
        assert_eq!((status, &*stdout), (Some(1), ""), "{arguments:?}");
        assert!(stderr.contains(error), "{arguments:?}: {stderr}");
    }
}
