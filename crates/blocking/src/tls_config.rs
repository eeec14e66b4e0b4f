//! The configuration of a client's TLS.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// Creates the TLS connection, which checks that the certificate is one of `host`.
pub(crate) fn client(host: &str, config: Option<Arc<ClientConfig>>) -> io::Result<ClientConnection> {
    let config = config.map_or_else(default_config, Ok)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
    ClientConnection::new(config, name).map_err(io::Error::other)
}

#[cfg(not(any(feature = "rustls-tls-native-roots", feature = "rustls-tls-webpki-roots")))]
fn default_config() -> io::Result<Arc<ClientConfig>> {
    Err(io::Error::new(ErrorKind::Unsupported, "no TLS configuration, and no feature with root certificates"))
}

/// Returns the configuration that all connections share, so that they resume TLS sessions. The provider is that of the
/// process, if one is installed, and otherwise ring.
#[cfg(any(feature = "rustls-tls-native-roots", feature = "rustls-tls-webpki-roots"))]
fn default_config() -> io::Result<Arc<ClientConfig>> {
    use std::sync::OnceLock;

    use rustls::crypto::{CryptoProvider, ring};

    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(ring::default_provider()));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots()?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

#[cfg(any(feature = "rustls-tls-native-roots", feature = "rustls-tls-webpki-roots"))]
fn roots() -> io::Result<rustls::RootCertStore> {
    let mut roots = rustls::RootCertStore::empty();
    #[cfg(feature = "rustls-tls-webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    #[cfg(feature = "rustls-tls-native-roots")]
    {
        let found = rustls_native_certs::load_native_certs();
        // Some systems have certificates that rustls cannot read, next to those that it can.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let error = found.errors.into_iter().next();
            return Err(error.map_or_else(|| ErrorKind::NotFound.into(), io::Error::other));
        }
    }
    Ok(roots)
}
