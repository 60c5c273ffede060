//! Deployments of templates: what a template expands to is run against the store, as far in
//! parallel as `dependsOn` allows, through the same way that requests take.
//!
//! Templates are expanded by a function that is handed in ([`World::expand`]); without one
//! the deployments' addresses answer that they are not simulated.

use crate::access::Principal;
use crate::answer::{Answer, Refusal};
use crate::apim::not_simulated;
use crate::behaviours::Row;
use crate::request::Request;
use crate::server;
use crate::table::Operation;
use crate::world::{Running, World};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A resource of an expanded template.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The whole id.
    pub id: String,
    /// Its api-version.
    pub api_version: String,
    /// What is sent: `properties`, `location` and so on.
    pub body: Value,
    /// Ids of what must be there before.
    pub depends_on: Vec<String>,
}

/// An expanded template.
#[derive(Debug, Clone, Default)]
pub struct Expanded {
    /// Resources whose condition holds.
    pub resources: Vec<Resource>,
    /// Outputs: `{"name": {"type", "value"}}`.
    pub outputs: Value,
}

/// Where a template is deployed.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The subscription's id.
    pub subscription: String,
    /// The group's name.
    pub group: String,
    /// The deployment's name.
    pub deployment: String,
}

/// A template's refusal: `code`, `message`, `target`.
#[derive(Debug, Clone)]
pub struct Unexpanded {
    /// `error.code`.
    pub code: String,
    /// `error.message`.
    pub message: String,
    /// `error.target`.
    pub target: Option<String>,
}

/// Expands a template with its parameters.
pub type Expand = dyn Fn(&Value, &Value, &Scope) -> Result<Expanded, Unexpanded> + Send + Sync;

/// Greatest size of a template, and of a resource in it, in bytes.
const LIMITS: (usize, usize) = (4 * 1024 * 1024, 1024 * 1024);

/// Whether an operation is one of deployments in a group.
pub fn is_own(operation: &Operation) -> bool {
    operation.path.contains("/resourcegroups/")
        && (operation.name.starts_with("Deployments.")
            || operation.name.starts_with("DeploymentOperations."))
}

/// Answers a request about deployments.
///
/// # Errors
/// A refusal.
pub fn run(
    world: &Arc<World>,
    request: &Request,
    operation: &Operation,
    principal: &Principal,
) -> Result<Answer, Refusal> {
    let id = request.id();
    let missing = || {
        Refusal::new(
            404,
            "DeploymentNotFound",
            format!(
                "Deployment '{}' could not be found.",
                request.path.last().map_or("", String::as_str)
            ),
        )
    };
    match operation.name.as_str() {
        "Deployments.CreateOrUpdate" => create(world, request, principal),
        "Deployments.Validate" => {
            let (expanded, body) = expanded(world, request)?;
            let validated: Vec<Value> = expanded
                .resources
                .iter()
                .map(|resource| json!({"id": resource.id}))
                .collect();
            let properties = json!({"provisioningState": "Succeeded", "mode": body["properties"]["mode"], "validatedResources": validated});
            Ok(Answer::json(
                200,
                json!({"id": id.trim_end_matches("/validate"), "properties": properties}),
            ))
        }
        "Deployments.Get" => {
            let state = world.state();
            let found = state.store.get(&id).ok_or_else(missing)?;
            Ok(Answer::json(
                200,
                shown(&id, found.body.get("properties").unwrap_or(&Value::Null)),
            ))
        }
        "Deployments.CheckExistence" => match world.state().store.get(&id) {
            Some(_) => Ok(Answer::empty(204)),
            None => Err(missing()),
        },
        "Deployments.Delete" => {
            world.state().store.remove(&id).ok_or_else(missing)?;
            Ok(Answer::empty(204))
        }
        "Deployments.ListByResourceGroup" => {
            let state = world.state();
            let value: Vec<Value> = state
                .store
                .children(&id)
                .map(|one| shown(&one.id, one.body.get("properties").unwrap_or(&Value::Null)))
                .collect();
            Ok(Answer::json(200, json!({ "value": value })))
        }
        "DeploymentOperations.List" => {
            // The SDK's address lacks the provider.
            let deployment = id.trim_end_matches("/operations").replace(
                "/deployments/",
                "/providers/Microsoft.Resources/deployments/",
            );
            let state = world.state();
            let found = state.store.get(&deployment).ok_or_else(missing)?;
            Ok(Answer::json(
                200,
                json!({"value": found.body.get("operations").cloned().unwrap_or_else(|| json!([]))}),
            ))
        }
        _ => Err(not_simulated(&operation.name)),
    }
}

