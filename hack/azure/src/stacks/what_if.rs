//! Results of the what-if of a stack: resources of their own since api-version 2025-07-01.

use super::{Unmanage, denies, missing, shown, wanted};
use crate::answer::{Answer, Refusal};
use crate::apim::not_simulated;
use crate::deployments::{self, Live, Scope};
use crate::edge;
use crate::request::Request;
use crate::table::Operation;
use crate::world::World;
use arm_template::{Change, ChangeType, PropertyChange, PropertyChangeType, differences};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The type of a result.
const KIND: &str = "Microsoft.Resources/deploymentStacksWhatIfResults";

/// The first api-version that has them.
const SINCE: &str = "2025-07-01";

/// Answers a request about results.
pub(super) fn run(
    world: &Arc<World>,
    request: &Request,
    operation: &Operation,
) -> Result<Answer, Refusal> {
    let version = request.asks("api-version").unwrap_or_default();
    if version.get(..10).unwrap_or(version) < SINCE {
        return Err(Refusal::new(
            404,
            "InvalidResourceType",
            format!(
                "The resource type 'deploymentStacksWhatIfResults' could not be found in the namespace 'Microsoft.Resources' for api version '{version}'. The supported api-versions are '{SINCE}'."
            ),
        ));
    }
    let id = request.id();
    let (_, verb) = operation.name.split_once('.').unwrap_or_default();
    match verb {
        "CreateOrUpdate" => create(world, request),
        "Get" => {
            let state = world.state();
            let found = state.store.get(&id).ok_or_else(|| missing(&id))?;
            Ok(Answer::json(200, without_configurations(shown(found))))
        }
        "List" => {
            let state = world.state();
            let all = state.store.children(&id).map(shown);
            let value: Vec<Value> = all.map(without_configurations).collect();
            Ok(Answer::json(200, json!({ "value": value })))
        }
        "Delete" => match world.state().store.remove(&id) {
            Some(_) => Ok(Answer::empty(200)),
            None => Ok(Answer::empty(204)),
        },
        "WhatIf" => {
            let result = id
                .rsplit_once('/')
                .map_or(id.as_str(), |(result, _)| result);
            let found = world.state().store.get(result).map(shown);
            let found = found.ok_or_else(|| missing(result))?;
            Ok(edge::later(world, request, found))
        }
        _ => Err(not_simulated(&operation.name)),
    }
}

/// A result tells changes of properties only where it is asked for them.
fn without_configurations(mut result: Value) -> Value {
    let changes = result.pointer_mut("/properties/changes/resourceChanges");
    for change in changes.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(change) = change.as_object_mut() {
            change.remove("resourceConfigurationChanges");
        }
    }
    result
}

fn create(world: &Arc<World>, request: &Request) -> Result<Answer, Refusal> {
    let id = request.id();
    let mut body = wanted(request)?;
    let mut properties = body.remove("properties").unwrap_or_default();
    for needed in ["deploymentStackResourceId", "retentionInterval"] {
        if !properties[needed].is_string() {
            return Err(Refusal::new(
                400,
                "InvalidRequestContent",
                format!("The request content was invalid: 'properties.{needed}' is missing."),
            ));
        }
    }
    let name = request.path.last().map_or("", String::as_str);
    let scope = Scope::of(request, name);
    let expanded = match deployments::expand(world, &properties, &scope) {
        Ok(expanded) => expanded,
        Err(answer) => return Ok(answer),
    };
    let stack = properties["deploymentStackResourceId"]
        .as_str()
        .unwrap_or_default();
    let stack = world.state().store.get(stack).map(shown);
    let old = stack.map(|stack| stack["properties"].clone());
    let old = old.unwrap_or_default();
    let changes = arm_template::what_if(&expanded, &scope.context(world), &Live(world));
    let changes = predicted(world, changes, &old, &properties);
    if let Some(properties) = properties.as_object_mut() {
        properties.remove("template");
        properties.remove("parameters");
        properties.insert("changes".into(), changes);
        properties.insert("provisioningState".into(), json!("succeeded"));
    }
    body.insert("properties".into(), properties);
    let mut state = world.state();
    let is_new = state.store.get(&id).is_none();
    let entity = state.store.put(&id, KIND, body);
    let answer = without_configurations(shown(entity));
    let key = state.begin(id, false, 200);
    drop(state);
    let status = format!(
        "{}/subscriptions/{}/providers/Microsoft.Resources/locations/westeurope/deploymentStackOperationStatus/operationsStatuses/{key}?api-version={}",
        request.origin,
        scope.subscription,
        request.asks("api-version").unwrap_or_default()
    );
    let ends = Arc::clone(world);
    tokio::spawn(async move {
        tokio::time::sleep(ends.settings.operation_time).await;
        ends.state().end(&key, None, None);
    });
    let answer = Answer::json(if is_new { 201 } else { 200 }, answer);
    Ok(edge::waits(world, answer, false).with("azure-asyncoperation", status))
}

