//! One reconciliation, as its pipeline:
//! dereference -> fetch -> render -> publish -> update status.

use super::answer::{Retry, answered, is_not_found};
use super::api::{ApimBundle, ApimBundleStatus, Artifact, Diagnostics, Published};
use super::context::Context;
use super::dereference::{Dereferenced, dereference};
use super::error::Error;
use super::events::{Happened, Level};
use super::external::Last;
use super::fetch::fetch;
use super::policies::policies;
use super::publish::{Output, intact, publish, restore_tags, store_again};
use super::render::{self, Rendered, input_digest, refusal_digest};
use super::source_name::SourceName;
use super::update_status::{self, Attempt, Live};
use super::{external, finalize, write_status};
use crate::edge::work::Task;
use crate::levels::Policy;
use kube::Api;
use kube::runtime::controller::Action;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// For fetching, rendering and publishing once, unless the spec says.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What the steps came to.
enum Reached {
    /// Everything is as the spec says.
    Live(Box<Live>),
    /// This input was refused before, and nothing has changed.
    RefusedAlready,
}

/// Reconciles the object that a watch has seen.
pub(super) async fn reconcile(
    seen: Arc<ApimBundle>,
    context: Arc<Context>,
) -> Result<Action, Infallible> {
    let span = tracing::info_span!(
        "reconcile",
        controller = "apimbundle",
        controllerGroup = super::api::GROUP,
        controllerKind = super::api::KIND,
        namespace = seen.namespace(),
        name = seen.name(),
        reconcileID = format!("{:016x}", getrandom::u64().unwrap_or_default()),
    );
    let task = context.task(seen.namespace());
    // While it waits it takes little.
    let Some(_turn) = context.gate.turn(task.clone()).await else {
        return Ok(Action::await_change());
    };
    Ok(Box::pin(one(&seen, &context, task)).instrument(span).await)
}

async fn one(seen: &ApimBundle, context: &Context, task: Task) -> Action {
    let started = Instant::now();
    // What a watch has seen may be older than our own last status.
    let api: Api<ApimBundle> = Api::namespaced(context.client.clone(), seen.namespace());
    let bundle = match api.get(seen.name()).await {
        Ok(bundle) => bundle,
        Err(error) if is_not_found(&error) => return forget(context, seen),
        Err(error) => {
            tracing::warn!(error = %answered(&error), "cannot read the ApimBundle");
            return Action::requeue(context.settings.backoff(context.failures.add(seen)));
        }
    };
    if bundle.metadata.deletion_timestamp.is_some() {
        return end(context, &bundle).await;
    }
    let bundle = match finalize::attach(context, bundle).await {
        Ok(bundle) => bundle,
        Err(error) => return again(context, seen, &error, error.is_conflict()),
    };
    if bundle.spec.suspend {
        tracing::info!("reconciliation is suspended");
        context.failures.forget(&bundle);
        return Action::await_change();
    }
    let mut attempt = Attempt::default();
    // The object as it is after what was written on the way.
    let mut current = bundle.clone();
    let limit = bundle.spec.timeout.map_or(TIMEOUT, |timeout| timeout.0);
    let mut task = task;
    task.deadline = Some(Instant::now() + limit);
    let steps = steps(context, &bundle, &task, &mut current, &mut attempt);
    let outcome = match tokio::time::timeout(limit, steps).await {
        Ok(Err(Error::Render(render::Error::Late))) | Err(_) => Err(Error::Timeout(limit)),
        Ok(outcome) => outcome,
    };
    let failed = outcome.as_ref().err().map(Error::reason);
    context
        .metrics
        .reconciled(&bundle, started.elapsed(), failed);
    conclude(context, &bundle, &current, attempt, outcome, started).await
}

