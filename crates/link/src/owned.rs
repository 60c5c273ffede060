//! What API Management makes itself: left out, and there for whatever names it.

use crate::rules::owned_by_azure;
use flux_apim_diag::{Findings, Place};
use flux_apim_discover::Project;
use flux_apim_model::kinds::Kind;
use flux_apim_model::{Identified, Key, Resource, parse_id};
use flux_apim_syntax::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Groups that every service has.
const BUILT_IN_GROUPS: [&str; 3] = ["administrators", "developers", "guests"];

/// The group that every new product is linked to (what its creation answers).
const LINKED_GROUP: &str = "administrators";

/// Takes what Azure makes out of `project`, and says so once for each kind of thing.
pub(super) fn take(project: &mut Project, findings: &mut Findings) -> BTreeSet<Key> {
    let mut taken: BTreeMap<&'static str, Vec<Key>> = BTreeMap::new();
    for resource in project.resources.values() {
        if let Some(what) = what(resource) {
            taken.entry(what).or_default().push(resource.key.clone());
        }
    }
    for (what, keys) in &taken {
        let first = keys.first().and_then(|key| project.resources.get(key));
        let place = first
            .and_then(Resource::place)
            .map_or(Place::Source, Place::from);
        let names: Vec<String> = keys.iter().map(Key::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut finding = owned_by_azure::found(place, what, &names);
        let all = keys.iter().filter_map(|key| project.resources.get(key));
        for origin in all.flat_map(|resource| &resource.origins).skip(1) {
            finding = finding.related(origin.span, "another one");
        }
        findings.push(finding);
    }
    let owned: BTreeSet<Key> = taken.into_values().flatten().collect();
    project.resources.retain(|key, _| !owned.contains(key));
    owned
}

/// Whether every service has `key`, written or not.
pub(super) fn is_built_in(key: &Key) -> bool {
    let mut groups = BUILT_IN_GROUPS.iter();
    key.kind == Kind::Group && groups.any(|group| group.eq_ignore_ascii_case(key.name()))
}

/// Whether Azure gave the name: 24 hexadecimal digits in lower case.
pub(super) fn is_generated(name: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
    name.len() == 24 && name.bytes().all(digit)
}

/// What `resource` is among what Azure makes, in the plural.
fn what(resource: &Resource) -> Option<&'static str> {
    let key = &resource.key;
    if key.workspace.is_some() {
        return None;
    }
    let text = |name: &str| resource.properties.get(name).and_then(Value::as_str);
    match key.kind {
        Kind::Group => {
            let is_system = match text("type") {
                Some(kind) => kind.eq_ignore_ascii_case("system"),
                None => is_built_in(key),
            };
            is_system.then_some("built-in groups")
        }
        Kind::ProductGroup => {
            let is_linked = key.name().eq_ignore_ascii_case(LINKED_GROUP);
            is_linked.then_some("links of products to the group administrators")
        }
        Kind::Subscription if key.name().eq_ignore_ascii_case("master") => {
            Some("subscriptions of the whole service")
        }
        Kind::Subscription => {
            let of_administrator = text("ownerId")
                .is_none_or(|owner| owner.to_ascii_lowercase().ends_with("/users/1"));
            let of_product = text("scope").is_some_and(|scope| {
                matches!(parse_id(scope), Identified::Resource(key) if key.kind == Kind::Product)
            });
            let is_made = is_generated(key.name())
                && text("displayName").is_none_or(|shown| shown.trim().is_empty())
                && of_administrator
                && of_product;
            is_made.then_some("generated subscriptions of products")
        }
        _ => None,
    }
}
