//! Chromium and Firefox. A browser opens a page of the server, which opens WebSockets, reports what it has seen, and goes on to
//! the page of the next server: of HTTP/1.1, of HTTP/1.1 over TLS, and of HTTP/2 over TLS.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use test_support::program::Program;
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::common::tls::listen;
use super::program;
use super::server::Server;

/// What the page reports.
const REPORT: &str = "subprotocol: chat
extensions: permessage-deflate
text: Größe κόσμε 世界 🦀
empty text: true
empty binary: 0
1 MiB of text: true
1 MiB of binary: 1048576
second: at the same time
1000 messages in order: true
close by the page: 4000 Größe true
close without a code: 1005  true
parts: Größe 🦀
after the ping: pong
close of parts: 1000  true
close by the server: 4001 bye true
end of the transport: 1006  false
forbidden: 1006  false
forbidden: error";

/// A Close of the browser at the end of a document.
const GOING_AWAY: &str = r#"ended by the peer with 1001 "", clean"#;
/// The end of a document, over HTTP/2: Chromium sends RST_STREAM alone.
const RESET: &str = r#"ended by the transport with 1006 "", not clean"#;

/// The path and the subprotocol of each WebSocket, and its end. That of `/echo?frame` depends on the browser.
const WEBSOCKETS: [(&str, &str, &str); 6] = [
    ("/close", "", r#"ended by this end with 4001 "bye", clean"#),
    ("/drop", "", "dropped"),
    ("/echo?first", "chat", r#"ended by the peer with 4000 "Größe", clean"#),
    ("/echo?frame", "", ""),
    ("/echo?second", "", r#"ended by the peer with 1005 "", clean"#),
    ("/parts", "", r#"ended by the peer with 1000 "", clean"#),
];

#[tokio::test]
async fn chromium_over_http1_and_http2() {
    browse("chromium", RESET, |home| {
        add_authority(home, &home.join(".pki/nssdb"));
        let names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
        let found = names.into_iter().find(|name| Path::new(name).exists()).map(Into::into);
        let mut command = Command::new(env::var_os("CHROMIUM").or(found).unwrap());
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.arg(format!("--user-data-dir={}", home.display()));
        command
    })
    .await;
}

#[tokio::test]
async fn firefox_over_http1_and_http2() {
    browse("firefox", GOING_AWAY, |home| {
        add_authority(home, home);
        fs::write(home.join("user.js"), include_str!("firefox.js")).unwrap();
        let mut command = Command::new("firefox-esr");
        command.args(["--headless", "--no-remote", "--profile"]).arg(home);
        command
    })
    .await;
}

/// Runs a browser in a folder of its own, through the pages of three servers.
async fn browse(name: &str, end_over_http2: &str, command: impl FnOnce(&Path) -> Command) {
    program::install();
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("peers-{name}"));
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(&home).unwrap();
    let mut config = certify(&home);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let http2 = Server::with(listen(config.clone()).await, String::new());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tls = Server::with(listen(config).await, format!("https://{}/", http2.address));
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = Server::with(plain, format!("https://{}/", tls.address));

    let mut command = command(&home);
    let command = command.arg(format!("http://{}/", plain.address));
    let browser = Program::start_group(command.env("HOME", &home).env("MOZ_CRASHREPORTER_DISABLE", "1"));
    for (server, request, end) in [
        (plain, "GET HTTP/1.1 ", GOING_AWAY),
        (tls, "GET HTTP/1.1 ", GOING_AWAY),
        (http2, "CONNECT HTTP/2.0 websocket", end_over_http2),
    ] {
        let ports = check(server, request, end).await;
        // The WebSockets share a connection of HTTP/2.
        let connections = if request.contains("HTTP/2") { 1 } else { WEBSOCKETS.len() };
        assert_eq!(ports.len(), connections, "{request}: {ports:?}");
    }
    drop(browser);
    // A process of the browser may still write.
    let _ = fs::remove_dir_all(&home);
}

/// Checks the records of a server. Returns the ports of the browser's connections for WebSockets.
async fn check(mut server: Server, request: &str, end_of_document: &str) -> BTreeSet<u16> {
    let mut records = Vec::new();
    for _ in 0..=WEBSOCKETS.len() {
        records.push(server.record().await);
    }
    records.sort_by(|a, b| a.text.cmp(&b.text));
    assert_eq!(records.pop().unwrap().text, REPORT, "{request}");
    for (record, (path, subprotocol, end)) in records.iter().zip(WEBSOCKETS) {
        let end = if end.is_empty() { end_of_document } else { end };
        assert_eq!(record.text, format!("{path} {request}; {subprotocol}; permessage-deflate; {end}"));
        // Each of them is less than the messages, because 1 MiB of text is compressed.
        assert!(record.bytes_read < 3 << 19 && record.bytes_written < 3 << 19, "{record:?}");
    }
    records.iter().map(|record| record.port).collect()
}

/// Writes the certificate of an authority into a folder. Returns the configuration of a server, whose certificate is from it.
fn certify(home: &Path) -> ServerConfig {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "authority of the test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    fs::write(authority_file(home), authority.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(authority, key);
    let mut server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    server.distinguished_name.push(DnType::CommonName, "server of the test");
    let key = KeyPair::generate().unwrap();
    let certificate = server.signed_by(&key, &issuer).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
}

fn authority_file(home: &Path) -> PathBuf {
    home.join("authority.pem")
}

/// Adds the authority to the certificates that a browser trusts.
fn add_authority(home: &Path, database: &Path) {
    fs::create_dir_all(database).unwrap();
    let database = format!("sql:{}", database.display());
    program::run(Command::new("certutil").args(["-N", "--empty-password", "-d", &database]));
    let add = ["-A", "-n", "authority of the test", "-t", "C,,", "-d", &database, "-i"];
    program::run(Command::new("certutil").args(add).arg(authority_file(home)));
}
