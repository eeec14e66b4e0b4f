//! An echo server with TLS. Any stream that tokio can read and write will do.
//!
//!     cargo run -p protocol-websocket-tokio --example tls_server certificate.pem key.pem 127.0.0.1:3443

use std::sync::Arc;
use std::{env, time::Duration};

use protocol_websocket_tokio::{Accept, Config, accept, config};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long the TLS handshake of a client may take.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, config: Arc<Config>) -> Result<()> {
    stream.set_nodelay(true)?;
    let stream = timeout(TLS_TIMEOUT, acceptor.accept(stream)).await??;
    let mut websocket = accept(stream, config).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?; // `recv` writes it
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let (Some(certificate), Some(key)) = (args.next(), args.next()) else {
        return Err("usage: tls_server CERTIFICATE KEY [ADDRESS]".into());
    };
    let certificates = CertificateDer::pem_file_iter(certificate)?.collect::<std::result::Result<_, _>>()?;
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_file(key)?)?;
    let (acceptor, config) = (TlsAcceptor::from(Arc::new(tls)), Arc::new(config()));
    let listener = TcpListener::bind(args.next().unwrap_or_else(|| "127.0.0.1:3443".into())).await?;
    println!("connect to wss://{}/", listener.local_addr()?);
    loop {
        let Ok((stream, client)) = listener.accept().await else {
            // Too many files may be open. The next call may succeed.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (acceptor, config) = (acceptor.clone(), Arc::clone(&config));
        tokio::spawn(
            async move { serve(stream, acceptor, config).await.map_err(|error| eprintln!("{client}: {error}")) },
        );
    }
}
