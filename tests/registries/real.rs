//! Real registries: Distribution 3 and go-containerregistry's, built by
//! `hack/e2e/tool`, and Distribution 2.8 from Debian.

use super::USER;
use flux_apim::edge::secret::Secret;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What `htpasswd` makes of [`super::PASSWORD`].
const HASH: &str = "$2y$04$Zf5YbD./6IlbmDVE2wH2ReHxk.QQ.VuKlsArQOkX7TNNXpCVZ04Em";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Distribution 3.1: no referrers API.
    Distribution3,
    /// Distribution 2.8: neither that nor much else.
    Distribution2,
    /// go-containerregistry: the referrers API, with wrong artifact types.
    Referrers,
}

pub const ALL: [Kind; 3] = [Kind::Distribution3, Kind::Distribution2, Kind::Referrers];

/// How a registry is set up; those of Go's library know only the first way.
#[derive(Default)]
pub struct Setup<'a> {
    pub tls: Option<&'a Authority>,
    /// It wants a certificate of this authority.
    pub clients: Option<&'a Authority>,
    /// It wants [`USER`] and [`super::PASSWORD`].
    pub htpasswd: bool,
}

pub struct Registry {
    /// `127.0.0.1:PORT`.
    pub address: String,
    child: Child,
    folder: tempfile::TempDir,
}

impl Registry {
    /// Where Distribution keeps what it holds.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The path of a tool; `None`, and a word about it, when it is not there. That
/// is a failure where the end-to-end tests are asked for.
pub fn tool(name: &str) -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("hack/e2e/tool");
    let found = Command::new(script).args(["--cached", name]).output().ok();
    let found = found.filter(|output| output.status.success());
    missing_or(
        name,
        "make e2e-tools",
        found.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())),
    )
}

/// The path of a program of the system, likewise.
pub fn program(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&paths).map(|folder| folder.join(name));
    missing_or(name, "make e2e-tools", places.find(|path| path.is_file()))
}

fn missing_or(name: &str, how: &str, found: Option<PathBuf>) -> Option<PathBuf> {
    if found.is_none() {
        let wanted = std::env::var_os("FLUX_APIM_E2E").is_some_and(|value| value == "1");
        assert!(!wanted, "{name} is not there: {how}");
        println!("skipped: {name} is not there ({how})");
    }
    found
}

/// Starts a registry with plain HTTP.
pub fn start(kind: Kind) -> Option<Registry> {
    start_with(kind, &Setup::default())
}

/// Starts a registry; `None`, and a word about it, when its program is not
/// there.
pub fn start_with(kind: Kind, setup: &Setup<'_>) -> Option<Registry> {
    let program = match kind {
        Kind::Distribution3 => tool("registry")?,
        Kind::Distribution2 => program("docker-registry")?,
        Kind::Referrers => tool("referrers-registry")?,
    };
    // Another process may take the port between our choosing and its use.
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(&program);
        match kind {
            Kind::Referrers => command.arg(&address),
            _ => command
                .arg("serve")
                .arg(config(folder.path(), &address, setup)),
        };
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = command
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut registry = Registry {
            address,
            child,
            folder,
        };
        if ready(&mut registry) {
            return Some(registry);
        }
    }
    panic!("{kind:?} does not start");
}

fn ready(registry: &mut Registry) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        if matches!(registry.child.try_wait(), Ok(Some(_))) {
            return false;
        }
        if TcpStream::connect(&registry.address).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn config(folder: &Path, address: &str, setup: &Setup<'_>) -> PathBuf {
    let shown = folder.display();
    let mut text = format!(
        "version: 0.1\n\
         log: {{level: warn, accesslog: {{disabled: true}}}}\n\
         storage:\n  filesystem: {{rootdirectory: {shown}/data}}\n  delete: {{enabled: true}}\n  \
         maintenance: {{uploadpurging: {{enabled: false}}}}\n"
    );
    if setup.htpasswd {
        std::fs::write(folder.join("htpasswd"), format!("{USER}:{HASH}\n")).unwrap();
        text += &format!("auth:\n  htpasswd: {{realm: test, path: {shown}/htpasswd}}\n");
    }
    text += &format!("http:\n  addr: {address}\n  secret: test\n");
    if let Some(authority) = setup.tls {
        let (certificate, key) = authority.issue("127.0.0.1");
        std::fs::write(folder.join("tls.crt"), certificate).unwrap();
        std::fs::write(folder.join("tls.key"), key).unwrap();
        text += &format!("  tls:\n    certificate: {shown}/tls.crt\n    key: {shown}/tls.key\n");
        if let Some(clients) = setup.clients {
            std::fs::write(folder.join("clients.crt"), clients.certificate()).unwrap();
            text += &format!("    clientcas: [{shown}/clients.crt]\n");
        }
    }
    let path = folder.join("config.yml");
    std::fs::write(&path, text).unwrap();
    path
}

/// A certificate authority of the test's own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let names = &mut params.distinguished_name;
        names.push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// In PEM.
    pub fn certificate(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A certificate for an address, and its key, in PEM.
    pub fn issue(&self, address: &str) -> (Vec<u8>, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = vec![SanType::IpAddress(address.parse().unwrap())];
        params.extended_key_usages = vec![
            rcgen::ExtendedKeyUsagePurpose::ServerAuth,
            rcgen::ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &*self.0).unwrap();
        (certificate.pem().into_bytes(), key.serialize_pem())
    }

    /// A certificate to show as a client.
    pub fn client(&self) -> (Vec<u8>, Secret) {
        let (certificate, key) = self.issue("127.0.0.1");
        (certificate, Secret::new(key))
    }

    /// For a server of this process.
    pub fn server(&self) -> Arc<rustls::ServerConfig> {
        flux_apim::edge::tls::install_provider();
        self.serving(rustls::ServerConfig::builder().with_no_client_auth())
    }

    /// The same, which wants a certificate of `clients`.
    pub fn server_for(&self, clients: &Self) -> Arc<rustls::ServerConfig> {
        flux_apim::edge::tls::install_provider();
        let mut roots = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(&clients.certificate()).unwrap();
        roots.add(root).unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots));
        let verifier = verifier.build().unwrap();
        self.serving(rustls::ServerConfig::builder().with_client_cert_verifier(verifier))
    }

    fn serving(
        &self,
        builder: rustls::ConfigBuilder<rustls::ServerConfig, rustls::server::WantsServerCert>,
    ) -> Arc<rustls::ServerConfig> {
        let (certificate, key) = self.issue("127.0.0.1");
        let certificate = CertificateDer::from_pem_slice(&certificate).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = builder.with_single_cert(vec![certificate], key).unwrap();
        Arc::new(config)
    }
}
