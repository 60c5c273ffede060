//! Step 5, with the API server: the only place where conditions are written.

use super::answer::{Retry, reason};
use super::api::{
    ApimBundle, ApimBundleStatus, Artifact, Condition, ConditionStatus, Diagnostics, Published,
    Snapshot,
};
use super::condition::{MAX_MESSAGE, READY, now};
use super::error::Error;
use super::render;

const RECONCILING: &str = "Reconciling";
const STALLED: &str = "Stalled";
const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
/// Sets a condition; its time changes with its status.
fn set(
    status: &mut ApimBundleStatus,
    generation: i64,
    type_: &str,
    holds: ConditionStatus,
    reason: &str,
    message: &str,
) {
    let before = status.condition(type_);
    let since = before.filter(|c| c.status == holds);
    let condition = Condition {
        type_: type_.to_owned(),
        status: holds,
        observed_generation: Some(generation),
        last_transition_time: since.map_or_else(now, |c| c.last_transition_time.clone()),
        reason: reason.to_owned(),
        message: crate::diag::excerpt(message, MAX_MESSAGE),
    };
    match status.conditions.iter_mut().find(|c| c.type_ == type_) {
        Some(place) => *place = condition,
        None => status.conditions.push(condition),
    }
    // Ready first, then by name.
    status
        .conditions
        .sort_by(|a, b| (a.type_ != READY, &a.type_).cmp(&(b.type_ != READY, &b.type_)));
}

fn unset(status: &mut ApimBundleStatus, type_: &str) {
    status.conditions.retain(|c| c.type_ != type_);
}

fn generation(bundle: &ApimBundle) -> i64 {
    bundle.metadata.generation.unwrap_or_default()
}

/// A new revision or spec is being worked on. After a failure Ready stays
/// `False` meanwhile: the next failure is then no news to those who look at it.
pub(super) fn progressing(bundle: &ApimBundle, revision: &str) -> ApimBundleStatus {
    let mut status = bundle.status.clone().unwrap_or_default();
    let generation = generation(bundle);
    let message = format!("rendering revision {revision}");
    unset(&mut status, STALLED);
    set(
        &mut status,
        generation,
        RECONCILING,
        ConditionStatus::True,
        reason::PROGRESSING,
        &message,
    );
    if !failing(bundle) {
        set(
            &mut status,
            generation,
            READY,
            ConditionStatus::Unknown,
            reason::PROGRESSING,
            &message,
        );
    }
    status
}

/// What a successful reconciliation came to.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) revision: String,
    pub(super) input: String,
    pub(super) published: Published,
    pub(super) artifact: Option<Artifact>,
    /// Findings, when it was rendered anew.
    pub(super) diagnostics: Option<Diagnostics>,
    /// Whether the bundle is another than before.
    pub(super) anew: bool,
}

/// Everything is published as the spec of `bundle` says. `status` is the one
/// that was written last: the object may have a newer spec by now, which is
/// looked at next.
pub(super) fn succeeded(
    bundle: &ApimBundle,
    mut status: ApimBundleStatus,
    live: Live,
) -> ApimBundleStatus {
    let Live {
        revision,
        input,
        published,
        artifact,
        diagnostics,
        anew,
    } = live;
    let generation = generation(bundle);
    let message = format!("published the bundle of {revision} as {}", published.url);
    for type_ in [RECONCILING, STALLED] {
        unset(&mut status, type_);
    }
    set(
        &mut status,
        generation,
        READY,
        ConditionStatus::True,
        reason::SUCCEEDED,
        &message,
    );
    match &artifact {
        Some(artifact) => {
            let message = format!("stored artifact for revision '{}'", artifact.revision);
            set(
                &mut status,
                generation,
                ARTIFACT_IN_STORAGE,
                ConditionStatus::True,
                reason::SUCCEEDED,
                &message,
            );
        }
        None => unset(&mut status, ARTIFACT_IN_STORAGE),
    }
    if anew {
        remember(&mut status.history, &published);
    }
    status.history.truncate(bundle.spec.history.into());
    status.last_attempted_revision = Some(revision);
    status.last_attempted_input = Some(input);
    status.published = Some(published);
    status.artifact = artifact;
    if diagnostics.is_some() {
        status.diagnostics = diagnostics;
    }
    observed(bundle, status)
}

fn remember(history: &mut Vec<Snapshot>, published: &Published) {
    let same = |s: &Snapshot| s.layer_digest == published.layer_digest && s.url == published.url;
    let before = history.iter().position(same).map(|i| history.remove(i));
    let snapshot = Snapshot {
        url: published.url.clone(),
        layer_digest: published.layer_digest.clone(),
        origin_revision: published.origin_revision.clone(),
        first_published: before.map_or_else(|| published.time.clone(), |s| s.first_published),
        last_published: published.time.clone(),
    };
    history.insert(0, snapshot);
}

