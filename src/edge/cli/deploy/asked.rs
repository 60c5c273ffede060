//! What a deployment is asked for, and the secrets that it is given.

use super::target::Bundle;
use crate::edge::secret::Secret;
use crate::edge::sops::Document;
use anyhow::Context;
use clap::Args;
use flux_apim_deploy::{Asked, Id, Secrets};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Secrets in files are short.
const MAX_SECRET: u64 = 64 << 10;
/// Files of SOPS hold many, and what each takes beside itself.
const MAX_SECRETS: u64 = 4 << 20;

/// What is asked for.
#[derive(Debug, Args)]
pub(in crate::edge::cli) struct AskedArgs {
    /// Whose deployment it is. Resources belong to the owner that deployed them, and only
    /// that owner deletes them again. Unless given: the repository, folder and environment
    /// that the bundle was rendered from.
    #[arg(long, value_name = "NAME", env = "FLUX_APIM_OWNER")]
    owner: Option<String>,
    /// Where the answers of the service to what is written are kept, so that changes by others
    /// are told from ways of storing things: a folder, oci://REPOSITORY or oci-layout:DIR.
    #[arg(long, value_name = "PLACE", env = "FLUX_APIM_STATE")]
    pub(super) state: Option<String>,
    /// A secret of the bundle: NAME=env:VARIABLE or NAME=file:PATH.
    #[arg(long, value_name = "NAME=FROM")]
    secret: Vec<String>,
    /// Secrets of the bundle by name, in YAML or JSON that SOPS encrypted for an age key
    /// (SOPS_AGE_KEY, SOPS_AGE_KEY_FILE) or by a key in an Azure Key Vault. --secret stands
    /// over it.
    #[arg(long, value_name = "FILE")]
    secrets_file: Vec<PathBuf>,
    /// Write what is uncertain too, and secrets that the service does not give back.
    #[arg(long)]
    pub(super) refresh: bool,
    /// Go on although the inventory in the service is lost: what is there counts as somebody
    /// else's, is changed where the bundle says so, and is never deleted.
    #[arg(long)]
    pub(super) adopt: bool,
    /// A resource that may be deleted although consumers have keys to it, as in
    /// products/starter.
    #[arg(long, value_name = "KIND/NAME")]
    allow_delete: Vec<String>,
    /// Resources that are never deleted; `*` stands for any text, as in 'products/*'.
    #[arg(long, value_name = "PATTERN")]
    protect: Vec<String>,
}

/// Secrets of the command line.
#[derive(Debug, Default)]
pub(in crate::edge::cli) struct Given(BTreeMap<String, Secret>);

impl Secrets for Given {
    fn reveal(&self, parameter: &str) -> Option<&str> {
        self.0.get(parameter).map(Secret::expose)
    }
}

impl AskedArgs {
    pub(super) fn asked(&self, bundle: &Bundle, destroy: bool) -> anyhow::Result<Asked> {
        let owner = match &self.owner {
            Some(owner) => owner.clone(),
            None => owner(&bundle.inventory).context(
                "--owner NAME is missing: the bundle does not say from which repository it is. \
                 Resources belong to their owner, and another owner never deletes them",
            )?,
        };
        anyhow::ensure!(
            !owner.is_empty() && owner.len() <= 512 && !owner.chars().any(char::is_control),
            "--owner: a name has 1 to 512 characters"
        );
        let ids = self.allow_delete.iter().map(|id| {
            Id::parse(id).with_context(|| {
                format!("--allow-delete {id}: write KIND/NAME, as in products/starter or apis/a/operations/b")
            })
        });
        Ok(Asked {
            owner,
            bundle: bundle.digest.to_string(),
            destroy,
            refresh: self.refresh,
            adopt: self.adopt,
            allow_delete: ids.collect::<anyhow::Result<_>>()?,
            protect: self.protect.clone(),
        })
    }

    /// Secrets of the files that are named, and those that are named alone.
    pub(super) fn secrets(
        &self,
        bundle: &Bundle,
        open: &dyn Fn(&Document) -> anyhow::Result<BTreeMap<String, Secret>>,
    ) -> anyhow::Result<Given> {
        let mut given = Given::default();
        for path in &self.secrets_file {
            let attempted = || format!("--secrets-file {}", path.display());
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            let text = small(path, MAX_SECRETS).with_context(attempted)?;
            let document = Document::parse(&name.unwrap_or_default(), text);
            let found = document
                .map_err(anyhow::Error::from)
                .and_then(|document| open(&document))
                .with_context(attempted)?;
            // One file may serve several bundles.
            let known = |name: &String| bundle.resources.secrets.contains_key(name);
            given
                .0
                .extend(found.into_iter().filter(|(name, _)| known(name)));
        }
        for text in &self.secret {
            let wrong =
                "--secret takes NAME=env:VARIABLE or NAME=file:PATH, never the secret itself";
            let (name, from) = text.split_once('=').context(wrong)?;
            anyhow::ensure!(
                bundle.resources.secrets.contains_key(name),
                "--secret {name}: the bundle has no secret of this name; it has {}",
                match bundle.resources.secrets.len() {
                    0 => "none".to_owned(),
                    _ => bundle
                        .resources
                        .secrets
                        .keys()
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", "),
                }
            );
            let value = match from.split_once(':') {
                Some(("env", variable)) => std::env::var(variable).map_err(|_| {
                    anyhow::anyhow!("--secret {name}: the variable {variable} is not set")
                })?,
                Some(("file", path)) => small(Path::new(path), MAX_SECRET)
                    .with_context(|| format!("--secret {name}"))?
                    .trim_end_matches(['\r', '\n'])
                    .to_owned(),
                _ => anyhow::bail!(wrong),
            };
            given.0.insert(name.to_owned(), Secret::new(value));
        }
        Ok(given)
    }
}

/// Whose a bundle is, by where it was rendered from.
fn owner(inventory: &Json) -> Option<String> {
    let source = &inventory["source"];
    let mut owner = source["url"].as_str()?.to_owned();
    for (mark, value) in [('#', &source["path"]), ('@', &inventory["environment"])] {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            owner.push(mark);
            owner.push_str(text);
        }
    }
    Some(owner)
}

/// All of a small text file.
pub(super) fn small(path: &Path, max: u64) -> anyhow::Result<String> {
    let attempted = || format!("read {}", path.display());
    let size = std::fs::metadata(path).with_context(attempted)?.len();
    anyhow::ensure!(
        size <= max,
        "{}: it has {size} bytes, at most {max} are read",
        attempted()
    );
    std::fs::read_to_string(path).with_context(attempted)
}
