//! What an identity may do, and what a deployment needs: known before the first write.

mod needed;
mod roles;

pub use needed::{Needed, action, needed, of_plan};
pub use roles::{ROLES, Role, role};

use crate::caller::{Caller, Failure};
use crate::engine::Engine;
use crate::service::Service;
use serde_json::Value as Json;

/// The api-version of `Microsoft.Authorization/permissions`.
const API_VERSION: &str = "2022-04-01";
const LIST: &str = "providers/Microsoft.Authorization/permissions";

/// Actions that one role assignment allows, at a scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permission {
    /// Patterns of actions; `*` stands for any text.
    pub actions: Vec<String>,
    /// Patterns of what is not among them all the same.
    pub not_actions: Vec<String>,
}

/// An action that a deployment needs and that the caller may not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// `Microsoft.ApiManagement/service/apis/write`.
    pub action: String,
    /// Where it is needed: a full id.
    pub scope: String,
    /// The narrowest of the built-in roles that has it; none when none has.
    pub role: Option<&'static Role>,
}

impl Missing {
    /// What gives it, for the command line of Azure; `principal` is an object id.
    pub fn command(&self, principal: &str) -> Option<String> {
        let role = self.role?;
        Some(format!(
            "az role assignment create --assignee-object-id {principal} --assignee-principal-type \
             ServicePrincipal --role \"{}\" --scope {}",
            role.name, self.scope
        ))
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.action, self.scope)
    }
}

impl Permission {
    fn parse(item: &Json) -> Self {
        let list = |key: &str| {
            let items = item[key].as_array().into_iter().flatten();
            items
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        Self {
            actions: list("actions"),
            not_actions: list("notActions"),
        }
    }

    /// Whether it allows an action.
    pub fn allows(&self, action: &str) -> bool {
        let is = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        is(&self.actions) && !is(&self.not_actions)
    }
}

/// Whether an action is one of a pattern: without case, `*` for any text, also with slashes.
///
/// Source: "Understand Azure role definitions", actions and wildcards.
pub fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = action.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// What of `needed` none of `permissions` allows.
pub fn missing(scope: &str, needed: &Needed, permissions: &[Permission]) -> Vec<Missing> {
    let denied = needed
        .actions
        .iter()
        .filter(|action| !permissions.iter().any(|p| p.allows(action)));
    let denied: Vec<String> = denied.cloned().collect();
    denied
        .into_iter()
        .map(|action| Missing {
            role: roles::narrowest(&action),
            scope: scope.to_owned(),
            action,
        })
        .collect()
}

impl<S: Service> Engine<'_, S> {
    /// What the caller may do at the service: the sum of its role assignments there and
    /// above, as Azure sees it.
    ///
    /// # Errors
    /// When Azure does not say.
    pub async fn permissions(&self) -> Result<Vec<Permission>, Failure> {
        let caller = Caller::new(self.service, API_VERSION);
        let mut found = Vec::new();
        caller
            .list(LIST, &[], |item| found.push(Permission::parse(&item)))
            .await?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permission(actions: &[&str], not_actions: &[&str]) -> Permission {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Permission {
            actions: owned(actions),
            not_actions: owned(not_actions),
        }
    }

    #[test]
    fn wildcards_stand_for_any_text() {
        let action = "Microsoft.ApiManagement/service/apis/write";
        for pattern in [
            "*",
            "*/write",
            "microsoft.apimanagement/service/*",
            "Microsoft.ApiManagement/*/write",
            action,
        ] {
            assert!(matches(pattern, action), "{pattern}");
        }
        for pattern in [
            "",
            "*/read",
            "Microsoft.ApiManagement/service",
            "Microsoft.ApiManagement/service/apis/*/write",
        ] {
            assert!(!matches(pattern, action), "{pattern}");
        }
    }

    #[test]
    fn not_actions_take_from_their_own_role_alone() {
        let reader = permission(&["*/read"], &["a/secret/read"]);
        assert!(reader.allows("a/b/read") && !reader.allows("a/secret/read"));
        let needed = Needed {
            actions: ["a/secret/read".to_owned()].into(),
        };
        assert_eq!(
            missing("/s", &needed, std::slice::from_ref(&reader)).len(),
            1
        );
        let other = permission(&["a/secret/read"], &[]);
        assert!(missing("/s", &needed, &[reader, other]).is_empty());
    }

    #[test]
    fn the_narrowest_role_is_named() {
        let needed = Needed {
            actions: [
                "Microsoft.ApiManagement/service/apis/write",
                "Microsoft.ApiManagement/service/apis/read",
                "Microsoft.Storage/x/write",
            ]
            .map(str::to_owned)
            .into(),
        };
        let found = missing("/s", &needed, &[]);
        let roles: Vec<_> = found
            .iter()
            .map(|missing| missing.role.map(|role| role.name))
            .collect();
        assert_eq!(
            roles,
            [
                Some("API Management Service Reader Role"),
                Some("API Management Service Contributor"),
                Some("Contributor"),
            ]
        );
        let command = found[1].command("oid").unwrap();
        assert!(
            command.contains("--role \"API Management Service Contributor\" --scope /s"),
            "{command}"
        );
    }
}
