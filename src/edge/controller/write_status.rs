//! Step 5, with the API server: writes a status.

use super::answer::is_conflict;
use super::api::{ApimBundle, ApimBundleStatus};
use super::context::Context;
use kube::Api;
use kube::api::PostParams;

/// How often a status is written again after a conflict.
const ATTEMPTS: usize = 5;

/// Why a status was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error(transparent)]
    Lease(#[from] super::lease::Lost),
    #[error("write the status: {}", super::answer::answered(.0))]
    Api(kube::Error),
    #[error("another wrote the status in the meantime")]
    Overtaken,
}

/// Writes `status` when it says anything new, and gives back the object as it
/// is then. A spec that changed in the meantime is no obstacle, another who
/// writes the status is.
pub(super) async fn write(
    context: &Context,
    bundle: &ApimBundle,
    status: ApimBundleStatus,
) -> Result<ApimBundle, WriteError> {
    if bundle.status.as_ref() == Some(&status) {
        return Ok(bundle.clone());
    }
    let api: Api<ApimBundle> = Api::namespaced(context.client.clone(), bundle.namespace());
    let mut current = bundle.clone();
    for _ in 0..ATTEMPTS {
        context.leadership.check()?;
        current.status = Some(status.clone());
        match api
            .replace_status(bundle.name(), &PostParams::default(), &current)
            .await
        {
            Ok(written) => return Ok(written),
            Err(error) if is_conflict(&error) => {
                current = api.get(bundle.name()).await.map_err(WriteError::Api)?;
                if current.status != bundle.status || current.metadata.uid != bundle.metadata.uid {
                    return Err(WriteError::Overtaken);
                }
            }
            Err(error) => return Err(WriteError::Api(error)),
        }
    }
    Err(WriteError::Overtaken)
}
