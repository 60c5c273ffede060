//! Step 1, with the API server: from the reference of an ApimBundle to the
//! artifact that the source has now. Never from a cache: what a watch has seen
//! may be gone.

use super::answer::{Retry, answered, is_not_found, reason};
use super::api::{ApimBundle, Artifact, FluxSource, SourceKind};
use super::context::Context;
use super::source_name::SourceName;
use kube::Api;

/// A source that has an artifact.
#[derive(Debug, Clone)]
pub(super) struct Dereferenced {
    pub(super) name: SourceName,
    pub(super) artifact: Artifact,
    /// Where the source itself comes from, without credentials.
    pub(super) url: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "{source_name} is in another namespace, which the controller does not allow (--no-cross-namespace-refs)"
    )]
    CrossNamespace { source_name: SourceName },
    #[error("{0} does not exist: create it, or correct spec.sourceRef")]
    NotFound(SourceName),
    #[error("{0} has no artifact yet: its own status says why")]
    NoArtifact(SourceName),
    #[error("{source_name} would be rendered from itself")]
    Itself { source_name: SourceName },
    #[error("read {source_name}: {reason}")]
    Api {
        source_name: SourceName,
        reason: String,
    },
}

impl Error {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::CrossNamespace { .. } => reason::ACCESS_DENIED,
            Self::Itself { .. } => reason::VALIDATION_FAILED,
            Self::NotFound(_) | Self::NoArtifact(_) | Self::Api { .. } => reason::ARTIFACT_FAILED,
        }
    }

    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::CrossNamespace { .. } | Self::Itself { .. } => Retry::OnChange,
            Self::NotFound(_) | Self::NoArtifact(_) => Retry::Dependency,
            Self::Api { .. } => Retry::Backoff,
        }
    }
}

pub(super) async fn dereference(
    context: &Context,
    bundle: &ApimBundle,
) -> Result<Dereferenced, Error> {
    let name = SourceName::of(bundle);
    if context.settings.no_cross_namespace_refs && name.namespace != bundle.namespace() {
        return Err(Error::CrossNamespace { source_name: name });
    }
    let itself = bundle.spec.publish.external_artifact
        && name.kind == SourceKind::ExternalArtifact
        && name.name == bundle.name()
        && name.namespace == bundle.namespace();
    if itself {
        return Err(Error::Itself { source_name: name });
    }
    read(&context.client, name).await
}

/// The artifact that `name` has now.
pub(super) async fn read(client: &kube::Client, name: SourceName) -> Result<Dereferenced, Error> {
    let resource = name.kind.resource();
    let api: Api<FluxSource> = Api::namespaced_with(client.clone(), &name.namespace, &resource);
    let source = match api.get(&name.name).await {
        Ok(source) => source,
        Err(error) if is_not_found(&error) => return Err(Error::NotFound(name)),
        Err(error) => {
            return Err(Error::Api {
                reason: answered(&error),
                source_name: name,
            });
        }
    };
    let Some(artifact) = source.status.artifact else {
        return Err(Error::NoArtifact(name));
    };
    let annotated = artifact.metadata.get("org.opencontainers.image.source");
    let url = annotated.or(source.spec.url.as_ref());
    Ok(Dereferenced {
        url: url.map(|url| crate::bundle::Source::public_url(url)),
        artifact,
        name,
    })
}
