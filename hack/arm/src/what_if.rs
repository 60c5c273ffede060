//! What a deployment would change.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use crate::context::{Context, Mode};
use crate::expand::{Expanded, Resource};
use crate::id;
use crate::run::to_delete;
use crate::state::Group;
use crate::value::{equal, get};

/// What a deployment would do to a resource:
/// <https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-what-if#change-types>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeType {
    /// It is not there and would be made.
    Create,
    /// It is there, is not in the template, and would go: complete mode.
    Delete,
    /// It is there, is not in the template, and would stay.
    Ignore,
    /// It would be as it is.
    NoChange,
    /// Some of its properties would change.
    Modify,
    /// It would be deployed, but what it would be is not known before.
    Deploy,
}

/// A resource in the answer of what-if.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Id of the resource.
    pub id: String,
    /// Its api-version, where a template names it.
    pub api_version: Option<String>,
    /// Symbolic name, with `languageVersion` 2.0.
    pub symbol: Option<String>,
    /// What would happen to it.
    pub change: ChangeType,
    /// What is there.
    pub before: Option<Value>,
    /// What the template says, with `id`, `name` and `type`.
    pub after: Option<Value>,
    /// Properties that would change, for [`ChangeType::Modify`].
    pub delta: Vec<PropertyChange>,
}

/// What would happen to a property: `PropertyChangeType` of Microsoft's SDKs. `NoEffect` is
/// not told: it needs what a provider says of its properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyChangeType {
    /// It is in the template and not there.
    Create,
    /// It is there, and an item less is in the template.
    Delete,
    /// It has another value.
    Modify,
    /// It is an array with changes among its items.
    Array,
}

/// A property that would change.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyChange {
    /// `properties.displayName`; below an array the index, and below an item the path in it.
    pub path: String,
    /// What would happen to it.
    pub change: PropertyChangeType,
    /// What is there.
    pub before: Option<Value>,
    /// What the template says.
    pub after: Option<Value>,
    /// Items of an array, or properties of an item.
    pub children: Vec<PropertyChange>,
}

impl PropertyChange {
    fn new(path: String, before: Option<&Value>, after: Option<&Value>) -> Self {
        let change = match (before, after) {
            (None, _) => PropertyChangeType::Create,
            (_, None) => PropertyChangeType::Delete,
            _ => PropertyChangeType::Modify,
        };
        Self {
            path,
            change,
            before: before.cloned(),
            after: after.cloned(),
            children: Vec::new(),
        }
    }
}

/// Compares a template with what is there. Only what the template says is compared: what a
/// service adds of its own cannot be told from what somebody set, so that a property that a
/// template no longer has is not listed, though a deployment may remove it.
pub fn what_if(expanded: &Expanded, context: &Context<'_>, group: &dyn Group) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut written = HashSet::new();
    compare(expanded, group, &mut changes, &mut written);
    if context.place.resource_group().is_none() {
        return changes;
    }
    let deleted: HashSet<String> = match context.mode {
        Mode::Complete => to_delete(&context.place, &written, group)
            .into_iter()
            .collect(),
        Mode::Incremental => HashSet::new(),
    };
    for id in group.ids(&context.place.id()) {
        if written.contains(&id::key(&id)) {
            continue;
        }
        let change = match deleted.contains(&id) {
            true => ChangeType::Delete,
            false => ChangeType::Ignore,
        };
        changes.push(Change {
            before: group.resource(&id, ""),
            id,
            api_version: None,
            symbol: None,
            change,
            after: None,
            delta: Vec::new(),
        });
    }
    changes
}

fn compare(
    expanded: &Expanded,
    group: &dyn Group,
    changes: &mut Vec<Change>,
    written: &mut HashSet<String>,
) {
    let nested: BTreeMap<&str, &Expanded> = expanded
        .deployments
        .iter()
        .map(|(id, expanded)| (id.as_str(), expanded))
        .collect();
    for resource in &expanded.resources {
        written.insert(id::key(&resource.id));
        if let Some(inner) = nested.get(resource.id.as_str()) {
            compare(inner, group, changes, written);
            continue;
        }
        let before = group.resource(&resource.id, &resource.api_version);
        let resolved = resource.resolve(group).ok();
        let (change, delta) = match (&before, &resolved) {
            (None, _) => (ChangeType::Create, Vec::new()),
            (Some(_), None) => (ChangeType::Deploy, Vec::new()),
            (Some(_), Some(_)) if resource.nested.is_some() => (ChangeType::Deploy, Vec::new()),
            (Some(before), Some(body)) => {
                let delta = differences(before, body);
                match delta.is_empty() {
                    true => (ChangeType::NoChange, delta),
                    false => (ChangeType::Modify, delta),
                }
            }
        };
        changes.push(Change {
            id: resource.id.clone(),
            api_version: Some(resource.api_version.clone()),
            symbol: resource.symbol.clone(),
            change,
            before,
            after: resolved.map(|body| whole(resource, body)),
            delta,
        });
    }
}

/// The body with what names the resource.
fn whole(resource: &Resource, body: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("apiVersion".to_owned(), resource.api_version.clone().into());
    whole.insert("id".to_owned(), resource.id.clone().into());
    whole.insert("name".to_owned(), resource.name.rsplit('/').next().into());
    whole.insert("type".to_owned(), resource.kind.clone().into());
    if let Value::Object(body) = body {
        whole.extend(body);
    }
    Value::Object(whole)
}

/// How `after` differs from `before`, in what `after` has.
pub fn differences(before: &Value, after: &Value) -> Vec<PropertyChange> {
    let mut found = Vec::new();
    find(before, after, String::new(), &mut found);
    found
}

fn find(before: &Value, after: &Value, path: String, found: &mut Vec<PropertyChange>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, after) in after {
                let below = match path.is_empty() {
                    true => name.clone(),
                    false => format!("{path}.{name}"),
                };
                match get(before, name) {
                    Some(before) => find(before, after, below, found),
                    None => found.push(PropertyChange::new(below, None, Some(after))),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            let children: Vec<PropertyChange> = (0..old.len().max(new.len()))
                .filter_map(|index| item(index, old.get(index), new.get(index)))
                .collect();
            if !children.is_empty() {
                found.push(PropertyChange {
                    change: PropertyChangeType::Array,
                    children,
                    ..PropertyChange::new(path, Some(before), Some(after))
                });
            }
        }
        (before, after) if equal(before, after) => {}
        (before, after) => found.push(PropertyChange::new(path, Some(before), Some(after))),
    }
}

/// How an item of an array changes.
fn item(index: usize, before: Option<&Value>, after: Option<&Value>) -> Option<PropertyChange> {
    let mut change = PropertyChange::new(index.to_string(), before, after);
    if let (Some(before), Some(after)) = (before, after) {
        let mut found = differences(before, after);
        match found.first() {
            None => return None,
            // The item itself is what changed.
            Some(own) if own.path.is_empty() => {
                let own = found.swap_remove(0);
                (change.change, change.children) = (own.change, own.children);
            }
            Some(_) => change.children = found,
        }
    }
    Some(change)
}
