use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use protocol_websocket::{Close, CloseCode};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

use crate::program::wsconsole;
use crate::server::{Peer, Served, serve, serve_on};

/// A server that echoes under this name, and the file that makes it trusted.
fn secure(name: &str) -> (Served<Option<Close>>, String) {
    secure_with(name, |mut peer| {
        peer.accept();
        peer.echo()
    })
}

/// A server of this name, and the file that makes it trusted.
fn secure_with<T: Send + 'static>(name: &str, script: impl FnOnce(Peer) -> T + Send + 'static) -> (Served<T>, String) {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let server = serve_on(Some(config), script);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.pem", server.port));
    fs::write(&path, cert.pem()).unwrap();
    (server, path.to_str().unwrap().to_owned())
}

#[test]
fn a_session_over_tls() {
    let (server, ca) = secure("localhost");
    let lines = format!("hello\n{}\n{}", "x".repeat(1024 * 1024), "line\n".repeat(10_000));
    let ended = wsconsole(&["--ca", &ca, &format!("wss://localhost:{}/", server.port)], &lines);
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(ended.stdout == lines);
    assert_eq!(server.outcome(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn an_address_may_be_the_name() {
    let (server, ca) = secure("127.0.0.1");
    let ended = wsconsole(&["--ca", &ca, "--hex", &format!("wss://127.0.0.1:{}/", server.port)], "hello");
    assert_eq!((ended.status, &*ended.stdout), (Some(0), "hello\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("|GET / HTTP/1.1..|"), "{}", ended.stderr);
}

#[test]
fn a_certificate_that_nobody_vouches_for() {
    let (server, _) = secure("localhost");
    unreachable(&[&format!("wss://localhost:{}/", server.port)], "invalid peer certificate: UnknownIssuer");
}

#[test]
fn a_certificate_for_another_name() {
    let (server, ca) = secure("other.example");
    unreachable(&["--ca", &ca, &format!("wss://localhost:{}/", server.port)], "invalid peer certificate: ");
}

/// The error of TLS repeats the names in the certificate.
#[test]
fn names_in_a_certificate_are_escaped() {
    let (server, ca) = secure("a\x1b]0;title\x07\x1b[2J\r\n! closed with 1000");
    let ended = wsconsole(&["--ca", &ca, &format!("wss://localhost:{}/", server.port)], "");
    assert_eq!((ended.status, &*ended.stdout), (Some(2), ""));
    let [note] = ended.notes()[..] else { panic!("{:?}", ended.stderr) };
    assert!(note.contains(r"a\u001b]0;title\u0007\u001b[2J\r\n! closed with 1000"), "{note:?}");
    assert!(!note.contains(char::is_control), "{note:?}");
}

#[test]
fn a_server_without_tls() {
    let server = serve(|mut peer: Peer| peer.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    unreachable(&[&format!("wss://127.0.0.1:{}/", server.port)], "cannot connect to 127.0.0.1:");
}

#[test]
fn a_server_that_hangs_up() {
    let server = serve(drop);
    unreachable(&[&format!("wss://127.0.0.1:{}/", server.port)], "cannot connect to 127.0.0.1:");
}

/// A byte every now and then, of a record that promises more than would come in a minute.
#[test]
fn tls_that_trickles_has_a_deadline() {
    let server = serve(|mut peer: Peer| {
        for byte in [&b"\x16\x03\x03\x40\x00"[..], &[0; 35]].concat() {
            peer.raw(&[byte]);
            thread::sleep(Duration::from_millis(500));
        }
    });
    let url = format!("wss://127.0.0.1:{}/", server.port);
    unreachable(&[&url], &format!("cannot connect to 127.0.0.1:{}: no answer in time", server.port));
}

/// Either takes less time than the console has, both together more.
#[test]
fn tls_and_websocket_handshake_have_one_deadline() {
    let late = Duration::from_secs(7);
    let (server, ca) = secure_with("127.0.0.1", move |mut peer| {
        thread::sleep(late);
        // Reads the first bytes of TLS.
        drop(peer.request());
        thread::sleep(late);
        peer.raw(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    let ended = wsconsole(&["--ca", &ca, &format!("wss://127.0.0.1:{}/", server.port)], "");
    assert_eq!(ended.status, Some(5), "{}", ended.stderr);
    assert_eq!(ended.notes(), ["connection lost: the opening handshake took too long"]);
}

fn unreachable(arguments: &[&str], told: &str) {
    let ended = wsconsole(arguments, "never sent\n");
    assert_eq!((ended.status, &*ended.stdout), (Some(2), ""));
    assert!(ended.notes()[0].contains(told), "{}", ended.stderr);
}
