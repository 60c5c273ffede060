//! Resource Manager: groups, providers, roles, services as a list, and operations' ends.

use crate::access::ROLES;
use crate::answer::{Answer, Refusal};
use crate::apim::not_simulated;
use crate::request::Request;
use crate::store::Entity;
use crate::table::Operation;
use crate::world::{State, World};
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn shown(entity: &Entity) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), json!(entity.id));
    out.insert("type".into(), json!(entity.arm_type));
    out.insert("name".into(), json!(entity.name));
    out.extend(entity.body.clone());
    Value::Object(out)
}

fn object(request: &Request) -> Result<Map<String, Value>, Refusal> {
    match request.json()? {
        Value::Object(body) => Ok(body),
        _ => Err(Refusal::new(
            400,
            "InvalidRequestContent",
            "The request content was invalid: a JSON object is expected.",
        )),
    }
}

fn no_group(name: &str) -> Refusal {
    Refusal::new(
        404,
        "ResourceGroupNotFound",
        format!("Resource group '{name}' could not be found."),
    )
}

/// Answers what is no resource of API Management.
///
/// # Errors
/// A refusal.
pub fn run(
    world: &World,
    state: &mut State,
    request: &Request,
    operation: &Operation,
) -> Result<Answer, Refusal> {
    let id = request.id();
    let last = request.path.last().cloned().unwrap_or_default();
    match operation.name.as_str() {
        "ResourceGroups.CreateOrUpdate" => {
            let mut body = object(request)?;
            if body.get("location").and_then(Value::as_str).is_none() {
                return Err(Refusal::new(
                    400,
                    "LocationRequired",
                    "The location property is required for this definition.",
                ));
            }
            let is_new = state.store.get(&id).is_none();
            body.insert(
                "properties".into(),
                json!({"provisioningState": "Succeeded"}),
            );
            let entity = state
                .store
                .put(&id, "Microsoft.Resources/resourceGroups", body);
            Ok(Answer::json(if is_new { 201 } else { 200 }, shown(entity)))
        }
        "ResourceGroups.Update" => {
            let body = object(request)?;
            let entity = state.store.change(&id).ok_or_else(|| no_group(&last))?;
            entity
                .body
                .extend(body.into_iter().filter(|(key, _)| key == "tags"));
            Ok(Answer::json(200, shown(entity)))
        }
        "ResourceGroups.Get" => state
            .store
            .get(&id)
            .map(|group| Answer::json(200, shown(group)))
            .ok_or_else(|| no_group(&last)),
        "ResourceGroups.CheckExistence" => match state.store.get(&id) {
            Some(_) => Ok(Answer::empty(204)),
            None => Err(no_group(&last)),
        },
        "ResourceGroups.Delete" => {
            state.store.remove(&id).ok_or_else(|| no_group(&last))?;
            let key = state.begin(id, true, 200);
            let version = request.asks("api-version").unwrap_or_default();
            let link = format!(
                "{}/subscriptions/{}/operationresults/{key}?api-version={version}",
                request.origin, request.path[1]
            );
            Ok(waits(
                world,
                Answer::empty(202).with("location", link),
                false,
            ))
        }
        "ResourceGroups.List" => {
            let all = state
                .store
                .all()
                .filter(|entity| entity.arm_type == "Microsoft.Resources/resourceGroups");
            let value: Vec<Value> = all
                .filter(|group| {
                    group.id.to_lowercase().starts_with(&format!(
                        "/subscriptions/{}/",
                        request.path[1].to_lowercase()
                    ))
                })
                .map(shown)
                .collect();
            Ok(Answer::json(200, json!({ "value": value })))
        }
        "Providers.Register" | "Providers.Unregister" => {
            let namespace = request.path.get(3).cloned().unwrap_or_default();
            match operation.name.ends_with("Unregister") {
                true => state.registered.remove(&namespace.to_lowercase()),
                false => state.registered.insert(namespace.to_lowercase()),
            };
            Ok(Answer::json(200, provider(world, state, &namespace)))
        }
        "Providers.Get" => Ok(Answer::json(200, provider(world, state, &last))),
        "Providers.List" => {
            let value = json!([
                provider(world, state, "Microsoft.ApiManagement"),
                provider(world, state, "Microsoft.Resources"),
                provider(world, state, "Microsoft.Authorization")
            ]);
            Ok(Answer::json(200, json!({ "value": value })))
        }
        ".ListByResourceGroup" | ".List" | "Service.List" | "Service.ListByResourceGroup"
            if id.to_lowercase().ends_with("/service") =>
        {
            let scope = &id[..id.to_lowercase().find("/providers/").unwrap_or(id.len())];
            let below = state
                .store
                .below(scope)
                .filter(|entity| entity.arm_type == "Microsoft.ApiManagement/service");
            let value: Vec<Value> = below.map(shown).collect();
            Ok(Answer::json(200, json!({ "value": value })))
        }
        "Service.CheckNameAvailability" => {
            let name = object(request)?
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let taken = state.store.all().any(|entity| {
                entity.arm_type == "Microsoft.ApiManagement/service"
                    && entity.name.eq_ignore_ascii_case(&name)
            });
            Ok(Answer::json(
                200,
                json!({"nameAvailable": !taken, "message": "", "reason": if taken { "AlreadyExists" } else { "Valid" }}),
            ))
        }
        _ => Err(not_simulated(&operation.name)),
    }
}

