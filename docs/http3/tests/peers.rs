//! The server and the client of this package with aioquic and Hypercorn, over UDP on this machine. `peers/install.sh` installs
//! both. `peers/aioquic_client.py` has the tests of the server.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use test_support::program::{Program, watch};

const SERVER: &str = env!("CARGO_BIN_EXE_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_client");

/// The files of a certificate for `localhost` and of its key.
static CERTIFICATE: LazyLock<[PathBuf; 2]> = LazyLock::new(|| {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let files = [folder.join("certificate.pem"), folder.join("key.pem")];
    fs::write(&files[0], certified.cert.pem()).unwrap();
    fs::write(&files[1], certified.signing_key.serialize_pem()).unwrap();
    files
});

fn script(name: &str) -> PathBuf {
    static INSTALLED: LazyLock<()> = LazyLock::new(|| {
        let status = Command::new(script_path("install.sh")).status().unwrap();
        assert!(status.success(), "peers/install.sh ended with {status}");
    });
    LazyLock::force(&INSTALLED);
    script_path(name)
}

fn script_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// A server process, and its port.
struct Server {
    program: Program,
    port: String,
}

impl Server {
    fn ours() -> Self {
        let program = Program::start(Command::new(SERVER).arg("127.0.0.1:0").args(CERTIFICATE.iter()));
        let url = program.url();
        Self { program, port: url.rsplit(':').next().unwrap().trim_end_matches('/').to_owned() }
    }

    fn peer(name: &str, options: &[&str]) -> Self {
        let mut command = Command::new("python3");
        let program = Program::start(command.arg(script(name)).args(CERTIFICATE.iter()).args(options));
        let port = program.printed("");
        Self { program, port }
    }

    /// Runs the client with a path and steps. Returns whether it succeeded, its output, and its error.
    fn run(&self, path: &str, steps: &[&str]) -> (bool, String, String) {
        let url = format!("wss://localhost:{}{path}", self.port);
        finish(Command::new(CLIENT).arg(url).arg(&CERTIFICATE[0]).arg("chat").args(steps))
    }

    /// Checks that the client succeeds and prints `expected` after the line of the response.
    fn check(&self, path: &str, steps: &[&str], expected: &[&str]) -> String {
        let (success, output, error) = self.run(path, steps);
        assert!(success, "{path} {steps:.60?}\n{output}\n{error}");
        let (opened, rest) = output.split_once('\n').unwrap();
        assert_eq!(rest.lines().collect::<Vec<_>>(), expected, "{path} {steps:.60?}");
        opened.to_owned()
    }

    /// Checks that the client fails with an error that contains `expected`.
    fn fails(&self, path: &str, steps: &[&str], expected: &str) {
        let (success, output, error) = self.run(path, steps);
        assert!(!success && error.contains(expected), "{path} {steps:.60?}\n{output}\n{error}");
    }
}

