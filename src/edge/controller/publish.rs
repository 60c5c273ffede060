//! Step 4, with the registry, the storage and the API server: what was rendered
//! goes out, everything by digest first, the names that others look at last.

use super::answer::{Retry, reason};
use super::api::{ApimBundle, Artifact, Oci, Published};
use super::condition::now;
use super::context::Context;
use super::dereference::Dereferenced;
use super::fenced::Fenced;
use super::render::Rendered;
use super::{access, external, lease};
use crate::edge::oci::{self, Descriptor, Reference, Registry, Target};
use crate::edge::publish::{self, Destination, Options};
use crate::tree::Digest;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Access(#[from] access::Error),
    #[error(transparent)]
    Registry(#[from] oci::Error),
    #[error(transparent)]
    Publish(#[from] publish::Error),
    #[error(transparent)]
    External(#[from] external::Error),
    #[error(transparent)]
    Lease(#[from] lease::Lost),
}

impl Error {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Access(_) => reason::AUTHENTICATION_FAILED,
            Self::Registry(error) => registry(error),
            Self::Publish(error) => match error {
                publish::Error::Oci(error) | publish::Error::Module { source: error } => {
                    registry(error)
                }
                publish::Error::Tag { .. } => reason::VALIDATION_FAILED,
                _ => reason::PUBLISH_FAILED,
            },
            Self::External(_) => reason::STORAGE_OPERATION_FAILED,
            Self::Lease(_) => reason::PROGRESSING,
        }
    }

    pub(super) fn retry(&self) -> Retry {
        match self {
            // A tag is made of the spec and the revision.
            Self::Publish(publish::Error::Tag { .. }) => Retry::OnChange,
            // Secrets, registries and disks change without anything that we watch.
            _ => Retry::Backoff,
        }
    }

    pub(super) fn is_lease(&self) -> bool {
        matches!(
            self,
            Self::Lease(_) | Self::External(external::Error::Lease(_))
        )
    }
}

fn registry(error: &oci::Error) -> &'static str {
    if error.is_unauthorized() {
        reason::AUTHENTICATION_FAILED
    } else {
        reason::PUBLISH_FAILED
    }
}

/// What is live now.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) published: Published,
    pub(super) artifact: Option<Artifact>,
}

/// Publishes `rendered` wherever the spec says.
pub(super) async fn publish(
    context: &Context,
    bundle: &ApimBundle,
    source: &Dereferenced,
    input: &str,
    rendered: Rendered,
) -> Result<Output, Error> {
    let layer = rendered.artifact.layer_digest();
    let mut published = Published {
        layer_digest: layer.to_string(),
        revision: format!("latest@{layer}"),
        origin_revision: Some(source.artifact.origin_revision().to_owned()),
        content_digest: Some(rendered.content_digest.to_string()),
        input: Some(input.to_owned()),
        time: now(),
        ..Published::default()
    };
    if let Some(oci) = &bundle.spec.publish.oci {
        let tags = oci.tags.iter().map(|tag| tag.parse());
        let tags = tags.collect::<Result<_, _>>()?;
        let destination = destination(context, bundle, oci).await?;
        let key = access::signing_key(context, bundle, oci).await?;
        let options = Options {
            tags,
            signer: key.map(|key| Arc::new(key) as _),
            ..Options::default()
        };
        let out = publish::publish(&rendered.artifact, &destination, &options).await?;
        published.url = out.url;
        published.digest = Some(out.digest.to_string());
        published.tags = out.tags;
    }
    let mut artifact = None;
    if bundle.spec.publish.external_artifact {
        let origin = source.artifact.origin_revision();
        let stored = store(context, bundle, &rendered, &published.revision, origin).await?;
        external::apply(context, bundle, &stored).await?;
        external::collect(context, bundle, &stored).await;
        if published.url.is_empty() {
            published.url.clone_from(&stored.url);
        }
        artifact = Some(stored);
    } else if is_external(bundle) {
        external::remove(context, bundle).await?;
    }
    Ok(Output {
        published,
        artifact,
    })
}

async fn store(
    context: &Context,
    bundle: &ApimBundle,
    rendered: &Rendered,
    revision: &str,
    origin: &str,
) -> Result<Artifact, external::Error> {
    let archive = rendered.artifact.packed().layer();
    let archive = archive.map(|(_, bytes)| bytes.clone()).unwrap_or_default();
    let layer = rendered.artifact.layer_digest();
    external::store(context, bundle, layer, archive, revision, origin).await
}