fn shown(id: &str, properties: &Value) -> Value {
    json!({"id": id, "name": id.rsplit('/').next(), "type": "Microsoft.Resources/deployments", "properties": properties})
}

fn expanded(world: &World, request: &Request) -> Result<(Expanded, Value), Refusal> {
    let Some(expand) = &world.expand else {
        return Err(not_simulated(
            "deployments of templates: no expansion is wired in",
        ));
    };
    let body = request.json()?;
    let template = &body["properties"]["template"];
    if !template.is_object() {
        return Err(Refusal::new(
            400,
            "InvalidTemplate",
            "The template is missing: a link to it is not simulated.",
        ));
    }
    let size = template.to_string().len();
    if size > LIMITS.0 && world.on(Row::DeploymentLimits) {
        return Err(Refusal::new(
            400,
            "RequestContentTooLarge",
            format!(
                "The template has {size} bytes, and {} are allowed.",
                LIMITS.0
            ),
        ));
    }
    let name = request
        .path
        .iter()
        .rev()
        .find(|segment| *segment != "validate");
    let scope = Scope {
        subscription: request.path[1].clone(),
        group: request.path[3].clone(),
        deployment: name.cloned().unwrap_or_default(),
    };
    let expanded =
        expand(template, &body["properties"]["parameters"], &scope).map_err(|error| {
            let mut refusal = Refusal::new(400, &error.code, error.message);
            refusal.target = error.target;
            refusal
        })?;
    for resource in &expanded.resources {
        let size = resource.body.to_string().len();
        if size > LIMITS.1 && world.on(Row::DeploymentLimits) {
            return Err(Refusal::new(
                400,
                "ResourceDefinitionTooLarge",
                format!(
                    "The resource '{}' has {size} bytes, and {} are allowed.",
                    resource.id, LIMITS.1
                ),
            ));
        }
    }
    Ok((expanded, body))
}

fn create(world: &Arc<World>, request: &Request, principal: &Principal) -> Result<Answer, Refusal> {
    let (expanded, body) = expanded(world, request)?;
    let id = request.id();
    let mode = body["properties"]["mode"]
        .as_str()
        .unwrap_or("Incremental")
        .to_owned();
    if !mode.eq_ignore_ascii_case("incremental") {
        return Err(not_simulated(
            "deployments of another mode than Incremental",
        ));
    }
    let version = request.asks("api-version").unwrap_or_default().to_owned();
    let mut state = world.state();
    let is_new = state.store.get(&id).is_none();
    let key = format!("{:020}", state.number());
    let properties = json!({"provisioningState": "Accepted", "mode": mode, "parameters": shown_parameters(&body["properties"]["parameters"])});
    crate::world::put(
        &mut state.store,
        &id,
        "Microsoft.Resources/deployments",
        json!({"properties": properties}),
    );
    state.running.insert(
        key.clone(),
        Running {
            id: id.clone(),
            has_ended: false,
            status: 200,
            error: None,
        },
    );
    drop(state);
    let status = format!(
        "{}{}/operationStatuses/{key}?api-version={version}",
        request.origin, id
    );
    let task = Task {
        world: Arc::clone(world),
        principal: principal.clone(),
        origin: request.origin.clone(),
        id: id.clone(),
        key,
    };
    tokio::spawn(async move { task.run(expanded).await });
    let answer = Answer::json(if is_new { 201 } else { 200 }, shown(&id, &properties));
    Ok(crate::edge::waits(world, answer, false).with("azure-asyncoperation", status))
}

/// Parameters as they are read back: secrets have no value. The simulation does not know
/// which are secure, so it shows none.
fn shown_parameters(parameters: &Value) -> Value {
    let names = parameters.as_object().into_iter().flatten();
    Value::Object(names.map(|(name, _)| (name.clone(), json!({}))).collect())
}

struct Task {
    world: Arc<World>,
    principal: Principal,
    origin: String,
    id: String,
    key: String,
}

