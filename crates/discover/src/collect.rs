//! Claims the files of the APIOps layouts and makes resources of them.

use super::config::{is_config, read_value};
use super::rules::{
    duplicate_resource, extractor_filter, incomplete_resource, malformed_information,
    managed_gateway,
};
use super::{Options, Project};
use flux_apim_diag::tree::{FileId, ReadError, SourceTree, relative_to};
use flux_apim_diag::{Diagnostic, Findings, Place, Span};
use flux_apim_model::kinds::{FilePattern, Kind, Role};
use flux_apim_model::{InWorkspace, Key, Origin, Resource};
use flux_apim_syntax::{Data, Format, Value};
use std::collections::btree_map;

/// Makes a resource of every file that a layout knows.
pub(super) fn collect(
    tree: &SourceTree,
    options: &Options,
    project: &mut Project,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let meter = findings.budget().meter();
    for (file, path) in tree.files() {
        // Its path is held against every pattern.
        meter.spend(50, file);
        let Some(relative) = relative_to(path.as_str(), &project.root) else {
            report_filter(tree, file, &project.root, findings);
            continue;
        };
        if is_extractor_filter(relative) {
            findings.push(extractor_filter::found(file));
            continue;
        }
        let is_asked = options.config.as_deref() == Some(path.as_str());
        if is_environment(relative) || is_config(relative) || is_asked {
            continue;
        }
        match claim(relative) {
            Some((key, pattern)) => add(tree, options, project, file, key, pattern, findings)?,
            None => {
                project.unclaimed.insert(file);
            }
        }
        findings.budget().resources(project.resources.len(), file);
    }
    Ok(())
}

fn is_environment(name: &str) -> bool {
    name.starts_with("configuration.") && (name.ends_with(".yaml") || name.ends_with(".yml"))
}

pub(super) fn is_extractor_filter(name: &str) -> bool {
    is_environment(name) && name.starts_with("configuration.extractor.")
}

/// The filter usually lies beside the project, in the parent folder.
fn report_filter(tree: &SourceTree, file: FileId, root: &str, findings: &mut Findings) {
    let parent = root.rsplit_once('/').map_or("", |(parent, _)| parent);
    let path = tree.path(file);
    if path.parent() == parent && is_extractor_filter(path.name()) {
        findings.push(extractor_filter::found(file));
    }
}

/// The resource that `relative` belongs to, and as what.
fn claim(relative: &str) -> Option<(Key, &'static FilePattern)> {
    let segments: Vec<&str> = relative.split('/').collect();
    let (workspace, own) = match segments.as_slice() {
        ["workspaces", name, rest @ ..] if *rest != ["workspaceInformation.json"] => {
            (Some(*name), rest)
        }
        all => (None, all),
    };
    Kind::files().iter().find_map(|file| {
        if workspace.is_some() && file.kind.row().workspace == InWorkspace::Absent {
            return None;
        }
        let names = file.pattern.matches(own)?;
        Some((Key::new(workspace, file.kind, &names), file))
    })
}

fn add(
    tree: &SourceTree,
    options: &Options,
    project: &mut Project,
    file: FileId,
    key: Key,
    pattern: &FilePattern,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let origin = Origin {
        span: whole(tree, file),
        role: pattern.role,
    };
    match pattern.role {
        Role::List => list(tree, options, project, file, &key, origin, findings)?,
        Role::Information if is_managed_gateway(&key) => {
            findings.push(managed_gateway::found(file));
        }
        Role::Information => {
            let Some(value) = read_value(tree, file, Format::Json, options, findings)? else {
                let resource = project
                    .resources
                    .entry(key.clone())
                    .or_insert_with(|| Resource::new(key));
                (resource.declared, resource.unreadable) = (true, true);
                return Ok(());
            };
            let before = findings.len();
            let mut properties = information(file, &key, value, findings);
            embedded(project, file, &key, &mut properties, findings);
            let unreadable = findings.len() > before;
            declare(project, key.clone(), properties, origin, findings);
            if let Some(resource) = project.resources.get_mut(&key) {
                resource.unreadable |= unreadable;
            }
        }
        Role::Policy | Role::Definition | Role::Wiki => {
            let resource = project
                .resources
                .entry(key.clone())
                .or_insert_with(|| Resource::new(key));
            resource.origins.push(origin);
            let place = match pattern.role {
                Role::Policy => &mut resource.policy,
                Role::Wiki => &mut resource.wiki,
                _ => &mut resource.definition,
            };
            if let Some(first) = place.replace(file) {
                match pattern.role {
                    Role::Definition => resource.other_definitions.push(first),
                    _ => {
                        let (key, path) = (&resource.key, tree.path(first));
                        findings.push(duplicate_resource::text(key, file, first, path));
                    }
                }
            }
            // The text of a policy or wiki declares it; the information file of
            // a fragment has no more than a description.
            resource.declared_by_text |= pattern.role != Role::Definition;
        }
        Role::Override => {}
    }
    Ok(())
}

