//! Runs the program against servers of other projects. Their scripts are in `crates/protocol-websocket/tests/peers`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "console/program.rs"]
#[allow(dead_code, reason = "the tests in `console` use the rest")]
mod program;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use program::{Program, wsconsole};

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol-websocket/tests/peers")
}

fn install_peers() {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let install = || Command::new("sh").arg(scripts().join("install.sh")).status().is_ok_and(|done| done.success());
    assert!(INSTALLED.get_or_init(install), "the peers cannot be installed");
}

/// A server script. It is killed on drop.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(interpreter: &str, script: &str, argument: &str) -> Self {
        install_peers();
        let mut child = Command::new(interpreter)
            .arg(scripts().join(script))
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // If the script fails, its output ends, and so does this read.
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, url: format!("ws://127.0.0.1:{}/", port.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn session_with_node_ws() {
    test_session(&Server::start("node", "node_server.mjs", "chat"));
}

#[test]
fn session_with_python_websockets() {
    test_session(&Server::start("python3", "python_server.py", "chat"));
}

#[test]
fn har_of_a_session_has_the_published_schema() {
    let server = Server::start("node", "node_server.mjs", "chat");
    for (name, options) in
        [("masked", &[][..]), ("whole", &["--record-secrets"]), ("hashed", &["--record-payloads", "none"])]
    {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.jsonl"));
        let path = path.to_str().unwrap();
        let url = format!("{}?token=x&b", server.url);
        let arguments = [&["--record", path, "-H", "Cookie: a=b"], options, &[&url]].concat();
        assert_eq!(wsconsole(&arguments, "Größe\nping x\n").status, Some(0));
        let har = wsconsole(&["--har", path], "").stdout;
        assert_eq!(validate_har(&har), "valid: 1\n", "{name}: {har}");
        let without_url = har.replace("\"url\":", "\"uri\":");
        assert!(validate_har(&without_url).contains("should have required property 'url'"));
    }
}

/// Returns the output of the validator.
fn validate_har(har: &str) -> String {
    install_peers();
    let mut child = Command::new("node")
        .arg(scripts().join("har_validator.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(har.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn session_with_perl_in_every_version() {
    let server = Server::start("perl", "perl_server.pl", "chat");
    for version in ["draft-ietf-hybi-17", "draft-ietf-hybi-10", "draft-ietf-hybi-00", "draft-hixie-75"] {
        let many: String = (0..1000).map(|number| format!("{number}\n")).collect();
        let lines = format!("hello\n\nGröße κόσμε 世界 🦀\n{}\n{many}", "é".repeat(32 * 1024));
        let ended = wsconsole(&["--version", version, "--subprotocol", "chat", &server.url], &lines);
        assert!(ended.stdout == lines, "{version}");
        let notes = match version {
            "draft-ietf-hybi-17" | "draft-ietf-hybi-10" => ["closing with 1000: end of input", "closed with 1000"],
            _ => ["closing: end of input", "closed without a code"],
        };
        assert_eq!(ended.notes(), [["open, subprotocol chat"].as_slice(), &notes].concat(), "{version}");
        assert_eq!(ended.status, Some(0), "{version}");
    }
}

#[test]
fn websocket_io_ends_the_connection_after_our_close() {
    let server = Server::start("node", "odd_server.mjs", "websocket.io");
    for version in ["draft-ietf-hybi-00", "draft-hixie-75"] {
        let arguments = ["--version", version, "--origin", "http://a.example", &server.url];
        let mut program = Program::start(&arguments, Stdio::piped());
        program.send_input("hello\n");
        program.stdout.wait_for("hello");
        program.end_of_input();
        let ended = program.end();
        let note = "closed: the server ended the connection after our close";
        assert_eq!((ended.status, ended.notes().last()), (Some(0), Some(&note)), "{version}");
    }
}

fn test_session(server: &Server) {
    let long = "é".repeat(512 * 1024);
    let many: String = (0..1000).map(|number| format!("{number}\n")).collect();
    let mut program = Program::start(&["--subprotocol", "chat", &server.url], Stdio::piped());
    program.send_input(format!("hello\n\nGröße κόσμε 世界 🦀\nfragments a b c\n{long}\n{many}last\n"));
    // Python's server may respond to a Close before it has handled the messages in front of it.
    program.stdout.wait_for("last");
    program.end_of_input();
    let ended = program.end();
    assert!(ended.stdout == format!("hello\n\nGröße κόσμε 世界 🦀\nabc\n{long}\n{many}last\n"));
    let (open, rest) = ended.notes().split_first().map(|(open, rest)| (open.to_owned(), rest.to_vec())).unwrap();
    assert!(open.starts_with("open, subprotocol chat"), "{open}");
    assert_eq!(rest, ["closing with 1000: end of input", "closed with 1000"]);
    assert_eq!(ended.status, Some(0));

    // The input stays open for longer than the connection.
    for (close, status, note) in [
        ("close 1000", 0, "closed with 1000"),
        ("close 1001 going away", 0, "closed with 1001 \"going away\""),
        ("close 1011 Größe", 6, "closed with 1011 \"Größe\""),
        ("close 4999", 6, "closed with 4999"),
    ] {
        let program = Program::start(&[&server.url], Stdio::piped());
        program.send_input(format!("{close}\n"));
        let ended = program.end();
        // Python's server compresses, node's does not.
        assert!(ended.notes()[0].starts_with("open"), "{close}");
        assert_eq!((&ended.notes()[1..], ended.status), (&[note][..], Some(status)), "{close}");
    }

    let mut program = Program::start(&[&server.url], Stdio::piped());
    program.send_input("ping are you there?\n");
    program.stdout.wait_for("pong are you there?");
    program.end_of_input();
    let ended = program.end();
    assert_eq!((ended.status, ended.notes()[1]), (Some(0), "ping \"are you there?\""));
}
