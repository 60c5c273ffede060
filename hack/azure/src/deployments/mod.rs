//! Deployments of templates into a resource group: what a template expands to
//! (`arm-template`) is validated, previewed or run against the store.

mod caller;
mod live;
mod run;
mod what_if;

pub use caller::Caller;
pub use live::Live;
pub use run::{Failure, Task, Written};

use crate::access::Principal;
use crate::answer::{Answer, Refusal};
use crate::apim::not_simulated;
use crate::behaviours::Row;
use crate::request::Request;
use crate::table::Operation;
use crate::world::World;
use arm_template::{ArmError, Context, Expanded, Mode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Where a template is deployed.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The subscription's id.
    pub subscription: String,
    /// The group's name.
    pub group: String,
    /// The name of the deployment.
    pub deployment: String,
    /// Whether what the template does not name is deleted.
    pub is_complete: bool,
}

impl Scope {
    /// The group of a request, for a deployment of this name.
    pub fn of(request: &Request, deployment: &str) -> Self {
        let part = |at: usize| request.path.get(at).cloned().unwrap_or_default();
        Self {
            subscription: part(1),
            group: part(3),
            deployment: deployment.to_owned(),
            is_complete: false,
        }
    }

    /// What the expansion knows of the deployment. It is made where it is used: it is not
    /// handed between threads.
    pub fn context(&self, world: &World) -> Context<'static> {
        let mut context = Context::new(&self.subscription, &self.group, &self.deployment);
        context.tenant_id.clone_from(&world.settings.tenant);
        if self.is_complete {
            context.mode = Mode::Complete;
        }
        if !world.on(Row::DeploymentLimits) {
            context.limits.template = usize::MAX;
            context.limits.resource = usize::MAX;
        }
        context
    }

    /// The id of the deployment.
    pub fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{KIND}/{}",
            self.subscription, self.group, self.deployment
        )
    }
}

/// The type of a deployment.
pub const KIND: &str = "Microsoft.Resources/deployments";

/// A refusal of a template.
pub fn refused(error: &ArmError) -> Answer {
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
        "Deployments.WhatIf" => what_if::answer(world, request),
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

/// The template of a request, expanded for its deployment.
fn expanded(world: &World, request: &Request) -> Result<(Expanded, Value, Scope), Answer> {
    let body = request.json()?;
    let name = request
        .path
        .iter()
        .rev()
        .find(|segment| !["validate", "whatif"].contains(&segment.to_lowercase().as_str()));
    let mode = body["properties"]["mode"].as_str().unwrap_or_default();
    let is_complete = mode.eq_ignore_ascii_case("complete");
    if !is_complete && !mode.eq_ignore_ascii_case("incremental") {
        // The SDKs call it required, and name its two values.
        return Err(Refusal::new(
            400,
            "InvalidRequestContent",
            format!("The request content was invalid: '{mode}' is no deployment mode."),
        )
        .into());
    }
    let scope = Scope {
        is_complete,
        ..Scope::of(request, name.map_or("", String::as_str))
    };
    let expanded = expand(world, &body["properties"], &scope)?;
    Ok((expanded, body, scope))
}

/// The template of `properties` with its parameters.
///
/// # Errors
/// 400 with what is wrong with it; 501 for a link to a template.
pub fn expand(world: &World, properties: &Value, scope: &Scope) -> Result<Expanded, Answer> {
    let template = &properties["template"];
    if template.is_null() && properties["templateLink"].is_object() {
        return Err(not_simulated("links to templates").into());
    }
    if !template.is_object() {
        return Err(Refusal::new(400, "InvalidTemplate", "The template is missing.").into());
    }
    arm_template::expand(template, &properties["parameters"], &scope.context(world))
        .map_err(|error| refused(&error))
}

fn create(world: &Arc<World>, request: &Request, principal: &Principal) -> Result<Answer, Refusal> {
    let (expanded, body, scope) = match expanded(world, request) {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let id = request.id();
    let mode = scope.context(world).mode.as_str();
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
    let task = Task::new(Caller {
        world: Arc::clone(world),
        principal: principal.clone(),
        origin: request.origin.clone(),
        stack: None,
    });
    let deployment = id.clone();
    tokio::spawn(async move {
        let error = task.deploy(&deployment, &scope, expanded).await;
        task.caller.world.state().end(&key, error, None);
    });
    let answer = Answer::json(if is_new { 201 } else { 200 }, shown(&id, &properties));
    Ok(crate::edge::waits(world, answer, false).with("azure-asyncoperation", status))
}

/// Parameters as they are read back: secrets have no value. The simulation does not know
/// which are secure, so it shows none.
fn shown_parameters(parameters: &Value) -> Value {
    let names = parameters.as_object().into_iter().flatten();
    Value::Object(names.map(|(name, _)| (name.clone(), json!({}))).collect())
}
