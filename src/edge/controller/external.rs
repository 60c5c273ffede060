//! The ExternalArtifact of an ApimBundle: stored archive and object.

use super::answer::{answered, is_not_found};
use super::api::{
    ApimBundle, Artifact, Condition, ConditionStatus, FluxSource, GROUP, KIND, SHARD,
    external_artifact,
};
use super::condition::{MAX_MESSAGE, READY, now};
use super::context::Context;
use super::events::CONTROLLER;
use super::lease;
use crate::edge::storage::{self, Owner};
use crate::tree::Digest;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "ExternalArtifact {namespace}/{name} exists and is not of this ApimBundle; delete it, or rename the ApimBundle"
    )]
    Foreign { namespace: String, name: String },
    #[error("{attempted}: {reason}")]
    Api { attempted: String, reason: String },
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    Lease(#[from] lease::Lost),
}

fn api(context: &Context, bundle: &ApimBundle) -> Api<FluxSource> {
    Api::namespaced_with(
        context.client.clone(),
        bundle.namespace(),
        &external_artifact(),
    )
}

fn owner(bundle: &ApimBundle) -> Result<Owner, storage::Error> {
    Owner::new("externalartifact", bundle.namespace(), bundle.name())
}

fn attempted<'a>(bundle: &ApimBundle, verb: &'a str) -> impl Fn(&kube::Error) -> Error + use<'a> {
    let place = format!("{}/{}", bundle.namespace(), bundle.name());
    move |error| Error::Api {
        attempted: format!("{verb} ExternalArtifact {place}"),
        reason: answered(error),
    }
}

/// Stores the archive, and says what the object is to say of it.
pub(super) async fn store(
    context: &Context,
    bundle: &ApimBundle,
    digest: Digest,
    archive: bytes::Bytes,
    revision: &str,
    origin: &str,
) -> Result<Artifact, Error> {
    context.leadership.check()?;
    let owner = owner(bundle)?;
    let storage = context.storage.clone();
    let stored = blocking(move || storage.put(&owner, digest, &archive)).await?;
    // What was lost and made again is what it was.
    let before = bundle.status.as_ref().and_then(|s| s.artifact.as_ref());
    let before = before.filter(|a| a.url == stored.url);
    Ok(Artifact {
        digest: digest.to_string(),
        last_update_time: before.map_or_else(now, |a| a.last_update_time.clone()),
        path: stored.path,
        revision: revision.to_owned(),
        size: i64::try_from(stored.size).ok(),
        url: stored.url,
        metadata: BTreeMap::from([(
            "org.opencontainers.image.revision".to_owned(),
            origin.to_owned(),
        )]),
    })
}

/// Removes older archives.
pub(super) async fn collect(context: &Context, bundle: &ApimBundle, current: &Artifact) {
    let (Ok(owner), Ok(digest)) = (owner(bundle), current.digest.parse()) else {
        return;
    };
    let storage = context.storage.clone();
    match blocking(move || storage.collect(&owner, digest)).await {
        Ok(0) => {}
        Ok(removed) => tracing::debug!(removed, "garbage collected artifacts"),
        Err(error) => tracing::warn!(%error, "cannot collect old artifacts"),
    }
}

/// Whether the archive is there and is what `artifact` says.
pub(super) async fn is_stored(
    context: &Context,
    bundle: &ApimBundle,
    artifact: &Artifact,
) -> Result<bool, Error> {
    let Ok(digest) = artifact.digest.parse::<Digest>() else {
        return Ok(false);
    };
    let owner = owner(bundle)?;
    let storage = context.storage.clone();
    let size = u64::try_from(artifact.size.unwrap_or_default()).unwrap_or_default();
    let place = storage.place(&owner, digest, size);
    // The address of the controller may be another than before.
    if place.url != artifact.url || place.path != artifact.path {
        return Ok(false);
    }
    blocking(move || Ok(storage.holds(&owner, digest))).await
}

/// Makes the object say `artifact`, when it does not. Whoever changed or
/// deleted it is overruled.
pub(super) async fn apply(
    context: &Context,
    bundle: &ApimBundle,
    artifact: &Artifact,
) -> Result<(), Error> {
    let message = format!("stored artifact for revision {}", artifact.revision);
    let says = (ConditionStatus::True, "Succeeded", message.as_str());
    put(context, bundle, artifact, says).await
}

/// Makes the object say `artifact`, and what there is to say of it.
async fn put(
    context: &Context,
    bundle: &ApimBundle,
    artifact: &Artifact,
    (holds, reason, message): (ConditionStatus, &str, &str),
) -> Result<(), Error> {
    let api = api(context, bundle);
    let found = match api.get(bundle.name()).await {
        Ok(found) => Some(found),
        Err(error) if is_not_found(&error) => None,
        Err(error) => return Err(attempted(bundle, "read")(&error)),
    };
    let ready = ready(found.as_ref(), holds, reason, message);
    let mut there = false;
    let mut says = false;
    if let Some(found) = &found {
        if !is_ours(found, bundle) {
            return Err(Error::Foreign {
                namespace: bundle.namespace().to_owned(),
                name: bundle.name().to_owned(),
            });
        }
        there = is_whole(found, bundle);
        says = found.status.artifact.as_ref() == Some(artifact)
            && found.status.conditions.contains(&ready);
    }
    let params = PatchParams::apply(CONTROLLER).force();
    if !there {
        context.leadership.check()?;
        let patch = Patch::Apply(object(bundle));
        api.patch(bundle.name(), &params, &patch)
            .await
            .map_err(|e| attempted(bundle, "apply")(&e))?;
    }
    if !says
        || found
            .as_ref()
            .is_none_or(|f| f.metadata.generation.is_none())
    {
        context.leadership.check()?;
        let patch = Patch::Apply(status(bundle, artifact, &ready));
        api.patch_status(bundle.name(), &params, &patch)
            .await
            .map_err(|e| attempted(bundle, "apply the status of")(&e))?;
    }
    Ok(())
}