/// The steps, in order; each says by its types what it needs.
async fn steps(
    context: &Context,
    bundle: &ApimBundle,
    task: &Task,
    current: &mut ApimBundle,
    attempt: &mut Attempt,
) -> Result<Reached, Error> {
    let lost = lost(context, bundle).await?;
    attempt.artifact_lost = lost;
    let source = dereference(context, bundle).await?;
    let policies = policies(context, bundle.namespace()).await?;
    let (revision, input) = attempt.of(context, bundle, &source, &policies);

    let before = Before::of(bundle);
    if let Some(published) = before.rendered_from(&input) {
        let kept = before.keep(context, bundle, published, &revision).await?;
        if let Some(output) = kept {
            return Ok(Reached::live(revision, input, output, None, false));
        }
    } else if !lost && attempt.was_refused(bundle) {
        return Ok(Reached::RefusedAlready);
    }

    if !attempt.is_retry(bundle) {
        let status = update_status::progressing(bundle, &revision);
        *current = write_status::write(context, bundle, status).await?;
    }
    let fetched = fetch(context, source.clone(), task).await?;
    // It may be a newer one than a moment ago.
    let source = fetched.source.clone();
    let (revision, input) = attempt.of(context, bundle, &source, &policies);

    let rendered = render::render(context, fetched, &bundle.spec, &policies, task).await?;
    let diagnostics = Some(rendered.diagnostics.clone());
    if let Some(published) = before.with_content(&rendered.content_digest.to_string()) {
        let kept = before.keep(context, bundle, published, &revision).await?;
        if let Some(mut output) = kept {
            tracing::info!(
                revision,
                "the content is what is published; nothing is pushed"
            );
            output.published.input = Some(input.clone());
            return Ok(Reached::live(revision, input, output, diagnostics, false));
        }
    }
    if lost {
        before.again(context, bundle, &rendered, attempt).await?;
    }
    let output = publish(context, bundle, &source, &input, rendered).await?;
    attempt.artifact_lost = false;
    context.metrics.publications.inc();
    Ok(Reached::live(revision, input, output, diagnostics, true))
}

impl Attempt {
    /// Takes down what is tried; revision and input.
    fn of(
        &mut self,
        context: &Context,
        bundle: &ApimBundle,
        source: &Dereferenced,
        policies: &[Arc<Policy>],
    ) -> (String, String) {
        let revision = source.artifact.origin_revision().to_owned();
        let input = input_digest(&source.artifact.digest, &bundle.spec, policies).to_string();
        let refusable = refusal_digest(&input, &revision, &context.settings.limits);
        self.revision = Some(revision.clone());
        self.input = Some(refusable.to_string());
        (revision, input)
    }

    fn was_refused(&self, bundle: &ApimBundle) -> bool {
        let input = self.input.as_deref();
        input.is_some_and(|input| update_status::refused_already(bundle, input))
    }

    /// Whether the same failed before.
    fn is_retry(&self, bundle: &ApimBundle) -> bool {
        let status = bundle.status.as_ref();
        let seen = status.and_then(|s| s.last_attempted_revision.as_ref());
        update_status::failing(bundle) && seen == self.revision.as_ref()
    }
}

impl Reached {
    fn live(
        revision: String,
        input: String,
        output: Output,
        diagnostics: Option<Diagnostics>,
        anew: bool,
    ) -> Self {
        Self::Live(Box::new(Live {
            revision,
            input,
            published: output.published,
            artifact: output.artifact,
            diagnostics,
            anew,
        }))
    }
}

/// What was published before.
struct Before {
    published: Option<Published>,
    artifact: Option<Artifact>,
    /// Whether tags are the same for every revision.
    fixed_tags: bool,
}

impl Before {
    fn of(bundle: &ApimBundle) -> Self {
        let status = bundle.status.clone().unwrap_or_default();
        let mut tags = bundle.spec.publish.oci.iter().flat_map(|oci| &oci.tags);
        Self {
            published: status.published,
            artifact: status.artifact,
            fixed_tags: tags.all(|tag| !tag.contains('{')),
        }
    }

    fn rendered_from(&self, input: &str) -> Option<Published> {
        let published = self.published.clone()?;
        (published.input.as_deref() == Some(input)).then_some(published)
    }

    fn with_content(&self, content: &str) -> Option<Published> {
        let published = self.published.clone().filter(|_| self.fixed_tags)?;
        (published.content_digest.as_deref() == Some(content)).then_some(published)
    }

