//! Deployments of templates: what a template expands to (`arm-template`) is run against the
//! store, as far in parallel as `dependsOn` allows, through the same way that requests take.

use crate::access::Principal;
use crate::answer::{Answer, Refusal};
use crate::apim::not_simulated;
use crate::behaviours::Row;
use crate::request::Request;
use crate::server;
use crate::table::Operation;
use crate::world::World;
use arm_template::{ArmError, Context, Expanded, Resource, State};
use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Where a template is deployed.
#[derive(Debug, Clone)]
struct Scope {
    subscription: String,
    group: String,
    deployment: String,
}

impl Scope {
    /// What the expansion knows of the deployment. It is made where it is used: it is not
    /// handed between threads.
    fn context(&self, world: &World) -> Context<'static> {
        let mut context = Context::new(&self.subscription, &self.group, &self.deployment);
        context.tenant_id.clone_from(&world.settings.tenant);
        if !world.on(Row::DeploymentLimits) {
            context.limits.template = usize::MAX;
            context.limits.resource = usize::MAX;
        }
        context
    }
}

/// What is stored, for `reference()` and `list...()`.
struct Live<'w>(&'w World);

impl State for Live<'_> {
    fn resource(&self, id: &str, _: &str) -> Option<Value> {
        let state = self.0.state();
        let entity = state.store.get(id)?;
        let mut out = Map::new();
        out.insert("id".into(), json!(entity.id));
        out.insert("name".into(), json!(entity.name));
        out.insert("type".into(), json!(entity.arm_type));
        out.extend(entity.body.clone());
        Some(Value::Object(out))
    }

    fn list(&self, action: &str, id: &str, _: &str, _: Option<&Value>) -> Option<Value> {
        let state = self.0.state();
        let entity = state.store.get(id)?;
        let shown = |name: &str| entity.property(name).cloned().unwrap_or(Value::Null);
        match action.to_lowercase().as_str() {
            "listvalue" => Some(json!({"value": shown("value")})),
            "listsecrets" => Some(
                json!({"primaryKey": shown("primaryKey"), "secondaryKey": shown("secondaryKey")}),
            ),
            _ => None,
        }
    }
}

/// The type of a deployment.
const KIND: &str = "Microsoft.Resources/deployments";

/// A refusal of a template.
fn refused(error: &ArmError) -> Answer {
    Answer::json(400, error.body())
}

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
            let (expanded, body, _) = match expanded(world, request) {
                Ok(found) => found,
                Err(answer) => return Ok(answer),
            };
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

