//! What makes an ApimBundle be reconciled: its spec or a request, a new
//! artifact of its source, a change to its ExternalArtifact, its interval.

use super::answer::answered;
use super::api::{ApimBundle, FluxSource, GROUP, KIND, SourceKind};
use super::source_name::SourceName;
use futures_util::{Stream, StreamExt, stream};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{Controller, Predicate, WatchStreamExt, predicates, watcher};
use kube::{Api, Client, ResourceExt};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::future::ready;
use std::hash::{Hash, Hasher};

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
            artifacts(heard(
                watcher(api, watcher::Config::default()).default_backoff(),
            )),
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
fn artifacts(
    events: impl Stream<Item = Result<watcher::Event<FluxSource>, watcher::Error>>,
) -> impl Stream<Item = Result<FluxSource, watcher::Error>> {
    let mut seen = Seen::default();
    events.flat_map(move |event| {
        let told = event.map(|event| seen.told(event));
        stream::iter(match told {
            Ok(sources) => sources.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    })
}

/// The sources that there are.
#[derive(Default)]
struct Seen {
    /// By uid: what each said last, and what it leaves when it goes.
    known: BTreeMap<String, (u64, FluxSource)>,
    /// Those of a list that is not complete yet.
    listed: HashSet<String>,
}

impl Seen {
    /// The sources that are of interest after `event`.
    fn told(&mut self, event: watcher::Event<FluxSource>) -> Vec<FluxSource> {
        use watcher::Event::{Apply, Delete, Init, InitApply, InitDone};
        match event {
            Apply(source) => self.changed(source),
            Delete(source) => {
                self.known.remove(&source.uid().unwrap_or_default());
                vec![gone(&source)]
            }
            Init => {
                self.listed.clear();
                Vec::new()
            }
            InitApply(source) => {
                self.listed.insert(source.uid().unwrap_or_default());
                self.changed(source)
            }
            // Nobody tells of what went while nobody watched: it is not in the list.
            InitDone => {
                let listed = std::mem::take(&mut self.listed);
                let mut vanished = Vec::new();
                self.known.retain(|uid, (_, gone)| {
                    let stays = listed.contains(uid);
                    if !stays {
                        vanished.push(gone.clone());
                    }
                    stays
                });
                vanished
            }
        }
    }

    fn changed(&mut self, source: FluxSource) -> Vec<FluxSource> {
        let now = hashed(&says(&source));
        let uid = source.uid().unwrap_or_default();
        let before = self.known.insert(uid, (now, gone(&source)));
        if before.is_some_and(|(before, _)| before == now) {
            return Vec::new();
        }
        vec![source]
    }
}

/// What is gone says nothing any more: it is a name, and who made it.
fn gone(source: &FluxSource) -> FluxSource {
    let mut gone = FluxSource::default();
    gone.metadata.name.clone_from(&source.metadata.name);
    gone.metadata
        .namespace
        .clone_from(&source.metadata.namespace);
    let owners = &source.metadata.owner_references;
    gone.metadata.owner_references.clone_from(owners);
    gone
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use watcher::Event::{Apply, Delete, Init, InitApply, InitDone};

    fn source(name: &str, uid: &str, revision: &str) -> FluxSource {
        let digest = format!("sha256:{}", "0".repeat(64));
        serde_json::from_value(json!({
            "metadata": {
                "name": name, "namespace": "apis", "uid": uid,
                "ownerReferences": [{
                    "apiVersion": "flux-apim.dev/v1alpha1", "kind": "ApimBundle",
                    "name": name, "uid": "of-the-owner",
                }],
            },
            "status": {"artifact": {
                "digest": digest, "lastUpdateTime": "2026-01-01T00:00:00Z", "path": "x",
                "revision": revision, "size": 1, "url": "http://source/x",
            }},
        }))
        .unwrap()
    }

    /// Names of what is told of, with whether it has an artifact.
    async fn told(events: Vec<watcher::Event<FluxSource>>) -> Vec<(String, bool)> {
        let events = stream::iter(events.into_iter().map(Ok));
        let told: Vec<_> = artifacts(events).collect().await;
        told.into_iter()
            .map(|source| {
                let source = source.unwrap();
                assert_eq!(source.namespace().as_deref(), Some("apis"));
                assert_eq!(source.owner_references().len(), 1);
                (source.name_any(), source.status.artifact.is_some())
            })
            .collect()
    }

    #[tokio::test]
    async fn what_vanished_while_nobody_watched_is_told_with_the_next_list() {
        let (a, b) = (source("a", "1", "main@1"), source("b", "2", "main@1"));
        let told = told(vec![
            Init,
            InitApply(a.clone()),
            InitApply(b.clone()),
            InitDone,
            // The watch ends; meanwhile `b` is deleted. A list that breaks off says nothing.
            Init,
            Init,
            InitApply(a.clone()),
            InitDone,
            Init,
            InitApply(a),
            InitDone,
        ])
        .await;
        let expected = [("a", true), ("b", true), ("b", false)];
        assert_eq!(told, expected.map(|(name, has)| (name.to_owned(), has)));
    }

    #[tokio::test]
    async fn only_another_artifact_is_news() {
        let told = told(vec![
            Init,
            InitApply(source("a", "1", "main@1")),
            InitDone,
            Apply(source("a", "1", "main@1")),
            Apply(source("a", "1", "main@2")),
            Delete(source("a", "1", "main@2")),
            // Another object of the same name.
            Apply(source("a", "2", "main@2")),
        ])
        .await;
        let expected = [true, true, false, true];
        assert_eq!(told, expected.map(|has| ("a".to_owned(), has)));
    }
}
