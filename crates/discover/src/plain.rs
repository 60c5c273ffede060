//! The plain layout: an OpenAPI document, and beside it `policy.xml` and
//! `operations/<operationId>/policy.xml`.

use super::Project;
use super::config::PlainApis;
use super::rules::{duplicate_resource, unmatched_override};
use flux_apim_diag::tree::{FileId, ReadError, SourceTree, join, relative_to};
use flux_apim_diag::{Findings, Place, Span};
use flux_apim_model::kinds::{Kind, Role};
use flux_apim_model::{Key, Origin, Resource};
use flux_apim_syntax::{Data, Entry, Value};
use std::collections::{BTreeMap, HashMap, hash_map};

/// Names of a document that say nothing about the API.
const GENERIC: [&str; 6] = [
    "openapi",
    "swagger",
    "specification",
    "spec",
    "api",
    "index",
];

/// Makes an API of every folder with an OpenAPI document that no other layout
/// claims.
pub(super) fn collect(
    tree: &SourceTree,
    project: &mut Project,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let mut folders: BTreeMap<String, Vec<FileId>> = BTreeMap::new();
    let meter = findings.budget().meter();
    for &file in &project.unclaimed {
        let path = tree.path(file);
        meter.spend(10, file);
        if is_candidate(path.name()) && !in_declared_api(project, path.parent()) && {
            meter.spend(tree.size(file) / 64, file);
            mentions_version(&tree.read(file)?)
        } {
            folders
                .entry(path.parent().to_owned())
                .or_default()
                .push(file);
        }
    }
    // `specification.yaml` below `apis/` without an information file is plain too.
    let undeclared: Vec<Key> = project
        .resources
        .values()
        .filter(|r| r.key.kind == Kind::Api && !r.declared && r.definition.is_some())
        .map(|r| r.key.clone())
        .collect();
    for key in undeclared {
        if let Some(resource) = project.resources.get_mut(&key) {
            let configured = configured(&mut project.config.apis, &key.names[0], "");
            resource.plain = true;
            resource.properties = properties(&key.names[0], configured.as_ref());
        }
    }
    for (folder, files) in folders {
        for &file in &files {
            let alone = files.len() == 1 && folder != project.root;
            let name = if alone {
                slug(folder.rsplit('/').next().unwrap_or(&folder))
            } else {
                stem_name(tree, file, &project.root)
            };
            add(
                tree,
                file,
                &name,
                alone.then_some(folder.as_str()),
                project,
                findings,
            );
        }
    }
    report_unused(project, findings);
    Ok(())
}

/// The project that a single document makes.
pub(super) fn single(
    tree: &SourceTree,
    file: FileId,
    project: &mut Project,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let name = stem_name(tree, file, &project.root);
    add(tree, file, &name, None, project, findings);
    Ok(())
}

/// Whether a file of this name may hold an OpenAPI document.
pub fn is_candidate(name: &str) -> bool {
    matches!(
        name.rsplit_once('.').map(|(_, extension)| extension),
        Some("json" | "yaml" | "yml")
    )
}

/// Whether a document declares itself: `openapi: 3...` or `swagger: 2...`.
pub fn mentions_version(bytes: &[u8]) -> bool {
    ["openapi", "swagger"].iter().any(|word| {
        memchr::memmem::find_iter(bytes, word.as_bytes()).any(|at| {
            let before = bytes[..at].last().copied().unwrap_or(b'\n');
            let top = match before {
                b'"' | b'\'' => true,
                b'\n' => true,
                _ => bytes[..at] == *b"\xef\xbb\xbf",
            };
            let after: Vec<u8> = bytes[at + word.len()..]
                .iter()
                .copied()
                .filter(|b| !matches!(b, b'"' | b'\'' | b' ' | b'\t'))
                .take(2)
                .collect();
            top && after.first() == Some(&b':') && after.get(1).is_some_and(u8::is_ascii_digit)
        })
    })
}

fn in_declared_api(project: &Project, folder: &str) -> bool {
    let Some(relative) = relative_to(folder, &project.root) else {
        return false;
    };
    let segments: Vec<&str> = relative.split('/').collect();
    let (workspace, own) = match segments.as_slice() {
        ["workspaces", name, rest @ ..] => (Some(*name), rest),
        all => (None, all),
    };
    match own {
        ["apis", name, ..] => project
            .resources
            .get(&Key::new(workspace, Kind::Api, &[name]))
            .is_some_and(|api| api.declared),
        _ => false,
    }
}

fn stem_name(tree: &SourceTree, file: FileId, root: &str) -> String {
    let path = tree.path(file);
    let stem = path
        .name()
        .rsplit_once('.')
        .map_or(path.name(), |(stem, _)| stem);
    let folder = relative_to(path.parent(), root).unwrap_or("");
    if GENERIC.contains(&stem) && !folder.is_empty() {
        slug(folder.rsplit('/').next().unwrap_or(stem))
    } else {
        slug(stem)
    }
}

