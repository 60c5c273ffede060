//! Components: their names, and schemas that only the names tell apart.

use super::changes::Change;
use super::{Check, short};
use crate::circles::circles;
use crate::rules::{
    endless_schema, invalid_component_name, long_reference_chain, optional_discriminator,
    some_services_refuse,
};
use crate::shape::Version;
use flux_apim_syntax::{NodeKind, NodeRef};
use std::collections::HashMap;

/// Branches of a schema that are looked through for its discriminator.
const MAX_BRANCHES: usize = 256;
/// Links of a chain of references that nobody wonders about.
const MAX_CHAIN: usize = 32;

/// The names of components in `node`.
pub(super) fn names<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, folder: Option<NodeRef<'c>>) {
    let folder = folder.and_then(NodeRef::as_str).unwrap_or("");
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    for (key, _) in node.entries() {
        let name = key.as_str().unwrap_or("");
        if name.is_empty() || !name.chars().all(fits) {
            check.say(match check.version {
                Version::V2 => some_services_refuse::component_name(key.span(), name),
                _ => invalid_component_name::found(key.span(), name, folder),
            });
        }
    }
    if check.version == Version::V2 && folder == "definitions" {
        all_of(check, node);
    }
}

/// The components of 3.x.
pub(super) fn schemas<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    check.changes_fields(
        node,
        &[
            ("examples", Change::Examples),
            ("securitySchemes", Change::Security),
            ("links", Change::Links),
            ("callbacks", Change::Callbacks),
        ],
    );
    if let Some(schemas) = node.get("schemas") {
        all_of(check, schemas);
    }
}

fn all_of<'c>(check: &mut Check<'_, 'c>, schemas: NodeRef<'c>) {
    let nodes = schemas.entries().map(|(key, schema)| (schema.index(), key));
    check.components.extend(nodes);
    endless(check, schemas);
    recursion(check, schemas);
    chains(check, schemas);
}

/// The discriminator of `schema` names a property that is required.
pub(super) fn discriminator<'c>(check: &mut Check<'_, 'c>, schema: NodeRef<'c>) {
    let Some((word, discriminator)) = schema.entry("discriminator") else {
        return;
    };
    let property = match check.version {
        Version::V2 => discriminator.as_str(),
        _ => discriminator
            .get("propertyName")
            .and_then(NodeRef::as_scalar),
    };
    let Some(property) = property else {
        return;
    };
    if requires(check, schema, property) {
        return;
    }
    let component = check
        .components
        .get(&schema.index())
        .filter(|_| check.is_root(schema));
    let name = component.and_then(|key| key.as_str());
    let finding = match (check.version, name) {
        (Version::V2, None) => return,
        (Version::V2, Some(name)) => {
            some_services_refuse::discriminator(word.span(), name, property)
        }
        (Version::V30, None) => some_services_refuse::inline_discriminator(word.span(), property),
        (_, name) => optional_discriminator::found(word.span(), name.unwrap_or(""), property),
    };
    check.say(finding);
}

/// Whether `schema` requires `property`, itself or in a branch that has or requires it.
fn requires<'c>(check: &mut Check<'_, 'c>, schema: NodeRef<'c>, property: &str) -> bool {
    let mut open = vec![schema];
    let mut left = MAX_BRANCHES;
    while let Some(schema) = open.pop() {
        let has = schema
            .get("properties")
            .is_some_and(|all| all.get(property).is_some());
        let is_branch = left < MAX_BRANCHES;
        let required = schema.get("required");
        let length = required.map_or(1, |list| (list.end_index() - list.index()) as usize);
        check.spend(1 + length / 4, schema);
        if has_required(schema, property) || is_branch && has {
            return true;
        }
        let words = ["oneOf", "anyOf", "allOf"];
        let mut lists = words.iter().filter_map(|word| schema.get(word));
        let list = lists.find(|list| list.items().next().is_some());
        for branch in list.into_iter().flat_map(NodeRef::items) {
            left -= 1;
            // What leads nowhere, or to too much, is none of this rule.
            let Some(branch) = check.resolve(branch).filter(|_| left > 0) else {
                return true;
            };
            open.push(branch);
        }
    }
    false
}

fn has_required(schema: NodeRef<'_>, property: &str) -> bool {
    let required = schema.get("required").into_iter().flat_map(NodeRef::items);
    required
        .into_iter()
        .any(|item| item.as_scalar() == Some(property))
}

