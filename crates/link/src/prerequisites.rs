//! What the target must have beside what is said where it is missed: what the project lists
//! as managed elsewhere, vaults and identities, and the values of secrets.

use crate::expression::Parameter;
use flux_apim_diag::{Findings, Place};
use flux_apim_discover::{Project, elsewhere};
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Identified, parse_id};
use flux_apim_policy::{ReferenceKind, identity};
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
        let key = parse_id(id);
        let (kind, name) = match (&key, elsewhere(id)) {
            (Identified::Resource(key), _) => (key.kind.label(), key.name()),
            (_, Some(named)) => named,
            _ => ("resource", id),
        };
        findings.need_external(kind, name, id, &config);
    }
    for resource in project.resources.values() {
        let place = resource.place().map_or(Place::Source, Place::from);
        in_properties(resource.key.kind, &resource.properties, &place, findings);
    }
    let secrets = parameters.iter().filter(|(_, known)| known.is_secure());
    for (name, _) in secrets {
        findings.need("secret value", name, &Place::Source);
    }
}

/// The texts of a list, or the one that stands alone.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let all = std::iter::once(value).chain(value.items());
    all.filter_map(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// Vaults, the identities that read them or stand for the service elsewhere, and the
/// certificates that it shows to backends or by which gateways are called.
fn in_properties(kind: Kind, value: &Value, place: &Place, findings: &mut Findings) {
    findings.budget().spend(1, place.clone());
    match &value.data {
        Data::Object(entries) => {
            for entry in entries {
                let here = entry.value.place().map_or(place.clone(), Place::from);
                match (entry.key.as_str(), entry.value.as_str()) {
                    ("secretIdentifier", Some(id)) if !id.is_empty() => {
                        let client = value.get("identityClientId").and_then(Value::as_str);
                        let who = identity(client.unwrap_or(""));
                        findings.need("Key Vault", host(id), &here);
                        findings.need("managed identity", who, &here);
                        let access = format!("{who} reads secrets of {}", host(id));
                        findings.need("Key Vault access", &access, &here);
                    }
                    ("identityClientId", Some(id)) if !id.is_empty() => {
                        findings.need("managed identity", identity(id), &here);
                    }
                    ("certificateIds" | "certificateId" | "clientCertificateId", _) => {
                        for id in texts(&entry.value) {
                            let name = id.rsplit('/').next().unwrap_or(id);
                            let id = format!("certificates/{name}");
                            findings.need_external("certificate", name, &id, &here);
                        }
                    }
                    ("certificate" | "clientCertificatethumbprint", _) if kind == Kind::Backend => {
                        for thumbprint in texts(&entry.value) {
                            let what = ReferenceKind::Thumbprint.label();
                            findings.need(what, thumbprint, &here);
                        }
                    }
                    _ => in_properties(kind, &entry.value, &here, findings),
                }
            }
        }
        Data::Array(items) => items
            .iter()
            .for_each(|item| in_properties(kind, item, place, findings)),
        _ => {}
    }
}

/// The vault of the id of a secret.
fn host(id: &str) -> &str {
    let from = id.find("://").map_or(0, |at| at + 3);
    let end = id[from..].find('/').map_or(id.len(), |at| from + at);
    &id[..end]
}