/// What was tried when a reconciliation failed.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    pub(super) revision: Option<String>,
    /// Digest of everything that could be the reason to refuse it.
    pub(super) input: Option<String>,
    /// The stored artifact is lost, and could not be made again.
    pub(super) artifact_lost: bool,
    /// The artifact that was lost, as it was stored again.
    pub(super) stored_again: Option<Artifact>,
}

/// The last good bundle stays; Ready says why there is no newer one.
pub(super) fn failed(
    bundle: &ApimBundle,
    mut status: ApimBundleStatus,
    attempt: Attempt,
    error: &Error,
) -> ApimBundleStatus {
    let generation = generation(bundle);
    let message = error.to_string();
    set(
        &mut status,
        generation,
        READY,
        ConditionStatus::False,
        error.reason(),
        &message,
    );
    if error.retry() == Retry::OnChange {
        unset(&mut status, RECONCILING);
        set(
            &mut status,
            generation,
            STALLED,
            ConditionStatus::True,
            error.reason(),
            &message,
        );
    } else {
        unset(&mut status, STALLED);
        set(
            &mut status,
            generation,
            RECONCILING,
            ConditionStatus::True,
            reason::PROGRESSING_WITH_RETRY,
            &message,
        );
    }
    if let Error::Render(render::Error::Findings { diagnostics, .. }) = error {
        status.diagnostics = Some((**diagnostics).clone());
    }
    if attempt.artifact_lost {
        status.artifact = None;
        unset(&mut status, ARTIFACT_IN_STORAGE);
    } else if attempt.stored_again.is_some() {
        status.artifact = attempt.stored_again;
    }
    if attempt.revision.is_some() {
        status.last_attempted_revision = attempt.revision;
    }
    // Known to be refused; what failed on the way is tried again.
    let decided = error.retry() == Retry::OnChange;
    status.last_attempted_input = attempt.input.filter(|_| decided);
    observed(bundle, status)
}

fn observed(bundle: &ApimBundle, mut status: ApimBundleStatus) -> ApimBundleStatus {
    status.observed_generation = bundle.metadata.generation;
    if let Some(token) = bundle.requested_at() {
        status.last_handled_reconcile_at = Some(token.to_owned());
    }
    status
}

/// Whether the last reconciliation refused exactly this input; then it would
/// again.
pub(super) fn refused_already(bundle: &ApimBundle, input: &str) -> bool {
    let Some(status) = &bundle.status else {
        return false;
    };
    let refused = status
        .condition(STALLED)
        .is_some_and(|c| c.status == ConditionStatus::True);
    refused
        && status.last_attempted_input.as_deref() == Some(input)
        && status.observed_generation == bundle.metadata.generation
}

/// Whether this failure goes on from an earlier one.
pub(super) fn failing(bundle: &ApimBundle) -> bool {
    let ready = bundle.status.as_ref().and_then(|s| s.condition(READY));
    ready.is_some_and(|c| {
        c.status == ConditionStatus::False && c.observed_generation == bundle.metadata.generation
    })
}

pub(super) fn is_ready(status: Option<&ApimBundleStatus>) -> bool {
    let ready = status.and_then(|s| s.condition(READY));
    ready.is_some_and(|c| c.status == ConditionStatus::True)
}

/// Whether Ready says already that this went wrong.
pub(super) fn is_failed_with(
    status: Option<&ApimBundleStatus>,
    reason: &str,
    message: &str,
) -> bool {
    let ready = status.and_then(|s| s.condition(READY));
    ready.is_some_and(|c| {
        let excerpt = crate::diag::excerpt(message, MAX_MESSAGE);
        c.status == ConditionStatus::False && c.reason == reason && c.message == excerpt
    })
}

/// Nothing changed since this was refused; a request is answered all the same.
pub(super) fn still_refused(bundle: &ApimBundle) -> ApimBundleStatus {
    observed(bundle, bundle.status.clone().unwrap_or_default())
}

/// What Ready says is wrong: reason and message.
pub(super) fn why_not_ready(status: &ApimBundleStatus) -> Option<(&str, &str)> {
    let ready = status.condition(READY)?;
    (ready.status == ConditionStatus::False).then_some((&ready.reason, &ready.message))
}

#[cfg(test)]
mod tests {
    use super::super::dereference;
    use super::super::source_name::SourceName;
    use super::*;
    use serde_json::json;