fn provider(world: &World, state: &State, namespace: &str) -> Value {
    let is_apim = namespace.eq_ignore_ascii_case("Microsoft.ApiManagement");
    let registered = state.registered.contains(&namespace.to_lowercase());
    let mut types: Vec<String> = Vec::new();
    for operation in world
        .table
        .operations()
        .iter()
        .filter(|o| is_apim && o.method == "PUT")
    {
        let Some((_, below)) = operation
            .path
            .split_once("/providers/Microsoft.ApiManagement/")
        else {
            continue;
        };
        let name = below.split('/').step_by(2).collect::<Vec<_>>().join("/");
        if !types.contains(&name) {
            types.push(name);
        }
    }
    let types: Vec<Value> = types.iter().map(|name| json!({"resourceType": name, "locations": ["West Europe"], "apiVersions": crate::versions::API_VERSIONS})).collect();
    json!({"id": format!("/subscriptions/{}/providers/{namespace}", world.settings.subscription), "namespace": namespace,
           "registrationState": if registered { "Registered" } else { "NotRegistered" }, "resourceTypes": types})
}

/// Roles, assignments and permissions, which stand below any scope.
///
/// # Errors
/// A refusal.
pub fn authorization(
    world: &World,
    state: &mut State,
    request: &Request,
    at: usize,
) -> Result<Answer, Refusal> {
    let id = request.id();
    let scope = match at {
        0 => String::new(),
        at => format!("/{}", request.path[..at].join("/")),
    };
    let kind = request
        .path
        .get(at + 2)
        .map(|kind| kind.to_lowercase())
        .unwrap_or_default();
    let name = request.path.get(at + 3);
    let arm_type = match kind.as_str() {
        "roleassignments" => "Microsoft.Authorization/roleAssignments",
        "roledefinitions" => "Microsoft.Authorization/roleDefinitions",
        _ => {
            return Err(Refusal::new(
                404,
                "InvalidResourceType",
                format!(
                    "The resource type '{kind}' could not be found in the namespace 'Microsoft.Authorization'."
                ),
            ));
        }
    };
    let builtin = |role: &crate::access::Role| {
        json!({"id": format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}", world.settings.subscription, role.id),
               "type": "Microsoft.Authorization/roleDefinitions", "name": role.id,
               "properties": {"roleName": role.name, "type": "BuiltInRole", "assignableScopes": ["/"],
                              "permissions": [{"actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": []}]}})
    };
    let missing = || {
        Refusal::new(
            404,
            if kind == "roleassignments" {
                "RoleAssignmentNotFound"
            } else {
                "RoleDefinitionDoesNotExist"
            },
            format!(
                "The {kind} '{}' is not found.",
                name.map_or("", String::as_str)
            ),
        )
    };
    match (request.method.as_str(), name) {
        ("PUT", Some(_)) => {
            let mut body = object(request)?;
            let properties = body.get_mut("properties").and_then(Value::as_object_mut);
            let Some(properties) = properties else {
                return Err(Refusal::new(
                    400,
                    "InvalidRequestContent",
                    "The request content was invalid: properties is missing.",
                ));
            };
            if kind == "roleassignments" {
                for needed in ["roleDefinitionId", "principalId"] {
                    if !properties.get(needed).is_some_and(Value::is_string) {
                        return Err(Refusal::new(
                            400,
                            "InvalidRequestContent",
                            format!("The request content was invalid: {needed} is missing."),
                        ));
                    }
                }
                properties.insert("scope".into(), json!(scope));
            }
            let is_new = state.store.get(&id).is_none();
            let entity = state.store.put(&id, arm_type, body);
            Ok(Answer::json(if is_new { 201 } else { 200 }, shown(entity)))
        }
        ("GET", Some(name)) => match ROLES.iter().find(|role| role.id.eq_ignore_ascii_case(name)) {
            Some(role) if kind == "roledefinitions" => Ok(Answer::json(200, builtin(role))),
            _ => state
                .store
                .get(&id)
                .map(|entity| Answer::json(200, shown(entity)))
                .ok_or_else(missing),
        },
        ("DELETE", Some(_)) => match state.store.remove(&id) {
            Some(entity) => Ok(Answer::json(200, shown(&entity))),
            None => Ok(Answer::empty(204)),
        },
        ("GET", None) => {
            // Assignments hold for what is below their scope, so those above are listed too.
            let held = |entity: &&Entity| {
                let at = entity
                    .id
                    .to_lowercase()
                    .find("/providers/microsoft.authorization/")
                    .unwrap_or(0);
                let of = &entity.id[..at];
                scope.to_lowercase().starts_with(&of.to_lowercase())
                    || of.to_lowercase().starts_with(&scope.to_lowercase())
            };
            let all = state
                .store
                .all()
                .filter(|entity| entity.arm_type == arm_type);
            let mut value: Vec<Value> = all.filter(held).map(shown).collect();
            if kind == "roledefinitions" {
                value.extend(ROLES.iter().map(builtin));
            }
            let filter = request.asks("$filter").unwrap_or_default();
            if let Some(name) = filter
                .strip_prefix("roleName eq '")
                .and_then(|rest| rest.strip_suffix('\''))
            {
                value.retain(|role| role["properties"]["roleName"] == name);
            }
            if let Some(id) = filter
                .strip_prefix("principalId eq '")
                .and_then(|rest| rest.strip_suffix('\''))
            {
                value.retain(|assignment| assignment["properties"]["principalId"] == id);
            }
            Ok(Answer::json(200, json!({ "value": value })))
        }
        _ => Err(Refusal::new(
            405,
            "MethodNotAllowed",
            "The method is not allowed here.",
        )),
    }
}

