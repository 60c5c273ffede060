//! What an identity may do, and what a deployment needs: known before the first write.

mod needed;
mod roles;

pub use needed::{Needed, action, by_template, needed, of_plan};
pub use roles::{ROLES, Role, role};

use crate::caller::{Caller, Failure};
use crate::engine::Engine;
use crate::pattern::matches;
use crate::service::{Place, Service};
use flux_apim_diag::excerpt;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// The api-version of `Microsoft.Authorization/permissions`.
const API_VERSION: &str = "2022-04-01";
const LIST: &str = "providers/Microsoft.Authorization/permissions";
const DENIALS: &str = "providers/Microsoft.Authorization/denyAssignments";
/// Whom Azure means with everybody.
const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

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
    /// The deny assignment that forbids it, whatever roles say.
    pub denied: Option<String>,
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
        write!(f, "{} at {}", self.action, self.scope)?;
        match &self.denied {
            Some(name) => write!(f, " (denied by `{name}`)"),
            None => Ok(()),
        }
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

/// What of `needed` none of `permissions` allows.
pub fn missing(scope: &str, needed: &BTreeSet<String>, permissions: &[Permission]) -> Vec<Missing> {
    let denied = needed
        .iter()
        .filter(|action| !permissions.iter().any(|p| p.allows(action)));
    let denied: Vec<String> = denied.cloned().collect();
    denied
        .into_iter()
        .map(|action| Missing {
            role: roles::narrowest(&action),
            denied: None,
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
        self.permissions_at(Place::Below(LIST.to_owned())).await
    }

    async fn permissions_at(&self, place: Place) -> Result<Vec<Permission>, Failure> {
        let caller = Caller::new(self.service, API_VERSION);
        let mut found = Vec::new();
        let mut take = |item: Json| found.push(Permission::parse(&item));
        caller.list_at(place, &[], &mut take).await?;
        Ok(found)
    }

    /// What the caller lacks of `needed`, at each scope that it is needed at. Deny
    /// assignments count where they can be read and `principal`, an object id, is among
    /// those that they name; groups that it is in are not known.
    ///
    /// # Errors
    /// When Azure does not say what the caller may do.
    pub async fn lacks(
        &self,
        needed: &Needed,
        principal: Option<&str>,
    ) -> Result<Vec<Missing>, Failure> {
        let group = self.service_id.split("/providers/").next().unwrap_or("");
        let scopes = [
            (
                self.service_id,
                &needed.actions,
                Place::Below(LIST.to_owned()),
            ),
            (group, &needed.group, Place::Group(LIST.to_owned())),
        ];
        let mut lacks = Vec::new();
        for (scope, actions, place) in scopes {
            if actions.is_empty() {
                continue;
            }
            let permissions = self.permissions_at(place.clone()).await?;
            lacks.extend(missing(scope, actions, &permissions));
            let denials = match place {
                Place::Group(_) => Place::Group(DENIALS.to_owned()),
                _ => Place::Below(DENIALS.to_owned()),
            };
            lacks.extend(self.denied(scope, actions, denials, principal).await);
        }
        Ok(lacks)
    }

    /// Actions that deny assignments forbid; none where those cannot be read.
    async fn denied(
        &self,
        scope: &str,
        needed: &BTreeSet<String>,
        place: Place,
        principal: Option<&str>,
    ) -> Vec<Missing> {
        let caller = Caller::new(self.service, API_VERSION);
        let mut denials = Vec::new();
        let mut take = |item: Json| denials.extend(Denial::parse(&item, scope, principal));
        if caller.list_at(place, &[], &mut take).await.is_err() {
            return Vec::new();
        }
        let denied = needed.iter().filter_map(|action| {
            let by = denials.iter().find(|denial| denial.denies(action))?;
            Some(Missing {
                action: action.clone(),
                scope: scope.to_owned(),
                role: None,
                denied: Some(by.name.clone()),
            })
        });
        denied.collect()
    }
}

/// A deny assignment that concerns the caller.
struct Denial {
    name: String,
    permissions: Vec<Permission>,
}

impl Denial {
    /// Reads one; `None` when it does not concern `principal`, or not this scope.
    ///
    /// Source: "List Azure deny assignments", properties of a deny assignment.
    fn parse(item: &Json, at: &str, principal: Option<&str>) -> Option<Self> {
        let properties = &item["properties"];
        let ids = |key: &str| -> Vec<String> {
            let list = properties[key].as_array().into_iter().flatten();
            list.filter_map(|one| one["id"].as_str().map(str::to_lowercase))
                .collect()
        };
        let own = principal.map(str::to_lowercase);
        let is_own = |id: &String| Some(id) == own.as_ref();
        let named = ids("principals");
        let concerned = named.iter().any(|id| id == EVERYBODY || is_own(id));
        let scope = properties["scope"].as_str().unwrap_or("");
        let only_there = properties["doNotApplyToChildScopes"] == true;
        let elsewhere = only_there && !scope.eq_ignore_ascii_case(at);
        if !concerned || ids("excludePrincipals").iter().any(is_own) || elsewhere {
            return None;
        }
        let list = properties["permissions"].as_array().into_iter().flatten();
        let name = properties["denyAssignmentName"].as_str().unwrap_or("");
        Some(Self {
            name: excerpt(name, 200),
            permissions: list.map(Permission::parse).collect(),
        })
    }

    fn denies(&self, action: &str) -> bool {
        self.permissions.iter().any(|denied| denied.allows(action))
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
    fn not_actions_take_from_their_own_role_alone() {
        let reader = permission(&["*/read"], &["a/secret/read"]);
        assert!(reader.allows("a/b/read") && !reader.allows("a/secret/read"));
        let needed = BTreeSet::from(["a/secret/read".to_owned()]);
        assert_eq!(
            missing("/s", &needed, std::slice::from_ref(&reader)).len(),
            1
        );
        let other = permission(&["a/secret/read"], &[]);
        assert!(missing("/s", &needed, &[reader, other]).is_empty());
    }

    #[test]
    fn the_narrowest_role_is_named() {
        let needed = [
            "Microsoft.ApiManagement/service/apis/write",
            "Microsoft.ApiManagement/service/apis/read",
            "Microsoft.Storage/x/write",
        ]
        .map(str::to_owned)
        .into();
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

    #[test]
    fn deny_assignments_count_for_whom_they_name() {
        let denial = |principals: Json, excluded: Json, child: bool| {
            serde_json::json!({"properties": {
                "denyAssignmentName": "of a stack", "scope": "/g", "doNotApplyToChildScopes": child,
                "principals": principals, "excludePrincipals": excluded,
                "permissions": [{"actions": ["*/delete"], "notActions": ["*/tags/delete"]}],
            }})
        };
        let everybody = serde_json::json!([{"id": EVERYBODY, "type": "SystemDefined"}]);
        let own = serde_json::json!([{"id": "OID", "type": "ServicePrincipal"}]);
        let none = serde_json::json!([]);
        let read = |item: &Json, at: &str| Denial::parse(item, at, Some("oid"));
        let found = read(&denial(everybody.clone(), none.clone(), false), "/g/s").unwrap();
        assert!(found.denies("a/apis/delete") && !found.denies("a/tags/delete"));
        assert_eq!(found.name, "of a stack");
        assert!(read(&denial(own.clone(), none.clone(), false), "/g/s").is_some());
        assert!(read(&denial(none.clone(), none.clone(), false), "/g/s").is_none());
        assert!(read(&denial(everybody.clone(), own, false), "/g/s").is_none());
        assert!(read(&denial(everybody.clone(), none.clone(), true), "/g/s").is_none());
        assert!(read(&denial(everybody, none, true), "/G").is_some());
    }
}
