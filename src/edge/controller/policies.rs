//! Policies of the operator, as they are for a namespace. The files are a mounted
//! ConfigMap: they are read for each reconciliation, so that a change needs no restart.

use super::answer::{Retry, answered, reason};
use super::context::Context;
use crate::edge::policies;
use crate::levels::Policy;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Read(#[from] policies::Error),
    #[error("read the labels of the namespace {namespace}, which a policy asks for: {why}")]
    Labels { namespace: String, why: String },
    #[error("the policies were not read to the end")]
    Interrupted,
}

impl Error {
    pub(super) fn reason(&self) -> &'static str {
        reason::BUILD_FAILED
    }

    pub(super) fn retry(&self) -> Retry {
        Retry::Backoff
    }
}

/// The policies that hold in `namespace`.
pub(super) async fn policies(
    context: &Context,
    namespace: &str,
) -> Result<Vec<Arc<Policy>>, Error> {
    let files = context.settings.policies.clone();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let reading = tokio::task::spawn_blocking(move || policies::read(&files));
    let all = reading.await.map_err(|_| Error::Interrupted)??;
    let labels = match all.iter().any(|policy| policy.asks_for_labels()) {
        false => None,
        true => {
            let api: Api<Namespace> = Api::all(context.client.clone());
            let found = api.get_metadata(namespace).await;
            let found = found.map_err(|error| Error::Labels {
                namespace: namespace.to_owned(),
                why: answered(&error),
            })?;
            found.metadata.labels
        }
    };
    let labels = labels.unwrap_or_default();
    let within = all.iter().map(|policy| policy.within(namespace, &labels));
    Ok(within.map(Arc::new).collect())
}