/// Removes archive and object, when they are ours.
pub(super) async fn remove(context: &Context, bundle: &ApimBundle) -> Result<(), Error> {
    context.leadership.check()?;
    let api = api(context, bundle);
    match api.get(bundle.name()).await {
        Ok(found) if is_ours(&found, bundle) => {
            match api.delete(bundle.name(), &DeleteParams::default()).await {
                Err(error) if !is_not_found(&error) => {
                    return Err(attempted(bundle, "delete")(&error));
                }
                _ => {}
            }
        }
        Err(error) if !is_not_found(&error) => return Err(attempted(bundle, "read")(&error)),
        _ => {}
    }
    let owner = owner(bundle)?;
    let storage = context.storage.clone();
    blocking(move || storage.remove(&owner)).await
}

/// What there is of the last good artifact when a reconciliation fails.
#[derive(Debug, Clone, Copy)]
pub(super) enum Last<'a> {
    /// It is in the storage.
    Kept(&'a Artifact),
    /// There was none.
    Never,
    /// Its archive is lost.
    Lost,
}

/// Makes the object say why there is no newer artifact. The last one stays, and
/// is put back when another changed or deleted it; one that is lost is
/// withdrawn.
pub(super) async fn fail(
    context: &Context,
    bundle: &ApimBundle,
    (reason, message): (&str, &str),
    last: Last<'_>,
) -> Result<(), Error> {
    let lost = match last {
        Last::Kept(artifact) => {
            let says = (ConditionStatus::False, reason, message);
            return put(context, bundle, artifact, says).await;
        }
        Last::Never => false,
        Last::Lost => true,
    };
    let api = api(context, bundle);
    let found = match api.get(bundle.name()).await {
        Ok(found) if is_ours(&found, bundle) => found,
        Err(error) if !is_not_found(&error) => return Err(attempted(bundle, "read")(&error)),
        _ => return Ok(()),
    };
    let ready = ready(Some(&found), ConditionStatus::False, reason, message);
    let withdrawn = lost && found.status.artifact.is_some();
    if !withdrawn && found.status.conditions.contains(&ready) {
        return Ok(());
    }
    let mut status = json!({"conditions": [ready]});
    if withdrawn {
        status["artifact"] = Json::Null;
    }
    context.leadership.check()?;
    let patch = Patch::Merge(json!({"status": status}));
    api.patch_status(bundle.name(), &PatchParams::default(), &patch)
        .await
        .map_err(|e| attempted(bundle, "change the status of")(&e))?;
    Ok(())
}

/// The condition of the object; its time changes with its status.
fn ready(
    found: Option<&FluxSource>,
    status: ConditionStatus,
    reason: &str,
    message: &str,
) -> Condition {
    let mut conditions = found.iter().flat_map(|f| &f.status.conditions);
    let since = conditions.find(|c| c.type_ == READY && c.status == status);
    Condition {
        type_: READY.to_owned(),
        status,
        // Its spec never changes.
        observed_generation: Some(1),
        last_transition_time: since.map_or_else(now, |c| c.last_transition_time.clone()),
        reason: reason.to_owned(),
        message: crate::diag::excerpt(message, MAX_MESSAGE),
    }
}

/// An ApimBundle of this name made it: this one, or one that was deleted.
fn is_ours(found: &FluxSource, bundle: &ApimBundle) -> bool {
    let owners = found.metadata.owner_references.iter().flatten();
    owners
        .into_iter()
        .any(|o| o.kind == KIND && o.api_version.starts_with(GROUP) && o.name == bundle.name())
}

fn is_whole(found: &FluxSource, bundle: &ApimBundle) -> bool {
    let owners = found.metadata.owner_references.iter().flatten();
    let owned = owners
        .into_iter()
        .any(|o| Some(&o.uid) == bundle.metadata.uid.as_ref());
    let shard = |labels: &Option<BTreeMap<String, String>>| labels.as_ref()?.get(SHARD).cloned();
    owned && shard(&found.metadata.labels) == shard(&bundle.metadata.labels)
}

fn object(bundle: &ApimBundle) -> Json {
    let mut labels = BTreeMap::from([("app.kubernetes.io/managed-by", "flux-apim")]);
    if let Some(shard) = bundle.metadata.labels.as_ref().and_then(|l| l.get(SHARD)) {
        labels.insert(SHARD, shard);
    }
    let resource = external_artifact();
    let ours = format!("{GROUP}/v1alpha1");
    json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": bundle.name(),
            "namespace": bundle.namespace(),
            "labels": labels,
            "ownerReferences": [{
                "apiVersion": ours, "kind": KIND, "name": bundle.name(),
                "uid": bundle.metadata.uid, "controller": true,
            }],
        },
        "spec": {
            "sourceRef": {
                "apiVersion": ours, "kind": KIND, "name": bundle.name(),
                "namespace": bundle.namespace(),
            },
        },
    })
}

fn status(bundle: &ApimBundle, artifact: &Artifact, ready: &Condition) -> Json {
    let resource = external_artifact();
    json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": bundle.name(), "namespace": bundle.namespace()},
        "status": {
            "artifact": artifact,
            "conditions": [ready],
        },
    })
}

/// File systems block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, storage::Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(Error::Storage(storage::Error::Io {
            attempted: "work".to_owned(),
            reason: error.to_string(),
        })),
    }
}
