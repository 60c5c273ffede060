//! What makes an ApimBundle be reconciled: its spec or a request, a new
//! artifact of its source, a change to its ExternalArtifact, its interval.

use super::api::{ApimBundle, FluxSource, GROUP, KIND, SourceKind};
use super::dereference::SourceName;
use super::error::answered;
use futures_util::{Stream, StreamExt};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{Controller, Predicate, WatchStreamExt, predicates, watcher};
use kube::{Api, Client, ResourceExt};
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::future::ready;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// Which objects are looked after.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// One namespace, or all.
    pub namespace: Option<String>,
    /// Labels of the ApimBundles: the shard.
    pub label_selector: Option<String>,
}

/// A controller with everything that triggers it.
pub(super) fn controller(client: &Client, scope: &Scope) -> Controller<ApimBundle> {
    let api: Api<ApimBundle> = match &scope.namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let mut config = watcher::Config::default();
    config.label_selector.clone_from(&scope.label_selector);
    let (reader, writer) = reflector::store();
    let asked = predicates::generation
        .combine(requested)
        .combine(predicates::labels);
    let bundles = heard(watcher(api, config).default_backoff())
        .modify(|bundle| {
            bundle.managed_fields_mut().clear();
        })
        .reflect(writer)
        .applied_objects()
        .predicate_filter(asked, Default::default());
    let mut controller = Controller::for_stream(bundles, reader.clone());
    for kind in SourceKind::ALL {
        let resource = kind.resource();
        let api: Api<FluxSource> = match &scope.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let reader = reader.clone();
        controller = controller.watches_stream_with(
            artifacts(api),
            move |source| concerned(&reader, kind, &source),
            resource,
        );
    }
    controller
}

fn requested(bundle: &ApimBundle) -> Option<u64> {
    Some(hashed(&bundle.requested_at()))
}

fn hashed(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Sources whose artifact is another than before, or gone.
fn artifacts(api: Api<FluxSource>) -> impl Stream<Item = Result<FluxSource, watcher::Error>> {
    let seen: Mutex<HashMap<String, u64>> = Mutex::default();
    let events = watcher(api, watcher::Config::default()).default_backoff();
    heard(events).filter_map(move |event| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        ready(match event {
            Ok(watcher::Event::Apply(source) | watcher::Event::InitApply(source)) => {
                let uid = source.uid().unwrap_or_default();
                let now = hashed(&says(&source));
                (seen.insert(uid, now) != Some(now)).then_some(Ok(source))
            }
            Ok(watcher::Event::Delete(mut source)) => {
                seen.remove(&source.uid().unwrap_or_default());
                // What is gone says nothing any more.
                source.status.artifact = None;
                Some(Ok(source))
            }
            Ok(watcher::Event::Init | watcher::Event::InitDone) => None,
            Err(error) => Some(Err(error)),
        })
    })
}

/// What an ApimBundle may depend on.
fn says(source: &FluxSource) -> String {
    let owners: Vec<&String> = source.owner_references().iter().map(|o| &o.uid).collect();
    let said = (&source.status.artifact, owners);
    serde_json::to_string(&said).unwrap_or_default()
}

/// Events without the errors, which are logged here. Each watch waits by itself
/// before it tries again; the controller would make all others wait too.
fn heard<T>(
    events: impl Stream<Item = Result<T, watcher::Error>>,
) -> impl Stream<Item = Result<T, watcher::Error>> {
    events.filter(|event| {
        if let Err(error) = event {
            use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
            let reason = match error {
                InitialListFailed(e) | WatchStartFailed(e) | WatchFailed(e) => answered(e),
                other => other.to_string(),
            };
            tracing::warn!(error = reason, "watching; trying again");
        }
        ready(event.is_ok())
    })
}

/// The ApimBundles that have to do with `source`: those it is the source of,
/// and the one that made it.
fn concerned(
    reader: &Store<ApimBundle>,
    kind: SourceKind,
    source: &FluxSource,
) -> Vec<ObjectRef<ApimBundle>> {
    let name = SourceName {
        kind,
        namespace: source.namespace().unwrap_or_default(),
        name: source.name_any(),
    };
    let maker = (kind == SourceKind::ExternalArtifact)
        .then(|| source.owner_references().iter())
        .into_iter()
        .flatten()
        .find(|o| o.kind == KIND && o.api_version.starts_with(GROUP))
        .map(|o| o.name.clone());
    reader
        .state()
        .into_iter()
        .filter(|bundle| {
            let made = maker.as_deref() == Some(bundle.name())
                && bundle.namespace() == name.namespace
                && !is_known(bundle, source);
            made || SourceName::of(bundle) == name
        })
        .map(|bundle| ObjectRef::from_obj(bundle.as_ref()))
        .collect()
}

/// Whether the object says what we made it say.
fn is_known(bundle: &ApimBundle, source: &FluxSource) -> bool {
    let ours = bundle.status.as_ref().and_then(|s| s.artifact.as_ref());
    ours.is_some()
        && ours == source.status.artifact.as_ref()
        && source.metadata.deletion_timestamp.is_none()
}
