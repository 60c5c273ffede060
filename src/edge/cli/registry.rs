//! Flags of every command that talks to a registry, and keys from files.

use crate::edge::oci::{Connection, Credentials, Place, acr};
use crate::edge::publish::{self, Choice, Destination, Pin};
use crate::edge::secret::Secret;
use crate::edge::sign::{KeyVault, Signer, SigningKey, VaultKey, VerifyingKey};
use crate::tree::Digest;
use anyhow::Context;
use clap::{Args, ValueEnum};
use semver::VersionReq;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
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
    /// TLS to the registry without a look at its certificate.
    #[arg(
        long,
        env = "FLUX_APIM_INSECURE_SKIP_TLS_VERIFY",
        conflicts_with = "insecure"
    )]
    insecure_skip_tls_verify: bool,
    /// Give up after this long, as in 30s, 5m or 1h. Until then what may pass by itself is
    /// tried again, and a registry that asks to come back later is believed. Without it
    /// something is tried five times.
    #[arg(long, value_name = "DURATION", env = "FLUX_APIM_TIMEOUT", value_parser = duration)]
    timeout: Option<Duration>,
    /// Certificates in PEM that are trusted beside the system's.
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_CA")]
    ca: Option<PathBuf>,
    /// Certificate in PEM to show to the registry.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its key.
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Credentials for the registry; Docker's or podman's configuration and its helpers
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
        connection.unverified = self.insecure_skip_tls_verify;
        connection.deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        connection.ca = self.ca()?;
        if let (Some(certificate), Some(key)) = (&self.client_cert, &self.client_key) {
            let certificate = file(certificate, "client certificate")?.to_vec();
            let key = file(key, "key of the client certificate")?;
            let key = String::from_utf8(key.to_vec()).context("the client key is no text")?;
            connection.client_cert = Some((certificate, Secret::new(key)));
        }
        Ok(connection)
    }
}

/// Where the Bicep module of a bundle is.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ModuleArgs {
    /// What the repository of the Bicep module has behind REPO's name; empty for no module.
    /// `/bicep` unless given, and `-bicep` on Docker Hub, which has two levels.
    #[arg(long, value_name = "SUFFIX", allow_hyphen_values = true)]
    bicep_suffix: Option<String>,
}

impl ModuleArgs {
    pub(super) fn suffix(&self, place: &Place) -> Option<&str> {
        let usual = match place {
            Place::Registry { reference } if reference.has_two_levels() => "-bicep",
            _ => "/bicep",
        };
        let suffix = self.bicep_suffix.as_deref().unwrap_or(usual);
        (!suffix.is_empty()).then_some(suffix)
    }
}

/// A manifest that names what was published.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct PinArgs {
    /// Write digest and tag into the OCIRepository of this manifest.
    #[arg(long, value_name = "FILE")]
    write_pin: Option<PathBuf>,
}

impl PinArgs {
    /// Refuses a manifest that cannot take the pin, before anything else is written.
    pub(super) fn check(&self, to: &Destination, place: &Place) -> anyhow::Result<()> {
        let Some(path) = &self.write_pin else {
            return Ok(());
        };
        if let Place::Layout { .. } = place {
            anyhow::bail!(
                "--write-pin {}: an OCIRepository consumes a registry, not a layout",
                path.display()
            );
        }
        Ok(publish::check_pin(path, &to.url)?)
    }

    /// Writes the pin, unless nothing is to be written; whether it changed anything.
    pub(super) fn write(
        &self,
        to: &Destination,
        digest: Digest,
        tag: Option<&String>,
        dry_run: bool,
    ) -> anyhow::Result<Option<(&Path, bool)>> {
        let Some(path) = self.write_pin.as_deref().filter(|_| !dry_run) else {
            return Ok(None);
        };
        let pin = Pin {
            url: to.url.clone(),
            digest,
            tag: tag.cloned(),
        };
        Ok(Some((path, publish::write_pin(path, &pin)?)))
    }
}

/// Which bundles of a repository are meant.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ChoiceArgs {
    /// Those with a tag that is a version in this range, as in '>=1.2, <2'.
    #[arg(long, value_name = "RANGE")]
    semver: Option<VersionReq>,
    /// Those with a tag that begins so.
    #[arg(long, value_name = "PREFIX")]
    tag_prefix: Option<String>,
    /// Those whose source is not older than this, as in 90d.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    within: Option<Duration>,
}

impl ChoiceArgs {
    /// Whether there is any.
    pub(super) fn is_given(&self) -> bool {
        self.semver.is_some() || self.tag_prefix.is_some() || self.within.is_some()
    }

