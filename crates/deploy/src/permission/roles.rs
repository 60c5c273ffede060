//! Roles that Azure has, as far as deployments meet them: the narrow ones first.

use crate::pattern::matches;

/// A built-in role.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: &'static str,
    /// Name of its definition: a GUID, the same in every tenant.
    pub id: &'static str,
    /// Patterns of actions.
    pub actions: &'static [&'static str],
    /// Patterns of what is not among them.
    pub not_actions: &'static [&'static str],
    /// Actions on data.
    pub data_actions: &'static [&'static str],
    /// The page that says so.
    pub source: &'static str,
}

const INTEGRATION: &str =
    "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/integration";
const CONTAINERS: &str =
    "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/containers";
const SECURITY: &str =
    "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/security";
const GENERAL: &str =
    "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/general";
const STACKS: &str = "https://learn.microsoft.com/azure/azure-resource-manager/bicep/deployment-stacks#built-in-roles";
const PRIVILEGED: &str =
    "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/privileged";

/// What the two roles for stacks allow; they differ in deny settings.
const STACK_ACTIONS: &[&str] = &[
    "Microsoft.Authorization/*/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/deploymentStacks/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
];

/// Built-in roles, from the narrowest to the widest.
pub static ROLES: &[Role] = &[
    Role {
        name: "AcrPull",
        id: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        actions: &["Microsoft.ContainerRegistry/registries/pull/read"],
        not_actions: &[],
        data_actions: &[],
        source: CONTAINERS,
    },
    Role {
        name: "AcrPush",
        id: "8311e382-0749-4cb8-b61a-304f252e45ec",
        actions: &[
            "Microsoft.ContainerRegistry/registries/pull/read",
            "Microsoft.ContainerRegistry/registries/push/write",
        ],
        not_actions: &[],
        data_actions: &[],
        source: CONTAINERS,
    },
    Role {
        name: "Key Vault Secrets User",
        id: "4633458b-17de-408a-b874-0445c86b69e6",
        actions: &[],
        not_actions: &[],
        data_actions: &[
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ],
        source: SECURITY,
    },
    Role {
        name: "API Management Service Reader Role",
        id: "71522526-b88f-4d52-b57f-d31fc3546d0d",
        actions: &[
            "Microsoft.ApiManagement/service/*/read",
            "Microsoft.ApiManagement/service/read",
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.ResourceHealth/availabilityStatuses/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Support/*",
        ],
        not_actions: &["Microsoft.ApiManagement/service/users/keys/read"],
        data_actions: &[],
        source: INTEGRATION,
    },
    Role {
        name: "Azure Deployment Stack Contributor",
        id: "bf7f8882-3383-422a-806a-6526c631a88a",
        actions: STACK_ACTIONS,
        not_actions: &["Microsoft.Resources/deploymentStacks/manageDenySetting/action"],
        data_actions: &[],
        source: STACKS,
    },
    Role {
        name: "Azure Deployment Stack Owner",
        id: "adb29209-aa1d-457b-a786-c913953d2891",
        actions: STACK_ACTIONS,
        not_actions: &[],
        data_actions: &[],
        source: STACKS,
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
            "Microsoft.ApiManagement/service/updatecertificate/action",
            "Microsoft.ApiManagement/service/updatehostname/action",
            "Microsoft.ApiManagement/service/write",
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.ResourceHealth/availabilityStatuses/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Support/*",
        ],
        not_actions: &["Microsoft.ApiManagement/service/users/keys/read"],
        data_actions: &[],
        source: INTEGRATION,
    },
    Role {
        name: "API Management Service Contributor",
        id: "312a565d-c81f-4fd8-895a-4e21e48d571c",
        actions: &[
            "Microsoft.ApiManagement/service/*",
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.ResourceHealth/availabilityStatuses/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Support/*",
        ],
        not_actions: &[],
        data_actions: &[],
        source: INTEGRATION,
    },
    Role {
        name: "Reader",
        id: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        actions: &["*/read"],
        not_actions: &[],
        data_actions: &[],
        source: GENERAL,
    },
    Role {
        name: "User Access Administrator",
        id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        actions: &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        not_actions: &[],
        data_actions: &[],
        source: PRIVILEGED,
    },
    Role {
        name: "Contributor",
        id: "b24988ac-6180-42a0-ab88-20f7382dd24c",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
        ],
        data_actions: &[],
        source: PRIVILEGED,
    },
    Role {
        name: "Owner",
        id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        actions: &["*"],
        not_actions: &[],
        data_actions: &[],
        source: PRIVILEGED,
    },
];

/// The role with this name.
pub fn role(name: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.name == name)
}

/// The narrowest role that has an action.
pub(super) fn narrowest(action: &str) -> Option<&'static Role> {
    let is = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, action));
    ROLES
        .iter()
        .find(|role| is(role.actions) && !is(role.not_actions))
}
