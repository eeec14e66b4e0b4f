//! Records a session, replays it, and converts it to a HAR.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use protocol_websocket::{Event, Message};
use protocol_websocket_record::{Log, Recording};

use crate::program::{Ended, wsconsole};
use crate::server::{Peer, RunningServer, serve};

/// A file in the folder of the tests, which is removed before it is used.
fn file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_file(&path);
    path
}

fn read(path: &Path) -> Recording {
    Recording::read(Log::new(&fs::read(path).unwrap()[..]).unwrap()).unwrap()
}

/// Serves one connection: answers each message by its number and its text, and the text "twice" by two messages.
fn answering(version: &'static str) -> RunningServer<()> {
    serve(move |mut peer| {
        peer.accept();
        let mut number = 0;
        while let Some(event) = peer.next() {
            let Event::Message(message) = event else { continue };
            let text = match &message {
                Message::Text(text) => text.as_str().to_owned(),
                Message::Binary(bytes) => format!("{bytes:?}"),
            };
            number += 1;
            peer.send(format!("{version} {number}: {text}"));
            if text == "twice" {
                peer.send("second");
            }
        }
    })
}

/// Records a session with these lines.
fn record(name: &str, options: &[&str], lines: &str) -> (PathBuf, Ended) {
    let path = file(name);
    let server = answering("first");
    let url = server.url();
    let arguments = [&["--record", path.to_str().unwrap()], options, &[&url]].concat();
    let ended = wsconsole(&arguments, lines);
    server.result();
    (path, ended)
}

fn replay(path: &Path, server: RunningServer<()>, options: &[&str]) -> Ended {
    let url = server.url();
    let ended = wsconsole(&[&["--replay", path.to_str().unwrap()], options, &[&url]].concat(), "");
    server.result();
    ended
}