    pub(super) fn choice(&self) -> anyhow::Result<Choice> {
        let since = self.within.map(|age| {
            let day = crate::edge::policies::day_before(age);
            day.context("--within: this machine's clock makes no sense")
        });
        Ok(Choice {
            semver: self.semver.clone(),
            prefix: self.tag_prefix.clone(),
            since: since.transpose()?.map(|day| day.to_string()),
        })
    }
}

/// The longest time that a flag takes: a hundred years.
const LONGEST: Duration = Duration::from_secs(3_155_760_000);

/// A time, as in `90s`, `5m`, `1h30m` or `2d`; a day has 24 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time as in 30s, 5m, 1h30m or 2d".to_owned();
    let span: jiff::Span = text.trim().parse().map_err(|_| wrong())?;
    let day = jiff::SpanRelativeTo::days_are_24_hours();
    let time = span.to_duration(day).map_err(|_| wrong())?;
    match Duration::try_from(time) {
        Ok(time) if !time.is_zero() && time <= LONGEST => Ok(time),
        _ => Err(wrong()),
    }
}

/// A reference on the command line. What is wrong with it is told later and
/// by us: whoever parses flags repeats them whole, with a password in them.
#[derive(Debug, Clone)]
pub(super) struct Named {
    place: Result<Place, String>,
    /// The text, where it is the path of a file.
    file: Option<PathBuf>,
}

impl Named {
    pub(super) fn place(&self) -> anyhow::Result<&Place> {
        let place = self.place.as_ref();
        place.map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// A file that is meant in place of a bundle.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

pub(super) fn named(text: &str) -> Result<Named, std::convert::Infallible> {
    let place = text.parse::<Place>().map_err(|error| error.to_string());
    let path = Path::new(text);
    let file = (place.is_err() && path.is_file()).then(|| path.to_owned());
    Ok(Named { place, file })
}

/// Refuses the names of keys in a vault that we do not ask.
fn no_vault(flag: &str, path: &Path, instead: &str) -> anyhow::Result<()> {
    let name = path.to_string_lossy();
    let Some((scheme, _)) = name.split_once("://") else {
        return Ok(());
    };
    anyhow::bail!(
        "{flag} {}://...: keys of this kind are not supported; {flag} takes a file, or \
         azurekms://VAULT/KEY[/VERSION]{instead}",
        crate::diag::excerpt(scheme, 20)
    )
}

impl RegistryArgs {
    /// Who signs with the key in the file `path`, or with the one in the Azure Key Vault
    /// that it names.
    pub(super) fn signer(&self, path: &Path) -> anyhow::Result<Arc<dyn Signer>> {
        if let Some(name) = VaultKey::parse(&path.to_string_lossy()) {
            return Ok(Arc::new(self.vault(&name?)?));
        }
        no_vault("--sign-key", path, "")?;
        Ok(Arc::new(signing_key(path)?))
    }

    /// The public key in the file `path`, or in the Azure Key Vault that it names.
    pub(super) fn verifying_key(&self, path: &Path) -> anyhow::Result<VerifyingKey> {
        if let Some(name) = VaultKey::parse(&path.to_string_lossy()) {
            return Ok(self.vault(&name?)?.verifying_key().clone());
        }
        let name = path.display();
        let instead =
            format!("; `cosign public-key --key {name} > cosign.pub` fetches it into one");
        no_vault("--key", path, &instead)?;
        verifying_key(path)
    }

    fn vault(&self, name: &VaultKey) -> anyhow::Result<KeyVault> {
        let mut connection =
            Connection::new(Credentials::Azure(acr::Identity::from_environment()?));
        connection.ca = self.ca()?;
        connection.deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let opening = KeyVault::open(name, &connection);
        Ok(crate::edge::runtime()?.block_on(opening)?)
    }

    fn ca(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let read = |path: &PathBuf| Ok(file(path, "CA certificates")?.to_vec());
        self.ca.as_ref().map(read).transpose()
    }
}

/// The private key in `path`; its password from the environment or a prompt.
fn signing_key(path: &Path) -> anyhow::Result<SigningKey> {
    let attempted = || format!("read the signing key {}", path.display());
    let text = file(path, "signing key")?;
    let password = match SigningKey::is_sealed(&text).with_context(attempted)? {
        true => password(&format!("Password of {}: ", path.display()))?,
        false => Zeroizing::new(String::new()),
    };
    SigningKey::from_pem(&text, password.as_bytes()).with_context(attempted)
}

/// The public key in `path`.
fn verifying_key(path: &Path) -> anyhow::Result<VerifyingKey> {
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
pub(super) fn file(path: &Path, what: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
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

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn times_are_written_with_their_units() {
        for (text, seconds) in [
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("1.5h", 5400),
            ("2d", 172_800),
        ] {
            assert_eq!(duration(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in [
            "",
            "0s",
            "5",
            "m",
            "5x",
            "-5m",
            "99999999999999999999s",
            "999999w",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
