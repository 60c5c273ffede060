//! The end of an ApimBundle: what was stored for it goes, what was pushed to a
//! registry stays.

use super::answer::{is_conflict, is_not_found};
use super::api::{ApimBundle, FINALIZER};
use super::context::Context;
use super::{external, lease};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    External(#[from] external::Error),
    #[error(transparent)]
    Lease(#[from] lease::Lost),
    #[error("change the finalizers: {}", super::answer::answered(.0))]
    Api(kube::Error),
}

/// Adds our finalizer; nothing is made for an object before it has it.
pub(super) async fn attach(context: &Context, bundle: ApimBundle) -> Result<ApimBundle, Error> {
    let finalizers = bundle.metadata.finalizers.as_deref().unwrap_or_default();
    if finalizers.iter().any(|f| f == FINALIZER) {
        return Ok(bundle);
    }
    let mut finalizers = finalizers.to_vec();
    finalizers.push(FINALIZER.to_owned());
    set(context, &bundle, &finalizers).await
}

/// Removes what was stored, then the finalizer.
pub(super) async fn finalize(context: &Context, bundle: &ApimBundle) -> Result<(), Error> {
    let finalizers = bundle.metadata.finalizers.as_deref().unwrap_or_default();
    if !finalizers.iter().any(|f| f == FINALIZER) {
        return Ok(());
    }
    external::remove(context, bundle).await?;
    let left: Vec<String> = finalizers
        .iter()
        .filter(|f| *f != FINALIZER)
        .cloned()
        .collect();
    match set(context, bundle, &left).await {
        Err(Error::Api(error)) if is_not_found(&error) => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

async fn set(
    context: &Context,
    bundle: &ApimBundle,
    finalizers: &[String],
) -> Result<ApimBundle, Error> {
    context.leadership.check()?;
    let api: Api<ApimBundle> = Api::namespaced(context.client.clone(), bundle.namespace());
    // With the version: another's finalizer must not get lost.
    let patch = json!({"metadata": {
        "finalizers": finalizers,
        "resourceVersion": bundle.metadata.resource_version,
    }});
    api.patch(bundle.name(), &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(Error::Api)
}

impl Error {
    /// Whether it is only that another was faster.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Api(error) if is_conflict(error))
    }
}