/// Stores the artifact `last`, which was lost, when `rendered` is the same.
pub(super) async fn store_again(
    context: &Context,
    bundle: &ApimBundle,
    rendered: &Rendered,
    last: &Artifact,
) -> Result<Option<Artifact>, Error> {
    if rendered.artifact.layer_digest().to_string() != last.digest {
        return Ok(None);
    }
    let origin = last.origin_revision();
    let stored = store(context, bundle, rendered, &last.revision, origin).await?;
    Ok(Some(stored))
}

/// Whether there is an ExternalArtifact of earlier.
fn is_external(bundle: &ApimBundle) -> bool {
    bundle.status.as_ref().is_some_and(|s| s.artifact.is_some())
}

/// The repository, and beside it the one of the Bicep module.
async fn destination(
    context: &Context,
    bundle: &ApimBundle,
    oci: &Oci,
) -> Result<Destination, Error> {
    let connection = access::connection(context, bundle, oci).await?;
    let reference: Reference = oci.url.parse()?;
    let registry = Registry::new(&reference, &connection)?;
    let fenced = |reference: &Reference| -> Arc<dyn Target> {
        let remote = registry.repository(reference);
        Arc::new(Fenced::new(remote, context.leadership.clone()))
    };
    let module = reference.sibling("/bicep")?;
    Ok(Destination {
        repository: reference.to_string(),
        signs_as: reference.to_string(),
        url: oci.url.clone(),
        target: fenced(&reference),
        bicep: Some(fenced(&module)),
    })
}

/// Whether what the status says is published is still there. An
/// ExternalArtifact that was changed or deleted is put back on the way.
pub(super) async fn intact(
    context: &Context,
    bundle: &ApimBundle,
    published: &Published,
    artifact: Option<&Artifact>,
) -> Result<bool, Error> {
    match (bundle.spec.publish.external_artifact, artifact) {
        (true, Some(artifact)) => {
            if !external::is_stored(context, bundle, artifact).await? {
                return Ok(false);
            }
            external::apply(context, bundle, artifact).await?;
            external::collect(context, bundle, artifact).await;
        }
        (true, None) => return Ok(false),
        (false, Some(_)) => external::remove(context, bundle).await?,
        (false, None) => {}
    }
    let Some(oci) = &bundle.spec.publish.oci else {
        return Ok(true);
    };
    let digest: Option<Digest> = published.digest.as_deref().and_then(|d| d.parse().ok());
    let Some(digest) = digest.filter(|_| !published.tags.is_empty()) else {
        return Ok(false);
    };
    let target = destination(context, bundle, oci).await?.target;
    let mut subject = None;
    for tag in &published.tags {
        subject = target.resolve(tag).await?.filter(|it| it.digest == digest);
        if subject.is_none() {
            tracing::info!(
                tag,
                url = oci.url,
                "the tag is not where it was; publishing again"
            );
            return Ok(false);
        }
    }
    match subject {
        Some(subject) => is_signed(context, bundle, oci, &*target, &subject).await,
        None => Ok(false),
    }
}

/// Whether the key that the spec names signed it, if it names one: keys are
/// rotated, and signatures deleted.
async fn is_signed(
    context: &Context,
    bundle: &ApimBundle,
    oci: &Oci,
    target: &dyn Target,
    subject: &Descriptor,
) -> Result<bool, Error> {
    let Some(key) = access::signing_key(context, bundle, oci).await? else {
        return Ok(true);
    };
    let signed = publish::is_signed(target, subject, &key.verifying_key().clone().into()).await?;
    if !signed {
        tracing::info!(
            url = oci.url,
            "there is no signature of the key; publishing again"
        );
    }
    Ok(signed)
}

/// Points the tags of `published` to it again where they were moved or deleted,
/// as long as the registry has it.
pub(super) async fn restore_tags(
    context: &Context,
    bundle: &ApimBundle,
    published: &Published,
) -> Result<(), Error> {
    let Some(oci) = &bundle.spec.publish.oci else {
        return Ok(());
    };
    let digest: Option<Digest> = published.digest.as_deref().and_then(|d| d.parse().ok());
    // The spec may name another repository by now.
    let here = |digest: &Digest| published.url == format!("{}@{digest}", oci.url);
    let Some(digest) = digest.filter(here) else {
        return Ok(());
    };
    let target = destination(context, bundle, oci).await?.target;
    for tag in &published.tags {
        let found = target.resolve(tag).await?;
        if found.is_some_and(|found| found.digest == digest) {
            continue;
        }
        let Some(subject) = target.resolve(&digest.to_string()).await? else {
            tracing::warn!(url = published.url, "the last good bundle is gone");
            return Ok(());
        };
        target.tag(&subject, tag).await?;
        tracing::info!(tag, url = published.url, "the tag is put back");
    }
    Ok(())
}
