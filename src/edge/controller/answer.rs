//! What every step says of its errors: a reason in one word, when to try again, and what
//! the API server answered.

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
