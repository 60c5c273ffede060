//! Actions that requests need: by method and type, as Azure's provider names them.

use crate::id::Id;
use crate::plan::{Action, Plan};
use crate::resources::Resources;
use crate::service::Method;
use crate::template::{Deny, Stack};
use flux_apim_model::kinds::Kind;
use std::collections::BTreeSet;

/// Actions at the service, and at its resource group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// `Microsoft.ApiManagement/service/apis/write`, sorted.
    pub actions: BTreeSet<String>,
    /// `Microsoft.Resources/deployments/write`, sorted; none where requests deploy.
    pub group: BTreeSet<String>,
}

impl Needed {
    fn add(&mut self, types: &str, verbs: &[&str]) {
        for verb in verbs {
            self.actions
                .insert(format!("Microsoft.ApiManagement/service/{types}/{verb}"));
        }
    }
}

/// The action that a request needs; `path` is below the service: a resource, or a list.
///
/// Source: "Azure permissions for Integration", Microsoft.ApiManagement: each type has
/// `read`, `write` and `delete`.
pub fn action(method: Method, path: &str) -> Option<String> {
    let verb = match method {
        Method::Get => "read",
        Method::Put => "write",
        Method::Delete => "delete",
        Method::Post => return None,
    };
    if path.is_empty() {
        return Some(format!("Microsoft.ApiManagement/service/{verb}"));
    }
    if path.starts_with("providers/Microsoft.Authorization/permissions") {
        return Some("Microsoft.Authorization/permissions/read".to_owned());
    }
    let types: Vec<&str> = path.split('/').step_by(2).collect();
    Some(format!(
        "Microsoft.ApiManagement/service/{}/{verb}",
        types.join("/")
    ))
}

/// What all deployments of a bundle by one owner need, from the first to the last: to read,
/// write and delete each type that it has, and to keep the inventory.
pub fn needed(resources: &Resources) -> Needed {
    let mut needed = Needed::default();
    needed.add("namedValues", &["read", "write", "delete"]);
    for resource in &resources.list {
        of_type(&resource.id, &mut needed);
        // The policy of the service is never deleted: it goes back to that of a new one.
        match resource.id.types() == "policies" {
            true => needed.add("policies", &["read", "write"]),
            false => needed.add(&types(&resource.id), &["read", "write", "delete"]),
        }
        if resource.off_built_in_gateway {
            off_gateway(&mut needed);
        }
        if resource.has_definition() {
            let below = format!("{}/operations", types(&resource.id));
            needed.add(&below, &["read"]);
        }
    }
    needed
}

/// What deploying a bundle by template needs: to ask what would happen, and to do it. Azure
/// writes each resource as whoever deploys.
///
/// Source: "Azure permissions for Management and governance", Microsoft.Resources, and
/// "Deployment stacks", required permissions.
pub fn by_template(resources: &Resources, stack: Option<&Stack>) -> Needed {
    let mut needed = Needed::default();
    for resource in &resources.list {
        let types = types(&resource.id);
        needed.add(&types, &["read", "write"]);
        if stack.is_some_and(|stack| stack.deletes) && types != "policies" {
            needed.add(&types, &["delete"]);
        }
    }
    let mut group = |types: &str, verbs: &[&str]| {
        let actions = verbs
            .iter()
            .map(|verb| format!("Microsoft.Resources/{types}/{verb}"));
        needed.group.extend(actions);
    };
    group("deployments", &["read", "write"]);
    match stack {
        None => group("deployments", &["whatIf/action", "operations/read"]),
        Some(stack) => {
            group("deploymentStacks", &["read", "write"]);
            group(
                "deploymentStacksWhatIfResults",
                &["read", "write", "delete", "whatIf/action"],
            );
            if stack.denies != Deny::Nothing {
                group("deploymentStacks", &["manageDenySetting/action"]);
            }
        }
    }
    needed
}

/// What one plan needs.
pub fn of_plan(plan: &Plan) -> Needed {
    let mut needed = Needed::default();
    needed.add("namedValues", &["read"]);
    if plan.is_empty() {
        return needed;
    }
    needed.add("namedValues", &["write", "delete"]);
    for step in &plan.steps {
        let types = types(&step.id);
        needed.add(&types, &["read"]);
        match step.action {
            Action::Create | Action::Change => needed.add(&types, &["write"]),
            Action::Delete if types == "policies" => needed.add(&types, &["write"]),
            Action::Delete => needed.add(&types, &["delete"]),
            Action::None | Action::Kept | Action::Uncertain => {}
        }
        if step.off_built_in_gateway {
            off_gateway(&mut needed);
        }
        match (step.action, step.id.kind()) {
            (Action::Create, Some(Kind::Product)) if step.id.depth() == 1 => {
                new_product(&mut needed);
            }
            (Action::Delete, _) => deletion(&step.id, &mut needed),
            _ => {}
        }
    }
    needed
}

/// What a resource needs beside reading, writing and deleting it.
fn of_type(id: &Id, needed: &mut Needed) {
    if id.kind() == Some(Kind::Product) && id.depth() == 1 {
        new_product(needed);
    }
    deletion(id, needed);
}

/// An API is looked for on the built-in gateway, and taken off it.
fn off_gateway(needed: &mut Needed) {
    needed.add("gateways/apis", &["read", "delete"]);
}

/// Azure adds a group and a subscription to a new product, which are removed.
fn new_product(needed: &mut Needed) {
    needed.add("products/subscriptions", &["read"]);
    needed.add("subscriptions", &["delete"]);
    needed.add("products/groups", &["delete"]);
}

/// What is looked at before something is deleted that consumers may use.
fn deletion(id: &Id, needed: &mut Needed) {
    let before = match id.types().starts_with("workspaces/") {
        true => "workspaces/",
        false => "",
    };
    match id.kind() {
        Some(Kind::Product) => needed.add(&format!("{before}subscriptions"), &["read"]),
        Some(Kind::Api) => {
            needed.add(&format!("{before}subscriptions"), &["read"]);
            needed.add(&format!("{before}apis/revisions"), &["read"]);
        }
        _ => {}
    }
}

/// Types as they are spelled.
fn types(id: &Id) -> String {
    let types: Vec<&str> = id.as_str().split('/').step_by(2).collect();
    types.join("/")
}
