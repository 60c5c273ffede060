//! Deployment stacks of a resource group: a deployment whose resources are managed
//! together. What a later template leaves out is deleted or detached, and deny settings keep
//! others from what is managed.

mod denial;
mod run;
mod what_if;

pub use denial::{Denial, denied};

use crate::access::Principal;
use crate::answer::{Answer, Refusal};
use crate::apim::not_simulated;
use crate::behaviours::Row;
use crate::deployments::{self, Scope};
use crate::edge;
use crate::request::Request;
use crate::store::Entity;
use crate::table::Operation;
use crate::world::World;
use run::Update;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The type of a stack.
pub const KIND: &str = "Microsoft.Resources/deploymentStacks";

/// States that end: `DeploymentStackProvisioningState` of the SDKs.
const TERMINAL: [&str; 3] = ["succeeded", "failed", "canceled"];

/// What a stack does with a resource that its template no longer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unmanage {
    Delete,
    Detach,
}

impl Unmanage {
    fn read(word: &str) -> Option<Self> {
        match word.to_lowercase().as_str() {
            "delete" => Some(Self::Delete),
            "detach" => Some(Self::Detach),
            _ => None,
        }
    }
}

/// Whether an operation is one of stacks in a group.
pub fn is_own(operation: &Operation) -> bool {
    let path = operation.path.to_lowercase();
    path.contains("/resourcegroups/")
        && path.contains("/providers/microsoft.resources/deploymentstacks")
}

/// Answers a request about stacks.
///
/// # Errors
/// A refusal.
pub fn run(
    world: &Arc<World>,
    request: &Request,
    operation: &Operation,
    principal: &Principal,
) -> Result<Answer, Refusal> {
    if operation.path.contains("deploymentStacksWhatIfResults") {
        return what_if::run(world, request, operation);
    }
    let id = request.id();
    match operation.name.as_str() {
        ".CreateOrUpdateAtResourceGroup" => create(world, request, principal),
        ".DeleteAtResourceGroup" => delete(world, request, principal),
        ".ValidateStackAtResourceGroup" => validate(world, request),
        ".GetAtResourceGroup" => {
            let state = world.state();
            let found = state.store.get(&id).ok_or_else(|| missing(&id))?;
            Ok(Answer::json(200, shown(found)))
        }
        ".ListAtResourceGroup" => {
            let state = world.state();
            let value: Vec<Value> = state.store.children(&id).map(shown).collect();
            Ok(Answer::json(200, json!({ "value": value })))
        }
        ".ExportTemplateAtResourceGroup" => {
            let stack = id.rsplit_once('/').map_or(id.as_str(), |(stack, _)| stack);
            let state = world.state();
            let found = state.store.get(stack).ok_or_else(|| missing(stack))?;
            Ok(Answer::json(
                200,
                json!({"template": found.body.get("template")}),
            ))
        }
        _ => Err(not_simulated(&operation.name)),
    }
}

fn missing(id: &str) -> Refusal {
    let name = id.rsplit('/').next().unwrap_or_default();
    Refusal::new(
        404,
        "DeploymentStackNotFound",
        format!("The Deployment stack '{name}' could not be found."),
    )
}

/// A stack, or the result of its what-if, as it is read back.
fn shown(entity: &Entity) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), json!(entity.id));
    out.insert("type".into(), json!(entity.arm_type));
    out.insert("name".into(), json!(entity.name));
    for name in ["location", "tags", "properties"] {
        if let Some(value) = entity.body.get(name) {
            out.insert(name.into(), value.clone());
        }
    }
    Value::Object(out)
}

/// What was asked for, when it has what the SDKs call required.
fn wanted(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let wrong = |what: String| {
        Refusal::new(
            400,
            "InvalidRequestContent",
            format!("The request content was invalid: {what}."),
        )
    };
    let body = request.json()?;
    let Some(properties) = body["properties"].as_object() else {
        return Err(wrong("'properties' is missing".to_owned()));
    };
    let resources = &properties.get("actionOnUnmanage").unwrap_or(&Value::Null)["resources"];
    if resources.as_str().and_then(Unmanage::read).is_none() {
        return Err(wrong(
            "'properties.actionOnUnmanage.resources' is 'delete' or 'detach'".to_owned(),
        ));
    }
    let deny = properties.get("denySettings").unwrap_or(&Value::Null);
    let modes = ["none", "denydelete", "denywriteanddelete"];
    let mode = deny["mode"].as_str().unwrap_or_default().to_lowercase();
    if !modes.contains(&mode.as_str()) {
        return Err(wrong(
            "'properties.denySettings.mode' is 'none', 'denyDelete' or 'denyWriteAndDelete'"
                .to_owned(),
        ));
    }
    for (list, most) in [("excludedActions", 200), ("excludedPrincipals", 5)] {
        if deny[list]
            .as_array()
            .is_some_and(|items| items.len() > most)
        {
            return Err(wrong(format!(
                "'properties.denySettings.{list}' has more than {most} entries"
            )));
        }
    }
    match body {
        Value::Object(body) => Ok(body),
        _ => Ok(Map::new()),
    }
}

/// The deny settings of a stack keep others from changing the stack too.
fn may_deny(world: &World, principal: &Principal, id: &str, denies: bool) -> Result<(), Refusal> {
    if !denies || !world.on(Row::StackDenyPermission) {
        return Ok(());
    }
    let action = "Microsoft.Resources/deploymentStacks/manageDenySetting/action";
    world.permitted(&world.state().store, principal, action, id)
}

fn denies(properties: &Value) -> bool {
    properties["denySettings"]["mode"]
        .as_str()
        .is_some_and(|mode| !mode.eq_ignore_ascii_case("none"))
}

