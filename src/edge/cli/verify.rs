//! `verify`: whether a bundle is whole, signed, and from where it should be.

use super::options::{LimitFlags, ResultFormat};
use super::registry::{self, Named, RegistryArgs, named};
use super::trust::TrustArgs;
use super::{Done, print};
use crate::edge::oci::{Place, Target};
use crate::edge::publish::{self, BUNDLE_ENDING, Destination, Verified, VerifiedFile};
use crate::tree::{Digest, Limits};
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A bundle that is read, and what is asked of it.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// oci://REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST] or oci-layout:DIR[:TAG]; for
    /// `verify` also a file of a release, with FILE.sigstore.json beside it.
    #[arg(value_name = "REF", value_parser = named)]
    from: Named,
    /// It must be signed by this key (cosign.pub, or azurekms://VAULT/KEY).
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_KEY")]
    key: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    /// It must have been held to the operator's policy of this digest (`sha256:...`).
    /// Without a signature that is only what the bundle says of itself.
    #[arg(long, value_name = "DIGEST")]
    require_policy: Vec<Digest>,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

impl Reading {
    pub(super) fn target(&self) -> anyhow::Result<Arc<dyn Target>> {
        Ok(Destination::target(
            self.from.place()?,
            &self.registry.connection()?,
        )?)
    }

    pub(super) fn limits(&self) -> anyhow::Result<Limits> {
        self.limits.limits()
    }

    pub(super) fn place(&self) -> anyhow::Result<&Place> {
        self.from.place()
    }

    /// Holds a file of a release against what is signed beside it.
    fn file(&self, path: &Path) -> anyhow::Result<VerifiedFile> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(BUNDLE_ENDING);
        let signed = registry::file(Path::new(&beside), "signature of the file")?;
        let key = self.key.as_deref();
        let policy = self
            .trust
            .policy(key, &self.require_policy, &self.registry)?;
        let attempted = || format!("read {}", path.display());
        let bytes = std::fs::read(path).with_context(attempted)?;
        let name = path.display().to_string();
        Ok(publish::verify_file(&name, &bytes, &signed, &policy)?)
    }

    /// Reads the bundle; a tag beside a digest must point to it.
    pub(super) fn verified(&self, from: &dyn Target) -> anyhow::Result<Verified> {
        let key = self.key.as_deref();
        let policy = self
            .trust
            .policy(key, &self.require_policy, &self.registry)?;
        let place = self.from.place()?;
        let reference = place.reference();
        let limits = self.limits()?;
        let runtime = crate::edge::runtime()?;
        let verifying = publish::verify(from, &reference, &policy, &limits);
        let mut verified = runtime.block_on(verifying)?;
        if let (Some(tag), Some(digest)) = (place.tag(), place.digest()) {
            let tagged = runtime
                .block_on(from.look(tag))?
                .map(|tagged| tagged.digest);
            anyhow::ensure!(
                tagged == Some(digest),
                "{}: the tag `{tag}` points to {}, not to {digest}",
                place,
                tagged.map_or("nothing".to_owned(), |tagged| tagged.to_string())
            );
        }
        verified.reference = place.to_string();
        if verified.found.is_dirty() {
            tracing::warn!("{place} was made of a tree with changes that no commit has");
        }
        Ok(verified)
    }
}

/// Flags of `verify`.
#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    reading: Reading,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

pub(super) fn verify(arguments: &Verify) -> anyhow::Result<Done> {
    let reading = &arguments.reading;
    let (reference, verified) = match reading.from.file() {
        Some(path) => {
            let verified = reading.file(path);
            let said = verified.map(|file| (file.to_json(), file.to_human()));
            (path.display().to_string(), said)
        }
        None => {
            let from = reading.target()?;
            let verified = reading.verified(&*from);
            let said = verified.map(|bundle| (bundle.to_json(), shown(&bundle)));
            (reading.place()?.to_string(), said)
        }
    };
    match (verified, arguments.format) {
        (Ok((json, _)), ResultFormat::Json) => print(&format!("{json}\n"))?,
        (Ok((_, text)), ResultFormat::Human) => print(&text)?,
        (Err(error), ResultFormat::Json) => {
            let answer = serde_json::json!({
                "version": 1,
                "reference": reference,
                "verified": false,
                "problem": format!("{error:#}"),
            });
            print(&format!("{answer}\n"))?;
            return Ok(Done::Refused);
        }
        (Err(error), ResultFormat::Human) => return Err(error),
    }
    Ok(Done::Well)
}

fn shown(verified: &Verified) -> String {
    let found = &verified.found;
    let mut text = format!(
        "manifest  {}\nlayer     {}\nfiles     {}, as the inventory says\n",
        found.descriptor.digest,
        found.layer_digest(),
        found.tree.len(),
    );
    for claim in &verified.claims {
        let what = claim.predicate().unwrap_or("signature");
        let outcome = match &claim.verified {
            Ok(_) => "verified".to_owned(),
            Err(error) => format!("not verified: {error}"),
        };
        text.push_str(&format!("{:<10}{what}, {outcome}\n", claim.form.as_str()));
    }
    if verified.claims.is_empty() {
        text.push_str("signed    not asked: --key or --certificate-identity says by whom\n");
    }
    if let Some(provenance) = &verified.provenance {
        for key in ["source", "revision"] {
            if let Some(value) = provenance[key].as_str() {
                text.push_str(&format!("{key:<10}{value}\n"));
            }
        }
    }
    text
}
