//! What the tests share.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "test code: literals are handed over"
)]

use arm_template::{ArmError, Context, Expanded, State, expand};
use serde_json::{Value, json};

pub(crate) const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const GROUP: &str =
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/group";

/// A deployment into `GROUP` on 2020-04-07 14:53:14 UTC.
pub(crate) fn context() -> Context<'static> {
    Context {
        now: 1_586_271_194,
        seed: "seed".to_owned(),
        tags: json!({ "team": "apis" }),
        ..Context::new(SUBSCRIPTION, "group", "deployment")
    }
}

/// A template for a resource group with these members.
pub(crate) fn template(members: Value) -> Value {
    let mut template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": [],
    });
    for (key, value) in members.as_object().unwrap() {
        template[key] = value.clone();
    }
    template
}

pub(crate) fn expanded(members: Value) -> Result<Expanded, ArmError> {
    expand(&template(members), &json!({}), &context())
}

/// The refusal of a template, before anything is deployed.
pub(crate) fn refusal(members: Value) -> ArmError {
    match expanded(members.clone()) {
        Err(error) => error,
        Ok(_) => panic!("taken: {members}"),
    }
}

/// A storage of bodies by id.
pub(crate) struct Store(pub(crate) Vec<Value>);

impl State for Store {
    fn resource(&self, id: &str, _: &str) -> Option<Value> {
        self.0
            .iter()
            .find(|body| body["id"].as_str().unwrap().eq_ignore_ascii_case(id))
            .cloned()
    }

    fn list(&self, action: &str, id: &str, version: &str, input: Option<&Value>) -> Option<Value> {
        self.resource(id, version)?;
        Some(json!({ "action": action, "input": input }))
    }
}

/// What an expression gives in an output.
pub(crate) fn evaluated(
    expression: &str,
    members: Value,
    state: &dyn State,
) -> Result<Value, ArmError> {
    let mut members = members;
    members["outputs"] =
        json!({ "all": { "type": "array", "value": format!("[createArray({expression})]") } });
    let outputs = expanded(members)?.outputs.resolve(state)?;
    Ok(outputs["all"]["value"][0].clone())
}
