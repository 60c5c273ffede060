//! An update of a stack: its deployment, and what happens to resources that it leaves out.

use super::{Denial, Unmanage};
use crate::access::Principal;
use crate::behaviours::Row;
use crate::deployments::{self, Caller, Failure, Scope, Task, Written};
use crate::request::Request;
use crate::world::World;
use arm_template::Expanded;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A stack that is updated or deleted.
#[derive(Debug)]
pub(super) struct Update {
    caller: Caller,
    /// Id of the stack.
    id: String,
    /// What happens to resources that are no longer managed.
    action: Unmanage,
    deny: Value,
}

impl Update {
    /// An update to these properties.
    pub(super) fn new(
        world: &Arc<World>,
        request: &Request,
        principal: &Principal,
        id: String,
        properties: &Value,
    ) -> Self {
        let word = properties["actionOnUnmanage"]["resources"].as_str();
        Self {
            caller: Caller {
                world: Arc::clone(world),
                principal: principal.clone(),
                origin: request.origin.clone(),
                stack: Some(id.clone()),
            },
            id,
            action: word.and_then(Unmanage::read).unwrap_or(Unmanage::Detach),
            deny: properties["denySettings"].clone(),
        }
    }

    /// The same with another action.
    pub(super) fn with(self, action: Unmanage) -> Self {
        Self { action, ..self }
    }

