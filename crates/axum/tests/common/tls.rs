//! A server with TLS, and its certificate.

#[path = "../../examples/axum_tls/listener.rs"]
mod listener;

use tokio::net::TcpListener;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

pub(crate) use self::listener::TlsListener;

/// Listens on a loopback address.
pub(crate) async fn listen(config: ServerConfig) -> TlsListener {
    TlsListener::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), config)
}

/// A certificate, and the configurations of TLS for it.
pub(crate) struct Certificate {
    /// The certificate and the private key.
    pub(crate) pem: String,
    /// With HTTP/2 and HTTP/1.1.
    pub(crate) server: ServerConfig,
    /// Without ALPN.
    pub(crate) client: ClientConfig,
}

impl Certificate {
    /// Makes a certificate for `names`, which the client trusts.
    pub(crate) fn new(names: impl Into<Vec<String>>) -> Self {
        let certified = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate = certified.cert.der().clone();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let mut server =
            ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self { pem: certified.cert.pem() + &certified.signing_key.serialize_pem(), server, client }
    }
}
