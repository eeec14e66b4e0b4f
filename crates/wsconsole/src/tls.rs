//! TLS with certificates of the caller.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use protocol_websocket_tokio::rustls::pki_types::CertificateDer;
use protocol_websocket_tokio::rustls::pki_types::pem::PemObject;
use protocol_websocket_tokio::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::status::{Failure, Status};

/// Creates a configuration that trusts the roots of webpki-roots and the certificates in this file.
pub(crate) fn config(path: &Path) -> Result<ClientConfig, Failure> {
    let failure =
        |error: &dyn fmt::Display| Failure::new(Status::LocalError, format!("cannot use {}: {error}", path.display()));
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failure(&error))? {
        let certificate = certificate.map_err(|error| failure(&error))?;
        roots.add(certificate).map_err(|error| failure(&error))?;
    }
    if roots.len() == before {
        return Err(failure(&"the file contains no certificate"));
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failure(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
