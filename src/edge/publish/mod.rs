//! Bundles in registries: published, signed, read back.
//!
//! Everything goes there by digest first and by tag last, the tag of the
//! bundle itself at the very end, after what is said about it. Whenever it
//! stops, a tag points to a bundle that is whole.

mod artifact;
mod attest;
mod choice;
mod copy;
mod destination;
mod error;
mod file;
mod history;
mod inspect;
mod packed;
mod pin;
mod pointed;
mod prune;
mod published;
mod read;
mod rollback;
mod signatures;
mod tag;
mod tags;
mod verify;

#[cfg(feature = "cli")]
pub(crate) use artifact::checked;
pub use artifact::{Artifact, is_bundle};
pub use attest::{CONTENTS, PROVENANCE};
pub use choice::Choice;
pub use copy::{Copied, CopyOptions, copy, copy_all};
pub use error::Error;
pub use file::{BUNDLE_ENDING, VerifiedFile, verify_file};
pub use history::{Changes, Entry, History, before, history, newest};
pub use inspect::{Inspected, inspect};
pub use packed::Packed;
pub use pin::{Pin, check_pin, write_pin};
pub use prune::{Keep, Pruned, digests_in, prune};
pub use published::Times;
pub use read::{Found, read};
pub use rollback::{RolledBack, rollback};
pub use signatures::{Claim, Form, SignatureFormat};
pub use tag::{Tagged, tag};
pub use tags::{Filling, TagTemplate};
pub use verify::{Policy, Verified, held_to, is_signed, verify};

use crate::edge::oci::{Descriptor, Pushed, Target};
use crate::edge::sign::Signer;
use crate::tree::Digest;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Requests at once.
const AT_ONCE: usize = 4;
/// The tag that moves with every publication, and last of all.
const LATEST: &str = "latest";

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
    /// The repository, or the layout, that is written to.
    pub target: Arc<dyn Target>,
    /// The repository of the Bicep module; none is published without.
    pub bicep: Option<Arc<dyn Target>>,
}

/// How a bundle is published.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Tags that point to it afterwards; `latest` without any.
    pub tags: Vec<TagTemplate>,
    /// What fills them in beside the inventory.
    pub filling: Filling,
    /// Who signs it.
    pub signer: Option<Arc<dyn Signer>>,
    /// In which formats; both without one, and then what is signed in Sigstore's already is
    /// left as it is.
    pub format: Option<SignatureFormat>,
    /// Whether provenance and contents are attested.
    pub attest: bool,
    /// The bundle as it is there already, by digest: it was copied.
    pub subject: Option<Descriptor>,
    /// Nothing is written.
    pub dry_run: bool,
}

