//! Step 4, with the registry, the storage and the API server: what was rendered
//! goes out, everything by digest first, the names that others look at last.

use super::api::{ApimBundle, Artifact, Oci, Published};
use super::context::Context;
use super::dereference::Dereferenced;
use super::error::{Retry, reason};
use super::fenced::Fenced;
use super::render::Rendered;
use super::update_status::now;
use super::{access, external, lease};
use crate::edge::oci::{self, Reference, Registry, Target};
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
                publish::Error::Oci(error) => registry(error),
                _ => reason::PUBLISH_FAILED,
            },
            Self::External(_) => reason::STORAGE_OPERATION_FAILED,
            Self::Lease(_) => reason::PROGRESSING,
        }
    }

    pub(super) fn retry(&self) -> Retry {
        // Secrets, registries and disks change without anything that we watch.
        Retry::Backoff
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
        let destination = destination(context, bundle, oci).await?;
        let tags = oci.tags.iter().map(|tag| tag.parse());
        let options = Options {
            tags: tags.collect::<Result<_, _>>()?,
            signer: access::signing_key(context, bundle, oci).await?,
            attest: false,
        };
        let out = publish::publish(&rendered.artifact, &destination, &options).await?;
        published.url = out.url;
        published.digest = Some(out.digest.to_string());
        published.tags = out.tags;
    }
    let mut artifact = None;
    if bundle.spec.publish.external_artifact {
        let origin = source.artifact.origin_revision();
        let archive = rendered.artifact.packed().layer();
        let archive = archive.map(|(_, bytes)| bytes.clone()).unwrap_or_default();
        let stored =
            external::store(context, bundle, layer, archive, &published.revision, origin).await?;
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
    for tag in &published.tags {
        let found = target.resolve(tag).await?;
        if found.is_none_or(|found| found.digest != digest) {
            tracing::info!(
                tag,
                url = oci.url,
                "the tag is not where it was; publishing again"
            );
            return Ok(false);
        }
    }
    Ok(true)
}
