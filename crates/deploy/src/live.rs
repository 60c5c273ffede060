//! What is live of the resources that matter: as few requests as the REST specification
//! allows, many at once.

use crate::caller::{Caller, Failure};
use crate::id::Id;
use crate::inventory::short;
use crate::resources::canonical;
use crate::service::Service;
use crate::state::State;
use flux_apim_diag::tree::Digest;
use flux_apim_model::below_service;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Requests at once.
pub(crate) const AT_ONCE: usize = 32;

/// A resource that is there. It may hold secrets, and does not print.
#[derive(Clone)]
pub(crate) struct Live {
    /// Its properties, as the service gave them: secrets may be among them.
    pub(crate) properties: Json,
    /// Whether they are from a list, which may leave something out.
    pub(crate) listed: bool,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("listed", &self.listed)
            .finish_non_exhaustive()
    }
}

/// What is live.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    pub(crate) live: HashMap<Id, Live>,
    /// Operations of APIs, with short digests of their properties.
    pub(crate) operations: BTreeMap<Id, BTreeMap<String, String>>,
    /// Links that are there under another name than ours.
    pub(crate) other_names: HashMap<Id, Id>,
}

/// How a resource is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Lists show all of it.
    Listed,
    /// It is asked for by itself, with these fields: lists leave out its text, or the form
    /// that is wanted.
    Alone(&'static [(&'static str, &'static str)]),
}

/// How resources of this kind are read.
pub(crate) fn reading(id: &Id) -> Reading {
    let types = id.types();
    match types.rsplit('/').next().unwrap_or("") {
        "policies" | "policyfragments" => Reading::Alone(&[("format", "rawxml")]),
        "schemas" | "wikis" | "documentations" => Reading::Alone(&[]),
        // Lists of APIs hold the current revisions.
        "apis" if id.is_revision() => Reading::Alone(&[]),
        _ => Reading::Listed,
    }
}

/// Reads what is live.
#[derive(Debug)]
pub(crate) struct Reader<'a, S> {
    pub(crate) caller: Caller<'a, S>,
    /// What is looked for.
    pub(crate) wanted: BTreeSet<Id>,
    /// APIs whose operations are looked at.
    pub(crate) definitions: BTreeSet<Id>,
    /// What links in workspaces lead to, in lower case.
    pub(crate) targets: BTreeMap<Id, String>,
    /// Where answers are known: what a list leaves out of them is asked for.
    pub(crate) state: Option<&'a State>,
}

/// A collection that is read.
#[derive(Debug, Default)]
struct Collection {
    path: String,
    /// Read by a list.
    listed: BTreeSet<Id>,
    /// Read one by one.
    alone: BTreeSet<Id>,
    /// The API whose operations these are, when all of them matter.
    operations_of: Option<Id>,
}

/// What is asked for at once.
#[derive(Debug)]
enum Asked {
    /// One resource.
    Alone(Id),
    /// A list.
    List(Collection),
}