/// A stack that is at work takes no other work.
fn at_rest(old: &Value, id: &str) -> Result<(), Refusal> {
    match old["provisioningState"].as_str() {
        Some(word) if !TERMINAL.contains(&word) => Err(Refusal::new(
            409,
            "DeploymentStackInNonTerminalState",
            format!("The deployment stack '{id}' is in the non-terminal state '{word}'."),
        )),
        _ => Ok(()),
    }
}

/// A deployment of its own for each update; names of deployments have at most 64 characters.
fn deployment_name(stack: &str, number: u64) -> String {
    let stack: String = stack.chars().take(50).collect();
    format!("{stack}-{number:08}")
}

fn create(world: &Arc<World>, request: &Request, principal: &Principal) -> Result<Answer, Refusal> {
    let id = request.id();
    let mut body = wanted(request)?;
    let mut properties = body.remove("properties").unwrap_or_default();
    let old = world.state().store.get(&id).cloned();
    let old_properties = old
        .as_ref()
        .and_then(|old| old.body.get("properties").cloned())
        .unwrap_or_default();
    may_deny(
        world,
        principal,
        &id,
        denies(&properties) || denies(&old_properties),
    )?;
    at_rest(&old_properties, &id)?;
    let number = world.state().number();
    let scope = Scope::of(
        request,
        &deployment_name(request.path.last().map_or("", String::as_str), number),
    );
    let expanded = match deployments::expand(world, &properties, &scope) {
        Ok(expanded) => expanded,
        Err(answer) => return Ok(answer),
    };
    let update = Update::new(world, request, principal, id.clone(), &properties);
    if let Some(properties) = properties.as_object_mut() {
        if let Some(template) = properties.remove("template") {
            body.insert("template".into(), template);
        }
        let names = properties.get("parameters").and_then(Value::as_object);
        let names = names.map(|names| names.keys().map(|name| (name.clone(), json!({}))));
        let names: Option<Map<String, Value>> = names.map(Iterator::collect);
        if let Some(names) = names {
            properties.insert("parameters".into(), Value::Object(names));
        }
        properties.insert("provisioningState".into(), json!("creating"));
        let managed = old_properties.get("resources").cloned();
        properties.insert("resources".into(), managed.unwrap_or_else(|| json!([])));
    }
    body.insert("properties".into(), properties);
    // What is managed is known by id and api-version until the update has ended.
    if let Some(versions) = old.as_ref().and_then(|old| old.body.get("versions")) {
        body.insert("versions".into(), versions.clone());
    }
    let mut state = world.state();
    let location = state
        .store
        .get(&format!(
            "/subscriptions/{}/resourceGroups/{}",
            scope.subscription, scope.group
        ))
        .and_then(|group| group.body.get("location").cloned());
    body.insert("location".into(), location.unwrap_or_default());
    let entity = state.store.put(&id, KIND, body);
    let answer = Answer::json(if old.is_some() { 200 } else { 201 }, shown(entity));
    let key = state.begin(id, false, 200);
    drop(state);
    let status = format!(
        "{}/subscriptions/{}/providers/Microsoft.Resources/locations/westeurope/deploymentStackOperationStatus/operationsStatuses/{key}?api-version={}",
        request.origin,
        scope.subscription,
        request.asks("api-version").unwrap_or_default()
    );
    tokio::spawn(async move { update.run(&scope, expanded, &key).await });
    Ok(edge::waits(world, answer, false).with("azure-asyncoperation", status))
}

fn delete(world: &Arc<World>, request: &Request, principal: &Principal) -> Result<Answer, Refusal> {
    let id = request.id();
    let Some(old) = world.state().store.get(&id).cloned() else {
        return Ok(Answer::empty(204));
    };
    let properties = old.body.get("properties").cloned().unwrap_or_default();
    may_deny(world, principal, &id, denies(&properties))?;
    at_rest(&properties, &id)?;
    let word = request.asks("unmanageAction.Resources").unwrap_or("detach");
    let Some(action) = Unmanage::read(word) else {
        return Err(Refusal::new(
            400,
            "InvalidRequestContent",
            format!("'unmanageAction.Resources' is 'delete' or 'detach', not '{word}'."),
        ));
    };
    if let Some(entity) = world.state().store.change(&id) {
        entity.set("provisioningState", "deletingResources");
    }
    let update = Update::new(world, request, principal, id, &properties).with(action);
    let (key, link) = edge::begin(world, request, 200);
    tokio::spawn(async move { update.delete(&key).await });
    Ok(edge::waits(world, Answer::empty(202), false).with("location", link))
}

fn validate(world: &Arc<World>, request: &Request) -> Result<Answer, Refusal> {
    let id = request.id();
    let stack = id.rsplit_once('/').map_or(id.as_str(), |(stack, _)| stack);
    let body = wanted(request)?;
    let name = stack.rsplit('/').next().unwrap_or_default();
    let properties = body.get("properties").cloned().unwrap_or_default();
    let scope = Scope::of(request, &deployment_name(name, 0));
    let expanded = match deployments::expand(world, &properties, &scope) {
        Ok(expanded) => expanded,
        Err(answer) => return Ok(answer),
    };
    let validated: Vec<Value> = expanded
        .flattened()
        .iter()
        .filter(|one| one.resource.nested.is_none())
        .map(|one| json!({"id": one.resource.id}))
        .collect();
    let result = json!({"id": stack, "name": name, "type": KIND, "properties": {
        "actionOnUnmanage": properties["actionOnUnmanage"], "denySettings": properties["denySettings"],
        "deploymentScope": format!("/subscriptions/{}/resourceGroups/{}", scope.subscription, scope.group),
        "validatedResources": validated}});
    Ok(edge::later(world, request, result))
}