/// `changes`: of the template's resources, of those that the stack would leave, and of its
/// deny settings.
fn predicted(world: &World, changes: Vec<Change>, old: &Value, new: &Value) -> Value {
    let managed: Vec<&str> = old["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["id"].as_str())
        .collect();
    let keys: BTreeSet<String> = managed.iter().map(|id| id.to_lowercase()).collect();
    let action = new["actionOnUnmanage"]["resources"].as_str();
    let leaves = match action.and_then(Unmanage::read) {
        Some(Unmanage::Delete) => "delete",
        _ => "detach",
    };
    let mut stay = BTreeSet::new();
    let mut all = Vec::new();
    for change in changes {
        let word = match change.change {
            ChangeType::Create => "create",
            ChangeType::NoChange => "noChange",
            ChangeType::Modify | ChangeType::Deploy => "modify",
            // What is neither the stack's nor the template's is not its business.
            ChangeType::Delete | ChangeType::Ignore => continue,
        };
        let key = change.id.to_lowercase();
        let before = match keys.contains(&key) {
            true => "managed",
            false => "unmanaged",
        };
        stay.insert(key);
        let certainty = match change.change {
            ChangeType::Deploy => "potential",
            _ => "definite",
        };
        let mut out = status(&change.id, word, certainty, (before, "managed"), old, new);
        let mut configuration = Map::new();
        for (name, value) in [("before", &change.before), ("after", &change.after)] {
            if let Some(value) = value {
                configuration.insert(name.into(), value.clone());
            }
        }
        if !change.delta.is_empty() {
            configuration.insert("delta".into(), change.delta.iter().map(property).collect());
        }
        out["apiVersion"] = json!(change.api_version);
        out["resourceConfigurationChanges"] = Value::Object(configuration);
        if let Some(symbol) = change.symbol {
            out["symbolicName"] = json!(symbol);
        }
        all.push(out);
    }
    for id in managed {
        if !stay.contains(&id.to_lowercase()) {
            let mut out = status(id, leaves, "definite", ("managed", "unmanaged"), old, new);
            let there = arm_template::State::resource(&Live(world), id, "");
            out["resourceConfigurationChanges"] = json!({ "before": there });
            all.push(out);
        }
    }
    json!({"resourceChanges": all, "denySettingsChange": deny_settings(old, new)})
}

fn status(
    id: &str,
    change: &str,
    certainty: &str,
    (before, after): (&str, &str),
    old: &Value,
    new: &Value,
) -> Value {
    let mode = |status: &str, properties: &Value| match denies(properties) && status == "managed" {
        true => properties["denySettings"]["mode"].clone(),
        false => json!("none"),
    };
    json!({"id": id, "changeType": change, "changeCertainty": certainty,
           "managementStatusChange": {"before": before, "after": after},
           "denyStatusChange": {"before": mode(before, old), "after": mode(after, new)}})
}

fn deny_settings(old: &Value, new: &Value) -> Value {
    let (before, after) = (&old["denySettings"], &new["denySettings"]);
    let none = json!({});
    let of = if before.is_object() { before } else { &none };
    let delta: Value = differences(of, after).iter().map(property).collect();
    let mut out = json!({"after": after, "delta": delta});
    if before.is_object() {
        out["before"] = before.clone();
    }
    out
}

/// A change in the shape of the SDKs' `DeploymentStacksWhatIfPropertyChange`.
fn property(change: &PropertyChange) -> Value {
    let word = match change.change {
        PropertyChangeType::Create => "create",
        PropertyChangeType::Delete => "delete",
        PropertyChangeType::Modify => "modify",
        PropertyChangeType::Array => "array",
    };
    let mut out = json!({"path": change.path, "changeType": word});
    for (name, value) in [("before", &change.before), ("after", &change.after)] {
        if let Some(value) = value {
            out[name] = value.clone();
        }
    }
    if !change.children.is_empty() {
        out["children"] = change.children.iter().map(property).collect();
    }
    out
}
