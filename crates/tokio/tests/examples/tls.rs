use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::{env, fs, process};

use protocol_websocket_tokio::rustls::pki_types::CertificateDer;
use protocol_websocket_tokio::rustls::{self, ClientConfig, RootCertStore};
use protocol_websocket_tokio::{CloseCode, Connect, ConnectError};
use test_support::program::{Program, example};

use crate::{receive, start};

/// A folder with a certificate for `localhost` and its key. It is removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> (Self, CertificateDer<'static>) {
        let folder = env::temp_dir().join(format!("websocket-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
        fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        (Self(folder), made.cert.der().clone())
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Starts the server. Returns it and its URL.
    fn serve(&self) -> (Program, String) {
        let server = start("tls_server", &[&self.file("certificate.pem"), &self.file("key.pem"), "127.0.0.1:0"]);
        let url = server.url();
        (server, url.replace("127.0.0.1", "localhost"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run_client(url: &str, certificates: &str) -> Program {
    Program::start(Command::new(example("tls_client")).arg(url).env("SSL_CERT_FILE", certificates))
}

#[test]
fn client_gets_its_message_back() {
    let (folder, _) = Folder::new("trusted");
    let (_server, url) = folder.serve();
    let mut client = run_client(&url, &folder.file("certificate.pem"));
    client.printed(r#"Text("hello")"#);
    assert!(client.wait().success());
}

#[test]
fn client_rejects_an_unknown_certificate() {
    let ((folder, _), (other, _)) = (Folder::new("unknown"), Folder::new("other"));
    let (server, url) = folder.serve();
    let mut client = run_client(&url, &other.file("certificate.pem"));
    client.logged("InvalidCertificate");
    assert!(!client.wait().success());
    // The server logs the alert, and goes on.
    server.logged("fatal alert");
    assert!(run_client(&url, &folder.file("certificate.pem")).wait().success());
}

#[tokio::test]
async fn server_echoes_over_tls() {
    let (folder, certificate) = Folder::new("echo");
    let (_server, url) = folder.serve();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = builder.with_root_certificates(roots).with_no_client_auth();
    let (mut client, _) = Connect::new(&url).unwrap().tls(tls).await.unwrap();
    for len in [0, 1, 100_000] {
        let text = "é".repeat(len);
        client.send(&text).await.unwrap();
        assert!(receive(&mut client).await == text.into());
    }
    assert!(client.close(Some(CloseCode::NORMAL.into())).await.clean);
    // Plain text is not a TLS handshake.
    let plain = Connect::new(&url.replace("wss:", "ws:")).unwrap().await;
    assert!(matches!(plain, Err(ConnectError::WebSocket(_))), "{plain:?}");
}
