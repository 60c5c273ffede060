//! What may be there once in a service.

use super::{place_of, text};
use crate::rules::{duplicate_api_path, duplicate_api_version, duplicate_display_name};
use flux_apim_diag::{Findings, Place};
use flux_apim_discover::Project;
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Identified, Key, Resource, parse_id};
use std::collections::BTreeMap;

/// APIs that stand for themselves: the others are revisions of theirs.
fn apis(project: &Project) -> impl Iterator<Item = &Resource> {
    let apis = project.resources.values();
    apis.filter(|r| r.key.kind == Kind::Api && !r.unreadable && !r.key.names[0].contains(";rev="))
}

fn version_set(api: &Resource) -> Option<Key> {
    match text(&api.properties, "apiVersionSetId").map(parse_id) {
        Some(Identified::Resource(mut set)) if set.kind == Kind::VersionSet => {
            set.workspace.clone_from(&api.key.workspace);
            Some(set)
        }
        _ => None,
    }
}

/// Paths, without case and slashes at their ends, with the version that makes them others.
/// Trees that were extracted from services have APIs that share the empty path, and APIs
/// without a version beside versions of the same path.
pub(super) fn paths(project: &Project, findings: &mut Findings) {
    let mut first: BTreeMap<(Option<String>, String, String), &Resource> = BTreeMap::new();
    for api in apis(project) {
        let Some(path) = text(&api.properties, "path") else {
            continue;
        };
        let folded = path.trim_matches('/').to_lowercase();
        let version = text(&api.properties, "apiVersion")
            .unwrap_or("")
            .to_lowercase();
        if folded.is_empty() {
            continue;
        }
        let slot = (api.key.workspace.clone(), folded, version);
        let Some(other) = first.get(&slot) else {
            first.insert(slot, api);
            continue;
        };
        let set = version_set(api);
        // That versions of one set differ is checked there.
        if set.is_some() && set == version_set(other) {
            continue;
        }
        let place = place_of(api, api.properties.get("path"));
        let at = place_of(other, other.properties.get("path"));
        findings.push(duplicate_api_path::found(
            place, &api.key, path, &other.key, at,
        ));
    }
}

pub(super) fn versions(project: &Project, findings: &mut Findings) {
    let mut first: BTreeMap<(Key, String), &Resource> = BTreeMap::new();
    for api in apis(project) {
        let Some(set) = version_set(api) else {
            continue;
        };
        let version = text(&api.properties, "apiVersion").unwrap_or("");
        let slot = (set.clone(), version.to_lowercase());
        let Some(other) = first.get(&slot) else {
            first.insert(slot, api);
            continue;
        };
        let place = place_of(api, api.properties.get("apiVersion"));
        let at = place_of(other, other.properties.get("apiVersion"));
        let finding = duplicate_api_version::found(place, &api.key, version, &set, &other.key, at);
        findings.push(finding);
    }
}

/// Display names of products and tags.
pub(super) fn display_names(project: &Project, findings: &mut Findings) {
    let mut first: BTreeMap<(Kind, Option<&str>, String), &Resource> = BTreeMap::new();
    for resource in project.resources.values() {
        let key = &resource.key;
        if !matches!(key.kind, Kind::Product | Kind::Tag) {
            continue;
        }
        let Some(name) = text(&resource.properties, "displayName") else {
            continue;
        };
        let slot = (key.kind, key.workspace.as_deref(), name.to_lowercase());
        let Some(other) = first.get(&slot) else {
            first.insert(slot, resource);
            continue;
        };
        let shown = |r: &Resource| -> Place { place_of(r, r.properties.get("displayName")) };
        let finding =
            duplicate_display_name::found(shown(resource), key, name, &other.key, shown(other));
        findings.push(finding);
    }
}