    /// Stores the artifact that was lost when it was rendered again: that needs
    /// no registry, which may be down.
    async fn again(
        &self,
        context: &Context,
        bundle: &ApimBundle,
        rendered: &Rendered,
        attempt: &mut Attempt,
    ) -> Result<(), Error> {
        if let Some(last) = &self.artifact
            && let Some(stored) = store_again(context, bundle, rendered, last).await?
        {
            attempt.artifact_lost = false;
            attempt.stored_again = Some(stored);
        }
        Ok(())
    }

    /// `published`, when it is still there; its artifact is then of `revision`
    /// too.
    async fn keep(
        &self,
        context: &Context,
        bundle: &ApimBundle,
        published: Published,
        revision: &str,
    ) -> Result<Option<Output>, Error> {
        let mut artifact = self.artifact.clone();
        if let Some(artifact) = &mut artifact {
            let key = "org.opencontainers.image.revision".to_owned();
            artifact.metadata.insert(key, revision.to_owned());
        }
        if !intact(context, bundle, &published, artifact.as_ref()).await? {
            return Ok(None);
        }
        let artifact = artifact.filter(|_| bundle.spec.publish.external_artifact);
        Ok(Some(Output {
            published,
            artifact,
        }))
    }
}

/// Whether the status speaks of an artifact that is not in the storage.
async fn lost(context: &Context, bundle: &ApimBundle) -> Result<bool, Error> {
    let artifact = bundle.status.as_ref().and_then(|s| s.artifact.as_ref());
    let Some(artifact) = artifact.filter(|_| bundle.spec.publish.external_artifact) else {
        return Ok(false);
    };
    let stored = external::is_stored(context, bundle, artifact).await;
    Ok(!stored.map_err(super::publish::Error::External)?)
}

/// Writes down what came out, tells who wants to know, decides when to go on.
async fn conclude(
    context: &Context,
    bundle: &ApimBundle,
    current: &ApimBundle,
    attempt: Attempt,
    outcome: Result<Reached, Error>,
    started: Instant,
) -> Action {
    let settings = &context.settings;
    let interval = Action::requeue(settings.jittered(bundle.spec.interval.0));
    let written = current.status.clone().unwrap_or_default();
    let (status, happened, action) = match outcome {
        Ok(Reached::RefusedAlready) => {
            let status = update_status::still_refused(bundle);
            heal(context, bundle, &status, false, true).await;
            (status, None, interval)
        }
        Ok(Reached::Live(live)) => {
            let happened = succeeded(bundle, &live);
            tracing::info!(
                revision = live.revision,
                url = live.published.url,
                anew = live.anew,
                seconds = started.elapsed().as_secs_f64(),
                "reconciliation finished"
            );
            context.failures.forget(bundle);
            (
                update_status::succeeded(bundle, written, *live),
                happened,
                interval,
            )
        }
        Err(error) if error.is_lease() => {
            tracing::info!(%error, "stopped");
            return Action::await_change();
        }
        Err(Error::Status(error)) => {
            tracing::warn!(%error, "the status was not written; trying again");
            return Action::requeue(settings.backoff(context.failures.add(bundle)));
        }
        Err(error) => {
            tracing::error!(reason = error.reason(), error = %error, "reconciliation failed");
            let happened = failed(bundle, &attempt, &error);
            let action = match error.retry() {
                Retry::OnChange => {
                    context.failures.forget(bundle);
                    interval
                }
                Retry::Dependency => Action::requeue(settings.requeue_dependency),
                Retry::Backoff => Action::requeue(settings.backoff(context.failures.add(bundle))),
            };
            let tags = !may_have_moved_tags(&error);
            let artifact_lost = attempt.artifact_lost;
            let status = update_status::failed(bundle, written, attempt, &error);
            heal(context, bundle, &status, artifact_lost, tags).await;
            (status, happened, action)
        }
    };
    if let Err(error) = write_status::write(context, current, status).await {
        tracing::warn!(%error, "the status was not written; trying again");
        return Action::requeue(settings.backoff(context.failures.add(bundle)));
    }
    if let Some(happened) = happened {
        context
            .events
            .emit(bundle, &SourceName::of(bundle), &happened);
    }
    action
}

