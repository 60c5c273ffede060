//! Flags of every command that talks to a registry, and keys from files.

use crate::edge::oci::{Connection, Credentials, Place, acr};
use crate::edge::secret::Secret;
use crate::edge::sign::{SigningKey, VerifyingKey};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Keys and certificates are small.
const MAX_FILE: u64 = 1 << 20;
const PASSWORD: &str = "COSIGN_PASSWORD";

/// How a registry is reached, and as whom.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registry")]
pub(super) struct RegistryArgs {
    /// Plain HTTP to the registry.
    #[arg(long, env = "FLUX_APIM_INSECURE")]
    insecure: bool,
    /// Certificates in PEM that are trusted beside the system's.
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_CA")]
    ca: Option<PathBuf>,
    /// Certificate in PEM to show to the registry.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its key.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Credentials for the registry; Docker's configuration and its helpers
    /// unless given. The environment keeps them out of lists of processes.
    #[arg(long, value_name = "USER:PASSWORD", env = "FLUX_APIM_CREDS", hide_env_values = true, value_parser = secret)]
    creds: Option<Secret>,
    /// `azure`: the workload or managed identity, for Azure Container Registry.
    #[arg(long, value_enum, default_value = "generic", conflicts_with = "creds")]
    provider: Provider,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Provider {
    #[default]
    Generic,
    Azure,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

impl RegistryArgs {
    pub(super) fn connection(&self) -> anyhow::Result<Connection> {
        let credentials = match (&self.creds, self.provider) {
            (Some(given), _) => Credentials::parse(given.expose())?,
            (None, Provider::Generic) => Credentials::DockerConfig,
            (None, Provider::Azure) => Credentials::Azure(acr::Identity::from_environment()?),
        };
        let mut connection = Connection::new(credentials);
        connection.insecure = self.insecure;
        if let Some(path) = &self.ca {
            connection.ca = Some(file(path, "CA certificates")?.to_vec());
        }
        if let (Some(certificate), Some(key)) = (&self.client_cert, &self.client_key) {
            let certificate = file(certificate, "client certificate")?.to_vec();
            let key = file(key, "key of the client certificate")?;
            let key = String::from_utf8(key.to_vec()).context("the client key is no text")?;
            connection.client_cert = Some((certificate, Secret::new(key)));
        }
        Ok(connection)
    }
}

/// A reference on the command line. What is wrong with it is told later and
/// by us: whoever parses flags repeats them whole, with a password in them.
#[derive(Debug, Clone)]
pub(super) struct Named(Result<Place, String>);

impl Named {
    pub(super) fn place(&self) -> anyhow::Result<&Place> {
        self.0.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
    }
}

pub(super) fn named(text: &str) -> Result<Named, std::convert::Infallible> {
    let place = text.parse::<Place>();
    Ok(Named(place.map_err(|error| error.to_string())))
}

/// The private key in `path`; its password from the environment or a prompt.
pub(super) fn signing_key(path: &Path) -> anyhow::Result<SigningKey> {
    let attempted = || format!("read the signing key {}", path.display());
    let text = file(path, "signing key")?;
    let password = match SigningKey::is_sealed(&text).with_context(attempted)? {
        true => password(&format!("Password of {}: ", path.display()))?,
        false => Zeroizing::new(String::new()),
    };
    SigningKey::from_pem(&text, password.as_bytes()).with_context(attempted)
}

/// The public key in `path`.
pub(super) fn verifying_key(path: &Path) -> anyhow::Result<VerifyingKey> {
    let text = file(path, "public key")?;
    VerifyingKey::from_pem(&text).with_context(|| format!("read the public key {}", path.display()))
}

/// `COSIGN_PASSWORD`, else what is typed.
fn password(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    match std::env::var(PASSWORD) {
        Ok(password) => return Ok(Zeroizing::new(password)),
        Err(std::env::VarError::NotPresent) => {}
        Err(error) => anyhow::bail!("{PASSWORD} cannot be used: {}", without_value(&error)),
    }
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "the key has a password: set {PASSWORD} (empty for none), there is no terminal to ask at"
    );
    let typed = rpassword::prompt_password(prompt).context("ask for the password")?;
    Ok(Zeroizing::new(typed))
}

fn without_value(error: &std::env::VarError) -> &'static str {
    match error {
        std::env::VarError::NotPresent => "it is not set",
        std::env::VarError::NotUnicode(_) => "it is not UTF-8",
    }
}

/// The password for a new key: typed twice.
pub(super) fn new_password() -> anyhow::Result<Zeroizing<String>> {
    let asked = std::env::var_os(PASSWORD).is_none();
    let first = password("Password for the new key: ")?;
    if asked {
        let again = rpassword::prompt_password("Again: ").context("ask for the password")?;
        let again = Zeroizing::new(again);
        anyhow::ensure!(first == again, "the two passwords differ");
    }
    Ok(first)
}

/// All of a small file.
fn file(path: &Path, what: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let attempted = || format!("read the {what} {}", path.display());
    let file = std::fs::File::open(path).with_context(attempted)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .with_context(attempted)?;
    anyhow::ensure!(
        bytes.len() as u64 <= MAX_FILE,
        "{}: it has more than {MAX_FILE} bytes",
        attempted()
    );
    Ok(bytes)
}
