//! An echo server with TLS. Any stream that tokio can read and write will do.
//!
//!     cargo run --example tls_server -- certificate.pem key.pem

use std::error::Error;
use std::sync::Arc;

use protocol_websocket_tokio::{Accept, accept, config};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(certificate), Some(key)) = (args.next(), args.next()) else {
        return Err("usage: tls_server CERTIFICATE KEY".into());
    };
    let certificates = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_file(key)?)?;
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:3443").await?;
    println!("wss://{}/", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Err(error) = echo(stream, acceptor).await {
                eprintln!("{error}");
            }
        });
    }
}

async fn echo(stream: TcpStream, acceptor: TlsAcceptor) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let mut websocket = accept(acceptor.accept(stream).await?, config()).await?.accept(&Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}
