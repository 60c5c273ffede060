//! Four identities, each with only what it needs, as Bicep, Terraform and commands: the
//! publisher, Flux's source-controller, the deployer, and the service itself.

use crate::permission::{Needed, ROLES, Role};
use crate::resources::Resources;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What identity files are written for.
#[derive(Debug, Clone)]
pub struct Identities {
    /// Name of the service.
    pub service: String,
    /// Name of the registry, without its domain; none without a registry of Azure.
    pub registry: Option<String>,
    /// Key vaults that the service reads secrets of, by name.
    pub vaults: BTreeSet<String>,
    /// Actions of the deployer at the service.
    pub needed: Needed,
    /// Who signs the tokens of workloads in the cluster: its OIDC issuer; none without one.
    pub issuer: Option<String>,
}

/// Where source-controller and the deployer run.
const FLUX_SOURCE: &str = "system:serviceaccount:flux-system:source-controller";
const FLUX_DEPLOYER: &str = "system:serviceaccount:flux-system:flux-apim";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Key vaults that the named values of a bundle refer to, by name.
pub fn vaults(resources: &Resources) -> BTreeSet<String> {
    let mut vaults = BTreeSet::new();
    for resource in &resources.list {
        let identifier = &resource.properties["keyVault"]["secretIdentifier"];
        let host = identifier
            .as_str()
            .and_then(|text| text.strip_prefix("https://"));
        let host = host.and_then(|text| text.split('/').next()).unwrap_or("");
        let name = host.split('.').next().unwrap_or("");
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if host.contains(".vault.") && !name.is_empty() && name.bytes().all(word) {
            vaults.insert(name.to_lowercase());
        }
    }
    vaults
}

/// A role by its name; the table has all that are used here.
fn known(name: &str) -> &'static Role {
    ROLES
        .iter()
        .find(|role| role.name == name)
        .unwrap_or(&ROLES[0])
}