/// Of the definitions of one API, the one that its type asks for, or that APIOps would
/// take: GraphQL first, then JSON.
pub(super) fn choose_definitions(tree: &SourceTree, project: &mut Project) {
    for resource in project.resources.values_mut() {
        if resource.other_definitions.is_empty() {
            continue;
        }
        let kind = ["type", "apiType"].into_iter().find_map(|name| {
            let kind = resource.properties.get(name)?.as_str()?;
            Some(kind.to_ascii_lowercase()).filter(|kind| !kind.is_empty())
        });
        let wanted: &[&str] = match kind.as_deref() {
            Some("soap") => &["wsdl", "xml"],
            Some("odata") => &["edmx", "xml"],
            Some("grpc") => &["proto"],
            Some("graphql") | None => &["graphql"],
            Some(_) => &[],
        };
        let order = [wanted, &["json", "yaml", "yml"]].concat();
        let rank = |file: FileId| {
            let name = tree.path(file).name();
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            order
                .iter()
                .position(|known| *known == extension)
                .unwrap_or(order.len())
        };
        let mut files = std::mem::take(&mut resource.other_definitions);
        files.extend(resource.definition);
        files.sort_by_key(|&file| (rank(file), file));
        resource.definition = files.first().copied();
        resource.other_definitions = files.split_off(1);
        // What is not read makes nothing of the resource.
        let others = &resource.other_definitions;
        resource
            .origins
            .retain(|origin| !others.contains(&origin.span.file));
    }
}

fn whole(tree: &SourceTree, file: FileId) -> Span {
    Span::new(
        file,
        0,
        usize::try_from(tree.size(file)).unwrap_or(usize::MAX),
    )
}

/// `properties` of an information file.
fn information(file: FileId, key: &Key, mut value: Value, findings: &mut Findings) -> Value {
    let has_properties = !key.kind.is_link();
    let place = value.span.map_or(Place::from(file), Place::from);
    let malformed = |message: String| {
        findings.push(malformed_information::found(place, message));
        Value::empty_object()
    };
    if !value.is_object() {
        return malformed(format!(
            "the file holds {}, not an object",
            value.kind_name()
        ));
    }
    match value.remove("properties") {
        Some(properties) if properties.is_object() => properties,
        Some(other) => malformed(format!(
            "`properties` is {}, not an object",
            other.kind_name()
        )),
        None if has_properties => malformed("the file has no `properties`".to_owned()),
        None => Value::empty_object(),
    }
}

/// Links that the information file of their parent lists.
fn embedded(
    project: &mut Project,
    file: FileId,
    parent: &Key,
    properties: &mut Value,
    findings: &mut Findings,
) {
    let links = Kind::ALL
        .iter()
        .filter(|kind| kind.row().parent == Some(parent.kind));
    for kind in links {
        let Some(listed) = kind.row().listed_in.and_then(|key| properties.remove(key)) else {
            continue;
        };
        let items = match &listed.data {
            Data::Array(items) => items,
            Data::Null => continue,
            _ => {
                findings.push(list_finding(file, &listed));
                continue;
            }
        };
        let meter = findings.budget().meter();
        for item in items {
            meter.spend(20, file);
            let name = item.as_str().or_else(|| item.get("name")?.as_str());
            let (Some(name), Some(span)) = (name, item.span) else {
                findings.push(list_finding(file, item));
                continue;
            };
            let key = parent.sibling(*kind, &[&parent.names[0], name]);
            let origin = Origin {
                span,
                role: Role::List,
            };
            declare(project, key, Value::empty_object(), origin, findings);
        }
    }
}

