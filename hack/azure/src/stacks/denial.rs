//! Deny settings: what others may not do with what a stack manages.

use crate::access::{Principal, action, wildcard};
use crate::answer::Refusal;
use crate::behaviours::Row;
use crate::request::Request;
use crate::world::{State, World};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a stack denies.
#[derive(Debug, Clone)]
pub struct Denial {
    /// Id of the stack.
    stack: String,
    /// Whether writes are denied too.
    writes: bool,
    /// Whether it holds below what is managed.
    below: bool,
    /// Ids of what is managed, in lower case.
    managed: BTreeSet<String>,
    /// Actions that are not denied; `*` stands for anything.
    actions: Vec<String>,
    /// Object ids of those whom nothing is denied.
    principals: Vec<String>,
}

impl Denial {
    /// What `denySettings` deny about these resources; none in mode `none`.
    pub fn read(stack: &str, settings: &Value, managed: BTreeSet<String>) -> Option<Self> {
        let texts = |name: &str| {
            let items = settings[name].as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mode = settings["mode"].as_str().unwrap_or_default().to_lowercase();
        let writes = match mode.as_str() {
            "denydelete" => false,
            "denywriteanddelete" => true,
            _ => return None,
        };
        Some(Self {
            stack: stack.to_owned(),
            writes,
            below: settings["applyToChildScopes"] == true,
            managed,
            actions: texts("excludedActions"),
            principals: texts("excludedPrincipals"),
        })
    }

    /// The scope of the deny assignment that holds for an id.
    fn scope(&self, id: &str) -> Option<String> {
        let mut at = id.to_lowercase();
        loop {
            if self.managed.contains(&at) {
                return Some(at);
            }
            let (above, _) = at.rsplit_once('/').filter(|_| self.below)?;
            at.truncate(above.len());
        }
    }

    /// `denyDelete` denies deletions, `denyWriteAndDelete` all but reads: the SDKs' words about
    /// `excludedActions`.
    fn covers(&self, action: &str) -> bool {
        let lower = action.to_lowercase();
        let denied = match self.writes {
            true => !lower.ends_with("/read"),
            false => lower.ends_with("/delete"),
        };
        denied && !self.actions.iter().any(|out| wildcard(out, action))
    }
}

/// Whether a stack denies this request.
///
/// # Errors
/// 403 DenyAssignmentAuthorizationFailed.
pub fn denied(
    world: &World,
    state: &State,
    principal: &Principal,
    request: &Request,
) -> Result<(), Refusal> {
    if state.denials.is_empty() || !world.on(Row::StackDenies) {
        return Ok(());
    }
    let (client, object) = match principal {
        Principal::Anyone => ("anyone", "anyone"),
        Principal::Known { client, object } => (client.as_str(), object.as_str()),
    };
    let (action, scope) = action(&request.method, &request.path);
    for denial in state.denials.values() {
        let own = request
            .stack
            .as_ref()
            .is_some_and(|stack| stack.eq_ignore_ascii_case(&denial.stack));
        if own || denial.principals.iter().any(|one| one == object) || !denial.covers(&action) {
            continue;
        }
        let Some(at) = denial.scope(&scope) else {
            continue;
        };
        // The group may have gone with its stack.
        if state.store.get(&denial.stack).is_none() {
            continue;
        }
        let assignment = crate::apim::hex(&format!("{}{at}", denial.stack));
        return Err(Refusal::new(
            403,
            "DenyAssignmentAuthorizationFailed",
            format!(
                "The client '{client}' with object id '{object}' has permission to perform action '{action}' on scope '{scope}'; however, the access is denied because of the deny assignment with name 'Deny assignment '{assignment}' created by Deployment Stack '{}'.' and Id '{assignment}' at scope '{at}'.",
                denial.stack
            ),
        ));
    }
    Ok(())
}