/// A name as an identifier: letters, digits and underscores.
fn word(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

impl Identities {
    /// Identities that run in the cluster, with the subjects of their tokens.
    fn federated(&self) -> [(&'static str, &'static str); 2] {
        [("source", FLUX_SOURCE), ("deployer", FLUX_DEPLOYER)]
    }

    /// Roles of the deployer: symbol, end of the name, where it is assigned, and actions.
    fn roles(&self) -> Vec<(&'static str, &'static str, &'static str, &BTreeSet<String>)> {
        let mut roles = vec![("deploy", "deploy", "service", &self.needed.actions)];
        if !self.needed.group.is_empty() {
            roles.push(("templates", "templates", "group", &self.needed.group));
        }
        roles
    }

    /// As a Bicep file for the resource group of the service. The custom role belongs to
    /// that group.
    pub fn bicep(&self) -> String {
        let mut out = String::from(
            "// Identities of flux-apim, each with only what it needs.\n\
             targetScope = 'resourceGroup'\n\n\
             @description('The service of API Management.')\n",
        );
        let _ = writeln!(out, "param serviceName string = {}\n", bicep(&self.service));
        if let Some(registry) = &self.registry {
            let _ = writeln!(
                out,
                "@description('The registry that bundles are published to.')\nparam registryName string = {}\n",
                bicep(registry)
            );
        }
        if let Some(issuer) = &self.issuer {
            let _ = writeln!(
                out,
                "@description('The OIDC issuer of the cluster.')\nparam issuer string = {}\n",
                bicep(issuer)
            );
        }
        out.push_str(
            "@description('Where the identities are.')\nparam location string = resourceGroup().location\n\n\
             resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {\n  name: serviceName\n}\n\n",
        );
        for (name, what) in [
            ("publisher", "publishes bundles"),
            ("source", "is Flux's source-controller, which reads bundles"),
            ("deployer", "deploys bundles"),
        ] {
            let _ = write!(
                out,
                "// It {what}.\nresource {name} 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {{\n  \
                 name: '${{serviceName}}-{name}'\n  location: location\n}}\n\n"
            );
        }
        if self.issuer.is_some() {
            for (name, subject) in self.federated() {
                let _ = write!(
                    out,
                    "resource {name}Workload \
                     'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = {{\n  \
                     parent: {name}\n  name: 'flux'\n  properties: {{\n    issuer: issuer\n    subject: {}\n    \
                     audiences: [\n      {}\n    ]\n  }}\n}}\n\n",
                    bicep(subject),
                    bicep(AUDIENCE)
                );
            }
        }
        if self.registry.is_some() {
            out.push_str(
                "resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {\n  \
                 name: registryName\n}\n\n",
            );
            for (who, role) in [("publisher", "AcrPush"), ("source", "AcrPull")] {
                out.push_str(&bicep_assignment(
                    &format!("{who}Registry"),
                    "registry",
                    who,
                    known(role),
                ));
            }
        }
        out.push_str("// Exactly the actions that deploying this bundle takes.\n");
        for (symbol, suffix, scope, actions) in self.roles() {
            let scope_line = match scope {
                "service" => "  scope: service\n",
                _ => "",
            };
            let scope_id = match scope {
                "service" => "service.id",
                _ => "resourceGroup().id",
            };
            let _ = write!(
                out,
                "resource {symbol} 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {{\n  \
                 name: guid(resourceGroup().id, serviceName, 'flux-apim {suffix}')\n  properties: {{\n    \
                 roleName: 'flux-apim {suffix} ${{serviceName}}'\n    \
                 description: 'What flux-apim needs to deploy to ${{serviceName}}.'\n    type: 'CustomRole'\n    \
                 assignableScopes: [\n      resourceGroup().id\n    ]\n    permissions: [\n      {{\n        \
                 actions: [\n"
            );
            for action in actions {
                let _ = writeln!(out, "          {}", bicep(action));
            }
            let _ = write!(
                out,
                "        ]\n        notActions: []\n      }}\n    ]\n  }}\n}}\n\n\
                 resource {symbol}Assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{\n\
                 {scope_line}  name: guid({scope_id}, deployer.id, {symbol}.id)\n  properties: {{\n    \
                 principalId: deployer.properties.principalId\n    principalType: 'ServicePrincipal'\n    \
                 roleDefinitionId: {symbol}.id\n  }}\n}}\n"
            );
        }
        if !self.vaults.is_empty() {
            out.push_str(
                "\n// The service reads secrets with its own identity, which it must have \
                 (identity.type SystemAssigned).\n",
            );
        }
        for vault in &self.vaults {
            let symbol = format!("vault_{}", word(vault));
            let _ = write!(
                out,
                "resource {symbol} 'Microsoft.KeyVault/vaults@2023-07-01' existing = {{\n  name: {}\n}}\n\n",
                bicep(vault)
            );
            let role = known("Key Vault Secrets User");
            let _ = write!(
                out,
                "resource {symbol}_secrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{\n  \
                 scope: {symbol}\n  name: guid({symbol}.id, service.id, '{id}')\n  properties: {{\n    \
                 principalId: service.identity.principalId\n    principalType: 'ServicePrincipal'\n    \
                 roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{id}') // {name}\n  \
                 }}\n}}\n",
                id = role.id,
                name = role.name
            );
        }
        out
    }

    /// As a Terraform file for the provider `azurerm`.
    pub fn terraform(&self) -> String {
        let mut out = String::from(
            "# Identities of flux-apim, each with only what it needs.\n\n\
             variable \"resource_group\" {\n  type        = string\n  description = \"Resource group of the service.\"\n}\n\n",
        );
        let _ = write!(
            out,
            "data \"azurerm_resource_group\" \"group\" {{\n  name = var.resource_group\n}}\n\n\
             data \"azurerm_api_management\" \"service\" {{\n  name                = {}\n  \
             resource_group_name = data.azurerm_resource_group.group.name\n}}\n\n",
            hcl(&self.service)
        );
        for name in ["publisher", "source", "deployer"] {
            let _ = write!(
                out,
                "resource \"azurerm_user_assigned_identity\" \"{name}\" {{\n  name                = {}\n  \
                 resource_group_name = data.azurerm_resource_group.group.name\n  \
                 location            = data.azurerm_resource_group.group.location\n}}\n\n",
                hcl(&format!("{}-{name}", self.service))
            );
        }
        if let Some(issuer) = &self.issuer {
            for (name, subject) in self.federated() {
                let _ = write!(
                    out,
                    "resource \"azurerm_federated_identity_credential\" \"{name}\" {{\n  name                = \"flux\"\n  \
                     resource_group_name = data.azurerm_resource_group.group.name\n  \
                     parent_id           = azurerm_user_assigned_identity.{name}.id\n  issuer              = {}\n  \
                     subject             = {}\n  audience            = [{}]\n}}\n\n",
                    hcl(issuer),
                    hcl(subject),
                    hcl(AUDIENCE)
                );
            }
        }
        if let Some(registry) = &self.registry {
            let _ = write!(
                out,
                "data \"azurerm_container_registry\" \"registry\" {{\n  name                = {}\n  \
                 resource_group_name = data.azurerm_resource_group.group.name\n}}\n\n",
                hcl(registry)
            );
            for (who, role) in [("publisher", "AcrPush"), ("source", "AcrPull")] {
                let _ = write!(
                    out,
                    "resource \"azurerm_role_assignment\" \"{who}_registry\" {{\n  \
                     scope                = data.azurerm_container_registry.registry.id\n  \
                     role_definition_name = \"{role}\"\n  \
                     principal_id         = azurerm_user_assigned_identity.{who}.principal_id\n}}\n\n"
                );
            }
        }
        out.push_str("# Exactly the actions that deploying this bundle takes.\n");
        for (n, (symbol, suffix, scope, actions)) in self.roles().into_iter().enumerate() {
            let scope = match scope {
                "service" => "data.azurerm_api_management.service.id",
                _ => "data.azurerm_resource_group.group.id",
            };
            let _ = write!(
                out,
                "{}resource \"azurerm_role_definition\" \"{symbol}\" {{\n  name        = {}\n  \
                 scope       = data.azurerm_resource_group.group.id\n  description = {}\n\n  \
                 permissions {{\n    actions = [\n",
                if n > 0 { "\n" } else { "" },
                hcl(&format!("flux-apim {suffix} {}", self.service)),
                hcl(&format!(
                    "What flux-apim needs to deploy to {}.",
                    self.service
                ))
            );
            for action in actions {
                let _ = writeln!(out, "      {},", hcl(action));
            }
            let _ = write!(
                out,
                "    ]\n  }}\n}}\n\nresource \"azurerm_role_assignment\" \"{symbol}\" {{\n  \
                 scope              = {scope}\n  \
                 role_definition_id = azurerm_role_definition.{symbol}.role_definition_resource_id\n  \
                 principal_id       = azurerm_user_assigned_identity.deployer.principal_id\n}}\n"
            );
        }
        for vault in &self.vaults {
            let symbol = word(vault);
            let _ = write!(
                out,
                "\ndata \"azurerm_key_vault\" \"{symbol}\" {{\n  name                = {}\n  \
                 resource_group_name = data.azurerm_resource_group.group.name\n}}\n\n\
                 resource \"azurerm_role_assignment\" \"{symbol}_secrets\" {{\n  \
                 scope                = data.azurerm_key_vault.{symbol}.id\n  \
                 role_definition_name = \"Key Vault Secrets User\"\n  \
                 principal_id         = data.azurerm_api_management.service.identity[0].principal_id\n}}\n",
                hcl(vault)
            );
        }
        out
    }

    /// As commands of the Azure CLI, for a shell. `RESOURCE_GROUP` names the group of the
    /// service, the registry and the vaults.
    pub fn commands(&self) -> String {
        let service = shell(&self.service);
        let mut out = String::from(
            "#!/bin/sh\n# Identities of flux-apim, each with only what it needs.\nset -eu\n\
             : \"${RESOURCE_GROUP:?name the resource group of the service}\"\n",
        );
        let _ = write!(
            out,
            "GROUP=$(az group show --name \"$RESOURCE_GROUP\" --query id --output tsv)\n\
             SERVICE=$(az apim show --resource-group \"$RESOURCE_GROUP\" --name {service} --query id --output tsv)\n\n"
        );
        for name in ["publisher", "source", "deployer"] {
            let identity = shell(&format!("{}-{name}", self.service));
            let variable = name.to_uppercase();
            let _ = writeln!(
                out,
                "{variable}=$(az identity create --resource-group \"$RESOURCE_GROUP\" --name {identity} \
                 --query principalId --output tsv)"
            );
        }
        if let Some(issuer) = &self.issuer {
            for (name, subject) in self.federated() {
                let identity = shell(&format!("{}-{name}", self.service));
                let _ = writeln!(
                    out,
                    "az identity federated-credential create --resource-group \"$RESOURCE_GROUP\" --identity-name \
                     {identity} --name flux --issuer {} --subject {} --audiences {AUDIENCE}",
                    shell(issuer),
                    shell(subject)
                );
            }
        }
        let assign = |out: &mut String, who: &str, role: &str, scope: &str| {
            let _ = writeln!(
                out,
                "az role assignment create --assignee-object-id \"{who}\" --assignee-principal-type ServicePrincipal \
                 --role \"{role}\" --scope \"{scope}\""
            );
        };
        if let Some(registry) = &self.registry {
            let _ = writeln!(
                out,
                "\nREGISTRY=$(az acr show --name {} --query id --output tsv)",
                shell(registry)
            );
            assign(&mut out, "$PUBLISHER", "AcrPush", "$REGISTRY");
            assign(&mut out, "$SOURCE", "AcrPull", "$REGISTRY");
        }
        out.push_str("\n# Exactly the actions that deploying this bundle takes.\n");
        for (_, suffix, scope, actions) in self.roles() {
            let name = format!("flux-apim {suffix} {}", self.service);
            let definition = serde_json::json!({
                "Name": name,
                "Description": format!("What flux-apim needs to deploy to {}.", self.service),
                "Actions": actions,
                "NotActions": [],
                "AssignableScopes": ["GROUP"],
            });
            let definition = pretty(&definition).replace("\"GROUP\"", "\"'\"$GROUP\"'\"");
            let _ = writeln!(
                out,
                "az role definition create --role-definition '{definition}'"
            );
            let scope = if scope == "service" {
                "$SERVICE"
            } else {
                "$GROUP"
            };
            assign(&mut out, "$DEPLOYER", &name, scope);
        }
        if !self.vaults.is_empty() {
            let _ = writeln!(
                out,
                "\n# The service reads secrets with its own identity.\nOWN=$(az apim update --resource-group \
                 \"$RESOURCE_GROUP\" --name {service} --enable-managed-identity true --query identity.principalId \
                 --output tsv)"
            );
        }
        for vault in &self.vaults {
            let scope = format!(
                "$(az keyvault show --name {} --query id --output tsv)",
                shell(vault)
            );
            assign(&mut out, "$OWN", "Key Vault Secrets User", &scope);
        }
        out
    }
}

fn bicep_assignment(symbol: &str, scope: &str, who: &str, role: &Role) -> String {
    format!(
        "resource {symbol} 'Microsoft.Authorization/roleAssignments@2022-04-01' = {{\n  scope: {scope}\n  \
         name: guid({scope}.id, {who}.id, '{id}')\n  properties: {{\n    \
         principalId: {who}.properties.principalId\n    principalType: 'ServicePrincipal'\n    \
         roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{id}') // {name}\n  }}\n}}\n\n",
        id = role.id,
        name = role.name
    )
}

/// A string of Bicep.
fn bicep(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('\'', "\\'")
        .replace("${", "\\${");
    format!("'{}'", escaped.replace(['\n', '\r'], " "))
}

/// A string of HCL.
fn hcl(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    let escaped = escaped.replace("${", "$${").replace("%{", "%%{");
    format!("\"{}\"", escaped.replace(['\n', '\r'], " "))
}

/// A word of a shell.
fn shell(text: &str) -> String {
    format!(
        "'{}'",
        text.replace('\'', "'\\''").replace(['\n', '\r'], " ")
    )
}

/// JSON in lines; actions and names hold no single quotes.
fn pretty(value: &Json) -> String {
    serde_json::to_string_pretty(value)
        .unwrap_or_default()
        .replace('\'', "")
}