/// Puts back what is left of the last good bundle where there is no newer one,
/// and lets its ExternalArtifact say why. `status` is what is written next.
async fn heal(
    context: &Context,
    bundle: &ApimBundle,
    status: &ApimBundleStatus,
    lost: bool,
    tags: bool,
) {
    let limit = bundle.spec.timeout.map_or(TIMEOUT, |timeout| timeout.0);
    let healing = async {
        if let Some(why) = update_status::why_not_ready(status)
            && bundle.spec.publish.external_artifact
        {
            let last = match &status.artifact {
                Some(artifact) => Last::Kept(artifact),
                None if lost => Last::Lost,
                None => Last::Never,
            };
            if let Err(error) = external::fail(context, bundle, why, last).await {
                tracing::warn!(%error, "the ExternalArtifact does not say that this failed");
            }
        }
        if let Some(published) = status.published.as_ref().filter(|_| tags)
            && let Err(error) = restore_tags(context, bundle, published).await
        {
            tracing::warn!(%error, "the tags of the last good bundle cannot be looked at");
        }
    };
    if tokio::time::timeout(limit, healing).await.is_err() {
        tracing::warn!("looking after the last good bundle took longer than spec.timeout");
    }
}

/// Whether a tag may point to the newer bundle already: the next attempt moves
/// the others after it, not this one back.
fn may_have_moved_tags(error: &Error) -> bool {
    let publishing = matches!(error, Error::Publish(_) | Error::Timeout(_));
    publishing && error.retry() != Retry::OnChange
}

/// A new bundle, or the end of a failure, is worth an event.
fn succeeded(bundle: &ApimBundle, live: &Live) -> Option<Happened> {
    let before = bundle.status.as_ref();
    let recovered = before.is_some() && !update_status::is_ready(before);
    let seen = before.and_then(|s| s.last_attempted_revision.as_deref());
    let newer = seen != Some(live.revision.as_str());
    if !live.anew && !recovered && !newer {
        return None;
    }
    let message = if live.anew {
        format!(
            "published the bundle of {} as {}",
            live.revision, live.published.url
        )
    } else {
        format!(
            "the bundle of {} is published: {}",
            live.revision, live.published.url
        )
    };
    Some(Happened {
        level: Level::Info,
        reason: super::answer::reason::SUCCEEDED,
        message,
        revision: Some(live.published.revision.clone()),
        origin_revision: Some(live.revision.clone()),
        digest: Some(live.published.layer_digest.clone()),
    })
}

/// A failure is told once, not at each attempt.
fn failed(bundle: &ApimBundle, attempt: &Attempt, error: &Error) -> Option<Happened> {
    let message = error.to_string();
    let status = bundle.status.as_ref();
    let same_revision =
        status.and_then(|s| s.last_attempted_revision.as_ref()) == attempt.revision.as_ref();
    if same_revision && update_status::is_failed_with(status, error.reason(), &message) {
        return None;
    }
    Some(Happened {
        // A source that is not there yet is no alarm.
        level: match error.retry() {
            Retry::Dependency => Level::Info,
            Retry::OnChange | Retry::Backoff => Level::Error,
        },
        reason: error.reason(),
        message,
        revision: attempt.revision.clone(),
        origin_revision: attempt.revision.clone(),
        digest: None,
    })
}

async fn end(context: &Context, bundle: &ApimBundle) -> Action {
    match finalize::finalize(context, bundle).await {
        Ok(()) => {
            tracing::info!("removed what was stored; what was pushed to registries stays");
            forget(context, bundle)
        }
        Err(error) => again(context, bundle, &error, error.is_conflict()),
    }
}

fn again(
    context: &Context,
    bundle: &ApimBundle,
    error: &finalize::Error,
    conflict: bool,
) -> Action {
    if conflict {
        return Action::requeue(context.settings.min_retry_delay);
    }
    tracing::warn!(%error, "trying again");
    Action::requeue(context.settings.backoff(context.failures.add(bundle)))
}

fn forget(context: &Context, bundle: &ApimBundle) -> Action {
    context.failures.forget(bundle);
    context.metrics.forget(bundle);
    Action::await_change()
}
