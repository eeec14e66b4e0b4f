use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use protocol_websocket::{Close, CloseCode, Timeout};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use crate::program::wsconsole;
use crate::server::{Peer, RunningServer, serve, serve_on};

/// Starts an echo server of this name, and returns the path of its certificate.
fn secure(name: &str) -> (RunningServer<Option<Close>>, String) {
    secure_with(name, |mut peer| {
        peer.accept();
        peer.echo()
    })
}

/// Starts a server of this name, and returns the path of its certificate.
fn secure_with<T: Send + 'static>(
    name: &str,
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (RunningServer<T>, String) {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let server = serve_on(Some(config), script);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.pem", server.port));
    fs::write(&path, cert.pem()).unwrap();
    (server, path.to_str().unwrap().to_owned())
}

#[test]
fn runs_session_over_tls() {
    let (server, ca) = secure("localhost");
    let lines = format!("hello\n{}\n{}", "x".repeat(1024 * 1024), "line\n".repeat(10_000));
    let ended = wsconsole(&["--ca", &ca, &format!("wss://localhost:{}/", server.port)], &lines);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(ended.stdout == lines);
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn accepts_certificate_for_an_address() {
    let (server, ca) = secure("127.0.0.1");
    let ended = wsconsole(&["--ca", &ca, "--hex", &format!("wss://127.0.0.1:{}/", server.port)], "hello");
    assert_eq!((ended.status, &*ended.stdout), (Some(0), "hello\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("|GET / HTTP/1.1..|"), "{}", ended.stderr);
}

#[test]
fn rejects_untrusted_certificate() {
    let (server, _) = secure("localhost");
    assert_unreachable(&[&format!("wss://localhost:{}/", server.port)], "invalid peer certificate: UnknownIssuer");
}

#[test]
fn rejects_certificate_for_another_name() {
    let (server, ca) = secure("other.example");
    assert_unreachable(&["--ca", &ca, &format!("wss://localhost:{}/", server.port)], "invalid peer certificate: ");
}

/// The error text of TLS contains the names in the certificate.
#[test]
fn escapes_names_in_a_certificate() {
    let (server, ca) = secure("a\x1b]0;title\x07\x1b[2J\r\n! closed with 1000");
    let ended = wsconsole(&["--ca", &ca, &format!("wss://localhost:{}/", server.port)], "");
    assert_eq!((ended.status, &*ended.stdout), (Some(2), ""));
    let [note] = ended.notes()[..] else { panic!("{:?}", ended.stderr) };
    assert!(note.contains(r"a\u001b]0;title\u0007\u001b[2J\r\n! closed with 1000"), "{note:?}");
    assert!(!note.contains(char::is_control), "{note:?}");
}

#[test]
fn rejects_server_without_tls() {
    let server = serve(|mut peer: Peer| peer.send_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert_unreachable(&[&format!("wss://127.0.0.1:{}/", server.port)], "cannot connect to 127.0.0.1:");
}

#[test]
fn reports_server_that_ends_the_stream_during_the_tls_handshake() {
    let server = serve(drop);
    assert_unreachable(&[&format!("wss://127.0.0.1:{}/", server.port)], "cannot connect to 127.0.0.1:");
}

/// The server sends a byte every 500 ms. The whole record takes longer than the timeout.
#[test]
fn tls_handshake_byte_by_byte_times_out() {
    let server = serve(|mut peer: Peer| {
        for byte in [&b"\x16\x03\x03\x40\x00"[..], &[0; 35]].concat() {
            peer.send_raw(&[byte]);
            thread::sleep(Duration::from_millis(500));
        }
    });
    let url = format!("wss://127.0.0.1:{}/", server.port);
    assert_unreachable(&[&url], &format!("cannot connect to 127.0.0.1:{}: timed out", server.port));
}

/// Each handshake takes less time than the timeout, and both together take more.
#[test]
fn tls_and_opening_handshake_share_one_deadline() {
    let delay = Duration::from_secs(7);
    let (server, ca) = secure_with("127.0.0.1", move |mut peer| {
        thread::sleep(delay);
        // The TLS handshake happens here, with the first read.
        drop(peer.request());
        thread::sleep(delay);
        peer.send_raw(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    let ended = wsconsole(&["--ca", &ca, &format!("wss://127.0.0.1:{}/", server.port)], "");
    assert_eq!(ended.status, Some(5), "{}", ended.stderr);
    assert_eq!(ended.notes(), [format!("connection lost: {}", Timeout::Handshake)]);
}

fn assert_unreachable(arguments: &[&str], error: &str) {
    let ended = wsconsole(arguments, "never sent\n");
    assert_eq!((ended.status, &*ended.stdout), (Some(2), ""));
    assert!(ended.notes()[0].contains(error), "{}", ended.stderr);
}
