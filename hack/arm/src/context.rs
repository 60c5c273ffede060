//! Where and for whom a template is deployed.

use serde_json::{Value, json};

use crate::error::ArmError;
use crate::limits::Limits;

/// What a deployment does with resources of its group that its template does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They stay.
    #[default]
    Incremental,
    /// They are deleted.
    Complete,
}

impl Mode {
    /// As `properties.mode` writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "Incremental",
            Self::Complete => "Complete",
        }
    }
}

/// A secret of a vault: `(id of the vault, name of the secret)` to its value.
pub type Secrets<'a> = dyn Fn(&str, &str) -> Option<String> + 'a;

/// A template by the URI, or id of a template spec, that links to it.
pub type Linked<'a> = dyn Fn(&str) -> Option<Value> + 'a;

/// What an expansion knows of the deployment around it. Nothing else: there is no clock and
/// no chance, so that the same context gives the same resources.
#[derive(Clone)]
pub struct Context<'a> {
    /// Where the template is deployed.
    pub place: Place,
    /// Location of the resource group, or of the deployment at another scope.
    pub location: String,
    /// Tags of the resource group.
    pub tags: Value,
    /// The directory.
    pub tenant_id: String,
    /// Name of the deployment.
    pub deployment_name: String,
    /// What `deployment().properties.mode` says.
    pub mode: Mode,
    /// What `deployer()` gives: `objectId`, `tenantId`.
    pub deployer: Value,
    /// What `environment()` gives; that of the public cloud by default.
    pub environment: Value,
    /// `utcNow()`, in seconds since 1970.
    pub now: i64,
    /// What `newGuid()` is made of.
    pub seed: String,
    /// Answers parameters that refer to a secret.
    pub secrets: Option<&'a Secrets<'a>>,
    /// Answers links to templates; without it they are refused as Azure refuses an address
    /// that it cannot read.
    pub linked: Option<&'a Linked<'a>>,
    /// What is taken.
    pub limits: Limits,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("place", &self.place)
            .field("deployment_name", &self.deployment_name)
            .finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// A deployment into a resource group, with zeros for tenant and time.
    pub fn new(subscription_id: &str, resource_group: &str, deployment_name: &str) -> Self {
        let nobody = "00000000-0000-0000-0000-000000000000";
        Self {
            place: Place::ResourceGroup {
                subscription_id: subscription_id.to_owned(),
                name: resource_group.to_owned(),
            },
            location: "westeurope".to_owned(),
            tags: json!({}),
            tenant_id: nobody.to_owned(),
            deployment_name: deployment_name.to_owned(),
            mode: Mode::Incremental,
            deployer: json!({ "objectId": nobody, "tenantId": nobody }),
            environment: public_cloud(),
            now: 0,
            seed: String::new(),
            secrets: None,
            linked: None,
            limits: Limits::default(),
        }
    }

    /// Checks the name of the deployment.
    pub(crate) fn check(&self) -> Result<(), ArmError> {
        let length = self.deployment_name.chars().count();
        let allowed = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
        if length == 0
            || length > self.limits.deployment_name
            || !self.deployment_name.chars().all(allowed)
        {
            // The limits are documented (`best-practices`, `resource-name-rules`), code and
            // sentence are a guess.
            return Err(ArmError::new(
                "InvalidDeploymentName",
                format!(
                    "The deployment name '{}' is not valid. The name can only contain letters, digits, '-', '.', '(', ')' or '_' characters and its length must not exceed '{}'.",
                    self.deployment_name, self.limits.deployment_name
                ),
            ));
        }
        Ok(())
    }
}

/// What a template is deployed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A resource group.
    ResourceGroup {
        /// A GUID.
        subscription_id: String,
        /// Name of the group.
        name: String,
    },
    /// A subscription.
    Subscription {
        /// A GUID.
        subscription_id: String,
    },
    /// A management group.
    ManagementGroup {
        /// Its name.
        name: String,
    },
    /// The tenant.
    Tenant,
}

impl Place {
    /// The id below which resources are; empty for the tenant.
    pub fn id(&self) -> String {
        match self {
            Self::ResourceGroup {
                subscription_id,
                name,
            } => format!("/subscriptions/{subscription_id}/resourceGroups/{name}"),
            Self::Subscription { subscription_id } => format!("/subscriptions/{subscription_id}"),
            Self::ManagementGroup { name } => {
                format!("/providers/Microsoft.Management/managementGroups/{name}")
            }
            Self::Tenant => String::new(),
        }
    }

    pub(crate) fn subscription(&self) -> Option<&str> {
        match self {
            Self::ResourceGroup {
                subscription_id, ..
            }
            | Self::Subscription { subscription_id } => Some(subscription_id),
            _ => None,
        }
    }

    pub(crate) fn resource_group(&self) -> Option<&str> {
        match self {
            Self::ResourceGroup { name, .. } => Some(name),
            _ => None,
        }
    }

    pub(crate) fn management_group(&self) -> Option<&str> {
        match self {
            Self::ManagementGroup { name } => Some(name),
            _ => None,
        }
    }
}

/// The documentation's example for global Azure:
/// <https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-deployment#environment>.
fn public_cloud() -> Value {
    json!({
        "name": "AzureCloud",
        "gallery": "https://gallery.azure.com/",
        "graph": "https://graph.windows.net/",
        "portal": "https://portal.azure.com",
        "graphAudience": "https://graph.windows.net/",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "batch": "https://batch.core.windows.net/",
        "media": "https://rest.media.azure.net",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json",
        "resourceManager": "https://management.azure.com/",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com/",
            "audiences": [
                "https://management.core.windows.net/",
                "https://management.azure.com/",
            ],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "acrLoginServer": ".azurecr.io",
            "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
            "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
            "azureFrontDoorEndpointSuffix": "azurefd.net",
            "keyvaultDns": ".vault.azure.net",
            "sqlServerHostname": ".database.windows.net",
            "storage": "core.windows.net",
        },
    })
}