/// Schemas that consist of each other: by references alone, or as parts of `allOf`.
fn endless<'c>(check: &mut Check<'_, 'c>, schemas: NodeRef<'c>) {
    let entries: Vec<_> = schemas.entries().map(|(_, schema)| schema).collect();
    let starts: HashMap<u32, usize> = entries
        .iter()
        .enumerate()
        .map(|(n, node)| (node.index(), n))
        .collect();
    let parts = |schema: NodeRef<'c>| -> Vec<(NodeRef<'c>, usize)> {
        let own = schema.get("$ref");
        let all = schema.get("allOf").into_iter().flat_map(NodeRef::items);
        let all = all.filter_map(|part| part.get("$ref"));
        let references = own.into_iter().chain(all);
        references
            .filter_map(|reference| {
                let pointer = reference.as_str()?.strip_prefix('#')?;
                let target = check.root.pointer(pointer)?;
                Some((reference, *starts.get(&target.index())?))
            })
            .collect()
    };
    let edges: Vec<_> = entries
        .iter()
        .map(|schema| match schema.kind() {
            NodeKind::Object => parts(*schema),
            _ => Vec::new(),
        })
        .collect();
    let targets: Vec<Vec<_>> = edges
        .iter()
        .map(|edges| edges.iter().map(|(_, target)| *target).collect())
        .collect();
    let file = check.files.root;
    let meter = check.files.meter;
    let mut found = Vec::new();
    circles(
        &targets,
        || meter.spend(1, file),
        |way| found.extend(way.last().map(|(schema, edge)| edges[*schema][*edge].0)),
    );
    for reference in found {
        let text = reference.as_str().unwrap_or("");
        check.say(endless_schema::found(short(reference), text));
    }
}

/// Schemas that lead back to themselves, wherever a reference stands in them.
fn recursion<'c>(check: &mut Check<'_, 'c>, schemas: NodeRef<'c>) {
    let document = schemas.document();
    let prefix = match check.version {
        Version::V2 => "#/definitions/",
        _ => "#/components/schemas/",
    };
    let entries: Vec<_> = schemas.entries().collect();
    let numbers = entries.iter().map(|(key, _)| key.as_str().unwrap_or(""));
    let numbers: HashMap<&str, usize> = numbers.zip(0..).collect();
    let mut edges = Vec::new();
    for (_, schema) in &entries {
        check.spend((schema.end_index() - schema.index()) as usize / 16, *schema);
        let inside = schema.index()..schema.end_index().saturating_sub(1);
        let references = inside.filter(|at| document.node(*at).as_str() == Some("$ref"));
        let targets = references.filter_map(|at| {
            let text = document.node(at + 1).as_str()?;
            numbers.get(text.strip_prefix(prefix)?).copied()
        });
        edges.push(targets.collect::<Vec<_>>());
    }
    let (file, meter) = (check.files.root, check.files.meter);
    let mut found = Vec::new();
    circles(
        &edges,
        || meter.spend(1, file),
        |way| found.extend(way.first().map(|(schema, _)| *schema)),
    );
    for schema in found {
        check.changes(Change::Recursion, entries[schema].0.span());
    }
}

/// Chains of schemas that are nothing but references, each looked at once.
fn chains<'c>(check: &mut Check<'_, 'c>, schemas: NodeRef<'c>) {
    // How many links lead on from a schema.
    let mut lengths: HashMap<u32, usize> = HashMap::new();
    let mut longest: Option<(usize, NodeRef<'c>)> = None;
    for (key, schema) in schemas.entries() {
        let mut way = Vec::new();
        let mut next = Some(schema);
        let mut rest = 0;
        while let Some(link) = next {
            check.spend(1, link);
            if let Some(known) = lengths.get(&link.index()) {
                rest = *known + 1;
                break;
            }
            // A circle ends where it begins.
            lengths.insert(link.index(), 0);
            way.push(link);
            let target = check.resolver.of(link);
            next = target.filter(|target| check.is_root(*target));
        }
        for (passed, link) in way.iter().rev().enumerate() {
            lengths.insert(link.index(), rest + passed);
        }
        let length = lengths.get(&schema.index()).copied().unwrap_or(0);
        if longest.is_none_or(|(most, _)| length > most) {
            longest = Some((length, key));
        }
    }
    if let Some((length, key)) = longest.filter(|(length, _)| *length > MAX_CHAIN) {
        check.say(long_reference_chain::found(key.span(), length));
    }
}