fn expanded(world: &World, request: &Request) -> Result<(Expanded, Value, Scope), Answer> {
    let body = request.json()?;
    let template = &body["properties"]["template"];
    if !template.is_object() {
        let refusal = Refusal::new(
            400,
            "InvalidTemplate",
            "The template is missing: a link to it is not simulated.",
        );
        return Err(refusal.into());
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
    let parameters = &body["properties"]["parameters"];
    let expanded = arm_template::expand(template, parameters, &scope.context(world));
    match expanded {
        Ok(expanded) => Ok((expanded, body, scope)),
        Err(error) => Err(refused(&error)),
    }
}

fn create(world: &Arc<World>, request: &Request, principal: &Principal) -> Result<Answer, Refusal> {
    let (expanded, body, scope) = match expanded(world, request) {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
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
    let key = state.begin(id.clone(), false, 200);
    let properties = json!({"provisioningState": "Accepted", "mode": mode, "parameters": shown_parameters(&body["properties"]["parameters"])});
    crate::world::put(
        &mut state.store,
        &id,
        KIND,
        json!({"properties": properties}),
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
        scope,
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
    scope: Scope,
    id: String,
    key: String,
}

impl Task {
    async fn run(self, expanded: Expanded) {
        let error = self.deploy(&self.id, &self.scope, expanded).await;
        let mut state = self.world.state();
        if let Some(running) = state.running.get_mut(&self.key) {
            running.has_ended = true;
            running.error = error;
        }
    }

    /// Runs a deployment, nested ones too, and stores how it ended. Returns its error.
    fn deploy<'t>(
        &'t self,
        id: &'t str,
        scope: &'t Scope,
        expanded: Expanded,
    ) -> Pin<Box<dyn Future<Output = Option<Value>> + Send + 't>> {
        Box::pin(async move {
            let Expanded {
                resources, outputs, ..
            } = expanded;
            let (operations, failed) = self.resources(scope, resources).await;
            let mut error = (!failed.is_empty()).then(|| summary(id, &failed));
            let mut values = json!({});
            if error.is_none() {
                match outputs.resolve(&Live(&self.world)) {
                    Ok(resolved) => values = resolved,
                    Err(wrong) => error = Some(wrong.body()["error"].clone()),
                }
            }
            let mut state = self.world.state();
            if let Some(entity) = state.store.change(id) {
                let ended = if error.is_some() {
                    "Failed"
                } else {
                    "Succeeded"
                };
                entity.set("provisioningState", ended);
                match &error {
                    Some(error) => entity.set("error", error.clone()),
                    None => entity.set("outputs", values),
                }
                let operations = Value::Array(operations);
                entity.body.insert("operations".into(), operations);
            }
            error
        })
    }

    /// Puts resources, each when what it depends on is there. What fails stops what depends
    /// on it, and nothing else. Returns the operations, and the answers of what failed.
    async fn resources(
        &self,
        scope: &Scope,
        resources: Vec<Resource>,
    ) -> (Vec<Value>, Vec<Answer>) {
        let order = self.world.on(Row::DeploymentOrder);
        let key = |id: &str| id.to_lowercase();
        let ids: BTreeSet<String> = resources.iter().map(|one| key(&one.id)).collect();
        let mut waiting: BTreeMap<String, Resource> = resources
            .into_iter()
            .map(|one| (key(&one.id), one))
            .collect();
        let mut done = BTreeSet::new();
        let mut running = futures_util::stream::FuturesUnordered::new();
        let (mut operations, mut failed) = (Vec::new(), Vec::new());
        loop {
            let is_ready = |one: &Resource| {
                let mut needs = one.depends_on.iter().map(|id| key(id));
                !order || needs.all(|id| done.contains(&id) || !ids.contains(&id))
            };
            let ready: Vec<String> = waiting
                .iter()
                .filter(|(_, one)| is_ready(one))
                .map(|(id, _)| id.clone())
                .collect();
            for id in ready {
                if let Some(one) = waiting.remove(&id) {
                    running.push(async move { (id, self.resource(scope, &one).await, one.id) });
                }
            }
            let Some((key, answer, id)) = running.next().await else {
                break;
            };
            let has_failed = answer.status >= 300;
            let message = answer.body.as_ref().filter(|_| has_failed);
            operations.push(json!({"id": id, "operationId": crate::apim::hex(&id), "properties": {
                "provisioningOperation": "Create", "provisioningState": if has_failed { "Failed" } else { "Succeeded" },
                "statusCode": reason(answer.status), "targetResource": {"id": id}, "statusMessage": message}}));
            match has_failed {
                true => failed.push(answer),
                false => {
                    done.insert(key);
                }
            }
        }
        (operations, failed)
    }

    /// A resource: put, or a deployment of its own.
    async fn resource(&self, scope: &Scope, resource: &Resource) -> Answer {
        let Some(nested) = &resource.nested else {
            return match resource.resolve(&Live(&self.world)) {
                Ok(body) => self.put(resource, &body).await,
                Err(error) => refused(&error),
            };
        };
        let inner = nested.expand(&scope.context(&self.world), &Live(&self.world));
        let inner = match inner {
            Ok(inner) => inner,
            Err(error) => return refused(&error),
        };
        let properties =
            json!({"properties": {"provisioningState": "Running", "mode": "Incremental"}});
        crate::world::put(
            &mut self.world.state().store,
            &resource.id,
            KIND,
            properties,
        );
        let name = resource
            .id
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let scope = Scope {
            deployment: name,
            ..scope.clone()
        };
        match self.deploy(&resource.id, &scope, inner).await {
            None => Answer::json(200, json!({"id": resource.id})),
            Some(error) => Answer::json(409, json!({ "error": error })),
        }
    }

    /// Puts a resource and waits for the end of its operation.
    async fn put(&self, resource: &Resource, body: &Value) -> Answer {
        let ask =
            |method: &str, path: Vec<String>, query: BTreeMap<String, String>, bytes: Vec<u8>| {
                let request = Request {
                    method: method.to_owned(),
                    path,
                    query,
                    headers: BTreeMap::new(),
                    bytes,
                    origin: self.origin.clone(),
                };
                server::answer(
                    Arc::clone(&self.world),
                    request,
                    Some(self.principal.clone()),
                )
            };
        let path = crate::table::segments(&resource.id)
            .map(str::to_owned)
            .collect();
        let query = BTreeMap::from([("api-version".to_owned(), resource.api_version.clone())]);
        let answer = ask("PUT", path, query, body.to_string().into_bytes())
            .await
            .answer;
        let mut headers = answer.headers.iter();
        let Some((_, link)) = headers.find(|(name, _)| *name == "azure-asyncoperation") else {
            return answer;
        };
        let (path, query) = Request::target(link.strip_prefix(&self.origin).unwrap_or(link));
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let status = ask("GET", path.clone(), query.clone(), Vec::new())
                .await
                .answer;
            match status.body.as_ref().map(|body| &body["status"]) {
                Some(word) if word == "InProgress" => {}
                Some(word) if word == "Succeeded" => return answer,
                _ => return status,
            }
        }
    }
}

/// The error of a deployment in which something failed.
fn summary(id: &str, failed: &[Answer]) -> Value {
    let details = failed.iter().map(|answer| {
        let message = answer.body.as_ref().map(Value::to_string);
        json!({"code": reason(answer.status), "message": message})
    });
    json!({"code": "DeploymentFailed", "target": id, "details": details.collect::<Vec<_>>(),
           "message": "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details."})
}

/// The word that a deployment has for a status.
fn reason(status: u16) -> &'static str {
    match status {
        201 => "Created",
        200..300 => "OK",
        400 => "BadRequest",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        412 => "PreconditionFailed",
        429 => "TooManyRequests",
        _ => "InternalServerError",
    }
}