impl<S: Service> Reader<'_, S> {
    /// Reads all that is wanted. What hangs on something that is not there is not asked for.
    pub(crate) async fn read(&self) -> Result<Picture, Failure> {
        let mut picture = Picture::default();
        let deepest = self.wanted.iter().map(Id::depth).max().unwrap_or(0);
        for depth in 1..=deepest.max(3) {
            let asked = self.asked(depth, &picture);
            let reading = asked.iter().map(|asked| self.request(asked));
            let mut reading = stream::iter(reading.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
            while let Some(read) = reading.next().await {
                let Picture {
                    live,
                    operations,
                    other_names,
                } = read?;
                picture.live.extend(live);
                picture.operations.extend(operations);
                picture.other_names.extend(other_names);
            }
        }
        Ok(picture)
    }

    /// What is asked for at this depth, now that what is above it is known.
    fn asked(&self, depth: usize, picture: &Picture) -> Vec<Asked> {
        let mut collections: BTreeMap<String, Collection> = BTreeMap::new();
        let there = |id: &Id| match id.parent() {
            Some(parent) => !self.wanted.contains(&parent) || picture.live.contains_key(&parent),
            None => true,
        };
        let at = self
            .wanted
            .iter()
            .filter(|id| id.depth() == depth && there(id));
        for id in at {
            let path = id.collection().to_owned();
            let collection = collections.entry(path.to_lowercase()).or_default();
            collection.path = path;
            match reading(id) {
                Reading::Listed => collection.listed.insert(id.clone()),
                Reading::Alone(_) => collection.alone.insert(id.clone()),
            };
        }
        let apis = self.definitions.iter();
        for api in apis.filter(|api| api.depth() + 1 == depth && picture.live.contains_key(api)) {
            let path = format!("{api}/operations");
            let collection = collections.entry(path.to_lowercase()).or_default();
            collection.path = path;
            collection.operations_of = Some(api.clone());
        }
        let mut read = Vec::new();
        for mut collection in collections.into_values() {
            // One is asked for by itself: the list may have thousands that are not ours. A
            // link cannot be asked for.
            let single = collection.listed.len() == 1 && collection.operations_of.is_none();
            if single && !collection.listed.iter().any(Id::is_link) {
                collection.alone.append(&mut collection.listed);
            }
            let each = std::mem::take(&mut collection.alone).into_iter();
            read.extend(each.map(Asked::Alone));
            if !collection.listed.is_empty() || collection.operations_of.is_some() {
                read.push(Asked::List(collection));
            }
        }
        read
    }

    async fn request(&self, request: &Asked) -> Result<Picture, Failure> {
        let mut picture = Picture::default();
        match request {
            Asked::Alone(id) => self.alone(id, &mut picture).await?,
            Asked::List(collection) => self.list(collection, &mut picture).await?,
        }
        Ok(picture)
    }

    async fn alone(&self, id: &Id, picture: &mut Picture) -> Result<(), Failure> {
        if let Some(properties) = get(&self.caller, id).await? {
            let live = Live {
                properties,
                listed: false,
            };
            picture.live.insert(id.clone(), live);
        }
        Ok(())
    }

    async fn list(&self, collection: &Collection, picture: &mut Picture) -> Result<(), Failure> {
        let by_target: BTreeMap<&str, &Id> = collection
            .listed
            .iter()
            .filter_map(|id| Some((self.targets.get(id)?.as_str(), id)))
            .collect();
        let mut operations = BTreeMap::new();
        let taken = |mut item: Json| {
            let name = item["name"].as_str().unwrap_or("").to_owned();
            let Some(id) = Id::parse(&format!("{}/{name}", collection.path)) else {
                return;
            };
            let properties = item["properties"].take();
            if collection.operations_of.is_some() {
                operations.insert(name.to_lowercase(), digest(&properties));
            }
            if collection.listed.contains(&id) {
                let live = Live {
                    properties,
                    listed: true,
                };
                picture.live.insert(id, live);
            } else if let Some(ours) = target(&properties).and_then(|t| by_target.get(t.as_str())) {
                picture.other_names.insert((*ours).clone(), id);
            }
        };
        self.caller.list(&collection.path, &[], taken).await?;
        if let Some(api) = &collection.operations_of {
            picture.operations.insert(api.clone(), operations);
        }
        let Some(state) = self.state else {
            return Ok(());
        };
        for id in &collection.listed {
            let Some(baseline) = state.get(id) else {
                continue;
            };
            let Some(live) = picture.live.get(id).filter(|_| !id.is_link()) else {
                continue;
            };
            let shown = crate::body::masked(id, &live.properties, &BTreeSet::new());
            let drift = baseline.drift(id, &shown);
            if !drift.is_empty() && drift.iter().all(|difference| difference.live.is_none()) {
                self.alone(id, picture).await?;
            }
        }
        Ok(())
    }
}

/// The properties of a resource, asked for as a plan reads it.
pub(crate) async fn get<S: Service>(
    caller: &Caller<'_, S>,
    id: &Id,
) -> Result<Option<Json>, Failure> {
    let answer = caller.get(id.as_str(), fields(id)).await?;
    Ok(answer.map(|mut answer| answer.body["properties"].take()))
}

/// The fields of the query with which a resource is read by itself.
pub(crate) fn fields(id: &Id) -> &'static [(&'static str, &'static str)] {
    match reading(id) {
        Reading::Alone(fields) => fields,
        Reading::Listed => &[],
    }
}

/// Short digest of properties.
pub(crate) fn digest(properties: &Json) -> String {
    let mut text = String::new();
    canonical(properties, &mut text);
    short(&Digest::of(text.as_bytes()))
}

/// What a link of a workspace leads to: its one property that is an id, below the service
/// and in lower case.
fn target(properties: &Json) -> Option<String> {
    let ids = ["apiId", "groupId", "productId", "operationId"];
    let text = ids.iter().find_map(|key| properties[*key].as_str())?;
    Some(below(text))
}

/// An id below the service, in lower case, without a slash before it.
pub(crate) fn below(text: &str) -> String {
    let below = below_service(text).unwrap_or_else(|| text.to_owned());
    below.trim_start_matches('/').to_lowercase()
}
