//! GraphQL SDL: whether it is a schema that Azure can read.

mod parser;

use crate::circles::circles;
use crate::rules::{endless_input, graphql_without_query, invalid_graphql, unknown_graphql_type};
use flux_apim_diag::tree::FileId;
use flux_apim_diag::{Findings, Meter, nearest};
use parser::Schema;
use std::collections::BTreeMap;

const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

/// Says what is wrong with the schema `text`.
pub(super) fn check(file: FileId, text: &str, meter: &Meter, findings: &mut Findings) {
    let _held = meter.budget().hold(6 * text.len(), file);
    let schema = match parser::parse(file, text, meter) {
        Ok(schema) => schema,
        Err(fault) => return findings.push(invalid_graphql::found(fault.span, &fault.message)),
    };
    for (name, at, first) in &schema.twice {
        findings.push(invalid_graphql::twice(*at, name, *first));
    }
    for (name, at) in &schema.named {
        meter.spend(1, *at);
        let is_known = BUILT_IN.contains(name) || name.starts_with("__");
        if !is_known && !schema.types.contains_key(name) {
            let near = findings.hint(|| {
                let names = schema.types.keys().copied().chain(BUILT_IN);
                nearest(name, names)
            });
            findings.push(unknown_graphql_type::found(*at, name, near));
        }
    }
    let has_query = match schema.roots {
        Some(_) => schema.has_query,
        None => schema.types.contains_key("Query"),
    };
    if !has_query {
        findings.push(match schema.roots {
            Some(at) => graphql_without_query::of_schema(at),
            None => graphql_without_query::found(file),
        });
    }
    endless(file, &schema, meter, findings);
}

/// Inputs that need each other have no value.
fn endless(file: FileId, schema: &Schema<'_>, meter: &Meter, findings: &mut Findings) {
    let numbers: BTreeMap<_, _> = schema.inputs.keys().copied().zip(0..).collect();
    let edges = schema.inputs.values().map(|needed| {
        let known = needed.iter().filter_map(|(name, _)| numbers.get(name));
        known.copied().collect()
    });
    let edges: Vec<Vec<usize>> = edges.collect();
    let inputs: Vec<_> = schema.inputs.iter().collect();
    let step = || meter.spend(1, file);
    circles(&edges, step, |way| {
        let Some((last, edge)) = way.last() else {
            return;
        };
        let (name, needed) = inputs[*last];
        let known = needed.iter().filter(|(name, _)| numbers.contains_key(name));
        if let Some((target, at)) = known.clone().nth(*edge) {
            findings.push(endless_input::found(*at, name, target));
        }
    });
}
