//! Schemas that operations name and the tree does not have: API Management gives those of
//! an import new ids each time, and exports operations with the old ones.

use crate::rules::dropped_schema_id;
use flux_apim_diag::{Findings, Place, Span};
use flux_apim_discover::Project;
use flux_apim_model::Key;
use flux_apim_model::kinds::Kind;
use flux_apim_syntax::{Data, Value};
use std::collections::BTreeSet;

/// Removes `schemaId`, and the `typeName` that is nothing without it.
pub(super) fn strip(project: &mut Project, findings: &mut Findings) {
    let known: BTreeSet<Key> = project
        .resources
        .keys()
        .filter(|key| key.kind == Kind::ApiSchema)
        .cloned()
        .collect();
    let external: BTreeSet<String> = project
        .config
        .external
        .iter()
        .map(|id| id.trim_start_matches('/').to_ascii_lowercase())
        .collect();
    for resource in project.resources.values_mut() {
        if resource.key.kind != Kind::ApiOperation {
            continue;
        }
        let api = resource.key.names[0].clone();
        let key = resource.key.clone();
        let is_there = |name: &str| {
            let schema = key.sibling(Kind::ApiSchema, &[&api, name]);
            known.contains(&schema) || external.contains(&schema.to_string().to_ascii_lowercase())
        };
        let mut removed = Removed::default();
        let meter = findings.budget().meter();
        walk(
            &mut resource.properties,
            &is_there,
            &mut removed,
            &mut |steps| {
                meter.spend(steps, Place::Source);
            },
        );
        if let Some((first, span)) = removed.first {
            let place = span.or(resource.place()).map_or(Place::Source, Place::from);
            let name = resource.key.name();
            findings.push(dropped_schema_id::found(place, name, &first, removed.count));
        }
    }
}

#[derive(Default)]
struct Removed {
    first: Option<(String, Option<Span>)>,
    count: usize,
}

fn walk(
    value: &mut Value,
    is_there: &dyn Fn(&str) -> bool,
    removed: &mut Removed,
    spend: &mut dyn FnMut(u64),
) {
    spend(1);
    let missing = value
        .get("schemaId")
        .and_then(|id| Some((id.as_str()?, id.span)));
    let missing = missing.filter(|(id, _)| !id.is_empty() && !is_there(id));
    if let Some((id, span)) = missing {
        let first = (id.to_owned(), span);
        removed.first.get_or_insert(first);
        removed.count += 1;
        value.remove("schemaId");
        value.remove("typeName");
    }
    match &mut value.data {
        Data::Array(items) => {
            for item in items {
                walk(item, is_there, removed, spend);
            }
        }
        Data::Object(entries) => {
            for entry in entries {
                walk(&mut entry.value, is_there, removed, spend);
            }
        }
        _ => {}
    }
}