/// What was published.
#[derive(Debug, Clone)]
pub struct Published {
    /// The artifact by digest, with its scheme.
    pub url: String,
    /// `oci://HOST/NAME`, without a tag.
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
/// layer already. What can refuse it is asked before anything is written, and tags
/// move last of all.
///
/// # Errors
/// When a tag cannot be made, or the registry refuses.
pub async fn publish(
    artifact: &Artifact,
    to: &Destination,
    options: &Options,
) -> Result<Published, Error> {
    let mut notes = check(artifact, options)?;
    let tags = resolve_tags(artifact, options, &mut notes)?;
    let target = &*to.target;
    let current = pointed::look_all(target, &tags).await?;
    let module = match (&to.bicep, artifact.module()) {
        (Some(bicep), Some(packed)) => Some(Module::plan(packed, &**bicep, &tags).await?),
        _ => None,
    };
    let ours = artifact.packed().descriptor();
    let kept = match (&options.subject, current.first()) {
        (Some(copied), _) => Some(copied.clone()),
        (None, Some(first)) => first.holding(target, artifact, &mut notes).await?,
        (None, None) => None,
    };
    let is_new = kept.is_none();
    let subject = kept.unwrap_or(ours);
    let moving: Vec<&String> = pointed::moving(&tags, &current, &subject, &mut notes);
    let mut done = Published {
        url: format!("{}@{}", to.url, subject.digest),
        repository: to.repository.clone(),
        tags: tags.clone(),
        digest: subject.digest,
        layer_digest: artifact.layer_digest(),
        pushed: is_new || !moving.is_empty() || module.as_ref().is_some_and(Module::is_work),
        signed: options.signer.is_some(),
        module: module.as_ref().map(|module| module.what.digest),
        notes,
    };
    if options.dry_run {
        return Ok(done);
    }
    let mut pushed = is_new && artifact.packed().push(target).await? == Pushed::Now;
    let mut statements = Vec::new();
    if options.attest {
        statements.push((PROVENANCE, attest::provenance(artifact)));
        statements.push((CONTENTS, attest::contents(artifact)));
    }
    let signing = options.signer.as_deref().map(|signer| signatures::Signing {
        repository: &to.signs_as,
        signer,
        format: options.format,
        statements: &statements,
    });
    let mut added = signatures::Added::default();
    if let Some(signing) = &signing {
        added = signatures::add(target, &subject, signing).await?;
    }
    if let Some(module) = &module {
        pushed |= module.publish().await?;
    }
    if let Some(signing) = signing.as_ref().filter(|_| added.something) {
        added = signatures::settle(target, &subject, signing, added).await?;
    }
    for tag in moving {
        target.tag(&subject, tag).await?;
        tracing::info!(tag, digest = %subject.digest, at = target.name(), "tag");
        pushed = true;
    }
    done.pushed = pushed;
    done.signed = added.something;
    done.notes.extend(added.notes);
    Ok(done)
}

/// Puts `content` beside any artifact that is there, as one that refers to it.
///
/// # Errors
/// When the place refuses.
pub async fn refer(
    to: &dyn Target,
    subject: &Descriptor,
    media_type: &str,
    content: Vec<u8>,
) -> Result<Descriptor, Error> {
    let referrer = Packed::referrer(media_type, content, subject, &serde_json::Map::new());
    referrer.push(to).await?;
    Ok(referrer.descriptor())
}

/// Signs any artifact that is there, in both of cosign's formats, with `statements` about it
/// by predicate type. `repository` is what signatures name as its place.
///
/// # Errors
/// When the place refuses, or the signer does not sign.
pub async fn seal(
    to: &dyn Target,
    subject: &Descriptor,
    repository: &str,
    signer: &dyn Signer,
    statements: &[(&'static str, Json)],
) -> Result<(), Error> {
    let signing = signatures::Signing {
        repository,
        signer,
        format: Some(SignatureFormat::Both),
        statements,
    };
    let added = signatures::add(to, subject, &signing).await?;
    signatures::settle(to, subject, &signing, added).await?;
    Ok(())
}

/// What makes no sense together, and what the reader should know beside.
fn check(artifact: &Artifact, options: &Options) -> Result<Vec<String>, Error> {
    if options.attest && options.signer.is_none() {
        return Err(Error::Usage(
            "attestations are signed: give --sign-key or --keyless with --attest".to_owned(),
        ));
    }
    if options.attest && options.format == Some(SignatureFormat::Legacy) {
        return Err(Error::Usage(
            "attestations are Sigstore bundles, and Flux reads nothing else where there is one: \
             --attest needs --signature-format both or sigstore"
                .to_owned(),
        ));
    }
    let mut notes = Vec::new();
    let inventory = artifact.inventory();
    if tags::is_dirty(inventory) {
        if options.attest && !options.filling.allow_dirty {
            return Err(Error::Usage(
                "the bundle was made of a tree with changes that no commit has, and provenance \
                 would name the commit: commit them, or give --allow-dirty"
                    .to_owned(),
            ));
        }
        notes.push("the tree has changes that no commit has".to_owned());
    }
    if inventory["source"]["revision"].is_null() {
        notes.push(
            "the bundle has no revision, and Flux will show none: render from a Git checkout, or \
             give --revision and --source-url"
                .to_owned(),
        );
    }
    Ok(notes)
}

/// The tags, each once. `latest` stays where it is when the tree has changes.
fn resolve_tags(
    artifact: &Artifact,
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    let inventory = artifact.inventory();
    let mut tags: Vec<String> = Vec::new();
    for template in &options.tags {
        let tag = template.resolve(inventory, &options.filling)?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.is_empty() {
        tags.push(LATEST.to_owned());
    }
    if tags::is_dirty(inventory) && !options.filling.allow_dirty {
        let before = tags.len();
        tags.retain(|tag| tag != LATEST);
        if tags.is_empty() {
            return Err(Error::Usage(
                "the tree has changes that no commit has, and `latest` does not move to that: \
                 commit them, give another --tag, or --allow-dirty"
                    .to_owned(),
            ));
        }
        if tags.len() < before {
            notes.push("`latest` stays where it is; --allow-dirty moves it".to_owned());
        }
    }
    Ok(tags)
}

/// The Bicep module and what is to be done about it.
struct Module<'m> {
    packed: &'m Packed,
    what: Descriptor,
    target: &'m dyn Target,
    /// Tags that do not point to it.
    tags: Vec<String>,
}

impl<'m> Module<'m> {
    /// Asks where the tags point; whoever refuses that refuses before anything is sent.
    async fn plan(
        packed: &'m Packed,
        target: &'m dyn Target,
        tags: &[String],
    ) -> Result<Self, Error> {
        let what = packed.descriptor();
        let current = pointed::look_all(target, tags).await.map_err(of_module)?;
        let moving = pointed::moving(tags, &current, &what, &mut Vec::new());
        Ok(Self {
            packed,
            target,
            tags: moving.into_iter().cloned().collect(),
            what,
        })
    }

    fn is_work(&self) -> bool {
        !self.tags.is_empty()
    }

    /// Puts it there and points the tags to it; whether anything had to be done.
    async fn publish(&self) -> Result<bool, Error> {
        if !self.is_work() {
            return Ok(false);
        }
        let push = async {
            self.packed.push(self.target).await?;
            for tag in &self.tags {
                self.target.tag(&self.what, tag).await?;
            }
            Ok(true)
        };
        push.await.map_err(of_module)
    }
}

/// An error that is about the module's repository.
fn of_module(error: Error) -> Error {
    match error {
        Error::Oci(source) if source.status().is_some() || source.is_unauthorized() => {
            Error::Module { source }
        }
        other => other,
    }
}
