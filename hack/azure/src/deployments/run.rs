//! Runs what a template expands to, as far in parallel as `dependsOn` allows, through the
//! same way that requests take.

use super::{Caller, KIND, Live, Scope, refused};
use crate::answer::Answer;
use crate::behaviours::Row;
use arm_template::{Expanded, Resource, Schedule};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

/// A resource that a deployment wrote.
#[derive(Debug, Clone)]
pub struct Written {
    /// Its id.
    pub id: String,
    /// The api-version of its template.
    pub api_version: String,
}

/// A resource that a deployment could not write.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Its id.
    pub id: String,
    /// `error` of its answer.
    pub error: Value,
}

/// A deployment that runs.
#[derive(Debug)]
pub struct Task {
    /// Who deploys.
    pub caller: Caller,
    written: Mutex<BTreeMap<String, Written>>,
    failures: Mutex<Vec<Failure>>,
}

impl Task {
    /// Nothing has started.
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            written: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    /// What was written, by id in lower case; nested deployments by what is in them.
    pub fn written(&self) -> BTreeMap<String, Written> {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What could not be written.
    pub fn failures(&self) -> Vec<Failure> {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Deletes what the template does not name, as complete mode does.
    pub async fn complete(&self, scope: &Scope) -> Vec<Answer> {
        let world = &self.caller.world;
        let written: HashSet<String> = self.written().into_keys().collect();
        let place = scope.context(world).place;
        let gone = arm_template::to_delete(&place, &written, &Live(world));
        let mut failed = Vec::new();
        for id in gone {
            // Resource Manager takes the newest version that a type has.
            let answer = self
                .caller
                .send("DELETE", &id, crate::versions::API_VERSIONS[0], None)
                .await;
            if answer.status >= 300 {
                failed.push(answer);
            }
        }
        failed
    }

    /// Runs a deployment, nested ones too, and stores how it ended. Returns its error.
    pub fn deploy<'t>(
        &'t self,
        id: &'t str,
        scope: &'t Scope,
        expanded: Expanded,
    ) -> Pin<Box<dyn Future<Output = Option<Value>> + Send + 't>> {
        Box::pin(async move {
            let world = &self.caller.world;
            let schedule = Schedule::new(&expanded);
            let Expanded {
                resources, outputs, ..
            } = expanded;
            let (operations, mut failed) = self.resources(scope, resources, schedule).await;
            if failed.is_empty() && scope.is_complete && world.on(Row::CompleteMode) {
                failed = self.complete(scope).await;
            }
            let mut error = (!failed.is_empty()).then(|| summary(id, &failed));
            let mut values = json!({});
            if error.is_none() {
                match outputs.resolve(&Live(world)) {
                    Ok(resolved) => values = resolved,
                    Err(wrong) => error = Some(wrong.body()["error"].clone()),
                }
            }
            let mut state = world.state();
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
                let there = operations.iter().filter(|operation| {
                    operation["properties"]["provisioningState"] == "Succeeded"
                });
                let there: Vec<Value> = there
                    .map(|operation| operation["properties"]["targetResource"].clone())
                    .collect();
                entity.set("outputResources", there);
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
        mut schedule: Schedule,
    ) -> (Vec<Value>, Vec<Answer>) {
        let ordered = self.caller.world.on(Row::DeploymentOrder);
        let mut at_once = 0..resources.len();
        let mut resources: Vec<Option<Resource>> = resources.into_iter().map(Some).collect();
        let mut running = futures_util::stream::FuturesUnordered::new();
        let (mut operations, mut failed) = (Vec::new(), Vec::new());
        loop {
            while let Some(at) = match ordered {
                true => schedule.start(),
                false => at_once.next(),
            } {
                if let Some(one) = resources.get_mut(at).and_then(Option::take) {
                    running.push(async move { (at, self.resource(scope, &one).await, one) });
                }
            }
            let Some((at, answer, one)) = running.next().await else {
                break;
            };
            let id = one.id;
            let has_failed = answer.status >= 300;
            let message = answer.body.as_ref().filter(|_| has_failed);
            operations.push(json!({"id": id, "operationId": crate::apim::hex(&id), "properties": {
                "provisioningOperation": "Create", "provisioningState": if has_failed { "Failed" } else { "Succeeded" },
                "statusCode": reason(answer.status), "targetResource": {"id": id}, "statusMessage": message}}));
            match has_failed {
                true => {
                    if one.nested.is_none() {
                        let error = message.map_or(Value::Null, |body| body["error"].clone());
                        self.failures
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(Failure { id, error });
                    }
                    schedule.failed(at);
                    failed.push(answer);
                }
                false => {
                    if one.nested.is_none() {
                        let api_version = one.api_version;
                        self.written
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert(id.to_lowercase(), Written { id, api_version });
                    }
                    schedule.done(at);
                }
            }
        }
        (operations, failed)
    }

    /// A resource: put, or a deployment of its own.
    async fn resource(&self, scope: &Scope, resource: &Resource) -> Answer {
        let world = &self.caller.world;
        let Some(nested) = &resource.nested else {
            let resolved = resource.resolve(&Live(world));
            return match resolved {
                Ok(body) => {
                    self.caller
                        .send("PUT", &resource.id, &resource.api_version, Some(&body))
                        .await
                }
                Err(error) => refused(&error),
            };
        };
        let inner = nested.expand(&scope.context(world), &Live(world));
        let inner = match inner {
            Ok(inner) => inner,
            Err(error) => return refused(&error),
        };
        let properties =
            json!({"properties": {"provisioningState": "Running", "mode": "Incremental"}});
        crate::world::put(&mut world.state().store, &resource.id, KIND, properties);
        let name = resource
            .id
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        // Only the template of the request can be in complete mode.
        let scope = Scope {
            deployment: name,
            is_complete: false,
            ..scope.clone()
        };
        match self.deploy(&resource.id, &scope, inner).await {
            None => Answer::json(200, json!({"id": resource.id})),
            Some(error) => Answer::json(409, json!({ "error": error })),
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
