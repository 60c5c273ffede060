//! Components: their names, and schemas that only the names tell apart.

use super::shape::Version;
use super::{Check, short};
use crate::rules::{
    endless_schema, invalid_component_name, older_service_refuses, optional_discriminator,
};
use flux_apim_syntax::{Kind, NodeRef};
use std::collections::{HashMap, HashSet};

/// Branches that the search for a discriminator follows, as the readers do.
const MAX_BRANCHES: usize = 64;

/// The names of components in `node`.
pub(super) fn names<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, folder: Option<NodeRef<'c>>) {
    let folder = folder.and_then(NodeRef::as_str).unwrap_or("");
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    for (key, _) in node.entries() {
        let name = key.as_str().unwrap_or("");
        if name.is_empty() || !name.chars().all(fits) {
            check.say(match check.version {
                Version::V2 => older_service_refuses::component_name(key.span(), name),
                _ => invalid_component_name::found(key.span(), name, folder),
            });
        }
    }
    if check.version == Version::V2 && folder == "definitions" {
        all_of(check, node);
    }
}

/// The components of 3.x.
pub(super) fn schemas<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, _: Option<NodeRef<'c>>) {
    if let Some(schemas) = node.get("schemas") {
        all_of(check, schemas);
    }
}

fn all_of<'c>(check: &mut Check<'_, 'c>, schemas: NodeRef<'c>) {
    for (key, schema) in schemas.entries() {
        discriminator(check, key, schema);
    }
    endless(check, schemas);
}

/// A discriminator names a property that is required.
fn discriminator<'c>(check: &mut Check<'_, 'c>, key: NodeRef<'c>, schema: NodeRef<'c>) {
    if schema.get("$ref").is_some() {
        return;
    }
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
    let mut left = MAX_BRANCHES;
    if requires(check, schema, property, &mut left) {
        return;
    }
    let name = key.as_str().unwrap_or("");
    check.say(match check.version {
        Version::V2 => older_service_refuses::discriminator(word.span(), name, property),
        _ => optional_discriminator::found(word.span(), name, property),
    });
}

/// Whether `schema` requires `property`, itself or in the branch that the readers follow:
/// the first one that neither has nor requires it is looked through in turn.
fn requires<'c>(
    check: &Check<'_, 'c>,
    schema: NodeRef<'c>,
    property: &str,
    left: &mut usize,
) -> bool {
    let mut schema = schema;
    loop {
        if has_required(schema, property) {
            return true;
        }
        let branches = ["oneOf", "anyOf", "allOf"];
        let mut lists = branches.iter().filter_map(|word| schema.get(word));
        let Some(list) = lists.find(|list| list.items().next().is_some()) else {
            return false;
        };
        let Some(first) = list.items().next() else {
            return false;
        };
        *left = left.saturating_sub(1);
        // A branch that leads nowhere, or round in a circle, is none of this rule.
        let Some(first) = check.resolve(first).filter(|_| *left > 0) else {
            return true;
        };
        let has = first
            .get("properties")
            .is_some_and(|all| all.get(property).is_some());
        if has || has_required(first, property) {
            return true;
        }
        schema = first;
    }
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
            Kind::Object => parts(*schema),
            _ => Vec::new(),
        })
        .collect();
    let mut done = HashSet::new();
    let mut found = Vec::new();
    for start in 0..edges.len() {
        circles(&edges, start, &mut done, &mut found);
    }
    for reference in found {
        let text = reference.as_str().unwrap_or("");
        check.spend(1, reference);
        check.say(endless_schema::found(short(reference), text));
    }
}

/// The references that close a circle, each schema looked at once.
fn circles<'c>(
    edges: &[Vec<(NodeRef<'c>, usize)>],
    start: usize,
    done: &mut HashSet<usize>,
    found: &mut Vec<NodeRef<'c>>,
) {
    if !done.insert(start) {
        return;
    }
    let mut way = vec![(start, 0)];
    let mut open = HashSet::from([start]);
    while let Some((schema, next)) = way.last_mut() {
        let Some((reference, target)) = edges[*schema].get(*next).copied() else {
            open.remove(schema);
            way.pop();
            continue;
        };
        *next += 1;
        if open.contains(&target) {
            found.push(reference);
        } else if done.insert(target) {
            open.insert(target);
            way.push((target, 0));
        }
    }
}
