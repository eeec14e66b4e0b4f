//! The TLS client for one server.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use protocol_websocket::Url;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::status::{Failure, Status};

/// Creates a TLS client that trusts the roots of webpki-roots and the certificates in `ca`. It sends nothing yet.
pub(crate) fn client(url: &Url, ca: Option<&Path>) -> Result<ClientConnection, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca {
        add_certificates(&mut roots, path)?;
    }
    let failure = |error: &dyn fmt::Display| {
        Failure::new(Status::LocalError, format!("cannot use TLS for {}: {error}", url.host()))
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failure(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(url.socket_host().to_owned()).map_err(|error| failure(&error))?;
    ClientConnection::new(Arc::new(config), name).map_err(|error| failure(&error))
}

fn add_certificates(roots: &mut RootCertStore, path: &Path) -> Result<(), Failure> {
    let failure =
        |error: &dyn fmt::Display| Failure::new(Status::LocalError, format!("cannot use {}: {error}", path.display()));
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failure(&error))? {
        let certificate = certificate.map_err(|error| failure(&error))?;
        roots.add(certificate).map_err(|error| failure(&error))?;
    }
    if roots.len() == before {
        return Err(failure(&"the file contains no certificate"));
    }
    Ok(())
}
