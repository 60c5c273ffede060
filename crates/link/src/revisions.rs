//! Revisions, as API Management takes them: the current one first, the others made from it,
//! releases behind them.

use crate::rules::{missing_reference, repeated_revision, revision_keeps_root};
use flux_apim_compile::Texts;
use flux_apim_diag::{Diagnostic, Findings, Place, excerpt};
use flux_apim_discover::Project;
use flux_apim_model::kinds::Kind;
use flux_apim_model::rules::invalid_value;
use flux_apim_model::{Identified, Key, Resource, parse_id};
use flux_apim_syntax::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What all revisions of an API share. "Can't change property Name for non-current
/// revision" (Azure/azure-api-management-devops-resource-kit#316).
const SHARED: [&str; 9] = [
    "displayName",
    "path",
    "description",
    "type",
    "apiType",
    "apiVersion",
    "apiVersionSetId",
    "apiVersionSet",
    "protocols",
];

/// The release that makes a revision current which the tree says is.
const RELEASE: &str = "flux-apim-current";

/// The API and number of the name of a revision that is not current.
fn numbered(key: &Key) -> Option<(Key, &str)> {
    let (root, number) = key.names.first()?.split_once(";rev=")?;
    Some((key.sibling(Kind::Api, &[root]), number))
}

/// Removes folders that repeat the current revision, and brings the others to what Azure
/// takes of them. Returns the APIs without a current revision: what names them is said
/// once, here.
pub(super) fn prepare(project: &mut Project, findings: &mut Findings) -> BTreeSet<Key> {
    let mut repeated: BTreeMap<Key, Diagnostic> = BTreeMap::new();
    let mut without_root: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
    for resource in project.resources.values() {
        let Some((root, number)) = numbered(&resource.key) else {
            continue;
        };
        if resource.key.kind != Kind::Api {
            continue;
        }
        match project.resources.get(&root) {
            Some(current) if current.revision() == number => {
                let place = resource.place().map_or(Place::Source, Place::from);
                let (name, root) = (&resource.key.names[0], &root.names[0]);
                let finding = repeated_revision::found(place, name, root);
                repeated.insert(resource.key.clone(), finding);
            }
            Some(_) => {}
            None => without_root
                .entry(root)
                .or_default()
                .push(resource.key.clone()),
        }
    }
    if !repeated.is_empty() {
        // What belongs to them is not rendered either.
        for resource in project.resources.values() {
            let finding = resource.key.api().and_then(|api| repeated.get_mut(&api));
            if let (Some(finding), Some(place)) = (finding, resource.place())
                && resource.key.kind != Kind::Api
            {
                finding
                    .related
                    .push((place.into(), "nor is this".to_owned()));
            }
        }
        let is_repeated = |key: &Key| key.api().is_some_and(|api| repeated.contains_key(&api));
        project.resources.retain(|key, _| !is_repeated(key));
        findings.extend(repeated.into_values());
    }
    for (root, revisions) in &without_root {
        let place = |key: &Key| project.resources.get(key).and_then(Resource::place);
        let places: Vec<Place> = revisions
            .iter()
            .filter_map(place)
            .map(Place::from)
            .collect();
        let name = excerpt(&root.names[0], 80);
        let what = format!("the tree has revisions of the API `{name}` and not the current one");
        let first = places.first().cloned().unwrap_or(Place::Source);
        let label = root.kind.label();
        findings.need_external(
            label,
            root.name(),
            &format!("apis/{}", root.names[0]),
            &first,
        );
        let mut finding = missing_reference::found(first, &what, &format!("apis/{name}"));
        for place in places.into_iter().skip(1).take(20) {
            finding = finding.related(place, "another revision".to_owned());
        }
        findings.push(finding);
    }
    let with_others: BTreeSet<Key> = project
        .resources
        .keys()
        .filter(|key| key.kind == Kind::Api)
        .filter_map(|key| Some(numbered(key)?.0))
        .collect();
    // Values of the current revisions, which those of others are held against.
    let current: BTreeMap<Key, Current> = project
        .resources
        .values()
        .filter(|resource| with_others.contains(&resource.key))
        .map(|api| {
            let shared = SHARED.map(|name| (name, api.properties.get(name).cloned()));
            let number = api.revision().to_owned();
            (api.key.clone(), Current { number, shared })
        })
        .collect();
    for resource in project.resources.values_mut() {
        if resource.key.kind == Kind::Api {
            revision(resource, &current, findings);
        }
    }
    without_root.into_keys().collect()
}

