//! What-if of a deployment: an operation that ends with the changes that it would make.

use super::{Live, expanded};
use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::request::Request;
use crate::world::World;
use arm_template::{Change, ChangeType, PropertyChange, PropertyChangeType};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Answers `.../whatIf`: 202 with `Location`, which answers with the result.
///
/// # Errors
/// A body that is no JSON.
pub(super) fn answer(world: &Arc<World>, request: &Request) -> Result<Answer, Refusal> {
    let result = match expanded(world, request) {
        Ok((expanded, body, scope)) => {
            let changes = arm_template::what_if(&expanded, &scope.context(world), &Live(world));
            let format = &body["properties"]["whatIfSettings"]["resultFormat"];
            let ids_only = format
                .as_str()
                .is_some_and(|format| format.eq_ignore_ascii_case("ResourceIdOnly"));
            let changes: Vec<Value> = changes.iter().map(|one| shown(one, ids_only)).collect();
            json!({"status": "Succeeded", "properties": {"changes": changes}})
        }
        // Its errors come with 200 (Azure/azure-cli#13295).
        Err(Answer {
            status: 400,
            body: Some(body),
            ..
        }) if world.on(Row::WhatIfErrors) => json!({"status": "Failed", "error": body["error"]}),
        Err(answer) => return Ok(answer),
    };
    Ok(crate::edge::later(world, request, result))
}

/// A change in the shape of the SDKs' `WhatIfChange`.
fn shown(change: &Change, ids_only: bool) -> Value {
    let word = match change.change {
        ChangeType::Create => "Create",
        ChangeType::Delete => "Delete",
        ChangeType::Ignore => "Ignore",
        ChangeType::NoChange | ChangeType::Modify if ids_only => "Deploy",
        ChangeType::NoChange => "NoChange",
        ChangeType::Modify => "Modify",
        ChangeType::Deploy => "Deploy",
    };
    let mut out = Map::new();
    out.insert("resourceId".into(), json!(change.id));
    out.insert("changeType".into(), json!(word));
    if let Some(symbol) = &change.symbol {
        out.insert("symbolicName".into(), json!(symbol));
    }
    if ids_only {
        return Value::Object(out);
    }
    for (name, value) in [("before", &change.before), ("after", &change.after)] {
        if let Some(value) = value {
            out.insert(name.into(), value.clone());
        }
    }
    if change.change == ChangeType::Modify {
        out.insert("delta".into(), delta(&change.delta));
    }
    Value::Object(out)
}

fn delta(changes: &[PropertyChange]) -> Value {
    changes.iter().map(property).collect()
}

/// A change in the shape of the SDKs' `WhatIfPropertyChange`.
fn property(change: &PropertyChange) -> Value {
    let children = (!change.children.is_empty()).then(|| delta(&change.children));
    let word = match change.change {
        PropertyChangeType::Create => "Create",
        PropertyChangeType::Delete => "Delete",
        PropertyChangeType::Modify => "Modify",
        PropertyChangeType::Array => "Array",
    };
    json!({"path": change.path, "propertyChangeType": word,
           "before": change.before, "after": change.after, "children": children})
}
