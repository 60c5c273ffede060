//! What changes between two rendered projects: resources added, removed and
//! changed, property by property. Resources are told apart by ARM type and
//! name; files, layouts and key order say nothing here.

mod definition;
mod parse;
mod print;
mod property;
mod text;

pub use definition::Operations;
pub use property::Property;
pub use text::{TextChange, compare as compare_texts};

use flux_apim_bundle::Bundle;
use flux_apim_diag::{Budget, Place};
use flux_apim_link::Node;
use flux_apim_model::Key;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Steps of finding one resource in both projects.
const STEPS: u64 = 50;

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

impl Action {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// One resource that differs.
#[derive(Debug)]
pub struct Change {
    /// What happened to it.
    pub action: Action,
    /// ARM type.
    pub arm_type: String,
    /// ARM name below the service.
    pub name: String,
    /// As in an ARM id below the service: `apis/orders/policies/policy`.
    pub id: String,
    /// The file it comes from; of the old project when it was removed.
    pub path: Option<String>,
    /// Properties that differ; of a changed resource only.
    pub properties: Vec<Property>,
    /// Texts that differ, as unified differences: policies, descriptions.
    pub texts: Vec<TextChange>,
    /// What differs in the API definition.
    pub definition: Option<Operations>,
}

impl Change {
    /// Whether callers may notice. Until there are rules for breaking changes
    /// this is what is gone: a resource, or an operation of a definition.
    pub fn is_breaking(&self) -> bool {
        let operations = self.definition.as_ref();
        self.action == Action::Removed
            || operations.is_some_and(|operations| !operations.removed.is_empty())
    }
}

/// All that differs between two projects.
#[derive(Debug, Default)]
pub struct Changes {
    /// Resources that differ, by ARM id.
    pub resources: Vec<Change>,
    /// How many are the same.
    pub unchanged: usize,
}

/// How many resources differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// New ones.
    pub added: usize,
    /// Gone ones.
    pub removed: usize,
    /// Others.
    pub changed: usize,
}

impl Changes {
    /// Counts by what happened.
    pub fn counts(&self) -> Counts {
        let count = |action| self.resources.iter().filter(|c| c.action == action).count();
        Counts {
            added: count(Action::Added),
            removed: count(Action::Removed),
            changed: count(Action::Changed),
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Whether a change is breaking, see [`Change::is_breaking`].
    pub fn is_breaking(&self) -> bool {
        self.resources.iter().any(Change::is_breaking)
    }
}

/// What changes from `old` to `new`. The comparison spends from `budget`, and ends as it
/// does: inside of [`Budget::bound`].
pub fn between(old: &Bundle, new: &Bundle, budget: &Budget) -> Changes {
    let (before, after) = (by_key(old), by_key(new));
    let mut changes = Changes::default();
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    for key in keys {
        budget.spend(STEPS, Place::Source);
        match (before.get(key), after.get(key)) {
            (Some(a), Some(b)) => {
                let mut change = named(Action::Changed, b, new);
                property::compare((old.graph(), a), (new.graph(), b), budget, &mut change);
                let same = change.properties.is_empty()
                    && change.texts.is_empty()
                    && change.definition.is_none();
                if same {
                    changes.unchanged += 1;
                } else {
                    changes.resources.push(change);
                }
            }
            (Some(node), None) => {
                let change = named(Action::Removed, node, old);
                changes.resources.push(change);
            }
            (None, Some(node)) => {
                let change = named(Action::Added, node, new);
                changes.resources.push(change);
            }
            (None, None) => {}
        }
    }
    changes.resources.sort_by(|a, b| a.id.cmp(&b.id));
    changes
}

/// How many resources differ between two inventories (`bundle.json`), by their
/// digests. What an environment says stands in parameters, outside of these.
pub fn count(old: &Json, new: &Json) -> Counts {
    let digests = |inventory: &Json| -> BTreeMap<(String, String), String> {
        let text = |value: &Json| value.as_str().unwrap_or("").to_owned();
        let resources = inventory["resources"].as_array().into_iter().flatten();
        resources
            .map(|r| {
                let key = (
                    text(&r["type"]).to_lowercase(),
                    text(&r["name"]).to_lowercase(),
                );
                (key, text(&r["digest"]))
            })
            .collect()
    };
    let (old, new) = (digests(old), digests(new));
    let gone = old.keys().filter(|key| !new.contains_key(*key)).count();
    let mut counts = Counts {
        removed: gone,
        ..Counts::default()
    };
    for (key, digest) in &new {
        match old.get(key) {
            None => counts.added += 1,
            Some(before) if before != digest => counts.changed += 1,
            Some(_) => {}
        }
    }
    counts
}

fn by_key(bundle: &Bundle) -> BTreeMap<Key, &Node> {
    let nodes = bundle.graph().nodes().iter();
    nodes.map(|node| (node.key.clone(), node)).collect()
}

fn named(action: Action, node: &Node, bundle: &Bundle) -> Change {
    Change {
        action,
        path: bundle.origin(node).map(str::to_owned),
        arm_type: node.key.arm_type(),
        name: node.key.arm_names().join("/"),
        id: node.key.to_string(),
        properties: Vec::new(),
        texts: Vec::new(),
        definition: None,
    }
}
