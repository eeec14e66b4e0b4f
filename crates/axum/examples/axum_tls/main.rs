//! An echo server with TLS, over HTTP/1.1 and HTTP/2.
//!
//!     cargo run -p protocol-websocket-axum --example axum_tls certificate.pem key.pem 127.0.0.1:3443

mod listener;

use std::env;

use axum::serve::Listener as _;
use axum::{Router, routing::any};
use protocol_websocket_axum::{WebSocket, WebSocketUpgrade};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::listener::TlsListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = env::args().skip(1);
    let (Some(certificate), Some(key)) = (args.next(), args.next()) else {
        return Err("usage: axum_tls CERTIFICATE KEY [ADDRESS]".into());
    };
    let certificates = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let mut tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_file(key)?)?;
    // Without `h2`, clients use HTTP/1.1.
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind(args.next().unwrap_or_else(|| "127.0.0.1:3443".into())).await?;
    let listener = TlsListener::new(listener, tls);
    println!("connect to wss://{}/", listener.local_addr()?);
    let router = Router::new().route("/", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)));
    Ok(axum::serve(listener, router).await?)
}

async fn echo(mut websocket: WebSocket) {
    while let Some(Ok(message)) = websocket.recv().await {
        let _ = websocket.queue(message); // `recv` writes it
    }
}