/// The end of a long-running operation: `Azure-AsyncOperation`, or `Location` with
/// `asyncId`. `None` when the request asks for none.
pub fn status(world: &World, state: &State, request: &Request) -> Option<Result<Answer, Refusal>> {
    let by_id = request.path.iter().position(|segment| {
        segment.eq_ignore_ascii_case("operationsStatuses")
            || segment.eq_ignore_ascii_case("operationStatuses")
    });
    let by_result = request
        .path
        .iter()
        .position(|segment| segment.eq_ignore_ascii_case("operationresults"));
    let (key, is_status) = match (by_id, by_result, request.asks("asyncId")) {
        (Some(at), _, _) => (request.path.get(at + 1)?.as_str(), true),
        (None, Some(at), _) => (request.path.get(at + 1)?.as_str(), false),
        (None, None, Some(id)) => (id, false),
        (None, None, None) => return None,
    };
    let Some(running) = state.running.get(key) else {
        return Some(Err(Refusal::new(
            404,
            "OperationNotFound",
            format!("The operation '{key}' is not found."),
        )));
    };
    let ended = running.has_ended;
    if is_status {
        let status = match (&running.error, ended) {
            (_, false) => "InProgress",
            (Some(_), true) => "Failed",
            (None, true) => "Succeeded",
        };
        let mut body = json!({"id": request.id(), "name": key, "status": status});
        if let (Some(error), true) = (&running.error, ended) {
            body["error"] = error.clone();
        }
        return Some(Ok(waits(world, Answer::json(200, body), ended)));
    }
    if !ended {
        let link = format!(
            "{}/{}?{}",
            request.origin,
            request.path.join("/"),
            query(request)
        );
        return Some(Ok(waits(
            world,
            Answer::empty(202).with("location", link),
            false,
        )));
    }
    if let Some(error) = &running.error {
        return Some(Ok(Answer::json(409, json!({ "error": error }))));
    }
    if let Some(result) = &running.result {
        return Some(Ok(Answer::json(200, result.clone())));
    }
    match state.store.get(&running.id).filter(|_| by_result.is_none()) {
        // The resource itself, as a GET would show it, follows from the caller.
        Some(_) => None,
        None => Some(Ok(Answer::empty(if running.status == 200 {
            200
        } else {
            204
        }))),
    }
}

/// 202 with a `Location` that answers `result` when the operation has ended.
pub fn later(world: &Arc<World>, request: &Request, result: Value) -> Answer {
    let (key, link) = begin(world, request, 200);
    let ends = Arc::clone(world);
    tokio::spawn(async move {
        tokio::time::sleep(ends.settings.operation_time).await;
        ends.state().end(&key, None, Some(result));
    });
    waits(world, Answer::empty(202).with("location", link), false)
}

/// Begins an operation that ends at `Location`: its key, and the address.
pub fn begin(world: &World, request: &Request, status: u16) -> (String, String) {
    let key = world.state().begin(request.id(), false, status);
    let version = request.asks("api-version").unwrap_or_default();
    let subscription = request.path.get(1).map_or("", String::as_str);
    let link = format!(
        "{}/subscriptions/{subscription}/operationresults/{key}?api-version={version}",
        request.origin
    );
    (key, link)
}

fn query(request: &Request) -> String {
    let pairs = request
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}

/// Says when to ask again.
pub fn waits(world: &World, answer: Answer, ended: bool) -> Answer {
    if ended {
        return answer;
    }
    let after = world.settings.retry_after;
    let millis = if after == 0 { 5 } else { after * 1000 };
    answer
        .with("retry-after", after.to_string())
        .with("x-ms-retry-after-ms", millis.to_string())
}