/// What a current revision says: its number, and what others take from it.
struct Current {
    number: String,
    shared: [(&'static str, Option<Value>); SHARED.len()],
}

/// Brings one revision to what Azure takes.
fn revision(resource: &mut Resource, current: &BTreeMap<Key, Current>, findings: &mut Findings) {
    let key = resource.key.clone();
    let Some((root, number)) = numbered(&key) else {
        // "APIM sometimes fails revisions if isCurrent is set to true" (Azure/apiops).
        resource.properties.remove("isCurrent");
        return;
    };
    let place = resource.place().map_or(Place::Source, Place::from);
    let properties = &mut resource.properties;
    let is_second = properties.get("isCurrent").and_then(Value::as_bool) == Some(true);
    if let Some(value) = properties
        .get("isCurrent")
        .filter(|_| is_second && current.contains_key(&root))
    {
        let place = value.span.map_or(place.clone(), Place::from);
        let finding = invalid_value::second_current_revision(place, &key.names[0], &root.names[0]);
        findings.push(finding);
    }
    // A revision that is made may become the current one (Azure/apiops-cli).
    properties.set("isCurrent", false);
    match properties.get("apiRevision").and_then(Value::as_str) {
        None => properties.set("apiRevision", number),
        Some(given) if given != number => {
            let place = properties
                .get("apiRevision")
                .and_then(|value| value.span)
                .map_or(Place::Source, Place::from);
            findings.push(invalid_value::other_revision(place, given, number));
        }
        Some(_) => {}
    }
    let Some(Current { number, shared }) = current.get(&root) else {
        set_source(properties, &root.names[0]);
        return;
    };
    for (name, value) in shared {
        let own = properties.entry(name);
        let said = own.map(|entry| (entry.value.clone(), entry.value.place().or(entry.key_span)));
        match (value, said) {
            (Some(value), Some((said, span))) => {
                if !same(value, &said) {
                    let place = span.map_or(place.clone(), Place::from);
                    findings.push(revision_keeps_root::found(place, &key.names[0], name));
                    properties.set(name, value.clone());
                }
            }
            (Some(value), None) => properties.set(name, value.clone()),
            (None, Some((said, span))) => {
                if said.as_str() != Some("") {
                    let place = span.map_or(place.clone(), Place::from);
                    findings.push(revision_keeps_root::found(place, &key.names[0], name));
                }
                properties.remove(name);
            }
            (None, None) => {}
        }
    }
    match number.as_str() {
        "1" => set_source(properties, &root.names[0]),
        number => set_source(properties, &format!("{};rev={number}", root.names[0])),
    }
}

fn set_source(properties: &mut Value, source: &str) {
    if properties.get("sourceApiId").is_none() {
        properties.set("sourceApiId", format!("/apis/{source}"));
    }
}

/// Whether two values are written alike.
fn same(a: &Value, b: &Value) -> bool {
    let (mut x, mut y) = (String::new(), String::new());
    a.write_canonical(&mut x);
    b.write_canonical(&mut y);
    x == y || parse_same(a, b)
}

/// Whether two ids name the same resource.
fn parse_same(a: &Value, b: &Value) -> bool {
    match (a.as_str().map(parse_id), b.as_str().map(parse_id)) {
        (Some(Identified::Resource(a)), Some(Identified::Resource(b))) => a == b,
        _ => false,
    }
}

/// Of APIs whose current revision is not the first: the API and what belongs to it is
/// written as that revision, and a release makes it current once all of it is there. On an
/// empty service and on one where another revision is current, the end is the same, and no
/// revision is current without its policies (Azure/azure-api-management-devops-resource-kit
/// #731, Azure/apiops#459). Returns, for each such API, the release that makes it what the
/// tree says: whatever names the API waits for that.
pub(super) fn number_current(project: &mut Project, texts: &mut Texts) -> BTreeMap<Key, Key> {
    let roots: BTreeMap<Key, String> = project
        .resources
        .values()
        .filter(|r| r.key.kind == Kind::Api && numbered(&r.key).is_none())
        .filter(|r| r.revision() != "1" && !r.unreadable)
        .map(|r| (r.key.clone(), r.revision().to_owned()))
        .collect();
    if roots.is_empty() {
        return BTreeMap::new();
    }
    let renamed = |key: &Key| -> Option<Key> {
        let api = key.api()?;
        let number = roots.get(&api).filter(|_| key.kind != Kind::ApiRelease)?;
        let mut key = key.clone();
        key.names[0] = format!("{};rev={number}", api.names[0]);
        Some(key)
    };
    let mut released: BTreeMap<Key, Key> = BTreeMap::new();
    for (key, mut resource) in std::mem::take(&mut project.resources) {
        if key.kind == Kind::ApiRelease
            && let Some((api, number)) = key.api().and_then(|api| roots.get_key_value(&api))
        {
            let named = resource.properties.get("apiId").and_then(Value::as_str);
            let current = format!("{};rev={number}", api.names[0]);
            let of_current = match named.map(parse_id) {
                Some(Identified::Resource(key)) => {
                    key == *api || key == api.sibling(Kind::Api, &[&current])
                }
                Some(_) => false,
                None => true,
            };
            if of_current {
                resource.properties.set("apiId", format!("/apis/{current}"));
                // In the order of keys: the last one stays.
                released.insert(api.clone(), key.clone());
            }
        }
        if let Some(revision) = renamed(&key) {
            resource.key = revision.clone();
            project.resources.insert(revision, resource);
        } else {
            project.resources.insert(key, resource);
        }
    }
    for (api, number) in &roots {
        if released.contains_key(api) {
            continue;
        }
        let mut release = Resource::new(api.sibling(Kind::ApiRelease, &[&api.names[0], RELEASE]));
        release.declared = true;
        let revision = format!("{};rev={number}", api.names[0]);
        release.properties.set("apiId", format!("/apis/{revision}"));
        let current = project.resources.get(&api.sibling(Kind::Api, &[&revision]));
        if let Some(current) = current {
            release.origins.clone_from(&current.origins);
        }
        released.insert(api.clone(), release.key.clone());
        project.resources.insert(release.key.clone(), release);
    }
    rename(&mut texts.definitions, &renamed);
    rename(&mut texts.policies, &renamed);
    rename(&mut texts.contents, &renamed);
    rename(&mut texts.wikis, &renamed);
    released
}

fn rename<T>(map: &mut BTreeMap<Key, T>, renamed: &impl Fn(&Key) -> Option<Key>) {
    *map = std::mem::take(map)
        .into_iter()
        .map(|(key, value)| (renamed(&key).unwrap_or(key), value))
        .collect();
}
