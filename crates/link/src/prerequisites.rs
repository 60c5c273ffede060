//! What the target must have beside what is said where it is missed: what the project lists
//! as managed elsewhere, vaults and identities, and the values of secrets.

use crate::expression::Parameter;
use flux_apim_diag::{Findings, Place};
use flux_apim_discover::Project;
use flux_apim_model::{Identified, parse_id};
use flux_apim_syntax::{Data, Value};
use std::collections::BTreeMap;

/// Adds them to `findings`.
pub(super) fn find(
    project: &Project,
    parameters: &BTreeMap<String, Parameter>,
    findings: &mut Findings,
) {
    let config = project.config.file.map_or(Place::Source, Place::from);
    for id in &project.config.external {
        let id = id.trim_start_matches('/');
        let (kind, name) = match parse_id(id) {
            Identified::Resource(key) => (key.kind.label(), key.name().to_owned()),
            _ => ("resource", id.to_owned()),
        };
        findings.need(kind, &name, &config);
    }
    for resource in project.resources.values() {
        let place = resource.place().map_or(Place::Source, Place::from);
        vaults(&resource.properties, &place, findings);
    }
    let secrets = parameters.iter().filter(|(_, known)| known.is_secure());
    for (name, _) in secrets {
        findings.need("secret value", name, &Place::Source);
    }
}

/// Vaults, and the identities that read them or stand for the service elsewhere.
fn vaults(value: &Value, place: &Place, findings: &mut Findings) {
    findings.budget().spend(1, place.clone());
    match &value.data {
        Data::Object(entries) => {
            for entry in entries {
                let here = entry.value.place().map_or(place.clone(), Place::from);
                match (entry.key.as_str(), entry.value.as_str()) {
                    ("secretIdentifier", Some(id)) if !id.is_empty() => {
                        findings.need("Key Vault", host(id), &here);
                        let client = value.get("identityClientId").and_then(Value::as_str);
                        if client.is_none_or(str::is_empty) {
                            findings.need("managed identity", "system-assigned", &here);
                        }
                    }
                    ("identityClientId", Some(id)) if !id.is_empty() => {
                        findings.need("managed identity", id, &here);
                    }
                    _ => vaults(&entry.value, &here, findings),
                }
            }
        }
        Data::Array(items) => items.iter().for_each(|item| vaults(item, place, findings)),
        _ => {}
    }
}

/// The vault of the id of a secret.
fn host(id: &str) -> &str {
    let from = id.find("://").map_or(0, |at| at + 3);
    let end = id[from..].find('/').map_or(id.len(), |at| from + at);
    &id[..end]
}