/// Runs a program until it ends. Returns whether it succeeded, its output, and its error.
fn finish(command: &mut Command) -> (bool, String, String) {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _watch = watch(child.id());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Runs a test of `peers/aioquic_client.py` with our server. Returns the server.
fn aioquic(test: &str) -> Server {
    let server = Server::ours();
    let mut command = Command::new("python3");
    let command = command.arg(script("aioquic_client.py")).arg(&server.port).arg(&CERTIFICATE[0]).arg(test);
    let (success, output, error) = finish(command);
    assert!(success, "{test}\n{output}\n{error}");
    server
}

#[test]
fn server_echoes_messages_of_aioquic() {
    let server = aioquic("echoes");
    server.program.printed("ended by the peer with 4000");
}

#[test]
fn server_compresses_messages_for_aioquic() {
    aioquic("compresses");
}

#[test]
fn server_refuses_requests_of_aioquic() {
    aioquic("refusals");
}

#[test]
fn server_waits_for_small_windows_of_aioquic() {
    aioquic("small_windows");
}

#[test]
fn server_reads_no_more_than_aioquic_reads() {
    aioquic("backpressure");
}

#[test]
fn server_has_many_streams_on_a_connection_of_aioquic() {
    aioquic("many_streams");
}

#[test]
fn server_rejects_unmasked_frame_of_aioquic() {
    let server = aioquic("unmasked");
    server.program.printed("ended by this end with 1006");
}

#[test]
fn server_resets_a_stream_that_aioquic_resets() {
    let server = aioquic("reset");
    server.program.printed("ended by the transport with 1006");
}

#[test]
fn server_ends_a_stream_whose_request_aioquic_cancels() {
    aioquic("cancelled");
}

#[test]
fn server_ends_a_stream_that_aioquic_ends() {
    let server = aioquic("end_without_close");
    server.program.printed("ended by the transport with 1006");
}

#[test]
fn server_closes_a_connection_of_aioquic_with_trailers() {
    aioquic("trailers");
}

const COMPRESSED: &str = "permessage-deflate";

#[test]
fn client_runs_its_steps_with_our_server() {
    let server = Server::ours();
    let opened = server.check(
        "/",
        &["text Größe", "binary 0", "binary 1048576", "ping between", "close 4000 enough"],
        &[
            "echo of 7 bytes",
            "echo of 0 bytes",
            "echo of 1048576 bytes",
            "pong between",
            "ended by this end with 4000 enough",
        ],
    );
    assert!(opened.contains("chat") && opened.contains(COMPRESSED), "{opened}");
    server.program.printed("ended by the peer with 4000");
    server.fails("/other", &[], "refused with 404");
}

#[test]
fn client_runs_its_steps_with_hypercorn() {
    let server = Server::peer("hypercorn_server.py", &[]);
    let long = format!("text {}", "Hello".repeat(20_000));
    let opened = server.check(
        "/",
        &["text Größe", &long, "binary 0", "binary 1048576", "ping between", "close 4000 enough"],
        &[
            "echo of 7 bytes",
            "echo of 100000 bytes",
            "echo of 0 bytes",
            "echo of 1048576 bytes",
            "pong between",
            "ended by this end with 4000 enough",
        ],
    );
    assert!(opened.contains("chat") && opened.contains(COMPRESSED), "{opened}");
    server.fails("/404", &["text Hello"], "refused with 404");
    // Hypercorn's own responses have a field `connection`, which HTTP/3 does not have (RFC 9114 §4.2).
    server.fails("/403", &["text Hello"], "ConnectionSpecific");
}

#[test]
fn client_replies_to_close_of_hypercorn() {
    let server = Server::peer("hypercorn_server.py", &[]);
    let (success, output, _) = server.run("/close", &["text Hello"]);
    assert!(!success && output.ends_with("\nended by the peer with 4001 bye\n"), "{output}");
}

#[test]
fn client_runs_its_steps_with_aioquic() {
    for options in [&[][..], &["small-windows"]] {
        let server = Server::peer("aioquic_server.py", options);
        let steps = ["text Größe", "binary 0", "binary 1048576", "ping between", "close 4000 enough"];
        let expected = [
            "echo of 7 bytes",
            "echo of 0 bytes",
            "echo of 1048576 bytes",
            "pong between",
            "ended by this end with 4000 enough",
        ];
        let opened = server.check("/", &steps, &expected);
        assert!(opened.contains("chat") && !opened.contains(COMPRESSED), "{opened}");
        server.program.printed("the client waits for the end of the stream");
        server.check("/ping", &steps, &expected);
        let opened = server.check(
            "/deflate",
            &[&format!("text {}", "Hello".repeat(20_000))],
            &["echo of 100000 bytes", "ended by this end with 1000 "],
        );
        assert!(opened.contains(COMPRESSED), "{opened}");
        server.fails("/403", &["text Hello"], "refused with 403");
        server.fails("/400", &["text Hello"], "refused with 400");
    }
}

#[test]
fn client_notices_how_aioquic_ends_the_stream() {
    let server = Server::peer("aioquic_server.py", &[]);
    let (success, output, _) = server.run("/close", &["text Hello"]);
    assert!(!success && output.ends_with("\nended by the peer with 4001 bye\n"), "{output}");
    for path in ["/reset", "/end"] {
        let (success, output, _) = server.run(path, &["text Hello"]);
        assert!(!success && output.ends_with("\nended by the transport with 1006 \n"), "{path} {output}");
    }
    let (success, output, _) = server.run("/masked", &["text Hello"]);
    assert!(!success && output.contains("\nended by this end with 1006"), "{output}");
}

#[test]
fn client_requires_the_setting_of_extended_connect() {
    let server = Server::peer("aioquic_server.py", &["no-connect"]);
    server.fails("/", &[], "the server does not support WebSocket over HTTP/3");
}

#[test]
fn client_rejects_an_unknown_certificate() {
    let server = Server::ours();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("other.pem");
    fs::write(&file, other.cert.pem()).unwrap();
    let url = format!("wss://localhost:{}/", server.port);
    let (success, _, error) = finish(Command::new(CLIENT).arg(url).arg(file).arg("").arg("text Hello"));
    assert!(!success && error.contains("closed"), "{error}");
}
