//! What a deployment would change.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::context::{Context, Mode};
use crate::expand::Expanded;
use crate::id;
use crate::run::{Store, to_delete};
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
    /// What would happen to it.
    pub change: ChangeType,
    /// Properties that would change, for [`ChangeType::Modify`].
    pub delta: Vec<PropertyChange>,
}

/// A property that would change.
#[derive(Debug, Clone, PartialEq)]
pub struct PropertyChange {
    /// `properties.displayName`, `properties.protocols.0`.
    pub path: String,
    /// What is there.
    pub before: Option<Value>,
    /// What the template says.
    pub after: Option<Value>,
}

/// Compares a template with what is there. Only what the template says is compared: what a
/// service adds of its own cannot be told from what somebody set, so that a property that a
/// template no longer has is not listed, though a deployment may remove it.
pub fn what_if(expanded: &Expanded, context: &Context<'_>, store: &dyn Store) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut written = HashSet::new();
    compare(expanded, store, &mut changes, &mut written);
    let deleted: HashSet<String> = to_delete(&context.place, &written, store)
        .into_iter()
        .collect();
    if context.place.resource_group().is_some() {
        for id in store.ids(&context.place.id()) {
            if written.contains(&id::key(&id)) {
                continue;
            }
            let change = if context.mode == Mode::Complete && deleted.contains(&id) {
                ChangeType::Delete
            } else {
                ChangeType::Ignore
            };
            changes.push(Change {
                id,
                change,
                delta: Vec::new(),
            });
        }
    }
    changes
}

fn compare(
    expanded: &Expanded,
    store: &dyn Store,
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
            compare(inner, store, changes, written);
            continue;
        }
        let there = store.resource(&resource.id, &resource.api_version);
        let (change, delta) = match (there, resource.resolve(store)) {
            (None, _) => (ChangeType::Create, Vec::new()),
            (Some(_), Err(_)) => (ChangeType::Deploy, Vec::new()),
            (Some(_), Ok(_)) if resource.nested.is_some() => (ChangeType::Deploy, Vec::new()),
            (Some(there), Ok(body)) => {
                let mut delta = Vec::new();
                differences(&there, &body, String::new(), &mut delta);
                let change = if delta.is_empty() {
                    ChangeType::NoChange
                } else {
                    ChangeType::Modify
                };
                (change, delta)
            }
        };
        changes.push(Change {
            id: resource.id.clone(),
            change,
            delta,
        });
    }
}

fn differences(before: &Value, after: &Value, path: String, found: &mut Vec<PropertyChange>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, after) in after {
                match get(before, name) {
                    Some(before) => differences(before, after, below(name), found),
                    None => found.push(PropertyChange {
                        path: below(name),
                        before: None,
                        after: Some(after.clone()),
                    }),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for index in 0..before.len().max(after.len()) {
                match (before.get(index), after.get(index)) {
                    (Some(before), Some(after)) => {
                        differences(before, after, below(&index.to_string()), found);
                    }
                    (before, after) => found.push(PropertyChange {
                        path: below(&index.to_string()),
                        before: before.cloned(),
                        after: after.cloned(),
                    }),
                }
            }
        }
        (before, after) if equal(before, after) => {}
        (before, after) => found.push(PropertyChange {
            path,
            before: Some(before.clone()),
            after: Some(after.clone()),
        }),
    }
}