/// Lower case, everything but letters and digits as single dashes.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "api".to_owned()
    } else {
        slug.chars().take(80).collect()
    }
}

fn add(
    tree: &SourceTree,
    file: FileId,
    name: &str,
    folder: Option<&str>,
    project: &mut Project,
    findings: &mut Findings,
) {
    let path = tree.path(file).as_str();
    let relative = relative_to(path, &project.root).unwrap_or(path);
    let folder_relative = folder
        .and_then(|f| relative_to(f, &project.root))
        .unwrap_or("");
    let configured = configured(&mut project.config.apis, folder_relative, relative);
    let name = configured
        .as_ref()
        .and_then(|c| c.get("name"))
        .and_then(Value::as_str)
        .unwrap_or(name)
        .to_owned();
    let key = Key::new(None, Kind::Api, &[&name]);
    let mut resource = Resource::new(key.clone());
    resource.plain = true;
    resource.definition = Some(file);
    resource.properties = properties(&name, configured.as_ref());
    resource.origins.push(origin(tree, file, Role::Definition));
    project.unclaimed.remove(&file);
    if let Some(first) = project
        .resources
        .get(&key)
        .filter(|r| r.declared || r.plain)
    {
        findings.push(duplicate_resource::document(&name, file, first.place()));
        return;
    }
    // A policy below `apis/<folder>` was claimed under the folder's name.
    project.resources.insert(key.clone(), resource);
    if let Some(folder) = folder {
        policies(tree, folder, &key, project);
    }
}

/// `policy.xml` and `operations/<operationId>/policy.xml` beside a document.
fn policies(tree: &SourceTree, folder: &str, api: &Key, project: &mut Project) {
    let mut insert = |key: Key, file: FileId| {
        let mut resource = Resource::new(key.clone());
        resource.policy = Some(file);
        resource.declared = true;
        resource.origins.push(origin(tree, file, Role::Policy));
        project.unclaimed.remove(&file);
        project.resources.entry(key).or_insert(resource);
    };
    if let Some(file) = tree.find(&join(folder, "policy.xml")) {
        insert(api.sibling(Kind::ApiPolicy, &[&api.names[0]]), file);
    }
    for (file, relative) in tree.below(folder) {
        if let ["operations", operation, "policy.xml"] =
            relative.split('/').collect::<Vec<_>>().as_slice()
        {
            insert(
                api.sibling(Kind::OperationPolicy, &[&api.names[0], operation]),
                file,
            );
        }
    }
}

fn origin(tree: &SourceTree, file: FileId, role: Role) -> Origin {
    Origin {
        span: Span::new(
            file,
            0,
            usize::try_from(tree.size(file)).unwrap_or(usize::MAX),
        ),
        role,
    }
}

/// What `flux-apim.yaml` says of the API in `folder` or `file`.
fn configured(apis: &mut PlainApis, folder: &str, file: &str) -> Option<Value> {
    let api = apis.find([
        Some(file),
        (!folder.is_empty()).then_some(folder),
        folder.strip_prefix("apis/"),
    ])?;
    api.used = true;
    Some(api.value.clone())
}

/// Entries of `apis` in `flux-apim.yaml` without such an API.
fn report_unused(project: &Project, findings: &mut Findings) {
    for api in project.config.apis.unused() {
        let place = api.span.map_or(Place::Source, Place::from);
        findings.push(unmatched_override::plain(place, &api.place));
    }
}

/// What a plain API starts from; its title comes from the definition.
fn properties(name: &str, configured: Option<&Value>) -> Value {
    let mut properties = Value::empty_object();
    properties.set("path", name);
    properties.set("protocols", Value::from(Data::Array(vec!["https".into()])));
    if let Some(configured) = configured {
        let mut given: Vec<(&str, &Value)> = Vec::new();
        for Entry { key, value, .. } in configured.entries() {
            match key.as_str() {
                "name" => {}
                "properties" => {
                    let inner = value.entries().iter();
                    given.extend(inner.map(|entry| (entry.key.as_str(), &entry.value)));
                }
                key => given.push((key, value)),
            }
        }
        set_all(&mut properties, &given);
    }
    properties
}

/// Sets every key of an object, as if one by one.
fn set_all(object: &mut Value, given: &[(&str, &Value)]) {
    let Data::Object(entries) = &mut object.data else {
        return;
    };
    let own = entries.iter().enumerate();
    let mut places: HashMap<String, usize> = own.map(|(at, e)| (e.key.clone(), at)).collect();
    for (key, value) in given {
        match places.entry((*key).to_owned()) {
            hash_map::Entry::Occupied(known) => entries[*known.get()].value = (*value).clone(),
            hash_map::Entry::Vacant(free) => {
                free.insert(entries.len());
                entries.push(Entry {
                    key: (*key).to_owned(),
                    key_span: None,
                    value: (*value).clone(),
                });
            }
        }
    }
}
