//! What the expressions of one template may name: parameters, variables, functions of its
//! own, and the deployment around it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::context::{Context, Place};

/// By lower-case name.
pub(crate) type Table<T> = HashMap<String, T>;

/// A user-defined function.
#[derive(Debug, Clone)]
pub(crate) struct UserFunction {
    /// Names of its parameters, in order.
    pub(crate) parameters: Vec<String>,
    /// `output.value`, not evaluated.
    pub(crate) value: Value,
}

/// The names, evaluated.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) parameters: Table<Value>,
    pub(crate) variables: Table<Value>,
    /// Declared but not evaluated yet.
    pub(crate) waiting: HashSet<String>,
    /// By `namespace.name`.
    pub(crate) functions: Table<UserFunction>,
    place: Place,
    resource_group: Option<Value>,
    subscription: Option<Value>,
    tenant: Value,
    deployment: Value,
    deployer: Value,
    environment: Value,
    now: i64,
    seed: String,
    guids: AtomicUsize,
}

impl Names {
    /// Of a template, with nothing evaluated yet.
    pub(crate) fn new(context: &Context<'_>, template: &Value, parameters: &Value) -> Self {
        let place = context.place.clone();
        let subscription = place.subscription().map(|id| {
            json!({
                "id": format!("/subscriptions/{id}"),
                "subscriptionId": id,
                "tenantId": context.tenant_id,
                "displayName": id,
            })
        });
        let resource_group = place.resource_group().map(|name| {
            json!({
                "id": place.id(),
                "name": name,
                "type": "Microsoft.Resources/resourceGroups",
                "location": context.location,
                "tags": context.tags,
                "properties": { "provisioningState": "Succeeded" },
            })
        });
        let mut deployment = json!({
            "name": context.deployment_name,
            "properties": {
                "template": template,
                // Azure's hash is not published; this one is as stable.
                "templateHash": crate::functions::name_based_guid(&template.to_string()),
                "parameters": parameters,
                "mode": context.mode.as_str(),
                "provisioningState": "Accepted",
            },
        });
        if resource_group.is_none() {
            deployment["location"] = json!(context.location);
        }
        Self {
            parameters: Table::new(),
            variables: Table::new(),
            waiting: HashSet::new(),
            functions: Table::new(),
            place,
            resource_group,
            subscription,
            tenant: json!({
                "countryCode": "",
                "displayName": context.tenant_id,
                "id": format!("/tenants/{}", context.tenant_id),
                "tenantId": context.tenant_id,
            }),
            deployment,
            deployer: context.deployer.clone(),
            environment: context.environment.clone(),
            now: context.now,
            seed: context.seed.clone(),
            guids: AtomicUsize::new(0),
        }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn resource_group(&self) -> Option<&Value> {
        self.resource_group.as_ref()
    }

    pub(crate) fn subscription(&self) -> Option<&Value> {
        self.subscription.as_ref()
    }

    pub(crate) fn tenant(&self) -> &Value {
        &self.tenant
    }

    pub(crate) fn deployment(&self) -> &Value {
        &self.deployment
    }

    pub(crate) fn deployer(&self) -> &Value {
        &self.deployer
    }

    pub(crate) fn environment(&self) -> &Value {
        &self.environment
    }

    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// The next new GUID of this deployment.
    pub(crate) fn new_guid(&self) -> String {
        let count = self.guids.fetch_add(1, Ordering::Relaxed);
        let name = self.deployment["name"].as_str().unwrap_or_default();
        crate::functions::seeded_guid(&format!("{}/{name}", self.seed), count)
    }
}
