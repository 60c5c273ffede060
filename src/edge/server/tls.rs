//! The certificate of the service, read again when its files change.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(5);
/// Bytes of a file in PEM.
const MAX_PEM: u64 = 1 << 20;

/// A certificate and its key.
#[derive(Debug)]
pub(super) struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<(Vec<u8>, Arc<CertifiedKey>)>,
}

impl Certificates {
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        crate::edge::tls::install_provider();
        let current = load(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(current),
        })
    }

    /// The configuration of the server, which asks for the certificate anew at
    /// each handshake.
    pub(super) fn config(self: &Arc<Self>) -> rustls::ServerConfig {
        let mut config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }

    /// Takes the files again when they changed.
    fn renew(&self) -> Result<bool, String> {
        let (bytes, key) = load(&self.certificate, &self.key)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.0 == bytes {
            return Ok(false);
        }
        *current = (bytes, key);
        Ok(true)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.1))
    }
}

/// Looks at the files for ever; what cannot be used is not taken.
pub(super) async fn reload(certificates: Arc<Certificates>) {
    let mut failing = false;
    loop {
        tokio::time::sleep(EVERY).await;
        match certificates.renew() {
            Ok(true) => tracing::info!("the TLS certificate was read again"),
            Ok(false) => failing = false,
            Err(reason) if !failing => {
                failing = true;
                tracing::error!(%reason, "the TLS certificate cannot be read again; the old one stays");
            }
            Err(_) => {}
        }
    }
}

fn load(certificate: &Path, key: &Path) -> Result<(Vec<u8>, Arc<CertifiedKey>), String> {
    let chain_pem = read(certificate)?;
    let key_pem = read(key)?;
    let bad = |path: &Path, reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain_pem)
        .collect::<Result<_, _>>()
        .map_err(|e| bad(certificate, &e))?;
    if chain.is_empty() {
        return Err(bad(certificate, &"it holds no certificate in PEM"));
    }
    let private = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|e| bad(key, &e))?;
    let signing =
        rustls::crypto::ring::sign::any_supported_type(&private).map_err(|e| bad(key, &e))?;
    let certified = CertifiedKey::new(chain, signing);
    certified.keys_match().map_err(|e| {
        format!(
            "{} and {} do not belong together: {e}",
            certificate.display(),
            key.display()
        )
    })?;
    // The key's bytes need not stay: the certificate changes with it.
    Ok((chain_pem, Arc::new(certified)))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("read {}: {e}", path.display());
    let file = fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_PEM).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