    fn bundle() -> ApimBundle {
        serde_json::from_value(json!({
            "apiVersion": "flux-apim.dev/v1alpha1", "kind": "ApimBundle",
            "metadata": {
                "name": "contoso", "namespace": "apis", "generation": 3,
                "annotations": {"reconcile.fluxcd.io/requestedAt": "now"},
            },
            "spec": {
                "interval": "1m", "publish": {"externalArtifact": true}, "history": 2,
                "sourceRef": {"kind": "GitRepository", "name": "contoso-apis"},
            },
        }))
        .unwrap()
    }

    fn live(layer: &str) -> Live {
        Live {
            revision: "main@sha1:aa".into(),
            input: "sha256:in".into(),
            published: Published {
                url: format!("oci://r/x@{layer}"),
                layer_digest: layer.into(),
                time: now(),
                ..Published::default()
            },
            artifact: None,
            diagnostics: None,
            anew: true,
        }
    }

    fn succeeded(bundle: &ApimBundle, live: Live) -> ApimBundleStatus {
        let before = bundle.status.clone().unwrap_or_default();
        super::succeeded(bundle, before, live)
    }

    fn failed(bundle: &ApimBundle, error: &Error) -> ApimBundleStatus {
        let before = bundle.status.clone().unwrap_or_default();
        super::failed(bundle, before, Attempt::default(), error)
    }

    fn types(status: &ApimBundleStatus) -> Vec<(&str, ConditionStatus, &str)> {
        status
            .conditions
            .iter()
            .map(|c| (c.type_.as_str(), c.status, c.reason.as_str()))
            .collect()
    }

    fn denied() -> Error {
        let source_name = SourceName::of(&bundle());
        Error::Dereference(dereference::Error::CrossNamespace { source_name })
    }

    #[test]
    fn success_leaves_ready_alone_and_answers_the_request() {
        let mut bundle = bundle();
        bundle.status = Some(progressing(&bundle, "main@sha1:aa"));
        let status = succeeded(&bundle, live("sha256:1"));
        assert_eq!(
            types(&status),
            [("Ready", ConditionStatus::True, "Succeeded")]
        );
        assert_eq!(status.observed_generation, Some(3));
        assert_eq!(status.last_handled_reconcile_at.as_deref(), Some("now"));
    }

    #[test]
    fn a_failure_that_retrying_cannot_help_is_stalled_and_keeps_what_is_live() {
        let mut bundle = bundle();
        bundle.status = Some(succeeded(&bundle, live("sha256:1")));
        let status = failed(&bundle, &denied());
        assert_eq!(
            types(&status),
            [
                ("Ready", ConditionStatus::False, "AccessDenied"),
                ("Stalled", ConditionStatus::True, "AccessDenied"),
            ]
        );
        assert_eq!(status.published, bundle.status.unwrap().published);
    }

    #[test]
    fn a_failure_that_is_retried_says_so() {
        let status = failed(
            &bundle(),
            &Error::Timeout(std::time::Duration::from_secs(1)),
        );
        assert_eq!(
            types(&status),
            [
                ("Ready", ConditionStatus::False, "Timeout"),
                ("Reconciling", ConditionStatus::True, "ProgressingWithRetry"),
            ]
        );
    }

    #[test]
    fn a_new_revision_after_a_failure_is_worked_on_and_ready_stays_as_it_was() {
        let mut bundle = bundle();
        bundle.status = Some(failed(&bundle, &denied()));
        let status = progressing(&bundle, "main@sha1:bb");
        assert_eq!(
            types(&status),
            [
                ("Ready", ConditionStatus::False, "AccessDenied"),
                ("Reconciling", ConditionStatus::True, "Progressing"),
            ]
        );
    }

    #[test]
    fn history_is_bounded_and_a_bundle_is_in_it_once() {
        let mut bundle = bundle();
        for layer in ["sha256:1", "sha256:2", "sha256:1", "sha256:3"] {
            bundle.status = Some(succeeded(&bundle, live(layer)));
        }
        let history = bundle.status.unwrap().history;
        let layers: Vec<_> = history.iter().map(|s| s.layer_digest.as_str()).collect();
        assert_eq!(layers, ["sha256:3", "sha256:1"]);
    }

    #[test]
    fn times_change_with_the_status_only() {
        let mut bundle = bundle();
        let mut status = succeeded(&bundle, live("sha256:1"));
        status.conditions[0].last_transition_time = "2020-01-01T00:00:00Z".into();
        bundle.status = Some(status);
        let status = succeeded(&bundle, live("sha256:2"));
        assert_eq!(
            status.conditions[0].last_transition_time,
            "2020-01-01T00:00:00Z"
        );
        let status = failed(&bundle, &denied());
        assert_ne!(
            status.conditions[0].last_transition_time,
            "2020-01-01T00:00:00Z"
        );
    }
}
