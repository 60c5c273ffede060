//! What each resource takes of the limits, and which ones Bicep cannot spell.

use super::super::arm;
use super::content::Load;
use super::json::stays;
use super::limits::{MAX_DEPTH, MAX_TEXT, Weight, exceeds};
use flux_apim_diag::{Budget, Place};
use flux_apim_link::{Expression, Linked, Node};
use flux_apim_model::Key;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// What is known of a resource before it is placed in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// Whether it is an ARM template of its own: it has what the compiler does not take.
    pub(super) is_template: bool,
    /// What its declaration takes of its file.
    pub(super) weight: Weight,
    /// Bytes as a resource of an ARM template.
    pub(super) resource: usize,
    /// Bytes in the compiled template, at most.
    pub(super) compiled: usize,
}

/// Of a template of its own, and of what calls it.
const TEMPLATE: usize = 1500;

/// Of each resource.
pub(super) fn all(graph: &Linked, loads: &[Load], budget: &Budget) -> Vec<Measure> {
    let nodes = (0..graph.nodes().len()).into_par_iter();
    nodes
        .map(|i| {
            let measure = one(graph, i, loads);
            budget.spend(super::writing(measure.resource), Place::Source);
            measure
        })
        .collect()
}

fn one(graph: &Linked, i: usize, loads: &[Load]) -> Measure {
    let node = &graph.nodes()[i];
    let mut found = Found {
        loads,
        is_template: false,
        ids: BTreeSet::new(),
        contents: Vec::new(),
    };
    found.entries(&node.properties, 0);
    let is_template = found.is_template;
    let files = found
        .contents
        .iter()
        .filter(|&&index| loads[index].is_file());
    let weight = Weight {
        resources: 1 + if is_template { 0 } else { found.ids.len() },
        loads: if is_template { 0 } else { files.count() },
    };
    let resource = arm::size(graph, i);
    let contents = found.contents.iter();
    let (escaped, compiled) = contents.fold((0, 0), |(escaped, compiled), &index| {
        let content = &graph.contents()[index];
        (
            escaped + content.json_len,
            compiled + loads[index].compiled(content),
        )
    });
    Measure {
        is_template,
        weight,
        resource,
        // Its lines stand deeper in a module than in a template.
        compiled: 2 * resource.saturating_sub(escaped)
            + compiled
            + if is_template { TEMPLATE } else { 0 },
    }
}

/// What the walk through the properties of a resource finds.
struct Found<'g> {
    loads: &'g [Load],
    is_template: bool,
    ids: BTreeSet<&'g Key>,
    contents: Vec<usize>,
}

impl<'g> Found<'g> {
    fn entries(&mut self, entries: &'g [(String, Expression)], depth: usize) {
        for (key, value) in entries {
            self.is_template |= exceeds(key, MAX_TEXT);
            self.value(value, depth + 1);
        }
    }

    fn value(&mut self, value: &'g Expression, depth: usize) {
        self.is_template |= depth > MAX_DEPTH;
        match value {
            Expression::Null | Expression::Bool(_) => {}
            Expression::ServiceId | Expression::Parameter(_) => {}
            Expression::Number(digits) => self.is_template |= !stays(digits),
            Expression::String(text) => self.is_template |= exceeds(text, MAX_TEXT),
            Expression::Id(key) => {
                self.ids.insert(key);
            }
            Expression::Content(index) => {
                self.is_template |= matches!(self.loads[*index], Load::No);
                self.contents.push(*index);
            }
            Expression::Array(items) => {
                for item in items {
                    self.value(item, depth + 1);
                }
            }
            Expression::Object(entries) => self.entries(entries, depth),
        }
    }
}

/// Whether `node` is a link and nothing else: the links of one parent are a loop.
pub(super) fn is_link(node: &Node) -> bool {
    node.properties.is_empty() && !node.key.kind.row().has_properties && node.only_with.is_none()
}