#[test]
fn session_is_recorded_and_replayed() {
    for version in ["13", "8", "76", "75"] {
        let options = ["--version", version];
        let (path, ended) = record(&format!("session-{version}.jsonl"), &options, "one é\ntwice\n");
        assert_eq!((ended.status, &*ended.stdout), (Some(0), "first 1: one é\nfirst 2: twice\nsecond\n"), "{version}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let recording = read(&path);
        assert_eq!(recording.connections.len(), 1);
        let messages =
            recording.connections[0].messages.iter().filter(|message| message.payload.as_bytes().unwrap().len() > 2);
        assert_eq!(messages.count(), 5, "{version}");

        let same = replay(&path, answering("first"), &options);
        assert_eq!((same.status, &*same.stdout), (Some(0), ""), "{version}: {}", same.stderr);
        assert!(same.stderr.contains(" messages of the server are the same"), "{}", same.stderr);

        let other = replay(&path, answering("second"), &options);
        let differences = "message 1: expected text \"first 1: one é\", received text \"second 1: one é\"\n\
                           message 2: expected text \"first 2: twice\", received text \"second 2: twice\"\n";
        assert_eq!((other.status, &*other.stdout), (Some(7), differences), "{version}");
    }
}

#[test]
fn missing_and_additional_messages_are_differences() {
    let (path, _) = record("missing.jsonl", &[], "one\ntwo\n");
    let silent = serve(|mut peer| {
        peer.accept();
        peer.message();
        peer.send_raw(b"\x88\x06\x03\xE9bye\n");
        // The second message may come before the response.
        while !matches!(peer.next().expect("no response to the Close"), Event::Close(_)) {}
    });
    let ended = replay(&path, silent, &[]);
    let differences = "message 1: expected text \"first 1: one\", received close 1001 \"bye\\n\"\n\
                       message 2: expected text \"first 2: two\", received nothing\n\
                       message 3: expected close 1000 \"\", received nothing\n";
    assert_eq!((ended.status, &*ended.stdout), (Some(7), differences));

    let talkative = serve(|mut peer| {
        peer.accept();
        for text in ["first 1: one", "first 2: two", "more"] {
            peer.send(text);
        }
        peer.echo();
    });
    let ended = replay(&path, talkative, &[]);
    assert_eq!(ended.status, Some(7));
    assert!(
        ended.stdout.starts_with("message 3: expected close 1000 \"\", received text \"more\"\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn lost_connection_is_not_a_success() {
    let (path, _) = record("lost.jsonl", &[], "");
    let server = serve(|mut peer| peer.accept());
    let ended = replay(&path, server, &[]);
    assert_eq!((ended.status, ended.stdout.contains("received nothing")), (Some(7), true), "{}", ended.stderr);
    assert!(ended.stderr.contains("connection lost"), "{}", ended.stderr);
}

#[test]
fn hashes_are_compared() {
    let (path, _) = record("hashes.jsonl", &["--record-payloads", "sent"], "secret\n");
    assert!(!fs::read_to_string(&path).unwrap().contains("first 1"));
    assert_eq!(replay(&path, answering("first"), &[]).status, Some(0));
    let other = replay(&path, answering("other"), &[]);
    assert_eq!(other.status, Some(7));
    assert!(other.stdout.starts_with("message 1: expected text of 15 bytes with SHA-256 "), "{}", other.stdout);

    let (path, _) = record("no-payloads.jsonl", &["--record-payloads", "none"], "secret\n");
    assert!(!fs::read_to_string(&path).unwrap().contains("secret"));
    let ended = wsconsole(&["--replay", path.to_str().unwrap(), "ws://127.0.0.1:1/"], "");
    assert_eq!((ended.status, ended.stderr.contains("only hashes of the client's messages")), (Some(1), true));
}

#[test]
fn log_of_a_server_is_replayed_at_the_recorded_times() {
    // The same exchange from the other side. The second message was sent 0.3 seconds after the first.
    let path = file("server.jsonl");
    let frame = |time: u32, direction: &str, text: &str| {
        format!(
            "{{\"type\":\"frame\",\"time\":{time},\"connection\":2,\"direction\":\"{direction}\",\"opcode\":\"text\",\
             \"fin\":true,\"wire_len\":1,\"text\":\"{text}\"}}"
        )
    };
    let lines = [
        r#"{"format":"protocol-websocket-record","version":1,"start":"2026-01-02T03:04:05Z"}"#.to_owned(),
        r#"{"type":"connection","time":1,"connection":1,"role":"server"}"#.to_owned(),
        r#"{"type":"connection","time":1,"connection":2,"role":"server"}"#.to_owned(),
        r#"{"type":"open","time":2,"connection":2,"version":"RFC 6455"}"#.to_owned(),
        frame(100_000, "received", "one"),
        frame(100_001, "sent", "first 1: one"),
        frame(400_000, "received", "two"),
        frame(400_001, "sent", "first 2: two"),
    ];
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    for options in [&[][..], &["--replay-connection", "2"]] {
        assert_eq!(replay(&path, answering("first"), options).status, Some(0));
    }
    let begin = std::time::Instant::now();
    assert_eq!(replay(&path, answering("first"), &["--replay-timing"]).status, Some(0));
    assert!(begin.elapsed().as_millis() >= 300);
    let ended = wsconsole(&["--replay", path.to_str().unwrap(), "--replay-connection", "3", "ws://127.0.0.1:1/"], "");
    assert_eq!((ended.status, ended.stderr.contains("no such connection")), (Some(1), true));
}

#[test]
fn long_messages_are_replayed_to_a_server_that_writes_first() {
    let long = "x".repeat(1 << 20);
    let lines = format!("{long}\n").repeat(8);
    let (path, _) = record("long.jsonl", &[], &lines);
    assert_eq!(replay(&path, answering("first"), &[]).status, Some(0));
}

#[test]
fn recording_replaces_a_file_that_others_can_read() {
    let path = file("readable.jsonl");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let server = answering("first");
    let ended = wsconsole(&["--record", path.to_str().unwrap(), &server.url()], "one\n");
    server.result();
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read(&path).connections.len(), 1);
}

#[test]
fn secrets_and_input_are_recorded_on_request() {
    for (options, is_kept) in [(&[][..], false), (&["--record-secrets", "--record-input"], true)] {
        let options = [options, &["-H", "Cookie: SECRET"]].concat();
        let (path, ended) = record("secrets.jsonl", &options, "x\n");
        assert_eq!(ended.status, Some(0));
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!((text.contains("SECRET"), text.contains("\"type\":\"input\"")), (is_kept, is_kept));
        assert_eq!(read(&path).connections[0].input.starts_with(b"HTTP/1.1 101"), is_kept);
    }
}

#[test]
fn recording_is_converted_to_a_har() {
    let (path, _) = record("har.jsonl", &[], "one\n");
    let Ended { status, stdout, stderr } = wsconsole(&["--har", path.to_str().unwrap()], "");
    assert_eq!((status, &*stderr), (Some(0), ""));
    assert!(stdout.starts_with("{\"log\":{") && stdout.contains("\"data\":\"first 1: one\""), "{stdout}");
}

#[test]
fn files_that_cannot_be_used_are_errors() {
    for (arguments, error) in [
        (&["--record", "/nonexistent/a", "ws://h/"][..], "cannot write /nonexistent/a"),
        (&["--replay", "/nonexistent/a", "ws://h/"], "cannot read /nonexistent/a"),
        (&["--har", "/nonexistent/a"], "cannot read /nonexistent/a"),
        (&["--har", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")], "line 1: not a log"),
        (&["--har", "a", "ws://h/"], "cannot be used with"),
        (&["--record-input", "ws://h/"], "--record <FILE>"),
    ] {
        let Ended { status, stdout, stderr } = wsconsole(arguments, "");
        assert_eq!((status, &*stdout), (Some(1), ""), "{arguments:?}");
        assert!(stderr.contains(error), "{arguments:?}: {stderr}");
    }
    #[cfg(target_os = "linux")]
    {
        let server = serve(|mut peer: Peer| {
            peer.accept();
            peer.echo();
        });
        let ended = wsconsole(&["--record", "/dev/full", &server.url()], "hello\n");
        assert_eq!((ended.status, &*ended.stdout), (Some(1), "hello\n"), "the session goes on");
        assert!(ended.stderr.contains("cannot write /dev/full"), "{}", ended.stderr);
    }
}