fn declare(
    project: &mut Project,
    key: Key,
    properties: Value,
    origin: Origin,
    findings: &mut Findings,
) {
    let resource = match project.resources.entry(key) {
        btree_map::Entry::Vacant(vacant) => {
            let key = vacant.key().clone();
            vacant.insert(Resource::new(key))
        }
        btree_map::Entry::Occupied(occupied) => occupied.into_mut(),
    };
    if resource.declared && resource.key.kind.is_link() {
        // Trees that were extracted by both tools say each link twice.
        resource.origins.push(origin);
        return;
    }
    if resource.declared {
        let first = resource.place();
        findings.push(duplicate_resource::found(&resource.key, origin.span, first));
        return;
    }
    resource.declared = true;
    resource.properties = properties;
    resource.origins.insert(0, origin);
    let count = project.resources.len();
    findings.budget().resources(count, origin.span);
}

/// `[{"name": "..."}]`: a link for each item.
fn list(
    tree: &SourceTree,
    options: &Options,
    project: &mut Project,
    file: FileId,
    links: &Key,
    origin: Origin,
    findings: &mut Findings,
) -> Result<(), ReadError> {
    let Some(value) = read_value(tree, file, Format::Json, options, findings)? else {
        return Ok(());
    };
    let Data::Array(items) = &value.data else {
        findings.push(list_finding(file, &value));
        return Ok(());
    };
    if links
        .parent()
        .is_some_and(|parent| is_managed_gateway(&parent))
    {
        project.lists_built_in_gateway = true;
    }
    if let (true, Some(parent)) = (items.is_empty(), links.parent()) {
        // It says of the parent that it has none.
        let parent = project
            .resources
            .entry(parent.clone())
            .or_insert_with(|| Resource::new(parent));
        parent.origins.push(origin);
    }
    let meter = findings.budget().meter();
    for item in items {
        meter.spend(20, file);
        let name = item.as_str().or_else(|| item.get("name")?.as_str());
        let (Some(name), Some(span)) = (name, item.span) else {
            findings.push(list_finding(file, item));
            continue;
        };
        let mut key = links.clone();
        key.names.push(name.to_owned());
        let origin = Origin {
            span,
            role: Role::List,
        };
        declare(project, key, Value::empty_object(), origin, findings);
    }
    Ok(())
}

/// The gateway that is built into the service: it has links, and is no resource
/// (Azure/apiops-cli#266).
fn is_managed_gateway(key: &Key) -> bool {
    key.kind == Kind::Gateway && key.name().eq_ignore_ascii_case("managed")
}

fn list_finding(file: FileId, value: &Value) -> Diagnostic {
    let place = value.span.map_or(Place::from(file), Place::from);
    malformed_information::list(place)
}

/// Resources without the file that declares them.
pub(super) fn report_incomplete(tree: &SourceTree, project: &Project, findings: &mut Findings) {
    let meter = findings.budget().meter();
    for resource in project.resources.values() {
        meter.spend(10, resource.place().map_or(Place::Source, Place::from));
        let key = &resource.key;
        let incomplete = if resource.is_declared() {
            // Operations are declared by the API's definition.
            key.parent()
                .filter(|parent| parent.kind != Kind::ApiOperation)
                // Publishers put into a workspace that the service has.
                .filter(|parent| parent.kind != Kind::Workspace)
                .filter(|parent| !is_managed_gateway(parent))
                .filter(|parent| !project.resources.contains_key(parent))
        } else {
            Some(key.clone())
        };
        if incomplete.as_ref().is_some_and(is_managed_gateway) {
            continue;
        }
        if let (Some(missing), Some(place)) = (incomplete, resource.place()) {
            let path = tree.path(place.file);
            findings.push(incomplete_resource::found(&missing, place.file, path));
        }
    }
}