    /// What the stack manages now, by id in lower case.
    fn managed(&self) -> BTreeMap<String, Written> {
        let state = self.caller.world.state();
        let versions = state.store.get(&self.id);
        let versions = versions.and_then(|stack| stack.body.get("versions"));
        versions
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(id, version)| {
                let written = Written {
                    id: id.clone(),
                    api_version: version.as_str().unwrap_or_default().to_owned(),
                };
                (id.to_lowercase(), written)
            })
            .collect()
    }

    fn set(&self, name: &str, value: Value) {
        if let Some(entity) = self.caller.world.state().store.change(&self.id) {
            entity.set(name, value);
        }
    }

    /// Deploys, then unmanages what the template no longer names. When the deployment fails,
    /// nothing is unmanaged.
    pub(super) async fn run(self, scope: &Scope, expanded: Expanded, key: &str) {
        let world = &self.caller.world;
        let deployment = scope.id();
        let old = self.managed();
        let begun = json!({"properties": {"provisioningState": "Running", "mode": "Incremental"}});
        crate::world::put(
            &mut world.state().store,
            &deployment,
            deployments::KIND,
            begun,
        );
        self.set("deploymentId", json!(deployment));
        self.set("provisioningState", json!("deploying"));
        let task = Task::new(self.caller.clone());
        if let Some(error) = task.deploy(&deployment, scope, expanded).await {
            let mut managed = old;
            managed.extend(task.written());
            let error = json!({"code": "DeploymentStackDeploymentFailed", "details": [error],
                "message": "One or more resources could not be deployed."});
            self.end(&managed, &task.failures(), Some(error), key);
            return;
        }
        let mut managed = task.written();
        let left: Vec<Written> = old
            .into_iter()
            .filter(|(id, _)| !managed.contains_key(id))
            .map(|(_, written)| written)
            .collect();
        let outputs = world
            .state()
            .store
            .get(&deployment)
            .and_then(|entity| entity.property("outputs").cloned());
        self.set("outputs", outputs.unwrap_or_default());
        let failures = self.unmanage(left, &mut managed).await;
        let error = (!failures.is_empty()).then(undeleted);
        self.end(&managed, &failures, error, key);
    }

    /// Deletes or detaches resources; what could not be deleted stays among `managed`.
    async fn unmanage(
        &self,
        mut left: Vec<Written>,
        managed: &mut BTreeMap<String, Written>,
    ) -> Vec<Failure> {
        let refer =
            |all: &[Written]| -> Value { all.iter().map(|one| json!({"id": one.id})).collect() };
        let mut failures = Vec::new();
        if !self.caller.world.on(Row::StackUnmanages) {
            return failures;
        }
        if self.action == Unmanage::Detach {
            self.set("detachedResources", refer(&left));
            self.set("deletedResources", json!([]));
            return failures;
        }
        self.set("provisioningState", json!("deletingResources"));
        // Children go before what they stand below.
        left.sort_by_key(|one| std::cmp::Reverse(one.id.matches('/').count()));
        let mut deleted = Vec::new();
        for one in left {
            let answer = self
                .caller
                .send("DELETE", &one.id, &one.api_version, None)
                .await;
            // What somebody else deleted is gone too.
            if answer.status < 300 || answer.status == 404 {
                deleted.push(one);
                continue;
            }
            let error = answer
                .body
                .map_or(Value::Null, |body| body["error"].clone());
            failures.push(Failure {
                id: one.id.clone(),
                error,
            });
            managed.insert(one.id.to_lowercase(), one);
        }
        self.set("deletedResources", refer(&deleted));
        self.set("detachedResources", json!([]));
        failures
    }

    /// Stores how the update ended.
    fn end(
        &self,
        managed: &BTreeMap<String, Written>,
        failures: &[Failure],
        error: Option<Value>,
        key: &str,
    ) {
        let mode = self.deny["mode"].as_str().unwrap_or("none");
        let undeleted: BTreeSet<&str> = match &error {
            Some(error) if error["code"] == UNDELETED => {
                failures.iter().map(|failure| failure.id.as_str()).collect()
            }
            _ => BTreeSet::new(),
        };
        let resources: Vec<Value> = managed
            .values()
            .map(|one| {
                let status = match undeleted.contains(one.id.as_str()) {
                    true => "deleteFailed",
                    false => "managed",
                };
                json!({"id": one.id, "status": status, "denyStatus": mode})
            })
            .collect();
        let failed: Vec<Value> = failures
            .iter()
            .map(|failure| json!({"id": failure.id, "error": failure.error}))
            .collect();
        let versions = managed
            .values()
            .map(|one| (one.id.clone(), json!(one.api_version)));
        let versions = Value::Object(versions.collect());
        let denial = Denial::read(&self.id, &self.deny, managed.keys().cloned().collect());
        let mut state = self.caller.world.state();
        match denial {
            Some(denial) => state.denials.insert(self.id.to_lowercase(), denial),
            None => state.denials.remove(&self.id.to_lowercase()),
        };
        if let Some(entity) = state.store.change(&self.id) {
            entity.set("resources", resources);
            entity.set("failedResources", failed);
            match &error {
                Some(error) => entity.set("error", error.clone()),
                None => drop(entity.unset("error")),
            }
            let word = if error.is_some() {
                "failed"
            } else {
                "succeeded"
            };
            entity.set("provisioningState", word);
            entity.body.insert("versions".into(), versions);
        }
        state.end(key, error, None);
    }

    /// Deletes the stack, when nothing is left of what it has to delete.
    pub(super) async fn delete(self, key: &str) {
        let left = self.managed().into_values().collect();
        let mut managed = BTreeMap::new();
        let failures = match self.action {
            Unmanage::Detach => Vec::new(),
            Unmanage::Delete => self.unmanage(left, &mut managed).await,
        };
        if !failures.is_empty() {
            self.end(&managed, &failures, Some(undeleted()), key);
            return;
        }
        let mut state = self.caller.world.state();
        state.denials.remove(&self.id.to_lowercase());
        state.store.remove(&self.id);
        state.end(key, None, None);
    }
}

const UNDELETED: &str = "DeploymentStackDeleteResourcesFailed";

/// The error of a stack that could not delete something (Azure/deployment-stacks#194).
fn undeleted() -> Value {
    json!({"code": UNDELETED, "message": "One or more resources could not be deleted.", "details": [{"code": UNDELETED,
        "message": "An error occurred while deleting resources. These resources are still present in the stack but can be deleted manually. Please see the FailedResources property for specific error information. Deletion failures that are known limitations are documented here: https://aka.ms/DeploymentStacksKnownLimitations"}]})
}
