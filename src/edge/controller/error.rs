//! What goes wrong, in one word for conditions, events and metrics, and
//! whether to try again.

use super::{dereference, fetch, policies, publish, render, update_status};
use std::time::Duration;

/// Reasons that are not Flux's own.
pub(super) mod reason {
    pub(crate) const SUCCEEDED: &str = "Succeeded";
    pub(crate) const PROGRESSING: &str = "Progressing";
    pub(crate) const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
    pub(crate) const ACCESS_DENIED: &str = "AccessDenied";
    pub(crate) const ARTIFACT_FAILED: &str = "ArtifactFailed";
    pub(crate) const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    pub(crate) const BUILD_FAILED: &str = "BuildFailed";
    pub(crate) const PUBLISH_FAILED: &str = "PublishFailed";
    pub(crate) const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
    pub(crate) const TIMEOUT: &str = "Timeout";
    pub(crate) const VALIDATION_FAILED: &str = "ValidationFailed";
}

/// When a step is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// When the source or the spec changes: until then the same would happen.
    OnChange,
    /// After the time that dependencies are given.
    Dependency,
    /// Later and later.
    Backoff,
}

/// Why a reconciliation did not succeed: one variant for each step.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Dereference(#[from] dereference::Error),
    #[error(transparent)]
    Policies(#[from] policies::Error),
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    #[error(transparent)]
    Render(#[from] render::Error),
    #[error(transparent)]
    Publish(#[from] publish::Error),
    #[error("not done within {0:?}: raise spec.timeout, or see in the log which step hangs")]
    Timeout(Duration),
    #[error(transparent)]
    Status(#[from] update_status::WriteError),
}

impl Error {
    /// One of a few words: condition reason, event reason, metric label.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Dereference(error) => error.reason(),
            Self::Policies(error) => error.reason(),
            Self::Fetch(error) => error.reason(),
            Self::Render(error) => error.reason(),
            Self::Publish(error) => error.reason(),
            Self::Timeout(_) => reason::TIMEOUT,
            Self::Status(_) => reason::PROGRESSING,
        }
    }

    /// Whether it only means that another replica leads now.
    pub(super) fn is_lease(&self) -> bool {
        match self {
            Self::Publish(error) => error.is_lease(),
            Self::Status(error) => matches!(error, update_status::WriteError::Lease(_)),
            _ => false,
        }
    }

    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Dereference(error) => error.retry(),
            Self::Policies(error) => error.retry(),
            Self::Fetch(error) => error.retry(),
            Self::Render(error) => error.retry(),
            Self::Publish(error) => error.retry(),
            Self::Timeout(_) | Self::Status(_) => Retry::Backoff,
        }
    }
}

/// What the API server answered, in words.
pub(super) fn answered(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}

pub(super) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

pub(super) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}