impl Task {
    async fn run(self, expanded: Expanded) {
        let (operations, failed) = deploy(
            &self.world,
            &self.principal,
            &self.origin,
            expanded.resources,
        )
        .await;
        let error = (!failed.is_empty()).then(|| {
            let details: Vec<Value> = failed.iter().map(|answer| json!({"code": reason(answer.status), "message": answer.body.as_ref().map(Value::to_string)})).collect();
            json!({"code": "DeploymentFailed", "target": self.id, "details": details,
                   "message": "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details."})
        });
        let mut state = self.world.state();
        if let Some(entity) = state.store.change(&self.id) {
            entity.set(
                "provisioningState",
                if error.is_some() {
                    "Failed"
                } else {
                    "Succeeded"
                },
            );
            match &error {
                Some(error) => entity.set("error", error.clone()),
                None => entity.set("outputs", expanded.outputs),
            }
            entity
                .body
                .insert("operations".into(), Value::Array(operations));
        }
        if let Some(running) = state.running.get_mut(&self.key) {
            running.has_ended = true;
            running.error = error;
        }
    }
}

/// The word that a deployment has for a status.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "BadRequest",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        412 => "PreconditionFailed",
        429 => "TooManyRequests",
        _ => "InternalServerError",
    }
}

/// Puts resources, each when what it depends on is there. What fails stops what depends on
/// it, and nothing else. Returns the operations, and the answers of those that failed.
pub async fn deploy(
    world: &Arc<World>,
    principal: &Principal,
    origin: &str,
    resources: Vec<Resource>,
) -> (Vec<Value>, Vec<Answer>) {
    let order = world.on(Row::DeploymentOrder);
    let ids: BTreeSet<String> = resources
        .iter()
        .map(|resource| resource.id.to_lowercase())
        .collect();
    let mut waiting: BTreeMap<String, Resource> = resources
        .into_iter()
        .map(|resource| (resource.id.to_lowercase(), resource))
        .collect();
    let mut done = BTreeSet::new();
    let mut running = tokio::task::JoinSet::new();
    let (mut operations, mut failed) = (Vec::new(), Vec::new());
    loop {
        let ready: Vec<String> = waiting
            .iter()
            .filter(|(_, resource)| {
                let mut needs = resource
                    .depends_on
                    .iter()
                    .map(|id| id.to_lowercase())
                    .filter(|id| ids.contains(id));
                !order || needs.all(|id| done.contains(&id))
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in ready {
            if let Some(resource) = waiting.remove(&id) {
                let (world, principal, origin) =
                    (Arc::clone(world), principal.clone(), origin.to_owned());
                running.spawn(async move {
                    (
                        id,
                        put(&world, &principal, &origin, &resource).await,
                        resource,
                    )
                });
            }
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let Ok((id, answer, resource)) = ended else {
            continue;
        };
        let state = if answer.status < 300 {
            "Succeeded"
        } else {
            "Failed"
        };
        operations.push(json!({"id": resource.id, "operationId": crate::apim::hex(&resource.id), "properties": {"provisioningOperation": "Create", "provisioningState": state,
            "statusCode": reason_of(answer.status), "targetResource": {"id": resource.id}, "statusMessage": answer.body.as_ref().filter(|_| answer.status >= 300)}}));
        if answer.status < 300 {
            done.insert(id);
        } else {
            failed.push(answer);
        }
    }
    (operations, failed)
}

fn reason_of(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        status => reason(status),
    }
}

/// Puts a resource and waits for the end of its operation.
async fn put(
    world: &Arc<World>,
    principal: &Principal,
    origin: &str,
    resource: &Resource,
) -> Answer {
    let request = |method: &str, target: &str, bytes: Vec<u8>| {
        let (path, query) = Request::target(target);
        Request {
            method: method.to_owned(),
            path,
            query,
            headers: BTreeMap::new(),
            bytes,
            origin: origin.to_owned(),
        }
    };
    let target = format!("{}?api-version={}", resource.id, resource.api_version);
    let answer = server::answer(
        Arc::clone(world),
        request("PUT", &target, resource.body.to_string().into_bytes()),
        Some(principal.clone()),
    )
    .await
    .answer;
    let Some((_, link)) = answer
        .headers
        .iter()
        .find(|(name, _)| *name == "azure-asyncoperation")
        .cloned()
    else {
        return answer;
    };
    let target = link.strip_prefix(origin).unwrap_or(&link).to_owned();
    loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let status = server::answer(
            Arc::clone(world),
            request("GET", &target, Vec::new()),
            Some(principal.clone()),
        )
        .await
        .answer;
        match status.body.as_ref().map(|body| &body["status"]) {
            Some(word) if word == "InProgress" => {}
            Some(word) if word == "Succeeded" => return answer,
            _ => return status,
        }
    }
}
