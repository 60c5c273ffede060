//! Deployment order: circles are findings, superfluous dependencies go.

use super::Node;
use crate::diag::{Diagnostic, Findings, Place, rules};
use std::collections::BTreeSet;

/// Sorts `nodes` so that each stands behind what it depends on, ties in key
/// order, and reduces dependencies to those that no other one implies.
pub(super) fn sort(mut nodes: Vec<Node>, findings: &mut Findings) -> Vec<Node> {
    for node in &mut nodes {
        node.depends_on.sort_unstable();
        node.depends_on.dedup();
    }
    let order = topological(&nodes);
    if order.len() < nodes.len() {
        report_circle(&nodes, &order, findings);
        return nodes;
    }
    let reduced: Vec<Vec<usize>> = (0..nodes.len()).map(|i| reduce(&nodes, i)).collect();
    let mut place = vec![0; nodes.len()];
    for (position, &index) in order.iter().enumerate() {
        place[index] = position;
    }
    for (node, mut depends_on) in nodes.iter_mut().zip(reduced) {
        for dependency in &mut depends_on {
            *dependency = place[*dependency];
        }
        depends_on.sort_unstable();
        node.depends_on = depends_on;
    }
    let mut sorted: Vec<(usize, Node)> = place.into_iter().zip(nodes).collect();
    sorted.sort_by_key(|(position, _)| *position);
    sorted.into_iter().map(|(_, node)| node).collect()
}

/// Kahn's algorithm; nodes of a circle are missing from the answer.
fn topological(nodes: &[Node]) -> Vec<usize> {
    let mut waiting: Vec<usize> = nodes.iter().map(|node| node.depends_on.len()).collect();
    let mut dependents = vec![Vec::new(); nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        for &dependency in &node.depends_on {
            dependents[dependency].push(i);
        }
    }
    let mut ready: BTreeSet<usize> = (0..nodes.len()).filter(|&i| waiting[i] == 0).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for &dependent in &dependents[next] {
            waiting[dependent] -= 1;
            if waiting[dependent] == 0 {
                ready.insert(dependent);
            }
        }
    }
    order
}

/// The dependencies of `index` that are not reached through another one.
fn reduce(nodes: &[Node], index: usize) -> Vec<usize> {
    let direct = &nodes[index].depends_on;
    if direct.len() < 2 {
        return direct.clone();
    }
    let mut implied = BTreeSet::new();
    let mut stack: Vec<usize> = direct
        .iter()
        .flat_map(|&dependency| nodes[dependency].depends_on.iter().copied())
        .collect();
    while let Some(next) = stack.pop() {
        if implied.insert(next) {
            stack.extend(nodes[next].depends_on.iter().copied());
        }
    }
    direct
        .iter()
        .copied()
        .filter(|d| !implied.contains(d))
        .collect()
}

fn report_circle(nodes: &[Node], order: &[usize], findings: &mut Findings) {
    let done: BTreeSet<usize> = order.iter().copied().collect();
    let Some(start) = (0..nodes.len()).find(|i| !done.contains(i)) else {
        return;
    };
    // Every node left has a dependency that is left: walking on must return.
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let Some(&next) = nodes[last].depends_on.iter().find(|d| !done.contains(d)) else {
            return;
        };
        if let Some(at) = path.iter().position(|&seen| seen == next) {
            path.drain(..at);
            break;
        }
        path.push(next);
    }
    let names: Vec<String> = path
        .iter()
        .chain(path.first())
        .map(|&i| format!("`{}`", nodes[i].key))
        .collect();
    let place = |i: usize| {
        nodes[i]
            .origins
            .first()
            .map_or(Place::Source, |o| Place::from(o.span))
    };
    let mut finding = Diagnostic::new(
        &rules::DEPENDENCY_CYCLE,
        place(path[0]),
        format!(
            "resources depend on each other in a circle: {}",
            names.join(" -> ")
        ),
    )
    .help("remove one of the references");
    for &i in &path[1..] {
        finding = finding.related(place(i), format!("`{}`", nodes[i].key));
    }
    findings.push(finding);
}
