//! Bundles in registries: published, signed, read back.
//!
//! Everything goes there by digest first and by tag last, the tag of the
//! bundle itself at the very end, after what is said about it. Whenever it
//! stops, a tag points to a bundle that is whole.

mod artifact;
mod attest;
mod destination;
mod error;
mod history;
mod inspect;
mod packed;
mod pin;
mod read;
mod rollback;
mod signatures;
mod tags;
mod verify;

pub use artifact::{Artifact, is_bundle};
pub use attest::{CONTENTS, PROVENANCE};
pub use error::Error;
pub use history::{Changes, Entry, History, history};
pub use inspect::{Inspected, inspect};
pub use packed::Packed;
pub use pin::{Pin, write_pin};
pub use read::{Found, read};
pub use rollback::{RolledBack, rollback};
pub use signatures::{Claim, Form, copy_all};
pub use tags::TagTemplate;
pub use verify::{Policy, Verified, held_to, is_signed, verify};

use crate::bundle::LAYER_MEDIA_TYPE;
use crate::edge::oci::{Descriptor, Manifest, Pushed, Target};
use crate::edge::sign::Signer;
use crate::tree::Digest;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Requests at once.
const AT_ONCE: usize = 4;

/// Where a bundle goes.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The repository as people write it, without scheme: `ghcr.io/team/apim`.
    pub repository: String,
    /// How it is written with its scheme: `oci://ghcr.io/team/apim`.
    pub url: String,
    /// What signatures name as the place: the repository; nothing for a layout,
    /// which is moved about.
    pub signs_as: String,
    /// The repository.
    pub target: Arc<dyn Target>,
    /// The repository of the Bicep module; none is published without.
    pub bicep: Option<Arc<dyn Target>>,
}

/// How a bundle is published.
#[derive(Debug, Clone)]
pub struct Options {
    /// Tags that point to it afterwards.
    pub tags: Vec<TagTemplate>,
    /// Who signs it.
    pub signer: Option<Arc<dyn Signer>>,
    /// Whether provenance and contents are attested.
    pub attest: bool,
}

/// What was published.
#[derive(Debug, Clone)]
pub struct Published {
    /// The artifact by digest, with its scheme.
    pub url: String,
    /// The repository.
    pub repository: String,
    /// Tags that point to it.
    pub tags: Vec<String>,
    /// Digest of the manifest.
    pub digest: Digest,
    /// Digest of the archive.
    pub layer_digest: Digest,
    /// Whether the bundle was sent, or a tag moved to it.
    pub pushed: bool,
    /// Whether a signature or attestation was added.
    pub signed: bool,
    /// Digest of the Bicep module.
    pub module: Option<Digest>,
    /// What the reader should know beside.
    pub notes: Vec<String>,
}

impl Published {
    /// The answer of `publish --format json`.
    pub fn to_json(&self) -> Json {
        json!({
            "url": self.url,
            "repository": self.repository,
            "tags": self.tags,
            "digest": self.digest.to_string(),
            "layer_digest": self.layer_digest.to_string(),
            "pushed": self.pushed,
        })
    }
}

/// Publishes a bundle: nothing of it is sent when the first tag points to its
/// layer already.
///
/// # Errors
/// When a tag cannot be made, or the registry refuses.
pub async fn publish(
    artifact: &Artifact,
    to: &Destination,
    options: &Options,
) -> Result<Published, Error> {
    if options.attest && options.signer.is_none() {
        return Err(Error::Usage(
            "attestations are signed: give --sign-key with --attest".to_owned(),
        ));
    }
    let tags = resolve_tags(artifact, options)?;
    let target = &*to.target;
    let current = resolve_all(target, &tags).await?;
    let ours = artifact.packed().descriptor();
    let first = current.first().and_then(Option::as_ref);
    let kept = match first {
        Some(there) if there.digest == ours.digest => Some(ours.clone()),
        Some(there) if same_layer(target, there, artifact).await? => Some(there.clone()),
        _ => None,
    };
    let mut pushed = false;
    if kept.is_none() {
        pushed = artifact.packed().push(target).await? == Pushed::Now;
    }
    let subject = kept.unwrap_or(ours);
    let mut statements = Vec::new();
    if options.attest {
        statements.push((PROVENANCE, attest::provenance(artifact)));
        statements.push((CONTENTS, attest::contents(artifact)));
    }
    let mut added = signatures::Added::default();
    if let Some(signer) = &options.signer {
        added = signatures::add(target, &to.signs_as, &subject, &**signer, &statements).await?;
    }
    let mut module = None;
    if let (Some(bicep), Some(packed)) = (&to.bicep, artifact.module()) {
        pushed |= publish_module(packed, &**bicep, &tags).await?;
        module = Some(packed.descriptor().digest);
    }
    if let Some(signer) = options.signer.as_deref().filter(|_| added.something) {
        let name = &to.signs_as;
        added = signatures::settle(target, name, &subject, signer, &statements, added).await?;
    }
    for (tag, there) in tags.iter().zip(&current) {
        if there.as_ref().map(|there| there.digest) != Some(subject.digest) {
            target.tag(&subject, tag).await?;
            tracing::info!(tag, digest = %subject.digest, at = target.name(), "tag");
            pushed = true;
        }
    }
    Ok(Published {
        url: format!("{}@{}", to.url, subject.digest),
        repository: to.repository.clone(),
        tags,
        digest: subject.digest,
        layer_digest: artifact.layer_digest(),
        pushed,
        signed: added.something,
        module,
        notes: added.notes,
    })
}

fn resolve_tags(artifact: &Artifact, options: &Options) -> Result<Vec<String>, Error> {
    let mut tags: Vec<String> = Vec::new();
    for template in &options.tags {
        let tag = template.resolve(artifact.inventory())?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.is_empty() {
        tags.push("latest".to_owned());
    }
    Ok(tags)
}

/// What each of the tags points to.
async fn resolve_all(
    target: &dyn Target,
    tags: &[String],
) -> Result<Vec<Option<Descriptor>>, Error> {
    Ok(stream::iter(tags.to_vec())
        .map(|tag| async move { target.resolve(&tag).await })
        .buffered(AT_ONCE)
        .try_collect()
        .await?)
}

/// Whether the artifact `there` has the layer of `artifact`.
async fn same_layer(
    target: &dyn Target,
    there: &Descriptor,
    artifact: &Artifact,
) -> Result<bool, Error> {
    let attempted = format!("read {} of {}", there.digest, target.name());
    let manifest = Manifest::parse(&target.fetch(there).await?, &attempted)?;
    let first = manifest.layers.first();
    Ok(first.is_some_and(|layer| {
        layer.digest == artifact.layer_digest() && layer.media_type == LAYER_MEDIA_TYPE
    }))
}

/// Puts the Bicep module there and points the tags to it; whether anything had
/// to be done.
async fn publish_module(
    module: &Packed,
    target: &dyn Target,
    tags: &[String],
) -> Result<bool, Error> {
    let what = module.descriptor();
    let current = resolve_all(target, tags).await?;
    let is = |there: &Option<Descriptor>| there.as_ref().map(|t| t.digest) == Some(what.digest);
    if current.iter().all(is) {
        return Ok(false);
    }
    module.push(target).await?;
    for (tag, _) in tags.iter().zip(&current).filter(|(_, there)| !is(there)) {
        target.tag(&what, tag).await?;
    }
    Ok(true)
}
