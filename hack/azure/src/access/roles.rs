//! Roles, and which action a request needs.

use crate::store::Store;
use serde_json::Value;

/// A role.
#[derive(Debug)]
pub struct Role {
    /// Name.
    pub name: &'static str,
    /// The GUID at the end of its id.
    pub id: &'static str,
    /// Actions that it allows.
    pub actions: &'static [&'static str],
    /// Actions that it takes away again.
    pub not_actions: &'static [&'static str],
}

/// What the two roles for stacks allow; they differ in deny settings.
const STACKS: &[&str] = &[
    "Microsoft.Authorization/*/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/deploymentStacks/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
];

/// Built-in roles. Source: "Azure built-in roles" of the documentation.
pub static ROLES: [Role; 9] = [
    Role {
        name: "Owner",
        id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        actions: &["*"],
        not_actions: &[],
    },
    Role {
        name: "Contributor",
        id: "b24988ac-6180-42a0-ab88-20f7382dd24c",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
        ],
    },
    Role {
        name: "Azure Deployment Stack Contributor",
        id: "bf7f8882-3383-422a-806a-6526c631a88a",
        actions: STACKS,
        not_actions: &["Microsoft.Resources/deploymentStacks/manageDenySetting/action"],
    },
    Role {
        name: "Azure Deployment Stack Owner",
        id: "adb29209-aa1d-457b-a786-c913953d2891",
        actions: STACKS,
        not_actions: &[],
    },
    Role {
        name: "Reader",
        id: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        actions: &["*/read"],
        not_actions: &[],
    },
    Role {
        name: "User Access Administrator",
        id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        actions: &["*/read", "Microsoft.Authorization/*"],
        not_actions: &[],
    },
    Role {
        name: "API Management Service Contributor",
        id: "312a565d-c81f-4fd8-895a-4e21e48d571c",
        actions: &[
            "Microsoft.ApiManagement/service/*",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &[],
    },
    Role {
        name: "API Management Service Operator Role",
        id: "e022efe7-f5ba-4159-bbe4-b44f577e9b61",
        actions: &[
            "Microsoft.ApiManagement/service/*/read",
            "Microsoft.ApiManagement/service/backup/action",
            "Microsoft.ApiManagement/service/delete",
            "Microsoft.ApiManagement/service/managedeployments/action",
            "Microsoft.ApiManagement/service/read",
            "Microsoft.ApiManagement/service/restore/action",
            "Microsoft.ApiManagement/service/write",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &["Microsoft.ApiManagement/service/users/keys/read"],
    },
    Role {
        name: "API Management Service Reader Role",
        id: "71522526-b88f-4d52-b57f-d31fc3546d0d",
        actions: &[
            "Microsoft.ApiManagement/service/*/read",
            "Microsoft.ApiManagement/service/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ],
        not_actions: &["Microsoft.ApiManagement/service/users/keys/read"],
    },
];

/// A built-in role by id or name.
pub(super) fn built_in(role: &str) -> Option<&'static Role> {
    let last = role.rsplit('/').next().unwrap_or_default();
    ROLES
        .iter()
        .find(|known| known.id.eq_ignore_ascii_case(last) || known.name.eq_ignore_ascii_case(role))
}

/// A role definition that was put.
pub(super) fn custom<'a>(store: &'a Store, role: &str) -> Option<&'a crate::store::Entity> {
    let last = role.rsplit('/').next().unwrap_or_default();
    store.all().find(|entity| {
        entity.name.eq_ignore_ascii_case(last)
            && entity
                .arm_type
                .eq_ignore_ascii_case("Microsoft.Authorization/roleDefinitions")
    })
}

pub(super) fn permits(store: &Store, role: &str, action: &str) -> bool {
    if let Some(role) = built_in(role) {
        return role.actions.iter().any(|p| wildcard(p, action))
            && !role.not_actions.iter().any(|p| wildcard(p, action));
    }
    let permissions = custom(store, role)
        .and_then(|role| role.property("permissions"))
        .and_then(Value::as_array);
    permissions.into_iter().flatten().any(|permission| {
        let lists = |name: &str| {
            permission[name]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|p| wildcard(p, action))
        };
        lists("actions") && !lists("notActions")
    })
}

/// Whether `pattern` with `*` covers a text, without case.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => end.is_empty() || text.ends_with(end),
    }
}

/// The action of a request and the scope that it needs it on.
pub fn action(method: &str, path: &[String]) -> (String, String) {
    let verb = match method {
        "GET" | "HEAD" => "read",
        "DELETE" => "delete",
        "POST" => "action",
        _ => "write",
    };
    let id = format!("/{}", path.join("/"));
    let provider = path
        .iter()
        .rposition(|segment| segment.eq_ignore_ascii_case("providers"));
    let Some(at) = provider.filter(|at| at + 1 < path.len()) else {
        let kind = if path.len() > 3 {
            "Microsoft.Resources/subscriptions/resourceGroups"
        } else {
            "Microsoft.Resources/subscriptions"
        };
        return (format!("{kind}/{verb}"), id);
    };
    let types: Vec<&str> = path[at + 2..]
        .iter()
        .step_by(2)
        .map(String::as_str)
        .collect();
    let mut kind = format!("{}/{}", path[at + 1], types.join("/"));
    let odd = (path.len() - at) % 2 == 1;
    if types.is_empty() {
        kind.clone_from(&path[at + 1]);
    }
    // A collection is read on what it is in.
    let scope = match odd && !types.is_empty() {
        true => format!("/{}", path[..path.len() - 1].join("/")),
        false => id,
    };
    (format!("{kind}/{verb}"), scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_what_they_say() {
        assert!(wildcard("*", "a/b/read"));
        assert!(wildcard("*/read", "a/b/read"));
        assert!(!wildcard("*/read", "a/b/write"));
        assert!(wildcard(
            "Microsoft.ApiManagement/service/*/read",
            "microsoft.apimanagement/service/apis/read"
        ));
        assert!(!wildcard(
            "Microsoft.ApiManagement/service/read",
            "Microsoft.ApiManagement/service/apis/read"
        ));
    }

    #[test]
    fn actions_are_types_and_methods() {
        let of = |method: &str, path: &str| {
            let path: Vec<String> = crate::table::segments(path).map(str::to_owned).collect();
            action(method, &path)
        };
        let service =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x";
        assert_eq!(
            of("PUT", &format!("{service}/apis/a")),
            (
                "Microsoft.ApiManagement/service/apis/write".into(),
                format!("{service}/apis/a")
            )
        );
        assert_eq!(
            of("GET", &format!("{service}/apis")),
            (
                "Microsoft.ApiManagement/service/apis/read".into(),
                service.into()
            )
        );
        assert_eq!(
            of("POST", &format!("{service}/namedValues/n/listValue")).0,
            "Microsoft.ApiManagement/service/namedValues/listValue/action"
        );
        assert_eq!(
            of("PUT", "/subscriptions/s/resourcegroups/g").0,
            "Microsoft.Resources/subscriptions/resourceGroups/write"
        );
    }
}
